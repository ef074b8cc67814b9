//! Message buses, through a proxy that lets only the named messages through.

use jail_policy::{Grant, Output, Service, Text};

use super::desktop::runtime_folder;
use super::{Chapter, Combinator, Lower, OURS, param};
use crate::diagnostic::Code;
use crate::lower::Call;
use crate::packages::{Brings, Brought, Side};
use crate::signature::{Field, Param, Signature, Type};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Message buses",
    intro: "D-Bus through `xdg-dbus-proxy`, which allows what is named and nothing else. There is one proxy for each bus, with everything
that the spec names for it; it runs in a jail of its own, next to this one, and ends with it. Names may end in `.*`, for all
names below. If the host does not have the bus, it is left out, and the launch reports it.",
    combinators: &[
        Combinator {
            name: "dbus",
            in_jail_nix: true,
            summary: "The named parts of the session's message bus",
            docs: "
- `own`: names that the jail may own.
- `talk`: names that it may talk to, in every way.
- `see`: names that it may see.
- `call` and `broadcast`: calls that it may make, and signals that it may get, as `NAME=RULE`; a rule is
  `INTERFACE.MEMBER@/PATH`, and `*` means any.

How much this allows depends on the service: `org.freedesktop.portal.*` asks you, `org.freedesktop.systemd1` runs anything
outside.",
            signature: Signature { params: RULES },
            example: "dbus { talk = [ \"org.freedesktop.portal.*\" ]; }",
            brings: BRINGS,
            lower: Lower::Permission(|call| named(call, Service::FilteredSessionBus)),
            ..OURS
        },
        Combinator {
            name: "dbus-system",
            summary: "The named parts of the machine's message bus",
            docs: "Like `dbus`.",
            signature: Signature { params: RULES },
            example: "dbus-system { see = [ \"org.freedesktop.UPower\" ]; talk = [ \"org.freedesktop.UPower\" ]; }",
            brings: BRINGS,
            lower: Lower::Permission(|call| named(call, Service::FilteredSystemBus)),
            ..OURS
        },
        Combinator {
            name: "notifications",
            in_jail_nix: true,
            summary: "Notifications on the desktop",
            docs: "The same as `dbus { talk = [ \"org.freedesktop.Notifications\" ]; }`.",
            example: "notifications",
            brings: BRINGS,
            lower: Lower::Permission(|call| {
                let rules = vec!["talk=org.freedesktop.Notifications".to_owned()];
                filtered(call, Service::FilteredSessionBus, rules)
            }),
            ..OURS
        },
    ],
};

const BRINGS: &[Brings] = &[Brings { package: Brought::XdgDbusProxy, side: Side::Host }];

const RULES: &[Param] = &[param("rules", Type::Fields(FIELDS))];

const FIELDS: &[Field] = &[
    list("own", "Names that the jail may own"),
    list("talk", "Names that it may talk to"),
    list("see", "Names that it may see"),
    list("call", "Calls that it may make, `NAME=RULE`"),
    list("broadcast", "Signals that it may receive, `NAME=RULE`"),
];

const fn list(name: &'static str, doc: &'static str) -> Field {
    Field { name, ty: Type::List(&Type::Literal), required: false, doc }
}

fn named(call: &mut Call<'_, '_>, service: Service) -> Option<()> {
    let mut rules = Vec::new();
    let mut sound = true;
    for Field { name: kind, .. } in FIELDS {
        for value in call.field_literals(0, kind) {
            if is_rule(kind, value) {
                rules.push(format!("{kind}={value}"));
                continue;
            }
            sound = false;
            let message = format!("`{}` is not valid for `{kind}`", jail_plan::one_line(value));
            let help = match *kind {
                "call" | "broadcast" => {
                    "write `NAME=RULE`: `\"org.example.App=org.example.App.Open@/*\"`"
                }
                _ => "write a name on the bus: `\"org.example.App\"`, or `\"org.example.*\"`",
            };
            call.error(Code::ParamType, 0, message, help);
        }
    }
    sound.then_some(())?;
    filtered(call, service, rules)
}

/// The D-Bus specification, "Bus names": at least two parts; `.*` at the end is the proxy's.
fn is_rule(kind: &str, text: &str) -> bool {
    let (name, rule) = match (kind, text.split_once('=')) {
        ("call" | "broadcast", Some((name, rule))) => (name, rule),
        ("call" | "broadcast", None) => return false,
        _ => (text, "*"),
    };
    let name = name.strip_suffix(".*").unwrap_or(name);
    let part = |part: &str| {
        !part.is_empty()
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
            && !part.starts_with(|c: char| c.is_ascii_digit())
    };
    let rule_char = |c: char| c.is_ascii_alphanumeric() || "_.*@/-".contains(c);
    name.len() <= 255
        && (name.contains('.') && name.split('.').all(part))
        && !rule.is_empty()
        && rule.chars().all(rule_char)
}

fn filtered(call: &mut Call<'_, '_>, service: Service, rules: Vec<String>) -> Option<()> {
    let mut proxy = Text::package(call.brought(Brought::XdgDbusProxy)?, Output::Bin);
    proxy.extend(&Text::literal("/bin/xdg-dbus-proxy"));
    if service == Service::FilteredSessionBus {
        runtime_folder(call);
        let value = Text::expanded("unix:path=${XDG_RUNTIME_DIR:-/run/user/jail}/bus");
        call.grant(Grant::SetEnv { name: "DBUS_SESSION_BUS_ADDRESS".into(), value });
    }
    call.grant_bus(service, proxy, rules);
    Some(())
}
