//! The processes of many runs: at most so many at once, each in a process group of its own, with
//! its output in a file. What is printed is never looked at here.

#![expect(clippy::disallowed_methods, reason = "it starts plans that this process has derived")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use wait4::Wait4 as _;

/// As much of the output of a run is kept.
const LOG_MAX: u64 = 16 << 20;

/// As much is read after the end of a run: what a pipe holds at most by default (`pipe-max-size` in
/// proc(5)). A process that stays behind could go on printing for ever.
const AFTER_END_MAX: u64 = 1 << 20;

/// How often, and how long apart, a plan is tried that is still open in another process.
const BUSY_MAX: u32 = 500;
const BUSY_APART: Duration = Duration::from_millis(2);

/// How often it is looked whether the user wants an end.
const A_MOMENT: Duration = Duration::from_millis(50);

/// What is run.
#[derive(Debug)]
pub struct Work {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    /// Where it is started.
    pub folder: PathBuf,
    /// The file that gets its output.
    pub log: PathBuf,
}

/// How a run has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The exit status; none where a signal has ended it.
    pub status: Option<i32>,
    pub signal: Option<i32>,
    pub seconds: f64,
    pub memory: Memory,
}

/// The most memory that one process of a run had at once, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Memory {
    Peak(u64),
    /// The kernel counts what this process had when it started the run (execve(2) goes on with
    /// that), and the run had no more.
    AtMost(u64),
}

impl Memory {
    fn of_run(peak: u64, own: u64) -> Self {
        if peak > own { Self::Peak(peak) } else { Self::AtMost(peak) }
    }
}

/// The most memory that this process has had.
fn own_peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.map_or(u64::MAX, |kilobytes| kilobytes.saturating_mul(1024))
}

/// A run.
#[derive(Clone, Debug, PartialEq)]
pub enum Run {
    /// It has ended by itself.
    Ended(Outcome),
    /// It was ended, because no more runs were wanted.
    Stopped,
    /// It was not begun for that reason.
    NotBegun,
}

/// The runs that there are at this moment.
#[derive(Debug, Default)]
pub struct Runner {
    state: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    is_stopped: bool,
    processes: BTreeMap<u32, OwnedFd>,
}

impl Runner {
    /// Runs something, and waits for its end.
    ///
    /// # Errors
    /// It cannot be started, or its output cannot be read.
    pub fn run(&self, work: &Work) -> io::Result<Run> {
        let began = Instant::now();
        let (mut output, writer) = io::pipe()?;
        let Some((child, process)) = self.start(work, writer)? else { return Ok(Run::NotBegun) };
        let id = child.id();
        let kept = keep(&mut output, &process, &work.log);
        if kept.is_err() {
            // It would wait for somebody to read what it prints.
            let _ = pidfd_send_signal(&process, Signal::KILL);
        }
        drop(output);
        // With its number gone from the list, nothing signals a process that comes to have it.
        let used = child.wait4();
        let is_stopped = {
            let mut state = self.state();
            state.processes.remove(&id);
            state.is_stopped
        };
        kept?;
        let used = used?;
        let outcome = Outcome {
            status: used.status.code(),
            signal: used.status.signal(),
            seconds: began.elapsed().as_secs_f64(),
            memory: Memory::of_run(used.rusage.maxrss, own_peak()),
        };
        // What ended well in the last moment has ended well.
        if is_stopped && outcome.status != Some(0) {
            return Ok(Run::Stopped);
        }
        Ok(Run::Ended(outcome))
    }

    fn start(&self, work: &Work, output: io::PipeWriter) -> io::Result<Option<(Child, OwnedFd)>> {
        let mut command = Command::new(&work.program);
        command.args(&work.arguments).current_dir(&work.folder).stdin(Stdio::null());
        // A terminal's signals are for jailgen, which ends its runs in its own order.
        command.process_group(0).stdout(output.try_clone()?).stderr(output);
        let mut state = self.state();
        if state.is_stopped {
            return Ok(None);
        }
        let mut child = spawn(&mut command)?;
        match opened(&child) {
            Ok([listed, own]) => {
                state.processes.insert(child.id(), listed);
                Ok(Some((child, own)))
            }
            // Nothing would end it.
            Err(error) => {
                let _ = child.kill().and_then(|()| child.wait());
                Err(error)
            }
        }
    }

    /// Whether nothing more is to begin.
    pub fn is_stopped(&self) -> bool {
        self.state().is_stopped
    }

    /// Begins nothing more, and asks what runs to end; or ends it.
    pub fn stop(&self, signal: Signal) {
        let mut state = self.state();
        state.is_stopped = true;
        for process in state.processes.values() {
            // What has ended needs no signal.
            let _ = pidfd_send_signal(process, signal);
        }
    }

    /// What a thread that has panicked has left is whole.
    fn state(&self) -> std::sync::MutexGuard<'_, Running> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `each` with the numbers up to `count`, on `jobs` threads; `report` with what it
    /// returns, and `look` again and again meanwhile, on this one.
    pub fn all<T: Send>(
        jobs: usize,
        count: usize,
        each: impl Fn(usize) -> T + Sync,
        mut report: impl FnMut(usize, T),
        mut look: impl FnMut(),
    ) {
        let (next, each) = (AtomicUsize::new(0), &each);
        let next = &next;
        let (sender, receiver) = channel();
        thread::scope(|scope| {
            for _ in 0..jobs.min(count) {
                let sender = sender.clone();
                scope.spawn(move || {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        if index >= count || sender.send((index, each(index))).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(sender);
            loop {
                look();
                match receiver.recv_timeout(A_MOMENT) {
                    Ok((index, result)) => report(index, result),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
        });
    }
}

/// The process, for the list of those that run and for the thread that waits for it.
fn opened(child: &Child) -> io::Result<[OwnedFd; 2]> {
    let opened = || pidfd_open(Pid::from_child(child), PidfdFlags::empty());
    Ok([opened()?, opened()?])
}

/// Another thread may have started a program while this one wrote the plan: until that program is
/// executed, the new process has the plan open for writing, and it cannot be executed (execve(2)).
fn spawn(command: &mut Command) -> io::Result<Child> {
    for _ in 0..BUSY_MAX {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                thread::sleep(BUSY_APART);
            }
            other => return other,
        }
    }
    command.spawn()
}

/// Writes the output to the log until the process has ended. What a file cannot take is read all
/// the same, so that no run waits for it.
fn keep(output: &mut io::PipeReader, process: &OwnedFd, log: &Path) -> io::Result<()> {
    // Not written through a link or into a file that another run has open.
    match fs::remove_file(log) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(log)?;
    let (mut kept, mut left_out) = (0_u64, 0_u64);
    let mut buffer = vec![0; 64 << 10];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    let (mut has_ended, mut after_end) = (false, 0_u64);
    while after_end < AFTER_END_MAX {
        let mut ready = [
            PollFd::from_borrowed_fd(output.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(process.as_fd(), PollFlags::IN),
        ];
        let (used, time) = if has_ended { (1, Some(&at_once)) } else { (2, None) };
        match poll(ready.get_mut(..used).unwrap_or_default(), time) {
            Err(rustix::io::Errno::INTR) => continue,
            other => other?,
        };
        let is_ready = |one: Option<&PollFd<'_>>| one.is_some_and(|one| !one.revents().is_empty());
        let (has_output, ended) = (is_ready(ready.first()), used == 2 && is_ready(ready.get(1)));
        if has_output {
            let count = output.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            if has_ended {
                after_end += count as u64;
            }
            let bytes = buffer.get(..count).unwrap_or_default();
            let fits = usize::try_from(LOG_MAX - kept).unwrap_or(usize::MAX).min(count);
            let written = file.write_all(bytes.get(..fits).unwrap_or_default());
            let fits = if written.is_ok() { fits } else { 0 };
            kept += fits as u64;
            left_out += (count - fits) as u64;
        } else if has_ended {
            break;
        }
        has_ended |= ended;
    }
    if left_out > 0 {
        // If the disk is full, the log says nothing of it either.
        let _ = writeln!(file, "\njailgen: {left_out} more bytes were printed and not kept");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(folder: &Path, name: &str, script: &str) -> Work {
        Work {
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            folder: folder.into(),
            log: folder.join(name),
        }
    }

    #[test]
    fn the_output_of_a_run_is_kept_within_a_bound() {
        let folder = tempfile::tempdir().unwrap();
        let runner = Runner::default();
        let Run::Ended(outcome) =
            runner.run(&work(folder.path(), "a", "echo out; echo err >&2; exit 7")).unwrap()
        else {
            panic!()
        };
        assert_eq!((outcome.status, outcome.signal), (Some(7), None));
        // A shell takes less than this program does.
        assert!(matches!(outcome.memory, Memory::AtMost(1..)));
        assert_eq!(fs::read(folder.path().join("a")).unwrap(), b"out\nerr\n");
        let much = "head -c 20000000 /dev/zero; kill -9 $$";
        let Run::Ended(outcome) = runner.run(&work(folder.path(), "a", much)).unwrap() else {
            panic!()
        };
        assert_eq!(outcome.signal, Some(9));
        let log = fs::read(folder.path().join("a")).unwrap();
        assert!(log.len() as u64 > LOG_MAX && (log.len() as u64) < LOG_MAX + 100);
        assert!(log.ends_with(b"3222784 more bytes were printed and not kept\n"));
        // A process that stays behind with the pipe is not waited for.
        let began = Instant::now();
        runner.run(&work(folder.path(), "b", "sleep 30 & exit 0")).unwrap();
        assert!(began.elapsed() < Duration::from_secs(20));
        // Nor is one that prints for ever.
        runner.run(&work(folder.path(), "c", "yes & exit 0")).unwrap();
    }

    #[test]
    fn a_run_whose_output_cannot_be_kept_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let much = work(folder.path(), "gone/a", "head -c 20000000 /dev/zero; sleep 1000");
        assert!(Runner::default().run(&much).is_err());
    }

    #[test]
    fn runs_are_stopped_and_no_more_are_begun() {
        let folder = tempfile::tempdir().unwrap();
        let runner = Runner::default();
        let mut runs = vec![None; 4];
        let each = |index: usize| {
            runner.run(&work(folder.path(), &index.to_string(), "echo; exec sleep 1000")).unwrap()
        };
        let began = |name: &str| fs::read(folder.path().join(name)).is_ok_and(|it| !it.is_empty());
        let look = || {
            if began("0") && began("1") {
                runner.stop(Signal::TERM);
            }
        };
        Runner::all(2, 4, each, |index, run| runs[index] = Some(run), look);
        let runs: Vec<Run> = runs.into_iter().flatten().collect();
        assert_eq!(runs, [Run::Stopped, Run::Stopped, Run::NotBegun, Run::NotBegun]);
    }
}
