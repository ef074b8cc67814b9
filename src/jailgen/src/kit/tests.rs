//! The places in which the kit is searched, and the messages if it is missing. That Nix
//! accepts one is in `tests/it`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

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

/// A program with this record next to it.
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
    assert!(error.to_string().ends_with("is not a kit: it has no `nixlib/default.nix`"), "{error}");
    let error = find(Some("github:jailgen/jailgen"), Path::new("/x")).unwrap_err();
    assert_eq!(error.to_string(), "the kit `github:jailgen/jailgen` is not a folder");
}

#[test]
fn a_kit_in_a_place_that_no_flake_can_name_is_an_error() {
    let folder = kit_folder();
    let odd = folder.path().join("with space");
    fs::create_dir(&odd).unwrap();
    let error = Kit::in_folder(&odd).unwrap_err();
    assert!(error.to_string().contains("no flake can name the kit in"), "{error}");
    assert!(error.help().unwrap().contains("move it to a path"));
}

/// An installed tree with this manifest.
fn installed(manifest: &str) -> (tempfile::TempDir, PathBuf) {
    let prefix = tempfile::tempdir().unwrap();
    fs::create_dir_all(prefix.path().join("lib/jailgen/kit")).unwrap();
    fs::create_dir(prefix.path().join("bin")).unwrap();
    fs::write(prefix.path().join("lib/jailgen/kit/flake.nix"), "{ }").unwrap();
    fs::write(prefix.path().join("lib/jailgen/kit.json"), manifest).unwrap();
    let program = prefix.path().join("bin/jailgen");
    fs::write(&program, "").unwrap();
    (prefix, program)
}

#[test]
fn an_installed_kit_is_named_by_its_place_and_the_hash_that_was_written_down() {
    let manifest =
        Manifest { nar_hash: "sha256-x".into(), version: env!("CARGO_PKG_VERSION").into() };
    let (prefix, program) = installed(&serde_json::to_string(&manifest).unwrap());
    let place = prefix.path().canonicalize().unwrap().join("lib/jailgen/kit");
    let kit = find(None, &program).unwrap();
    assert_eq!(kit.url, format!("path:{}", place.display()));
    assert_eq!(kit.locked, json!({ "type": "path", "path": place, "narHash": "sha256-x" }));
    // What `make kit` has recorded next to the program takes precedence: it is of this checkout.
    let folder = kit_folder();
    let record = serde_json::to_string(&Kit::in_folder(folder.path()).unwrap()).unwrap();
    fs::write(program.with_file_name(RECORD), record).unwrap();
    assert!(find(None, &program).unwrap().url.ends_with(folder.path().to_str().unwrap()));

    let (_prefix, program) = installed("{");
    assert!(find(None, &program).unwrap_err().to_string().contains("cannot be read"));
    let other = serde_json::to_string(&Manifest { version: "0.0.1".into(), ..manifest }).unwrap();
    let (prefix, program) = installed(&other);
    assert!(find(None, &program).unwrap_err().to_string().contains("of jailgen 0.0.1"));
    fs::remove_dir_all(prefix.path().join("lib/jailgen/kit")).unwrap();
    assert!(find(None, &program).is_err());
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

/// The program may lie in a folder in which every user makes names.
#[test]
fn what_somebody_else_could_have_written_is_no_kit() {
    let manifest =
        Manifest { nar_hash: "sha256-x".into(), version: env!("CARGO_PKG_VERSION").into() };
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    let (prefix, program) = installed(&serde_json::to_string(&manifest).unwrap());
    find(None, &program).unwrap();
    for part in ["lib/jailgen", "lib/jailgen/kit", "lib/jailgen/kit.json"] {
        let part = prefix.path().join(part);
        let before = fs::metadata(&part).unwrap().permissions();
        mode(&part, 0o777).unwrap();
        let error = find(None, &program).unwrap_err();
        assert!(error.to_string().contains("every user may write it"), "{part:?}: {error}");
        fs::set_permissions(&part, before).unwrap();
        find(None, &program).unwrap();
        // Only root gives files away.
        if std::os::unix::fs::chown(&part, Some(54321), None).is_ok() {
            let error = find(None, &program).unwrap_err();
            assert!(error.to_string().contains("another user"), "{part:?}: {error}");
            std::os::unix::fs::chown(&part, Some(0), None).unwrap();
        }
    }
    let folder = kit_folder();
    let record = serde_json::to_string(&Kit::in_folder(folder.path()).unwrap()).unwrap();
    let (_beside, program) = self::program(&record);
    find(None, &program).unwrap();
    mode(&program.with_file_name(RECORD), 0o666).unwrap();
    assert!(find(None, &program).unwrap_err().to_string().contains("every user may write it"));
}
