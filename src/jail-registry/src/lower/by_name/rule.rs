//! An element of a list of hosts: a host, a group, or a set with details of either.

use std::collections::BTreeMap;

use jail_egress::{
    AuthorityError, Destination, NameError, Objection, PatternError, Rule, RuleError,
};
use jail_policy::{NetworkGrant, Spoken};

use super::super::Call;
use super::{literal, ports};
use crate::diagnostic::Code;
use crate::hosts::{GROUP_MARK, GROUPS, group};
use crate::nix_text::quoted;
use crate::suggest::nearest;
use crate::term::{Place, Placed, Value};

/// The grants of an element, each with its place. `None` after a diagnostic.
type Granted = Option<Vec<(Option<Place>, NetworkGrant)>>;

/// Reads an element.
pub(super) fn read(call: &mut Call<'_, '_>, element: &Placed) -> Granted {
    let place = element.place.or(call.applied.place);
    match &element.value {
        Value::Attributes(fields) => of_fields(call, fields, place),
        _ => of_host(call, literal(element)?, place, &More::default()),
    }
}

/// The details that a set adds to the host.
#[derive(Default)]
struct More {
    ports: Option<Vec<u16>>,
    spoken: Option<Spoken>,
    any_sni: bool,
    txt: bool,
}

fn of_fields(
    call: &mut Call<'_, '_>,
    fields: &BTreeMap<String, Placed>,
    place: Option<Place>,
) -> Granted {
    let host = fields.get("host")?;
    let given = fields.get("ports");
    let ports = match given.map(|given| &given.value) {
        Some(Value::List(elements)) => {
            Some(ports::list(call, elements, given.and_then(|given| given.place).or(place))?)
        }
        Some(_) | None => None,
    };
    let is_true =
        |name: &str| matches!(fields.get(name).map(|given| &given.value), Some(Value::Bool(true)));
    let spoken = match (is_true("tls"), is_true("tcp")) {
        (true, true) => {
            let message =
                "`tls` and `tcp` contradict each other: `tls` allows only TLS, and `tcp` anything";
            call.error_at(Code::Contradiction, place, message.into(), "remove one of them");
            return None;
        }
        (true, false) => Some(Spoken::Tls),
        (false, true) => Some(Spoken::Tcp),
        (false, false) => None,
    };
    let any_sni = match fields.get("sni").map(|given| (literal(given), given.place)) {
        None => false,
        Some((Some("any"), _)) => true,
        Some((said, at)) => {
            let said = jail_plan::one_line(said.unwrap_or_default());
            let message = format!("`sni` is `\"any\"` or absent, not `{said}`");
            let help = "remove it: TLS must then name the host that was looked up";
            call.error_at(Code::UnknownSetting, at.or(place), message, help);
            return None;
        }
    };
    let more = More { ports, spoken, any_sni, txt: is_true("txt") };
    of_host(call, literal(host)?, host.place.or(place), &more)
}

fn of_host(call: &mut Call<'_, '_>, text: &str, place: Option<Place>, more: &More) -> Granted {
    let Some(name) = text.strip_prefix(GROUP_MARK) else {
        let rule = parse(call, text, place)?;
        if more.ports.is_some() && has_port(text, &rule) {
            let message = format!("`{text}` names its port twice, there and in `ports`");
            call.error_at(Code::BadPort, place, message, "remove one of them");
            return None;
        }
        return Some(vec![(place, granted(&rule, more))]);
    };
    let Some(group) = group(name) else {
        let message = format!("there is no group `{}`", jail_plan::one_line(text));
        let help = match nearest(name, GROUPS.iter().map(|group| group.name)) {
            Some(near) => format!("did you mean `\"{GROUP_MARK}{near}\"`?"),
            None => "`jailgen hosts` lists them".to_owned(),
        };
        call.error_at(Code::UnknownSetting, place, message, &help);
        return None;
    };
    let rules = group.all().filter_map(|known| Rule::parse(known.host, String::new()).ok());
    Some(rules.map(|rule| (place, granted(&rule, more))).collect())
}

/// A host as lists of hosts write it.
pub(super) fn parse(call: &mut Call<'_, '_>, text: &str, place: Option<Place>) -> Option<Rule> {
    let rule = Rule::parse(text, String::new());
    rule.map_err(|error| refuse(call, text, &error, place)).ok()
}

/// A host by its name, or all hosts below a name: what TLS can name. Groups are refused.
pub(super) fn by_name(call: &mut Call<'_, '_>, text: &str, place: Option<Place>) -> Option<Rule> {
    if text.starts_with(GROUP_MARK) {
        let message = format!(
            "`{}` is a group, but a single host is expected",
            shortened(&jail_plan::one_line(text))
        );
        let help = "name the host; `jailgen hosts` lists those of the group";
        call.error_at(Code::BadHost, place, message, help);
        return None;
    }
    let rule = parse(call, text, place)?;
    match rule.destination {
        Destination::Names(_) => Some(rule),
        Destination::Address(address) => {
            let message = format!("`{address}` is an address, but TLS names hosts");
            call.error_at(
                Code::BadHost,
                place,
                message,
                "name the host, as in `\"api.example.com\"`",
            );
            None
        }
    }
}

/// Whether the text contains a port. Without one, the rule has two.
pub(super) fn has_port(text: &str, rule: &Rule) -> bool {
    rule.ports.len() == 1 && text.contains(':')
}

fn granted(rule: &Rule, more: &More) -> NetworkGrant {
    NetworkGrant::Host {
        host: rule.destination.to_string(),
        ports: more.ports.clone().unwrap_or_else(|| rule.ports.clone()),
        spoken: more.spoken,
        any_sni: more.any_sni,
        txt: more.txt,
    }
}

const NAMED: &str = "write a host as `\"example.com\"`, all below it as `\"*.example.com\"`, an address as `\"10.1.2.3:8080\"`";

fn refuse(call: &mut Call<'_, '_>, text: &str, error: &RuleError, place: Option<Place>) {
    let shown = shortened(&jail_plan::one_line(text));
    let (code, what, help) = match error {
        _ if text == "default" => (
            Code::BadHost,
            "is for the builders of agents, and is not a host".to_owned(),
            "name a group, such as `\"@claude-code\"`, or use a builder with `allowedHosts = \"default\"`".to_owned(),
        ),
        _ if text.contains("://") => (Code::BadHost, "is a web address, not a host".into(), of_url(text)),
        RuleError::Authority(AuthorityError::Port) => (
            Code::BadPort,
            "has a port that does not exist".into(),
            "a port is a number from 1 to 65535: `\"example.com:8443\"`".into(),
        ),
        RuleError::Authority(AuthorityError::Address) => {
            (Code::BadHost, "has no IPv6 address between its brackets".into(), NAMED.into())
        }
        RuleError::Authority(AuthorityError::Name(error))
        | RuleError::Pattern(PatternError::Name(error)) => of_name(text, *error),
        RuleError::Pattern(PatternError::Everything) => (
            Code::BadHost,
            "is every host".into(),
            "use `internet` to reach every public host, or name the hosts".into(),
        ),
        RuleError::Pattern(PatternError::PublicSuffix(name)) => (
            Code::BadHost,
            format!("is every name that anyone registers below `{name}`"),
            format!("name the hosts below it, such as `\"*.example.{name}\"`"),
        ),
        RuleError::Pattern(PatternError::Star) => (
            Code::BadHost,
            "has its `*` elsewhere than in the first part".into(),
            "write `\"*.example.com\"` for all hosts below `example.com`".into(),
        ),
        RuleError::Pattern(PatternError::Local(_)) => (
            Code::BadHost,
            "is a name of your own network, which the broker does not look up".into(),
            "name its address, such as `\"192.168.1.10:8080\"`; `allow-host-port` reaches this machine".into(),
        ),
        RuleError::Address(_, Objection::Loopback) => (
            Code::BadHost,
            "is the jail itself: its loopback is its own".into(),
            "use `(allow-host-port PORT)` to reach a port of the host's loopback".into(),
        ),
        RuleError::Address(_, objection) => (
            Code::BadHost,
            format!("is {objection}, to which no connection can be made"),
            NAMED.into(),
        ),
    };
    let at = place.or(call.applied.place);
    call.error_at(code, at, format!("`{shown}` {what}"), &help);
}

fn of_name(text: &str, error: NameError) -> (Code, String, String) {
    let is_range = text.split_once('/').is_some_and(|(address, bits)| {
        address.parse::<std::net::IpAddr>().is_ok() && bits.parse::<u8>().is_ok()
    });
    if is_range {
        let what = "is a range of addresses, but rules name single ones".into();
        return (Code::BadHost, what, "name the addresses one by one, each with its port".into());
    }
    (Code::BadHost, format!("is not a host: {error}"), NAMED.into())
}

/// The host of a web address, as it would be written.
fn of_url(text: &str) -> String {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("write `{}`: a rule here cannot distinguish paths", quoted(host))
}

/// A name of any length is accepted here.
fn shortened(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
