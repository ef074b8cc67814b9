//! `hosts`: the groups of hosts that specs can name.

use std::fmt::Write as _;

use jail_registry::{GROUP_MARK, GROUPS, HostGroup, KnownHost, PRESETS, host_group, nearest};
use serde::Serialize;

use super::Context;
use crate::cli::failure::Failure;
use crate::cli::live::Hosts;
use crate::render::sanitise_json;

pub(in crate::cli) fn run(arguments: &Hosts, context: Context) -> Result<(), Failure> {
    let chosen = match &arguments.group {
        None => GROUPS.iter().collect(),
        Some(name) => vec![found(name)?],
    };
    let text = if arguments.json {
        json(&chosen)?
    } else if arguments.group.is_some() {
        chosen.iter().map(|group| in_full(group)).collect()
    } else {
        list(&chosen)
    };
    context.console.result(&text)
}

/// The group of this name, or of the agent whose command is called so.
fn found(word: &str) -> Result<&'static HostGroup, Failure> {
    let name = word.strip_prefix(GROUP_MARK).unwrap_or(word);
    let of_agent = || {
        let preset = PRESETS.iter().find(|preset| {
            preset.command == name || preset.command.strip_prefix("jailed-") == Some(name)
        })?;
        preset.hosts()
    };
    host_group(name).or_else(of_agent).ok_or_else(|| {
        let help = match nearest(name, GROUPS.iter().map(|group| group.name)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`jailgen hosts` lists all of them".into(),
        };
        Failure::with_help(format!("there is no group of hosts `{word}`"), help)
    })
}

fn list(groups: &[&HostGroup]) -> String {
    let mut text = String::new();
    for group in groups {
        let own = group.hosts.iter().map(|known| known.host.to_owned());
        let nested = group.groups.iter().map(|name| format!("{GROUP_MARK}{name}"));
        let hosts: Vec<String> = own.chain(nested).collect();
        let name = format!("{GROUP_MARK}{}", group.name);
        let _ = writeln!(text, "{name:<15} {}\n    {}", group.summary, hosts.join(" "));
    }
    text
}

fn in_full(group: &HostGroup) -> String {
    let mut text = format!("{GROUP_MARK}{}: {}\n", group.name, group.summary);
    for KnownHost { host, purpose, source } in group.all() {
        let _ = writeln!(text, "  {host}\n      {purpose}; {source}");
    }
    text
}

#[derive(Serialize)]
struct Shown {
    groups: Vec<Group>,
}

#[derive(Serialize)]
struct Group {
    name: &'static str,
    summary: &'static str,
    hosts: Vec<Host>,
}

#[derive(Serialize)]
struct Host {
    host: &'static str,
    purpose: &'static str,
    source: &'static str,
}

fn json(groups: &[&HostGroup]) -> Result<String, Failure> {
    let host =
        |known: &KnownHost| Host { host: known.host, purpose: known.purpose, source: known.source };
    let group = |group: &&HostGroup| Group {
        name: group.name,
        summary: group.summary,
        hosts: group.all().map(host).collect(),
    };
    let json = serde_json::to_string_pretty(&Shown { groups: groups.iter().map(group).collect() })
        .map_err(|error| Failure::new(format!("the groups cannot be written: {error}")))?;
    Ok(sanitise_json(&json).into_owned() + "\n")
}
