use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, Mode, mkfifoat};

use super::{
    Bounds, EntryKind, FILE_BYTES_MAX, FileSources, Query, SourceError, Sources, SpecPath, Tree,
};
use crate::{Limits, evaluate};

/// A folder that contains a spec's folder.
fn folder() -> (tempfile::TempDir, FileSources) {
    let outer = tempfile::tempdir().unwrap();
    let inner = outer.path().join("spec");
    fs::create_dir_all(inner.join("sub")).unwrap();
    fs::write(outer.path().join("secret"), "secret").unwrap();
    fs::write(inner.join("a.nix"), "1").unwrap();
    fs::write(inner.join("sub/b.nix"), "import ../a.nix").unwrap();
    let sources = FileSources::new(&inner).unwrap();
    (outer, sources)
}

fn path(sources: &FileSources, below: &str) -> String {
    SpecPath::new(sources.root(), below).0.into()
}

#[test]
fn files_of_the_folder_are_read() {
    let (_outer, sources) = folder();
    assert_eq!(sources.read(&path(&sources, "sub/b.nix")).unwrap(), b"import ../a.nix");
    assert_eq!(sources.kind(&path(&sources, "sub")), Ok(Some(EntryKind::Directory)));
    assert_eq!(sources.kind(&path(&sources, "nothing/at/all")), Ok(None));
    let listed = sources.list(sources.root()).unwrap();
    assert_eq!(
        listed,
        [("a.nix".into(), EntryKind::Regular), ("sub".into(), EntryKind::Directory)]
    );
}

#[test]
fn nothing_outside_the_folder_is_read() {
    let (outer, sources) = folder();
    let secret = outer.path().join("secret");
    let outside =
        |result: Result<Vec<u8>, SourceError>| matches!(result, Err(SourceError::Outside(_)));
    assert!(outside(sources.read(secret.to_str().unwrap())));
    assert!(outside(sources.read(&path(&sources, "../secret"))));

    symlink(&secret, outer.path().join("spec/link")).unwrap();
    symlink(outer.path(), outer.path().join("spec/up")).unwrap();
    let is_link = |error: SourceError| matches!(error, SourceError::Link(_));
    assert!(is_link(sources.read(&path(&sources, "link")).unwrap_err()));
    assert!(is_link(sources.read(&path(&sources, "up/secret")).unwrap_err()));
    assert!(is_link(sources.list(&path(&sources, "up")).unwrap_err()));
    assert!(is_link(sources.kind(&path(&sources, "up/secret")).unwrap_err()));
    // A link that stays inside is not followed either: it could be another one by
    // the time that it is used.
    symlink("sub/b.nix", outer.path().join("spec/inside")).unwrap();
    assert!(is_link(sources.read(&path(&sources, "inside")).unwrap_err()));
    assert_eq!(sources.kind(&path(&sources, "inside")), Ok(Some(EntryKind::Symlink)));
}

#[test]
fn the_folder_is_the_one_that_was_opened_whatever_stands_in_its_place_later() {
    let (outer, sources) = folder();
    fs::rename(outer.path().join("spec"), outer.path().join("moved")).unwrap();
    fs::create_dir(outer.path().join("spec")).unwrap();
    fs::write(outer.path().join("spec/a.nix"), "2").unwrap();
    assert_eq!(sources.read(&path(&sources, "a.nix")).unwrap(), b"1");
}

#[test]
fn each_question_is_asked_of_the_disk_once() {
    let (outer, sources) = folder();
    let at = |below: &str| path(&sources, below);
    let ask = || {
        let read = sources.read(&at("a.nix")).unwrap();
        (read, sources.kind(&at("new")).unwrap(), sources.list(sources.root()).unwrap())
    };
    let first = ask();
    fs::write(outer.path().join("spec/a.nix"), "2").unwrap();
    fs::write(outer.path().join("spec/new"), "").unwrap();
    assert_eq!(ask(), first);
    let asked: Vec<Query> = sources.answered().into_iter().map(|(query, ..)| query).collect();
    assert_eq!(asked, [Query::Read, Query::Kind, Query::List]);
    // A new reader sees what has changed.
    let anew = FileSources::new(&outer.path().join("spec")).unwrap();
    let changed = |(query, path, before): &(Query, String, Vec<u8>)| {
        anew.ask(*query, path).unwrap() != *before
    };
    assert!(sources.answered().iter().all(changed));
}

#[test]
fn pipes_and_folders_are_no_files_and_nothing_waits_for_them() {
    let (outer, sources) = folder();
    for name in ["spec/pipe", "spec/sub/pipe"] {
        mkfifoat(CWD, outer.path().join(name), Mode::RWXU).unwrap();
    }
    let begin = Instant::now();
    for below in ["pipe", "sub"] {
        let error = sources.read(&path(&sources, below)).unwrap_err();
        assert!(matches!(error, SourceError::NotRegular(_)), "{error}");
    }
    let error = sources.tree(&path(&sources, "sub"), &mut Bounds::of_a_spec()).unwrap_err();
    assert_eq!(error, SourceError::NotRegular(path(&sources, "sub/pipe")));
    for spec in [
        "jail \"x\" pkgs.hello (import ./pipe)",
        "jail (builtins.readFile ./pipe) pkgs.hello [ ]",
        "jail (builtins.hashFile \"sha256\" ./pipe) pkgs.hello [ ]",
        "jail \"x\" pkgs.hello [ (set-env \"A\" \"${./pipe}\") ]",
    ] {
        fs::write(outer.path().join("spec/x.jail"), spec).unwrap();
        let sources = FileSources::new(&outer.path().join("spec")).unwrap();
        let outcome = evaluate(&sources, "x.jail", Limits::SPEC);
        let messages: Vec<_> = outcome.diagnostics.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(messages, ["`pipe` is not a regular file"], "{spec}");
    }
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
}

#[test]
fn a_tree_is_read_whole() {
    let (outer, sources) = folder();
    let sub = outer.path().join("spec/sub");
    fs::set_permissions(sub.join("b.nix"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("b.nix", sub.join("link")).unwrap();
    let tree = sources.tree(&path(&sources, "sub"), &mut Bounds::of_a_spec()).unwrap();
    let file = Tree::File { bytes: b"import ../a.nix".to_vec(), executable: true };
    let entries = [("b.nix", file.clone()), ("link", Tree::Link("b.nix".into()))];
    let entries = entries.map(|(name, tree)| (OsString::from(name), tree));
    assert_eq!(tree, Tree::Folder(entries.into()));
    assert_eq!(sources.tree(&path(&sources, "sub/b.nix"), &mut Bounds::of_a_spec()), Ok(file));
    let missing = sources.tree(&path(&sources, "none"), &mut Bounds::of_a_spec());
    assert!(matches!(missing, Err(SourceError::Missing(_))));
}

#[test]
fn a_link_that_leads_out_of_what_is_copied_is_refused() {
    let (outer, sources) = folder();
    let sub = outer.path().join("spec/sub");
    fs::create_dir_all(sub.join("deep/er")).unwrap();
    let copied = || sources.tree(&path(&sources, "sub"), &mut Bounds::of_a_spec());
    let place = |link: &str, target: &str| {
        let link = sub.join(link);
        let _ = fs::remove_file(&link);
        symlink(target, link).unwrap();
    };
    for target in ["../b.nix", "er", "er/../..", "../nothing", ".", "link"] {
        place("deep/link", target);
        let stays = target != "link";
        assert_eq!(copied().is_ok(), stays, "{target}: {:?}", copied());
    }
    for target in ["/etc/passwd", "../..", "../../a.nix", "er/../../..", "/nix/store/x"] {
        place("deep/link", target);
        let error = copied().unwrap_err();
        assert!(matches!(error, SourceError::LeadsOut { .. }), "{target}: {error}");
    }
    // As text, the second stays inside, yet it leads out through the first.
    place("deep/er/top", "../..");
    place("deep/link", "er/top/../x");
    assert!(matches!(copied().unwrap_err(), SourceError::LeadsOut { .. }));
    // A link itself, and a path through a link.
    place("deep/link", "er");
    for below in ["sub/deep/link", "sub/deep/er/top/b.nix"] {
        assert!(sources.tree(&path(&sources, below), &mut Bounds::of_a_spec()).is_err(), "{below}");
    }
    assert!(copied().is_ok());
}

#[test]
fn a_tree_is_bounded() {
    let (outer, sources) = folder();
    let sub = outer.path().join("spec/sub");
    fs::File::create(sub.join("large")).unwrap().set_len(33 << 20).unwrap();
    let copied = || sources.tree(&path(&sources, "sub"), &mut Bounds::of_a_spec()).unwrap_err();
    assert!(copied().to_string().ends_with("contains more than 32 MiB"), "{}", copied());
    fs::remove_file(sub.join("large")).unwrap();
    let deep: String = (0..200).map(|_| "d/").collect();
    fs::create_dir_all(sub.join(Path::new(&deep))).unwrap();
    assert!(copied().to_string().ends_with("128 nested folders"), "{}", copied());
    // What a spec copies under several paths is counted together.
    let mut bounds = Bounds::of_a_spec();
    fs::File::create(outer.path().join("spec/half")).unwrap().set_len(20 << 20).unwrap();
    assert!(sources.tree(&path(&sources, "half"), &mut bounds).is_ok());
    assert!(sources.tree(&path(&sources, "half"), &mut bounds).is_err());
}

#[test]
fn a_spec_cannot_import_through_a_link() {
    let (outer, sources) = folder();
    symlink(outer.path().join("secret"), outer.path().join("spec/link.nix")).unwrap();
    fs::write(outer.path().join("spec/x.jail"), "jail (import ./link.nix) pkgs.hello [ ]").unwrap();
    let outcome = evaluate(&sources, "x.jail", Limits::SPEC);
    let messages: Vec<_> = outcome.diagnostics.iter().map(|fault| fault.message.as_str()).collect();
    assert_eq!(messages, ["`link.nix` is a symbolic link, or is behind one"]);
}

#[test]
fn a_large_file_is_refused() {
    let (outer, sources) = folder();
    let bytes = vec![b' '; usize::try_from(FILE_BYTES_MAX).unwrap() + 1];
    fs::write(outer.path().join("spec/large.jail"), bytes).unwrap();
    let outcome = evaluate(&sources, "large.jail", Limits::SPEC);
    let messages: Vec<_> = outcome.diagnostics.iter().map(|fault| fault.message.as_str()).collect();
    assert_eq!(messages, ["`large.jail` is larger than 4 MB"]);
}

#[test]
fn paths_are_normalised_as_text() {
    let shown = |base, path| SpecPath::new(base, path).0.to_string();
    assert_eq!(shown("/a/b", "./c/../d"), "/a/b/d");
    assert_eq!(shown("/a", "../../.."), "/");
    assert_eq!(shown("/a", "/x//y/."), "/x/y");
    assert_eq!(SpecPath("/spec/x".into()).below("/spec"), Some("x"));
    assert_eq!(SpecPath("/specific".into()).below("/spec"), None);
}
