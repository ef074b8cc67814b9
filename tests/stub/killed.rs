//! A launch that is killed before its payload runs: what it leaves on the host is a part of what
//! every launch leaves, and the next one goes on from there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use jail_plan::{Access, HostOp, InsideOp, Missing, SharedFile, StateDirectory, StateFile, Step};

use crate::jail::{Caller, Jail, bind, bind_to, by, callers, expand, literal};

/// When it is killed: at once, and when each of these is there.
const POINTS: [&str; 7] =
    [".", "home/a", "home/a/b/c", "home/a/d/e/file", "state/jailgen/trust", "home/m", "home/m/n/o"];

/// How often at each of them: it comes a little further each time, or less far.
const TIMES: usize = 5;

/// A jail whose launch makes folders and files of state, with their parents, and mount points
/// in a folder of the host.
fn jail(caller: Caller) -> Jail {
    let jail = Jail::new(caller).change(|plan| {
        plan.before.push(Step::new(
            by(),
            HostOp::StateDirectory(StateDirectory { path: expand("~/a/b/c/folder") }),
        ));
        plan.before
            .push(Step::new(by(), HostOp::StateFile(StateFile { path: expand("~/a/d/e/file") })));
        // Where it is bound it is made: the root itself is read-only in the end.
        let (from, to) = (expand("~/a/d/e/file"), literal("/etc/file"));
        plan.inside.push(Step::new(by(), InsideOp::SharedFile(SharedFile { from, to })));
    });
    jail.file("shown", "");
    let (home, shown) = (jail.home(), jail.folder.path().join("shown"));
    let point = home.join("m/n/o").display().to_string();
    jail.op(bind(&home, Access::ReadWrite)).op(bind_to(
        shown,
        &point,
        Access::ReadOnly,
        Missing::Fail,
    ))
}

/// Everything below a folder by its name; in the record, where names are those of one folder
/// only, by the kind of key.
fn names(folder: &Path, of: &Path, all: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let path = entry.path();
        let name = path.strip_prefix(of).expect("below").display().to_string();
        let is_record = name.contains("/trust/trees/");
        all.insert(if is_record { name[..name.len() - 32].to_owned() } else { name });
        if entry.file_type().expect("a kind").is_dir() {
            names(&path, of, all);
        }
    }
}

fn left(jail: &Jail) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    names(jail.folder.path(), jail.folder.path(), &mut all);
    all
}

#[test]
fn what_it_leaves_is_what_every_launch_leaves_and_the_next_one_works() {
    for caller in callers() {
        let whole = jail(caller);
        let before = left(&whole);
        whole.sh("echo ran").prints("ran");
        let whole = left(&whole);
        for made in ["home/a/b/c/folder", "home/a/d/e/file", "home/m/n/o"] {
            assert!(whole.contains(made) && !before.contains(made), "{made}");
        }
        for point in [POINTS; TIMES].concat() {
            let jail = jail(caller);
            let mut launch = jail.command(jail.wrapper());
            let mut launch = launch.args(["-c", "sleep 60"]).spawn().expect("it starts");
            while !jail.folder.path().join(point).exists() {
                assert!(launch.try_wait().expect("a child").is_none(), "it ended before {point}");
            }
            launch.kill().expect("SIGKILL");
            launch.wait().expect("its end");
            let more: Vec<_> = left(&jail).difference(&whole).cloned().collect();
            assert!(more.is_empty(), "killed at {point}: {more:?}");
            jail.sh("echo ran").prints("ran");
            assert_eq!(left(&jail), whole, "killed at {point}");
        }
    }
}
