//! Settings of Claude Code: `sandbox`, and the rules of `permissions` that are about files and
//! hosts. What Claude Code asks about, and what it does by itself, it goes on reading from these
//! settings in the jail.

use super::draft::{Draft, Maker, shown};
use super::hosts::Hosts;
use super::node::{Field, Node};
use super::paths::PathAccess;
use super::srt;
use jail_registry::names;

/// The hosts that Claude Code itself needs.
const OWN_HOSTS: &str = "@claude-code";

/// Settings that say nothing about what a program may reach.
const ITS_OWN: &str = "Claude Code reads this itself, in the jail too";

pub(super) fn read(settings: &Node, draft: &mut Draft) {
    draft.maker = Maker::Builder("makeJailedClaudeCode");
    for permission in
        [names::TIME_ZONE, names::NO_NEW_SESSION, names::GIT_IDENTITY, names::MOUNT_CWD]
    {
        draft.grant(permission);
    }
    draft.writes_project = true;
    let mut hosts = Hosts::with(OWN_HOSTS);
    if let Some(sandbox) = settings.field("sandbox") {
        self::sandbox(sandbox, &mut hosts, draft);
    }
    if let Some(permissions) = settings.field("permissions") {
        self::permissions(permissions, &mut hosts, draft);
    }
    for field in settings.fields() {
        match field.name.as_str() {
            "sandbox" | "permissions" | "$schema" => {}
            "env" => draft.holds("env", ITS_OWN),
            name => draft.holds(name, ITS_OWN),
        }
    }
    hosts.grant(draft);
}

fn sandbox(sandbox: &Node, hosts: &mut Hosts, draft: &mut Draft) {
    if let Some(filesystem) = sandbox.field("filesystem") {
        srt::filesystem(filesystem, draft);
    }
    if let Some(network) = sandbox.field("network") {
        srt::network(network, hosts, draft);
    }
    for field in sandbox.fields() {
        let (name, value) = (field.name.as_str(), &field.value);
        match name {
            "filesystem" | "network" => {}
            "enabled" if value.is_true() => {
                let message = "Claude Code's own sandbox does not start inside a jail";
                draft.left_out(&field.range, message.into(), "the jail is around all of Claude Code; set `sandbox.enabled` to false for it, or grant `allow-nested-sandbox`");
            }
            "enabled" => draft.holds(name, "the jail is there in any case"),
            "excludedCommands" => {
                for element in value.elements() {
                    let what = shown(element.text().unwrap_or("a command"));
                    let message = format!("`{what}` runs inside the jail, like everything");
                    draft.left_out(
                        &element.range,
                        message,
                        "`jail-to-host-channel` runs one script outside that you name",
                    );
                }
            }
            "allowUnsandboxedCommands" if value.is_true() => {
                let message = "no command leaves the jail";
                draft.left_out(
                    &field.range,
                    message.into(),
                    "`jail-to-host-channel` runs one script outside that you name",
                );
            }
            "allowUnsandboxedCommands" | "autoAllowBashIfSandboxed" | "failIfUnavailable" => {
                draft.holds(name, "no command leaves the jail");
            }
            name => srt::setting(name, value, draft),
        }
    }
}

fn permissions(permissions: &Node, hosts: &mut Hosts, draft: &mut Draft) {
    for name in ["allow", "deny", "ask"] {
        for element in permissions.field(name).map_or(&[][..], Node::elements) {
            match element.text().map(Rule::parse) {
                Some(rule) => self::rule(name, &rule, element, hosts, draft),
                None => draft.wrong(name, element, "a list of rules"),
            }
        }
    }
    for field in permissions.fields() {
        match field.name.as_str() {
            "allow" | "deny" | "ask" => {}
            "additionalDirectories" => folders(field, draft),
            name => draft.holds(name, ITS_OWN),
        }
    }
}

fn folders(field: &Field, draft: &mut Draft) {
    for element in field.value.elements() {
        match element.text() {
            Some(path) => {
                draft.path(path, &element.range, PathAccess::Write);
            }
            None => draft.wrong("additionalDirectories", element, "a list of folders"),
        }
    }
}

/// `Tool(what)`.
struct Rule<'a> {
    tool: &'a str,
    what: Option<&'a str>,
    whole: &'a str,
}

impl<'a> Rule<'a> {
    fn parse(rule: &'a str) -> Self {
        match rule.split_once('(') {
            Some((tool, rest)) => {
                Self { tool, what: Some(rest.strip_suffix(')').unwrap_or(rest)), whole: rule }
            }
            None => Self { tool: rule, what: None, whole: rule },
        }
    }
}

fn rule(list: &str, rule: &Rule<'_>, node: &Node, hosts: &mut Hosts, draft: &mut Draft) {
    let is_allowed = list == "allow";
    let is_denied = list == "deny";
    match (rule.tool, rule.what) {
        ("Read", Some(path)) if is_allowed => {
            draft.path(&real_path(path), &node.range, PathAccess::Read);
        }
        ("Edit" | "Write" | "MultiEdit" | "NotebookEdit", Some(path)) if is_allowed => {
            edited(path, node, draft);
        }
        ("Read", Some(path)) if is_denied => {
            draft.denied(&real_path(path), &node.range, PathAccess::Read);
        }
        ("Edit" | "Write" | "MultiEdit" | "NotebookEdit", Some(path)) if is_denied => {
            draft.denied(&real_path(path), &node.range, PathAccess::Write);
        }
        ("WebFetch", Some(what)) if what.starts_with("domain:") => {
            let host = what.trim_start_matches("domain:");
            match list {
                "allow" => hosts.allow(host, &node.range, draft),
                "deny" => hosts.deny(host, &node.range),
                _ => draft.holds(
                    rule.whole,
                    "Claude Code asks, and the jail refuses hosts that are not named",
                ),
            }
        }
        _ if is_denied => {
            let message =
                format!("`{}` is refused by Claude Code, not by the jail", shown(rule.whole));
            draft.left_out(
                &node.range,
                message,
                "it goes on reading this rule; a command that is not in the jail cannot run at all",
            );
        }
        _ => draft.holds(rule.whole, ITS_OWN),
    }
}

/// What may be edited: all of the project may, by the jail.
fn edited(path: &str, node: &Node, draft: &mut Draft) {
    let path = real_path(path);
    match super::paths::named(&path) {
        super::paths::NamedPath::InProject(_) | super::paths::NamedPath::Project => {
            draft.holds(&format!("edit {path}"), "the project can be written");
        }
        _ => {
            draft.path(&path, &node.range, PathAccess::Write);
        }
    }
}

/// A path of a rule: `//x` is absolute, and `/x` is in the project.
fn real_path(path: &str) -> String {
    match path.strip_prefix("//") {
        Some(rest) => format!("/{rest}"),
        None => path.strip_prefix('/').unwrap_or(path).to_owned(),
    }
}
