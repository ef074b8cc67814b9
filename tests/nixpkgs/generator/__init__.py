"""Writes the stand-in nixpkgs' view of this machine: see ../README.md."""
