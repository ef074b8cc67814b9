//! `allowedHosts`: hosts by name, in place of the host's network.

use jail_policy::Text;

use super::expand::Expansion;
use crate::diagnostic::{Code, Diagnostic};
use crate::hosts::GROUP_MARK;
use crate::table::names;
use crate::term::{Applied, Placed, Value};

/// Replaces the host's network by the hosts.
pub(super) fn allowed_hosts(expansion: &mut Expansion<'_>, permissions: &mut Vec<Applied>) {
    let Some(given) = expansion.list("allowedHosts") else { return };
    let list = match &given.value {
        Value::Text(text) => match default(expansion, text, &given) {
            Ok(list) => list,
            Err(fault) => return expansion.fault(*fault),
        },
        _ => given.clone(),
    };
    permissions.retain(|permission| permission.combinator != names::NETWORK);
    permissions.push(expansion.apply(names::NETWORK_ALLOW, [list]));
}

/// The hosts of the agent, as a group.
fn default(
    expansion: &Expansion<'_>,
    text: &Text,
    given: &Placed,
) -> Result<Placed, Box<Diagnostic>> {
    let fault = |message: String, help: String| {
        Box::new(Diagnostic::error(Code::UnknownSetting, given.place, message).help(help))
    };
    let text = text.as_str().unwrap_or_default();
    if text != "default" {
        let shown = jail_plan::one_line(text);
        let message = format!("`allowedHosts` is `\"default\"` or a list of hosts, not `{shown}`");
        return Err(fault(message, format!("write `[ \"{shown}\" ]`")));
    }
    let Some(group) = expansion.builder().preset.and_then(super::Preset::hosts) else {
        let name = expansion.builder().name;
        let message = format!("jailgen knows no hosts for `{name}`, so there is no default");
        let help =
            "name the hosts: `[ \"api.example.com\" ]`; `jailgen hosts` lists groups of them";
        return Err(fault(message, help.into()));
    };
    let group = Value::Text(Text::literal(format!("{GROUP_MARK}{}", group.name)));
    let element = Placed { value: group, place: given.place };
    Ok(Placed { value: Value::List(vec![element]), place: given.place })
}
