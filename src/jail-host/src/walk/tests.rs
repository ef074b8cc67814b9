use std::fs::{self, File};
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;

fn place(folder: &Path) -> Place {
    let opened = File::open(folder).expect("it is there");
    Place::new(opened.into(), folder.as_os_str().as_bytes().to_vec())
}

fn files(folder: &Path, paths: &[&str]) {
    for path in paths {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, "x").expect("a file");
    }
}

fn most(matches: usize) -> Limits {
    Limits { matches, until: Instant::now() + Duration::from_secs(600) }
}

fn walked(folder: &Path, list: &[&str]) -> Walked {
    walk(&place(folder), &Globs::parse(list).expect("globs"), most(1000))
}

/// What matches, and how.
fn matches(folder: &Path, list: &[&str]) -> Vec<(String, Way)> {
    let walked = walked(folder, list);
    assert_eq!(walked.unseen, []);
    let text = |path: Vec<u8>| String::from_utf8_lossy(&path).into_owned();
    walked.matches.into_iter().map(|(path, found)| (text(path), found.way)).collect()
}

fn temporary() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn owned(expected: &[(&str, Way)]) -> Vec<(String, Way)> {
    expected.iter().map(|(path, way)| ((*path).into(), *way)).collect()
}

#[test]
fn all_of_a_project_is_looked_through() {
    let folder = temporary();
    files(folder.path(), &[".env", "a/b/.env", "a/b/f", "secrets/x/y", ".git/HEAD", "sub/.git/x"]);
    let expected = [
        (".env", Way::Itself),
        ("a/b/.env", Way::Itself),
        ("secrets", Way::Itself),
        ("secrets/x", Way::Folder),
        ("secrets/x/y", Way::Folder),
    ];
    assert_eq!(matches(folder.path(), &[".env", "secrets/"]), owned(&expected));
    let walked = walked(folder.path(), &[".env"]);
    let repositories: Vec<&[u8]> = walked.repositories.iter().map(Vec::as_slice).collect();
    assert_eq!(repositories, [&b""[..], b"sub"]);
}

#[test]
fn many_folders_are_shared_by_threads_and_none_is_lost() {
    let folder = temporary();
    for number in 0..2000 {
        files(folder.path(), &[&format!("d{}/e{number}/.env", number % 40)]);
    }
    let found = walk(&place(folder.path()), &Globs::parse([".env"]).expect("globs"), most(5000));
    assert_eq!((found.matches.len(), found.unseen), (2000, vec![]));
}

#[test]
fn a_link_that_matches_leads_to_more_in_the_project_and_nowhere_else() {
    let (folder, outside) = (temporary(), temporary());
    files(folder.path(), &["real/prod", "deep/in/x", "f"]);
    files(outside.path(), &["secret"]);
    let at = folder.path();
    symlink("real/prod", at.join(".env")).expect("a link");
    symlink(at.join("f"), at.join(".env.absolute")).expect("a link");
    symlink("../deep", at.join("real/.env.folder")).expect("a link");
    symlink(outside.path().join("secret"), at.join(".env.out")).expect("a link");
    symlink(".env.circle", at.join(".env.circle")).expect("a link");
    symlink("..", at.join("deep/.env.up")).expect("a link");
    // An absolute link in a link's way, and one that leaves the project and comes back.
    files(at, &["chain/prod", "back/prod"]);
    symlink("chain/next", at.join(".env.chain")).expect("a link");
    symlink(at.join("chain/prod"), at.join("chain/next")).expect("a link");
    let name = at.file_name().expect("a name");
    symlink(Path::new("..").join(name).join("back/prod"), at.join(".env.back")).expect("a link");
    let found = matches(at, &[".env", ".env.*"]);
    for (path, way) in [
        ("real/prod", Way::Link),
        ("f", Way::Link),
        ("deep", Way::Link),
        ("deep/in/x", Way::Folder),
        ("chain/prod", Way::Link),
        ("back/prod", Way::Link),
    ] {
        assert!(found.contains(&(path.into(), way)), "{path}: {found:?}");
    }
    assert!(!found.iter().any(|(path, _)| path.contains("secret")), "{found:?}");
}

#[test]
fn a_file_matches_by_all_its_names() {
    let (folder, outside) = (temporary(), temporary());
    files(folder.path(), &["a/.env", "b/f"]);
    let at = folder.path();
    fs::hard_link(at.join("a/.env"), at.join("b/other")).expect("a link");
    let expected = [("a/.env", Way::Itself), ("b/other", Way::Name)];
    assert_eq!(matches(at, &[".env"]), owned(&expected));
    assert_eq!(walked(at, &[".env"]).named_elsewhere().count(), 0);
    fs::hard_link(at.join("a/.env"), outside.path().join("third")).expect("a link");
    assert_eq!(walked(at, &[".env"]).named_elsewhere().count(), 2);
}

#[test]
fn what_cannot_be_looked_at_is_said() {
    let folder = temporary();
    files(folder.path(), &["a/.env", "b/.env", "c/.env"]);
    let found = walk(&place(folder.path()), &Globs::parse([".env"]).expect("globs"), most(2));
    assert!(found.unseen.iter().any(|it| it.why == Why::TooManyMatches), "{:?}", found.unseen);
    let late = Limits { matches: 10, until: Instant::now() };
    let found = walk(&place(folder.path()), &Globs::parse([".env"]).expect("globs"), late);
    assert!(found.unseen.iter().any(|it| it.why == Why::TooLong), "{:?}", found.unseen);
    // A path that is longer than the kernel accepts.
    let mut deep = File::open(folder.path()).map(OwnedFd::from).expect("it is there");
    let name = "d".repeat(250);
    for _ in 0..20 {
        rustix::fs::mkdirat(&deep, &name, rustix::fs::Mode::RWXU).expect("a folder");
        let flags = rustix::fs::OFlags::DIRECTORY;
        deep = rustix::fs::openat(&deep, &name, flags, rustix::fs::Mode::empty()).expect("it");
    }
    let found = walked(folder.path(), &[".env"]);
    assert!(found.unseen.iter().any(|it| it.why == Why::TooDeep), "{:?}", found.unseen);
}

/// Names that a project may have.
const NAMES: &[&[u8]] = &[
    b"a",
    b"b",
    b"ab",
    b"a.b",
    b".env",
    b"foo",
    b"[a]",
    b"a b",
    b"\xc3\xa9",
    b"\xff",
    b"*x",
    b"!a",
    b"#b",
    b"a\\",
    b"{a,b}",
    b"a ",
];

/// Parts of globs.
const PARTS: &[&str] = &[
    "a",
    "b",
    "c",
    "d",
    "e",
    "bar",
    "*",
    "**",
    "?",
    "/",
    "/**/",
    "[ab]",
    "[!a]",
    "[^b]",
    "[a-c]",
    "[[:alpha:]]",
    "[]a]",
    "\\a",
    "\\*",
    "\\ ",
    "!",
    "#",
    "foo",
    ".env",
    ".",
    " ",
    "{a,b}",
    "\u{e9}",
    "[\\]a]",
    "[a",
    "\\",
];

/// Git is the judge of what a list of globs matches.
#[test]
fn globs_mean_what_they_mean_to_git() {
    let folder = temporary();
    let paths = tree(folder.path());
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(folder.path()).args(arguments).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    };
    assert!(git(&["init", "-q"]).status().expect("git").success());
    let glob = prop::collection::vec(prop::sample::select(PARTS), 1..6).prop_map(|it| it.concat());
    let lists = prop::collection::vec(glob, 1..4);
    let mut runner =
        TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
    let judge = |list: Vec<String>| {
        fs::write(folder.path().join(".git/info/exclude"), list.join("\n") + "\n").expect("a file");
        let mut ran = git(&[
            "-c",
            "core.excludesFile=/dev/null",
            "check-ignore",
            "--no-index",
            "-z",
            "--stdin",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("git");
        let mut input = ran.stdin.take().expect("a pipe");
        input.write_all(&[paths.join(&0), vec![0]].concat()).expect("git reads");
        drop(input);
        let said = ran.wait_with_output().expect("git ends").stdout;
        let git: BTreeSet<Vec<u8>> = said.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
        // A line that is not a glob is one that git ignores, too.
        let list: Vec<_> = list.iter().filter(|glob| Globs::parse([glob]).is_ok()).collect();
        let ours = walk(&place(folder.path()), &Globs::parse(&list).expect("globs"), most(10_000));
        for path in &paths {
            let is_ours = ours.matches.contains_key(path);
            let shown = String::from_utf8_lossy(path);
            prop_assert_eq!(is_ours, git.contains(path), "{} in {:?}", shown, list);
        }
        Ok(())
    };
    runner.run(&lists, judge).expect("git agrees");
}

/// A tree with files of all of the names, in folders of some of them.
fn tree(folder: &Path) -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    let folders: [&[u8]; 6] = [b"", b"d", b"d/c", b"d/c/x", b"e", b"e/bar"];
    for around in folders {
        for name in NAMES {
            let path =
                if around.is_empty() { name.to_vec() } else { [around, b"/", name].concat() };
            let full = folder.join(std::ffi::OsString::from_vec(path.clone()));
            fs::create_dir_all(full.parent().expect("a parent")).expect("a folder");
            fs::write(full, "x").expect("a file");
            paths.push(path);
        }
    }
    paths.extend(folders.into_iter().filter(|folder| !folder.is_empty()).map(<[u8]>::to_vec));
    paths
}
