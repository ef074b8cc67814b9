//! Files that are masked: the jail sees an empty one, and the host's is as it was.

mod escapes;
mod tracked;

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use jail_plan::{Access, Folder, InsideOp, Mask, Missing};
use rustix::fs::{Mode, OFlags, mkdirat, openat};

use crate::jail::{Caller, Jail, bind_to, callers, literal, read_only_folder};

fn mask(globs: &[&str]) -> InsideOp {
    InsideOp::Mask(Mask { globs: globs.iter().map(|glob| (*glob).into()).collect() })
}

/// A jail that masks what these match.
fn masking(caller: Caller, globs: &[&str]) -> Jail {
    Jail::new(caller).op(mask(globs)).op(InsideOp::RemountReadOnly(literal("/")))
}

/// Outside, as the caller; it must go well.
#[track_caller]
fn prepare(jail: &Jail, script: &str) {
    let made = jail.outside_sh(&format!("set -e\n{script}"));
    assert_eq!(made.code, Some(0), "{script}: {}", made.stderr);
}

const SECRETS: &str =
    "mkdir -p a/b; for f in .env a/.env a/b/x.key a/b/plain; do echo s3cret >$f; done";

#[test]
fn what_matches_is_empty_and_readable_and_the_rest_is_as_it_is() {
    for caller in callers() {
        let look = "cat .env a/.env a/b/x.key; cat a/b/plain; stat -c %a .env; echo new >a/new";
        let jail = masking(caller, &[".env", "*.key"]);
        prepare(&jail, SECRETS);
        let ran = jail.sh(look);
        ran.prints("s3cret\n444");
        assert_eq!(ran.stderr, "");
        jail.outside_sh("cat .env a/new").prints("s3cret\nnew");
        // The control.
        let jail = Jail::new(caller);
        prepare(&jail, SECRETS);
        jail.sh(look).prints("s3cret\ns3cret\ns3cret\ns3cret\n644");
    }
}

/// Threads share so many folders, and the process that looks through them is confined before it
/// starts one.
#[test]
fn a_project_of_many_folders_is_looked_through_by_threads() {
    for caller in callers() {
        let jail = masking(caller, &[".env"]);
        let many = "for i in $(seq 300); do mkdir -p d$((i % 7))/e$i; echo s3cret >d$((i % 7))/e$i/.env; done";
        prepare(&jail, many);
        jail.sh("cat */*/.env; ls -d */*/.env | wc -l").prints("300");
        jail.outside_sh("cat */*/.env | wc -l").prints("300");
    }
}

#[test]
fn a_glob_that_matches_nothing_is_printed_with_the_line_of_the_spec() {
    for caller in callers() {
        let jail = masking(caller, &["@credentials", "conf/*.key", "!x"]);
        prepare(&jail, SECRETS);
        let ran = jail.sh("cat .env a/b/x.key");
        ran.prints("");
        let line =
            "jail-stub: nothing in the project matches `conf/*.key` (`test` at demo.jail:4:3)\n";
        assert_eq!(ran.stderr, line);
        // What a table has need not be there.
        let jail = masking(caller, &["@credentials"]);
        let ran = jail.sh("true");
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    }
}

#[test]
fn nothing_is_pinned_but_the_folders_that_a_glob_names() {
    for caller in callers() {
        let jail = masking(caller, &[".env", "conf/*.key"]);
        prepare(&jail, "mkdir -p a/b conf; echo s3cret >a/b/.env; echo s3cret >conf/x.key");
        jail.sh("mv a c && cat c/b/.env && mv c/b c/d && cat c/d/.env && ls c").prints("d");
        // At the next launch it matches where it is.
        jail.sh("cat c/d/.env && echo ran").prints("ran");
        jail.sh("mv conf other 2>&1 || cat conf/x.key; ls")
            .prints("mv: cannot move 'conf' to 'other': Device or resource busy\nc\nconf");
        jail.outside_sh("cat c/d/.env conf/x.key").prints("s3cret\ns3cret");
    }
}

#[test]
fn it_is_masked_wherever_the_jail_has_the_project() {
    for caller in callers() {
        for access in [Access::ReadOnly, Access::ReadWrite] {
            let jail = masking(caller, &[".env"]);
            prepare(&jail, SECRETS);
            let (project, above) = (jail.project(), jail.folder.path().to_path_buf());
            let jail = jail
                .op(bind_to(&project, "/again", access, Missing::Fail))
                .op(bind_to(project.join("a"), "/part", access, Missing::Fail))
                .op(bind_to(&above, "/above", access, Missing::Fail));
            jail.sh("cat .env /again/.env /again/a/.env /part/.env /above/project/.env; cat /again/a/b/plain")
                .prints("s3cret");
        }
        // At another place, and where nothing can be written.
        let jail = Jail::new(caller).change(|plan| {
            for step in &mut plan.inside {
                if let InsideOp::Folder(folder) = &mut step.op {
                    *folder = Folder { to: Some(literal("/workspace")), ..folder.clone() };
                }
            }
        });
        prepare(&jail, SECRETS);
        let jail = jail.op(mask(&[".env"]));
        jail.sh("pwd; cat .env a/.env a/b/plain").prints("/workspace\ns3cret");
        jail.change(read_only_folder).sh("cat .env a/.env a/b/plain").prints("s3cret");
    }
}

#[test]
fn a_file_that_the_spec_grants_by_itself_is_there() {
    for caller in callers() {
        let jail = masking(caller, &[".env"]);
        prepare(&jail, SECRETS);
        let file = jail.project().join(".env");
        let jail = jail.op(bind_to(&file, &file, Access::ReadOnly, Missing::Fail));
        jail.sh("cat .env; cat a/.env").prints("s3cret");
    }
}

#[test]
fn names_links_and_things_of_all_kinds_are_masked() {
    for caller in callers() {
        let jail = masking(caller, &[".env", ".env.*", "secrets/"]);
        prepare(
            &jail,
            "mkdir -p secrets/deep real; echo s3cret >secrets/deep/x; echo s3cret >real/prod
            echo s3cret >one; ln one .env.name; mkfifo .env.pipe",
        );
        let project = jail.project();
        let name = std::ffi::OsStr::from_bytes(b".env.\xff\x1b[2J");
        std::fs::write(project.join(name), "s3cret").expect("a file");
        symlink("real/prod", project.join(".env")).expect("a link");
        let ran = jail.sh("cat secrets/deep/x .env real/prod one .env.*; echo done");
        ran.prints("done");
        assert_eq!(ran.stderr, "");
    }
}

#[test]
fn a_file_with_a_name_elsewhere_is_said_to_have_one() {
    for caller in callers() {
        let jail = masking(caller, &[".env"]);
        prepare(&jail, "echo s3cret >.env; ln .env ~/other");
        let ran = jail.sh("cat .env; echo ran");
        ran.prints("ran");
        assert!(ran.stderr.contains("another name outside of the project"), "{ran:?}");
    }
}

#[test]
fn what_cannot_be_looked_at_stops_the_launch() {
    for caller in callers() {
        let jail = masking(caller, &["*.key"]);
        deep(&jail);
        let words = ["(mask)", "it is nested too deeply to be read", "demo.jail:4:3"];
        jail.sh("echo ran").stopped(&words);
        let jail = masking(caller, &["*.key"]);
        prepare(&jail, "for n in $(seq 4100); do echo >$n.key; done");
        jail.sh("echo ran").stopped(&["(mask)", "more than 4096 files are to be masked"]);
        // A payload can close what is its own, and open it again.
        let jail = masking(caller, &[".env"]);
        prepare(&jail, SECRETS);
        jail.sh("chmod 0 a && echo closed").prints("closed");
        if caller.is_root() {
            jail.sh("chmod 755 a; cat a/.env; echo ran").prints("ran");
        } else {
            jail.sh("chmod 755 a; cat a/.env").stopped(&["cannot be listed", "chmod u+rx"]);
        }
        prepare(&jail, "chmod 755 a");
    }
}

#[test]
fn without_a_working_folder_nothing_is_looked_for() {
    for caller in callers() {
        let jail = masking(caller, &["*"]).change(|plan| {
            plan.inside.retain(|step| !matches!(step.op, InsideOp::Folder(_)));
            plan.start = jail_plan::StartIn::Path(literal("/tmp"));
        });
        jail.sh("echo ran").prints("ran");
    }
}

/// Folders in each other whose path is longer than the kernel takes.
fn deep(jail: &Jail) {
    let name = "d".repeat(250);
    let mut folder = std::fs::File::open(jail.project()).expect("it is there").into();
    for _ in 0..20 {
        mkdirat(&folder, &name, Mode::from_raw_mode(0o755)).expect("a folder");
        folder = openat(&folder, &name, OFlags::DIRECTORY, Mode::empty()).expect("it");
    }
}
