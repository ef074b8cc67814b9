//! A real terminal for tests: a pseudo-terminal with an interactive bash on it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::jail::Jail;

/// An interactive bash on a terminal of its own, in the project, with the wrapper in `$W`.
pub(crate) struct Shell {
    master: File,
    bash: Child,
    seen: String,
}

/// A terminal that is not the controlling terminal of any session.
pub(crate) struct Other {
    master: File,
    path: PathBuf,
}

impl Other {
    pub(crate) fn open(jail: &Jail) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).expect("a terminal");
        grantpt(&master).expect("for us");
        unlockpt(&master).expect("open");
        let name = ptsname(&master, Vec::new()).expect("its name");
        let path = PathBuf::from(name.to_str().expect("UTF-8"));
        std::os::unix::fs::chown(&path, jail.caller.uid, jail.caller.uid).expect("for the caller");
        Self { master: master.into(), path }
    }

    /// Where one types.
    pub(crate) fn master(&self) -> &File {
        &self.master
    }

    /// Opened where programs are, to be written to.
    pub(crate) fn side(&self, reads: bool) -> Stdio {
        let flags = OFlags::NOCTTY.bits().cast_signed();
        let file = File::options().read(reads).write(true).custom_flags(flags).open(&self.path);
        Stdio::from(file.expect("the terminal"))
    }

    pub(crate) fn modes(&self) -> String {
        modes(&self.master)
    }
}

impl Shell {
    pub(crate) fn start(jail: &Jail) -> Self {
        let terminal = Other::open(jail);
        let open = || terminal.side(true);
        let bash = jail
            // A signal that the test's own parent ignores, as a shell does for what runs in the
            // background, would stay ignored in all that is started here.
            .command("env")
            .args(["--default-signal", "setsid"])
            .env("W", jail.wrapper())
            .env("PS1", "% ")
            .args(["--ctty", "--wait", "bash", "--norc", "--noprofile", "-i"])
            .stdin(open())
            .stdout(open())
            .stderr(open())
            .spawn()
            .expect("bash");
        let mut shell = Self { master: terminal.master, bash, seen: String::new() };
        shell.expect("% ");
        shell
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).expect("it is typed");
    }

    /// Types a control key, a moment after what was seen last: a shell that gets it while it starts
    /// its next command loses it, or cannot stop (vfork(2)), in a jail or not.
    pub(crate) fn key(&mut self, key: &str) {
        std::thread::sleep(Duration::from_millis(300));
        self.send(key);
    }

    /// Types a line.
    pub(crate) fn line(&mut self, text: &str) {
        self.send(&format!("{text}\n"));
    }

    /// Waits until `text` has been written since the last wait.
    #[track_caller]
    pub(crate) fn expect(&mut self, text: &str) {
        let begin = Instant::now();
        loop {
            if let Some(at) = self.seen.find(text) {
                self.seen.drain(..at + text.len());
                return;
            }
            assert!(begin.elapsed() < Duration::from_secs(20), "no `{text}` in: {:?}", self.seen);
            self.read(Timespec { tv_sec: 0, tv_nsec: 100_000_000 });
        }
    }

    /// Waits until the shell is ready again. What is typed before the jail has ended is
    /// lost, unless it reads it.
    #[track_caller]
    pub(crate) fn prompt(&mut self) {
        self.expect("% ");
    }

    /// The status of the last command is this one.
    #[track_caller]
    pub(crate) fn status(&mut self, code: i32) {
        self.line("echo \"status\"-$?-");
        self.expect(&format!("status-{code}-"));
    }

    pub(crate) fn resize(&self, rows: u16, columns: u16) {
        let (ws_xpixel, ws_ypixel) = (columns * 8, rows * 16);
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel, ws_ypixel };
        tcsetwinsize(self.master.as_fd(), size).expect("resized");
    }

    /// Nothing is written for a moment.
    #[track_caller]
    pub(crate) fn is_silent(&mut self) {
        self.read(Timespec { tv_sec: 0, tv_nsec: 400_000_000 });
        assert_eq!(self.seen, "", "it is silent");
    }

    /// Everything that is written until `text` is, and that too.
    #[track_caller]
    pub(crate) fn until(&mut self, text: &str) -> String {
        self.until_with(text, Duration::ZERO)
    }

    /// The same, read so slowly that the terminal is full all the time.
    #[track_caller]
    pub(crate) fn slowly_until(&mut self, text: &str) -> String {
        self.until_with(text, Duration::from_millis(2))
    }

    #[track_caller]
    fn until_with(&mut self, text: &str, pause: Duration) -> String {
        let begin = Instant::now();
        let mut from = 0;
        loop {
            if let Some(at) = self.seen[from..].find(text) {
                return self.seen.drain(..from + at + text.len()).collect();
            }
            from = self.seen.len().saturating_sub(text.len());
            let last = String::from_utf8_lossy(&self.seen.as_bytes()[from.saturating_sub(200)..]);
            assert!(begin.elapsed() < Duration::from_secs(120), "no `{text}`, at last: {last:?}");
            std::thread::sleep(pause);
            self.read(Timespec { tv_sec: 0, tv_nsec: 100_000_000 });
        }
    }

    /// How the terminal is set now, as stty(1) says it.
    pub(crate) fn modes(&self) -> String {
        modes(&self.master)
    }

    fn read(&mut self, wait: Timespec) {
        let mut ready = [PollFd::new(&self.master, PollFlags::IN)];
        if poll(&mut ready, Some(&wait)).expect("a poll") > 0 {
            let mut bytes = [0; 4096];
            let count = self.master.read(&mut bytes).unwrap_or(0);
            self.seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    }
}

fn modes(master: &File) -> String {
    format!("{:?}", rustix::termios::tcgetattr(master).expect("its modes"))
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.bash.kill();
        let _ = self.bash.wait();
    }
}
