//! Codex' `config.toml`: `sandbox_mode` with `[sandbox_workspace_write]`, or a profile of
//! `[permissions]`. Everything else Codex goes on reading itself, in the jail too.

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
    let mode = mode(config, draft);
    draft.writes_project = match &mode {
        Mode::Workspace | Mode::Full => true,
        Mode::ReadOnly => false,
        Mode::Profile(profile) => writes_project(profile),
    };
    draft.grant(if draft.writes_project { names::MOUNT_CWD } else { names::MOUNT_CWD_READONLY });
    let mut hosts = Hosts::with(OWN_HOSTS);
    let mut is_open = false;
    if let Some(settings) = config.field("sandbox_workspace_write") {
        if matches!(mode, Mode::Workspace) {
            is_open = workspace(settings, draft);
        } else {
            let message = "this is for the mode `workspace-write` alone, and is not taken over";
            draft.left_out(&settings.range, message.into(), "");
        }
    }
    if let Mode::Profile(chosen) = mode {
        profile(chosen, &mut hosts, draft);
    }
    for field in config.fields() {
        own(field, draft);
    }
    if is_open {
        draft.grant(names::INTERNET);
    }
    hosts.grant(draft);
}

/// What Codex' sandbox allows.
enum Mode<'a> {
    ReadOnly,
    Workspace,
    Full,
    /// A profile of `[permissions]`.
    Profile(&'a Node),
}

/// The mode of the file. What is not sure is read-only.
fn mode<'a>(config: &'a Node, draft: &mut Draft) -> Mode<'a> {
    let unsure = |range: &super::TextRange, message: String, draft: &mut Draft| {
        draft.left_out(
            range,
            message,
            "the project is mounted read-only: write what else is allowed into the spec",
        );
        Mode::ReadOnly
    };
    if let Some(chosen) = config.field("profile") {
        let message = "the profile that is chosen here may set another mode, and is not read";
        return unsure(&chosen.range, message.into(), draft);
    }
    let (old, new) = (config.field("sandbox_mode"), config.field("default_permissions"));
    let Some(mode) = old.or(new) else { return Mode::ReadOnly };
    if old.is_some() && new.is_some() {
        let message = "`sandbox_mode` and `default_permissions` contradict each other";
        return unsure(&mode.range, message.into(), draft);
    }
    match mode.text() {
        Some("read-only" | ":read-only") => Mode::ReadOnly,
        Some("workspace-write" | ":workspace") => Mode::Workspace,
        Some("danger-full-access" | ":danger-full-access") => {
            let message = "a jail is never without its limits";
            draft.left_out(
                &mode.range,
                message.into(),
                "grant what Codex needs: folders, hosts, packages",
            );
            Mode::Full
        }
        Some(name) if new.is_some() && !name.starts_with(':') => {
            match config.field("permissions").and_then(|it| it.field(name)) {
                Some(profile) => Mode::Profile(profile),
                None => {
                    let message = format!("the profile `{}` is not in this file", shown(name));
                    unsure(&mode.range, message, draft)
                }
            }
        }
        name => {
            let name = shown(name.unwrap_or("this"));
            unsure(&mode.range, format!("`{name}` is not a mode that jailgen knows"), draft)
        }
    }
}

/// Whether a profile lets the project as a whole be written.
fn writes_project(profile: &Node) -> bool {
    let roots = profile.field("filesystem").map_or(&[][..], Node::fields).iter();
    let mut roots = roots
        .filter(|it| matches!(it.name.as_str(), ":workspace_roots" | ":project_roots" | "."))
        .map(|it| &it.value)
        .peekable();
    if roots.peek().is_none() {
        return profile.field("extends").and_then(Node::text) == Some(":workspace");
    }
    roots.all(|root| root.field(".").unwrap_or(root).text() == Some("write"))
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
fn profile(profile: &Node, hosts: &mut Hosts, draft: &mut Draft) {
    for field in profile.fields() {
        let value = &field.value;
        match field.name.as_str() {
            "filesystem" => value.fields().iter().for_each(|it| folder(it, draft)),
            "network" => network(value, hosts, draft),
            "description" => {}
            "extends" if value.text().is_some_and(|it| it.starts_with(':')) => {
                draft.holds("extends", "the project is mounted as the profile has it");
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
            // Whether the project may be written was decided before.
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
            Some("write") => {
                draft.path(&inner.name, &inner.range, PathAccess::Write);
            }
            _ => draft.unknown(&inner.name, &inner.range),
        }
    }
    match (field.name.as_str(), field.value.text()) {
        (":root", Some(_)) => {
            let message = "the whole machine is not granted";
            draft.left_out(&field.range, message.into(), "name the folders that are read");
        }
        (":workspace_roots" | ":project_roots", Some("none" | "deny")) => {
            draft.denied(".", &field.range, PathAccess::Read);
        }
        (name, Some(_)) => {
            draft.holds(name, "the jail has the project, the tools and temporary folders");
        }
        (_, None) => {}
    }
}

fn network(network: &Node, hosts: &mut Hosts, draft: &mut Draft) {
    let is_known = |name: &str| matches!(name, "enabled" | "domains");
    let is_enabled = network.field("enabled").is_some_and(Node::is_true)
        && network.fields().iter().all(|it| is_known(&it.name));
    for field in network.fields() {
        let value = &field.value;
        match field.name.as_str() {
            "enabled" => draft.holds("network.enabled", "only hosts that are named can be reached"),
            "domains" if !is_enabled => {
                let message = "these hosts are not granted: the network is not enabled, or has settings that are not read";
                draft.left_out(&field.range, message.into(), "name them with `network-allow`");
            }
            "domains" => {
                for domain in value.fields() {
                    match domain.value.text() {
                        Some("allow") => hosts.allow(&domain.name, &domain.range, draft),
                        Some("deny") => hosts.deny(&domain.name, &domain.range),
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
        "permissions" | "profile" => {}
        "profiles" => {
            let message = "the profiles of the file are not read";
            let help =
                "Codex reads them itself; write into the spec what they allow beyond this, or deny";
            draft.left_out(&field.range, message.into(), help);
        }
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
