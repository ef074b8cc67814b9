//! What the tests of the command line share: a folder of their own, the command,
//! and tables of bad input.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use tempfile::TempDir;

/// The project's folder.
pub(crate) fn project() -> &'static Path {
    static PROJECT: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    PROJECT.get_or_init(|| {
        let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        crate_folder.ancestors().nth(2).unwrap().to_path_buf()
    })
}

/// A folder of a test's own, which is also its home folder.
pub(crate) struct Scratch {
    folder: TempDir,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// A folder that is not in /tmp, which jails have one of their own of.
    pub(crate) fn outside_of_tmp() -> Self {
        Self { folder: TempDir::new_in("/var/tmp").unwrap() }
    }

    /// A folder with these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let scratch = Self::new();
        for (path, text) in files {
            scratch.write(path, text.as_bytes());
        }
        scratch
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    pub(crate) fn write(&self, relative: &str, bytes: &[u8]) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn read(&self, relative: &str) -> String {
        fs::read_to_string(self.path(relative)).unwrap()
    }

    /// The command, in this folder, with nothing of the caller's environment but
    /// PATH and what Nix needs.
    pub(crate) fn jailgen(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("jailgen"));
        command.env_clear().current_dir(self.folder.path()).args(arguments);
        command.env("HOME", self.folder.path()).timeout(std::time::Duration::from_secs(600));
        for name in ["PATH", "NIX_CONFIG", "NIX_DAEMON_SOCKET_PATH"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(&self.jailgen(arguments).assert())
    }
}

/// What a command did.
pub(crate) struct Outcome {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    pub(crate) fn of(assert: &Assert) -> Self {
        let output = assert.get_output();
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    /// Both streams, for snapshots and failures.
    pub(crate) fn all(&self) -> String {
        format!("status {}\n{}{}", self.status, self.stdout, self.stderr)
    }

    pub(crate) fn assert_status(&self, status: i32) -> &Self {
        assert_eq!(self.status, status, "{}", self.all());
        self
    }
}

/// One row of a table of bad input.
pub(crate) struct BadInput {
    /// What is bad, as a sentence.
    pub(crate) what: &'static str,
    /// The file `bad.jail`.
    pub(crate) spec: Vec<u8>,
    /// What the message must contain, all of it.
    pub(crate) says: &'static [&'static str],
}

/// Runs `jailgen check bad.jail` for each row: status 1, the message, and a place in the spec
/// unless the row says otherwise. All rows are tried before the test fails.
pub(crate) fn check_bad_input(rows: &[BadInput]) {
    let mut failures = String::new();
    for BadInput { what, spec, says } in rows {
        let scratch = Scratch::new();
        scratch.write("bad.jail", spec);
        let begin = std::time::Instant::now();
        let outcome = scratch.run(&["check", "bad.jail"]);
        let took = begin.elapsed();
        let missing: Vec<_> = says.iter().filter(|part| !outcome.stderr.contains(**part)).collect();
        if outcome.status != 1 || !missing.is_empty() || took.as_secs() >= 10 {
            let shown: String = outcome.all().chars().take(2000).collect();
            failures.push_str(&format!("{what} ({took:?}): missing {missing:?} in\n{shown}\n\n"));
        }
    }
    assert!(failures.is_empty(), "{failures}");
}
