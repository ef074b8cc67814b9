//! Starter specs: for each agent that the registry knows, and for a shell.

#[cfg(test)]
mod tests;

use jail_registry::{BUILDERS, Builder, GROUP_MARK, Preset, State};

/// The program that is not an agent.
pub const SHELL: &str = "shell";

/// What [`spec`] knows: the shell first, then the agents.
pub fn programs() -> impl Iterator<Item = &'static str> {
    std::iter::once(SHELL).chain(agents().map(|(name, ..)| name))
}

/// A commented spec to start from, or `None` for a program that is not known.
#[must_use]
pub fn spec(program: &str) -> Option<String> {
    if program == SHELL {
        return Some(include_str!("shell.jail").into());
    }
    let (name, builder, preset) = agents().find(|(name, ..)| *name == program)?;
    let state: String =
        preset.state.iter().map(|state| format!("#     {}\n", path(state))).collect();
    let spec = include_str!("agent.jail")
        .replace("makeJailedAgent", builder.name)
        .replace("AGENT", name)
        .replace("HOSTS", &hosts(preset))
        .replace("#     STATE\n", &state);
    Some(spec)
}

/// The agents by the name that people know them by: that of the command, without what says that it
/// is jailed.
fn agents() -> impl Iterator<Item = (&'static str, &'static Builder, &'static Preset)> {
    BUILDERS.iter().filter_map(|builder| {
        let preset = builder.preset?;
        let name = preset.command.strip_prefix("jailed-").unwrap_or(preset.command);
        Some((name, builder, preset))
    })
}

/// The agent's group of hosts, as a spec names it.
fn hosts(preset: &Preset) -> String {
    preset.hosts().map(|group| format!("{GROUP_MARK}{}", group.name)).unwrap_or_default()
}

fn path(state: &State) -> &'static str {
    match state {
        State::Directory(path) | State::File(path) => path,
    }
}
