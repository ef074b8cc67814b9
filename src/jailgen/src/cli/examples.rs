//! The examples at the end of each `--help`.

pub(super) const JAILGEN: &str = "\
Examples:
  jailgen init opencode                    write opencode.jail, to be read and changed
  jailgen explain opencode.jail            what it grants, in words
  jailgen build opencode.jail              build the jail and link its command
  jailgen run opencode.jail -- --help      build it if needed and run it

Exit status: 0 done, 1 findings or failure, 2 wrong usage, 70 a bug in jailgen.";

pub(super) const BUILD: &str = "\
Examples:
  jailgen build opencode.jail
  jailgen build opencode.jail -o result
  jailgen build team.jail --nixpkgs github:NixOS/nixpkgs/nixos-25.11
  jailgen build opencode.jail --force      take its command over from another project
  jailgen build git.jail --shadow git      `git` is this jail then
  jailgen build opencode.jail --check      would a build change anything?";

pub(super) const APPROVE: &str = "\
Examples:
  jailgen explain team.jail && jailgen approve team.jail
  jailgen approve ci.jail && jailgen run ci.jail   in CI, where there is no terminal

docs/trust.md says what is asked about.";

pub(super) const TRUST: &str = "\
Examples:
  jailgen trust list
  jailgen trust list --json | jq -r '.trees[].path'
  jailgen trust forget ~/projects/site     a tree that you have reviewed
  jailgen trust forget opencode.jail       its next run asks again, if there is something to ask about";

pub(super) const EMIT: &str = "\
Examples:
  jailgen emit opencode.jail -o jails      a flake to commit; `git diff` reviews changes
  nix build ./jails                        what `jailgen build` would do with it
  jailgen emit opencode.jail -o jails --check   in CI: is the folder up to date?";

pub(super) const CHECK: &str = "\
Examples:
  jailgen check *.jail
  jailgen check --deny warnings opencode.jail
  jailgen check --deny warnings --allow grants-nix-daemon opencode.jail
  jailgen check --message-format json opencode.jail";

pub(super) const EXPLAIN: &str = "\
Examples:
  jailgen explain opencode.jail
  jailgen explain opencode.jail --brief
  jailgen explain jailed-opencode
  jailgen explain team.jail --jail jailed-review
  jailgen explain opencode.jail --json | jq '.jails[].groups[].title'
  jailgen explain --protected              what counts when a session ends";

pub(super) const REPORT: &str = "\
Examples:
  jailgen report opencode.jail -o opencode.html
  jailgen report jailed-opencode -o opencode.html   with the sizes of what it has of the store
  jailgen report team.jail --diff HEAD:./team.jail -o change.html
  jailgen report opencode.jail --svg -o opencode.svg";

pub(super) const DIFF: &str = "\
Examples:
  jailgen diff HEAD:./opencode.jail opencode.jail   what is not committed yet
  jailgen diff v1.0:team.jail HEAD:team.jail
  jailgen diff jailed-opencode opencode.jail        what a build would change
  git difftool -y -x 'jailgen diff' main -- '*.jail'

Exit status: 0 nothing is added, 1 something is (docs/handoff.md).";

pub(super) const AUDIT: &str = "\
Examples:
  jailgen audit opencode.jail
  jailgen audit $(command -v jailed-opencode)
  jailgen audit team.jail --jail jailed-review --json

Exit status: 0 nothing found, 1 findings (docs/audit.md).";

pub(super) const TRACE: &str = "\
Examples:
  jailgen trace opencode.jail
  jailgen trace shell.jail -- -c 'make test'
  jailgen trace codex.jail --json -o calls.json -- exec 'run the tests'
  jailgen trace --files shell.jail -- -c 'make test'     why does it fail inside?
  jailgen trace --files shell.jail --write-spec smaller.jail -- -c 'make test'

Exit status: that of the program. docs/trace.md says more.";

pub(super) const DOCTOR: &str = "\
Examples:
  jailgen doctor
  jailgen doctor --fix                     fix what needs no root, and print commands for the rest
  jailgen doctor --json | jq '.items[] | select(.state != \"good\")'
  jailgen doctor --apparmor | sudo tee /etc/apparmor.d/jail-stub

Exit status: 0 jails can be built and run here, 1 they cannot.";

pub(super) const CLOSURE: &str = "\
Examples:
  jailgen closure opencode.jail
  jailgen closure $(command -v jailed-opencode)
  jailgen closure /nix/store/…-git-2.51.0 --json";

pub(super) const RUN: &str = "\
Examples:
  jailgen run opencode.jail
  jailgen run shell.jail -- -c 'ls -la ~'
  jailgen run team.jail --jail jailed-review -- --help
  jailgen run agent.jail --each issues.txt --jobs 4 -- -p 'Fix issue {}'
  git ls-files -z '*.c' | jailgen run agent.jail --each - --null -- -p 'Document {}'
  jailgen run agent.jail --each issues.txt --jobs 4 --resume -- -p 'Fix issue {}'

Exit status: that of the program. With `--each`: 0 all ended with 0, 1 one did not, 128 plus
the number of the signal that interrupted it. docs/many.md says more.";

pub(super) const WORKTREE: &str = "\
Examples:
  jailgen worktree add fix-parser agent.jail
  jailgen worktree list
  jailgen worktree remove fix-parser

docs/many.md says more.";

pub(super) const SHELL: &str = "\
Examples:
  jailgen shell opencode.jail              look around in the agent's jail
  jailgen shell opencode.jail -c 'env | sort'
  jailgen shell --staged crush.jail        run the tests on what the agent has written, in its jail";

pub(super) const LIST: &str = "\
Examples:
  jailgen list
  jailgen list --json | jq -r '.specs[] | select(.state == \"gone\").spec'";

pub(super) const REMOVE: &str = "\
Examples:
  jailgen remove opencode.jail             the spec stays; what was built of it goes
  jailgen remove ~/old/opencode.jail       also when the project is gone
  jailgen remove jailed-opencode           by the name of its jail

docs/getting-started.md says what stays.";

pub(super) const GC: &str = "\
Examples:
  jailgen gc --dry-run                     what would go
  jailgen gc && nix-collect-garbage        and then the store paths that nothing keeps any more";

pub(super) const HANDOFF: &str = "\
Examples:
  jailgen handoff                          what is left in this project
  jailgen handoff --json | jq -r '.left[].path'
  jailgen handoff approve .vscode package.json
  jailgen handoff approve                  all of it

docs/handoff.md says what counts.";

pub(super) const CHANGES: &str = "\
Examples:
  jailgen changes opencode.jail            by folder
  jailgen changes opencode.jail src --diff
  jailgen changes jailed-opencode --name experiment --json

docs/stage.md says what is shown.";

pub(super) const APPLY: &str = "\
Examples:
  jailgen apply opencode.jail              all of it, after a question
  jailgen apply opencode.jail src docs     only what is there
  jailgen apply opencode.jail --yes        what programs outside execute stays in the stage

docs/stage.md says what is applied, and what is kept aside.";

pub(super) const DROP: &str = "\
Examples:
  jailgen drop opencode.jail               all of it, after a question
  jailgen drop opencode.jail src/main.rs --yes

docs/stage.md says more.";

pub(super) const STAGES: &str = "\
Examples:
  jailgen stages
  jailgen stages --json | jq -r '.[].project'

docs/stage.md says what a stage is.";

pub(super) const HOSTS: &str = "\
Examples:
  jailgen hosts                            all groups
  jailgen hosts npm                        what `\"@npm\"` names in a spec, and why
  jailgen hosts claude-code --json | jq -r '.groups[].hosts[].host'";

pub(super) const LOG: &str = "\
Examples:
  jailgen log opencode.jail
  jailgen log --follow                     of all jails, while they run
  jailgen log jailed-opencode --json | jq -r 'select(.verdict == \"refused\").host' | sort -u

docs/network.md says what is written there.";

pub(super) const SESSIONS: &str = "\
Examples:
  jailgen sessions
  jailgen sessions --json | jq -r '.sessions[].id'";

pub(super) const WATCH: &str = "\
Examples:
  jailgen watch
  jailgen watch jailed-opencode
  jailgen watch --json | jq 'select(.verdict == \"refused\") .host'

Keys: arrows choose, tab changes the list, a allows a host, d denies it, q leaves (docs/watch.md).";

pub(super) const STOP: &str = "\
Examples:
  jailgen stop 1a2b3c4d
  jailgen stop jailed-opencode             if one of that name runs

It is asked to end (SIGTERM), and killed after five seconds.";

pub(super) const ALLOW: &str = "\
Examples:
  jailgen allow 1a2b3c4d api.example.com   and the line for the spec is printed
  jailgen allow jailed-opencode '*.example.com:8443'";

pub(super) const DENY: &str = "\
Examples:
  jailgen deny 1a2b3c4d api.example.com    connections to it end";

pub(super) const INIT: &str = "\
Examples:
  jailgen init                             shell.jail: bash and the common tools
  jailgen init claude-code
  jailgen init codex -o agents/codex.jail
  jailgen init opencode --from .           with what this project is built with";

pub(super) const IMPORT: &str = "\
Examples:
  jailgen import flake.nix                 print the spec; what is left out is reported
  jailgen import flake.nix -o agents.jail
  jailgen import ~/.srt-settings.json      settings of srt; so for Claude Code, nono and Codex
  jailgen import --from bwrap run.sh       the command line of bwrap in a script";

pub(super) const UPDATE: &str = "\
Examples:
  jailgen update opencode.jail             all inputs
  jailgen update opencode.jail llm-agents  the agents only";

pub(super) const CONFIG: &str = "\
Examples:
  jailgen config                           what is set, and where
  jailgen config set commands ~/.local/bin
  jailgen config set override-input.nixpkgs github:NixOS/nixpkgs/nixos-25.11
  jailgen config set nix.sandbox false
  jailgen config unset override-input.nixpkgs

docs/settings.md has all of them.";

pub(super) const EVAL: &str = "\
Examples:
  jailgen eval -E 'map (x: x * x) [ 1 2 3 ]'
  jailgen eval values.nix --json | jq .
  echo 'lib.range 1 5' | jailgen eval -
  jailgen eval --parse -E '1 + 2 * 3'";

pub(super) const DOC: &str = "\
Examples:
  jailgen doc                              all names, in groups
  jailgen doc readwrite
  jailgen doc makeJailedClaudeCode | less
  jailgen doc --json | jq -r '.entries[].name'";

pub(super) const LSP: &str = "\
Examples:
  jailgen lsp                              started by an editor; docs/editors.md has the set-up
  hx --health jail                         Helix: does it find `jailgen`?";

pub(super) const COMPLETIONS: &str = "\
Examples:
  jailgen completions bash > ~/.local/share/bash-completion/completions/jailgen
  jailgen completions zsh > ~/.zfunc/_jailgen
  jailgen completions fish > ~/.config/fish/completions/jailgen.fish
  jailgen completions snippets > .vscode/jailgen.code-snippets";

pub(super) const MAN: &str = "\
Examples:
  jailgen man | man -l -
  jailgen man -o ~/.local/share/man/man1";
