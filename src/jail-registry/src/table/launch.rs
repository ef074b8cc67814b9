//! Grants that depend on the folder and the arguments that the jail is started with.

use jail_plan::handoff::globs;
use jail_plan::mask::{CREDENTIALS, fault};
use jail_plan::stage::{NAME as STAGE_NAME, is_name as is_stage_name};
use jail_policy::{Access, GitSettings, Grant};

use super::{Chapter, Combinator, Lower, OURS, names, param};
use crate::diagnostic::Code;
use crate::lower::{Call, Way};
use crate::signature::{Signature, Type};
use crate::term::{Placed, Value};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "The working folder and the arguments",
    intro: "Grants that depend on where the jail is started, and with which arguments.",
    combinators: &[
        Combinator {
            name: names::ALLOW_GIT_CONFIG,
            since: "0.2.0",
            summary: "The jail writes git's real configuration and hooks, which git on the host executes",
            docs: "It turns off what `mount-cwd` does for repositories (`protect-git`). An agent can then leave a hook, or a setting such as
`core.fsmonitor`, that your next `git status` runs.",
            example: "[ mount-cwd allow-git-config ]",
            lower: Lower::Permission(|call| git(call, GitSettings::Shared)),
            ..OURS
        },
        Combinator {
            name: names::ALLOW_HOME_CWD,
            summary: "The working folder may be the home folder itself",
            docs: "Without it, a jail that is started in the home folder stops, because all of the home folder would be granted. `/` and the
other folders above the home folder are never granted.",
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
repository itself if it is bare, or `.git/modules/NAME` of a submodule. Without that folder git does not work inside. It is
granted at its own place; its hooks and configuration are the jail's own copies (`protect-git`). `git rev-parse
--git-common-dir` in the worktree prints its path.

The agent can write the worktree's `.git` file, so that file alone is not enough. The repository must also name the folder as
one of its worktrees, and one of these conditions must hold, or the launch stops:

- no jail could ever write what the repository says, or none ever worked in the worktree;
- the repository is the `.git` of a folder that was granted to a jail as a whole, and the worktree is in that folder too;
- the same worktree was given the same repository before.

The folder must contain `HEAD`, `objects` and `refs`, none of them a link. It is never the home folder, a folder above it, or
a folder in the worktree.",
            example: "[ mount-cwd git-worktree ]",
            lower: Lower::Permission(|call| {
                call.grant(Grant::Worktree);
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::MASK,
            summary: "Files of the working folder that match a glob and that git does not track are empty inside",
            docs: "The globs are those of [gitignore](https://git-scm.com/docs/gitignore), relative to the working folder: `.env` is a file of this
name in any folder, `config/*.key` is in `config`, `secrets/` is all of a folder, and `!.env.test` excepts a name from earlier globs. All globs
of a spec form one list, in which the last match counts. `@credentials` means a table of well-known names
([project-folder.md](project-folder.md#masked-files)).

An empty file, which can be read but not written, covers each of them. A file that git tracks is not masked, because its content is in `.git` too,
and the agent would commit an empty one; the launch reports it. It also reports each glob of yours that matches nothing. Files that appear during the
session are masked at the next launch.",
            signature: Signature { params: &[param("globs", Type::List(&Type::Literal))] },
            example: "[ mount-cwd (mask [ \"@credentials\" \"config/*.key\" \"!.env.test\" ]) ]",
            lower: Lower::Permission(mask),
            ..OURS
        },
        Combinator {
            name: "merge-git-config",
            since: "0.2.0",
            summary: "Harmless settings that git changes inside are copied to the real configuration",
            docs: "Like `protect-git`. When the jail has ended, these settings are also copied to the real `.git/config`: `user.name` and
`user.email`; `branch.NAME.remote` and `merge`; `remote.NAME.url` and `fetch` with an https or ssh address; and those of
`submodule.NAME` that name an address or are a switch. Every other change is left out and reported. A setting that changed on
the host in the meantime is not touched.",
            example: "[ mount-cwd merge-git-config ]",
            lower: Lower::Permission(|call| git(call, GitSettings::Merged)),
            ..OURS
        },
        Combinator {
            name: names::MOUNT_CWD,
            in_jail_nix: true,
            summary: "The folder in which the jail is started, read-write, with everything below it; the program starts in it",
            docs: "`/`, the home folder and the folders above it are refused. So are folders that are never projects: `~/.local` and
`~/.local/state`, `~/.ssh`, `~/.gnupg`, `/proc`, `/sys`, `/dev`, `/run`, for root `/etc` and `/usr`, and the folders of
jailgen's own state. The working folder covers every folder around it that the spec grants, earlier or later. All of the
folder is writable, but the jail gets copies of git's configuration and hooks (`protect-git`). When the session ends, it
prints what programs outside may execute or trust among the files that it left ([handoff.md](handoff.md)). Programs inside and
outside can connect to sockets in the folder.",
            example: "mount-cwd",
            lower: Lower::Permission(|call| {
                call.forget(|grant| *grant == Grant::Project);
                call.folder(Some(Way::ReadWrite), None);
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::MOUNT_CWD_READONLY,
            summary: "The folder in which the jail is started, read-only; the program starts in it",
            example: "mount-cwd-readonly",
            lower: Lower::Permission(|call| {
                call.folder(Some(Way::ReadOnly), None);
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: "mount-project",
            since: "0.2.0",
            summary: "The root of the git repository in which the jail is started, read-write; the program starts in the folder in which you started it",
            docs: "Like `mount-cwd`, for the whole repository: when you start it in a subfolder, git works, and so do programs that search parent
folders. In a submodule it is the outermost repository that names this folder as a submodule. Outside a repository it is the
folder itself. It refuses what `mount-cwd` refuses.",
            example: "mount-project",
            lower: Lower::Permission(|call| {
                call.folder(Some(Way::ReadWrite), None);
                call.grant(Grant::Project);
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::PROTECT,
            summary: "Files of the working folder that your own programs execute stay unchanged: what appears or changes is moved aside at once",
            docs: "The elements are globs as in a `.gitignore`, and kinds of `jailgen explain --protected`: `\"@editor\"`, `\"@shell\"`, `\"@agent\"`,
`\"@git-hook\"`, `\"@nix\"` and the others; `\"@hosts\"` is these five. Case does not matter.

- A process outside watches the folder. What appears at such a path or changes there is moved aside at once, unless the repository had this
  content before the session: `git checkout` works. What was there before is put back, and you see a line about it.
- If it is yours, `jailgen handoff restore` brings it back. After twenty times the jail is ended.
- `\"!CLAUDE.md\"` excepts a name: it is neither protected, nor reported when the session ends.

All elements of a spec form one list, in any order. It needs `mount-cwd`. Without `protect`, everything in the table is compared and reported when
the session ends. [handoff.md](handoff.md#protected-files) says what this covers and what it does not.",
            signature: Signature { params: &[param("globs", Type::List(&Type::Literal))] },
            example: "[ mount-cwd (protect [ \"@hosts\" \"*.service\" \"!.vscode/settings.json\" ]) ]",
            lower: Lower::Permission(|call| {
                let elements = call.elements(0)?;
                let globs = elements.iter().map(|element| glob(call, element));
                let globs = globs.collect::<Vec<_>>().into_iter().collect::<Option<_>>()?;
                call.grant(Grant::Protect { globs });
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: "protect-git",
            since: "0.2.0",
            summary: "Git works in the jail, and nothing that git on the host executes is changed: on with `mount-cwd`",
            docs: "The jail has copies of `config`, `config.worktree` and `hooks` of the working folder's repository, which it can change and
which end with it. Files that point from one git folder to another (`.git` files, `commondir`, `gitdir`) are read-only, and so
is what the configuration includes or names in the folder. The same applies to the repository of a linked worktree, to
submodules and to a bare repository. When the jail has ended, it reports which settings were changed, and how to copy the
harmless ones. [project-folder.md](project-folder.md) says more.",
            example: "[ mount-cwd allow-git-config protect-git ]",
            lower: Lower::Permission(|call| git(call, GitSettings::Apart)),
            ..OURS
        },
        Combinator {
            name: names::QUARANTINE,
            since: "0.2.0",
            summary: "When a session ends, what programs outside would execute or trust is moved out of the project until you approve it",
            docs: "`jailgen handoff approve` brings it back and approves it; `jailgen handoff restore` only brings it back
([handoff.md](handoff.md)). It needs `mount-cwd`. Changed files are moved like new ones: a `package.json` with a new script is
absent until you look at it, and git shows it as deleted. Programs, keys of git's configuration, sockets and devices stay
where they are, and are only reported.",
            example: "[ mount-cwd quarantine ]",
            lower: Lower::Permission(|call| {
                call.grant(Grant::Quarantine);
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: "readonly-git",
            since: "0.2.0",
            summary: "All of `.git` is read-only: nothing can be committed inside",
            docs: "For people who commit themselves. `git status`, `diff` and `log` work. The repository of a linked worktree and the git folders
of submodules are read-only too.",
            example: "[ mount-cwd readonly-git ]",
            lower: Lower::Permission(|call| git(call, GitSettings::ReadOnly)),
            ..OURS
        },
        Combinator {
            name: "readonly-runtime-args",
            in_jail_nix: true,
            summary: "Every argument of the command that is an existing path, read-only",
            docs: "The user who starts the jail decides what it can read.",
            example: "readonly-runtime-args",
            lower: Lower::Permission(|call| arguments(call, Access::ReadOnly)),
            ..OURS
        },
        Combinator {
            name: "readwrite-runtime-args",
            in_jail_nix: true,
            summary: "Every argument of the command that is an existing path, read-write",
            docs: "The user who starts the jail decides what it can write.",
            example: "readwrite-runtime-args",
            lower: Lower::Permission(|call| arguments(call, Access::ReadWrite)),
            ..OURS
        },
        Combinator {
            name: names::STAGE_CWD,
            since: "0.2.0",
            summary: "The folder in which the jail is started, as if read-write: what the jail writes is kept apart until you apply it",
            docs: "Like `mount-cwd`, but the folder itself does not change. The jail sees it below a layer (overlayfs) in
`~/.local/state/jailgen/stages`, which takes everything that it writes, `.git` included. `jailgen changes` shows what that is,
`jailgen apply` takes it over, `jailgen drop` throws it away, and `jailgen stages` lists all stages. Each jail has one stage
for each folder that it is started in, and continues it at the next launch.

Renaming a folder of the project fails with `EXDEV`: `mv` copies it instead, `git mv` does not. What you change in the folder
while a jail runs may be visible in it at the next launch only. It takes the place of `mount-cwd`.
[stage.md](stage.md) says more.",
            example: "stage-cwd",
            lower: Lower::Permission(|call| stage(call, STAGE_NAME.into())),
            ..OURS
        },
        Combinator {
            name: names::STAGE_CWD_AS,
            since: "0.2.0",
            summary: "Like `stage-cwd`, in a stage of this name, so that one jail can have several in a folder",
            docs: "The name has letters, digits, `-`, `_` and `.`, at most 40 of them, and begins with a letter or a digit. `jailgen changes SPEC
--name NAME` and the other commands take it.",
            signature: Signature { params: &[param("name", Type::Literal)] },
            example: "stage-cwd-as \"experiment\"",
            lower: Lower::Permission(|call| {
                let name = call.literal(0)?;
                if !is_stage_name(name) {
                    let message = format!("`{}` is no name of a stage", jail_plan::one_line(name));
                    let help = "use letters, digits, `-`, `_` and `.`, at most 40, and begin with a letter or a digit";
                    call.error(Code::StageName, 0, message, help);
                    return None;
                }
                stage(call, name.into())
            }),
            ..OURS
        },
        Combinator {
            name: names::WORKSPACE,
            summary: "The working folder appears at this place instead of its own",
            docs: "Read-write, or read-only with `mount-cwd-readonly`. Programs see this path and not the host's, so the paths that they write
down are the same for every user. The project's real path is not hidden: the kernel shows it in `/proc/self/mountinfo`.",
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

/// An element of the list of `protect`.
fn glob(call: &mut Call<'_, '_>, element: &Placed) -> Option<String> {
    let Value::Text(text) = &element.value else { return None };
    let text = text.as_str()?;
    let name = text.strip_prefix('!').unwrap_or(text);
    let (cause, help) = if globs(name).is_empty() {
        let help = "`jailgen explain --protected` lists the kinds; `@hosts` means those that host programs execute without a question";
        ("unknown kind", help)
    } else {
        match fault(name) {
            None => return Some(text.to_owned()),
            Some(fault) => fault,
        }
    };
    let message = format!("`{}` is not a valid glob: {cause}", jail_plan::one_line(text));
    call.error_at(Code::BadGlob, element.place, message, help);
    None
}

fn stage(call: &mut Call<'_, '_>, name: String) -> Option<()> {
    call.forget(|grant| *grant == Grant::Project);
    call.folder(Some(Way::Staged(name)), None);
    Some(())
}

fn git(call: &mut Call<'_, '_>, settings: GitSettings) -> Option<()> {
    call.grant(Grant::Git { settings });
    Some(())
}

fn mask(call: &mut Call<'_, '_>) -> Option<()> {
    let elements = call.elements(0)?;
    let globs: Vec<_> = elements.iter().map(|element| masked_glob(call, element)).collect();
    let globs: Vec<String> = globs.into_iter().collect::<Option<_>>()?;
    if globs.is_empty() {
        let help = "name at least one, such as `\".env\"`, or leave `mask` out";
        call.error(Code::BadGlob, 0, "`mask` names no file".into(), help);
        return None;
    }
    call.grant(Grant::Mask { globs });
    Some(())
}

fn masked_glob(call: &mut Call<'_, '_>, element: &Placed) -> Option<String> {
    let Value::Text(text) = &element.value else { return None };
    let glob = text.as_str()?;
    let fault = match glob {
        CREDENTIALS => None,
        glob if glob.starts_with('@') => {
            Some(("unknown group", "`@credentials` is the only one; write `\\@` for the character"))
        }
        glob => fault(glob),
    };
    if let Some((why, help)) = fault {
        let message = format!("`{}` is not a valid glob: {why}", jail_plan::one_line(glob));
        call.error_at(Code::BadGlob, element.place, message, help);
        return None;
    }
    Some(glob.into())
}

fn arguments(call: &mut Call<'_, '_>, access: Access) -> Option<()> {
    call.grant(Grant::BindArguments { access });
    Some(())
}
