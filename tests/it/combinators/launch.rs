//! The working folder and the arguments.

use super::row::{Probe, ROW, Row, is_root};

const FILES: &str = "echo a >file; mkdir -p ../sibling; echo b >../sibling/file";

/// A secret, and one that a link leads to.
const SECRET: &str =
    "mkdir real; echo s3cret >.env; echo s3cret >real/prod; ln -s real/prod link.env";

const REPOSITORY: &str =
    "export GIT_AUTHOR_NAME=n GIT_AUTHOR_EMAIL=e GIT_COMMITTER_NAME=n GIT_COMMITTER_EMAIL=e
    git init -q; git config remote.origin.url https://example.org/x.git; git commit -q --allow-empty -m first; mkdir -p a/b ../sibling; echo b >../sibling/file";

const SET: &str = "git config core.pager evil && git config branch.a.remote origin && [ \"$(git config core.pager)\" = evil ]";

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "allow-git-config",
        spec: "mount-cwd allow-git-config (add-pkg-deps [ pkgs.git ])",
        host: REPOSITORY,
        probes: &[
            Probe::Works(SET),
            Probe::Left("[ \"$(git config core.pager)\" = evil ]"),
            Probe::Refuses("cat ../sibling/file"),
        ],
        ..ROW
    },
    Row {
        name: "protect-git",
        spec: "mount-cwd allow-git-config protect-git (add-pkg-deps [ pkgs.git ])",
        host: REPOSITORY,
        probes: &[
            Probe::Works(SET),
            Probe::Left("! git config core.pager && ! git config branch.a.remote"),
            Probe::Refuses("echo x >.git/commondir"),
        ],
        ..ROW
    },
    Row {
        name: "merge-git-config",
        spec: "mount-cwd merge-git-config (add-pkg-deps [ pkgs.git ])",
        host: REPOSITORY,
        probes: &[
            Probe::Works(SET),
            Probe::Refuses("cat ../sibling/file"),
            Probe::Left(
                "! git config core.pager && [ \"$(git config branch.a.remote)\" = origin ]",
            ),
        ],
        ..ROW
    },
    Row {
        name: "readonly-git",
        spec: "mount-cwd readonly-git (add-pkg-deps [ pkgs.git ])",
        host: REPOSITORY,
        probes: &[
            Probe::Works("[ \"$(git log --format=%s)\" = first ] && echo x >file"),
            Probe::Refuses("git -c user.name=n -c user.email=e commit -q --allow-empty -m second"),
            Probe::Refuses("git config a.b c"),
        ],
        ..ROW
    },
    Row {
        name: "mount-project",
        spec: "mount-project (add-pkg-deps [ pkgs.git ])",
        host: "cd ~/project; git init -q; git -c user.name=n -c user.email=e commit -q --allow-empty -m first",
        folder: "project/a/b",
        probes: &[
            Probe::Works(
                "[ \"$PWD\" = ~/project/a/b ] && [ \"$(git log --format=%s)\" = first ] && echo x >../../top",
            ),
            Probe::Left("[ -e ~/project/top ]"),
            Probe::Refuses("echo x >../../.git/commondir"),
        ],
        ..ROW
    },
    Row {
        name: "allow-home-cwd",
        spec: "mount-cwd allow-home-cwd",
        host: "echo a >~/file",
        folder: ".",
        probes: &[
            Probe::Grants("[ \"$PWD\" = \"$HOME\" ] && cat file"),
            Probe::Refuses("cat ../../rows.jail"),
        ],
        ..ROW
    },
    Row {
        name: "mount-cwd",
        spec: "mount-cwd",
        host: FILES,
        probes: &[
            Probe::Grants("[ \"$PWD\" = ~/project ] && cat file && echo new >new"),
            Probe::Refuses("cat ../sibling/file"),
            Probe::Left("[ \"$(cat new)\" = new ]"),
        ],
        ..ROW
    },
    Row {
        name: "mount-cwd",
        case: "in-the-home-folder",
        spec: "mount-cwd",
        folder: ".",
        probes: &[
            Probe::Stops { env: &[], says: "it is your home folder" },
            Probe::Stops { env: &[("HOME", "$HOME/project")], says: "your home folder lies in it" },
        ],
        ..ROW
    },
    Row {
        name: "mask",
        spec: "mount-cwd (mask [ \"@credentials\" \"conf/*.txt\" \"!.npmrc\" ])",
        host: "mkdir conf; for f in .env .env.example .npmrc conf/a.txt; do echo s3cret >$f; done",
        probes: &[
            Probe::Works(
                "[ -r .env ] && [ ! -s .env ] && [ -r conf/a.txt ] && [ ! -s conf/a.txt ]",
            ),
            Probe::Works("[ \"$(cat .env.example .npmrc | uniq)\" = s3cret ]"),
            Probe::Refuses("[ \"$(cat .env)\" = s3cret ]"),
            Probe::Refuses("[ \"$(cat conf/a.txt)\" = s3cret ]"),
            Probe::Denies("echo new >>.env"),
            Probe::Denies("mv .env other"),
            Probe::Left("[ \"$(cat .env conf/a.txt | uniq)\" = s3cret ]"),
        ],
        ..ROW
    },
    Row {
        name: "mask",
        case: "landlock",
        spec: "mount-cwd (landlock \"full\") (mask [ \"@credentials\" ])",
        host: SECRET,
        probes: &[
            Probe::Works("[ -r .env ] && ! [ -s .env ] && ! [ -s real/prod ] && echo x >real/new"),
            Probe::Refuses("grep s3cret .env real/prod"),
            Probe::Denies("rm link.env || mv real other"),
            Probe::Left("[ \"$(cat .env real/prod | uniq)\" = s3cret ]"),
        ],
        ..ROW
    },
    Row {
        name: "mask",
        case: "project",
        spec: "mount-project (mask [ \"@credentials\" ])",
        host: "cd ~/project; git init -q; git -c user.name=n -c user.email=e commit -q --allow-empty -m first; echo s3cret >.env; cp .env real/prod; ln -s real/prod link.env",
        folder: "project/real",
        probes: &[
            Probe::Works("[ -r ../.env ] && ! [ -s ../.env ] && ! [ -s prod ]"),
            Probe::Refuses("grep s3cret ../.env prod"),
        ],
        ..ROW
    },
    Row {
        name: "mask",
        case: "overlay",
        spec: "mount-cwd (mask [ \"@credentials\" ]) (overlay-tmp [ (noescape \"~/project\") ] \"/again\")",
        host: SECRET,
        probes: &[
            Probe::Works("[ -r /again/.env ] && ! [ -s /again/.env ] && ! [ -s /again/real/prod ]"),
            Probe::Denies("grep s3cret .env /again/.env /again/real/prod"),
            Probe::Denies("rm /again/.env || mv /again/link.env /again/x"),
            Probe::Refuses("grep s3cret .env"),
        ],
        ..ROW
    },
    Row {
        name: "mask",
        case: "dedicated",
        spec: "(dedicated-user \"daemon\") mount-cwd (mask [ \"@credentials\" ])",
        host: SECRET,
        probes: &[
            Probe::Works("[ -r .env ] && ! [ -s .env ] && ! [ -s real/prod ] && echo x >real/new"),
            Probe::Refuses("grep s3cret .env real/prod"),
            Probe::Denies("rm link.env || mv real other"),
            Probe::Left("rm real/new && [ \"$(cat .env real/prod | uniq)\" = s3cret ]"),
        ],
        unable: || (!is_root()).then(|| ("root", "only root can run it as a system user".into())),
        ..ROW
    },
    Row {
        name: "protect",
        spec: "mount-cwd (protect [ \".envrc\" ])",
        host: FILES,
        probes: &[
            Probe::Says { script: "echo evil >.envrc; sleep 1", says: "`.envrc` is protected" },
            Probe::Left("[ ! -e .envrc ]"),
            Probe::Works("echo new >file"),
            Probe::Left("[ \"$(cat file)\" = new ]"),
            Probe::Refuses("cat ../sibling/file"),
        ],
        ..ROW
    },
    Row {
        name: "quarantine",
        spec: "mount-cwd quarantine",
        host: FILES,
        probes: &[
            Probe::Says {
                script: "echo x >.envrc",
                says: "Moved aside, until `jailgen handoff approve`",
            },
            Probe::Left("[ ! -e .envrc ]"),
            Probe::Works("echo new >file"),
            Probe::Left("[ \"$(cat file)\" = new ]"),
            Probe::Refuses("cat ../sibling/file"),
        ],
        ..ROW
    },
    Row {
        name: "git-worktree",
        spec: "mount-cwd git-worktree (add-pkg-deps [ pkgs.git ])",
        host:
            "export GIT_AUTHOR_NAME=n GIT_AUTHOR_EMAIL=e GIT_COMMITTER_NAME=n GIT_COMMITTER_EMAIL=e
            git init -q ~/repository; git -C ~/repository commit -q --allow-empty -m first
            git -C ~/repository worktree add -q ~/project/side; echo x > ~/repository/file",
        folder: "project/side",
        probes: &[
            Probe::Works("[ \"$(git log --format=%s)\" = first ]"),
            Probe::Refuses("cat ~/repository/file"),
        ],
        ..ROW
    },
    Row {
        name: "mount-cwd-readonly",
        spec: "mount-cwd-readonly",
        host: FILES,
        probes: &[
            Probe::Grants("[ \"$PWD\" = ~/project ] && cat file"),
            Probe::Refuses("echo x >>file"),
            Probe::Refuses("cat ../sibling/file"),
        ],
        ..ROW
    },
    Row {
        name: "stage-cwd",
        spec: "stage-cwd",
        host: FILES,
        probes: &[
            Probe::Grants("[ \"$PWD\" = ~/project ] && cat file && echo new >new"),
            Probe::Works("echo changed >file && [ \"$(cat file new)\" = $'changed\\nnew' ]"),
            Probe::Works("[ \"$(cat file new)\" = $'changed\\nnew' ]"),
            Probe::Refuses("cat ../sibling/file"),
            Probe::Left("! [ -e new ] && [ \"$(cat file)\" != changed ]"),
        ],
        ..ROW
    },
    Row {
        name: "stage-cwd-as",
        spec: "(stage-cwd-as \"trial\")",
        host: FILES,
        probes: &[
            Probe::Works("echo changed >file && [ \"$(cat file)\" = changed ]"),
            Probe::Works("[ \"$(cat file)\" = changed ]"),
            Probe::Left("[ \"$(cat file)\" != changed ]"),
            Probe::Left("[ -d ~/.local/state/jailgen/stages/*/trial/upper ]"),
            Probe::Refuses("ls ~/.local/state/jailgen/stages"),
        ],
        ..ROW
    },
    Row {
        name: "readonly-runtime-args",
        spec: "readonly-runtime-args",
        host: FILES,
        arguments: &["file", "missing", "--flag"],
        probes: &[
            Probe::Grants("cat ~/project/\"$1\" && ! [ -e ~/project/missing ]"),
            Probe::Refuses("echo x >>~/project/\"$1\""),
            Probe::Refuses("cat ~/sibling/file"),
        ],
        ..ROW
    },
    Row {
        name: "readwrite-runtime-args",
        spec: "readwrite-runtime-args",
        host: FILES,
        arguments: &["file", "../sibling"],
        probes: &[
            Probe::Grants(
                "echo x >>~/project/file && cat ~/sibling/file && echo new >~/sibling/new",
            ),
            Probe::Refuses("cat /etc/os-release"),
            Probe::Left("[ \"$(cat ~/sibling/new)\" = new ]"),
        ],
        ..ROW
    },
    Row {
        name: "workspace",
        spec: "mount-cwd (workspace \"/workspace\")",
        host: FILES,
        probes: &[
            Probe::Grants("[ \"$PWD\" = /workspace ] && cat file && echo new >new"),
            Probe::Refuses("[ -e ~/project ]"),
            Probe::Left("[ \"$(cat new)\" = new ]"),
        ],
        ..ROW
    },
];
