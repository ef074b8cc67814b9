//! The services of a host that are looked up (SRV). A program in the jail chooses their labels, and
//! they go to the host's DNS server: so they have the form of a service, and there are few of them.

use std::cell::RefCell;
use std::collections::BTreeSet;

use jail_egress::Name;

/// As many names of services are asked for in a session.
const SERVICES_MAX: usize = 16;

/// The name of a service is not longer (RFC 6335).
const LABEL_MAX: usize = 15;

/// What is spoken below a service that a jail can reach.
const PROTOCOLS: [&str; 2] = ["tcp", "tls"];

/// The services that were asked for.
#[derive(Default)]
pub(crate) struct Services(RefCell<BTreeSet<Name>>);

impl Services {
    /// Whether a service is asked for: one of those that were before, or one of the first.
    pub(super) fn admit(&self, name: &Name) -> bool {
        let mut asked = self.0.borrow_mut();
        if asked.len() < SERVICES_MAX {
            asked.insert(name.clone());
        }
        asked.contains(name)
    }
}

/// What a name is that SRV records are asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// `_ldap._tcp.example.com`, which is a service of `example.com`.
    Of(Name),
    /// The name of a host.
    Host,
    /// It has other labels that begin with `_`.
    Odd,
}

pub(super) fn service(name: &Name) -> Service {
    let text = name.as_str();
    if !text.starts_with('_') {
        return Service::Host;
    }
    let mut labels = text.splitn(3, '.');
    let mut label = || labels.next().and_then(|label| label.strip_prefix('_'));
    let has_form = label().is_some_and(is_service)
        && label().is_some_and(|protocol| PROTOCOLS.contains(&protocol));
    match labels.next().filter(|host| has_form && !host.starts_with('_')) {
        Some(host) => Name::from_wire(host.as_bytes()).map_or(Service::Odd, Service::Of),
        None => Service::Odd,
    }
}

/// RFC 6335, 5.1.
fn is_service(label: &str) -> bool {
    label.len() <= LABEL_MAX
        && label.chars().all(|one| one.is_ascii_alphanumeric() || one == '-')
        && label.chars().any(|one| one.is_ascii_alphabetic())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && !label.contains("--")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::from_wire(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_service_has_two_labels_of_a_known_form() {
        for (text, host) in [
            ("_mongodb._tcp.db.example.com", "db.example.com"),
            ("_sip._tls.example.com", "example.com"),
            ("_xmpp-client._tcp.example.com", "example.com"),
        ] {
            assert_eq!(service(&name(text)), Service::Of(name(host)), "{text}");
        }
        assert_eq!(service(&name("db.example.com")), Service::Host);
        for text in [
            "_tcp.example.com",
            "_sip._udp.example.com",
            "_sip._evil.example.com",
            "_a._sip._tcp.example.com",
            "_sip._tcp._a.example.com",
            "_secret.sip._tcp.example.com",
            "_sixteen-letters1._tcp.example.com",
            "_0123._tcp.example.com",
            "_a--b._tcp.example.com",
            "_-a._tcp.example.com",
            "_a_b._tcp.example.com",
        ] {
            assert_eq!(service(&name(text)), Service::Odd, "{text}");
        }
    }

    #[test]
    fn there_are_few_of_them() {
        let services = Services::default();
        let one = |number| name(&format!("_s{number}._tcp.example.com"));
        let admitted = |numbers: std::ops::Range<usize>| {
            numbers.filter(|number| services.admit(&one(*number))).count()
        };
        assert_eq!(admitted(0..100), SERVICES_MAX);
        assert_eq!(admitted(0..SERVICES_MAX), SERVICES_MAX);
    }
}
