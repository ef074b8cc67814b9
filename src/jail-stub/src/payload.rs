//! The payload: its command line and environment, and the last steps of the
//! process that becomes it.

use alloc::ffi::CString;
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicI32, Ordering};

use jail_plan::{Argument, EnvOp, Missing, Plan, Step, Terminal};
use rustix::fd::OwnedFd;
use rustix::fs::Mode;
use rustix::io::Errno;

use crate::caller::{Caller, unset};
use crate::failure::{EXIT_NOT_EXECUTABLE, EXIT_NOT_FOUND, Problem};
use crate::message::Message;
use crate::namespaces;
use crate::sys::{self, SignalSet, Standard, StringList};
use crate::terminal::Own;

/// What is executed.
pub(crate) struct Command {
    pub(crate) program: CString,
    arguments: Vec<CString>,
    environment: Vec<CString>,
}

impl Command {
    /// The command of `plan` for this launch; a failure names the entry of the plan that wanted it.
    pub(crate) fn from_plan<'a>(
        plan: &'a Plan,
        caller: &Caller<'_>,
    ) -> Result<Self, (&'a str, Problem)> {
        let arguments = arguments(plan, caller).map_err(|problem| ("", problem))?;
        let program = match arguments.first() {
            Some(program) if program.to_bytes().starts_with(b"/") => program.clone(),
            Some(program) => {
                let cause = "the program is not an absolute path";
                return Err(("", Problem::new(program.as_c_str(), cause)));
            }
            None => return Err(("", Problem::new("", "the plan names no program"))),
        };
        let environment = environment(plan, caller)?;
        Ok(Self { program, arguments, environment })
    }
}

fn arguments(plan: &Plan, caller: &Caller<'_>) -> Result<Vec<CString>, Problem> {
    let mut words = Vec::new();
    for argument in &plan.argv {
        match argument {
            Argument::Text(text) => words.push(string(caller.expand(text)?.into_bytes())?),
            Argument::All => words.extend(caller.arguments.iter().map(|word| CString::from(*word))),
        }
    }
    Ok(words)
}

fn environment<'a>(
    plan: &'a Plan,
    caller: &Caller<'_>,
) -> Result<Vec<CString>, (&'a str, Problem)> {
    let mut entries = Vec::with_capacity(plan.env.len());
    for Step { by, op } in &plan.env {
        let by = by.as_str();
        match op {
            EnvOp::Set(set) => {
                let value = caller.expand(&set.value).map_err(|problem| (by, problem))?;
                entries.push(entry(&set.name, value.as_bytes()).map_err(|problem| (by, problem))?);
            }
            EnvOp::Forward(forward) => match (caller.value(&forward.name), forward.missing) {
                (Some(value), _) => {
                    entries.push(entry(&forward.name, value).map_err(|problem| (by, problem))?);
                }
                (None, Missing::Skip) => {}
                (None, Missing::Fail) => {
                    let problem = unset(&forward.name, &forward.name);
                    return Err((
                        by,
                        problem.help("set it before the launch, or forward it with `try-fwd-env`"),
                    ));
                }
            },
        }
    }
    Ok(entries)
}

fn entry(name: &str, value: &[u8]) -> Result<CString, Problem> {
    string([name.as_bytes(), b"=", value].concat())
}

fn string(bytes: Vec<u8>) -> Result<CString, Problem> {
    CString::new(bytes).map_err(|error| {
        Problem::new(&*String::from_utf8_lossy(&error.into_vec()), "it contains a NUL byte")
    })
}

/// What the process that becomes the payload still does itself.
pub(crate) struct Last<'a> {
    pub(crate) command: &'a Command,
    /// The variables that the broker sends. Each replaces one of the same name.
    pub(crate) variables: &'a [CString],
    pub(crate) terminal: Terminal,
    /// The jail's own terminal, which replaces those of the launcher.
    pub(crate) own_terminal: Option<&'a Own>,
    /// Whether the payload's group takes the terminal, which is the standard input.
    pub(crate) takes_terminal: bool,
    /// Whether it ends with its parent: needed if the parent is not the init of a PID namespace.
    pub(crate) ends_with_parent: bool,
    pub(crate) channel: &'a OwnedFd,
    /// The signals that the launcher had blocked, and its file mode mask.
    pub(crate) mask: SignalSet,
    pub(crate) umask: Mode,
}

impl Last<'_> {
    fn environment(&self) -> impl Iterator<Item = &CString> {
        let own = self.command.environment.iter();
        let is_given = |one: &&CString| self.variables.iter().any(|given| name(given) == name(one));
        own.filter(move |one| !is_given(one)).chain(self.variables)
    }
}

fn name(entry: &CString) -> Option<&[u8]> {
    entry.to_bytes().split(|byte| *byte == b'=').next()
}

struct Running<'a> {
    last: &'a Last<'a>,
    arguments: StringList<'a>,
    environment: StringList<'a>,
    error: AtomicI32,
}

/// Starts the payload, and returns its process.
pub(crate) fn start(last: &Last<'_>) -> Result<i32, Problem> {
    // Both processes share their memory until the exec, so what the child finds out is read here.
    let running = Running {
        last,
        arguments: StringList::new(last.command.arguments.iter().map(CString::as_c_str)),
        environment: StringList::new(last.environment().map(CString::as_c_str)),
        error: AtomicI32::new(0),
    };
    let mut stack = Vec::with_capacity(4096);
    let pid = sys::spawn(stack.spare_capacity_mut(), become_payload, &running)
        .map_err(namespaces::not_started)?;
    match running.error.load(Ordering::SeqCst) {
        0 => Ok(pid),
        error => Err(not_executed(last.command, Errno::from_raw_os_error(error))),
    }
}

/// Runs in the child, with the parent's memory and a stack of its own.
fn become_payload(running: &Running<'_>) -> ! {
    let error = match prepare(running.last) {
        Ok(()) => {
            sys::replace(&running.last.command.program, &running.arguments, &running.environment)
        }
        Err(error) => error,
    };
    running.error.store(error.raw_os_error(), Ordering::SeqCst);
    sys::exit(i32::from(EXIT_NOT_EXECUTABLE))
}

fn prepare(last: &Last<'_>) -> Result<(), Errno> {
    if last.ends_with_parent {
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    }
    // It has a group of its own, so `kill 0` inside reaches no process outside.
    rustix::process::setpgid(None, None)?;
    take_terminal(last)?;
    Message::Started.send(last.channel)?;
    #[expect(
        unsafe_code,
        reason = "only this function knows that the process has no further use for them"
    )]
    // SAFETY: this process has a table of descriptors of its own. What follows in it uses the
    // standard ones alone, and it ends by execve(2) or `exit`, which run no destructors.
    unsafe { sys::close_descriptors(3, u32::MAX) }?;
    rustix::process::umask(last.umask);
    sys::set_mask(last.mask).map(drop)
}

/// Takes the terminal, or leaves it: this process is in its session by birth.
fn take_terminal(last: &Last<'_>) -> Result<(), Errno> {
    match (last.terminal, last.own_terminal) {
        (Terminal::NewSession, Some(terminal)) => return terminal.leave(),
        (Terminal::Keep, Some(terminal)) if last.takes_terminal => {
            terminal.give(sys::own_group());
        }
        (Terminal::Shared, _) if last.takes_terminal => {
            // SIGTTOU is blocked here, so this is allowed from the background. Another process
            // may have taken the terminal meanwhile; then the payload is stopped at its first
            // read and asks for it again.
            let group = sys::own_group();
            let _ = sys::set_foreground_group(sys::standard(Standard::Input), group);
        }
        (Terminal::Keep | Terminal::NewSession | Terminal::Shared, _) => {}
    }
    Ok(())
}

fn not_executed(command: &Command, error: Errno) -> Problem {
    let program = command.program.as_c_str();
    let problem = Problem::errno(program, error);
    match error {
        Errno::NOENT => problem
            .exit(EXIT_NOT_FOUND)
            .help("it does not exist in the jail, or its interpreter or loader does not: grant it with what it needs, as in `(readonly \"/usr\")`"),
        _ => problem.exit(EXIT_NOT_EXECUTABLE),
    }
}
