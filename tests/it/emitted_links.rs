//! E20, C13: what jailgen writes where a jail writes too, such as an emitted folder. Links that the
//! jail plants there lead nowhere.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, Mode, mkfifoat};

use crate::harness::{Outcome, Scratch};
use crate::real_nix::{has_user_namespaces, setup};

const SPEC: &str = "jail \"x\" pkgs.hello [ (set-env \"A\" \"${./cfg}\") ]";

fn emitted() -> Scratch {
    let scratch = Scratch::with(&[("x.jail", SPEC), ("cfg/a/b", "1"), ("home/notes/keep", "mine")]);
    emit(&scratch).assert_status(0);
    assert_eq!(scratch.read("jails/files/cfg/a/b"), "1");
    scratch
}

fn emit(scratch: &Scratch) -> Outcome {
    scratch.run(&["emit", "x.jail", "-o", "jails"])
}

#[test]
fn a_planted_link_does_not_lead_what_is_emitted_or_removed_elsewhere() {
    for (planted, target) in [
        ("jails/files", "../home"),
        ("jails/files/cfg", "../../home"),
        ("jails/files/cfg/a", "../../../home/notes"),
        ("jails", "home"),
    ] {
        let scratch = emitted();
        fs::remove_dir_all(scratch.path(planted)).unwrap();
        symlink(target, scratch.path(planted)).unwrap();
        for words in [&["emit", "x.jail", "-o", "jails"][..], &["emit", "x.jail", "-o", "jails/"]] {
            let outcome = scratch.run(words);
            outcome.assert_status(1);
            assert!(outcome.stderr.contains("is a link or a file"), "{planted}: {}", outcome.all());
        }
        scratch.run(&["emit", "x.jail", "-o", "jails", "--check"]).assert_status(1);
        assert_eq!(scratch.read("home/notes/keep"), "mine", "{planted}");
        let left: Vec<_> = walkdir::WalkDir::new(scratch.path("home"))
            .into_iter()
            .map(|entry| entry.unwrap().file_name().to_owned())
            .collect();
        assert_eq!(left, ["home", "notes", "keep"], "{planted}");
        fs::remove_file(scratch.path(planted)).unwrap();
        emit(&scratch).assert_status(0);
    }
}

#[test]
fn a_planted_file_is_replaced_and_not_written_through() {
    let scratch = emitted();
    for planted in ["jails/files/cfg/a/b", "jails/x.nix", "jails/flake.lock"] {
        let is_nix = planted.ends_with(".nix");
        fs::remove_file(scratch.path(planted)).unwrap();
        symlink(scratch.path("home/notes/keep"), scratch.path(planted)).unwrap();
        let outcome = emit(&scratch);
        // A link to a file that jailgen did not emit is in the way, and a lock must be a lock.
        assert_eq!(outcome.status == 0, !is_nix && !planted.ends_with("lock"), "{}", outcome.all());
        assert_eq!(scratch.read("home/notes/keep"), "mine");
        fs::remove_file(scratch.path(planted)).unwrap();
        emit(&scratch).assert_status(0);
    }
    for planted in ["jails/flake.nix", "jails/flake.lock", "jails/files/cfg/a/b"] {
        fs::remove_file(scratch.path(planted)).unwrap();
        mkfifoat(CWD, scratch.path(planted), Mode::RWXU).unwrap();
        let begin = Instant::now();
        for words in
            [&["emit", "x.jail", "-o", "jails", "--check"][..], &["emit", "x.jail", "-o", "jails"]]
        {
            scratch.run(words);
        }
        assert!(begin.elapsed() < Duration::from_secs(2), "{planted}");
        fs::remove_file(scratch.path(planted)).unwrap();
        scratch.run(&["emit", "x.jail", "-o", "jails", "--force"]).assert_status(0);
    }
}

#[test]
fn a_report_is_not_written_through_a_planted_link() {
    let scratch = Scratch::with(&[("sh.jail", "jail \"sh\" pkgs.bashInteractive [ ]")]);
    scratch.write("home/notes/keep", b"mine");
    symlink("home/notes/keep", scratch.path("calls.json")).unwrap();
    let Some(setup) = setup().filter(|_| has_user_namespaces()) else { return };
    let trace = |file: &str| {
        let words = [&["trace", "sh.jail", "-o", file][..], &setup.overrides(), &["--", "-c", ":"]];
        setup.jailgen(&scratch, &setup.programs[0], &words.concat())
    };
    let outcome = trace("calls.json");
    outcome.assert_status(1);
    assert!(outcome.stderr.contains("it is a symbolic link"), "{}", outcome.all());
    assert_eq!(scratch.read("home/notes/keep"), "mine");
    trace("other.json").assert_status(0);
    assert!(!scratch.read("other.json").is_empty(), "the control");
}
