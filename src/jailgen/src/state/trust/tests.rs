//! Verdicts over specs on disk. Those of real builds are in `tests/it/approval.rs`.

use std::fs;
use std::os::unix::fs::symlink;

use super::approval::file;
use super::*;
use crate::backends::Spec;
use crate::compile::SpecFolder;

const PLAIN: &str = "jail \"x\" pkgs.hello [ mount-cwd (readonly \"/srv\") ]";
const HOOKED: &str = "jail \"x\" pkgs.hello [ mount-cwd (add-runtime \"echo 1\\necho 2\") ]";

/// A folder with a state folder and a project.
struct Bench {
    folder: tempfile::TempDir,
    state: State,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path().join("state")).unwrap();
        fs::create_dir(folder.path().join("project")).unwrap();
        Self { folder, state }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn spec(&self, below: &str, text: &str) -> Spec {
        fs::write(self.path(below), text).unwrap();
        self.read(below)
    }

    fn read(&self, below: &str) -> Spec {
        let folder = SpecFolder::open(&self.path(below)).unwrap();
        folder.emission(&folder.compile()).unwrap().unwrap()
    }

    fn judge(&self, below: &str, text: &str) -> Verdict {
        judge(&self.state, &self.path(below), &self.spec(below, text))
    }

    fn approve(&self, below: &str, text: &str) {
        approve(&self.state, &self.path(below), &self.spec(below, text)).unwrap();
    }

    #[track_caller]
    fn asks(&self, below: &str, text: &str) -> Question {
        match self.judge(below, text) {
            Verdict::Ask(question) => question,
            other => panic!("{other:?}"),
        }
    }
}

const X: &str = "project/x.jail";

#[test]
fn the_first_time_is_asked_about_what_reaches_further_than_the_folder() {
    let bench = Bench::new();
    assert_eq!(bench.judge(X, PLAIN), Verdict::Unremarkable);
    let question = bench.asks(X, HOOKED);
    assert_eq!(question.why, Why::First);
    expect_test::expect![[r#"
        x: on the host: before the launch `echo 1` and another line (`add-runtime`)
            echo 1
            echo 2"#]]
    .assert_eq(&question.lines.join("\n"));
    for worry in [
        "readwrite \"/srv\"",
        "try-readwrite (noescape \"~/x\")",
        "state-dir (noescape \"~/x\")",
        "state-file (noescape \"~/x\")",
        "persist-home \"x\"",
        "add-cleanup \"echo\"",
        "jail-to-host-channel \"x\" \"echo\"",
        "open-urls-in-browser",
        "dbus { talk = [ \"org.example.X\" ]; }",
        "unsafe-x11",
        "unsafe-add-raw-args \"--tmpfs /x\"",
        "allow-home-cwd",
        "git-worktree",
    ] {
        let spec = format!("jail \"x\" pkgs.hello [ mount-cwd ({worry}) ]");
        assert_eq!(bench.asks(X, &spec).why, Why::First, "{worry}");
    }
}

#[test]
fn unchanged_presets_are_not_asked_about_and_changed_ones_are() {
    let bench = Bench::new();
    for builder in jail_registry::BUILDERS.iter().filter(|builder| builder.preset.is_some()) {
        let name = builder.name;
        for arguments in ["{ }", "{ extraPkgs = [ pkgs.go ]; env.CI = \"1\"; }"] {
            let verdict = bench.judge(X, &format!("{name} {arguments}"));
            assert_eq!(verdict, Verdict::Unremarkable, "{name} {arguments}");
        }
        let question = bench.asks(X, &format!("{name} {{ extraReadwriteDirs = [ \"~/x\" ]; }}"));
        assert_eq!(question.lines.len(), 1, "{name}: {:?}", question.lines);
        // Another program in the preset's folders is not a preset.
        let question = bench.asks(X, &format!("{name} {{ pkg = pkgs.hello; }}"));
        assert!(question.lines[0].contains("~/."), "{name}: {:?}", question.lines);
    }
    let program =
        "{ overlays = [ (final: prev: { }) ]; outputs = { pkgs, ... }: makeJailedPi { }; }";
    assert_eq!(bench.asks(X, program).why, Why::First, "packages of its own");
}

#[test]
fn what_was_approved_is_not_asked_about_until_it_changes() {
    let bench = Bench::new();
    bench.approve(X, HOOKED);
    assert_eq!(bench.judge(X, HOOKED), Verdict::Approved);
    assert_eq!(bench.judge(X, &format!("# a comment\n\n{HOOKED}")), Verdict::Approved);
    let question = bench.asks(X, &HOOKED.replace("echo 2", "echo 3"));
    assert_eq!(question.why, Why::Changed);
    assert!(question.lines.iter().any(|line| line.contains("echo 3")), "{:?}", question.lines);
    // What was approved earlier, and replaced, is a change too.
    bench.approve(X, PLAIN);
    assert_eq!(bench.asks(X, HOOKED).why, Why::Changed);
    assert!(forget_approval(&bench.state, &bench.path(X)).unwrap());
    assert!(!forget_approval(&bench.state, &bench.path(X)).unwrap());
    assert_eq!(bench.asks(X, HOOKED).why, Why::First);
}

#[test]
fn an_approval_that_cannot_be_read_is_asked_about() {
    let bench = Bench::new();
    bench.approve(X, PLAIN);
    let record = bench.state.approvals().join(file(&bench.read(X).place));
    let whole = fs::read_to_string(&record).unwrap();
    let half = &whole[..whole.len() / 2];
    let other = whole.replace("/srv", "/opt");
    for text in ["", "{}", "null", half, &other, &whole.replace("\"version\":1", "\"version\":2")] {
        fs::write(&record, text).unwrap();
        assert!(matches!(bench.asks(X, PLAIN).why, Why::Unreadable(_)), "{text}");
    }
    fs::write(&record, &whole).unwrap();
    assert_eq!(bench.judge(X, PLAIN), Verdict::Approved);
    // Nor is one trusted that is a link, a folder, or another spec's.
    fs::rename(&record, bench.path("aside")).unwrap();
    symlink(bench.path("aside"), &record).unwrap();
    assert!(matches!(bench.asks(X, PLAIN).why, Why::Unreadable(_)));
    fs::remove_file(&record).unwrap();
    let y = "project/y.jail";
    let spec = bench.spec(y, PLAIN);
    fs::rename(bench.path("aside"), bench.state.approvals().join(file(&spec.place))).unwrap();
    assert!(matches!(bench.asks(y, PLAIN).why, Why::Unreadable(_)));
    fs::set_permissions(
        bench.state.approvals(),
        std::os::unix::fs::PermissionsExt::from_mode(0o777),
    )
    .unwrap();
    assert!(matches!(bench.asks(X, PLAIN).why, Why::Unreadable(_)));
}

#[test]
fn a_project_that_moved_is_asked_about() {
    let bench = Bench::new();
    bench.approve(X, HOOKED);
    fs::rename(bench.path("project"), bench.path("moved")).unwrap();
    assert_eq!(bench.asks("moved/x.jail", HOOKED).why, Why::First);
    // Nor does what an approval was of come along as a copy.
    fs::create_dir(bench.path("project")).unwrap();
    assert_eq!(bench.judge(X, HOOKED), Verdict::Approved, "the control");
}

#[test]
fn a_folder_that_has_become_a_link_leads_to_another_spec() {
    let bench = Bench::new();
    bench.approve(X, PLAIN);
    fs::create_dir(bench.path("other")).unwrap();
    bench.approve("other/x.jail", HOOKED);
    fs::remove_dir_all(bench.path("project")).unwrap();
    symlink("other", bench.path("project")).unwrap();
    let Verdict::Ask(question) = judge(&bench.state, &bench.path(X), &bench.read(X)) else {
        panic!("it is not asked about")
    };
    assert!(matches!(question.why, Why::Elsewhere(_)), "{question:?}");
    assert!(question.lines.iter().any(|line| line.contains("echo 1")), "{question:?}");
    let by_its_name = judge(&bench.state, &bench.path("other/x.jail"), &bench.read("other/x.jail"));
    assert_eq!(by_its_name, Verdict::Approved);
    let with_dots = bench.path("nowhere/../other/./x.jail");
    assert_eq!(judge(&bench.state, &with_dots, &bench.read("other/x.jail")), Verdict::Approved);
    // What is approved is approved where it is, and not through a new link.
    symlink("other", bench.path("new")).unwrap();
    let question = judge(&bench.state, &bench.path("new/x.jail"), &bench.read("new/x.jail"));
    assert!(matches!(question, Verdict::Ask(Question { why: Why::First, .. })), "{question:?}");
    // Nor does a change pass through it that would not be worth a question the first time.
    let question = bench.asks("new/x.jail", PLAIN);
    assert_eq!(question.why, Why::Changed);
}

#[test]
fn trees_are_listed_and_forgotten_by_both_keys() {
    let bench = Bench::new();
    assert_eq!(trees(&bench.state).unwrap(), Trees::default());
    let folder = bench.state.trees();
    crate::files::create_private(&folder).unwrap();
    let record = |name: &str, content: &[u8]| {
        fs::write(folder.join(name), content).unwrap();
        fs::set_permissions(folder.join(name), std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
    };
    for key in ["h-0", "p-0"] {
        record(key, b"tree 1\njailed-x\n/a/b\nc");
    }
    record("h-1", b"tree 1\njailed-y\n/d");
    for (name, garbled) in [("h-2", "tree 2\nx\n/d"), ("h-3", "tree 1\nx\nd"), ("h-4", "")] {
        record(name, garbled.as_bytes());
    }
    let Trees { known, unreadable } = trees(&bench.state).unwrap();
    let known: Vec<_> = known.iter().map(|it| (it.path.to_str().unwrap(), &*it.jail)).collect();
    assert_eq!(known, [("/a/b\nc", "jailed-x"), ("/d", "jailed-y")]);
    assert_eq!(unreadable, ["h-2", "h-3", "h-4"]);
    assert!(forget_tree(&bench.state, Path::new("/a/b\nc")).unwrap());
    assert!(!forget_tree(&bench.state, Path::new("/a/b\nc")).unwrap());
    assert!(!folder.join("h-0").exists() && !folder.join("p-0").exists());
    assert!(folder.join("h-1").exists());
}

#[test]
fn a_state_folder_that_others_can_write_is_refused() {
    let bench = Bench::new();
    bench.approve(X, PLAIN);
    let root = bench.path("state");
    let mode = |path: &Path, mode: u32| {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    for folder in ["", "trust", "trust/approvals"] {
        let folder = root.join(folder);
        for open in [0o777, 0o770, 0o702] {
            mode(&folder, open);
            assert!(State::open(&root).is_err(), "{folder:?} {open:o}");
        }
        mode(&folder, 0o755);
        assert!(State::open(&root).is_ok(), "{folder:?}");
    }
}
