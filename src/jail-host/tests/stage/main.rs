//! Stages over real overlays, of a disk and of memory: what is shown, applied and dropped, and what
//! a hostile layer cannot do.
#![expect(clippy::disallowed_methods, reason = "the tests start the helper and shells")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "these are tests, whose helpers clippy does not know for such"
)]

mod brought;
mod forged;
mod git;
mod gone;
mod histories;
mod hostile;
mod world;

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::thread::sleep;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use crate::world::worlds;

#[test]
fn what_a_jail_writes_is_shown_then_applied_and_then_gone_from_the_stage() {
    for world in worlds() {
        for (name, text) in [
            ("a.txt", "one\n"),
            ("b.txt", "two\n"),
            ("src/x.rs", "x\n"),
            ("gone/y", "y\n"),
            ("gone/deep/z", "z\n"),
            ("anew/old", "old\n"),
            ("kept", "kept\n"),
            ("file", "file\n"),
            ("folder/in", "in\n"),
        ] {
            world.write(name, text);
        }
        symlink("a.txt", world.project("l")).unwrap();
        world.record();
        let before = world.listing("project");
        world.jail(
            "echo ONE >a.txt; rm b.txt; mv src/x.rs src/y.rs; rm -r gone; rm -r anew; mkdir anew; echo new >anew/new; \
             mkdir -p fresh/deep; echo f >fresh/deep/f; ln -sf b.txt l; chmod 600 kept; rm file; mkdir file; echo i >file/i; \
             rm -r folder; echo now >folder; chmod 700 src",
        );
        assert_eq!(world.listing("project"), before, "before anybody has said so");
        let changes = world.changes();
        let expected = [
            ("a.txt", "changed"),
            ("anew/new", "new"),
            ("anew/old", "deleted"),
            ("b.txt", "deleted"),
            ("file", "deleted"),
            ("file", "new folder"),
            ("file/i", "new"),
            ("folder", "deleted"),
            ("folder", "new"),
            ("folder/in", "deleted"),
            ("fresh", "new folder"),
            ("fresh/deep", "new folder"),
            ("fresh/deep/f", "new"),
            ("gone", "deleted"),
            ("gone/deep", "deleted"),
            ("gone/deep/z", "deleted"),
            ("gone/y", "deleted"),
            ("kept", "changed"),
            ("l", "changed"),
            ("src", "mode"),
            ("src/y.rs", "renamed"),
        ];
        let expected: Vec<_> =
            expected.iter().map(|(path, it)| ((*path).to_owned(), (*it).to_owned())).collect();
        assert_eq!(changes, expected);
        let diff = world.shown("diff");
        for part in ["-one\n+ONE\n", "-link to a.txt\n+link to b.txt\n", "mode 644 -> 600"] {
            assert!(diff.contains(part), "{part}: {diff}");
        }
        let said = world.apply("", &[]);
        assert!(said.contains("applied"), "{said}");
        let expected = [
            "a.txt 644 ONE\n",
            "anew/",
            "anew/new 644 new\n",
            "file/",
            "file/i 644 i\n",
            "folder 644 now\n",
            "fresh/",
            "fresh/deep/",
            "fresh/deep/f 644 f\n",
            "kept 600 kept\n",
            "l -> b.txt",
            "src/",
            "src/y.rs 644 x\n",
        ];
        assert_eq!(world.listing("project"), expected, "{said}");
        let mode = fs::metadata(world.project("src")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert_eq!(world.listing("upper/p"), Vec::<String>::new());
        assert_eq!(world.changes(), []);
        // The next jail begins with that, and what it changes is known for its own.
        world.record();
        world.jail("echo again >a.txt");
        world.apply("", &[]);
        assert_eq!(world.read("a.txt"), "again\n");
    }
}

#[test]
fn what_both_sides_have_changed_is_kept_aside_and_nothing_is_overwritten() {
    for world in worlds() {
        for name in ["both", "deleted-here", "deleted-there", "same", "touched", "late", "d/in"] {
            world.write(name, "base\n");
        }
        world.record();
        world.jail(
            "for f in both deleted-here same touched new d/in; do echo stage >$f; done; rm deleted-there; rm -r d; echo f >d",
        );
        sleep(Duration::from_millis(20));
        world.write("both", "mine\n");
        fs::remove_file(world.project("deleted-here")).unwrap();
        world.write("deleted-there", "mine\n");
        world.write("same", "stage\n");
        // The same content, written anew.
        fs::remove_file(world.project("touched")).unwrap();
        world.write("touched", "base\n");
        world.write("new", "mine\n");
        world.write("d/in", "mine\n");
        let said = world.apply("", &[]);
        let expected = [
            "both 644 mine\n",
            "both.jailgen-theirs 644 stage\n",
            "d.jailgen-theirs 644 f\n",
            "d/",
            "d/in 644 mine\n",
            "deleted-here.jailgen-theirs 644 stage\n",
            "deleted-there 644 mine\n",
            "late 644 base\n",
            "new 644 mine\n",
            "new.jailgen-theirs 644 stage\n",
            "same 644 stage\n",
            "touched 644 stage\n",
        ];
        assert_eq!(world.listing("project"), expected, "{said}");
        assert!(said.contains("both -> both.jailgen-theirs"), "{said}");
        assert!(said.contains("but changed here, so they stay:\n  deleted-there"), "{said}");
        // A second one puts nothing aside again.
        world.apply("", &[]);
        assert_eq!(world.listing("project"), expected);
    }
}

#[test]
fn what_was_put_aside_and_stays_in_the_stage_is_put_aside_again() {
    for world in worlds() {
        for name in ["d/a", "d/gone"] {
            world.write(name, "base\n");
        }
        world.record();
        // A new folder goes out of the stage as a whole, and one program in it is not agreed to.
        world.jail(
            "rm -r d; mkdir d; cd d; for f in a gone run; do echo stage >$f; done; chmod 755 run",
        );
        world.write("d/a", "mine\n");
        fs::remove_file(world.project("d/gone")).unwrap();
        for _ in 0..2 {
            world.apply("", &[]);
            assert_eq!(world.read("d/a"), "mine\n");
            assert!(!world.project("d/gone").exists() && !world.project("d/run").exists());
            assert_eq!(world.read("d/a.jailgen-theirs"), "stage\n");
        }
        world.record();
        world.apply("", &[]);
        assert_eq!(world.read("d/a"), "mine\n");
        assert!(!world.project("d/gone").exists());
    }
}

#[test]
fn new_content_of_a_program_is_asked_about_also_without_its_bit() {
    for world in worlds() {
        world.write("build.sh", "base\n");
        world.write("notes", "base\n");
        let program = world.project("build.sh");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        world.record();
        world.jail("for f in build.sh notes; do rm $f; echo stage >$f; chmod 644 $f; done");
        world.apply("", &[]);
        assert_eq!(
            (world.read("build.sh"), world.read("notes")),
            ("base\n".into(), "stage\n".into())
        );
    }
}

#[test]
fn what_was_changed_after_the_launch_counts_as_changed_on_both_sides() {
    for world in worlds() {
        world.write("f", "base\n");
        sleep(Duration::from_millis(30));
        let mut recorder = world.start_recorder();
        // Whether it is recorded before or after this, the jail may have seen either.
        world.write("f", "mine\n");
        sleep(Duration::from_millis(300));
        std::io::Write::write_all(&mut recorder.1, b"e").unwrap();
        assert!(recorder.0.wait().unwrap().success());
        world.jail("echo stage >f");
        world.apply("", &[]);
        assert_eq!(world.read("f"), "mine\n");
        assert_eq!(world.read("f.jailgen-theirs"), "stage\n");
    }
}

#[test]
fn a_stage_keeps_the_base_of_what_it_has_changed_in_an_earlier_session() {
    for world in worlds() {
        world.write("f", "base\n");
        world.write("g", "base\n");
        world.write("d/h", "base\n");
        world.record();
        world.jail("echo stage >f; rm -r d");
        world.write("f", "mine\n");
        world.write("g", "mine\n");
        world.write("d/h", "mine\n");
        world.record();
        world.jail("echo stage >g");
        world.apply("", &[]);
        assert_eq!((world.read("f"), world.read("g")), ("mine\n".into(), "stage\n".into()));
        assert_eq!(world.read("f.jailgen-theirs"), "stage\n");
        assert_eq!(world.read("d/h"), "mine\n", "the jail that deleted it has never seen this");
    }
}

#[test]
fn without_a_record_nothing_is_overwritten() {
    for world in worlds() {
        world.write("f", "base\n");
        world.jail("echo stage >f; echo n >n");
        assert!(world.shown("summary").contains("is not recorded"), "{}", world.shown("summary"));
        world.apply("", &[]);
        assert_eq!(world.read("f"), "base\n");
        assert_eq!(world.read("f.jailgen-theirs"), "stage\n");
        assert_eq!(world.read("n"), "n\n");
    }
}

#[test]
fn what_host_programs_execute_is_applied_only_where_that_was_said() {
    for world in worlds() {
        world.write("run.sh", "base\n");
        symlink("/etc", world.project("etc")).unwrap();
        world.record();
        world.jail(
            "echo x >.envrc; echo y >plain; echo z >tool; chmod 755 tool; mkdir .vscode; echo t >.vscode/tasks.json; \
             ln -s /etc/passwd out; ln -s etc/passwd through; ln -s plain in; mkdir bare; touch bare/HEAD",
        );
        let said = world.apply("", &[]);
        let held = [".envrc", "tool", ".vscode/tasks.json", "out", "through", "bare/HEAD"];
        for name in held {
            assert!(fs::symlink_metadata(world.project(name)).is_err(), "{name}: {said}");
            assert!(said.contains(&format!("  {name}: ")), "{name}: {said}");
            assert!(fs::symlink_metadata(world.upper(name)).is_ok(), "{name}");
        }
        assert_eq!(world.read("plain"), "y\n");
        world.apply("+", &[]);
        for name in held {
            assert!(fs::symlink_metadata(world.project(name)).is_ok(), "{name}");
        }
        assert_eq!(world.listing("upper/p"), Vec::<String>::new());
    }
}

#[test]
fn nothing_is_applied_but_what_was_shown() {
    for world in worlds() {
        world.record();
        world.jail("echo one >f");
        let digest = world.json(&[])["digest"].as_str().unwrap().to_owned();
        world.jail("echo two >f");
        let said = world.refusal("apply", &digest, &[]);
        assert!(said.contains("no longer what was shown"), "{said}");
        assert_eq!(world.listing("project"), Vec::<String>::new());
        world.apply("", &[]);
        assert_eq!(world.read("f"), "two\n");
    }
}

#[test]
fn a_stage_is_applied_by_one_process_and_while_no_jail_runs_in_it() {
    for world in worlds() {
        world.record();
        world.jail("echo one >f");
        let upper = File::open(world.upper("")).unwrap();
        flock(&upper, FlockOperation::LockExclusive).unwrap();
        let digest = world.json(&[])["digest"].as_str().unwrap().to_owned();
        for mode in ["apply", "drop"] {
            let said = world.refusal(mode, &digest, &[]);
            assert!(said.contains("a jail runs in it"), "{said}");
        }
        for form in ["summary", "diff"] {
            assert!(world.shown(form).contains("A jail runs in this stage"), "{form}");
        }
        assert_eq!(world.json(&[])["running"], true);
        drop(upper);
        assert!(!world.shown("summary").contains("A jail runs in this stage"));
        assert_eq!(world.json(&[])["running"], false);
        world.apply("", &[]);
        assert_eq!(world.read("f"), "one\n");
    }
}

#[test]
fn paths_are_applied_and_dropped_alone() {
    for world in worlds() {
        world.write("src/a", "base\n");
        world.write("anew/old", "base\n");
        world.record();
        world.jail(
            "echo 1 >src/a; echo 2 >src/b; echo 3 >c; rm -r anew; mkdir anew; echo n >anew/new; echo o >anew/old; mkdir d; echo i >d/i; echo j >d/j",
        );
        world.apply("", &["src", "d/i", "anew/new"]);
        assert_eq!((world.read("src/a"), world.read("src/b")), ("1\n".into(), "2\n".into()));
        assert_eq!((world.read("d/i"), world.read("anew/new")), ("i\n".into(), "n\n".into()));
        assert_eq!(world.read("anew/old"), "base\n");
        assert!(!world.project("c").exists() && !world.project("d/j").exists());
        // In the stage it is all still there.
        world.jail("test $(cat d/i d/j c src/a anew/new anew/old | tr -d '\\n') = ij31no");
        let said = world.refusal("drop", "", &["anew/old"]);
        assert!(said.contains("drop it as a whole"), "{said}");
        let said = world.refusal("drop", "", &["nothing"]);
        assert!(said.contains("is not in the stage"), "{said}");
        assert!(world.helper("drop", "", &["anew", "c"]).status.success());
        world.jail("test $(cat anew/old) = base; test ! -e c; test -e d/j");
        assert!(world.helper("drop", "", &[]).status.success());
        assert_eq!(world.listing("upper/p"), Vec::<String>::new());
        assert_eq!(world.changes(), []);
    }
}

#[test]
fn git_is_left_in_the_stage() {
    for world in worlds() {
        world.write(".git/config", "base\n");
        world.write("sub/.git/config", "base\n");
        world.record();
        world.jail("echo '[core] fsmonitor = x' >.git/config; mkdir -p .git/hooks sub/.GIT; echo x >.git/hooks/pre-commit; echo y >sub/.GIT/config; rm -r sub/.git; echo f >f");
        assert!(world.shown("summary").contains("left in the stage"), "{}", world.shown("summary"));
        let said = world.apply("+", &[]);
        assert!(said.contains("left in the stage"), "{said}");
        assert_eq!(
            world.listing("project"),
            [
                ".git/",
                ".git/config 644 base\n",
                "f 644 f\n",
                "sub/",
                "sub/.git/",
                "sub/.git/config 644 base\n"
            ]
        );
    }
}

#[test]
fn a_byte_that_is_no_text_and_a_long_line_hide_nothing() {
    for world in worlds() {
        world.write("f", "base\n");
        world.record();
        world.jail(
            "{ printf 'caf\\351\\n'; head -c 5000 /dev/zero | tr '\\0' ' '; echo 'curl evil'; } >f",
        );
        let diff = world.shown("diff");
        assert!(diff.contains("+caf\u{fffd}"), "{diff}");
        assert!(diff.contains("curl evil"), "{diff}");
    }
}

#[test]
fn others_may_write_nothing_that_they_could_not_write_before() {
    for world in worlds() {
        for (name, mode) in [("shared", 0o666), ("own", 0o644)] {
            world.write(name, "base\n");
            fs::set_permissions(world.project(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        fs::create_dir(world.project("d")).unwrap();
        world.record();
        world.jail(
            "umask 0; echo s >shared; echo o >own; chmod 666 own; echo n >new; mkdir fresh; echo f >fresh/f; chmod 777 d",
        );
        let summary = world.shown("summary");
        assert_eq!(summary.matches("without further access for others").count(), 4, "{summary}");
        let said = world.apply("", &[]);
        assert!(said.contains("4 without access for the group or others"), "{said}");
        for (name, mode) in [
            ("shared", 0o666),
            ("own", 0o644),
            ("new", 0o644),
            ("fresh", 0o755),
            ("fresh/f", 0o644),
            ("d", 0o755),
        ] {
            let found = fs::metadata(world.project(name)).unwrap().permissions().mode() & 0o7777;
            assert_eq!(found, mode, "{name}");
        }
        assert_eq!(world.changes(), []);
    }
}

#[test]
fn files_of_several_names_are_applied_under_each_of_them() {
    for world in worlds() {
        world.write("one", "base\n");
        for name in ["two", "three", "four"] {
            fs::hard_link(world.project("one"), world.project(name)).unwrap();
        }
        world.record();
        world.jail("for f in one two three; do echo $f >$f; done; rm four");
        let said = world.apply("", &[]);
        for name in ["one", "two", "three"] {
            assert_eq!(world.read(name), format!("{name}\n"), "{said}");
        }
        assert!(!world.project("four").exists(), "{said}");
        assert_eq!(world.listing("upper/p"), Vec::<String>::new(), "{said}");
    }
}

#[test]
fn others_may_read_nothing_that_they_could_not_read_before() {
    for world in worlds() {
        world.write("own", "base\n");
        fs::set_permissions(world.project("own"), fs::Permissions::from_mode(0o600)).unwrap();
        world.record();
        world.jail("chmod 644 own; echo x >>own; echo n >new; chmod 644 new");
        let digest = world.json(&[])["digest"].as_str().unwrap().to_owned();
        let apply = world.command("apply", &digest, &[]);
        let mut closed = std::process::Command::new("sh");
        closed.args(["-c", "umask 027 && exec \"$@\"", "sh"]).arg(apply.get_program());
        assert!(closed.args(apply.get_args()).status().unwrap().success());
        for (name, mode) in [("own", 0o600), ("new", 0o640)] {
            let found = fs::metadata(world.project(name)).unwrap().permissions().mode() & 0o7777;
            assert_eq!(found, mode, "{name}");
        }
    }
}

#[test]
fn an_application_holds_few_files_open() {
    for world in worlds().take(1) {
        world.record();
        world.jail("mkdir d; for i in $(seq 300); do echo x >d/f$i; done");
        let digest = world.json(&[])["digest"].as_str().unwrap().to_owned();
        let apply = world.command("apply", &digest, &[]);
        let mut limited = std::process::Command::new("sh");
        limited.args(["-c", "ulimit -n 100 && exec \"$@\"", "sh"]).arg(apply.get_program());
        let output = limited.args(apply.get_args()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(world.read("d/f300"), "x\n");
    }
}
