//! Where the kit is looked for, and what is said when it is not there. That Nix accepts one is in `tests/it`.

use std::fs;

use super::*;

/// A folder that looks like a kit.
fn kit_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("flake.nix"), "{ }").unwrap();
    fs::create_dir_all(folder.path().join("nixlib")).unwrap();
    fs::write(folder.path().join("nixlib/default.nix"), "{ }").unwrap();
    fs::create_dir(folder.path().join("tools")).unwrap();
    folder
}

/// A program with this record beside it.
fn program(record: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(RECORD), record).unwrap();
    let program = folder.path().join("jailgen");
    (folder, program)
}

#[test]
fn a_kit_that_is_named_is_hashed() {
    let folder = kit_folder();
    let reference = format!("path:{}", folder.path().display());
    let kit = find(Some(&reference), Path::new("/nonexistent/jailgen")).unwrap();
    assert_eq!(kit.url, reference);
    assert_eq!(kit.locked["narHash"], nar::hash(folder.path()).unwrap());
    let same = find(Some(folder.path().to_str().unwrap()), Path::new("/nonexistent")).unwrap();
    assert_eq!(kit, same);
}

#[test]
fn a_folder_that_is_no_kit_is_an_error_that_says_what_it_lacks() {
    let folder = kit_folder();
    fs::remove_file(folder.path().join("nixlib/default.nix")).unwrap();
    let error = Kit::in_folder(folder.path()).unwrap_err();
    assert!(error.to_string().ends_with("is no kit: it has no `nixlib/default.nix`"), "{error}");
    let error = find(Some("github:jailgen/jailgen"), Path::new("/x")).unwrap_err();
    assert_eq!(error.to_string(), "the kit `github:jailgen/jailgen` is no folder");
}

#[test]
fn the_record_beside_the_program_is_found_through_a_link() {
    let folder = kit_folder();
    let kit = Kit::in_folder(folder.path()).unwrap();
    let (_beside, program) = program(&serde_json::to_string(&kit).unwrap());
    fs::write(&program, "").unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("jailgen");
    std::os::unix::fs::symlink(&program, &link).unwrap();
    assert_eq!(find(None, &link).unwrap(), kit);
}

#[test]
fn without_a_kit_the_error_says_how_to_make_one() {
    let error = find(None, Path::new("/nonexistent/jailgen")).unwrap_err();
    assert!(error.to_string().contains("`/nonexistent/jailgen-kit.json` is missing"), "{error}");
    assert!(error.help().unwrap().contains("make kit"));
}

#[test]
fn a_record_that_no_longer_holds_is_said_to_be_so() {
    let mut kit = Kit::in_folder(kit_folder().path()).unwrap();
    let (_beside, gone) = program(&serde_json::to_string(&kit).unwrap());
    let error = find(None, &gone).unwrap_err();
    assert!(error.to_string().ends_with("is no longer there"), "{error}");

    kit.version = "0.0.1".into();
    let (_beside, other) = program(&serde_json::to_string(&kit).unwrap());
    let error = find(None, &other).unwrap_err();
    assert!(error.to_string().contains("records is of jailgen 0.0.1, and this is"), "{error}");

    let (_beside, broken) = program("{");
    let error = find(None, &broken).unwrap_err();
    assert!(error.to_string().contains("cannot be read"), "{error}");
    assert!(error.help().unwrap().contains("make kit"));
}
