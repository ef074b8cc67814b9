#![expect(clippy::disallowed_methods, reason = "the tests start git")]

use std::fs;

use super::*;

/// A repository with a spec that imports another file, committed twice, and a configuration that
/// would run something.
fn repository() -> Option<(tempfile::TempDir, PathBuf)> {
    let git = PathBuf::from("/usr/bin/git");
    if !git.exists() {
        println!("skipped: there is no git");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let run = |words: &[&str]| {
        let mut command = std::process::Command::new(&git);
        command.current_dir(at).env("HOME", at).args(["-c", "user.name=a", "-c", "user.email=a@b"]);
        assert!(command.args(words).output().unwrap().status.success(), "{words:?}");
    };
    run(&["init", "-q", "."]);
    fs::create_dir(at.join("sub")).unwrap();
    fs::write(at.join("sub/x.jail"), "jail \"x\" pkgs.hello (import ./more.nix)\n").unwrap();
    fs::write(at.join("sub/more.nix"), "[ (readonly \"/a\") ]\n").unwrap();
    std::os::unix::fs::symlink("x.jail", at.join("sub/link.jail")).unwrap();
    run(&["add", "-A"]);
    run(&["commit", "-qm", "one"]);
    fs::write(at.join("sub/more.nix"), "[ (readonly \"/b\") ]\n").unwrap();
    run(&["commit", "-qam", "two"]);
    let ran = at.join("ran").display().to_string();
    for key in
        ["core.fsmonitor", "core.pager", "core.sshCommand", "remote.origin.vcs", "alias.cat-file"]
    {
        run(&["config", key, &format!("!touch {ran}")]);
    }
    run(&["config", "remote.origin.promisor", "true"]);
    run(&["config", "extensions.partialClone", "origin"]);
    run(&["config", "remote.origin.url", &format!("ext::touch {ran}")]);
    Some((folder, git))
}

fn granted(compiled: &Compiled) -> String {
    let policies = compiled.policies.iter().flat_map(|policy| &policy.grants);
    policies.map(|entry| format!("{:?}\n", entry.grant)).collect()
}

#[test]
fn a_spec_is_compiled_as_it_was_in_a_revision() {
    let Some((folder, git)) = repository() else { return };
    let at = folder.path().canonicalize().unwrap();
    let of = |folder: &Path, revision: &str, path: &str| compile(&git, folder, revision, path);
    let now = granted(&of(&at, "HEAD", "sub/x.jail").unwrap());
    assert!(now.contains("\"/b\"") && !now.contains("\"/a\""), "{now}");
    let before = of(&at.join("sub"), "HEAD~1", "./x.jail").unwrap();
    assert!(granted(&before).contains("\"/a\""));
    assert_eq!(before.path, Path::new("HEAD~1:./sub/x.jail"));
    // What is not there, and what is a link, are faults of the spec.
    for path in ["sub/y.jail", "sub/link.jail", "sub"] {
        let compiled = of(&at, "HEAD", path).unwrap();
        assert!(compiled.policies.is_empty() && !compiled.diagnostics.is_empty(), "{path}");
    }
    for (revision, path) in
        [("nothing", "sub/x.jail"), ("--help", "x"), ("HEAD\nHEAD", "x"), ("HEAD", "../../x")]
    {
        assert!(of(&at, revision, path).is_err(), "{revision} {path}");
    }
    // What is missing is fetched from nowhere.
    assert!(of(&at, "0123456789012345678901234567890123456789", "x").is_err());
    assert!(!at.join("ran").exists());
    assert!(matches!(of(Path::new("/"), "HEAD", "x"), Err(RevisionError::NoRepository(_))));
}

#[test]
fn a_pipe_in_the_place_of_a_reference_ends_in_an_error() {
    let Some((folder, git)) = repository() else { return };
    let at = folder.path().canonicalize().unwrap();
    let pipe = at.join(".git/refs/heads/pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let (mut git, _) = Git::borrow(&git, &at).unwrap();
    git.patience = std::time::Duration::from_millis(300);
    assert!(git.tree("pipe").is_err());
    // The control: with an answer it is no error.
    git.patience = std::time::Duration::from_secs(20);
    assert!(git.tree("HEAD").unwrap().is_some());
}
