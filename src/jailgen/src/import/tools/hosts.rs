//! Hosts of other tools, as `network-allow` takes them.

use jail_egress::Pattern;
use jail_registry::nix_text::quoted;
use jail_registry::{GROUP_MARK, host_group};

use super::draft::{Draft, shown};
use super::node::{Node, TextRange};

/// The hosts that a file allows, in order.
#[derive(Default)]
pub(super) struct Hosts {
    allowed: Vec<Allowed>,
    denied: Vec<(String, TextRange)>,
}

struct Allowed {
    host: String,
    /// Its range, if it comes from the file.
    range: TextRange,
}

impl Hosts {
    /// A group or a host that the program needs in any case.
    pub(super) fn with(host: &str) -> Self {
        Self { allowed: vec![Allowed { host: host.into(), range: 0..0 }], denied: Vec::new() }
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
                "a list cannot name all hosts".into(),
                "write `internet` for every public host",
            );
        } else if is_host(host) {
            if !self.allowed.iter().any(|known| known.host == host) {
                self.allowed.push(Allowed { host: host.to_owned(), range: range.clone() });
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
    pub(super) fn deny(&mut self, host: &str, range: &TextRange) {
        self.denied.push((host.trim().to_owned(), range.clone()));
    }

    /// Grants what was collected, and is not denied.
    pub(super) fn grant(mut self, draft: &mut Draft) {
        for (denied, range) in &self.denied {
            let mut is_told = false;
            self.allowed.retain(|allowed| {
                let meets = match allowed.host.strip_prefix(GROUP_MARK) {
                    Some(group) => host_group(group)
                        .is_none_or(|group| group.all().any(|it| meet(it.host, denied))),
                    None => meet(&allowed.host, denied),
                };
                if meets {
                    let message = format!(
                        "`{}` is not granted: the file denies `{}`",
                        shown(&allowed.host),
                        shown(denied)
                    );
                    let at = if allowed.range.is_empty() { range } else { &allowed.range };
                    let help = "`network-allow` has no exceptions: name the hosts that are needed";
                    draft.left_out(at, message, help);
                    is_told = true;
                }
                !meets
            });
            if !is_told {
                draft.holds(&format!("not {denied}"), "only hosts that are named can be reached");
            }
        }
        if !self.allowed.is_empty() {
            let hosts: String =
                self.allowed.iter().map(|it| format!("{} ", quoted(&it.host))).collect();
            draft.grant(format!("(network-allow [ {hosts}])"));
        }
    }
}

/// Whether two patterns may mean the same host, whatever the port. What is
/// not a pattern may mean any.
fn meet(allowed: &str, denied: &str) -> bool {
    match (pattern(allowed), pattern(denied)) {
        (Some(allowed), Some(denied)) => allowed.covers(&denied) || denied.covers(&allowed),
        // `*`, `*.com`, an address: what ends alike is the same.
        _ if denied.is_ascii() => {
            let bare = |host: &str| {
                let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
                name.trim_start_matches(['*', '.']).trim_end_matches('.').to_ascii_lowercase()
            };
            bare(allowed).ends_with(&bare(denied))
        }
        _ => true,
    }
}

fn pattern(host: &str) -> Option<Pattern> {
    let host = host.rsplit_once("://").map_or(host, |(_, host)| host);
    let host = host.split('/').next().unwrap_or_default();
    Pattern::parse(host.rsplit_once(':').map_or(host, |(name, _)| name)).ok()
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
