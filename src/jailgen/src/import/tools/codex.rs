//! Codex' `config.toml`: `sandbox_mode` with `[sandbox_workspace_write]`, or a profile of `[permissions]`. Everything else
//! Codex goes on reading itself, in the jail too.

use super::draft::{Draft, Maker, shown};
use super::hosts::Hosts;
use super::node::{Field, Node};
use super::paths::PathAccess;
use jail_registry::names;

/// The hosts that Codex itself needs.
const OWN_HOSTS: &str = "@codex";

pub(super) fn read(config: &Node, draft: &mut Draft) {
    draft.maker = Maker::Builder("makeJailedCodex");
    for permission in [names::TIME_ZONE, names::NO_NEW_SESSION, names::GIT_IDENTITY] {
        draft.grant(permission);
    }
    let mode = config.field("sandbox_mode").or_else(|| config.field("default_permissions"));
    let is_old = config.field("sandbox_mode").is_some();
    draft.writes_project = !matches!(mode.and_then(Node::text), Some("read-only" | ":read-only"));
    draft.grant(if draft.writes_project { names::MOUNT_CWD } else { names::MOUNT_CWD_READONLY });
    if let Some(mode) =
        mode.filter(|it| it.text().is_some_and(|it| it.ends_with("danger-full-access")))
    {
        let message = "a jail is never without its limits";
        draft.left_out(
            &mode.range,
            message.into(),
            "grant what Codex needs: folders, hosts, packages",
        );
    }
    let mut hosts = Hosts::with(OWN_HOSTS);
    let mut is_open = false;
    if let Some(settings) = config.field("sandbox_workspace_write") {
        is_open = workspace(settings, draft);
    }
    if let Some(name) = mode.filter(|_| !is_old).and_then(Node::text)
        && !name.starts_with(':')
    {
        profile(config, name, mode.map_or(0..0, |it| it.range.clone()), &mut hosts, draft);
    }
    for field in config.fields() {
        own(field, draft);
    }
    if is_open {
        draft.grant(names::INTERNET);
    }
    hosts.grant(draft);
}

fn workspace(settings: &Node, draft: &mut Draft) -> bool {
    let mut is_open = false;
    for field in settings.fields() {
        let (name, value) = (field.name.as_str(), &field.value);
        match name {
            "writable_roots" => {
                for element in value.elements() {
                    match element.text() {
                        Some(path) => {
                            draft.path(path, &element.range, PathAccess::Write);
                        }
                        None => draft.wrong(name, element, "a list of folders"),
                    }
                }
            }
            "network_access" => is_open = value.is_true(),
            "exclude_tmpdir_env_var" | "exclude_slash_tmp" => {
                draft.holds(name, "the jail has temporary folders of its own");
            }
            name => draft.unknown(name, &field.range),
        }
    }
    is_open
}

/// A profile of `[permissions]`.
fn profile(
    config: &Node,
    name: &str,
    range: super::TextRange,
    hosts: &mut Hosts,
    draft: &mut Draft,
) {
    let Some(profile) = config.field("permissions").and_then(|it| it.field(name)) else {
        let message = format!("the profile `{}` is not in this file", shown(name));
        draft.left_out(&range, message, "write what it allows into the spec");
        return;
    };
    for field in profile.fields() {
        let value = &field.value;
        match field.name.as_str() {
            "filesystem" => value.fields().iter().for_each(|it| folder(it, draft)),
            "network" => network(value, hosts, draft),
            "description" => {}
            "extends" if value.text().is_some_and(|it| it.starts_with(':')) => {
                draft.holds("extends", "the project is mounted in any case");
            }
            "extends" => {
                let message = "the profile that this one extends is not read";
                draft.left_out(&field.range, message.into(), "write what it allows into the spec");
            }
            name => draft.unknown(name, &field.range),
        }
    }
}

fn folder(field: &Field, draft: &mut Draft) {
    let path = field.name.as_str();
    match (path, field.value.text()) {
        (":workspace_roots" | ":project_roots" | ":minimal" | ":root" | ":tmpdir", _) => {
            special(field, draft);
        }
        (path, Some("read")) => {
            draft.path(path, &field.range, PathAccess::Read);
        }
        (path, Some("write")) => {
            draft.path(path, &field.range, PathAccess::Write);
        }
        (path, Some("none" | "deny")) => draft.denied(path, &field.range, PathAccess::Read),
        (name, _) => draft.unknown(name, &field.range),
    }
}

/// A place that Codex itself names.
fn special(field: &Field, draft: &mut Draft) {
    for inner in field.value.fields() {
        match inner.value.text() {
            Some("write" | "read") if inner.name == "." => {}
            Some("none" | "deny") => draft.denied(&inner.name, &inner.range, PathAccess::Read),
            Some("read") => draft.denied(&inner.name, &inner.range, PathAccess::Write),
            _ => draft.unknown(&inner.name, &inner.range),
        }
    }
    match (field.name.as_str(), field.value.text()) {
        (":root", Some(_)) => {
            let message = "the whole machine is not granted";
            draft.left_out(&field.range, message.into(), "name the folders that are read");
        }
        (name, Some(_)) => {
            draft.holds(name, "the jail has the project, the tools and temporary folders");
        }
        (_, None) => {}
    }
}

fn network(network: &Node, hosts: &mut Hosts, draft: &mut Draft) {
    for field in network.fields() {
        let value = &field.value;
        match field.name.as_str() {
            "enabled" => draft.holds("network.enabled", "the hosts that are named can be reached"),
            "domains" => {
                for domain in value.fields() {
                    match domain.value.text() {
                        Some("allow") => hosts.allow(&domain.name, &domain.range, draft),
                        Some("deny") => hosts.deny(&domain.name, &domain.range, draft),
                        _ => draft.wrong(&domain.name, &domain.value, "`allow` or `deny`"),
                    }
                }
            }
            name => draft.unknown(name, &field.range),
        }
    }
}

/// What is not about the sandbox.
fn own(field: &Field, draft: &mut Draft) {
    match field.name.as_str() {
        "sandbox_mode" | "default_permissions" | "sandbox_workspace_write" => {}
        "permissions" => {}
        "shell_environment_policy" => draft.holds(
            "shell_environment_policy",
            "Codex reads this itself; into the jail come only the variables that the spec names",
        ),
        "mcp_servers" => {
            for server in field.value.fields() {
                let Some(command) = server.value.field("command") else {
                    let host = server.value.field("url");
                    let range = host.map_or_else(|| server.range.clone(), |it| it.range.clone());
                    let message =
                        format!("the host of the server `{}` is not granted", shown(&server.name));
                    draft.left_out(&range, message, "add it to `network-allow`");
                    continue;
                };
                let name = shown(command.text().unwrap_or("a command"));
                let message = format!(
                    "`{name}`, which the server `{}` runs, is not in the jail",
                    shown(&server.name)
                );
                draft.left_out(&command.range, message, "add its package to `extraPkgs`");
            }
        }
        name => draft.holds(name, "Codex reads this itself, in the jail too"),
    }
}
