//! Files of the host that appear in the jail, and files that are made for it.

use jail_policy::{Access, Grant, Missing, Mode, Output, Scope, Text};

use super::{Chapter, Combinator, Lower, OURS, caches, homes, names, param};
use crate::diagnostic::Code;
use crate::lower::{Call, parse_size};
use crate::signature::{Param, Signature, Type};
use crate::words::Words;

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Files",
    intro: "None of the host's files exists in a jail until it is granted. Paths are absolute; `(noescape \"~/x\")` names something in the
home folder. A missing source stops the launch, and the message names the line that asked for it, unless the combinator's name
begins with `try`.",
    combinators: &[
        Combinator {
            name: names::BIND_DEVICE,
            summary: "One device node",
            docs: "Only this combinator makes a device usable. A device node that another grant shows does not work.",
            signature: Signature { params: PATH },
            example: "bind-device \"/dev/kvm\"",
            lower: Lower::Permission(|call| {
                let path = call.source(0)?;
                same(call, path, Access::Device, Missing::Fail)
            }),
            ..OURS
        },
        Combinator {
            name: "bind-pkg",
            in_jail_nix: true,
            summary: "A package's output at this place, read-only",
            docs: "The package's closure is added to the jail.",
            signature: Signature { params: &[param("to", Type::Text), param("package", Type::Package)] },
            example: "bind-pkg \"/etc/zoneinfo\" pkgs.tzdata",
            lower: Lower::Permission(|call| {
                let from = Text::package(call.package(1)?.clone(), Output::Out);
                let to = call.target(0)?;
                let (access, missing) = (Access::ReadOnly, Missing::Fail);
                call.grant_named(0, Grant::Bind { from, to, access, missing });
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::CACHES,
            summary: "Caches of package managers and compilers, of the jail's own, that stay when it ends",
            docs: "Each is a folder on the host, made (mode 0700) if it is missing: `~/.cache/jailgen/JAIL/NAME`, with the name of the jail.
The caches of your own programs are not in the jail, because what it puts there would be built and run outside. All sessions of
a jail share its caches, in whatever project they are: what one of them puts there, the next one runs. The
[names](#names-of-caches) are in a list of their own; for other folders, use `separate-state-dir`.",
            signature: Signature { params: &[param("names", Type::List(&Type::Word(Words::Caches)))] },
            example: "caches [ \"npm\" \"cargo\" ]",
            lower: Lower::Permission(caches::caches),
            ..OURS
        },
        Combinator {
            name: "follow-links",
            summary: "Programs of the Nix store that an agent's settings lead to can be executed, such as the hooks that home-manager installs",
            docs: "Links in an agent's state that lead into the store, and paths of the store that its settings name, bring what they lead to into the
jail, with all that it needs: read-only, and without this combinator so that nothing in it can be executed, because the spec did not name
it. It is about the names of `private-copies`, which the jail cannot change for the next session, and about what settings name. What other
links in the state lead to stays without execution. [agent-state.md](agent-state.md#settings-that-are-symbolic-links) says more.",
            example: "[ (state-dir (noescape \"~/.config/my-agent\")) (private-copies (noescape \"~/.config/my-agent\") [ \"config.json\" ]) follow-links ]",
            lower: Lower::Permission(|call| {
                call.grant(Grant::FollowLinks);
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: "mount",
            summary: "A file system of this type at this place: `tmpfs`, `devtmpfs` (a minimal /dev) or `proc`",
            docs: "There are no other types: a jail never mounts anything that the kernel would have to interpret.",
            signature: Signature { params: &[param("kind", Type::Word(MOUNT_KINDS)), param("to", Type::Text)] },
            example: "mount \"tmpfs\" \"/var/cache\"",
            lower: Lower::Permission(mount),
            ..OURS
        },
        Combinator {
            name: names::MOUNT_DEV,
            summary: "A minimal /dev",
            docs: "`base` includes it; this is for jails that begin with `reset`.",
            example: "[ reset bind-nix-store-runtime-closure mount-dev ]",
            lower: Lower::Permission(|call| {
                call.grant(Grant::Dev { to: Text::literal("/dev") });
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::MOUNT_PROC,
            summary: "A /proc that shows only the jail's processes",
            docs: "`base` includes it; this is for jails that begin with `reset`.",
            example: "[ reset bind-nix-store-runtime-closure mount-proc ]",
            lower: Lower::Permission(|call| {
                call.grant(Grant::Proc { to: Text::literal("/proc") });
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: "persist-home",
            in_jail_nix: true,
            summary: "A persistent home folder under this name, for all jails that use the name",
            docs: "It is in `~/.local/share/jailgen/home/NAME` (or below `$XDG_DATA_HOME`) and is made on first use. Other grants in the home
folder cover it, wherever they are in the spec.",
            signature: Signature { params: &[param("name", Type::Literal)] },
            example: "persist-home \"work\"",
            lower: Lower::Permission(homes::persist_home),
            ..OURS
        },
        Combinator {
            name: "persist-project-home",
            summary: "A persistent home folder under this name for each project: each folder in which the jail is started has its own",
            docs: "It is in `~/.local/share/jailgen/project-home/NAME` (or below `$XDG_DATA_HOME`), named after the project's path. An agent does
not see what it keeps of other projects.",
            signature: Signature { params: &[param("name", Type::Literal)] },
            example: "persist-project-home \"work\"",
            lower: Lower::Permission(|call| {
                let name = homes::home_name(call)?;
                let path = homes::data_folder("project-home", name);
                call.grant_home(Grant::FolderState { path, to: Text::expanded("~") });
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::PRIVATE_COPIES,
            summary: "The jail has copies of these files and folders in a folder that is granted read-write: its changes are gone when it ends",
            docs: "For files that a program on the host executes or trusts in state that it shares with jails, such as hooks, plugins and settings of agents;
the builders of agents have lists of their own. A name that ends with `/` is that of a folder. The jail cannot make missing ones on the host either: an
empty file or folder is there as long as a jail runs. Programs in the folder that such a file names are copies, too. When the jail has ended, the launch
prints what it has changed in its copies. [agent-state.md](agent-state.md) says more.",
            signature: Signature {
                params: &[param("folder", Type::Text), param("names", Type::List(&Type::Literal))],
            },
            example: "[ (state-dir (noescape \"~/.config/my-agent\")) (private-copies (noescape \"~/.config/my-agent\") [ \"config.json\" \"plugins/\" ]) ]",
            lower: Lower::Permission(homes::private_copies),
            ..OURS
        },
        Combinator {
            name: names::READONLY,
            in_jail_nix: true,
            summary: "This path, at its own place, read-only",
            signature: Signature { params: PATH },
            example: "readonly \"/etc/os-release\"",
            lower: Lower::Permission(|call| {
                let path = call.source(0)?;
                same(call, path, Access::ReadOnly, Missing::Fail)
            }),
            ..OURS
        },
        Combinator {
            name: "readonly-paths-from-var",
            in_jail_nix: true,
            summary: "Every path in this variable, read-only; the second string separates the paths",
            docs: "Paths that do not exist are skipped, and so is a variable that is not set. The variable itself is not passed on: use `fwd-env`
for that.",
            signature: Signature {
                params: &[param("variable", Type::Literal), param("separator", Type::Literal)],
            },
            example: "readonly-paths-from-var \"XDG_DATA_DIRS\" \":\"",
            lower: Lower::Permission(paths_from_variable),
            ..OURS
        },
        Combinator {
            name: names::READWRITE,
            in_jail_nix: true,
            summary: "This path, at its own place, read-write",
            docs: "For an agent's own state, prefer `state-dir`, which makes the folder on first use.",
            signature: Signature { params: PATH },
            example: "readwrite (noescape \"~/.cache/go-build\")",
            lower: Lower::Permission(|call| {
                let path = call.source(0)?;
                same(call, path, Access::ReadWrite, Missing::Fail)
            }),
            ..OURS
        },
        Combinator {
            name: "ro-bind",
            in_jail_nix: true,
            summary: "A path of the host at a place in the jail, read-only",
            signature: Signature { params: FROM_TO },
            example: "ro-bind \"/srv/models\" \"/models\"",
            lower: Lower::Permission(|call| {
                bind_to(call, Access::ReadOnly, Missing::Fail)
            }),
            ..OURS
        },
        Combinator {
            name: "runtime-deep-ro-bind",
            in_jail_nix: true,
            summary: "This path, at its own place, read-only; symbolic links that lead out of it are replaced by their targets",
            docs: "For configuration that consists of links to other places. A link that stays in the tree stays a link; a link that leads out of
it is replaced by its target, at any depth. The launch reports links that lead nowhere. A link in a folder that any jail could
ever write stops the launch, because an earlier session may have made it. `/etc/resolv.conf` is copied.",
            signature: Signature { params: PATH },
            example: "runtime-deep-ro-bind \"/etc/ssl\"",
            lower: Lower::Permission(|call| {
                let from = call.source(0)?;
                call.grant_named(0, Grant::DeepBind { from, missing: Missing::Fail });
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: "rw-bind",
            in_jail_nix: true,
            summary: "A path of the host at a place in the jail, read-write",
            signature: Signature { params: FROM_TO },
            example: "rw-bind (noescape \"~/notes\") \"/notes\"",
            lower: Lower::Permission(|call| {
                bind_to(call, Access::ReadWrite, Missing::Fail)
            }),
            ..OURS
        },
        Combinator {
            name: names::SEPARATE_STATE_DIR,
            summary: "A folder of the jail's own in place of this one, read-write, made (mode 0700) if it is missing",
            docs: "It is kept in `~/.local/share/jailgen/state/NAME`, with the name of the jail, and no program outside looks there.",
            signature: Signature { params: PATH },
            example: "separate-state-dir (noescape \"~/.claude\")",
            lower: Lower::Permission(|call| {
                let (path, to) = homes::separate(call)?;
                call.grant_named(0, Grant::StateDirectory { path, to });
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::SEPARATE_STATE_FILE,
            summary: "A file of the jail's own in place of this one, read-write; its program makes it (mode 0600) if it is missing",
            docs: "The same as `separate-state-dir`, for a file; `state-file` describes how files are carried over.",
            signature: Signature { params: PATH },
            example: "separate-state-file (noescape \"~/.claude.json\")",
            lower: Lower::Permission(|call| {
                let (path, to) = homes::separate(call)?;
                call.grant_named(0, Grant::StateFile { path, to });
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::STATE_DIR,
            summary: "A folder of the agent's own state, read-write, made (mode 0700) if it is missing",
            docs: "A file in its place stops the launch.",
            signature: Signature { params: PATH },
            example: "state-dir (noescape \"~/.config/opencode\")",
            lower: Lower::Permission(|call| {
                let path = call.source(0)?;
                call.grant_named(0, Grant::StateDirectory { to: path.clone(), path });
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::STATE_FILE,
            summary: "A file of the agent's own state, read-write; its program creates it (mode 0600) if it is missing",
            docs: "Programs may write it in place, or replace it by renaming a new file over it. For this the jail has its own file. The two
files follow each other within a fraction of a second, always as a whole. When the jail has ended, the host has what the
program changed, even if the program was killed. A process outside that may open these two files and nothing else synchronises
them; it needs Landlock. If the host does not have the file, it does not exist inside either, because many programs take an
empty file for a broken one.

What can be lost: if two launches, or a launch and a program outside, change the file at the same time, the last change wins
and the other is lost. Locks do not help, because each side locks its own file. For state that sessions share, grant the
*folder* that contains it (`state-dir`): there, locks and renames apply to all sessions. If the process that synchronises the
file is killed, or ended with the jail by `limit-memory`, the changes of the last moments are lost, and the launch reports it.
If a program removes the file, it is removed only inside. If it leaves something that is not a regular file, or is larger than
64 MiB, the host's file stays as it is, and the launch reports it.

If nothing can be written next to the file inside, if the host's file has a second name (a hard link), or for a
`dedicated-user`, the file itself is bound instead, and created (empty) if it is missing. It can then be written in place, but
a rename over it is refused (`EBUSY`). In a persistent home folder, a file that was there before is kept next to it as
`NAME.jailgen-old`.",
            signature: Signature { params: PATH },
            example: "state-file (noescape \"~/.claude.json\")",
            lower: Lower::Permission(|call| {
                let path = call.source(0)?;
                call.grant_named(0, Grant::StateFile { to: path.clone(), path });
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: "tmpfs",
            in_jail_nix: true,
            summary: "An empty folder in memory, writable, gone when the jail ends",
            docs: "All such folders together may use half of the memory; `tmpfs-sized` gives one a size of its own.",
            signature: Signature { params: &[param("to", Type::Text)] },
            example: "tmpfs \"/var/cache\"",
            lower: Lower::Permission(|call| {
                let to = call.target(0)?;
                tmpfs(call, 0, to, None)
            }),
            ..OURS
        },
        Combinator {
            name: "tmpfs-sized",
            summary: "An empty folder in memory that holds at most this much: bytes, or `K`, `M`, `G`",
            signature: Signature { params: &[param("size", Type::Literal), param("to", Type::Text)] },
            example: "tmpfs-sized \"1G\" \"/tmp\"",
            lower: Lower::Permission(tmpfs_sized),
            ..OURS
        },
        Combinator {
            name: names::TRY_READONLY,
            in_jail_nix: true,
            summary: "This path, at its own place, read-only, if it exists",
            signature: Signature { params: PATH },
            example: "try-readonly \"/etc/gitconfig\"",
            lower: Lower::Permission(|call| {
                let path = call.source(0)?;
                same(call, path, Access::ReadOnly, Missing::Skip)
            }),
            ..OURS
        },
        Combinator {
            name: names::TRY_READWRITE,
            in_jail_nix: true,
            summary: "This path, at its own place, read-write, if it exists",
            signature: Signature { params: PATH },
            example: "try-readwrite (noescape \"~/.cache/pip\")",
            lower: Lower::Permission(|call| {
                let path = call.source(0)?;
                same(call, path, Access::ReadWrite, Missing::Skip)
            }),
            ..OURS
        },
        Combinator {
            name: "try-ro-bind",
            in_jail_nix: true,
            summary: "A path of the host at a place in the jail, read-only, if it exists",
            signature: Signature { params: FROM_TO },
            example: "try-ro-bind (noescape \"~/.gitconfig\") \"/etc/gitconfig\"",
            lower: Lower::Permission(|call| {
                bind_to(call, Access::ReadOnly, Missing::Skip)
            }),
            ..OURS
        },
        Combinator {
            name: "try-rw-bind",
            in_jail_nix: true,
            summary: "A path of the host at a place in the jail, read-write, if it exists",
            signature: Signature { params: FROM_TO },
            example: "try-rw-bind \"/srv/cache\" \"/cache\"",
            lower: Lower::Permission(|call| {
                bind_to(call, Access::ReadWrite, Missing::Skip)
            }),
            ..OURS
        },
        Combinator {
            name: names::WHOLE_NIX_STORE,
            summary: "All of /nix/store, read-only, instead of the closure",
            docs: "Everything in the store becomes readable, including what other users built.",
            example: "whole-nix-store",
            lower: Lower::Permission(|call| {
                call.grant(Grant::Store { scope: Scope::Whole });
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: "write-text",
            in_jail_nix: true,
            summary: "A read-only file with this text",
            docs: "The text is taken literally. It is part of the wrapper, which every user of the machine can read, so do not put secrets into
it.",
            signature: Signature { params: &[param("to", Type::Text), param("text", Type::Text)] },
            example: "write-text \"/etc/motd\" \"Mind the gap.\\n\"",
            lower: Lower::Permission(write_text),
            ..OURS
        },
    ],
};

const PATH: &[Param] = &[param("path", Type::Text)];
const FROM_TO: &[Param] = &[param("from", Type::Text), param("to", Type::Text)];

fn same(call: &mut Call<'_, '_>, path: Text, access: Access, missing: Missing) -> Option<()> {
    call.grant_named(0, Grant::Bind { from: path.clone(), to: path, access, missing });
    Some(())
}

fn bind_to(call: &mut Call<'_, '_>, access: Access, missing: Missing) -> Option<()> {
    let (from, to) = (call.source(0), call.target(1));
    call.grant_named(1, Grant::Bind { from: from?, to: to?, access, missing });
    Some(())
}

/// The file systems that `mount` knows.
const MOUNT_KINDS: Words = Words::Given(&["devtmpfs", "proc", "tmpfs"]);

fn mount(call: &mut Call<'_, '_>) -> Option<()> {
    let to = call.target(1)?;
    match call.literal(0)? {
        "tmpfs" => tmpfs(call, 1, to, None)?,
        "devtmpfs" => call.grant_named(1, Grant::Dev { to }),
        "proc" => call.grant_named(1, Grant::Proc { to }),
        other => {
            let message = format!("`mount` does not know the type `{other}`");
            call.error(Code::MountKind, 0, message, "it knows `tmpfs`, `devtmpfs` and `proc`");
            return None;
        }
    }
    Some(())
}

fn tmpfs(call: &mut Call<'_, '_>, argument: usize, to: Text, size: Option<u64>) -> Option<()> {
    let mode = tmpfs_mode(&to);
    call.grant_named(argument, Grant::Tmpfs { to, mode, size });
    Some(())
}

fn tmpfs_sized(call: &mut Call<'_, '_>) -> Option<()> {
    let text = call.literal(0)?;
    let to = call.target(1);
    let Some(size) = parse_size(text) else {
        let message = format!("`{text}` is not a size");
        call.error(
            Code::BadSize,
            0,
            message,
            "write a number of bytes, or of `K`, `M` or `G`: `\"512M\"`",
        );
        return None;
    };
    tmpfs(call, 1, to?, Some(size))
}

/// Folders that all users of a machine share keep the permissions that programs expect of them.
fn tmpfs_mode(to: &Text) -> Mode {
    match to.as_str() {
        Some("/tmp" | "/var/tmp" | "/dev/shm") => 0o1777,
        Some(_) | None => 0o755,
    }
}

fn paths_from_variable(call: &mut Call<'_, '_>) -> Option<()> {
    let variable = super::environment::variable(call, 0)?;
    let separator = call.literal(1)?;
    if separator.is_empty() {
        let message = "the separator is empty".to_owned();
        call.error(Code::ParamType, 1, message, "write the text between two paths, mostly `\":\"`");
        return None;
    }
    let separator = separator.to_owned();
    call.grant(Grant::BindVariable { variable, separator, access: Access::ReadOnly });
    Some(())
}

fn write_text(call: &mut Call<'_, '_>) -> Option<()> {
    let to = call.target(0)?;
    let content = call.contents(1)?;
    if content.expand {
        let message = "`write-text` writes a text unchanged, but this one is to be expanded";
        call.error(Code::ParamType, 1, message.into(), "write it without `noescape`");
        return None;
    }
    call.grant_named(0, Grant::File { to, content, mode: 0o444 });
    Some(())
}
