//! What depends on where and with which arguments the jail is started.

use jail_policy::{Access, GitSettings, Grant};

use super::{Chapter, Combinator, Lower, OURS, names, param};
use crate::lower::Call;
use crate::signature::{Signature, Type};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "The working folder and the arguments",
    intro: "What depends on where, and with which arguments, the jail is started.",
    combinators: &[
        Combinator {
            name: "allow-git-config",
            summary: "The jail writes the real configuration and hooks of git, which git on the host executes",
            docs: "It takes back what `mount-cwd` does for repositories (`protect-git`). An agent can then leave a hook, or a setting such as
`core.fsmonitor`, that your next `git status` runs.",
            example: "[ mount-cwd allow-git-config ]",
            lower: Lower::Permission(|call| git(call, GitSettings::Shared)),
            ..OURS
        },
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
own place; its hooks and configuration are the jail's own copies (`protect-git`). `git rev-parse --git-common-dir` in the worktree says which one it is.

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
            name: "merge-git-config",
            summary: "Harmless settings that git changes inside are taken over into the real configuration",
            docs: "As `protect-git`, and when the jail has ended, these settings of its copy go into the real `.git/config`: `user.name` and
`user.email`, `branch.NAME.remote` and `merge`, `remote.NAME.url` and `fetch` with an https or ssh address, and those of `submodule.NAME` that
name an address or are a switch. Every other change stays out and is reported. A setting that was changed on the host meanwhile stays as it is there.",
            example: "[ mount-cwd merge-git-config ]",
            lower: Lower::Permission(|call| git(call, GitSettings::Merged)),
            ..OURS
        },
        Combinator {
            name: names::MOUNT_CWD,
            in_jail_nix: true,
            summary: "The folder in which the jail is started, read-write, with what is below it; the program starts in it",
            docs: "`/`, the home folder and the folders above it are refused, and folders that no project lies in: `~/.local` and `~/.local/state`,
`~/.ssh`, `~/.gnupg`, `/proc`, `/sys`, `/dev`, `/run`, for root `/etc` and `/usr`, and where jailgen keeps its own state. The folder lies over
every folder around it that the spec grants, earlier or later. All of the folder is writable; of git's configuration and hooks the jail has
copies (`protect-git`). When the session ends, it prints what programs outside may execute or believe of what it left
([handoff.md](handoff.md)). Sockets in the folder can be connected to, from inside and from outside.",
            example: "mount-cwd",
            lower: Lower::Permission(|call| {
                call.forget(|grant| *grant == Grant::Project);
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
            name: "mount-project",
            summary: "The root of the git repository in which the jail is started, read-write; the program starts in the folder that it was started in",
            docs: "As `mount-cwd` for the whole repository: started in a subfolder, git works, and so does what looks for files further up. In a
submodule it is the outermost repository that says that this folder is a submodule of it. Outside of a repository it is the folder itself. What
`mount-cwd` refuses is refused here, too.",
            example: "mount-project",
            lower: Lower::Permission(|call| {
                call.folder(Some(Access::ReadWrite), None);
                call.grant(Grant::Project);
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: "protect-git",
            summary: "Git works in the jail, and nothing that git on the host executes is changed: on with `mount-cwd`",
            docs: "Of `config`, `config.worktree` and `hooks` of the working folder's repository the jail has copies, which it can change and
which go with it; what points from one folder of git to another (`.git` files, `commondir`, `gitdir`) is read-only, and so is what the
configuration includes or names in the folder. The same holds for the repository of a linked worktree, for submodules and for a bare repository.
When the jail has ended, it says which settings were changed and how to take harmless ones over. [project-folder.md](project-folder.md) says more.",
            example: "[ mount-cwd allow-git-config protect-git ]",
            lower: Lower::Permission(|call| git(call, GitSettings::Apart)),
            ..OURS
        },
        Combinator {
            name: names::QUARANTINE,
            summary: "When a session ends, what programs outside would execute or believe of it is moved out of the project until you approve it",
            docs: "`jailgen handoff approve` brings it back and accepts it, `jailgen handoff restore` only brings it back ([handoff.md](handoff.md)). It goes with
`mount-cwd`. What was changed is moved as what is new is: a `package.json` with a new script is not there until you look at it, and git
shows it as deleted. Programs, keys of git's configuration, sockets and devices stay where they are, and are only printed.",
            example: "[ mount-cwd quarantine ]",
            lower: Lower::Permission(|call| {
                call.grant(Grant::Quarantine);
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: "readonly-git",
            summary: "All of `.git` is read-only: nothing can be committed inside",
            docs: "For people who commit themselves. `git status`, `diff` and `log` work. The repository of a linked worktree and the git folders of
submodules are read-only, too.",
            example: "[ mount-cwd readonly-git ]",
            lower: Lower::Permission(|call| git(call, GitSettings::ReadOnly)),
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

fn git(call: &mut Call<'_, '_>, settings: GitSettings) -> Option<()> {
    call.grant(Grant::Git { settings });
    Some(())
}

fn arguments(call: &mut Call<'_, '_>, access: Access) -> Option<()> {
    call.grant(Grant::BindArguments { access });
    Some(())
}
