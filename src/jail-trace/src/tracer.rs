//! Which processes are followed, and what is done each time that the kernel stops one of them.
//!
//! The stub's supervisor is released as soon as it has made the jail's init: it is not in the jail,
//! and programs that it starts (newuidmap, which is set-user-ID) would lose their rights under a
//! tracer. Everything else descends from the init, and the kernel attaches descendants by itself.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::rc::Rc;

use crate::sys::{self, Child, Entered, Resume, Stop, Waited};
use crate::watched::{Interest, Process as Stopped, Watcher};
use crate::{Call, Ended, Error, STUB};

/// Which calls are seen.
pub(crate) enum Seen<'a> {
    /// Every call, as it is entered.
    Every(&'a mut dyn FnMut(&Call<'_>)),
    /// Those at which a filter stops.
    Stopping(&'a mut dyn Watcher),
}

impl Seen<'_> {
    pub(crate) fn started(&mut self, supervisor: i32) {
        match self {
            Self::Every(_) => {}
            Self::Stopping(watcher) => watcher.started(supervisor),
        }
    }

    /// How a process goes on that nothing is awaited of.
    fn on(&self, signal: i32) -> Resume {
        match self {
            Self::Every(_) => Resume::ToCall(signal),
            Self::Stopping(_) => Resume::With(signal),
        }
    }
}

pub(crate) struct Tracer<'a> {
    seen: Seen<'a>,
    /// The supervisor, which is this process's child.
    stub: i32,
    followed: HashMap<i32, Process>,
    /// Processes that have stopped before their parents' stop has said whose they are.
    early: Vec<i32>,
}

#[derive(Clone)]
struct Process {
    program: Rc<str>,
    /// It is under the filters of the plan.
    filtered: bool,
    /// It is about to load a filter.
    loading: bool,
    /// It is the jail's init, and has not run yet.
    first: bool,
    /// It is in a call at which a filter has stopped it, and the result is of interest.
    inside: bool,
}

impl<'a> Tracer<'a> {
    /// Takes hold of the stub, which has not begun yet, and lets it begin.
    pub(crate) fn seize(child: Child, seen: Seen<'a>) -> Result<Self, Error> {
        let stub = child.process();
        if let Err(error) = sys::seize(stub) {
            child.abandon();
            let forbidden = error.kind() == io::ErrorKind::PermissionDenied;
            return Err(if forbidden { Error::Forbidden(error) } else { Error::Io(error) });
        }
        child.go().map_err(Error::Io)?;
        Ok(Self { seen, stub, followed: HashMap::new(), early: Vec::new() })
    }

    /// Follows until the stub has ended.
    pub(crate) fn follow(mut self) -> Result<Ended, Error> {
        loop {
            match sys::wait().map_err(Error::Io)? {
                Waited::Ended(process, ended) if process == self.stub => return Ok(ended),
                Waited::Ended(process, _) => {
                    self.followed.remove(&process);
                    if let Seen::Stopping(watcher) = &mut self.seen {
                        watcher.gone(process);
                    }
                }
                Waited::Stopped(process, stop) if process == self.stub => self.stub(stop),
                Waited::Stopped(process, stop) => self.stopped(process, stop),
            }
        }
    }

    /// The supervisor has stopped.
    fn stub(&mut self, stop: Stop) {
        match stop {
            Stop::Child => {
                let program = Rc::from(STUB);
                let first = Process {
                    program,
                    filtered: false,
                    loading: false,
                    first: true,
                    inside: false,
                };
                self.adopt(self.stub, first);
                sys::detach(self.stub);
            }
            Stop::Group => sys::resume(self.stub, Resume::Listen),
            Stop::Signal(signal) => sys::resume(self.stub, Resume::With(signal)),
            Stop::Call | Stop::Filter | Stop::Executed | Stop::Nothing => {
                sys::resume(self.stub, Resume::With(0));
            }
        }
    }

    fn stopped(&mut self, process: i32, stop: Stop) {
        let Some(state) = self.followed.get_mut(&process) else {
            self.early.push(process);
            return;
        };
        if std::mem::take(&mut state.first) {
            match self.seen {
                Seen::Every(_) => sys::follow_children(process),
                Seen::Stopping(_) => sys::follow_filters(process),
            }
        }
        let state = state.clone();
        let signal = match stop {
            Stop::Signal(signal) => signal,
            Stop::Call | Stop::Filter | Stop::Child | Stop::Executed | Stop::Nothing => 0,
            Stop::Group => return sys::resume(process, Resume::Listen),
        };
        match stop {
            Stop::Call => self.call(process),
            Stop::Filter => self.filter(process),
            Stop::Child => self.adopt(process, state),
            Stop::Executed => self.executed(process),
            Stop::Group | Stop::Signal(_) | Stop::Nothing => {}
        }
        let is_inside = self.followed.get(&process).is_some_and(|state| state.inside);
        let how = if is_inside { Resume::ToCall(signal) } else { self.seen.on(signal) };
        sys::resume(process, how);
    }

    /// A process has a child, which starts as what its parent is.
    fn adopt(&mut self, parent: i32, state: Process) {
        let Some(child) = sys::message(parent) else { return };
        self.followed.insert(child, Process { inside: false, ..state });
        if let Some(at) = self.early.iter().position(|early| *early == child) {
            self.early.swap_remove(at);
            self.stopped(child, Stop::Nothing);
        }
    }

    /// A filter has stopped a process on its way into a call.
    fn filter(&mut self, process: i32) {
        let Seen::Stopping(watcher) = &mut self.seen else { return };
        let (Some(state), Some(entered)) = (self.followed.get_mut(&process), sys::call(process))
        else {
            return;
        };
        if let Entered::Call { arch, number, arguments } = entered {
            let program = &state.program;
            let call = Call { program, arch, number, arguments };
            state.inside = watcher.entered(Stopped::new(process), &call) == Interest::Result;
        }
    }

    fn call(&mut self, process: i32) {
        let (Some(state), Some(entered)) = (self.followed.get_mut(&process), sys::call(process))
        else {
            return;
        };
        match (entered, &mut self.seen) {
            (Entered::Call { arch, number, arguments }, Seen::Every(report)) => {
                state.loading = sys::loads_filter(number, &arguments);
                if state.filtered {
                    report(&Call { program: &state.program, arch, number, arguments });
                }
            }
            (Entered::Left { result }, Seen::Every(_)) => {
                state.filtered |= state.loading && result >= 0;
                state.loading = false;
            }
            // A call that the kernel restarts is one that it has not entered again.
            (Entered::Call { .. }, Seen::Stopping(_)) => {}
            (Entered::Left { result }, Seen::Stopping(watcher)) => {
                if std::mem::take(&mut state.inside) {
                    watcher.left(Stopped::new(process), result);
                }
            }
        }
    }

    /// Another program runs. Where a thread that was not the first one has executed it, the kernel
    /// has given it the number of the first one.
    fn executed(&mut self, process: i32) {
        let before = sys::message(process).filter(|before| *before != process);
        let moved = before.and_then(|before| self.followed.remove(&before));
        if let Some(moved) = moved {
            self.followed.insert(process, moved);
        }
        if let (Some(state), Some(program)) = (self.followed.get_mut(&process), program(process)) {
            state.program = program;
        }
    }
}

/// The file name of what a process runs; of a script that is its interpreter.
fn program(process: i32) -> Option<Rc<str>> {
    let path = std::fs::read_link(format!("/proc/{process}/exe")).ok()?;
    Path::new(&path).file_name().map(|name| Rc::from(name.to_string_lossy().as_ref()))
}
