"""Real agents against a fake model, in the jails of their presets."""
