//! The watcher: a process of its own next to a jail that runs. It reports at once what cannot wait until the session ends: a
//! repository that was damaged, so that git on the host would take another one ([`repository`]).
//!
//! It is confined before it reads anything of the project, runs nothing, and follows no link. When it ends before the jail does, the
//! stub reports that.

mod events;
mod repository;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::process::ExitCode;

use jail_plan::handoff::APART;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, setrlimit};

use self::events::{Event, Watches};
use self::repository::Repository;
use super::place::Place;
use super::{path_of, status};
use crate::follow::walls;
use crate::sys;
use crate::sys::landlock::{READ_DIR, READ_FILE};

/// Of memory. What it knows is bounded, so this is for faults.
const MEMORY_MAX: u64 = 64 << 20;

/// Next to a jail: `SOCKET FOLDER SINCE STATE [apart]`.
pub(crate) fn run(words: &[OsString]) -> ExitCode {
    status("the watcher of the working folder", next_to_a_jail(words))
}

fn next_to_a_jail(words: &[OsString]) -> io::Result<()> {
    let misspoken = || io::Error::other("the stub and the helper are not of one build");
    let [socket, folder, _since, _state, rest @ ..] = words else { return Err(misspoken()) };
    let socket = sys::descriptor(socket).ok_or_else(misspoken)?;
    let folder = sys::descriptor(folder).ok_or_else(misspoken)?;
    let is_apart = rest.iter().any(|word| word == APART);
    let path = path_of(&folder)?.into_os_string().into_vec();
    confine(&folder)?;
    let place = Place::new(folder, path);
    let mut watches = Watches::new()?;
    let repository = Repository::watch(&place, is_apart, &mut watches)?;
    Watcher { watches, repository }.accompany(&socket)
}

fn confine(project: &OwnedFd) -> io::Result<()> {
    let most = Some(MEMORY_MAX);
    let confined = walls::raise()
        .and_then(|()| setrlimit(Resource::Data, Rlimit { current: most, maximum: most }))
        .and_then(|()| walls::close(&[(project, READ_FILE | READ_DIR)], CALLS));
    confined.map_err(|error| {
        io::Error::other(format!("it cannot be confined: {}", io::Error::from(error)))
    })
}

/// What watching and looking need besides what copying a file does.
const CALLS: &[libc::c_long] = &[
    libc::SYS_inotify_init1,
    libc::SYS_inotify_add_watch,
    libc::SYS_inotify_rm_watch,
    libc::SYS_openat2,
    libc::SYS_getdents64,
    // Whether the messages go to a terminal.
    libc::SYS_ioctl,
];

/// What is watched, and what is known of it.
struct Watcher<'a> {
    watches: Watches,
    repository: Repository<'a>,
}

impl Watcher<'_> {
    /// Until the jail has ended.
    fn accompany(&mut self, socket: &OwnedFd) -> io::Result<()> {
        loop {
            let has_ended = self.wait(socket)?;
            for event in self.watches.read()? {
                tell(match event {
                    Event::At { path } => self.repository.changed(&path),
                    Event::Lost => self.repository.look(),
                });
            }
            if has_ended {
                return Ok(());
            }
        }
    }

    /// Waits until something has changed, or the jail has ended: whether it has. The process at the other end was killed, or says so.
    fn wait(&self, socket: &OwnedFd) -> io::Result<bool> {
        let mut polled =
            [PollFd::new(socket, PollFlags::IN), PollFd::new(self.watches.source(), PollFlags::IN)];
        loop {
            match poll(&mut polled, None) {
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
                Ok(_) => break,
            }
        }
        let [socket, _] = &polled;
        Ok(!socket.revents().is_empty())
    }
}

/// Prints lines at once. The terminal may be in raw mode, in which a line feed alone does not go back to the first column.
fn tell(lines: impl IntoIterator<Item = String>) {
    let mut out = io::stderr();
    let end = if out.is_terminal() { "\r\n" } else { "\n" };
    for line in lines {
        // The session goes on if there is no reader any more.
        let _ = write!(out, "jailgen: {line}{end}");
    }
}
