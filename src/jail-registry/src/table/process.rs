//! How the jail's processes live, and what they know of the machine.

use jail_policy::{Grant, Lifetime, Missing, Terminal, Text, Zone};

use super::{Chapter, Combinator, Lower, OURS, inside, names, param};
use crate::diagnostic::Code;
use crate::lower::{Call, is_hostname};
use crate::packages::Brought;
use crate::signature::{Signature, Type};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Process and identity",
    intro: "How the jail's processes live, and what they know about the machine.",
    combinators: &[
        Combinator {
            name: "dedicated-user",
            summary: "The program runs under a user id of its own, on the host too: a system user of this name, or one of your subordinate ids",
            docs: "A process that escapes then does not have your rights. What is granted read-write and belongs to you is shared by access
control lists, so both of you can edit it. [dedicated-user.md](dedicated-user.md) says what it needs and what does not work
with it.",
            signature: Signature { params: &[param("name", Type::Literal)] },
            example: "dedicated-user \"agent\"",
            lower: Lower::Permission(dedicated_user),
            ..OURS
        },
        Combinator {
            name: "machine-id",
            since: "0.2.0",
            summary: "A machine id in /etc/machine-id that no other jail has, new at each launch",
            docs: "Libraries of D-Bus and systemd, browsers and some licence checks read one, and complain or stop if there is none. The host's
would reveal that two jails, or a jail and you, are on one machine. A jail without this grant has no machine id.",
            example: "machine-id",
            lower: Lower::Permission(|call| {
                call.grant(Grant::MachineId { to: Text::literal("/etc/machine-id") });
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::NEW_SESSION,
            summary: "The terminal is not the program's controlling terminal: no job control, no `/dev/tty`",
            docs: "The program still reads what you type and writes to the terminal, and keys still interrupt it.",
            example: "new-session",
            lower: Lower::Permission(|call| {
                call.grant(Grant::Terminal { terminal: Terminal::NewSession });
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::NO_DIE_WITH_PARENT,
            in_jail_nix: true,
            summary: "The jail may outlive the process that started it",
            docs: "It still ends with its program.",
            example: "no-die-with-parent",
            lower: Lower::Permission(|call| {
                call.grant(Grant::Lifetime { lifetime: Lifetime::Payload });
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::NO_NEW_SESSION,
            in_jail_nix: true,
            summary: "The program has a controlling terminal, with job control: the default",
            docs: "It is not less secure: the jail has a terminal of its own, which gets what you type only while its job is in the foreground.
[layers.md](layers.md#terminal) says more.",
            example: "no-new-session",
            lower: Lower::Permission(|call| {
                call.grant(Grant::Terminal { terminal: Terminal::Keep });
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::SET_HOSTNAME,
            in_jail_nix: true,
            summary: "The host name inside, also in /etc/hostname and /etc/hosts",
            docs: "The default is the jail's name. With `network`, /etc/hosts is the host's with this name added.",
            signature: Signature { params: &[param("name", Type::Literal)] },
            example: "set-hostname \"workbench\"",
            lower: Lower::Permission(set_hostname),
            ..OURS
        },
        Combinator {
            name: names::SHARE_TERMINAL,
            since: "0.2.0",
            summary: "The program has the launcher's terminal itself, not one of the jail's own",
            docs: "For programs that need the terminal's own device: a serial line, a console. A process inside can then read what you type to
your shell while the job is stopped or in the background, and leave the terminal's settings changed; `audit` reports it.",
            example: "share-terminal",
            lower: Lower::Permission(|call| {
                call.grant(Grant::Terminal { terminal: Terminal::Shared });
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: "terminal-filter",
            since: "0.2.0",
            summary: "What the program writes to the terminal is displayed, and has no other effect",
            docs: "A terminal carries out what is written to it: it sets the clipboard (OSC 52), types back the title of its window (CSI 21 t),
its settings and fonts, reads files for kitty's pictures, or starts a printer. Such sequences are removed; text, colours,
pictures, titles, links and what editors and agents use stay, byte for byte. [layers.md](layers.md#filtered-terminal) has the
list.

A process on the host without any rights does this; the launcher only passes bytes on. If the program has no terminal, nothing
is filtered: output to a pipe is as dangerous as the program that displays it later. `share-terminal` gives the terminal
itself, which cannot be filtered, so the two together are refused.",
            example: "terminal-filter",
            lower: Lower::Permission(|call| {
                call.grant(Grant::TerminalFilter);
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::TIME_ZONE,
            in_jail_nix: true,
            summary: "The host's time zone",
            example: "time-zone",
            brings: &[inside(Brought::Tzdata)],
            lower: Lower::Permission(host_zone),
            ..OURS
        },
        Combinator {
            name: "utc",
            summary: "The time zone UTC: the default",
            docs: "Write it after `network`, which adds the host's time zone.",
            example: "[ network utc ]",
            lower: Lower::Permission(|call| {
                call.grant(Grant::TimeZone { zone: Zone::Utc });
                Some(())
            }),
            ..OURS
        },
    ],
};

fn set_hostname(call: &mut Call<'_, '_>) -> Option<()> {
    let name = call.literal(0)?;
    if !is_hostname(name) {
        let message = format!("`{}` is not a host name", jail_plan::one_line(name));
        let help = "letters, digits and `-`, in parts separated by dots, 63 characters at most";
        call.error(Code::BadHostname, 0, message, help);
        return None;
    }
    call.grant(Grant::Hostname { name: name.into() });
    Some(())
}

/// git refuses a repository of another user, unless its configuration says that all are safe.
fn dedicated_user(call: &mut Call<'_, '_>) -> Option<()> {
    let name = call.literal(0)?;
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    if !begins || !name.chars().all(legal) || name.len() > 32 || name == "root" {
        let message =
            format!("`{}` is not a name for a user of its own", jail_plan::one_line(name));
        let help =
            "lower-case letters, digits, `-` and `_`, 32 at most, a letter first; not `root`";
        call.error(Code::BadUserName, 0, message, help);
        return None;
    }
    call.grant(Grant::DedicatedUser { name: name.into() });
    for (name, value) in [
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "safe.directory"),
        ("GIT_CONFIG_VALUE_0", "*"),
    ] {
        call.grant(Grant::SetEnv { name: name.into(), value: Text::literal(value) });
    }
    Some(())
}

/// The host's zone, and the rules of all zones for programs that refer to it by name.
pub(super) fn host_zone(call: &mut Call<'_, '_>) -> Option<()> {
    let tzdata = Text::package(call.brought(Brought::Tzdata)?, jail_policy::Output::Out);
    let mut folder = tzdata;
    folder.extend(&Text::literal("/share/zoneinfo"));
    call.grant(Grant::SetEnv { name: "TZDIR".into(), value: folder });
    call.grant(Grant::TimeZone { zone: Zone::Host });
    Some(())
}

/// Copies a file that may be missing on a host.
pub(crate) fn copy_if_there(call: &mut Call<'_, '_>, path: &str) {
    let (from, to) = (Text::literal(path), Text::literal(path));
    call.grant_beneath(Grant::Copy { from, to, append: None, missing: Missing::Skip });
}
