//! One way to launch, and what was measured of it.

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The folder that launches start in.
pub(crate) const PROJECT: &str = "project";

/// A launch that takes longer than this runs in some rounds only.
const SLOW: Duration = Duration::from_millis(300);
const SLOW_ROUNDS: usize = 5;

/// The kernel takes namespaces and mounts down after the launcher has returned, in no less time
/// than it made them; and no less than this.
const PAUSE: Duration = Duration::from_millis(10);

/// What one launch took: to the payload's first instruction, and to the return.
#[derive(Clone, Copy)]
pub(crate) struct Taken {
    pub(crate) ready: Duration,
    pub(crate) back: Duration,
}

/// One way to launch.
pub(crate) struct Contender {
    pub(crate) name: String,
    folder: PathBuf,
    command: Vec<OsString>,
    /// Who launches, where that is not the caller.
    user: Option<u32>,
    /// By round; nothing where it was left out.
    pub(crate) taken: Vec<Option<Taken>>,
}

impl Contender {
    pub(crate) fn new(
        name: impl Into<String>,
        command: Vec<OsString>,
        folder: &Path,
        user: Option<u32>,
    ) -> Self {
        Self { name: name.into(), folder: folder.into(), command, user, taken: Vec::new() }
    }

    /// Launches once, and waits until it cannot disturb the next one any more.
    pub(crate) fn run(&mut self) {
        let is_slow =
            self.taken.first().is_some_and(|taken| taken.is_some_and(|it| it.back > SLOW));
        if is_slow && !self.taken.len().is_multiple_of(SLOW_ROUNDS) {
            self.taken.push(None);
            return;
        }
        let taken = self.launch();
        self.taken.push(Some(taken));
        std::thread::sleep(taken.back.max(PAUSE));
    }

    /// The first launch writes down what later ones find, so it is not counted.
    pub(crate) fn warm_up(&self) {
        self.launch();
    }

    fn launch(&self) -> Taken {
        let (program, arguments) = self.command.split_first().expect("a program");
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.folder.join(PROJECT))
            .env("HOME", self.folder.join("home"))
            .env_remove("XDG_STATE_HOME")
            .env_remove("XDG_CONFIG_HOME")
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        let begin = Instant::now();
        let mut child = command.spawn().expect("the launcher runs");
        let mut byte = [0];
        let mut output = child.stdout.take().expect("a pipe");
        output
            .read_exact(&mut byte)
            .unwrap_or_else(|_| panic!("{}: the payload did not run", self.name));
        let ready = begin.elapsed();
        assert!(child.wait().expect("it ends").success(), "{}", self.name);
        Taken { ready, back: begin.elapsed() }
    }
}
