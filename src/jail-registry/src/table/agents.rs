//! Agents and daemons of the user that act for clients without handing out the
//! keys or files that they use.

use jail_policy::{Access, Grant, Missing, Scope, Service, Text};

use super::desktop::{forward, if_there, in_runtime_folder, runtime_folder, session};
use super::{Chapter, Combinator, Lower, OURS, names};
use crate::lower::Call;

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Agents and daemons",
    intro: "Programs of the host that do something for the jail and keep what they use to themselves. If one is not running, it is left
out, and the launch reports it.",
    combinators: &[
        Combinator {
            name: "gpg-agent",
            summary: "GnuPG's agent signs and decrypts for the jail, without giving it keys",
            docs: "It is the agent's restricted socket, made for forwarding to other machines: it never gives out a key, and the agent's own
questions appear on your screen. The public keys (`~/.gnupg/pubring.kbx`, `trustdb.gpg`) can be read.",
            example: "gpg-agent",
            lower: Lower::Permission(gpg_agent),
            ..OURS
        },
        Combinator {
            name: names::NIX_DAEMON,
            summary: "The Nix daemon: everything in /nix/store to read, and new store paths",
            docs: "**A way out.** The daemon builds and downloads outside the jail, with a network of its own, and obeys further requests of
users that it trusts. All of the store can be read, including what other users built. The `nix` command is not included: name
`pkgs.nix`.",
            example: "nix-daemon",
            lower: Lower::Permission(nix_daemon),
            ..OURS
        },
        Combinator {
            name: "ssh-agent",
            summary: "The SSH agent signs in for the jail, without giving it keys",
            docs: "Only the socket is in the jail. While the jail runs, it can use whatever the keys give access to: `ssh-add -c` asks for each
use. The jail can also lock the agent (`ssh-add -x`) and remove its keys (`ssh-add -D`), which affects you too. To know hosts,
add `(try-readonly (noescape \"~/.ssh/known_hosts\"))`.",
            example: "ssh-agent",
            lower: Lower::Permission(|call| {
                forward(call, "SSH_AUTH_SOCK");
                session(call, Service::SshAgent)
            }),
            ..OURS
        },
    ],
};

fn gpg_agent(call: &mut Call<'_, '_>) -> Option<()> {
    runtime_folder(call);
    // GnuPG wants its folders for itself, and looks for the socket in both.
    for to in [Text::expanded("~/.gnupg"), in_runtime_folder("gnupg")] {
        call.grant(Grant::Directory { to, mode: 0o700 });
    }
    for name in ["pubring.kbx", "trustdb.gpg"] {
        if_there(call, Text::expanded(format!("~/.gnupg/{name}")));
    }
    session(call, Service::GpgAgent)
}

fn nix_daemon(call: &mut Call<'_, '_>) -> Option<()> {
    call.grant(Grant::Store { scope: Scope::Whole });
    let conf = Text::literal("/etc/nix/nix.conf");
    let (access, missing) = (Access::ReadOnly, Missing::Skip);
    call.grant(Grant::Bind { from: conf.clone(), to: conf, access, missing });
    call.grant(Grant::SetEnv { name: "NIX_REMOTE".into(), value: Text::literal("daemon") });
    session(call, Service::NixDaemon)
}
