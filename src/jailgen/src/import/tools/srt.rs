//! Settings of sandbox-runtime: `network` and `filesystem`. It allows reading the whole machine
//! except what it denies, which a jail does not: that is reported once.

use super::draft::Draft;
use super::hosts::Hosts;
use super::node::Node;
use super::paths::{NamedPath, PathAccess, named};
use jail_registry::names;

pub(super) fn read(settings: &Node, draft: &mut Draft) {
    let mut hosts = Hosts::default();
    let filesystem = settings.field("filesystem");
    let writes = filesystem.and_then(|it| it.field("allowWrite")).map_or(&[][..], Node::elements);
    draft.writes_project =
        writes.iter().filter_map(Node::text).any(|it| named(it) == NamedPath::Project);
    draft.grant(if draft.writes_project { names::MOUNT_CWD } else { names::MOUNT_CWD_READONLY });
    if let Some(filesystem) = filesystem {
        self::filesystem(filesystem, draft);
    }
    if let Some(network) = settings.field("network") {
        self::network(network, &mut hosts, draft);
    }
    for field in settings.fields() {
        match field.name.as_str() {
            "network" => {}
            "filesystem" => {
                let message =
                    "the sandbox reads the whole machine, and the jail only what the spec names";
                draft.left_out(
                    &field.range,
                    message.into(),
                    "add `(readonly \"…\")` and `(add-pkg-deps [ … ])` for what the program needs",
                );
            }
            "$schema" => {}
            other => setting(other, &field.value, draft),
        }
    }
    hosts.grant(draft);
}

/// The entries of `network`, here and in Claude Code's settings.
pub(super) fn network(network: &Node, hosts: &mut Hosts, draft: &mut Draft) {
    if let Some(allowed) = network.field("allowedDomains") {
        hosts.allow_all(allowed, "allowedDomains", draft);
    }
    for field in network.fields() {
        let (name, value) = (field.name.as_str(), &field.value);
        match name {
            "allowedDomains" => {}
            "deniedDomains" => {
                for element in value.elements() {
                    match element.text() {
                        Some(host) => hosts.deny(host, &element.range),
                        None => draft.wrong(name, element, "a list of hosts"),
                    }
                }
            }
            "allowUnixSockets" => {
                for element in value.elements() {
                    let message =
                        "this socket is not granted: on Linux the sandbox opens none by its path";
                    draft.left_out(
                        &element.range,
                        message.into(),
                        "`(readwrite \"PATH\")` grants one; look at what listens there first",
                    );
                }
            }
            "allowAllUnixSockets" if value.is_true() => {
                let message = "sockets of the host are not granted all at once";
                draft.left_out(&field.range, message.into(), "inside the jail Unix sockets work anyway; grant each of the host's with `readwrite`");
            }
            "allowLocalBinding" => {
                draft.holds(name, "the jail has a loopback of its own, on which everything may listen; `expose-port` shows a port outside");
            }
            "httpProxyPort" | "socksProxyPort" => {
                draft.left_out(
                    &field.range,
                    format!("`{name}` is not needed: jailgen's broker decides"),
                    "`(upstream-proxy \"http://…\")` leaves by a proxy of your network",
                );
            }
            "allowAllUnixSockets" | "allowManagedDomainsOnly" => {
                draft.holds(name, "only what the spec names can be reached");
            }
            _ => draft.unknown(name, &field.range),
        }
    }
}

/// The entries of `filesystem`, here and in Claude Code's settings.
pub(super) fn filesystem(filesystem: &Node, draft: &mut Draft) {
    let paths = |name: &str| filesystem.field(name).map_or(&[][..], Node::elements);
    for element in paths("allowWrite") {
        match element.text() {
            Some(path) => {
                draft.path(path, &element.range, PathAccess::Write);
            }
            None => draft.wrong("allowWrite", element, "a list of paths"),
        }
    }
    for element in paths("allowRead") {
        match element.text() {
            Some(path) => {
                draft.path(path, &element.range, PathAccess::Read);
            }
            None => draft.wrong("allowRead", element, "a list of paths"),
        }
    }
    for (name, access) in [("denyWrite", PathAccess::Write), ("denyRead", PathAccess::Read)] {
        for element in paths(name) {
            match element.text() {
                Some(path) => draft.denied(path, &element.range, access),
                None => draft.wrong(name, element, "a list of paths"),
            }
        }
    }
    for field in filesystem.fields() {
        match field.name.as_str() {
            "allowWrite" | "allowRead" | "denyWrite" | "denyRead" => {}
            "allowGitConfig" if field.value.is_true() => draft.grant(names::ALLOW_GIT_CONFIG),
            "allowGitConfig" => draft.holds("allowGitConfig", "git's configuration stays as it is"),
            name => draft.unknown(name, &field.range),
        }
    }
}

/// The settings next to these two.
pub(super) fn setting(name: &str, value: &Node, draft: &mut Draft) {
    match name {
        "mandatoryDenySearchDepth" | "ripgrep" => {
            draft.holds(
                name,
                "what runs outside of the jail in a project is protected by its place",
            );
        }
        "ignoreViolations" => draft.holds(name, "nothing is reported that could be ignored"),
        "allowPty" => draft.holds(name, "every jail has a terminal"),
        "enableWeakerNestedSandbox" | "enableWeakerNetworkIsolation" if value.is_true() => {
            let message = format!("`{name}` has no counterpart: no layer of a jail is made weaker");
            draft.left_out(&value.range, message, "`jailgen doctor` says what the machine lacks");
        }
        "enableWeakerNestedSandbox" | "enableWeakerNetworkIsolation" => {
            draft.holds(name, "no layer of a jail is made weaker");
        }
        name => draft.unknown(name, &value.range),
    }
}
