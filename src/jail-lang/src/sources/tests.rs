use std::fs;
use std::os::unix::fs::symlink;

use super::{EntryKind, FILE_BYTES_MAX, FileSources, SourceError, Sources, SpecPath};
use crate::{Limits, evaluate};

/// A folder with a spec's folder in it.
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
    assert!(outside(sources.read(&path(&sources, "link"))));
    assert!(outside(sources.read(&path(&sources, "up/secret"))));
    assert!(matches!(sources.list(&path(&sources, "up")), Err(SourceError::Outside(_))));
    assert!(matches!(sources.kind(&path(&sources, "up/secret")), Err(SourceError::Outside(_))));

    // A link that stays inside is followed.
    symlink("sub/b.nix", outer.path().join("spec/inside")).unwrap();
    assert!(sources.read(&path(&sources, "inside")).is_ok());
}

#[test]
fn a_spec_cannot_import_through_a_link() {
    let (outer, sources) = folder();
    symlink(outer.path().join("secret"), outer.path().join("spec/link.nix")).unwrap();
    fs::write(outer.path().join("spec/x.jail"), "jail (import ./link.nix) pkgs.hello [ ]").unwrap();
    let outcome = evaluate(&sources, "x.jail", Limits::SPEC);
    let messages: Vec<_> = outcome.diagnostics.iter().map(|fault| fault.message.as_str()).collect();
    assert_eq!(messages, ["`link.nix` is outside the spec's folder"]);
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
