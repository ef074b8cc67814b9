//! The network by name: what no rule names is out of reach. Nothing is sent to anybody: names are
//! asked of the jail's own server, routes of the kernel, and the one question to a server outside
//! must not leave.

use jail_egress::{Host, Name};
use jail_plan::{Egress, Namespace, Network, Plan};

use super::Judged;
use crate::audit::seen::Seen;

/// The jail's DNS server.
const OWN_SERVER: &str = "127.0.0.1:53";

/// A public DNS server.
const SERVER_OUTSIDE: &str = "9.9.9.9:53";

/// An address for documentation, and private ones. If a rule names one of
/// them, the next one is tried.
const ADDRESSES: &[&str] = &["192.0.2.1:443", "10.255.255.254:443", "169.254.169.254:80"];

/// An address that the jail has itself: the kernel knows the way there, so that an unknown one is
/// an answer.
const OWN_ADDRESS: &str = "198.18.0.1:443";

/// Names that anybody may look up, and one that only local networks have.
const NAMES: &[&str] = &["example.com", "example.net", "example.org", "jailgen-audit.local"];

/// What is tried.
pub(in crate::audit) fn attempts(plan: &Plan) -> Vec<Vec<String>> {
    let Some(network) = plan.network.as_ref().filter(|network| has_names(network)) else {
        return Vec::new();
    };
    let words = [refused(&network.egress), allowed(&network.egress)].into_iter().flatten();
    let routes =
        ADDRESSES.iter().chain([&OWN_ADDRESS]).map(|address| format!("connect udp {address}"));
    let outside = format!("lookup {} {SERVER_OUTSIDE}", first_name());
    let split = |text: String| text.split(' ').map(str::to_owned).collect();
    words.chain(routes).chain([outside]).map(split).collect()
}

fn first_name() -> &'static str {
    NAMES.first().copied().unwrap_or_default()
}

/// Whether hosts are reached by it; a port of the host's alone needs no names.
fn has_names(network: &Network) -> bool {
    !network.addresses.is_empty()
}

/// Looks up a name that no rule allows.
fn refused(egress: &Egress) -> Option<String> {
    let is_free = |text: &&&str| {
        let Ok(name) = Name::from_wire(text.as_bytes()) else { return false };
        let is_public = !egress.internet.is_empty() && !name.is_local();
        !is_public && !egress.rules.iter().any(|rule| is_about(&rule.host, &name))
    };
    NAMES.iter().find(is_free).map(|name| format!("lookup {name} {OWN_SERVER}"))
}

/// Looks up a name that a rule allows.
fn allowed(egress: &Egress) -> Option<String> {
    let of_rule = |host: &str| match host.strip_prefix("*.") {
        Some(rest) => Some(format!("jailgen-audit.{rest}")),
        None => Name::from_wire(host.as_bytes()).ok().map(|name| name.to_string()),
    };
    let named = egress.rules.iter().find_map(|rule| of_rule(&rule.host));
    let public = || (!egress.internet.is_empty()).then(|| first_name().to_owned());
    named.or_else(public).map(|name| format!("lookup {name} {OWN_SERVER}"))
}

fn is_about(host: &str, name: &Name) -> bool {
    let rule = jail_egress::Rule::parse(host, String::new());
    let rules = rule.into_iter().collect();
    let policy =
        jail_egress::Policy { rules, reach: jail_egress::Reach::Rules, changes: Vec::new() };
    !policy.ports(&Host::Name(name.clone())).is_empty()
}

pub(super) fn judge(seen: &Seen<'_>) -> Judged {
    if !seen.plan.namespaces.contains(&Namespace::Net) {
        return Judged::Failed("every host of the host's network can be reached".into())
            .unless(super::surroundings::host_network(seen));
    }
    match seen.plan.network.as_ref().filter(|network| has_names(network)) {
        Some(network) => of_names(seen, network),
        None => Judged::Passed("no host is named, and none can be reached".into()),
    }
}

fn of_names(seen: &Seen<'_>, network: &Network) -> Judged {
    let egress = &network.egress;
    let mut wrong = Vec::new();
    let mut refused_ones = Vec::new();
    // The controls first: what refuses everything would pass otherwise.
    if let Some(words) = allowed(egress)
        && seen.list(&words).is_none_or(<[String]>::is_empty)
    {
        wrong.push(format!(
            "`{words}` of a name that a rule allows: {}",
            seen.answer_in_words(&words)
        ));
    }
    let own = format!("connect udp {OWN_ADDRESS}");
    if !seen.went_well(&own) {
        wrong.push(format!("the jail's own address has no route ({})", seen.answer_in_words(&own)));
    }
    if let Some(words) = refused(egress) {
        match seen.text(&words) {
            Some("rcode 3") => refused_ones.push("a name that no rule allows"),
            Some(_) | None => wrong.push(format!("`{words}`: {}", seen.answer_in_words(&words))),
        }
    }
    let is_named = |address: &&&str| {
        let host = address.rsplit_once(':').map_or(**address, |(host, _)| host);
        egress.rules.iter().any(|rule| rule.host == host)
    };
    for address in ADDRESSES.iter().filter(|address| !is_named(address)) {
        let words = format!("connect udp {address}");
        if !seen.is_refused(&words) {
            wrong.push(format!("{address} has a route"));
        }
    }
    refused_ones.push("addresses that no rule names, private ones among them");
    let outside = format!("lookup {} {SERVER_OUTSIDE}", first_name());
    if seen.is_refused(&outside) {
        refused_ones.push("DNS servers outside");
    } else {
        wrong.push(format!("a DNS server outside was asked: {}", seen.answer_in_words(&outside)));
    }
    if wrong.is_empty() {
        Judged::Passed(format!("refused: {}", refused_ones.join(", ")))
    } else {
        Judged::Failed(wrong.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use jail_plan::EgressRule;

    use super::*;

    fn egress(hosts: &[&str], internet: &[u16]) -> Egress {
        let rule = |host: &&str| EgressRule {
            host: (*host).into(),
            ports: vec![443],
            protocol: None,
            any_sni: false,
            txt: false,
            by: "test#1".into(),
        };
        Egress {
            rules: hosts.iter().map(rule).collect(),
            internet: internet.to_vec(),
            ..Egress::default()
        }
    }

    #[test]
    fn a_name_is_tried_that_no_rule_allows_and_one_that_a_rule_does() {
        let words =
            |egress: &Egress| [refused(egress), allowed(egress)].map(Option::unwrap_or_default);
        assert_eq!(
            words(&egress(&["example.com", "*.a.org"], &[])),
            ["lookup example.net 127.0.0.1:53", "lookup example.com 127.0.0.1:53"]
        );
        assert_eq!(
            words(&egress(&["10.1.2.3", "*.a.org"], &[])),
            ["lookup example.com 127.0.0.1:53", "lookup jailgen-audit.a.org 127.0.0.1:53"]
        );
        assert_eq!(
            words(&egress(&[], &[443])),
            ["lookup jailgen-audit.local 127.0.0.1:53", "lookup example.com 127.0.0.1:53"]
        );
        assert_eq!(words(&egress(&["10.1.2.3"], &[]))[1], "");
    }
}
