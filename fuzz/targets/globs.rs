//! Globs mean what they mean to git: `git check-ignore` is the judge. And an index that a jail
//! wrote is read without a fault.
#![no_main]

#[allow(dead_code)]
#[path = "../../src/jail-host/src/walk/globs/mod.rs"]
mod globs;
#[path = "../../src/jail-host/src/walk/index/mod.rs"]
mod index;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use globs::Globs;
use rustix::fs::FileType;

/// A repository of this process's.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("jailgen-fuzz-globs-{}", std::process::id()));
    let made = Command::new("git").args(["init", "-q"]).arg(&folder).status();
    assert!(made.expect("git").success());
    folder
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let wanted = BTreeSet::from([&b"a"[..], b"b/c"]);
    let _ = index::look_up(bytes, &wanted, |_| Some(bytes.to_vec()));
    // The first line is a path, the others are globs.
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let path = lines.next().unwrap_or_default();
    let names: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    let is_name = |name: &&[u8]| {
        !name.is_empty() && !matches!(*name, b"." | b"..") && !name.eq_ignore_ascii_case(b".git")
    };
    if !names.iter().all(is_name) || path.contains(&0) || path.len() > 200 || path.starts_with(b":") {
        return;
    }
    // A byte order mark is passed over at the beginning of a file, and a carriage return
    // before the end of a line.
    let list: Vec<&[u8]> = lines.filter(|line| Globs::parse([line]).is_ok()).collect();
    if list.is_empty() || list.concat().iter().any(|byte| matches!(byte, 0 | b'\r' | 0xef)) {
        return;
    }
    let globs = Globs::parse(&list).expect("globs");
    let exclude = FOLDER.join(".git/info/exclude");
    fs::create_dir_all(FOLDER.join(".git/info")).expect("a folder");
    fs::write(exclude, [list.join(&b'\n'), vec![b'\n']].concat()).expect("a file");
    let mut git = Command::new("git");
    git.arg("-C").arg(&*FOLDER).args(["-c", "core.excludesFile=/dev/null"]);
    git.args(["check-ignore", "--no-index", "-z", "--stdin"]).stdin(Stdio::piped());
    let mut git = git.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("git");
    let mut input = git.stdin.take().expect("a pipe");
    let _ = input.write_all(&[path, b"\0"].concat());
    drop(input);
    let said = git.wait_with_output().expect("git").stdout;
    assert_eq!(is_ours(&globs, &names), !said.is_empty(), "{path:?} {list:?}");
});

/// As the walk goes: what lies in a folder that matches, matches.
fn is_ours(globs: &Globs, names: &[&[u8]]) -> bool {
    (1..=names.len()).any(|end| {
        let path = names[..end].join(&b'/');
        let name = names[end - 1];
        let kind = if end == names.len() { FileType::RegularFile } else { FileType::Directory };
        globs.may_match(name) && globs.find(&path, path.len() - name.len(), kind).is_some()
    })
}
