//! Scripts that run on the host, outside the jail.

use jail_plan::helper::{CLIENTS, OPENER, is_channel};
use jail_policy::{Grant, Output, Phase, Text};

use super::{Chapter, Combinator, Lower, OURS, names, on_host, param};
use crate::diagnostic::Code;
use crate::lower::Call;
use crate::packages::Brought;
use crate::signature::{Signature, Type};

const SCRIPT: Signature = Signature { params: &[param("script", Type::Text)] };

pub(super) const CHAPTER: Chapter = Chapter {
    title: "On the host",
    intro: "What runs outside the jail, with your rights. [host-hooks.md](host-hooks.md) says more.",
    combinators: &[
        Combinator {
            name: names::ADD_CLEANUP,
            in_jail_nix: true,
            summary: "A bash script on the host after the program's end, however it ended",
            docs: "It runs in the shell of `add-runtime`, with its variables, also if a script before the launch failed, or if the program or the
launcher was killed. It continues after a command that fails; the exit status stays the program's.",
            signature: SCRIPT,
            example: "[ (add-runtime \"scratch=$(mktemp -d)\") (add-cleanup \"rm -r \\\"$scratch\\\"\") ]",
            brings: &[on_host(Brought::BashInteractive)],
            lower: Lower::Permission(|call| script(call, Phase::After)),
            ..OURS
        },
        Combinator {
            name: names::ADD_RUNTIME,
            in_jail_nix: true,
            summary: "A bash script on the host before the launch",
            docs: "
- All scripts of a jail run in one shell, in order, and share their variables. `\"$@\"` are the arguments of the command. A
  script stops at the first command that fails (`errexit`, `nounset`, `pipefail`), and then nothing is started.
- Every variable that the spec mentions (`(noescape \"$NAME\")`, `fwd-env`) is read back, whether it is exported or not.
- `RUNTIME_ARGS+=(--ro-bind /a /b)` adds arguments of bubblewrap, as `unsafe-add-raw-args` takes them.
- It starts in the folder in which the jail was started. PATH, and similar lists, have no relative entry and no folder that a
  jail may write.
- It runs with your rights. An agent may have written what it reads from a folder that the jail can write.",
            signature: SCRIPT,
            example: "[ (add-runtime \"TODAY=$(date +%F)\") (set-env \"TODAY\" (noescape \"$TODAY\")) ]",
            brings: &[on_host(Brought::BashInteractive)],
            lower: Lower::Permission(|call| script(call, Phase::Before)),
            ..OURS
        },
        Combinator {
            name: "jail-to-host-channel",
            in_jail_nix: true,
            summary: "A program inside that runs a bash script on the host",
            docs: "The script gets the program's arguments and its input; its output and its exit status are the program's. Calls run in
parallel, each in a process of its own, with what `add-runtime` exported; a call that fails or hangs affects no other, and
ends with its caller. The script starts in `/`, and `JAIL_PROJECT` is the folder in which the jail was started; PATH has no
folder that a jail may write. The jail decides when to call it, how often, and with what: quote every `\"$1\"`, and trust none
of them.",
            signature: Signature { params: &[param("name", Type::Literal), param("script", Type::Text)] },
            example: "jail-to-host-channel \"host-date\" \"date +%F\"",
            brings: &[on_host(Brought::BashInteractive)],
            lower: Lower::Permission(channel),
            ..OURS
        },
        Combinator {
            name: names::OPEN_URLS_IN_BROWSER,
            in_jail_nix: true,
            summary: "Web addresses are opened in your browser, on the host",
            docs: "`xdg-open` inside, and `BROWSER`, take one http or https address. On the host `$BROWSER` opens it, or `xdg-open` if that is
not set; neither is looked for in the project. It starts in `/`. An address can carry what the jail knows to the server that
it names, even without `network`.",
            example: "open-urls-in-browser",
            lower: Lower::Permission(|call| {
                clients(call);
                call.grant(Grant::OpenUrls);
                let value = Text::literal(format!("{CLIENTS}/{OPENER}"));
                call.grant(Grant::SetEnv { name: "BROWSER".into(), value });
                Some(())
            }),
            ..OURS
        },
    ],
};

fn script(call: &mut Call<'_, '_>, phase: Phase) -> Option<()> {
    let script = as_it_stands(call, 0)?;
    let shell = shell(call)?;
    call.grant(Grant::HostScript { phase, script, shell });
    Some(())
}

fn channel(call: &mut Call<'_, '_>) -> Option<()> {
    let name = call.literal(0)?;
    if !is_channel(name) {
        let message = format!("`{}` cannot be the name of a channel", jail_plan::one_line(name));
        let help = "a program's name: letters, digits, `-`, `_`, `.` and `+`, at most 64, and not `jail-host`";
        call.error(Code::ChannelName, 0, message, help);
        return None;
    }
    let script = as_it_stands(call, 1)?;
    let shell = shell(call)?;
    clients(call);
    call.grant(Grant::Channel { name: name.into(), script, shell });
    Some(())
}

/// A script's own `$` is for bash, with or without `noescape`.
fn as_it_stands(call: &mut Call<'_, '_>, argument: usize) -> Option<Text> {
    let text = call.contents(argument)?;
    Some(Text::new(false, text.pieces().iter().cloned()))
}

fn shell(call: &mut Call<'_, '_>) -> Option<Text> {
    let mut shell = Text::package(call.brought(Brought::BashInteractive)?, Output::Bin);
    shell.extend(&Text::literal("/bin/bash"));
    Some(shell)
}

/// The folder of the programs that call the host is added to PATH, once.
fn clients(call: &mut Call<'_, '_>) {
    if call.once(CLIENTS) {
        call.grant(Grant::AddPath { folder: Text::literal(CLIENTS) });
    }
}
