//! Runs a command that prints a value. No shell is between, it has the terminal to ask for a
//! password, and its time and what it prints are bounded.

#![expect(clippy::disallowed_methods, reason = "the spec names the program that prints a secret")]

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use zeroize::Zeroizing;

use super::VALUE_MAX;

/// How long it may take, including a user who types a password.
pub(super) const TIME_MAX: Duration = Duration::from_secs(60);

/// How much is read of what it says at once.
const CHUNK: usize = 4096;

/// What a command printed, and how it ended.
pub(super) struct CommandOutput {
    pub(super) value: Zeroizing<Vec<u8>>,
    pub(super) status: ExitStatus,
}

/// Runs it without the variables that are secrets themselves, and passes what it says on standard
/// error to `show`.
pub(super) fn run(
    words: &[String],
    hidden: &[&str],
    time: Duration,
    show: &mut dyn FnMut(&[u8]),
) -> Result<CommandOutput, String> {
    let [program, arguments @ ..] = words else { return Err("its command is empty".into()) };
    let about = |error: io::Error| format!("`{program}`: {error}");
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    // In the working folder a jail may have left a script of that name, or the configuration of a
    // program.
    command.current_dir("/").env("PWD", "/").env_remove("OLDPWD");
    for name in hidden {
        command.env_remove(name);
    }
    let mut child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("`{program}` is not installed"),
        // A folder of PATH that may not be looked into hides that.
        io::ErrorKind::PermissionDenied if !program.contains('/') => {
            format!("`{program}` is not installed")
        }
        _ => about(error),
    })?;
    let attended = attend(&mut child, Instant::now() + time, show);
    let value = match attended {
        Ok(Attended::Ended(value)) => value,
        Ok(Attended::Late) => {
            end(&mut child);
            return Err(format!("`{program}` did not end within {} seconds", time.as_secs()));
        }
        Ok(Attended::Long) => {
            end(&mut child);
            return Err(format!("`{program}` prints more than {VALUE_MAX} bytes"));
        }
        Err(error) => {
            end(&mut child);
            return Err(about(error));
        }
    };
    let status = child.wait().map_err(about)?;
    Ok(CommandOutput { value, status })
}

fn end(child: &mut Child) {
    // It may have ended meanwhile.
    drop(child.kill());
    drop(child.wait());
}

enum Attended {
    /// It has ended, and this is what it printed.
    Ended(Zeroizing<Vec<u8>>),
    Late,
    Long,
}

/// Reads both of its streams until it has ended.
fn attend(
    child: &mut Child,
    deadline: Instant,
    show: &mut dyn FnMut(&[u8]),
) -> io::Result<Attended> {
    let process = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let process = pidfd_open(process.ok_or(io::ErrorKind::NotFound)?, PidfdFlags::empty())?;
    let (mut out, mut messages) = (child.stdout.take(), child.stderr.take());
    let mut value = Zeroizing::new(Vec::with_capacity(VALUE_MAX + CHUNK));
    loop {
        let streams = [out.as_ref().map(AsFd::as_fd), messages.as_ref().map(AsFd::as_fd)];
        let Some([has_ended, has_value, has_message]) = ready(&process, streams, deadline)? else {
            return Ok(Attended::Late);
        };
        let mut has_read = false;
        if has_value {
            has_read |= piece(&mut out, |piece| value.extend_from_slice(piece))?;
        }
        if has_message {
            has_read |= piece(&mut messages, &mut *show)?;
        }
        if value.len() > VALUE_MAX {
            return Ok(Attended::Long);
        }
        // What it has left running may keep its streams open.
        if has_ended && !has_read {
            return Ok(Attended::Ended(value));
        }
    }
}

/// Reads once, and closes a stream that has ended: whether there was anything.
fn piece(stream: &mut Option<impl io::Read>, mut take: impl FnMut(&[u8])) -> io::Result<bool> {
    let Some(reading) = stream else { return Ok(false) };
    let mut piece = Zeroizing::new([0; CHUNK]);
    let count = reading.read(piece.as_mut_slice())?;
    if count == 0 {
        *stream = None;
    }
    take(piece.get(..count).unwrap_or_default());
    Ok(count > 0)
}

/// Whether the process has ended, and which of its streams can be read; nothing when the time is
/// over.
fn ready(
    process: &OwnedFd,
    [out, messages]: [Option<BorrowedFd<'_>>; 2],
    deadline: Instant,
) -> io::Result<Option<[bool; 3]>> {
    let process = process.as_fd();
    // In the place of a stream that has ended the process is looked at twice.
    let all = [process, out.unwrap_or(process), messages.unwrap_or(process)];
    let mut polled = all.map(|one| PollFd::from_borrowed_fd(one, PollFlags::IN));
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        match poll(&mut polled, Some(&left)) {
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
            Ok(0) => return Ok(None),
            Ok(_) => return Ok(Some(polled.each_ref().map(|one| !one.revents().is_empty()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, time: Duration) -> Result<(String, bool, String), String> {
        let words = ["sh", "-c", script].map(String::from);
        let mut shown = Vec::new();
        let said = run(&words, &["HIDDEN"], time, &mut |bytes| shown.extend_from_slice(bytes))?;
        let value = String::from_utf8(said.value.to_vec()).unwrap();
        Ok((value, said.status.success(), String::from_utf8(shown).unwrap()))
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn what_it_prints_is_the_value_and_what_it_says_is_shown() {
        let said = sh("echo asking >&2; printf value; exit 3", LONG).unwrap();
        assert_eq!(said, ("value".into(), false, "asking\n".into()));
    }

    #[test]
    fn it_finds_nothing_in_the_working_folder() {
        let said = sh("/bin/pwd; printf '%s' \"$PWD ${OLDPWD-unset}\"", LONG).unwrap();
        assert_eq!(said.0, "/\n/ unset");
    }

    #[test]
    fn one_that_does_not_end_is_ended() {
        let late = sh("exec sleep 1000", Duration::from_millis(50)).unwrap_err();
        assert_eq!(late, "`sh` did not end within 0 seconds");
        let closed = sh("exec >&- 2>&-; exec sleep 1000", Duration::from_millis(200)).unwrap_err();
        assert_eq!(closed, "`sh` did not end within 0 seconds");
    }

    #[test]
    fn one_that_prints_without_end_is_ended() {
        assert_eq!(sh("exec yes", LONG).unwrap_err(), "`sh` prints more than 16384 bytes");
    }

    #[test]
    fn what_it_leaves_running_is_not_waited_for() {
        let said = sh("sleep 1000 & echo $! >&2; printf value", LONG).unwrap();
        assert_eq!(said.0, "value");
        let left: i32 = said.2.trim().parse().unwrap();
        rustix::process::kill_process(Pid::from_raw(left).unwrap(), rustix::process::Signal::KILL)
            .unwrap();
    }

    #[test]
    fn one_that_is_not_there_is_named() {
        let words = ["no-such-program".to_owned()];
        let error = run(&words, &[], LONG, &mut |_| {}).map(|_| ()).unwrap_err();
        assert_eq!(error, "`no-such-program` is not installed");
    }
}
