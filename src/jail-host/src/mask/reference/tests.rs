use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;

use super::*;

fn sh(folder: &Path, script: &str) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut command = Command::new("sh");
    command.current_dir(folder).env_clear().env("PATH", path).env("HOME", folder);
    for name in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{name}_NAME"), "a b").env(format!("GIT_{name}_EMAIL"), "e@x");
    }
    assert!(command.args(["-ec", script]).status().expect("sh").success(), "{script}");
}

/// Whether a path is a reference or a log of git after this.
fn check(script: &str, path: &str, expected: bool) {
    let folder = tempfile::tempdir().expect("a folder");
    sh(folder.path(), script);
    let opened = fs::File::open(folder.path()).expect("it is there");
    let place = Place::new(opened.into(), folder.path().as_os_str().as_bytes().to_vec());
    assert_eq!(is_reference(&place, path.as_bytes()), expected, "{path} after {script}");
}

#[test]
fn what_names_an_object_of_its_repository_is_one() {
    for format in ["sha1", "sha256"] {
        let made = format!(
            "git init -q --object-format={format} -b x.key; git commit -qm one --allow-empty; git commit -qm 'a: b' --allow-empty"
        );
        // Its objects are files of their own, or in a pack.
        for more in
            ["true", "git gc -q; git commit -qm three --allow-empty", "git gc -q; git branch y.key"]
        {
            let script = format!("{made}; {more}");
            check(&script, ".git/logs/refs/heads/x.key", true);
        }
        let script = format!("{made}; git gc -q; git branch y.key");
        check(&script, ".git/refs/heads/y.key", true);
        check(&made, ".git/refs/heads/x.key", true);
        let bare = format!("{made}; git clone -q --bare . b; git -C b branch z.key");
        check(&bare, "b/refs/heads/z.key", true);
    }
}

#[test]
fn what_only_looks_like_one_is_none() {
    const SECRET: &str =
        "s=$(printf %064d 7); git init -q -b x.key; git commit -qm one --allow-empty";
    for place in ["refs/heads", "logs/refs/heads", ".git/refs/heads", ".git/logs/refs/heads"] {
        for content in ["$s", "$s $s", "$s $s x", "$s $s n <e@x> 1 +0000"] {
            let script = format!("{SECRET}; mkdir -p {place}; echo \"{content}\" >{place}/y.key");
            check(&script, &format!("{place}/y.key"), false);
        }
    }
    // The repository is another one, and the object there is not the last one.
    let moved = "mkdir -p logs/refs; cp .git/refs/heads/x.key logs/refs";
    check(&format!("{SECRET}; {moved}"), "logs/refs/x.key", false);
    let more = "h=$(git rev-parse HEAD); echo $h $s 'n <e@x> 1 +0000' >>.git/logs/refs/heads/x.key";
    check(&format!("{SECRET}; {more}"), ".git/logs/refs/heads/x.key", false);
    let more = "echo password >>.git/logs/refs/heads/x.key";
    check(&format!("{SECRET}; {more}"), ".git/logs/refs/heads/x.key", false);
}
