//! git, as it is run about worktrees: with the user's settings, and with none of the programs that
//! a repository names. A jail can have written a repository's configuration (`allow-git-config`, or
//! a repository in a folder of the project), and always its objects, references and index.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::apart::Apart;
use super::{Made, WorktreeError};
use crate::surroundings::Surroundings;

/// What is set for every call. Hooks and the monitor of files are off already
/// ([`Surroundings::command`]); a folder that looks like a bare repository is none; and submodules,
/// whose configuration a jail has written, stay as they are.
const SETTINGS: &[(&str, &str)] = &[
    ("core.fsmonitor", "false"),
    ("core.hooksPath", "/dev/null"),
    ("safe.bareRepository", "explicit"),
    ("submodule.recurse", "false"),
    ("core.pager", "cat"),
];

/// What the caller's environment may not say: which repository is meant.
const UNSET: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_TRACE",
];

/// Nothing is fetched, asked for or locked on the side; objects are what they are called. A git
/// that does not know `GIT_NO_LAZY_FETCH` finds that no protocol is allowed.
const SET: &[(&str, &str)] = &[
    ("GIT_ALLOW_PROTOCOL", "none"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("LC_ALL", "C"),
];

/// Where git is run.
#[derive(Clone, Copy, Debug)]
pub(super) enum At<'a> {
    /// In a folder that the user has chosen, or in a worktree that was just made: git finds the
    /// repository.
    Folder(&'a Path),
    /// For the repository with this shared folder.
    Repository(&'a Path),
    /// For a worktree, with a folder of git that has no setting of the repository.
    Apart(&'a Apart, &'a Made),
}

/// Which filters may not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filters {
    /// Those that the repository's own configuration names.
    OfRepository,
    All,
}

/// The program, and what it has around it.
#[derive(Clone, Debug)]
pub struct Git {
    program: PathBuf,
    surroundings: Surroundings,
}

impl Git {
    /// The git of PATH.
    ///
    /// # Errors
    /// There is none, or none that no jail can write.
    pub fn find(surroundings: Surroundings) -> Result<Self, WorktreeError> {
        let program = surroundings.program("git").ok_or(WorktreeError::NoGit)?;
        Ok(Self { program, surroundings })
    }

    /// Runs git in a repository's folder or a worktree, and returns what it prints.
    pub(super) fn run(&self, at: At<'_>, words: &[&str]) -> Result<Vec<u8>, WorktreeError> {
        let drivers = self.filters(at, Filters::OfRepository)?;
        output(self.command(at, &drivers).args(words))
    }

    /// The one line that it prints.
    pub(super) fn line(&self, at: At<'_>, words: &[&str]) -> Result<String, WorktreeError> {
        let printed = output(self.command(at, &[]).args(words))?;
        let printed = String::from_utf8(printed);
        let printed = printed.map_err(|_| WorktreeError::Git("it prints no text".into()))?;
        Ok(printed.trim_end_matches('\n').to_owned())
    }

    /// Whether it ends with status 0.
    pub(super) fn is_good(&self, at: At<'_>, words: &[&str]) -> bool {
        output(self.command(at, &[]).args(words)).is_ok()
    }

    pub(super) fn commit_of(&self, at: At<'_>, reference: &str) -> Option<String> {
        self.line(at, &["rev-parse", "--verify", "--quiet", "--end-of-options", reference]).ok()
    }

    /// How many files of a worktree are changed or new. No configuration of the repository is
    /// read, no filter runs, and submodules are not looked into: git would start itself there, with
    /// a configuration that the jail has written.
    pub(super) fn uncommitted(&self, made: &Made) -> Option<u64> {
        let at = At::Repository(&made.common);
        let head =
            format!("worktrees/{}/HEAD^{{commit}}", made.administrative.file_name()?.to_str()?);
        let commit = self.commit_of(at, &head)?;
        let format = self.line(at, &["rev-parse", "--show-object-format"]).ok()?;
        let apart = Apart::new(made, &commit, &format).ok()?;
        let at = At::Apart(&apart, made);
        let drivers = self.filters(at, Filters::All).ok()?;
        let mut command = self.command(at, &drivers);
        command.args(["status", "--porcelain", "-z", "--ignore-submodules=all", "--no-renames"]);
        let printed = output(&mut command).ok()?;
        let count = printed.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()).count();
        u64::try_from(count).ok()
    }

    /// The names of the filters that a configuration has. They need not be UTF-8: one that were
    /// written differently would be switched off under another name, and run.
    fn filters(&self, at: At<'_>, filters: Filters) -> Result<Vec<OsString>, WorktreeError> {
        let mut command = self.command(at, &[]);
        command.args(["config", "--show-scope", "--name-only", "-z", "--get-regexp", "^filter\\."]);
        let said = command.output().map_err(|error| self.failed(error))?;
        // Status 1: there are none.
        if said.status.code() == Some(1) {
            return Ok(Vec::new());
        }
        let printed = checked(said)?;
        let mut words = printed.split(|byte| *byte == 0);
        let mut drivers = Vec::new();
        while let (Some(scope), Some(key)) = (words.next(), words.next()) {
            let is_own = !matches!(scope, b"global" | b"system");
            let driver = key.strip_prefix(b"filter.");
            let end = driver.and_then(|key| key.iter().rposition(|byte| *byte == b'.'));
            if let Some(driver) = end.and_then(|end| driver?.get(..end))
                && (is_own || filters == Filters::All)
            {
                drivers.push(OsString::from_vec(driver.to_vec()));
            }
        }
        drivers.sort();
        drivers.dedup();
        Ok(drivers)
    }

    fn command(&self, at: At<'_>, without: &[OsString]) -> Command {
        let mut command = self.surroundings.command(&self.program, "git");
        for name in UNSET {
            command.env_remove(name);
        }
        command.envs(SET.iter().copied()).stdin(Stdio::null());
        match at {
            At::Folder(folder) => drop(command.current_dir(folder)),
            At::Repository(common) => drop(command.current_dir(common).env("GIT_DIR", common)),
            At::Apart(apart, made) => apart.set(command.current_dir(&made.folder), made),
        }
        let mut settings: Vec<(OsString, &str)> =
            SETTINGS.iter().map(|(key, value)| (OsString::from(key), *value)).collect();
        for driver in without {
            for (variable, value) in
                [("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")]
            {
                let key = [b"filter.", driver.as_bytes(), b".", variable.as_bytes()].concat();
                settings.push((OsString::from_vec(key), value));
            }
        }
        configure(&mut command, &settings);
        command
    }

    fn failed(&self, error: std::io::Error) -> WorktreeError {
        WorktreeError::Io { path: self.program.clone(), error }
    }
}

/// Settings that win over those of every file (git-config(1), `GIT_CONFIG_COUNT`).
fn configure(command: &mut Command, settings: &[(OsString, &str)]) {
    let count = command
        .get_envs()
        .find(|(name, _)| *name == OsStr::new("GIT_CONFIG_COUNT"))
        .and_then(|(_, value)| value?.to_str()?.parse::<usize>().ok());
    let first = count.unwrap_or(0);
    for (index, (key, value)) in (first..).zip(settings) {
        command.env(format!("GIT_CONFIG_KEY_{index}"), key);
        command.env(format!("GIT_CONFIG_VALUE_{index}"), value);
    }
    command.env("GIT_CONFIG_COUNT", (first + settings.len()).to_string());
}

fn output(command: &mut Command) -> Result<Vec<u8>, WorktreeError> {
    let said = command.output();
    said.map_err(|error| WorktreeError::Git(error.to_string())).and_then(checked)
}

fn checked(said: Output) -> Result<Vec<u8>, WorktreeError> {
    if said.status.success() {
        return Ok(said.stdout);
    }
    let why = String::from_utf8_lossy(&said.stderr);
    let why = why.trim().trim_start_matches("fatal: ").trim_start_matches("error: ");
    let why = if why.is_empty() { said.status.to_string() } else { why.to_owned() };
    Err(WorktreeError::Git(why))
}
