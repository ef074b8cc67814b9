//! `secrets`: keys that stay outside, either those of the agent or those of a list.

use std::collections::BTreeMap;

use jail_egress::{Destination, Pattern, Rule};
use jail_policy::Text;

use super::expand::Expansion;
use crate::diagnostic::{Code, Diagnostic};
use crate::hosts::{GROUP_MARK, group};
use crate::keys::{KEYS, KnownKey, key};
use crate::suggest::nearest;
use crate::table::names;
use crate::term::{Applied, Place, Placed, Value};

/// Adds a `secret` for each.
pub(super) fn secrets(expansion: &mut Expansion<'_>, permissions: &mut Vec<Applied>) {
    let Some(given) = expansion.list("secrets") else { return };
    match &given.value {
        Value::Text(text) => {
            let text = text.as_str().unwrap_or_default();
            of_agent(expansion, text, given.place, permissions);
        }
        Value::List(elements) => {
            for element in elements {
                let place = element.place.or(given.place);
                let one = Placed { value: element.value.clone(), place };
                of_list(expansion, one, permissions);
            }
        }
        _ => {}
    }
}

/// The keys of the agent, if the launcher has them and the network allows their hosts.
fn of_agent(
    expansion: &mut Expansion<'_>,
    text: &str,
    place: Option<Place>,
    permissions: &mut Vec<Applied>,
) {
    if text != "default" {
        let shown = jail_plan::one_line(text);
        let message = format!("`secrets` is `\"default\"` or a list of secrets, not `{shown}`");
        return unknown(expansion, place, message, &format!("write `[ \"{shown}\" ]`"));
    }
    let preset = expansion.builder().preset;
    let known: Vec<&KnownKey> = preset.iter().flat_map(|preset| preset.keys()).collect();
    if known.is_empty() {
        let name = expansion.builder().name;
        let message = format!("jailgen knows no keys for `{name}`, so there is no default");
        let help = "name them: `[ \"OPENAI_API_KEY\" ]`, or a set as `secret` takes it";
        return unknown(expansion, place, message, help);
    }
    let allowed = allowed(expansion);
    let reachable: Vec<Applied> = known
        .into_iter()
        .filter_map(|key| {
            let hosts = reachable(key, allowed.as_deref());
            (!hosts.is_empty())
                .then(|| expansion.apply(names::SECRET, [argument(key, &hosts, true, place)]))
        })
        .collect();
    if reachable.is_empty() {
        let message = "the hosts of the agent's keys are not among `allowedHosts`";
        let help = "add them, or leave `secrets` out";
        return expansion.fault(Diagnostic::error(Code::SecretHost, place, message).help(help));
    }
    permissions.extend(reachable);
}

fn unknown(expansion: &mut Expansion<'_>, place: Option<Place>, message: String, help: &str) {
    expansion.fault(Diagnostic::error(Code::UnknownSetting, place, message).help(help));
}

/// A variable that is known, or what `secret` takes.
fn of_list(expansion: &mut Expansion<'_>, one: Placed, permissions: &mut Vec<Applied>) {
    let Value::Text(text) = &one.value else {
        return permissions.push(expansion.apply(names::SECRET, [one]));
    };
    let name = text.as_str().unwrap_or_default();
    let Some(key) = key(name) else {
        let message = format!("`{}` is not a key that jailgen knows", jail_plan::one_line(name));
        let help = match nearest(name, KEYS.iter().map(|key| key.variable)) {
            Some(near) => format!("did you mean `\"{near}\"`?"),
            None => "say what it is: `{ env = \"NAME\"; from.env = \"NAME\"; hosts = [ \"api.example.com\" ]; }`".to_owned(),
        };
        return unknown(expansion, one.place, message, &help);
    };
    let hosts = reachable(key, allowed(expansion).as_deref());
    // If none of its hosts is allowed, all of them are named, so the fault is about them.
    let hosts = if hosts.is_empty() { key.hosts.to_vec() } else { hosts };
    permissions.push(expansion.apply(names::SECRET, [argument(key, &hosts, false, one.place)]));
}

/// The hosts that `allowedHosts` allows, if it is readable; its faults are reported where it is
/// used. `None` without it: what else the spec says about the network is not known yet.
fn allowed(expansion: &Expansion<'_>) -> Option<Vec<Pattern>> {
    let given = expansion.list("allowedHosts")?;
    let hosts: Vec<String> = match &given.value {
        Value::Text(_) => {
            let preset = expansion.builder().preset?;
            preset.hosts()?.all().map(|known| known.host.to_owned()).collect()
        }
        Value::List(elements) => elements.iter().flat_map(named).collect(),
        _ => return None,
    };
    let pattern = |host: &String| match Rule::parse(host, String::new()).ok()?.destination {
        Destination::Names(pattern) => Some(pattern),
        Destination::Address(_) => None,
    };
    Some(hosts.iter().filter_map(pattern).collect())
}

/// The hosts of an element of a list.
fn named(element: &Placed) -> Vec<String> {
    let text = match &element.value {
        Value::Attributes(fields) => fields.get("host").map(|host| &host.value),
        value => Some(value),
    };
    let Some(Value::Text(text)) = text else { return Vec::new() };
    let text = text.as_str().unwrap_or_default();
    match text.strip_prefix(GROUP_MARK).map(group) {
        Some(group) => {
            group.into_iter().flat_map(|it| it.all()).map(|it| it.host.to_owned()).collect()
        }
        None => vec![text.to_owned()],
    }
}

/// The hosts of a key that the network allows.
fn reachable(key: &KnownKey, allowed: Option<&[Pattern]>) -> Vec<&'static str> {
    let Some(allowed) = allowed else { return key.hosts.to_vec() };
    let is_allowed = |host: &&&str| {
        let wanted = Pattern::parse(host).ok();
        wanted.is_some_and(|wanted| allowed.iter().any(|rule| rule.covers(&wanted)))
    };
    key.hosts.iter().filter(is_allowed).copied().collect()
}

/// The argument of `secret` for a known key.
fn argument(key: &KnownKey, hosts: &[&str], optional: bool, place: Option<Place>) -> Placed {
    let placed = |value| Placed { value, place };
    let text = |text: &str| placed(Value::Text(Text::literal(text)));
    let list = |words: &[&str]| placed(Value::List(words.iter().map(|word| text(word)).collect()));
    let from = BTreeMap::from([("env".to_owned(), text(key.variable))]);
    let fields = [
        ("env", text(key.variable)),
        ("from", placed(Value::Attributes(from))),
        ("hosts", list(hosts)),
        ("places", list(key.places)),
        ("optional", placed(Value::Bool(optional))),
    ];
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
    placed(Value::Attributes(fields.collect()))
}
