//! Carries a state file over: the host's file follows the one inside, and the other way round.
//!
//! A file that is bound is a mount, and nothing can be renamed over a mount: a program that writes
//! a new file and renames it would be refused (`EBUSY`). So the jail has a plain file, and this
//! process, which is outside, carries changes from one side to the other while the payload runs,
//! and once more when it has ended, whatever ended it.
//!
//! It reads what the jail has written, so it is a process of its own for each file, and
//! confined ([`walls`]) before it reads anything of it. It knows two folders, by
//! descriptors, and one name in each.

mod pair;
mod side;
pub(crate) mod walls;
mod watch;

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use jail_plan::follow::{Answer, Message, PACKET_MAX};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use self::pair::Pair;
use self::side::Fault;
use self::watch::Watch;
use crate::{packet, sys};

/// How long after a change it is carried over: a program that writes all the time must
/// not cost more than this.
const PAUSE: Duration = Duration::from_millis(200);

/// Runs from the first message to the last answer. This process prints nothing: its
/// stub reports how it ended.
pub(crate) fn run(socket: &OsStr) -> ExitCode {
    let Some(socket) = sys::descriptor(socket) else { return ExitCode::FAILURE };
    match serve(&socket) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve(socket: &OwnedFd) -> io::Result<()> {
    let first = walls::raise();
    let Some((Message::Outside(outside), Some(folder))) = hear(socket)? else {
        return Err(io::Error::other("the stub did not name the file of the host"));
    };
    let (is_new, inside) = match hear(socket)? {
        Some((Message::Inside { is_new }, Some(inside))) => (is_new, inside),
        // It was never put anywhere inside.
        Some((Message::Ended, None)) => return tell(socket, Answer::Done),
        None => return Ok(()),
        Some(_) => return Err(io::Error::other("the stub did not name the file inside")),
    };
    let watch = Watch::for_folders([&folder, &inside]);
    if let Err(error) = first.and_then(|()| walls::close_but_for([&folder, &inside])) {
        tell(socket, Answer::Unconfined(error.raw_os_error()))?;
        return idle(socket);
    }
    let Some(mut pair) = Pair::new(&outside, folder, inside) else {
        return Err(io::Error::other("the name of a file is not valid"));
    };
    match pair.put(is_new) {
        Ok(()) => tell(socket, Answer::Done)?,
        Err(fault) => {
            let answer = match fault {
                // Something is mounted at the place that the file would replace; or it has grown
                // meanwhile, or is another one.
                Fault::Failed(Errno::BUSY) | Fault::Large | Fault::Strange => Answer::Bound,
                Fault::Failed(error) => Answer::Failed(error.raw_os_error()),
            };
            tell(socket, answer)?;
            return idle(socket);
        }
    }
    follow(socket, &mut pair, &watch)
}

/// Runs until the jail has ended, and once more then.
fn follow(socket: &OwnedFd, pair: &mut Pair, watch: &Watch) -> io::Result<()> {
    let mut due = None;
    loop {
        match wait(socket, watch.source().filter(|_| due.is_none()), due)? {
            Event::Message => break,
            Event::Changed => due = Some(Instant::now() + PAUSE),
            Event::Due => {
                due = None;
                watch.drain();
                // A failure now is tried again at the end, and reported then.
                let _ = pair.carry();
            }
        }
    }
    let last = hear(socket)?;
    let answer = pair.finish().map_or_else(Fault::answer, |()| Answer::Done);
    match last {
        Some((Message::Ended, None)) => tell(socket, answer),
        // The stub and the jail's init were killed; there is no one left to answer.
        None => Ok(()),
        Some(_) => Err(io::Error::other("that was said already")),
    }
}

/// Waits until the jail has ended, for a file that is not carried over.
fn idle(socket: &OwnedFd) -> io::Result<()> {
    match hear(socket)? {
        Some(_) => tell(socket, Answer::Done),
        None => Ok(()),
    }
}

enum Event {
    /// A message has arrived, or the sender is gone.
    Message,
    /// Something has changed in one of the folders.
    Changed,
    /// It is time to check.
    Due,
}

fn wait(socket: &OwnedFd, changes: Option<&OwnedFd>, due: Option<Instant>) -> io::Result<Event> {
    loop {
        let rest = due.map(|due| due.saturating_duration_since(Instant::now()));
        if rest == Some(Duration::ZERO) {
            return Ok(Event::Due);
        }
        let rest = rest.and_then(|rest| Timespec::try_from(rest).ok());
        let sources = [Some(socket), changes].into_iter().flatten();
        let mut polled: Vec<_> = sources.map(|source| PollFd::new(source, PollFlags::IN)).collect();
        match poll(&mut polled, rest.as_ref()) {
            Err(Errno::INTR) | Ok(0) => continue,
            other => other?,
        };
        let has_message = polled.first().is_some_and(|socket| !socket.revents().is_empty());
        return Ok(if has_message { Event::Message } else { Event::Changed });
    }
}

/// The next packet, with its descriptor; `None` if the sender is gone.
fn hear(socket: &OwnedFd) -> io::Result<Option<(Message, Option<OwnedFd>)>> {
    packet::hear(socket, &mut [0; PACKET_MAX], Message::decode)
}

fn tell(socket: &OwnedFd, answer: Answer) -> io::Result<()> {
    packet::tell(socket, &answer.encode(), &[])
}
