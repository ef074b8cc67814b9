//! Agents and daemons of the user's that do something without handing out what they do it with.

use jail_policy::{Access, Grant, Missing, Scope, Service, Text};

use super::desktop::{forward, if_there, in_runtime_folder, runtime_folder, session};
use super::{Chapter, Combinator, Lower, OURS, names};
use crate::lower::Call;

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Agents and daemons",
    intro: "Programs of the host that do something for the jail without handing out what they do it with. Where one does not run it is left
out, and the launch says so.",
    combinators: &[
        Combinator {
            name: "gpg-agent",
            summary: "GnuPG's agent signs and decrypts for the jail, without its keys",
            docs: "It is the agent's restricted socket, made for machines that one forwards it to: no key can be taken from it, and the agent's own
questions come up on your screen. The public keys (`~/.gnupg/pubring.kbx`, `trustdb.gpg`) are there to read.",
            example: "gpg-agent",
            lower: Lower::Permission(gpg_agent),
            ..OURS
        },
        Combinator {
            name: names::NIX_DAEMON,
            summary: "The Nix daemon: everything in /nix/store to read, and new store paths",
            docs: "**A way out.** What the daemon builds and downloads it does outside of the jail, with a network of its own, and users that it trusts may
tell it more. All of the store is readable, and so is what other people built. The `nix` command is not part of it: name `pkgs.nix`.",
            example: "nix-daemon",
            lower: Lower::Permission(nix_daemon),
            ..OURS
        },
        Combinator {
            name: "ssh-agent",
            summary: "The SSH agent signs in for the jail, without its keys",
            docs: "Only the socket is there. Whatever the keys open is open to the jail, as long as it runs: `ssh-add -c` asks for each use. The jail can
also lock the agent (`ssh-add -x`) and remove its keys (`ssh-add -D`), for you too. To know the hosts add `(try-readonly (noescape \"~/.ssh/known_hosts\"))`.",
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
