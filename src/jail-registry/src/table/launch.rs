//! What depends on where and with which arguments the jail is started.

use jail_policy::{Access, Grant};

use super::{Chapter, Combinator, Lower, OURS, names, param};
use crate::lower::Call;
use crate::signature::{Signature, Type};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "The working folder and the arguments",
    intro: "What depends on where, and with which arguments, the jail is started.",
    combinators: &[
        Combinator {
            name: names::ALLOW_HOME_CWD,
            summary: "The working folder may be the home folder itself",
            docs: "Without it a jail that is started there stops, because all of the home folder would be granted. `/` and the other
folders above the home folder are never granted.",
            example: "[ mount-cwd allow-home-cwd ]",
            lower: Lower::Permission(|call| {
                call.grant(Grant::HomeAsFolder);
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::GIT_WORKTREE,
            summary: "What the worktrees of a git repository share, read-write, if the working folder is one of them",
            docs: "A linked worktree (`git worktree add`) has its history in the repository's common folder: `.git` of the main worktree, the
repository itself where it is bare, `.git/modules/NAME` of a submodule. Without it git does not work inside. The folder is granted at its
own place; its hooks and configuration are writable then. `git rev-parse --git-common-dir` in the worktree says which one it is.

The worktree's `.git` file is the agent's to write, so it is not enough. The repository must say in return that the folder is a worktree of
it, and one of these must hold, or the launch stops:

- no jail could ever write what the repository says, or none ever worked in the worktree;
- the repository is the `.git` of a folder that was granted to a jail as a whole, and the worktree lies in that folder too;
- the same worktree was given the same repository before.

The folder must have `HEAD`, `objects` and `refs`, none of them a link, and is never the home folder, one above it, or in the worktree.",
            example: "[ mount-cwd git-worktree ]",
            lower: Lower::Permission(|call| {
                call.grant(Grant::Worktree);
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::MOUNT_CWD,
            in_jail_nix: true,
            summary: "The folder in which the jail is started, read-write, with what is below it; the program starts in it",
            docs: "`/`, the home folder and the folders above it are refused, and folders that no project lies in: `~/.local` and `~/.local/state`,
`~/.ssh`, `~/.gnupg`, `/proc`, `/sys`, `/dev`, `/run`, for root `/etc` and `/usr`, and where jailgen keeps its own state. The folder lies over
every folder around it that the spec grants, earlier or later. All of the folder is writable, `.git` and its hooks too: look at
what an agent did before you run programs that execute what lies there. Sockets in it can be connected to, from inside and
from outside.",
            example: "mount-cwd",
            lower: Lower::Permission(|call| {
                call.folder(Some(Access::ReadWrite), None);
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: "mount-cwd-readonly",
            summary: "The folder in which the jail is started, read-only; the program starts in it",
            example: "mount-cwd-readonly",
            lower: Lower::Permission(|call| {
                call.folder(Some(Access::ReadOnly), None);
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: "readonly-runtime-args",
            in_jail_nix: true,
            summary: "Every argument of the command that is an existing path, read-only",
            docs: "Whoever starts the jail decides what it can read.",
            example: "readonly-runtime-args",
            lower: Lower::Permission(|call| arguments(call, Access::ReadOnly)),
            ..OURS
        },
        Combinator {
            name: "readwrite-runtime-args",
            in_jail_nix: true,
            summary: "Every argument of the command that is an existing path, read-write",
            docs: "Whoever starts the jail decides what it can write.",
            example: "readwrite-runtime-args",
            lower: Lower::Permission(|call| arguments(call, Access::ReadWrite)),
            ..OURS
        },
        Combinator {
            name: names::WORKSPACE,
            summary: "The working folder appears at this place instead of its own",
            docs: "Read-write, or as `mount-cwd-readonly` says. Programs see this path and not the host's, so what they write down is the same
for everybody. It is no secret where the project lies: the kernel tells it in `/proc/self/mountinfo`.",
            signature: Signature { params: &[param("to", Type::Text)] },
            example: "[ mount-cwd (workspace \"/workspace\") ]",
            lower: Lower::Permission(|call| {
                let to = call.target(0)?;
                call.folder(None, Some(to));
                Some(())
            }),
            ..OURS
        },
    ],
};

fn arguments(call: &mut Call<'_, '_>, access: Access) -> Option<()> {
    call.grant(Grant::BindArguments { access });
    Some(())
}
