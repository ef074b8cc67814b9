//! Nix as this machine has it: found, its version checked, run with flakes on, and its messages
//! passed on.

mod error;
pub mod nar;
mod remedies;
mod version;

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

pub use error::NixError;
pub use version::Version;

use crate::surroundings::Surroundings;

const NAME: &str = "nix";

/// Flakes are still called experimental; users need not have switched them on.
const FEATURES: [&str; 2] = ["--extra-experimental-features", "nix-command flakes"];

/// The flake in the working folder. A folder's own path would have to be a URL, which versions of
/// Nix read differently; and `path:` avoids git, in whose trees Nix sees tracked files only.
const HERE: &str = "path:.";

/// What receives the lines that Nix prints while it works.
pub type Progress<'a> = &'a mut dyn FnMut(&str);

/// A Nix that is new enough.
#[derive(Clone, Debug)]
pub struct Nix {
    program: PathBuf,
    surroundings: Surroundings,
    version: Version,
    /// How long each command may take.
    limit: Option<Duration>,
}

impl Nix {
    /// Finds `nix` in PATH.
    ///
    /// # Errors
    /// Nix is not installed, or is too old.
    pub fn find(surroundings: Surroundings) -> Result<Self, NixError> {
        let missing = || match surroundings.distrusted(NAME) {
            Some(program) => NixError::Distrusted { tree: surroundings.tree_of(&program), program },
            None => NixError::Missing,
        };
        let program = surroundings.program(NAME).ok_or_else(missing)?;
        let output = surroundings
            .command(&program, NAME)
            .arg("--version")
            .current_dir("/")
            .output()
            .map_err(|error| NixError::Start { program: program.clone(), error })?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = Version::parse(&text).ok_or_else(|| NixError::Strange {
            program: program.clone(),
            text: text.trim().into(),
        })?;
        if version < Version::LEAST {
            return Err(NixError::TooOld { program, version });
        }
        Ok(Self { program, surroundings, version, limit: None })
    }

    /// The same, whose commands are ended when they have taken that long.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { limit: Some(limit), ..self }
    }

    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Builds packages of the flake in a folder and returns the store paths of their outputs, in an
    /// order of Nix's own.
    ///
    /// # Errors
    /// Nix fails; its own message is in the error.
    pub fn build(
        &self,
        flake: &Path,
        packages: &[&str],
        progress: Progress<'_>,
    ) -> Result<Vec<String>, NixError> {
        // Without a complete lock Nix would ask the network, or write to the folder.
        let mut arguments: Vec<OsString> =
            ["build", "--json", "--no-link", "--no-update-lock-file"].map(Into::into).into();
        arguments.extend(packages.iter().map(|name| format!("{HERE}#\"{name}\"").into()));
        let stdout = self.run_in(flake, &arguments, progress)?;
        let built: Vec<Built> = self.json(&arguments, &stdout)?;
        Ok(built.into_iter().filter_map(|built| built.outputs.out).collect())
    }

    /// Makes `link` a garbage-collection root for a store path.
    ///
    /// # Errors
    /// Nix fails.
    pub fn add_root(&self, link: &Path, store_path: &str) -> Result<(), NixError> {
        let link = self.absolute(link)?;
        let arguments = [
            OsStr::new("build"),
            OsStr::new("--out-link"),
            link.as_os_str(),
            OsStr::new(store_path),
        ];
        self.run(&arguments, &mut |_| {}).map(drop)
    }

    /// Completes the lock of a flake in a folder, whose inputs come from `references`.
    ///
    /// # Errors
    /// Nix fails, for want of a network for instance, or an input is in a repository that a jail
    /// could write.
    pub fn lock(
        &self,
        folder: &Path,
        references: &[String],
        progress: Progress<'_>,
    ) -> Result<(), NixError> {
        references.iter().try_for_each(|reference| self.refuse_repository(reference, folder))?;
        self.run_in(folder, &["flake", "lock", HERE].map(OsStr::new), progress).map(drop)
    }

    /// Moves inputs of a flake in a folder forward; all of them when no input is named. They come
    /// from `references`.
    ///
    /// # Errors
    /// As those of [`Nix::lock`].
    pub fn update(
        &self,
        folder: &Path,
        references: &[String],
        inputs: &[String],
        progress: Progress<'_>,
    ) -> Result<(), NixError> {
        references.iter().try_for_each(|reference| self.refuse_repository(reference, folder))?;
        let inputs = inputs.iter().map(String::as_str);
        // Since 2.19 the arguments of `nix flake update` are inputs; before, they were flakes.
        let arguments = if self.version >= Version(2, 19) {
            ["flake", "update"].into_iter().chain(inputs).chain(["--flake", HERE]).collect()
        } else if inputs.len() == 0 {
            vec!["flake", "update", HERE]
        } else {
            let inputs = inputs.flat_map(|input| ["--update-input", input]);
            ["flake", "lock", HERE].into_iter().chain(inputs).collect::<Vec<_>>()
        };
        let arguments: Vec<&OsStr> = arguments.into_iter().map(OsStr::new).collect();
        self.run_in(folder, &arguments, progress).map(drop)
    }

    /// The current state of a flake reference: its `locked` form and its own locks,
    /// from `nix flake metadata`.
    ///
    /// # Errors
    /// Nix fails, or would run git in a repository that a jail could write: it does what its
    /// configuration says.
    pub fn metadata(
        &self,
        reference: &str,
        progress: Progress<'_>,
    ) -> Result<serde_json::Value, NixError> {
        // A relative one is meant from where jailgen was started.
        self.refuse_repository(reference, Path::new("."))?;
        self.metadata_in(Path::new("."), reference, progress)
    }

    /// Refuses a reference, meant from `folder`, for which Nix would run git or Mercurial where a
    /// jail could write.
    fn refuse_repository(&self, reference: &str, folder: &Path) -> Result<(), NixError> {
        let Some(path) = repository(reference) else { return Ok(()) };
        if self.surroundings.trusts(&self.absolute(&folder.join(path))?) {
            return Ok(());
        }
        Err(NixError::Repository { reference: reference.into() })
    }

    /// The same of the flake in a folder, whether or not that is in a repository. It is not written
    /// to.
    ///
    /// # Errors
    /// Nix fails.
    pub fn metadata_of(
        &self,
        folder: &Path,
        progress: Progress<'_>,
    ) -> Result<serde_json::Value, NixError> {
        self.metadata_in(folder, HERE, progress)
    }

    fn metadata_in(
        &self,
        folder: &Path,
        reference: &str,
        progress: Progress<'_>,
    ) -> Result<serde_json::Value, NixError> {
        let arguments =
            ["flake", "metadata", "--json", "--no-write-lock-file", reference].map(OsStr::new);
        let stdout = self.run_in(folder, &arguments, progress)?;
        self.json(&arguments, &stdout)
    }

    /// Adds a folder to the store under a name.
    ///
    /// # Errors
    /// Nix fails.
    pub fn add_path(&self, folder: &Path, name: &str) -> Result<String, NixError> {
        let folder = self.absolute(folder)?;
        let arguments = [
            OsStr::new("store"),
            OsStr::new("add-path"),
            OsStr::new("--name"),
            OsStr::new(name),
            folder.as_os_str(),
        ];
        let stdout = self.run(&arguments, &mut |_| {})?;
        Ok(String::from_utf8_lossy(&stdout).trim().to_owned())
    }

    /// The closure of store paths, as `nix path-info -r --json` says it: one of three shapes.
    ///
    /// # Errors
    /// Nix fails.
    pub fn path_info(&self, paths: &[String]) -> Result<serde_json::Value, NixError> {
        let mut arguments: Vec<OsString> = ["path-info", "-r", "--json"].map(Into::into).into();
        if self.version >= Version(2, 34) {
            // Without a format it warns, and newer ones are to refuse.
            arguments.extend(["--json-format", "2"].map(Into::into));
        }
        arguments.extend(paths.iter().map(Into::into));
        let stdout = self.run(&arguments, &mut |_| {})?;
        self.json(&arguments, &stdout)
    }

    fn json<T: serde::de::DeserializeOwned>(
        &self,
        arguments: &[impl AsRef<OsStr>],
        stdout: &[u8],
    ) -> Result<T, NixError> {
        serde_json::from_slice(stdout).map_err(|error| NixError::Answer {
            command: command_line(arguments),
            version: self.version,
            error,
        })
    }

    fn run(
        &self,
        arguments: &[impl AsRef<OsStr>],
        progress: Progress<'_>,
    ) -> Result<Vec<u8>, NixError> {
        self.run_in(Path::new("/"), arguments, progress)
    }

    /// A path of the caller's, for a Nix that runs elsewhere.
    fn absolute(&self, path: &Path) -> Result<PathBuf, NixError> {
        std::path::absolute(path)
            .map_err(|error| NixError::Start { program: self.program.clone(), error })
    }

    /// Runs Nix in a folder; every line of its standard error goes to `progress`, and into the
    /// error if it fails.
    fn run_in(
        &self,
        folder: &Path,
        arguments: &[impl AsRef<OsStr>],
        progress: Progress<'_>,
    ) -> Result<Vec<u8>, NixError> {
        let start = |error| NixError::Start { program: self.program.clone(), error };
        let mut child = self
            .surroundings
            .command(&self.program, NAME)
            .current_dir(folder)
            .args(arguments)
            .args(FEATURES)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(start)?;
        let watch = self.limit.map(|limit| Watch::over(&child, limit));
        let read = read_both(&mut child, progress);
        // Before it is waited for: afterwards its number may be another process'.
        let was_ended = watch.is_some_and(Watch::has_ended_it);
        let status = child.wait().map_err(start)?;
        let (stdout, stderr) = read.map_err(start)?;
        if status.success() {
            return Ok(stdout);
        }
        if let (Some(limit), true) = (self.limit, was_ended) {
            return Err(NixError::TimedOut { command: command_line(arguments), limit, stderr });
        }
        Err(NixError::Failed { command: command_line(arguments), status, stderr })
    }
}

#[derive(serde::Deserialize)]
struct Built {
    outputs: Outputs,
}

#[derive(serde::Deserialize)]
struct Outputs {
    out: Option<String>,
}

/// The folder of this machine in which Nix would run git, or Mercurial, for a reference.
fn repository(reference: &str) -> Option<&Path> {
    let local = ["git+file:", "hg+file:"].iter().find_map(|kind| reference.strip_prefix(kind));
    let path = match local {
        Some(path) => path.strip_prefix("//").unwrap_or(path),
        None if is_path(reference) => reference,
        None => return None,
    };
    path.split(['?', '#']).next().map(Path::new)
}

/// Whether Nix takes a reference for a path: it has no scheme, and does not begin as a name of the
/// registry does.
fn is_path(reference: &str) -> bool {
    let first = reference.split(['/', '?', '#']).next().unwrap_or_default();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let is_id = first.starts_with(|c: char| c.is_ascii_alphabetic()) && first.chars().all(is_name);
    !first.contains(':') && !is_id
}

fn command_line(arguments: &[impl AsRef<OsStr>]) -> String {
    let words = arguments.iter().map(|argument| argument.as_ref().to_string_lossy().into_owned());
    format!("nix {}", words.collect::<Vec<_>>().join(" "))
}

/// How long Nix has to end its builders after SIGINT.
const GRACE: Duration = Duration::from_secs(3);

/// What ends a Nix that takes too long.
struct Watch {
    /// Closed when there is nothing to watch any more.
    over: mpsc::Sender<()>,
    thread: thread::JoinHandle<bool>,
}

impl Watch {
    fn over(child: &Child, limit: Duration) -> Self {
        let process = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let (over, ended) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            let goes_on = |time| matches!(ended.recv_timeout(time), Err(RecvTimeoutError::Timeout));
            let Some(process) = process else { return false };
            if !goes_on(limit) {
                return false;
            }
            // Nix ends its builders on this signal; the other one is for one that does not listen.
            let _ = kill_process(process, Signal::TERM);
            if goes_on(GRACE) {
                let _ = kill_process(process, Signal::KILL);
            }
            true
        });
        Self { over, thread }
    }

    /// Whether it had to; it watches no longer.
    fn has_ended_it(self) -> bool {
        drop(self.over);
        self.thread.join().unwrap_or(false)
    }
}

/// Reads standard output aside, so that neither pipe can fill up while the other is waited for.
fn read_both(child: &mut Child, progress: Progress<'_>) -> std::io::Result<(Vec<u8>, String)> {
    let mut stdout = child.stdout.take();
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        stdout.as_mut().map_or(Ok(0), |stdout| stdout.read_to_end(&mut bytes)).map(|_| bytes)
    });
    let mut text = String::new();
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).split(b'\n') {
            let line = line?;
            let line = String::from_utf8_lossy(&line);
            progress(&line);
            text.push_str(&line);
            text.push('\n');
        }
    }
    let bytes = reader
        .join()
        .map_err(|_| std::io::Error::other("the reader of Nix's output stopped"))??;
    Ok((bytes, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_told_from_what_is_fetched() {
        for (reference, path) in [
            ("git+file:///a/b?ref=x#y", "/a/b"),
            ("git+file:../b", "../b"),
            ("hg+file:///a", "/a"),
            ("/a?dir=b", "/a"),
            ("./a", "./a"),
            ("~/a", "~/a"),
            ("a.b/c", "a.b/c"),
            ("1st", "1st"),
        ] {
            assert_eq!(repository(reference), Some(Path::new(path)), "{reference}");
        }
        for reference in
            ["nixpkgs", "nixpkgs/release", "github:a/b", "path:/a", "git+https://a/b", "flake:a"]
        {
            assert_eq!(repository(reference), None, "{reference}");
        }
    }
}
