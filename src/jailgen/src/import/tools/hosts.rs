//! Hosts of other tools, as `network-allow` takes them.

use jail_registry::nix_text::quoted;

use super::draft::{Draft, shown};
use super::node::{Node, TextRange};

/// The hosts that a file allows, in order.
#[derive(Default)]
pub(super) struct Hosts {
    allowed: Vec<String>,
}

impl Hosts {
    /// A group or a host that the program needs in any case.
    pub(super) fn with(host: &str) -> Self {
        Self { allowed: vec![host.into()] }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.allowed.is_empty()
    }

    /// A host that may be reached.
    pub(super) fn allow(&mut self, host: &str, range: &TextRange, draft: &mut Draft) {
        let host = host.trim();
        if matches!(host, "localhost" | "127.0.0.1" | "::1") {
            let message = format!("the host's `{host}` is not one grant");
            draft.left_out(range, message, "the jail has a loopback of its own; `(allow-host-port PORT)` opens one port of the host's");
        } else if host == "*" {
            draft.left_out(
                range,
                "all hosts together are no list".into(),
                "write `internet` for every public host",
            );
        } else if is_host(host) {
            if !self.allowed.iter().any(|known| known == host) {
                self.allowed.push(host.to_owned());
            }
        } else {
            let message = format!("`{}` is not a host that `network-allow` takes", shown(host));
            draft.left_out(
                range,
                message,
                "write `example.com`, `*.example.com` or `example.com:8443`",
            );
        }
    }

    /// The hosts of a list.
    pub(super) fn allow_all(&mut self, list: &Node, name: &str, draft: &mut Draft) {
        for element in list.elements() {
            match element.text() {
                Some(host) => self.allow(host, &element.range, draft),
                None => draft.wrong(name, element, "a list of hosts"),
            }
        }
    }

    /// A host that may not be reached.
    pub(super) fn deny(&self, host: &str, range: &TextRange, draft: &mut Draft) {
        let covers = |allowed: &String| {
            allowed == host
                || allowed.strip_prefix('*').is_some_and(|domain| host.ends_with(domain))
        };
        if self.allowed.iter().any(covers) {
            let message = format!("`{}` stays reachable", shown(host));
            draft.left_out(
                range,
                message,
                "`network-allow` has no exceptions: name the hosts instead of all below a domain",
            );
        } else {
            draft.holds(&format!("not {host}"), "only hosts that are named can be reached");
        }
    }

    /// Grants what was collected.
    pub(super) fn grant(self, draft: &mut Draft) {
        if !self.allowed.is_empty() {
            let hosts: String =
                self.allowed.iter().map(|host| format!("{} ", quoted(host))).collect();
            draft.grant(format!("(network-allow [ {hosts}])"));
        }
    }
}

/// Whether this may stand in `network-allow`. The compiler judges it once more.
fn is_host(host: &str) -> bool {
    let host = host.strip_prefix("*.").unwrap_or(host);
    let (name, port) = host.split_once(':').unwrap_or((host, "443"));
    name.contains('.')
        && port.parse::<u16>().is_ok()
        && name.split('.').all(|label| {
            !label.is_empty() && label.chars().all(|it| it.is_ascii_alphanumeric() || it == '-')
        })
}
