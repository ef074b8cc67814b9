//! `jailgen worktree` with real git and real jails: made, listed and removed, with what a jail has
//! done to them in between.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::harness::{Outcome, Scratch};
use crate::real_nix::{has_user_namespaces, setup};

const SPEC: &str = "jail \"tree-work\" pkgs.bashInteractive [
  mount-cwd git-worktree (add-pkg-deps [ pkgs.coreutils pkgs.git ])
  (set-env \"GIT_AUTHOR_NAME\" \"n\") (set-env \"GIT_AUTHOR_EMAIL\" \"n@x\")
  (set-env \"GIT_COMMITTER_NAME\" \"n\") (set-env \"GIT_COMMITTER_EMAIL\" \"n@x\")
]
";

/// A repository with one commit, in which hooks, filters and a monitor of files would leave a mark.
struct World(Scratch);

impl World {
    fn new() -> Self {
        let world = Self(Scratch::with(&[("tree.jail", SPEC), ("repo/file", "one\n")]));
        world.git(&["init", "-q", "-b", "main"]);
        world.git(&["add", "file"]);
        world.git(&["commit", "-q", "-m", "one"]);
        world
    }

    fn repo(&self) -> PathBuf {
        self.0.path("repo").canonicalize().unwrap()
    }

    fn worktree(&self, name: &str) -> PathBuf {
        self.0.path("repo.worktrees").join(name)
    }

    fn git(&self, words: &[&str]) -> String {
        let mut git = Command::new("git");
        git.args(words).current_dir(self.0.path("repo")).env("HOME", self.0.path(""));
        for who in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{who}_NAME"), "n").env(format!("GIT_{who}_EMAIL"), "n@x");
        }
        let output = git.output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn jailgen(&self, words: &[&str]) -> Outcome {
        let mut command = self.0.jailgen(words);
        Outcome::of(&command.current_dir(self.repo()).assert())
    }

    /// Makes every program that a repository can name leave a mark.
    fn trap(&self) {
        let mark = format!("#!/bin/sh\ntouch {}\ncat\n", self.0.path("MARK").display());
        for name in ["post-checkout", "post-index-change", "reference-transaction", "trap"] {
            let hook = self.0.path("repo/.git/hooks").join(name);
            fs::write(&hook, &mark).unwrap();
            fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let trap = self.0.path("repo/.git/hooks/trap");
        let trap = trap.to_str().unwrap();
        for key in ["filter.x.smudge", "filter.x.clean", "core.fsmonitor"] {
            self.git(&["config", key, trap]);
        }
        self.git(&["config", "filter.x.required", "true"]);
    }

    fn is_marked(&self) -> bool {
        self.0.path("MARK").exists()
    }
}

/// Builds the jail of the spec, if there can be jails.
fn with_jails() -> Option<World> {
    let setup = setup()?;
    if !has_user_namespaces() {
        return None;
    }
    let world = World::new();
    let approve = world.0.run(&["approve", "tree.jail"]);
    approve.assert_status(0);
    setup.build(&world.0, "tree.jail");
    Some(world)
}

fn jail(world: &World, folder: &Path, script: &str) -> Command {
    let mut command = Command::new(world.0.path(".local/state/jailgen/bin/tree-work"));
    command.args(["-c", script]).env("HOME", world.0.path("")).current_dir(folder);
    command
}

#[test]
fn a_worktree_is_made_listed_and_removed_and_no_program_of_the_repository_runs() {
    let world = World::new();
    fs::write(world.0.path("repo/.gitattributes"), "* filter=x\n").unwrap();
    world.git(&["add", ".gitattributes"]);
    world.git(&["commit", "-q", "-m", "two"]);
    world.trap();
    let made = world.jailgen(&["worktree", "add", "fix/it", "../tree.jail"]);
    let folder = world.worktree("fix-it").canonicalize().unwrap();
    let spec = world.0.path("tree.jail").canonicalize().unwrap();
    let start = format!("cd {} && jailgen run {}\n", folder.display(), spec.display());
    assert_eq!(made.assert_status(0).stdout, start);
    assert_eq!(fs::read_to_string(folder.join("file")).unwrap(), "one\n");
    assert!(!world.is_marked());
    // The control: git by itself runs them.
    let fresh = world.worktree("other");
    world.git(&["worktree", "add", "-q", fresh.to_str().unwrap()]);
    assert!(world.is_marked());
    fs::remove_file(world.0.path("MARK")).unwrap();

    let listed = world.jailgen(&["worktree", "list"]).assert_status(0).stdout.clone();
    assert_eq!(listed, format!("fix/it  {}  no commits (merged)\n", folder.display()));
    // What is not committed is asked about, and no user can be asked here.
    fs::write(folder.join("file"), "two\n").unwrap();
    fs::write(folder.join("new"), "").unwrap();
    let kept = world.jailgen(&["worktree", "remove", "fix/it"]);
    let said = "has 2 files that are not committed";
    assert!(kept.assert_status(1).stderr.contains(said), "{}", kept.all());
    assert!(folder.join("new").exists() && !world.is_marked());
    let removed = world.jailgen(&["worktree", "remove", "fix/it", "--yes"]);
    let said = "the branch fix/it, which is merged";
    assert!(removed.assert_status(0).stderr.contains(said), "{}", removed.all());
    assert!(!folder.exists() && !world.is_marked());
    assert!(!world.git(&["branch", "--list", "fix/it"]).contains("fix/it"));
    assert!(!world.git(&["worktree", "list"]).contains("fix-it"));
    assert_eq!(world.jailgen(&["worktree", "list"]).assert_status(0).stdout, "");
    assert!(fresh.exists());
}

#[test]
fn what_a_jail_writes_into_the_configurations_of_a_worktree_runs_nothing() {
    let world = World::new();
    // The name of a filter need not be text.
    fs::write(world.0.path("repo/.gitattributes"), b"* filter=\xff\n").unwrap();
    world.git(&["add", ".gitattributes"]);
    world.git(&["commit", "-q", "-m", "two"]);
    world.trap();
    let trap = world.0.path("repo/.git/hooks/trap");
    let section = |name: &[u8]| {
        let trap = trap.as_os_str().as_bytes();
        [b"[filter \"", name, b"\"]\n\tclean = ", trap, b"\n\tsmudge = ", trap, b"\n"].concat()
    };
    let config = world.0.path("repo/.git/config");
    let before = fs::read(&config).unwrap();
    fs::write(&config, [&before[..], &section(b"\xff")].concat()).unwrap();
    world.jailgen(&["worktree", "add", "w", "../tree.jail"]).assert_status(0);
    assert!(!world.is_marked(), "a filter whose name is no text");

    // A configuration that only the worktree has.
    let own = world.0.path("repo/.git/worktrees/w");
    world.git(&["config", "extensions.worktreeConfig", "true"]);
    fs::write(own.join("config.worktree"), section(b"y")).unwrap();
    let folder = world.worktree("w");
    fs::write(folder.join(".gitattributes"), "* filter=y\n").unwrap();
    fs::write(world.0.path("repo/.git/info/exclude"), "ignored\n").unwrap();
    for (name, text) in [("file", "two\n"), ("new", ""), ("ignored", "")] {
        fs::write(folder.join(name), text).unwrap();
    }
    let listed = world.jailgen(&["worktree", "list"]).assert_status(0).stdout.clone();
    assert!(listed.contains("3 files not committed"), "{listed}");
    assert!(!world.is_marked(), "a filter of the worktree's own configuration");
    // The control: git by itself runs it.
    world.git(&["-C", folder.to_str().unwrap(), "status"]);
    assert!(world.is_marked());
}

#[test]
fn a_pointer_that_a_jail_has_planted_does_not_choose_the_repository() {
    let world = World::new();
    let other = world.repo();
    let target = other.join(".git");
    type Plant<'a> = (&'a str, &'a dyn Fn(&Path));
    let plant: [Plant<'_>; 4] = [
        ("file", &|top| {
            fs::write(top.join(".git"), format!("gitdir: {}\n", target.display())).unwrap();
        }),
        ("link", &|top| symlink(&target, top.join(".git")).unwrap()),
        ("commondir", &|top| {
            let git = Command::new("git").args(["init", "-q"]).current_dir(top).status().unwrap();
            assert!(git.success());
            fs::write(top.join(".git/commondir"), target.to_str().unwrap()).unwrap();
        }),
        ("own-entry", &|top| {
            let entry = top.join("entry");
            fs::create_dir(&entry).unwrap();
            fs::write(entry.join("HEAD"), "ref: refs/heads/main\n").unwrap();
            fs::write(entry.join("commondir"), target.to_str().unwrap()).unwrap();
            fs::write(entry.join("gitdir"), top.join(".git").to_str().unwrap()).unwrap();
            fs::write(top.join(".git"), format!("gitdir: {}\n", entry.display())).unwrap();
        }),
    ];
    for (name, plant) in plant {
        let top = world.0.path(name);
        fs::create_dir(&top).unwrap();
        plant(&top.canonicalize().unwrap());
        let mut command = world.0.jailgen(&["worktree", "add", name, "../tree.jail"]);
        let ran = Outcome::of(&command.current_dir(&top).assert());
        let said = "does not belong to this folder";
        assert!(ran.status == 1 && ran.stderr.contains(said), "{name}: {}", ran.all());
    }
    assert_eq!(world.git(&["branch", "--format=%(refname:short)"]), "main\n");
    // A real worktree, and a folder of the repository, are of it.
    world.jailgen(&["worktree", "add", "w", "../tree.jail"]).assert_status(0);
    fs::create_dir(other.join("below")).unwrap();
    for (name, folder) in [("x", world.worktree("w")), ("y", other.join("below"))] {
        let spec = world.0.path("tree.jail");
        let mut command = world.0.jailgen(&["worktree", "add", name, spec.to_str().unwrap()]);
        Outcome::of(&command.current_dir(folder).assert()).assert_status(0);
        assert!(world.worktree(name).is_dir());
    }
}

#[test]
fn a_name_means_no_folder() {
    let world = World::new();
    world.jailgen(&["worktree", "add", "w", "../tree.jail"]).assert_status(0);
    // A link that a jail has planted.
    symlink("../repo.worktrees/w", world.repo().join("1234")).unwrap();
    let ran = world.jailgen(&["worktree", "remove", "1234", "--yes"]);
    assert!(ran.assert_status(1).stderr.contains("made no worktree `1234`"), "{}", ran.all());
    assert!(world.worktree("w").is_dir());
    let ran = world.jailgen(&["worktree", "remove", "../repo.worktrees/w", "--yes"]);
    ran.assert_status(0);
}

#[test]
fn an_older_branch_is_said_and_counts_from_where_it_leaves_head() {
    let world = World::new();
    world.git(&["checkout", "-q", "-b", "old"]);
    world.git(&["commit", "-q", "--allow-empty", "-m", "two"]);
    world.git(&["checkout", "-q", "main"]);
    let said = world.jailgen(&["worktree", "add", "old", "../tree.jail"]);
    let note = "the branch old was there before";
    assert!(said.assert_status(0).stderr.contains(note), "{}", said.all());
    let listed = world.jailgen(&["worktree", "list"]).assert_status(0).stdout.clone();
    assert!(listed.contains("1 commit (not merged)"), "{listed}");
}

#[test]
fn names_that_are_no_branches_and_places_that_are_taken_are_refused() {
    let world = World::new();
    fs::create_dir_all(world.worktree("taken")).unwrap();
    let no_repository = Scratch::with(&[("tree.jail", SPEC)]);
    for (words, says) in [
        (&["a..b", "../tree.jail"][..], "no name of a branch"),
        (&["a b", "../tree.jail"], "no name of a branch"),
        (&["a.lock", "../tree.jail"], "no name of a branch"),
        (&["@{-1}", "../tree.jail"], "no name of a branch"),
        (&["", "../tree.jail"], "no name of a branch"),
        (&["taken", "../tree.jail"], "exists already"),
        (&["main", "../tree.jail"], "main"),
        (&["x", "../gone.jail"], "gone.jail"),
        (&["x", "../tree.jail", "--from", "nothing"], "no commit `nothing`"),
        (&["main", "../tree.jail", "--from", "HEAD"], "exists already"),
    ] {
        let ran = world.jailgen(&[&["worktree", "add"], words].concat());
        assert!(ran.status == 1 && ran.stderr.contains(says), "{words:?}: {}", ran.all());
    }
    assert_eq!(fs::read_dir(world.0.path("repo.worktrees")).unwrap().count(), 1);
    let ran = no_repository.run(&["worktree", "add", "x", "tree.jail"]);
    assert!(ran.assert_status(1).stderr.contains("not in a repository"), "{}", ran.all());
    let ran = world.jailgen(&["worktree", "remove", "nothing"]);
    assert!(ran.assert_status(1).stderr.contains("made no worktree `nothing`"), "{}", ran.all());
}

#[test]
fn what_stands_in_the_place_of_a_worktree_is_not_removed() {
    let world = World::new();
    world.jailgen(&["worktree", "add", "w", "../tree.jail"]).assert_status(0);
    let folder = world.worktree("w");
    // The files by which git would find what to remove lead to somewhere else.
    let victim = world.0.path("victim");
    fs::create_dir(&victim).unwrap();
    fs::write(victim.join("kept"), "").unwrap();
    symlink(&victim, folder.join("link")).unwrap();
    let pointer = world.0.path("repo/.git/worktrees/w/gitdir");
    let before = fs::read(&pointer).unwrap();
    fs::write(&pointer, format!("{}/.git\n", victim.display())).unwrap();
    let removed = world.jailgen(&["worktree", "remove", "w", "--yes"]);
    assert!(
        removed.assert_status(0).stderr.contains("not the one that was made"),
        "{}",
        removed.all()
    );
    assert!(!folder.exists() && victim.join("kept").exists() && pointer.exists());

    // Another folder, or a link, at its place.
    fs::remove_dir_all(world.0.path("repo/.git/worktrees/w")).unwrap();
    assert!(!before.is_empty());
    world.git(&["branch", "-D", "w"]);
    world.jailgen(&["worktree", "add", "w", "../tree.jail"]).assert_status(0);
    fs::rename(&folder, world.worktree("moved")).unwrap();
    for link in [true, false] {
        match link {
            true => symlink(&victim, &folder).unwrap(),
            false => fs::create_dir(&folder).unwrap(),
        }
        let removed = world.jailgen(&["worktree", "remove", "w", "--yes"]);
        removed.assert_status(1);
        assert!(victim.join("kept").exists() && folder.symlink_metadata().is_ok());
        let _ = fs::remove_file(&folder);
    }
}

/// Starts a jail, and waits until its payload runs.
fn start(world: &World, folder: &Path) -> Child {
    let mut command = jail(world, folder, "echo; sleep 1000 & wait");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut byte = [0];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut byte).unwrap();
    child
}

fn end(mut child: Child) -> String {
    let _ = Command::new("kill").arg(child.id().to_string()).status();
    let mut said = String::new();
    std::io::Read::read_to_string(child.stderr.as_mut().unwrap(), &mut said).unwrap();
    child.wait().unwrap();
    said
}

#[test]
fn jails_commit_in_worktrees_at_the_same_time_and_a_new_one_can_take_the_place_of_an_old_one() {
    let Some(world) = with_jails() else { return };
    for name in ["a", "b"] {
        world.jailgen(&["worktree", "add", name, "../tree.jail"]).assert_status(0);
    }
    let one = start(&world, &world.worktree("a"));
    let commit = "echo two >file && git commit -qam two && echo x >new";
    let output = jail(&world, &world.worktree("b"), commit).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && !said.contains("in this folder, too"), "{said}");
    let listed = world.jailgen(&["worktree", "list"]).assert_status(0).stdout.clone();
    assert!(listed.contains("a jail runs in it"), "{listed}");
    assert!(listed.contains("1 commit (not merged), 1 file not committed"), "{listed}");
    let busy = world.jailgen(&["worktree", "remove", "a", "--yes"]);
    assert!(busy.assert_status(1).stderr.contains("a jail runs in"), "{}", busy.all());
    // A second one in the same folder names the first.
    let two = start(&world, &world.worktree("a"));
    let process = one.id();
    let said = end(two);
    let line = format!("`tree-work` (process {process}) works in this folder, too");
    assert!(said.contains(&line), "{said}");
    assert!(!end(one).contains("in this folder, too"));

    let removed = world.jailgen(&["worktree", "remove", "b", "--yes"]);
    assert!(removed.assert_status(0).stderr.contains("kept the branch b"), "{}", removed.all());
    world.git(&["merge", "-q", "b"]);
    // The branch goes on, in a folder of the same place, and the jail gets its repository.
    world.jailgen(&["worktree", "add", "b", "../tree.jail"]).assert_status(0);
    let output = jail(&world, &world.worktree("b"), "git log --format=%s").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "two\none\n", "{output:?}");
}

#[test]
fn each_item_is_run_in_a_worktree_of_its_own() {
    let Some(world) = with_jails() else { return };
    world.0.write("list", b"a\nb/c\nd\n");
    // All worktrees are there before the first jail begins: main and three branches.
    let script = "[ $(git branch | wc -l) = 4 ] || exit 9; echo \"$1\" >file; [ \"$1\" = d ] || git commit -qam \"$1\"";
    let words =
        ["run", "../tree.jail", "--each", "../list", "--worktrees", "--jobs", "2", "--json"];
    let ran = world.jailgen(&[&words[..], &["--", "-c", script, "x", "{}"]].concat());
    let read: serde_json::Value = serde_json::from_str(&ran.assert_status(0).stdout).unwrap();
    for (run, commits) in read["runs"].as_array().unwrap().iter().zip([1, 1, 0]) {
        let name = run["name"].as_str().unwrap();
        assert_eq!(
            (run["status"].as_i64(), run["commits"].as_i64()),
            (Some(0), Some(commits)),
            "{run}"
        );
        assert_eq!(run["changed"].as_i64(), Some(1 - commits), "{run}");
        let subject = world.git(&["log", "-1", "--format=%s", name]);
        let expected = if commits == 1 { run["item"].as_str().unwrap() } else { "one" };
        assert_eq!(subject.trim_end(), expected);
    }
    assert_eq!(fs::read_to_string(world.repo().join("file")).unwrap(), "one\n");
}
