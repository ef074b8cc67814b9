//! A profile of nono. Its schema is published with it; what is about macOS alone, or about how nono
//! reports, grants nothing.

use jail_registry::names;
use jail_registry::nix_text::quoted;

use super::draft::{Draft, Maker, shown};
use super::hosts::Hosts;
use super::node::{Field, Node, Shape};
use super::paths::{NamedPath, PathAccess, named};
use super::secrets::has_secret;

pub(super) fn read(profile: &Node, draft: &mut Draft) {
    let name = profile.field("meta").and_then(|meta| meta.field("name")).and_then(Node::text);
    if let Some(name) = name {
        let command = format!("jailed-{}", command_name(name));
        draft.maker = Maker::Jail { name: quoted(&command), entry: "pkgs.bashInteractive".into() };
    }
    workdir(profile.field("workdir"), draft);
    if let Some(filesystem) = profile.field("filesystem") {
        self::filesystem(filesystem, draft);
    }
    network(profile, draft);
    if let Some(environment) = profile.field("environment") {
        self::environment(environment, draft);
    }
    for field in profile.fields() {
        self::field(field, draft);
    }
}

fn field(field: &Field, draft: &mut Draft) {
    let (name, value) = (field.name.as_str(), &field.value);
    let mut left_out = |message: &str, help: &str| {
        draft.left_out(&field.range, message.to_owned(), help);
    };
    match name {
        "$schema" | "meta" | "workdir" | "filesystem" | "network" | "environment" => {}
        "extends" => {
            for base in value.elements() {
                let base_name = shown(base.text().unwrap_or("a profile"));
                let message =
                    format!("the profile `{base_name}` that this one extends is not read");
                draft.left_out(
                    &base.range,
                    message,
                    "import that profile too, or write what it allows into the spec",
                );
            }
        }
        "security" => security(value, draft),
        "groups" => left_out(
            "the groups of nono's policy are not read",
            "write what they allow into the spec; a jail does not have what they deny",
        ),
        "env_credentials" | "secrets" => left_out(
            "credentials of a keystore are not passed on",
            "`secret { env = …; from.command = [ … ]; hosts = [ … ]; }` gives a host the value, and the jail a placeholder",
        ),
        "credential_capture" | "command_policies" => left_out(
            "commands that run outside the sandbox are not taken over",
            "`secret` takes its value from a command, and `jail-to-host-channel` runs a script outside",
        ),
        "session_hooks" => left_out(
            "scripts that run outside the sandbox are not taken over",
            "write them as `add-runtime` and `add-cleanup`, which run with your rights",
        ),
        "allow_gpu" if value.is_true() => draft.grant(names::GPU),
        "open_urls" => open_urls(value, draft),
        "commands" => left_out(
            "lists of commands are not taken over",
            "a command that is not in the jail cannot run: name those that it needs with `add-pkg-deps`",
        ),
        "command_args" => {
            if value.elements().iter().filter_map(Node::text).any(|it| has_secret("", it)) {
                draft.secret(name);
                return;
            }
            let arguments: Option<Vec<String>> =
                value.elements().iter().map(|it| it.text().map(quoted)).collect();
            match arguments {
                Some(all) => draft.grant(format!(
                    "(set-argv [ {} (noescape {}) ])",
                    all.join(" "),
                    quoted("\"$@\"")
                )),
                None => draft.wrong(name, value, "a list of texts"),
            }
        }
        "packs" | "hooks" => left_out("this is installed by nono, and not by a jail", ""),
        "allow_gpu"
        | "allow_launch_services"
        | "interactive"
        | "diagnostics"
        | "rollback"
        | "undo"
        | "linux"
        | "unsafe_macos_seatbelt_rules" => {
            draft.holds(name, "it grants nothing in a jail");
        }
        name => draft.unknown(name, &field.range),
    }
}

fn workdir(workdir: Option<&Node>, draft: &mut Draft) {
    let access = workdir.and_then(|it| it.field("access"));
    match access.and_then(Node::text) {
        Some(names::READWRITE | "write") => {
            draft.writes_project = true;
            draft.grant(names::MOUNT_CWD);
        }
        Some("read") => draft.grant(names::MOUNT_CWD_READONLY),
        Some("none") | None => {}
        Some(other) => {
            let message = format!("`{}` is not an access to the working folder", shown(other));
            let range = access.map_or(0..0, |it| it.range.clone());
            draft.left_out(&range, message, "it is `none`, `read`, `write` or `readwrite`");
        }
    }
    for field in workdir.map_or(&[][..], Node::fields).iter().filter(|it| it.name != "access") {
        draft.unknown(&field.name, &field.range);
    }
}

/// A path or a name, and whether it is for this platform: `{ "path": …, "when": "linux" }`.
fn conditional<'a>(node: &'a Node, name: &str, draft: &mut Draft) -> Option<&'a str> {
    if let Some(text) = node.text() {
        return Some(text);
    }
    let text = node.field(name).and_then(Node::text)?;
    let conditions = node.field("when").map_or(&[][..], Node::elements);
    let is_linux = |when: &str| when.starts_with("linux") || when.starts_with("!macos");
    let mut known = conditions.iter().filter_map(Node::text);
    if conditions.is_empty() || known.clone().any(|when| when == "linux" || when == "!macos") {
        return Some(text);
    }
    if known.any(is_linux) {
        let message = format!("`{}` holds on some machines only, and is left out", shown(text));
        draft.left_out(&node.range, message, "grant it if yours is one of them");
    } else {
        draft.holds(text, "not on Linux");
    }
    None
}

fn filesystem(filesystem: &Node, draft: &mut Draft) {
    const LISTS: [(&str, PathAccess); 6] = [
        ("read", PathAccess::Read),
        ("read_file", PathAccess::Read),
        ("allow", PathAccess::Write),
        ("allow_file", PathAccess::Write),
        ("write", PathAccess::Write),
        ("write_file", PathAccess::Write),
    ];
    for (name, access) in LISTS {
        for element in filesystem.field(name).map_or(&[][..], Node::elements) {
            let Some(path) = conditional(element, "path", draft) else { continue };
            if name.starts_with("write") {
                let message = format!("`{}` can be read, too", shown(path));
                draft.left_out(&element.range, message, "a mount that can be written can be read");
            }
            if draft.path(path, &element.range, access) {
                draft.grant(match access {
                    PathAccess::Read => names::MOUNT_CWD_READONLY,
                    PathAccess::Write => names::MOUNT_CWD,
                });
            }
        }
    }
    for element in filesystem.field("deny").map_or(&[][..], Node::elements) {
        if let Some(path) = conditional(element, "path", draft) {
            draft.denied(path, &element.range, PathAccess::Read);
        }
    }
    for field in filesystem.fields() {
        let name = field.name.as_str();
        match name {
            "deny" => {}
            "bypass_protection" | "suppress_save_prompt" | "ignore" => {
                draft.holds(name, "it grants nothing by itself");
            }
            name if LISTS.iter().any(|(known, _)| *known == name) => {}
            name => draft.unknown(name, &field.range),
        }
    }
}

/// Fields of `network` that say nothing about what may be reached without them.
const OPEN_FIELDS: [&str; 6] =
    ["block", "allow_http2", "tls_intercept", "open_port", "allow_port", "listen_port"];

/// Fields of a profile that cannot forbid the network; `extends`, `groups` and what is not known
/// here can.
const HARMLESS_FIELDS: [&str; 12] = [
    "$schema",
    "allow_gpu",
    "command_args",
    "diagnostics",
    "env_credentials",
    "environment",
    "filesystem",
    "interactive",
    "meta",
    "network",
    "open_urls",
    "workdir",
];

/// Whether nothing that is not read here may forbid the network: it is granted as a whole only
/// then.
fn is_surely_open(profile: &Node) -> bool {
    let is_harmless = |field: &Field| HARMLESS_FIELDS.contains(&field.name.as_str());
    let is_known = |field: &Field| OPEN_FIELDS.contains(&field.name.as_str());
    let network = profile.field("network");
    let is_object = network.is_none_or(|it| matches!(it.shape, Shape::Fields(_)));
    let fields = network.map_or(&[][..], Node::fields);
    is_object
        && profile.fields().iter().all(is_harmless)
        && fields.iter().all(is_known)
        && fields
            .iter()
            .filter(|it| it.name == "block")
            .all(|it| it.value.shape == Shape::Bool(false))
}

/// Whether the profile forbids the network, or may do so.
fn is_blocked(network: &Node) -> bool {
    let blocks = network.fields().iter().filter(|it| it.name == "block");
    blocks.map(|it| &it.value.shape).any(|shape| *shape != Shape::Bool(false))
}

fn network(profile: &Node, draft: &mut Draft) {
    let network = profile.field("network");
    let fields = network.map_or(&[][..], Node::fields);
    if let Some(network) = network.filter(|it| is_blocked(it)) {
        for field in network.fields() {
            match (field.name.as_str(), &field.value.shape) {
                ("block", Shape::Bool(_)) => draft.holds("network.block", "nothing is granted"),
                ("block", _) => draft.wrong("block", &field.value, "`true` or `false`"),
                (name, _) => {
                    let message =
                        format!("`{}` is not taken over: the network is blocked", shown(name));
                    draft.left_out(&field.range, message, "");
                }
            }
        }
        return;
    }
    let mut hosts = Hosts::default();
    let mut is_filtered = false;
    for field in fields {
        let (name, value) = (field.name.as_str(), &field.value);
        match name {
            "allow_domain" | "proxy_allow" | "allow_proxy" => {
                is_filtered = true;
                for element in value.elements() {
                    domain(element, &mut hosts, draft);
                }
            }
            "open_port" | "port_allow" | "allow_port" => {
                for element in value.elements() {
                    match element.number() {
                        Some(port) if port > 0 => draft.grant(format!("(allow-host-port {port})")),
                        _ => draft.wrong(name, element, "a list of ports"),
                    }
                }
            }
            "listen_port" => {
                for element in value.elements() {
                    match element.number() {
                        Some(port) if port > 0 => draft.grant(format!("(expose-port {port})")),
                        _ => draft.wrong(name, element, "a list of ports"),
                    }
                }
            }
            "network_profile" if value.text().is_some() => {
                is_filtered = true;
                let profile = shown(value.text().unwrap_or_default());
                let message = format!("the network profile `{profile}` is not read");
                draft.left_out(&field.range, message, "name its hosts with `network-allow`; `jailgen hosts` lists groups of known ones");
            }
            "upstream_proxy" | "external_proxy" => match value.text() {
                Some(proxy) if proxy.contains('@') => draft.secret(name),
                Some(proxy) => {
                    let proxy = if proxy.contains("://") {
                        proxy.to_owned()
                    } else {
                        format!("http://{proxy}")
                    };
                    draft.grant(format!("(upstream-proxy {})", quoted(&proxy)));
                }
                None => draft.holds(name, "there is none"),
            },
            "upstream_bypass" | "external_proxy_bypass" => {
                draft.left_out(
                    &field.range,
                    "hosts besides the upstream proxy are not taken over".into(),
                    "",
                );
            }
            "credentials" | "proxy_credentials" | "custom_credentials" => {
                is_filtered = true;
                let message = "credentials that a proxy adds are not taken over";
                draft.left_out(
                    &field.range,
                    message.into(),
                    "`secret { env = …; from.keyring = { … }; hosts = [ … ]; }` does this",
                );
            }
            "block" | "allow_http2" | "tls_intercept" | "network_profile" => {
                draft.holds(
                    name,
                    "the broker speaks HTTP/2, and ends TLS only for `http-allow` and `secret`",
                );
            }
            name => draft.unknown(name, &field.range),
        }
    }
    if !hosts.is_empty() {
        hosts.grant(draft);
    } else if !is_filtered && is_surely_open(profile) {
        draft.grant("network");
    } else if !is_filtered {
        let range = network.map_or(0..0, |it| it.range.clone());
        draft.left_out(
            &range,
            "the network is not granted: something that is not read here may forbid it".into(),
            "grant `network`, or hosts with `network-allow`",
        );
    }
}

fn domain(node: &Node, hosts: &mut Hosts, draft: &mut Draft) {
    if let Some(host) = node.text() {
        hosts.allow(host, &node.range, draft);
        return;
    }
    let (Some(host), Some(endpoints)) =
        (node.field("domain").and_then(Node::text), node.field("endpoints"))
    else {
        draft.wrong("allow_domain", node, "a host, or a host with endpoints");
        return;
    };
    for endpoint in endpoints.elements() {
        let text = |name| endpoint.field(name).and_then(Node::text);
        let (Some(method), Some(path)) = (text("method"), text("path")) else {
            draft.wrong("endpoints", endpoint, "a list of methods and paths");
            continue;
        };
        let methods = match method {
            "*" => String::new(),
            method => format!("methods = [ {} ]; ", quoted(&method.to_ascii_uppercase())),
        };
        draft.grant(format!(
            "(http-allow {} {{ {methods}paths = [ {} ]; }})",
            quoted(host),
            quoted(path)
        ));
    }
}

fn environment(environment: &Node, draft: &mut Draft) {
    for field in environment.fields() {
        let (name, value) = (field.name.as_str(), &field.value);
        match name {
            "allow_vars" => {
                for element in value.elements() {
                    match element.text() {
                        Some(variable) if !variable.contains('*') => {
                            draft.grant(format!("(try-fwd-env {})", quoted(variable)));
                        }
                        Some(variable) => {
                            let message = format!("`{}` is not one variable", shown(variable));
                            draft.left_out(&element.range, message, "name each with `try-fwd-env`");
                        }
                        None => draft.wrong(name, element, "a list of names"),
                    }
                }
            }
            "deny_vars" => draft.holds(name, "a jail gets only the variables that the spec names"),
            "set_vars" => {
                for variable in value.fields() {
                    match variable.value.text() {
                        Some(text) => set(&variable.name, text, &variable.value, draft),
                        None => draft.wrong(&variable.name, &variable.value, "a text"),
                    }
                }
            }
            name => draft.unknown(name, &field.range),
        }
    }
}

fn set(name: &str, text: &str, node: &Node, draft: &mut Draft) {
    if has_secret(name, text) {
        draft.secret(name);
        return;
    }
    let value = match named(text) {
        NamedPath::Host(place) if place.starts_with('~') => super::paths::source(&place),
        _ if text.contains('$') => {
            let message = format!("the value of `{}` is not known in a spec", shown(name));
            draft.left_out(
                &node.range,
                message,
                "`(set-env NAME (noescape \"$OTHER\"))` takes it from the launcher's variable",
            );
            return;
        }
        _ => quoted(text),
    };
    draft.grant(format!("(set-env {} {value})", quoted(name)));
}

fn open_urls(value: &Node, draft: &mut Draft) {
    let origins = value.field("allow_origins").map_or(&[][..], Node::elements);
    let is_local = value.field("allow_localhost").is_some_and(Node::is_true);
    if origins.is_empty() && !is_local {
        return;
    }
    draft.left_out(
        &value.range,
        "opening addresses in your browser is not taken over: a jail cannot bind it to these origins".into(),
        "`open-urls-in-browser` opens any address, and what an address says leaves the jail",
    );
}

fn security(security: &Node, draft: &mut Draft) {
    for field in security.fields() {
        let value = field.value.text().unwrap_or_default();
        match (field.name.as_str(), value) {
            ("signal_mode" | "process_info_mode", "allow_all") => {
                let message =
                    format!("`{}` is not given: a jail sees its own processes only", field.name);
                draft.left_out(&field.range, message, "`(share-ns \"pid\")` shows all of them");
            }
            ("ipc_mode", "full") => {
                draft.holds("ipc_mode", "a jail has its own System V and POSIX IPC");
            }
            ("capability_elevation", _) if !field.value.is_false() => {
                let message = "nothing is granted while the jail runs";
                draft.left_out(
                    &field.range,
                    message.into(),
                    "`network-ask` asks for hosts; files are named in the spec",
                );
            }
            (
                "signal_mode"
                | "process_info_mode"
                | "ipc_mode"
                | "capability_elevation"
                | "wsl2_proxy_policy",
                _,
            ) => {
                draft.holds(&field.name, "a jail is isolated in any case");
            }
            (name, _) => draft.unknown(name, &field.range),
        }
    }
}

/// A name as a command's: letters, digits and hyphens.
fn command_name(name: &str) -> String {
    let name: String = name
        .chars()
        .map(|it| if it.is_ascii_alphanumeric() { it.to_ascii_lowercase() } else { '-' })
        .take(64)
        .collect();
    let name = name.trim_matches('-').to_owned();
    if name.is_empty() { "shell".into() } else { name }
}
