//! The environment, the command line, and scripts around the program.

use jail_policy::{Argument, Grant, Missing, Output, Text};

use super::{Chapter, Combinator, Lower, OURS, inside, names, param};
use crate::diagnostic::Code;
use crate::lower::{Call, is_variable};
use crate::packages::Brought;
use crate::signature::{Signature, Type};
use crate::term::{Placed, Value};

const ADD_DEV_SHELL: &str = "\
The agent then works in the same environment as you. With the project's flake as an input of the spec, and the spec \
outside the project:

```nix
{
  inputs.project.url = \"git+file:///home/me/project\";
  outputs =
    { inputs, system, ... }:
    makeJailedOpencode {
      extraJailOptions = [ (add-dev-shell inputs.project.devShells.${system}.default) ];
    };
}
```

Later entries win, such as a variable that is set after it or a folder that is put in front of PATH after it. The shell's `shellHook` \
is not run, and variables of a build or of the machine (HOME, TMPDIR, TERM, …) are left out, as `nix develop` does. `pkgs.mkShell` \
adds its compiler, with the compiler's closure; `pkgs.mkShellNoCC` has none.";

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Environment and program",
    intro: "The jail starts with a new environment. For each variable, the last entry counts.",
    combinators: &[
        Combinator {
            name: "add-dev-shell",
            summary: "The environment that `nix develop` gives for a derivation: packages on PATH, exported variables",
            docs: ADD_DEV_SHELL,
            signature: Signature { params: &[param("shell", Type::Shell)] },
            example: "add-dev-shell (pkgs.mkShell { packages = [ pkgs.jq ]; GREETING = \"hello\"; })",
            lower: Lower::Permission(|call| {
                let environment = Text::package(call.package(0)?.clone(), Output::Out);
                call.grant(Grant::DevShell { environment });
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::ADD_PATH,
            in_jail_nix: true,
            summary: "This folder in front of PATH",
            docs: "Another entry must grant the folder.",
            signature: Signature { params: &[param("folder", Type::Text)] },
            example: "add-path \"/opt/tools/bin\"",
            lower: Lower::Permission(|call| {
                let folder = call.folder_of_path(0)?;
                call.grant(Grant::AddPath { folder });
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::ADD_PKG_DEPS,
            in_jail_nix: true,
            summary: "The programs of these packages in front of PATH",
            docs: "The packages' closures are added to the jail. If two packages have a program of the same name, the later package in the list
wins.",
            signature: Signature { params: &[param("packages", Type::List(&Type::Package))] },
            example: "add-pkg-deps [ pkgs.git pkgs.ripgrep ]",
            lower: Lower::Permission(|call| {
                for package in call.packages(0)? {
                    let mut folder = Text::package(package.clone(), Output::Bin);
                    folder.extend(&Text::literal("/bin"));
                    call.grant(Grant::AddPath { folder });
                }
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::FWD_ENV,
            in_jail_nix: true,
            summary: "A variable with the value that it has where the jail is started",
            docs: "If it is not set there, the launch stops and names the line that asked for it.",
            signature: Signature { params: &[param("name", Type::Literal)] },
            example: "fwd-env \"EDITOR\"",
            lower: Lower::Permission(|call| forward(call, Missing::Fail)),
            ..OURS
        },
        Combinator {
            name: names::GIT_IDENTITY,
            summary: "The name and e-mail address that you commit with, and nothing else of your git configuration",
            docs: "They are read before the launch from your own configuration: `~/.config/git/config` and `~/.gitconfig`, or
`$GIT_CONFIG_GLOBAL`, with the files that these include, also for the folder in which the jail is started
(`includeIf.gitdir:…`). The project's own configuration is not read, because an agent may have written it, and git is not run.
Inside they are in `/etc/gitconfig`, so a repository's own settings take precedence. If your configuration has no name, the
file does not exist. Agents' jails have this grant unless `baseJailOptions` says otherwise.",
            example: "git-identity",
            lower: Lower::Permission(|call| {
                // It goes below what the spec itself puts there, and never into a folder of
                // the host that is read-only.
                call.grant_beneath(Grant::GitIdentity { to: Text::literal("/etc/gitconfig") });
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::SET_ARGV,
            in_jail_nix: true,
            summary: "The arguments of the program",
            docs: "Without it, the program gets the arguments of the command. `(noescape \"\\\"$@\\\"\")` means all of them.",
            signature: Signature { params: &[param("arguments", Type::List(&Type::Text))] },
            example: "set-argv [ \"--verbose\" (noescape \"\\\"$@\\\"\") ]",
            lower: Lower::Permission(set_argv),
            ..OURS
        },
        Combinator {
            name: names::SET_ENV,
            in_jail_nix: true,
            summary: "A variable with this value",
            docs: "The value is part of the wrapper, which every user of the machine can read, so do not put secrets into it.",
            signature: Signature { params: &[param("name", Type::Literal), param("value", Type::Text)] },
            example: "set-env \"GOPATH\" (noescape \"~/go\")",
            lower: Lower::Permission(|call| {
                let name = variable(call, 0);
                let value = call.text(1)?;
                call.grant(Grant::SetEnv { name: name?, value });
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::TRY_FWD_ENV,
            in_jail_nix: true,
            summary: "A variable with the value that it has where the jail is started, if it is set there",
            signature: Signature { params: &[param("name", Type::Literal)] },
            example: "try-fwd-env \"COLORTERM\"",
            lower: Lower::Permission(|call| forward(call, Missing::Skip)),
            ..OURS
        },
        Combinator {
            name: "unset-env",
            summary: "Removes a variable",
            signature: Signature { params: &[param("name", Type::Literal)] },
            example: "unset-env \"LANG\"",
            lower: Lower::Permission(|call| {
                let name = variable(call, 0)?;
                call.grant(Grant::UnsetEnv { name });
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::WRAP_ENTRY,
            in_jail_nix: true,
            summary: "A shell script, inside the jail, around the program",
            docs: "The argument is a function from the program to the script. It gets the program without arguments: write `\"$@\"` where they
belong. The script stops at the first command that fails (`errexit`, `nounset`, `pipefail`). Several scripts nest: a later one
is outside an earlier one.",
            signature: Signature { params: &[param("script", Type::Script)] },
            example: "wrap-entry (entry: ''\n  umask 077\n  exec ${entry} \"$@\"\n'')",
            brings: &[inside(Brought::BashInteractive)],
            lower: Lower::Permission(|call| {
                let script = call.contents(0)?;
                call.wrap(&script)
            }),
            ..OURS
        },
    ],
};

/// Checks the name of a variable.
pub(super) fn variable(call: &mut Call<'_, '_>, argument: usize) -> Option<String> {
    let name = call.literal(argument)?;
    if is_variable(name) {
        return Some(name.into());
    }
    let message =
        format!("`{}` is not the name of an environment variable", jail_plan::one_line(name));
    let help = match name.strip_prefix('$') {
        Some(rest) if is_variable(rest) => format!("write `\"{rest}\"`, without the `$`"),
        Some(_) | None => {
            "a name has letters, digits and `_`, and does not begin with a digit".into()
        }
    };
    call.error(Code::EnvironmentName, argument, message, &help);
    None
}

fn forward(call: &mut Call<'_, '_>, missing: Missing) -> Option<()> {
    let name = variable(call, 0)?;
    call.grant(Grant::ForwardEnv { name, missing });
    Some(())
}

fn set_argv(call: &mut Call<'_, '_>) -> Option<()> {
    let words: Vec<_> = call.elements(0)?.iter().map(|word| argument(call, word)).collect();
    // All words are checked before the first bad one stops the combinator.
    let words = words.into_iter().collect::<Option<Vec<_>>>()?;
    call.grant(Grant::Arguments { words });
    Some(())
}

fn argument(call: &mut Call<'_, '_>, word: &Placed) -> Option<Argument> {
    match &word.value {
        Value::Text(text) if is_all(text) => Some(Argument::All),
        _ => call.text_of(word).map(Argument::Text),
    }
}

/// The form in which specs of jail.nix write "all arguments".
fn is_all(text: &Text) -> bool {
    text.expand && matches!(text.as_str(), Some("$@" | "\"$@\"" | "${@}" | "\"${@}\""))
}
