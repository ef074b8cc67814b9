//! The store: hashes, closures, and Nix in all the states that it can be found in.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use jailgen::closure::{self, Closure, ClosureError};
use jailgen::nix::{Nix, NixError, nar};
use jailgen::state::trust::Trees;
use jailgen::surroundings::Surroundings;

use crate::harness::Scratch;
use crate::real_nix::{searching, setup, skip};

fn found(program: &Path) -> Nix {
    Nix::find(searching(program.parent().unwrap())).unwrap()
}

#[test]
fn our_hash_of_a_tree_is_that_of_nix() {
    let Some(setup) = setup() else { return };
    let scratch = Scratch::with(&[
        ("tree/empty", ""),
        ("tree/eight", "12345678"),
        ("tree/nine", "123456789"),
        ("tree/sub/é.txt", "non-ASCII name"),
        ("tree/Z", "sorted by bytes"),
        ("tree/run", "#!/bin/sh\n"),
        ("file", "alone"),
    ]);
    fs::set_permissions(scratch.path("tree/run"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::create_dir(scratch.path("tree/nothing")).unwrap();
    symlink("nowhere/at all", scratch.path("tree/link")).unwrap();
    for name in ["tree", "file", "tree/link"] {
        let hash = setup.nix_ok(&setup.programs[0], &scratch.path("."), &["hash", "path", name]);
        assert_eq!(nar::hash(&scratch.path(name)).unwrap(), hash.trim(), "{name}");
    }
}

/// A store path with references, from the stand-in.
fn some_path(setup: &crate::real_nix::Setup) -> String {
    let reference = format!("{}#git", setup.nixpkgs);
    let scratch = Scratch::new();
    let nix = &setup.programs[0];
    let built =
        setup.nix_ok(nix, &scratch.path("."), &["build", "--json", "--no-link", &reference]);
    let built: serde_json::Value = serde_json::from_str(&built).unwrap();
    built[0]["outputs"]["out"].as_str().unwrap().to_owned()
}

fn from_nix(root: &str, nix: &Path) -> Result<Closure, ClosureError> {
    closure::closure(&[root.to_owned()], Path::new("/nonexistent/db.sqlite"), || Ok(found(nix)))
}

#[test]
fn the_database_and_every_nix_tell_the_same_closure() {
    let Some(setup) = setup() else { return };
    let root = some_path(&setup);
    // A wrapper is asked for by all its paths at once; that must not be slower,
    // nor tell anything twice.
    let all: Vec<String> = from_nix(&root, &setup.programs[0]).unwrap().into_keys().collect();
    let database = Path::new(closure::DATABASE);
    if let Ok(read) = closure::closure(&all, database, || Err(NixError::Missing)) {
        assert_eq!(read, from_nix(&root, &setup.programs[0]).unwrap());
    }
    let told: Vec<Closure> =
        setup.programs.iter().map(|nix| from_nix(&root, nix).unwrap()).collect();
    assert!(told[0].len() > 10 && closure::total(&told[0]) > 1_000_000, "{told:?}");
    assert!(told.iter().all(|closure| *closure == told[0]));
    let database = Path::new(closure::DATABASE);
    let read = closure::closure(std::slice::from_ref(&root), database, || Err(NixError::Missing));
    match read {
        Ok(read) => assert_eq!(read, told[0]),
        // An ordinary user cannot read it unless another process holds it open.
        Err(ClosureError::Nix(NixError::Missing)) if fs::metadata("/root/.").is_ok() => {
            panic!("root can read the database");
        }
        Err(error) => println!("{error}"),
    }
}

#[test]
fn a_path_that_is_not_in_the_store_is_said_to_be_so() {
    let Some(setup) = setup() else { return };
    let missing = "/nix/store/00000000000000000000000000000000-missing";
    for nix in &setup.programs {
        let error = from_nix(missing, nix).unwrap_err().to_string();
        assert!(error.contains(missing) && error.contains("valid"), "{}: {error}", nix.display());
    }
    let read = closure::closure(&[missing.to_owned()], Path::new(closure::DATABASE), || {
        Err(NixError::Missing)
    });
    assert!(read.unwrap_err().to_string().len() > 10);
}

/// A database in WAL mode whose -shm is neither there nor may be made: what an ordinary user meets.
#[test]
fn a_database_without_its_shared_memory_file_leads_to_nix() {
    let Some(setup) = setup() else { return };
    if fs::metadata("/proc/self").is_ok_and(|data| std::os::unix::fs::MetadataExt::uid(&data) == 0)
    {
        skip("ordinary-user", "root may write everywhere");
        return;
    }
    let root = some_path(&setup);
    let scratch = Scratch::new();
    let database = scratch.path("db/db.sqlite");
    fs::create_dir(scratch.path("db")).unwrap();
    make_database(&database);
    assert!(!scratch.path("db/db.sqlite-shm").exists(), "SQLite removes it at the end");
    fs::set_permissions(scratch.path("db"), fs::Permissions::from_mode(0o555)).unwrap();
    let read =
        closure::closure(std::slice::from_ref(&root), &database, || Ok(found(&setup.programs[0])));
    fs::set_permissions(scratch.path("db"), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(read.unwrap().contains_key(&root));
}

/// A store's database as Nix makes it, with nothing in it.
fn make_database(at: &Path) {
    let database = rusqlite::Connection::open(at).unwrap();
    database.pragma_update(None, "journal_mode", "wal").unwrap();
    let tables = "create table ValidPaths (id integer primary key, path text, narSize integer);
                  create table Refs (referrer integer, reference integer);";
    database.execute_batch(tables).unwrap();
}

/// A folder with a program `nix` that says this, in place of a Nix that this machine
/// cannot have next to its own.
fn saying(scratch: &Scratch, version: &str) -> PathBuf {
    scratch.write("bin/nix", format!("#!/bin/sh\necho '{version}'\n").as_bytes());
    fs::set_permissions(scratch.path("bin/nix"), fs::Permissions::from_mode(0o755)).unwrap();
    scratch.path("bin")
}

#[test]
fn a_nix_that_is_missing_or_too_old_is_an_error_that_says_what_to_do() {
    let scratch = Scratch::new();
    let missing = Nix::find(searching(&scratch.path("nothing"))).unwrap_err();
    assert_eq!(missing.to_string(), "Nix is not installed: there is no `nix` in PATH");
    assert!(missing.help().unwrap().contains("apt-get install nix-bin"), "{missing:?}");
    let nowhere = Surroundings::new([], None, Trees::default());
    assert!(matches!(Nix::find(nowhere), Err(NixError::Missing)));

    let old = Nix::find(searching(&saying(&scratch, "nix (Nix) 2.3.16"))).unwrap_err();
    assert!(old.to_string().ends_with("is Nix 2.3, which is too old"), "{old}");
    assert_eq!(old.help().unwrap(), "jailgen works with Nix 2.8 and newer");

    let strange = Nix::find(searching(&saying(&scratch, "something else"))).unwrap_err();
    assert!(strange.to_string().contains("says `something else`"), "{strange}");
}

#[test]
fn a_nix_where_a_jail_could_write_is_not_run() {
    let scratch = Scratch::with(&[
        ("elsewhere/hello.jail", "jail \"jailed-hello\" pkgs.hello [ ]"),
        ("home/keep", ""),
        ("record", "tree 1\njailed-other\n"),
    ]);
    let said = |record: Option<&Path>, path: &str| {
        let trees = scratch.path("home/.local/state/jailgen/trust/trees");
        let _ = fs::remove_dir_all(scratch.path("home/.local"));
        if let Some(tree) = record {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&trees).unwrap();
            let text = format!("{}{}", scratch.read("record"), tree.display());
            fs::write(trees.join("p-0123456789abcdef0123456789abcdef"), text).unwrap();
        }
        let mut command = scratch.jailgen(&["build", "hello.jail"]);
        command.current_dir(scratch.path("elsewhere")).env("HOME", scratch.path("home"));
        let output = command.env("PATH", path).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let bin = saying(&scratch, "nix of an agent");
    let (path, tree) = (bin.display().to_string(), scratch.path("").canonicalize().unwrap());
    let is_run = |said: &str| said.contains("nix of an agent");
    assert!(is_run(&said(None, &path)), "control");
    let told = said(Some(&tree), &path);
    assert!(
        told.contains(&format!("`{path}/nix` is not run, because a jail could write it")),
        "{told}"
    );
    assert!(told.contains(&format!("`jailgen trust forget {}` allows", tree.display())), "{told}");
    fs::rename(bin, scratch.path("elsewhere/bin")).unwrap();
    let inside = scratch.path("elsewhere/bin").display().to_string();
    for path in [inside.as_str(), "bin", "./bin"] {
        let told = said(None, path);
        assert!(!is_run(&told), "in the project, as `{path}`: {told}");
        assert!(!told.contains("trust forget"), "{told}");
    }
}

#[test]
fn nix_reads_no_settings_where_a_jail_could_write() {
    let Some(setup) = setup() else { return };
    let spec = "jail \"jailed-bash\" pkgs.bashInteractive [ ]";
    let scratch = Scratch::with(&[("project/bash.jail", spec), ("home/keep", "")]);
    // A Nix that reads this loads a program of the jail's; here it only fails.
    let settings = "plugin-files = /nonexistent/planted.so\n";
    for place in ["conf/nix.conf", "conf/nix/nix.conf"] {
        scratch.write(&format!("project/{place}"), settings.as_bytes());
        scratch.write(&format!("elsewhere/{place}"), settings.as_bytes());
    }
    let said = |variable: &str, value: &str| {
        let arguments = [&["build", "bash.jail"][..], &setup.overrides()].concat();
        let mut command = scratch.jailgen(&arguments);
        command.current_dir(scratch.path("project")).env("HOME", scratch.path("home"));
        let output = command.env(variable, scratch.path(value)).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    for (variable, place) in [
        ("NIX_USER_CONF_FILES", "conf/nix.conf"),
        ("NIX_CONF_DIR", "conf"),
        ("XDG_CONFIG_HOME", "conf"),
    ] {
        let own = said(variable, &format!("elsewhere/{place}"));
        assert!(!own.contains("command "), "control: {variable}: {own}");
        let planted = said(variable, &format!("project/{place}"));
        assert!(planted.contains("command "), "{variable}: {planted}");
    }
}
