use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::*;
use crate::walk::globs::Globs;
use crate::walk::{Limits, walk};

fn sh(folder: &Path, script: &str) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut command = Command::new("sh");
    command.current_dir(folder).env_clear().env("PATH", path).env("HOME", folder);
    for name in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{name}_NAME"), "n").env(format!("GIT_{name}_EMAIL"), "e@x");
    }
    assert!(command.args(["-ec", script]).status().expect("sh").success(), "{script}");
}

fn place(folder: &Path) -> Place {
    let opened = fs::File::open(folder).expect("it is there");
    Place::new(opened.into(), folder.as_os_str().as_bytes().to_vec())
}

fn limits() -> Limits {
    Limits { matches: 100, until: Instant::now() + Duration::from_secs(600) }
}

/// What git has of every `.env`.
fn found(project: &Path, common: Option<&Path>) -> Vec<(String, Standing)> {
    let project = place(project);
    let walked = walk(&project, &Globs::parse([".env"]).expect("globs"), limits());
    let common = common.map(place);
    let standings = standings(&project, common.as_ref(), &walked, limits().until);
    standings
        .into_iter()
        .map(|(path, standing)| (String::from_utf8_lossy(&path).into_owned(), standing))
        .collect()
}

fn check(script: &str, expected: &[(&str, Standing)]) {
    let folder = tempfile::tempdir().expect("a folder");
    sh(folder.path(), script);
    let expected: Vec<_> = expected.iter().map(|(path, it)| ((*path).to_owned(), *it)).collect();
    assert_eq!(found(folder.path(), None), expected, "{script}");
}

const REPOSITORY: &str = "git init -q -b main; mkdir -p a b; echo 1 >a/.env; echo 2 >b/.env; git add a; git commit -qm one\n";

#[test]
fn a_file_is_tracked_where_the_index_has_its_content() {
    use Standing::{Differs, Tracked, Unreadable, Untracked};
    let with = |script: &str| format!("{REPOSITORY}{script}");
    check("echo 1 >.env", &[(".env", Untracked)]);
    check("git init -q; echo 1 >.env", &[(".env", Untracked)]);
    check(REPOSITORY, &[("a/.env", Tracked), ("b/.env", Untracked)]);
    check(&with("git add b"), &[("a/.env", Tracked), ("b/.env", Tracked)]);
    check(&with("echo new >a/.env"), &[("a/.env", Differs), ("b/.env", Untracked)]);
    // What a jail can write: an index that names the file, with what the jail knows of it.
    let forged = "git update-index --add --cacheinfo 100644,$(git rev-parse :a/.env),b/.env";
    check(&with(forged), &[("a/.env", Tracked), ("b/.env", Differs)]);
    let known = "h=$(git hash-object b/.env); git update-index --add --cacheinfo 100644,$h,b/.env";
    check(&with(known), &[("a/.env", Tracked), ("b/.env", Tracked)]);
    // Nor does a list of all possible contents help.
    let several = "h=$(git hash-object b/.env); { for n in 1 2; do printf '100644 %040d %d\tb/.env\n' $n $n; done
        printf \"100644 $h 3\tb/.env\n\"; } | git update-index --index-info";
    check(&with(several), &[("a/.env", Tracked), ("b/.env", Differs)]);
    check(&with("git add -N b/.env"), &[("a/.env", Tracked), ("b/.env", Differs)]);
    for broken in [
        "echo x >.git/index",
        "rm .git/index; mkfifo .git/index",
        "truncate -s 100 .git/index",
        "mv .git d; echo 'gitdir: /nowhere' >.git",
        "mv .git d; echo 'gitdir: ../elsewhere' >.git",
        "mv .git d; echo nothing >.git",
    ] {
        check(&with(broken), &[("a/.env", Unreadable), ("b/.env", Unreadable)]);
    }
    // A link stays in the project.
    check(&with("mv .git d; ln -s d .git"), &[("a/.env", Tracked), ("b/.env", Untracked)]);
}

#[test]
fn the_repository_of_a_file_is_the_nearest_one() {
    use Standing::{Differs, Tracked, Unreadable, Untracked};
    let nested =
        format!("{REPOSITORY}mkdir n; cd n; git init -q; echo 3 >.env; git add .env; cd ..");
    check(&nested, &[("a/.env", Tracked), ("b/.env", Untracked), ("n/.env", Tracked)]);
    let submodule = format!(
        "{REPOSITORY}git init -q -b main ../m; (cd ../m; echo 4 >.env; git add .env; git commit -qm m)
        git -c protocol.file.allow=always submodule --quiet add \"$PWD/../m\" s"
    );
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("p")).expect("a folder");
    let project = folder.path().join("p");
    sh(&project, &submodule);
    let of = |list: &[(&str, Standing)]| -> Vec<(String, Standing)> {
        list.iter().map(|(path, it)| ((*path).to_owned(), *it)).collect()
    };
    let expected = of(&[("a/.env", Tracked), ("b/.env", Untracked), ("s/.env", Tracked)]);
    assert_eq!(found(&project, None), expected);
    // A linked worktree, whose repository is elsewhere: it is read if the launch grants it.
    sh(&project, "git worktree add -q ../w; echo 5 >../w/b.env; echo 9 >../w/.env");
    let worktree = folder.path().join("w");
    let expected = of(&[(".env", Unreadable), ("a/.env", Unreadable)]);
    assert_eq!(found(&worktree, None), expected);
    let expected = of(&[(".env", Untracked), ("a/.env", Tracked)]);
    assert_eq!(found(&worktree, Some(&project.join(".git"))), expected);
    sh(&worktree, "echo 8 >a/.env");
    let expected = of(&[(".env", Untracked), ("a/.env", Differs)]);
    assert_eq!(found(&worktree, Some(&project.join(".git"))), expected);
}
