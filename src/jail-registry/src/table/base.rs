//! The permissions that every jail starts with.

use jail_policy::{Grant, Lifetime, Missing, Output, Scope, Terminal, Text, Zone};

use super::{Chapter, Combinator, Lower, OURS, inside, names};
use crate::lower::{Call, default_hostname};
use crate::packages::Brought;

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Base",
    intro: "Every jail begins with these three. `reset` removes them.",
    combinators: &[
        Combinator {
            name: names::BASE,
            in_jail_nix: true,
            summary: "What nearly every program needs: /proc, a minimal /dev, empty /tmp and home, a shell, a clean environment",
            docs: "
- `/proc` with only the jail's processes, and a minimal `/dev` with its own `/dev/shm`.
- `/tmp`, `/var/tmp` and the home folder: writable, empty, in memory, gone when the jail ends. Everything else is read-only
  unless it is granted.
- `/bin/sh`, `/bin/bash` and `/usr/bin/env`, which scripts name in their first line; `PATH` with `/bin`, coreutils and the
  packages of the spec.
- A new environment: `HOME`, `LANG`, `TERM`, `COLORTERM`, `USER`, `SHELL` and `TZ=UTC`. Variables that the launcher does not
  have are left out.
- The host name is the jail's name. The program has a terminal, and the jail ends with its launcher.",
            example: "[ reset base bind-nix-store-runtime-closure ]",
            brings: &[inside(Brought::BashInteractive), inside(Brought::Coreutils)],
            lower: Lower::Permission(base),
            ..OURS
        },
        Combinator {
            name: names::BIND_NIX_STORE_RUNTIME_CLOSURE,
            in_jail_nix: true,
            summary: "Exactly the runtime closure of what the jail names, from the Nix store, read-only",
            docs: "The program, the packages and everything else in the store that the spec mentions, with everything that these refer to. Other
store paths do not exist inside, not even their names.",
            example: "[ reset base bind-nix-store-runtime-closure ]",
            lower: Lower::Permission(|call| {
                call.grant(Grant::Store { scope: Scope::Closure });
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::FAKE_PASSWD,
            in_jail_nix: true,
            summary: "Account files (passwd, group, nsswitch.conf) with the calling user and no other user of the host",
            docs: "They are made at each launch, so they are never out of date, and nothing is written to the host. The user's shell is the
jail's own.",
            example: "[ reset base bind-nix-store-runtime-closure fake-passwd ]",
            brings: &[inside(Brought::BashInteractive)],
            lower: Lower::Permission(|call| {
                let shell = shell(call)?;
                call.grant(Grant::Accounts { shell });
                Some(())
            }),
            ..OURS
        },
    ],
};

fn base(call: &mut Call<'_, '_>) -> Option<()> {
    let shell = shell(call)?;
    let coreutils = Text::package(call.brought(Brought::Coreutils)?, Output::Bin);
    mounts(call);
    // Agents run command lines with `/bin/bash` by that path, and so do most projects' scripts.
    for place in ["/bin/sh", "/bin/bash"] {
        link(call, place, shell.clone());
    }
    link(call, "/usr/bin/env", joined(coreutils.clone(), "/bin/env"));
    call.grant(Grant::Hostname { name: default_hostname(call.jail()) });
    call.grant(Grant::TimeZone { zone: Zone::Utc });
    call.grant(Grant::Terminal { terminal: Terminal::Keep });
    call.grant(Grant::Lifetime { lifetime: Lifetime::Launcher });
    // `~` rather than the launcher's HOME: the home folder's mount is there, whatever HOME says.
    set(call, "HOME", Text::expanded("~"));
    set(call, "SHELL", shell);
    // Programs use all colours only if the terminal supports them, which a
    // variable of its own says.
    for name in ["COLORTERM", "LANG", "TERM", "USER"] {
        call.grant(Grant::ForwardEnv { name: name.into(), missing: Missing::Skip });
    }
    // `/bin` contains only the shell: many programs start it by that path.
    call.grant(Grant::AddPath { folder: Text::literal("/bin") });
    call.grant(Grant::AddPath { folder: joined(coreutils, "/bin") });
    Some(())
}

fn mounts(call: &mut Call<'_, '_>) {
    call.grant(Grant::Proc { to: Text::literal("/proc") });
    call.grant(Grant::Dev { to: Text::literal("/dev") });
    for folder in ["/tmp", "/var/tmp"] {
        call.grant(Grant::Tmpfs { to: Text::literal(folder), mode: 0o1777, size: None });
    }
    call.grant(Grant::Tmpfs { to: Text::expanded("~"), mode: 0o700, size: None });
}

fn shell(call: &mut Call<'_, '_>) -> Option<Text> {
    let bash = Text::package(call.brought(Brought::BashInteractive)?, Output::Bin);
    Some(joined(bash, "/bin/bash"))
}

fn joined(mut text: Text, rest: &str) -> Text {
    text.extend(&Text::literal(rest));
    text
}

fn link(call: &mut Call<'_, '_>, to: &str, target: Text) {
    call.grant(Grant::Symlink { to: Text::literal(to), target });
}

fn set(call: &mut Call<'_, '_>, name: &str, value: Text) {
    call.grant(Grant::SetEnv { name: name.into(), value });
}
