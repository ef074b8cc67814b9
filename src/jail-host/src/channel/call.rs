//! One call: a script with the caller's arguments and input. Its outputs and exit status are sent
//! back.
//!
//! One thread serves the whole call, so a side that stalls holds up only this call.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use super::frame::{self, Frame, PIECE_MAX};
use crate::surroundings::Surroundings;
use crate::sys;

/// The settings of nixpkgs' writeShellApplication, for these scripts too.
const STRICT: &str = "set -o errexit\nset -o nounset\nset -o pipefail\n";

/// How long a script may take to end when its caller is gone.
const GRACE: Duration = Duration::from_secs(2);
/// How long outputs are read after the script's end, if something that it left
/// running keeps them open.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// Runs the script and reports how it ended.
pub(super) fn run(
    caller: &UnixStream,
    shell: &str,
    script: &str,
    name: &str,
    arguments: &[OsString],
    surroundings: &Surroundings,
) -> io::Result<()> {
    let mut command = surroundings.command(shell);
    command.args(["--noprofile", "--norc", "-p", "-c", &format!("{STRICT}{script}"), name]);
    command.args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Without the launcher's terminal, which the payload has.
    let mut child = match sys::in_a_session_of_its_own(&mut command).spawn() {
        Ok(child) => child,
        Err(error) => return frame::refuse(caller, &format!("{shell}: {error}")),
    };
    let result = Call::start(caller, &mut child).and_then(Call::attend);
    match result {
        Ok(true) => {
            let status = child.wait()?;
            frame::exit(caller, byte(status))
        }
        Ok(false) | Err(_) => end(&mut child),
    }
}

struct Call<'a> {
    caller: &'a UnixStream,
    unread: Vec<u8>,
    /// Input that the script has not taken yet.
    pending: Vec<u8>,
    input_ended: bool,
    input: Option<ChildStdin>,
    output: Option<ChildStdout>,
    errors: Option<ChildStderr>,
    process: rustix::fd::OwnedFd,
    ended: Option<Instant>,
}

/// Which of its descriptors are ready.
struct Ready {
    caller: PollFlags,
    input: bool,
    output: bool,
    errors: bool,
    process: bool,
}

impl<'a> Call<'a> {
    fn start(caller: &'a UnixStream, child: &mut Child) -> io::Result<Self> {
        let process = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
        let input = child.stdin.take();
        if let Some(input) = &input {
            fcntl_setfl(input, fcntl_getfl(input)? | OFlags::NONBLOCK)?;
        }
        let (output, errors) = (child.stdout.take(), child.stderr.take());
        Ok(Self {
            caller,
            unread: Vec::new(),
            pending: Vec::new(),
            input_ended: false,
            input,
            output,
            errors,
            process,
            ended: None,
        })
    }

    /// Runs until the script has ended. Returns `false` if the caller was gone before.
    fn attend(mut self) -> io::Result<bool> {
        loop {
            let said_all = self.output.is_none() && self.errors.is_none();
            let waited = self.ended.is_some_and(|ended| ended.elapsed() >= LAST_WORDS);
            if self.ended.is_some() && (said_all || waited) {
                return Ok(true);
            }
            let ready = self.ready()?;
            if ready.output {
                relay(&mut self.output, self.caller, b'O')?;
            }
            if ready.errors {
                relay(&mut self.errors, self.caller, b'E')?;
            }
            if ready.process {
                self.ended.get_or_insert_with(Instant::now);
            }
            if ready.input {
                self.feed();
            }
            if ready.caller.intersects(PollFlags::HUP | PollFlags::RDHUP | PollFlags::ERR) {
                return Ok(false);
            }
            if ready.caller.contains(PollFlags::IN) {
                self.hear()?;
            }
        }
    }

    fn ready(&self) -> io::Result<Ready> {
        // No more is read from the caller than the script takes.
        let wants = self.pending.is_empty() && !self.input_ended;
        let from_caller = if wants { PollFlags::IN } else { PollFlags::empty() };
        let process = if self.ended.is_some() { PollFlags::empty() } else { PollFlags::IN };
        let mut fds = vec![
            PollFd::new(self.caller, from_caller | PollFlags::RDHUP),
            PollFd::new(&self.process, process),
        ];
        let mut at = [None; 3];
        let places = [
            self.input
                .as_ref()
                .filter(|_| !self.pending.is_empty())
                .map(|fd| (fd.as_fd(), PollFlags::OUT)),
            self.output.as_ref().map(|fd| (fd.as_fd(), PollFlags::IN)),
            self.errors.as_ref().map(|fd| (fd.as_fd(), PollFlags::IN)),
        ];
        for (slot, place) in at.iter_mut().zip(places) {
            if let Some((fd, events)) = place {
                *slot = Some(fds.len());
                fds.push(PollFd::from_borrowed_fd(fd, events));
            }
        }
        let patience = self.ended.map(|_| Timespec { tv_sec: 0, tv_nsec: 50_000_000 });
        match poll(&mut fds, patience.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let events = |index: usize| fds.get(index).map_or(PollFlags::empty(), PollFd::revents);
        let [input, output, errors] =
            at.map(|index| index.is_some_and(|index| !events(index).is_empty()));
        Ok(Ready {
            caller: events(0),
            process: !events(1).is_empty() && self.ended.is_none(),
            input,
            output,
            errors,
        })
    }

    /// Handles a message from the caller.
    fn hear(&mut self) -> io::Result<()> {
        let mut buffer = [0; 16 * 1024];
        let length = (&mut &*self.caller).read(&mut buffer)?;
        self.unread.extend_from_slice(buffer.get(..length).unwrap_or_default());
        while let Some(Frame { kind, body }) = frame::take(&mut self.unread)? {
            match kind {
                b'I' => self.pending.extend(body),
                b'Z' => self.input_ended = true,
                _ => return Err(io::Error::other("the caller sent an unexpected message")),
            }
        }
        self.feed();
        Ok(())
    }

    /// Writes as much of the input as the script takes now.
    fn feed(&mut self) {
        if let Some(input) = &mut self.input {
            while !self.pending.is_empty() {
                match input.write(&self.pending) {
                    Ok(written) => drop(self.pending.drain(..written)),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    // It takes no more input, which it may do.
                    Err(_) => break,
                }
            }
        }
        if self.input_ended || !self.pending.is_empty() {
            self.input = None;
        }
        self.pending.clear();
    }
}

/// Passes on what can be read of an output.
fn relay(source: &mut Option<impl Read>, caller: &UnixStream, kind: u8) -> io::Result<()> {
    let Some(open) = source else { return Ok(()) };
    let mut buffer = [0; PIECE_MAX];
    match open.read(&mut buffer) {
        Ok(0) => *source = None,
        Ok(length) => frame::send(caller, kind, buffer.get(..length).unwrap_or_default())?,
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
        Err(_) => *source = None,
    }
    Ok(())
}

/// Ends a script whose caller is gone, and everything of its session that has not left its group.
fn end(child: &mut Child) -> io::Result<()> {
    // The number of the group cannot be reused before the child has been waited for.
    let group = Pid::from_child(child);
    let _ = kill_process_group(group, Signal::TERM);
    let asked = Instant::now();
    while child.try_wait()?.is_none() {
        if asked.elapsed() > GRACE {
            let _ = kill_process_group(group, Signal::KILL);
            return child.wait().map(drop);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// The exit status that a shell would report.
fn byte(status: ExitStatus) -> u8 {
    let number = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    number.and_then(|number| u8::try_from(number).ok()).unwrap_or(u8::MAX)
}
