//! The programs under test, where every user can execute them, and those that stand in for others.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::jail::shared_folder;

/// The programs under test, copied to where every user can execute them:
/// once for each build of them.
fn programs() -> &'static Path {
    static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let stub = std::env::var_os("JAIL_STUB");
        let stub = PathBuf::from(stub.unwrap_or_else(|| env!("CARGO_BIN_EXE_jail-stub").into()));
        let test = std::env::current_exe().expect("the test");
        let built = test.ancestors().nth(2).expect("target/debug");
        let [probe, broker] = ["probe", "broker"].map(|name| built.join("examples").join(name));
        let host = built.join("jail-host");
        build(&probe, &["jail-stub", "--example", "probe"]);
        build(&broker, &["jail-stub", "--example", "broker"]);
        build(&host, &["jail-host", "--bin", "jail-host"]);
        let build = [&stub, &probe, &broker, &host].map(|path| {
            let meta = std::fs::metadata(path)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            format!("{}-{}", meta.ino(), meta.mtime_nsec())
        });
        let uid = rustix::process::geteuid().as_raw();
        // Each build folder has its own, so that checkouts next to each other do
        // not remove each other's.
        let target =
            test.parent().and_then(|folder| folder.metadata().ok()).expect("a folder").ino();
        let prefix = format!("jail-stub-tests-{uid}-{target}-");
        let folder = PathBuf::from(format!("/tmp/{prefix}{}", build.join("-")));
        if !folder.exists() {
            remove_older(&prefix);
            let new = shared_folder();
            std::fs::copy(&stub, new.path().join("jail-stub")).expect("a copy");
            std::fs::copy(&probe, new.path().join("probe")).expect("a copy");
            std::fs::copy(&broker, new.path().join("broker")).expect("a copy");
            std::fs::copy(&host, new.path().join("jail-host")).expect("a copy");
            // Another test may be first; that makes no difference.
            let _ = std::fs::rename(new.keep(), &folder);
        }
        folder
    })
}

/// Cargo builds a package's examples for all of its tests, but not for one that is named
/// (`--test stub`), and not the programs of other packages.
fn build(program: &Path, words: &[&str]) {
    if program.exists() {
        return;
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = test_target();
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--offline", "-p"]).args(words);
    command.arg("--target-dir").arg(target).current_dir(env!("CARGO_MANIFEST_DIR"));
    let built = command.status().is_ok_and(|status| status.success()) && program.exists();
    assert!(built, "{} is missing: cargo build -p {}", program.display(), words.join(" "));
}

/// The target folder.
fn test_target() -> PathBuf {
    let test = std::env::current_exe().expect("the test");
    test.ancestors().nth(3).expect("the target folder").to_path_buf()
}

/// Removes copies of older builds.
pub(crate) fn remove_older(prefix: &str) {
    for entry in std::fs::read_dir("/tmp").expect("/tmp").filter_map(Result::ok) {
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

pub(crate) fn stub() -> PathBuf {
    programs().join("jail-stub")
}

/// The helper.
pub(crate) fn host() -> PathBuf {
    programs().join("jail-host")
}

pub(crate) fn probe() -> PathBuf {
    programs().join("probe")
}

/// What stands in for the broker.
pub(crate) fn broker() -> PathBuf {
    programs().join("broker")
}
