//! The trust store: what is not believed of it, `jailgen trust list` and `jailgen trust forget`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use super::Project;
use crate::harness::Scratch;

const STATE: &str = ".local/state/jailgen";
const SPEC: &str = "jail \"x\" pkgs.hello [ mount-cwd (add-runtime \"echo hi\") ]";

fn approval(scratch: &Scratch) -> PathBuf {
    let approvals = scratch.path(&format!("{STATE}/trust/approvals"));
    let mut found = fs::read_dir(approvals).unwrap().map(|entry| entry.unwrap().path());
    found.next().unwrap()
}

#[test]
fn a_record_that_is_garbled_asks() {
    let Some(project) = Project::new() else { return };
    project.build();
    let record = approval(&project.scratch);
    let whole = fs::read(&record).unwrap();
    for half in [&whole[..0], &whole[..whole.len() / 2], b"{}"] {
        fs::write(&record, half).unwrap();
        let (status, said) = project.jailgen(&["run", "sh.jail", "--", "-c", "echo inside"]);
        assert_eq!(status, 1, "{said}");
        assert!(said.contains("cannot be read") && !said.contains("inside"), "{said}");
        assert!(said.contains("jailgen approve sh.jail"), "{said}");
    }
    fs::write(&record, &whole).unwrap();
    project.runs();
    // What was built of what is not an approval: without it there is a build, and no question.
    let builds = project.scratch.path(&format!("{STATE}/builds"));
    for entry in fs::read_dir(builds).unwrap() {
        fs::write(entry.unwrap().path(), "{").unwrap();
    }
    let overrides = project.setup.overrides();
    let words = [&["run", "sh.jail"][..], &overrides, &["--", "-c", "echo inside"]].concat();
    let (status, said) = project.jailgen(&words);
    assert!(status == 0 && said.contains("inside"), "{said}");
}

#[test]
fn a_state_folder_that_others_can_write_is_not_used() {
    let scratch = Scratch::with(&[("x.jail", SPEC)]);
    scratch.run(&["approve", "x.jail"]).assert_status(0);
    for folder in [STATE.to_owned(), format!("{STATE}/trust/approvals")] {
        let folder = scratch.path(&folder);
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        let outcome = scratch.run(&["run", "x.jail"]);
        outcome.assert_status(1);
        assert!(outcome.stderr.contains("others may write it"), "{}", outcome.all());
        assert!(outcome.stderr.contains("chmod go-w"), "{}", outcome.all());
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    }
    let mode = |path: &PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&approval(&scratch)), 0o600);
    assert_eq!(mode(&scratch.path(&format!("{STATE}/trust"))), 0o700);
}

#[test]
fn what_is_written_down_is_listed_and_forgotten() {
    let scratch = Scratch::with(&[("x.jail", SPEC)]);
    let empty = scratch.run(&["trust", "list"]);
    let nothing = "Trees that a jail could write:\n  none\n\
                   Worktrees that had their repository in a jail:\n  none\n\
                   Specs that were approved:\n  none\n";
    assert_eq!(empty.stdout, nothing);
    scratch.run(&["approve", "x.jail"]).assert_status(0);
    let home = fs::canonicalize(scratch.path("")).unwrap();
    let tree = format!("tree 1\njailed-\u{1b}x\n{}/pro\u{7}ject", home.display());
    for key in ["h-1", "p-1"] {
        scratch.write(&format!("{STATE}/trust/trees/{key}"), tree.as_bytes());
    }
    scratch.write(&format!("{STATE}/trust/trees/p-2"), b"no tree");
    scratch.write(&format!("{STATE}/trust/worktrees/w-1"), tree.as_bytes());
    for folder in ["trees", "worktrees"] {
        let folder = scratch.path(&format!("{STATE}/trust/{folder}"));
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
    }
    let listed = scratch.run(&["trust", "list"]);
    listed.assert_status(0);
    assert!(!listed.stdout.contains(['\u{1b}', '\u{7}']), "{:?}", listed.stdout);
    for words in ["pro\\u{7}ject  (jailed-\\u{1b}x)", "unreadable: p-2", "/x.jail"] {
        assert!(listed.stdout.contains(words), "{words}: {}", listed.all());
    }
    let json = scratch.run(&["trust", "list", "--json"]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["trees"][0]["jail"], "jailed-\u{1b}x");
    assert_eq!(json["worktrees"][0], json["trees"][0]);
    assert_eq!(json["approvals"][0]["spec"], home.join("x.jail").to_str().unwrap());
    assert_eq!(json["unreadable"]["trees"][0], "p-2");

    scratch.run(&["trust", "forget", "pro\u{7}ject", "x.jail"]).assert_status(0);
    assert!(!scratch.path(&format!("{STATE}/trust/worktrees/w-1")).exists());
    let listed = scratch.run(&["trust", "list"]).stdout;
    assert!(!listed.contains("project") && !listed.contains("x.jail"), "{listed}");
    let again = scratch.run(&["trust", "forget", "x.jail"]);
    again.assert_status(1);
    assert!(again.stderr.contains("nothing is recorded"), "{}", again.all());

    let trees = scratch.path(&format!("{STATE}/trust/trees"));
    fs::remove_dir_all(&trees).unwrap();
    fs::write(&trees, "").unwrap();
    let unreadable = scratch.run(&["trust", "list"]);
    unreadable.assert_status(1);
    assert!(unreadable.stderr.contains("recorded trees cannot be read"), "{}", unreadable.all());
}
