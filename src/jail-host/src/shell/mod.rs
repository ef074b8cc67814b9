//! The one shell that runs the scripts of a launch: those before it and those after it,
//! with the same variables.
//!
//! Scripts have the launcher's terminal, input and output. Their results are read back
//! over a descriptor, as data.

#![expect(
    clippy::disallowed_methods,
    reason = "the scripts of a launch run in one shell, with the variables that they are given"
)]

mod record;
mod watch;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use record::{Record, Records};
pub(crate) use watch::{Interrupts, Tick};

use crate::sys;

const DRIVER: &str = include_str!("driver.bash");

/// How a shell is started.
pub(crate) struct Start<'a> {
    pub(crate) program: &'a str,
    /// `$0` in scripts.
    pub(crate) name: &'a str,
    /// `"$@"` in scripts: the payload's arguments.
    pub(crate) arguments: &'a [OsString],
    /// The variables that are reported after each script.
    pub(crate) names: &'a [String],
    /// Where scripts start.
    pub(crate) folder: &'a OwnedFd,
    /// Variables in addition to those of this process.
    pub(crate) environment: &'a BTreeMap<OsString, OsString>,
}

/// A running shell.
pub(crate) struct Shell {
    child: Child,
    process: OwnedFd,
    scripts: io::PipeWriter,
    records: Records,
    /// How many scripts were sent to it.
    sent: u32,
}

/// What a script before the launch has left.
#[derive(Debug, Default)]
pub(crate) struct ScriptResult {
    /// The variables that were asked for; `None` for one that is not set.
    pub(crate) variables: Vec<(String, Option<Vec<u8>>)>,
    /// What it exports: the environment of what runs on the host later.
    pub(crate) exported: Vec<(OsString, OsString)>,
    /// What it added to `RUNTIME_ARGS`.
    pub(crate) arguments: Vec<Vec<u8>>,
}

/// Why a script has no result.
#[derive(Debug)]
pub(crate) enum Failed {
    /// It ended with this status, or in words.
    Script(String),
    /// The shell could not be started or read.
    Broken(io::Error),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

impl Shell {
    /// Starts it. Nothing else may be started meanwhile: for a moment, every
    /// child inherits its descriptors.
    pub(crate) fn start(start: &Start<'_>) -> io::Result<Self> {
        let (their_scripts, scripts) = pipe_with(PipeFlags::CLOEXEC)?;
        let (answers, their_answers) = pipe_with(PipeFlags::CLOEXEC)?;
        for descriptor in [&their_scripts, &their_answers] {
            fcntl_setfd(descriptor, FdFlags::empty())?;
        }
        let (input, output) = (their_scripts.as_raw_fd(), their_answers.as_raw_fd());
        let driver = format!("exec 241<&{input}- 242>&{output}-\n{DRIVER}");
        // Without files and functions from the environment (`-p` ignores BASH_ENV and them), so a
        // script means the same everywhere.
        let mut command = Command::new(start.program);
        command
            .args(["--noprofile", "--norc", "-p", "-c", &driver, start.name])
            .args(start.arguments)
            .envs(start.environment);
        let child = sys::in_folder(&mut command, start.folder.try_clone()?)
            .spawn()
            .map_err(|error| io::Error::other(format!("{}: {error}", start.program)))?;
        let pid = Pid::from_child(&child);
        let process = pidfd_open(pid, PidfdFlags::empty())?;
        let scripts = io::PipeWriter::from(scripts);
        let mut shell = Self { child, process, scripts, records: Records::new(answers), sent: 0 };
        shell.send("", &start.names.join(" "))?;
        Ok(shell)
    }

    /// Runs a script before the launch. `interrupts` decides when it must end.
    pub(crate) fn run(
        &mut self,
        script: &str,
        interrupts: &mut Interrupts<'_>,
    ) -> Result<ScriptResult, Failed> {
        self.sent += 1;
        self.send("r", script)?;
        let mut result = ScriptResult::default();
        loop {
            match self.next(interrupts)? {
                Some(Record::Set(name, value)) => result.variables.push((name, Some(value))),
                Some(Record::Unset(name)) => result.variables.push((name, None)),
                Some(Record::Exported(name, value)) => result.exported.push((name, value)),
                Some(Record::Argument(argument)) => result.arguments.push(argument),
                Some(Record::Done) => return Ok(result),
                Some(Record::Ended(_, status)) => {
                    return Err(Failed::Script(status_words(status)));
                }
                Some(Record::Cleaned(..)) => {}
                None => return Err(Failed::Script(self.end_words())),
            }
        }
    }

    /// Runs a script of the cleanup. Returns its status, or `None` if the shell
    /// ended before it reported one.
    pub(crate) fn clean(
        &mut self,
        script: &str,
        interrupts: &mut Interrupts<'_>,
    ) -> io::Result<Option<i32>> {
        self.sent += 1;
        match self.send("c", script) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(None),
            other => other?,
        }
        loop {
            match self.next(interrupts)? {
                // A script that ends the shell is reported by the trap at the shell's end, which
                // then continues to serve.
                Some(Record::Cleaned(number, status) | Record::Ended(number, status))
                    if number == self.sent =>
                {
                    return Ok(Some(status));
                }
                // What it reported before, if something else ended it.
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }

    /// The shell's process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it had ended already.
    pub(crate) fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)) | Err(_))
    }

    /// Its exit status; this waits for its end.
    pub(crate) fn status(mut self) -> io::Result<i32> {
        let status = self.child.wait()?;
        Ok(status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1))
    }

    /// No script follows; traps that scripts set for the end run now.
    pub(crate) fn finish(self) -> io::Result<()> {
        let Self { mut child, scripts, .. } = self;
        drop(scripts);
        child.wait().map(drop)
    }

    fn send(&mut self, kind: &str, text: &str) -> io::Result<()> {
        self.scripts.write_all(&[kind.as_bytes(), text.as_bytes(), b"\0"].concat())
    }

    /// The next record. `None` if it ended without one.
    fn next(&mut self, interrupts: &mut Interrupts<'_>) -> io::Result<Option<Record>> {
        loop {
            if let Some(record) = self.records.take()? {
                return Ok(Some(record));
            }
            match interrupts.wait(self.records.source(), &self.process)? {
                Tick::Answer => {
                    if self.records.read()? == 0 {
                        return Ok(None);
                    }
                }
                Tick::Ended => {
                    // What it reported before its end may still be unread. Programs that it left
                    // running may keep the pipe open, so the end of the pipe is not awaited there.
                    if !interrupts.has_data(self.records.source())? || self.records.read()? == 0 {
                        return Ok(None);
                    }
                }
                Tick::Interrupted => interrupts.signal(Pid::from_child(&self.child)),
            }
        }
    }

    /// How the shell ended, if it did not report that.
    fn end_words(&mut self) -> String {
        match self.child.wait() {
            Ok(status) => match (status.code(), status.signal()) {
                (Some(status), _) => status_words(status),
                (None, Some(signal)) => format!("signal {signal} ended the shell that ran it"),
                (None, None) => "the shell that ran it ended".into(),
            },
            Err(error) => error.to_string(),
        }
    }
}

fn status_words(status: i32) -> String {
    match status {
        129..=192 => format!("the script was ended by signal {}", status - 128),
        status => format!("the script failed with exit status {status}"),
    }
}

/// A valid name of a variable, for bash.
pub(crate) fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|other| other.is_ascii_alphanumeric() || other == '_')
}

/// A NUL would end the script early.
pub(crate) fn is_script(text: &str) -> bool {
    !text.contains('\0')
}

#[cfg(test)]
mod tests;
