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
use crate::{Call, Ended, Error, STUB};

pub(crate) struct Tracer {
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
}

impl Tracer {
    /// Takes hold of the stub, which has not begun yet, and lets it begin.
    pub(crate) fn seize(child: Child) -> Result<Self, Error> {
        let stub = child.process();
        if let Err(error) = sys::seize(stub) {
            child.abandon();
            let forbidden = error.kind() == io::ErrorKind::PermissionDenied;
            return Err(if forbidden { Error::Forbidden(error) } else { Error::Io(error) });
        }
        child.go().map_err(Error::Io)?;
        Ok(Self { stub, followed: HashMap::new(), early: Vec::new() })
    }

    /// Follows until the stub has ended.
    pub(crate) fn follow(mut self, report: &mut dyn FnMut(&Call<'_>)) -> Result<Ended, Error> {
        loop {
            match sys::wait().map_err(Error::Io)? {
                Waited::Ended(process, ended) if process == self.stub => return Ok(ended),
                Waited::Ended(process, _) => {
                    self.followed.remove(&process);
                }
                Waited::Stopped(process, stop) if process == self.stub => self.stub(stop),
                Waited::Stopped(process, stop) => self.stopped(process, stop, report),
            }
        }
    }

    /// The supervisor has stopped.
    fn stub(&mut self, stop: Stop) {
        match stop {
            Stop::Child => {
                let program = Rc::from(STUB);
                let first = Process { program, filtered: false, loading: false, first: true };
                self.adopt(self.stub, first);
                sys::detach(self.stub);
            }
            Stop::Group => sys::resume(self.stub, Resume::Listen),
            Stop::Signal(signal) => sys::resume(self.stub, Resume::With(signal)),
            Stop::Call | Stop::Executed | Stop::Nothing => {
                sys::resume(self.stub, Resume::With(0));
            }
        }
    }

    fn stopped(&mut self, process: i32, stop: Stop, report: &mut dyn FnMut(&Call<'_>)) {
        let Some(state) = self.followed.get_mut(&process) else {
            self.early.push(process);
            return;
        };
        if std::mem::take(&mut state.first) {
            sys::follow_children(process);
        }
        let state = state.clone();
        match stop {
            Stop::Call => self.call(process, report),
            Stop::Child => self.adopt(process, state),
            Stop::Executed => self.executed(process),
            Stop::Group => return sys::resume(process, Resume::Listen),
            Stop::Signal(signal) => return sys::resume(process, Resume::ToCall(signal)),
            Stop::Nothing => {}
        }
        sys::resume(process, Resume::ToCall(0));
    }

    /// A process has a child, which starts as what its parent is.
    fn adopt(&mut self, parent: i32, state: Process) {
        let Some(child) = sys::message(parent) else { return };
        self.followed.insert(child, state);
        if let Some(at) = self.early.iter().position(|early| *early == child) {
            self.early.swap_remove(at);
            self.stopped(child, Stop::Nothing, &mut |_| {});
        }
    }

    fn call(&mut self, process: i32, report: &mut dyn FnMut(&Call<'_>)) {
        let (Some(state), Some(entered)) = (self.followed.get_mut(&process), sys::call(process))
        else {
            return;
        };
        match entered {
            Entered::Call { arch, number, arguments } => {
                state.loading = sys::loads_filter(number, &arguments);
                if state.filtered {
                    report(&Call { program: &state.program, arch, number, arguments });
                }
            }
            Entered::Left { failed } => {
                state.filtered |= state.loading && !failed;
                state.loading = false;
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
