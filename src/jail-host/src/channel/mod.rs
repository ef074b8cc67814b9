//! Channels: programs inside have scripts run on the host. What comes over the socket was written
//! by what runs in the jail; it is data, bounded, and reaches scripts as arguments and input only.

mod browser;
mod call;
pub(crate) mod client;
mod frame;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jail_plan::helper::OPENER;
use rustix::net::{Shutdown, shutdown};

use frame::Asked;

use crate::surroundings::Surroundings;

/// How many calls run at one time; more wait for their turn.
const CALLS_MAX: usize = 64;

/// How long a caller may take to send its request.
const PATIENCE: Duration = Duration::from_secs(10);

/// What answers a channel.
#[derive(Clone, Debug)]
pub(crate) enum Handler {
    /// A script, in this shell.
    Script {
        shell: String,
        /// The text of the script.
        script: String,
    },
    /// The user's browser.
    Browser,
}

/// The channels of a launch. Nothing answers before [`Channels::open`].
#[derive(Default)]
pub(crate) struct Channels {
    handlers: HashMap<String, Handler>,
    open: Option<Open>,
}

struct Open {
    listener: OwnedFd,
    accepting: JoinHandle<()>,
    turns: Arc<Turns>,
}

impl Channels {
    /// Adds a channel. Of two with one name, the later one counts.
    pub(crate) fn add(&mut self, name: &str, handler: Handler) {
        self.handlers.insert(name.into(), handler);
    }

    /// Adds the channel that opens web addresses.
    pub(crate) fn add_browser(&mut self) {
        self.add(OPENER, Handler::Browser);
    }

    /// Starts answering. `surroundings` are those of the handlers.
    pub(crate) fn open(&mut self, listener: OwnedFd, surroundings: Surroundings) -> io::Result<()> {
        let socket = UnixListener::from(listener.try_clone()?);
        let turns = Arc::new(Turns::default());
        let shared =
            Arc::new(Shared { handlers: std::mem::take(&mut self.handlers), surroundings });
        let theirs = Arc::clone(&turns);
        let accepting =
            std::thread::Builder::new().spawn(move || accept(&socket, &shared, &theirs))?;
        self.open = Some(Open { listener, accepting, turns });
        Ok(())
    }

    /// The jail has ended: no call is answered any more, and running ones end with their callers.
    pub(crate) fn close(&mut self) {
        let Some(Open { listener, accepting, turns }) = self.open.take() else { return };
        // This ends the accept(2) that the other thread waits in.
        let _ = shutdown(listener.as_fd(), Shutdown::Both);
        let _ = accepting.join();
        turns.end_all();
    }
}

/// What every call needs.
pub(crate) struct Shared {
    handlers: HashMap<String, Handler>,
    surroundings: Surroundings,
}

fn accept(socket: &UnixListener, shared: &Arc<Shared>, turns: &Arc<Turns>) {
    loop {
        let caller = match socket.accept() {
            Ok((caller, _)) => caller,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // Out of descriptors, for example: the caller waits, and so does this.
            Err(error) if error.raw_os_error() != Some(EINVAL) => {
                std::thread::sleep(Duration::from_millis(100));
                continue;
            }
            Err(_) => return,
        };
        let Ok(turn) = Turn::take(turns, &caller) else { continue };
        let shared = Arc::clone(shared);
        // Without a thread for it, the call ends here, as its socket does.
        let _ = std::thread::Builder::new().spawn(move || {
            let _turn = turn;
            // A caller that breaks off gets no answer.
            let _ = answer(caller, &shared);
        });
    }
}

/// The error of accept(2) on a socket that was shut down.
const EINVAL: i32 = 22;

fn answer(caller: UnixStream, shared: &Shared) -> io::Result<()> {
    caller.set_read_timeout(Some(PATIENCE))?;
    caller.set_write_timeout(None)?;
    let asked = match frame::asked(&caller) {
        Ok(asked) => asked,
        Err(error) => {
            return frame::refuse(&caller, &format!("the request cannot be read: {error}"));
        }
    };
    caller.set_read_timeout(None)?;
    let Asked { name, arguments } = asked;
    match shared.handlers.get(&name) {
        Some(Handler::Script { shell, script }) => {
            call::run(&caller, shell, script, &name, &arguments, &shared.surroundings)
        }
        Some(Handler::Browser) => match browser::open(&arguments, &shared.surroundings) {
            Ok(status) => frame::exit(&caller, status),
            Err(why) => frame::refuse(&caller, &why),
        },
        None => frame::refuse(&caller, "the jail has no such channel"),
    }
}

/// The calls under way.
#[derive(Default)]
struct Turns {
    taken: Mutex<Taken>,
    changed: Condvar,
}

#[derive(Default)]
struct Taken {
    callers: BTreeMap<u64, UnixStream>,
    next: u64,
}

impl Turns {
    /// Breaks off all calls, and waits until their scripts have ended. Their callers are gone
    /// already, except in a jail that shares the host's processes.
    fn end_all(&self) {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        for caller in taken.callers.values() {
            let _ = caller.shutdown(std::net::Shutdown::Both);
        }
        let none = self.changed.wait_while(taken, |taken| !taken.callers.is_empty());
        drop(none.unwrap_or_else(PoisonError::into_inner));
    }
}

/// One of the places, which is returned when it is dropped, also by a thread that panics.
struct Turn {
    turns: Arc<Turns>,
    number: u64,
}

impl Turn {
    fn take(turns: &Arc<Turns>, caller: &UnixStream) -> io::Result<Self> {
        let caller = caller.try_clone()?;
        let taken = turns.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let free = turns.changed.wait_while(taken, |taken| taken.callers.len() >= CALLS_MAX);
        let mut free = free.unwrap_or_else(PoisonError::into_inner);
        let number = free.next;
        free.next += 1;
        free.callers.insert(number, caller);
        Ok(Self { turns: Arc::clone(turns), number })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut taken = self.turns.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.callers.remove(&self.number);
        self.turns.changed.notify_all();
    }
}

#[cfg(test)]
mod tests;
