//! The watcher: a process of its own next to a jail that runs. What cannot wait until the session
//! ends, it does at once: it reports a repository that was damaged, so that git on the host would
//! take another one ([`repository`]), and it moves aside what appears at a protected path
//! ([`guard`]).
//!
//! It is confined before it reads anything of the project, runs nothing, and follows no link. It
//! ends before the jail does where the jail has to end, and the stub, which ends it then, reports
//! that, whatever ended the watcher.

mod aliases;
mod budget;
mod events;
mod guard;
mod had;
mod judge;
mod known;
mod look;
mod moves;
mod queue;
mod removed;
mod replaced;
mod repository;
mod rights;
mod sweep;
#[cfg(test)]
mod tests;
mod verdict;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jail_plan::handoff::{APART, EVIDENCE};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, setrlimit};
use signal_hook::consts::SIGIO;

use self::events::{Event, Watches};
use self::guard::Guard;
use self::repository::Repository;
use super::place::Place;
use super::store::Store;
use super::{NextToJail, path_of, status};
use crate::follow::walls;
use crate::sys::landlock::{
    MAKE_DIR, MAKE_REG, MAKE_SPECIAL, MAKE_SYM, READ_DIR, READ_FILE, REMOVE_FILE, WRITE_FILE,
};

/// Of memory. What is protected is small, and one of it at a time is read.
const MEMORY_MAX: u64 = 512 << 20;

/// Next to a jail: `SOCKET FOLDER SINCE STATE [apart] [protect PATTERN…]`.
pub(crate) fn run(words: &[OsString]) -> ExitCode {
    let done = next_to_a_jail(words);
    let is_evidence = done.as_ref().is_err_and(replaced::is_evidence);
    let status = status("the watcher of the working folder", done);
    if is_evidence { ExitCode::from(EVIDENCE) } else { status }
}

fn next_to_a_jail(words: &[OsString]) -> io::Result<()> {
    let given = NextToJail::from_words(words)?;
    let is_apart = given.has(APART);
    let NextToJail { socket, folder, since, state, patterns, .. } = given;
    let path = path_of(&folder)?.into_os_string().into_vec();
    let store = match patterns.is_empty() {
        true => None,
        false => Some(Store::create(state, &path)?),
    };
    // A lease is asked for back by this signal, which would end the process.
    signal_hook::flag::register(SIGIO, Arc::default())?;
    confine(&folder, store.as_ref())?;
    let place = Place::new(folder, path);
    let mut watches = Watches::new()?;
    let repository = Repository::watch(&place, is_apart, since, &mut watches)?;
    let start = |store| Guard::start(&place, store, patterns, since, &mut watches);
    let guard = store.map(start).transpose()?;
    let mut watcher = Watcher { watches, repository, guard };
    tell(watcher.repository.look());
    watcher.accompany(&socket)
}

/// Gives up everything but reading the project; where something is protected, also moving what is
/// there to its own folder of records, and putting back what was there before.
fn confine(project: &OwnedFd, store: Option<&Store>) -> io::Result<()> {
    let most = Some(MEMORY_MAX);
    let read = READ_FILE | READ_DIR;
    let mut folders = vec![(project, read)];
    if let Some(store) = store {
        let moved = REMOVE_FILE | MAKE_REG | MAKE_SYM | MAKE_SPECIAL;
        folders = vec![(project, read | moved | MAKE_DIR | WRITE_FILE)];
        folders.push((store.folder(), read | WRITE_FILE | MAKE_REG | REMOVE_FILE));
    }
    let confined = walls::raise()
        .and_then(|()| setrlimit(Resource::Data, Rlimit { current: most, maximum: most }))
        .and_then(|()| walls::close(&folders, CALLS));
    confined.map_err(|error| {
        io::Error::other(format!("it cannot be confined: {}", io::Error::from(error)))
    })
}

/// What watching, looking and moving aside need besides what copying a file does.
const CALLS: &[libc::c_long] = &[
    libc::SYS_inotify_init1,
    libc::SYS_inotify_add_watch,
    libc::SYS_inotify_rm_watch,
    libc::SYS_openat2,
    libc::SYS_getdents64,
    libc::SYS_readlinkat,
    libc::SYS_renameat2,
    libc::SYS_mkdirat,
    libc::SYS_fchmodat,
    libc::SYS_flock,
    libc::SYS_fstatfs,
    libc::SYS_lseek,
    libc::SYS_geteuid,
    libc::SYS_getrandom,
    // Whether the messages go to a terminal.
    libc::SYS_ioctl,
];

/// What is watched, and what is known of it.
struct Watcher<'a> {
    watches: Watches,
    repository: Repository<'a>,
    guard: Option<Guard<'a>>,
}

impl Watcher<'_> {
    /// Until the jail has ended.
    ///
    /// # Errors
    /// The jail is to end: the reason.
    fn accompany(&mut self, socket: &OwnedFd) -> io::Result<()> {
        loop {
            let has_ended = self.wait(socket)?;
            while self.attend_to_events()? && has_ended {}
            if has_ended {
                return self.finish();
            }
            self.repository.check(Some(Instant::now()), &mut self.watches)?;
            if let Some(guard) = &mut self.guard {
                tell(guard.judge(Some(Instant::now()), &mut self.watches)?);
            }
            if self.watches.was_full() {
                tell(vec!["not all protected files can be watched (fs.inotify.max_user_watches, and 512 in one project): the rest is looked at once a second, and compared when the session ends".into()]);
            }
        }
    }

    /// The last look. What is missing is reported and kept, whatever it finds.
    fn finish(&mut self) -> io::Result<()> {
        let checked = self.repository.check(None, &mut self.watches);
        let Some(guard) = &mut self.guard else { return checked };
        let judged = guard.judge(None, &mut self.watches).map(tell);
        tell(guard.finish()?);
        judged.and(checked)
    }

    /// Takes what has happened, up to a bound: whether there was something.
    fn attend_to_events(&mut self) -> io::Result<bool> {
        let events = self.watches.read()?;
        events.iter().try_for_each(|event| self.attend(event))?;
        Ok(!events.is_empty())
    }

    fn attend(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::At { path, what } => {
                tell(self.repository.changed(path));
                if let Some(guard) = &mut self.guard {
                    guard.happened(path, *what, &mut self.watches);
                }
            }
            Event::Lost => {
                tell(self.repository.look());
                if let Some(guard) = &mut self.guard {
                    guard.looks.lost()?;
                }
            }
        }
        Ok(())
    }

    /// Waits until something has changed or is due, or the jail has ended: whether it has. The
    /// process at the other end was killed, or says so.
    fn wait(&self, socket: &OwnedFd) -> io::Result<bool> {
        let mut polled =
            [PollFd::new(socket, PollFlags::IN), PollFd::new(self.watches.source(), PollFlags::IN)];
        loop {
            let next = self.guard.as_ref().map(Guard::next);
            let next = next.into_iter().chain(self.repository.next()).min();
            let rest = next.map(|next| next.saturating_duration_since(Instant::now()));
            // poll(2) counts in milliseconds, and would come too early.
            let rest = rest.map(|rest| rest + Duration::from_millis(1));
            let rest = rest.and_then(|rest| Timespec::try_from(rest).ok());
            match poll(&mut polled, rest.as_ref()) {
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
                Ok(_) => break,
            }
        }
        let [socket, _] = &polled;
        Ok(!socket.revents().is_empty())
    }
}

/// Prints lines at once. The terminal may be in raw mode, in which a line feed alone does not go
/// back to the first column.
fn tell(lines: impl IntoIterator<Item = String>) {
    let mut out = io::stderr();
    let end = if out.is_terminal() { "\r\n" } else { "\n" };
    for line in lines {
        // The session goes on if there is no reader any more.
        let _ = write!(out, "jailgen: {line}{end}");
    }
}
