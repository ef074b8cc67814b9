//! Starter specs: for each agent that the registry knows, and for a shell, with what a project is
//! built with.

mod project;

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

pub use project::{Need, Needs};

use jail_registry::{BUILDERS, Builder, GROUP_MARK, Preset, State, names};

/// The program that is not an agent.
pub const SHELL: &str = "shell";

/// What [`spec`] knows: the shell first, then the agents.
pub fn programs() -> impl Iterator<Item = &'static str> {
    std::iter::once(SHELL).chain(agents().map(|(name, ..)| name))
}

/// A commented spec to start from, with what a project needs, or `None` for a program that is not
/// known.
#[must_use]
pub fn spec(program: &str, needs: &Needs) -> Option<String> {
    if program == SHELL {
        return Some(for_shell(include_str!("shell.jail"), needs));
    }
    let (name, builder, preset) = agents().find(|(name, ..)| *name == program)?;
    let state: String =
        preset.state.iter().map(|state| format!("#     {}\n", path(state))).collect();
    let spec = include_str!("agent.jail")
        .replace("makeJailedAgent", builder.name)
        .replace("AGENT", name)
        .replace("HOSTS", &hosts(preset))
        .replace("#     STATE\n", &state);
    Some(for_agent(&spec, hosts(preset), needs))
}

/// Puts what a project needs into the spec of an agent.
fn for_agent(spec: &str, own: String, needs: &Needs) -> String {
    let mut spec = spec.to_owned();
    if !needs.packages.is_empty() {
        let packages = lines(&needs.packages, 4, |name| name.into());
        spec = spec.replace("    # nodejs\n    # python3\n", &packages);
    }
    if !needs.hosts.is_empty() {
        let own = if own.is_empty() { own } else { format!("    \"{own}\"\n") };
        let hosts = lines(&needs.hosts, 4, quoted);
        let list = format!("allowedHosts = [\n{own}{hosts}  ];");
        spec = spec.replace("allowedHosts = \"default\";", &list);
    }
    if !needs.caches.is_empty() {
        let caches = lines(&needs.caches, 4, quoted);
        let list = format!(
            "  # Caches of the jail's own, which stay when it ends; yours are not there.\n  caches = [\n{caches}  ];\n\n"
        );
        spec = spec.replace("  # Further folders.", &format!("{list}  # Further folders."));
    }
    noted(&spec, needs)
}

/// Puts what a project needs into the spec of a shell.
fn for_shell(spec: &str, needs: &Needs) -> String {
    let mut spec = spec.to_owned();
    if !needs.packages.is_empty() {
        let packages = lines(&needs.packages, 4, |name| name.into());
        spec = spec.replace("    jq\n", &format!("    jq\n{packages}"));
    }
    let list = |combinator: &str, needs: &[Need]| {
        format!("  ({combinator} [\n{}  ])\n", lines(needs, 4, quoted))
    };
    if !needs.hosts.is_empty() {
        let old = "  # (network-allow [ \"github.com\" \"@npm\" ])\n";
        spec = spec.replace(old, &list(names::NETWORK_ALLOW, &needs.hosts));
        spec = spec.replace(
            "does not exist inside: no network, no home",
            "does not exist inside: no home",
        );
    }
    if !needs.caches.is_empty() {
        let caches = list(names::CACHES, &needs.caches);
        let text = format!(
            "\n  # Caches of the jail's own, which stay when it ends; yours are not there.\n{caches}]"
        );
        let end = spec.trim_end().strip_suffix(']').unwrap_or(&spec).to_owned();
        spec = format!("{end}{text}\n");
    }
    noted(&spec, needs)
}

/// Adds what a reader should know, before the first line that is no comment.
fn noted(spec: &str, needs: &Needs) -> String {
    let notes: String = needs.notes.iter().map(|note| format!("# {note}.\n")).collect();
    let at = spec.lines().take_while(|line| line.starts_with('#')).map(|line| line.len() + 1).sum();
    match (notes.is_empty(), spec.split_at_checked(at)) {
        (false, Some((head, rest))) => format!("{head}#\n{notes}{rest}"),
        (_, _) => spec.to_owned(),
    }
}

/// One line for each, with the file that says so.
fn lines(needs: &[Need], indent: usize, written: impl Fn(&str) -> String) -> String {
    let mut text = String::new();
    for Need { name, reason } in needs {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:indent$}{} # {reason}", "", written(name));
    }
    text
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
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
