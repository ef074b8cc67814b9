//! Which paths a program of the host executes or believes, by the table of the hand-off ledger.
//! They are asked about on their own.

use super::change::{Act, Change};
use super::place::{Found, Kind, Tree};
use super::whole::{Whole, names};
use crate::handoff::names::{Names, Reach};

/// Who executes it: the kind of the table, and the reason.
pub(super) type Reason = (&'static str, &'static str);

/// The kind of a program, which nothing looks for by its name.
pub(super) const PROGRAM: &str = "executable";

const UNSEEN: Reason =
    ("unseen", "not all of the project could be looked at, and something there may execute it");

/// The table, and what decides where it applies.
pub(super) struct Executed {
    names: Names,
    whole: Whole,
}

impl Executed {
    /// `place` is the path of the project.
    pub(super) fn new(place: &[u8], project: &Tree, layer: &Tree) -> Self {
        let names = Names::new();
        let below = |path: &[String]| below(&names, path).map(|row| (row.kind, row.reason));
        let whole = Whole::new(place, project, layer, names.longest(), below);
        Self { names, whole }
    }

    /// The reason for a path that is to be made, changed or removed.
    pub(super) fn reason(
        &self,
        path: &[u8],
        ours: Option<&Found>,
        act: Act,
        target: impl FnOnce() -> Vec<u8>,
    ) -> Option<Reason> {
        let path = names(path);
        let kind = ours.map(|ours| ours.kind);
        let by_name = self.whole.ways_to(&path).find_map(|way| self.by_name(&way, kind));
        if let Some(reason) = by_name.or_else(|| self.whole.is_led_below(&path)) {
            return Some(reason);
        }
        let ours = ours?;
        // What is deleted executes nothing.
        if act == Act::Delete || !matches!(ours.kind, Kind::File | Kind::Link) {
            return None;
        }
        let last = path.last().map(String::as_str).unwrap_or_default();
        if is_of_a_repository(last) || self.whole.is_in_repository(&path) {
            return self.of_kind("bare-repository");
        }
        if self.whole.is_named(&path) {
            return self.of_kind("git-config");
        }
        if ours.kind == Kind::Link && self.whole.leads_out(&path, &target()) {
            return self.of_kind("link");
        }
        if self.whole.is_partial {
            return Some(UNSEEN);
        }
        let is_program = ours.kind == Kind::File && ours.mode & 0o111 != 0;
        is_program.then(|| self.of_kind(PROGRAM)).flatten()
    }

    /// The reason for new content of a program of the project, whose bit the jail has taken away: a
    /// shell that is given the path runs it all the same.
    pub(super) fn was_program(&self, change: &Change) -> Option<Reason> {
        let is_file = |found: &&Found| found.kind == Kind::File;
        change.ours.as_ref().filter(is_file)?;
        let theirs = change.theirs.as_ref().filter(is_file)?;
        (theirs.mode & 0o111 != 0).then(|| self.of_kind(PROGRAM)).flatten()
    }

    /// The reason for a program.
    pub(super) fn program(&self) -> Option<Reason> {
        self.of_kind(PROGRAM)
    }

    fn of_kind(&self, kind: &'static str) -> Option<Reason> {
        let counted = self.names.found(kind);
        Some((counted.kind, counted.reason))
    }

    /// The row of the table. A link may lead to a folder in which something is looked for.
    fn by_name(&self, path: &[String], kind: Option<Kind>) -> Option<Reason> {
        let (name, above) = path.split_last()?;
        let counted = self.names.file(above, name).or_else(|| self.folder(above));
        let led_to = || {
            let row = self.names.folder(above, name).map(|(counted, _)| counted);
            row.filter(|row| row.kind != "build-output").or_else(|| self.names.way(name))
        };
        let counted = counted.or_else(|| (kind == Some(Kind::Link)).then(led_to).flatten())?;
        Some((counted.kind, counted.reason))
    }

    /// The row of a folder in which everything counts.
    fn folder(&self, above: &[String]) -> Option<jail_plan::handoff::Counted> {
        self.names.around(above, |counted| counted.kind != "build-output")
    }
}

/// The row of a folder at or above a path, below which everything counts.
fn below(names: &Names, path: &[String]) -> Option<jail_plan::handoff::Counted> {
    (1..=path.len()).find_map(|end| {
        let (last, before) = path.get(..end)?.split_last()?;
        let (counted, reach) = names.folder(before, last)?;
        (reach == Reach::Below && counted.kind != "build-output").then_some(counted)
    })
}

/// Files by which git takes a folder for a repository, where it has others too.
fn is_of_a_repository(name: &str) -> bool {
    matches!(name, "head" | "commondir")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::super::open;
    use super::*;

    fn found(kind: Kind, mode: u32) -> Found {
        Found { kind, mode, inode: 1, size: 0, modified: (0, 0), changed: (0, 0), owner: (0, 0) }
    }

    /// A project and a layer over it: `PATH`, `PATH/`, `PATH -> TARGET` and `PATH = TEXT`.
    struct Both {
        folder: tempfile::TempDir,
    }

    impl Both {
        fn new(project: &[&str], layer: &[&str]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            for (side, all) in [("project", project), ("layer", layer)] {
                fs::create_dir(folder.path().join(side)).unwrap();
                all.iter().for_each(|words| make(&folder.path().join(side), words));
            }
            Self { folder }
        }

        /// By what a file or link of the layer is executed.
        fn kind(&self, path: &str) -> Option<&'static str> {
            let [project, layer] = ["project", "layer"].map(|side| self.folder.path().join(side));
            let place = project.to_str().unwrap().as_bytes();
            let trees = [&project, &layer].map(|side| Tree::new(open(side).unwrap()));
            let executed = Executed::new(place, &trees[0], &trees[1]);
            let ours = trees[1].found(path.as_bytes()).unwrap();
            let target = || trees[1].target(path.as_bytes()).unwrap_or_default();
            executed.reason(path.as_bytes(), ours.as_ref(), Act::New, target).map(|it| it.0)
        }
    }

    fn make(side: &Path, words: &str) {
        let (path, rest) = words.split_once(' ').unwrap_or((words, ""));
        let path = side.join(path);
        fs::create_dir_all(if words.ends_with('/') { &path } else { path.parent().unwrap() })
            .unwrap();
        match rest.split_once(' ') {
            Some(("->", target)) => {
                let target = target.replace("PLACE", side.to_str().unwrap());
                symlink(target, path).unwrap();
            }
            Some((_, text)) => {
                let text = text.replace("PLACE", side.to_str().unwrap()).replace('|', "\n");
                fs::write(path, text).unwrap();
            }
            None if words.ends_with('/') => {}
            None => fs::write(path, "").unwrap(),
        }
    }

    #[test]
    fn what_host_programs_execute_is_found_by_name_by_bit_and_by_where_a_link_leads() {
        let both = Both::new(&[], &[]);
        let trees = ["project", "layer"]
            .map(|side| Tree::new(open(&both.folder.path().join(side)).unwrap()));
        let executed = Executed::new(b"/p", &trees[0], &trees[1]);
        let kind = |path: &str, ours: Found| {
            executed.reason(path.as_bytes(), Some(&ours), Act::New, Vec::new).map(|it| it.0)
        };
        for (path, expected) in [
            (".envrc", Some("shell")),
            ("a/.vscode/tasks.json", Some("editor")),
            (".claude/hooks/deep/x.sh", Some("agent")),
            ("x/HEAD", Some("bare-repository")),
            ("src/main.rs", None),
        ] {
            assert_eq!(kind(path, found(Kind::File, 0o644)), expected, "{path}");
        }
        assert_eq!(kind("run", found(Kind::File, 0o755)), Some("executable"));
        for (link, path, expected) in [
            ("l -> a/b", "l", None),
            ("l -> ..", "l", Some("link")),
            ("a/l -> ../b", "a/l", None),
            ("a/l -> ../../b", "a/l", Some("link")),
            ("l -> /etc/passwd", "l", Some("link")),
            (".vscode -> elsewhere", ".vscode", Some("editor")),
            ("h -> .git/hooks", "h", Some("link")),
            ("a/h -> ../.GIT", "a/h", Some("link")),
        ] {
            assert_eq!(Both::new(&[], &[link]).kind(path), expected, "{link}");
        }
    }

    #[test]
    fn a_link_at_the_name_of_a_folder_that_counts_is_asked_about_and_what_it_leads_to() {
        for (link, target, file) in [
            (".claude", "c", "c/settings.json"),
            (".husky", "c", "c/pre-commit"),
            (".idea", "c", "c/workspace.xml"),
            (".github/workflows", "../c", "c/x.yml"),
            (".codex", "c", "c/config.toml"),
            (".cursor", "c", "c/mcp.json"),
            (".gemini", "c", "c/settings.json"),
            (".devcontainer", "c", "c/devcontainer.json"),
        ] {
            let link_is = format!("{link} -> {target}");
            let both = Both::new(&[], &[file, &link_is]);
            assert!(both.kind(link).is_some(), "{link}");
            assert!(both.kind(file).is_some(), "{file}");
            // The link is the host's, and only what is in the folder was written.
            assert!(Both::new(&[&link_is], &[file]).kind(file).is_some(), "{file} {link}");
            assert_eq!(Both::new(&[], &[file]).kind(file), None, "{file}");
        }
        assert_eq!(Both::new(&[], &["target -> c"]).kind("target"), None);
    }

    #[test]
    fn links_that_lead_to_links_are_followed_whichever_side_they_are_of() {
        let file = "z/b/settings.json";
        for (project, layer) in [
            (vec![".claude -> a/b", "a -> z"], vec![file]),
            (vec![".claude -> a/b"], vec!["a -> z", file]),
            (vec![".claude -> x", "x -> old"], vec!["x -> z/b", file]),
            (vec![".claude -> PLACE/z/b"], vec![file]),
            (vec![".claude -> d/../b"], vec!["d -> z/y", "z/y/", file]),
            (vec![".claude -> ./z//b"], vec![file]),
            (vec![".CLAUDE -> Z/b"], vec![file]),
        ] {
            assert_eq!(Both::new(&project, &layer).kind(file), Some("agent"), "{project:?}");
        }
        assert_eq!(Both::new(&["other -> z"], &[file]).kind(file), None);
        // A circle ends, and says nothing of what has nothing to do with it.
        assert_eq!(Both::new(&["a -> .", "b -> ."], &["x"]).kind("x"), None);
    }

    #[test]
    fn folders_with_links_to_each_other_have_no_more_ways_than_count() {
        let names: Vec<String> = (0..30).map(|number| format!("packages/p{number}")).collect();
        let link = |from: &str, to: &String| {
            let last = to.rsplit('/').next().unwrap();
            format!("{from}node_modules/{last} -> PLACE/{to}")
        };
        let mut project: Vec<String> = names.iter().map(|to| link("", to)).collect();
        for from in &names {
            let others = names.iter().filter(|to| *to != from);
            project.extend(others.map(|to| link(&format!("{from}/"), to)));
        }
        let mut project: Vec<&str> = project.iter().map(String::as_str).collect();
        let layer = ["packages/p7/src/x.js", "packages/p3/settings.json"];
        let both = Both::new(&project, &layer);
        assert_eq!(layer.map(|file| both.kind(file)), [None, None]);
        project.push(".claude -> packages/p1/node_modules/p2/node_modules/p3");
        let both = Both::new(&project, &layer);
        // The one is reached by `.claude/node_modules/p7`.
        assert_eq!(layer.map(|file| both.kind(file)), [Some("agent"), Some("agent")]);
    }

    #[test]
    fn a_link_is_followed_also_where_the_other_side_has_a_folder() {
        let file = "q/c/settings.json";
        let project = [".claude -> a/b/c", "a -> z"];
        assert_eq!(Both::new(&project, &["a/b -> ../q", file]).kind(file), Some("agent"));
        let layer = [".claude -> a/b/c", "a -> z", file];
        assert_eq!(Both::new(&["a/b -> ../q"], &layer).kind(file), Some("agent"));
        // A circle leads nowhere.
        assert_eq!(Both::new(&["a -> b", "b -> a"], &["x"]).kind("x"), None);
    }

    #[test]
    fn a_link_that_goes_up_again_may_lead_out() {
        let layer =
            ["x -> .", "y -> x/x/../../outside", "z -> x/x", "w -> a/../b", "v -> ../PLACE"];
        let both = Both::new(&["out -> /etc"], &[layer.as_slice(), &["u -> out/x"]].concat());
        for (path, expected) in [
            ("y", Some("link")),
            ("w", Some("link")),
            ("u", Some("link")),
            ("z", None),
            ("x", None),
        ] {
            assert_eq!(both.kind(path), expected, "{path}");
        }
    }

    #[test]
    fn everything_in_a_repository_is_asked_about_however_it_is_put_together() {
        let layer = [
            "docs/HEAD -> refs/heads/main",
            "docs/config",
            "docs/refs/heads/main",
            "docs/objects/",
        ];
        let both = Both::new(&[], &layer);
        for path in ["docs/HEAD", "docs/config", "docs/refs/heads/main"] {
            assert_eq!(both.kind(path), Some("bare-repository"), "{path}");
        }
        let project = ["r.git/HEAD", "r.git/refs/", "r.git/objects/"];
        let both =
            Both::new(&project, &["r.git/config", "r.git/objects/info/alternates", "other/config"]);
        assert_eq!(both.kind("r.git/config"), Some("bare-repository"));
        assert_eq!(both.kind("r.git/objects/info/alternates"), Some("bare-repository"));
        assert_eq!(both.kind("other/config"), None);
        assert_eq!(
            Both::new(&[], &["a/commondir -> x"]).kind("a/commondir"),
            Some("bare-repository")
        );
    }

    #[test]
    fn what_the_configurations_of_git_name_is_asked_about() {
        let config = ".git/config = [include]|path = ../git.inc|[core]|hooksPath = tools/hooks|fsmonitor = sh tools/watch -x";
        let project = [config, "git.inc = [include]|path = more/inc"];
        let layer =
            ["git.inc", "more/inc", "tools/hooks/pre-commit", "tools/watch", "tools/other", "sh/x"];
        let both = Both::new(&project, &layer);
        for path in ["git.inc", "more/inc", "tools/hooks/pre-commit", "tools/watch"] {
            assert_eq!(both.kind(path), Some("git-config"), "{path}");
        }
        assert_eq!(both.kind("tools/other"), None);
        for (value, file) in [
            ("python3 -m x.y", "x/y.py"),
            ("node tools/run", "tools/run.js"),
            ("make -C sub", "sub/Makefile"),
            ("make --directory=sub all", "sub/Makefile"),
            ("cd sub && ./go", "sub/go"),
            ("$(git rev-parse --show-toplevel)/x.sh", "x.sh"),
            ("sh -c '\"$PWD/tools/x\"'", "tools/x"),
            ("${GIT_WORK_TREE}/x.sh", "x.sh"),
        ] {
            let config = format!(".git/config = [core]|fsmonitor = {}", value.replace('"', "\\\""));
            let both = Both::new(&[&config], &[file, "other/y.py", "make.rs"]);
            assert_eq!(both.kind(file), Some("git-config"), "{value}");
            assert_eq!(both.kind("other/y.py"), None, "{value}");
            assert_eq!(both.kind("make.rs"), None, "{value}");
        }
        let repository = [
            ".git/modules/m/HEAD",
            ".git/modules/m/refs/",
            ".git/modules/m/objects/",
            ".git/modules/m/config = [core]|worktree = ../../../m|fsmonitor = tools/watch",
            ".git/worktrees/w/gitdir = PLACE/w/.git",
            ".git/worktrees/w/config.worktree = [core]|fsmonitor = tools/watch",
        ];
        let both = Both::new(&repository, &["m/tools/watch", "w/tools/watch", "n/tools/watch"]);
        assert_eq!(both.kind("m/tools/watch"), Some("git-config"));
        assert_eq!(both.kind("w/tools/watch"), Some("git-config"));
        assert_eq!(both.kind("n/tools/watch"), None);
        assert_eq!(both.kind("sh/x"), None);
        // What the jail wrote to its own `.git` is never applied.
        assert_eq!(Both::new(&[], &[config, "git.inc"]).kind("git.inc"), None);
    }
}
