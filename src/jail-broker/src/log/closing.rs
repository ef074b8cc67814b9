//! What is said at the end: which hosts were refused, and what would allow them.

use jail_egress::{Host, Refusal};

/// More hosts are counted and not named.
const KEPT_MAX: usize = 1000;

/// As many are named.
const NAMED_MAX: usize = 8;

/// Everything that was refused, once each, in the order of the first time.
#[derive(Default)]
pub(super) struct Closing {
    hosts: Vec<String>,
    /// What a rule would say for some of them: `a.example.com`, `b.example.com:22`.
    rules: Vec<String>,
    /// How many are not kept.
    more: usize,
}

impl Closing {
    /// `port` is known where there was a connection.
    pub(super) fn refused(&mut self, host: &Host, port: Option<u16>, why: Refusal) {
        let shown = host.to_string();
        // The machine's own name, `wpad`: programs look such names up by themselves, and no rule
        // can name them.
        if port.is_none() && !shown.contains('.') {
            return;
        }
        if !self.hosts.contains(&shown) {
            if self.hosts.len() == KEPT_MAX {
                self.more += 1;
                return;
            }
            self.hosts.push(shown);
        }
        let is_for_a_rule = matches!(why, Refusal::Host | Refusal::Port);
        if is_for_a_rule && why.remedy(host, port.unwrap_or(443)).is_some() {
            let rule = match port {
                None | Some(80 | 443) => host.to_string(),
                Some(port) => format!("{host}:{port}"),
            };
            if !self.rules.contains(&rule) && self.rules.len() < KEPT_MAX {
                self.rules.push(rule);
            }
        }
    }

    pub(super) fn hosts(&self) -> Vec<String> {
        self.hosts.clone()
    }

    /// The line; none where nothing was refused.
    pub(super) fn line(&self) -> Option<String> {
        let count = self.hosts.len() + self.more;
        let plural = match count {
            0 => return None,
            1 => "",
            _ => "s",
        };
        let named: Vec<&str> = self.hosts.iter().take(NAMED_MAX).map(String::as_str).collect();
        let mut line = format!("{count} host{plural} refused: {}", named.join(", "));
        if count > named.len() {
            line.push_str(&format!(" and {} more", count - named.len()));
        }
        let rules: Vec<String> =
            self.rules.iter().take(NAMED_MAX).map(|rule| format!("\"{rule}\"")).collect();
        if !rules.is_empty() {
            let refused = if count == 1 { "it" } else { "them" };
            line.push_str(&format!(
                "; to allow {refused}: (network-allow [ {} ])",
                rules.join(" ")
            ));
        }
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use jail_egress::{Name, Objection};

    use super::*;

    fn name(text: &str) -> Host {
        Host::Name(Name::from_wire(text.as_bytes()).unwrap())
    }

    #[test]
    fn the_line_names_hosts_once_and_what_allows_them() {
        let mut closing = Closing::default();
        assert_eq!(closing.line(), None);
        closing.refused(&name("a.example.com"), None, Refusal::Host);
        closing.refused(&name("a.example.com"), Some(443), Refusal::Host);
        assert_eq!(
            closing.line().unwrap(),
            "1 host refused: a.example.com; to allow it: (network-allow [ \"a.example.com\" ])"
        );
        closing.refused(&name("b.example.com"), Some(22), Refusal::Port);
        closing.refused(&name("c.example.com"), Some(443), Refusal::Address(Objection::Private));
        closing.refused(&name("printer.local"), None, Refusal::Host);
        closing.refused(&name("wpad"), None, Refusal::Host);
        assert_eq!(
            closing.line().unwrap(),
            "4 hosts refused: a.example.com, b.example.com, c.example.com, printer.local; \
             to allow them: (network-allow [ \"a.example.com\" \"b.example.com:22\" ])"
        );
        for number in 0..2000 {
            closing.refused(&name(&format!("n{number}.example.com")), None, Refusal::Host);
        }
        let line = closing.line().unwrap();
        assert!(line.starts_with("2004 hosts refused: a.example.com,"), "{line}");
        assert!(line.contains(" and 1996 more; to allow them"), "{line}");
    }
}
