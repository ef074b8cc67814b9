//! A launch, from the helper's side: before it, during it, and after it, however it ended.

mod profile;

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use jail_plan::helper::{Answer, Learned, Refusal, Request};
use jail_plan::{HostOp, Plan, Step, Wrapper};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use crate::channel::{Channels, Handler};
use crate::scripts::Scripts;
use crate::surroundings::{Project, Surroundings};
use crate::talk::refusal;
use crate::{bus, git, say, sys, talk};

/// Runs from the stub's first message to the last cleanup.
pub(crate) fn run(socket: &OsStr, listener: &OsStr, arguments: &[OsString]) -> ExitCode {
    let listener = sys::descriptor(listener);
    let Some(stub) = sys::descriptor(socket).map(UnixStream::from) else {
        say("the stub has left no socket open for it");
        return ExitCode::FAILURE;
    };
    match Project::leave().and_then(|project| serve(stub, listener, arguments, &Arc::new(project)))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn serve(
    mut stub: UnixStream,
    listener: Option<OwnedFd>,
    arguments: &[OsString],
    project: &Arc<Project>,
) -> io::Result<()> {
    let terminated = outlive_signals()?;
    let Some(Request::Wrapper(wrapper)) = talk::hear(&mut stub)? else {
        return Err(io::Error::other("the stub did not begin with the wrapper"));
    };
    let program =
        interpreter(&wrapper).ok_or_else(|| io::Error::other("the wrapper has no head"))?;
    let wrapper = Wrapper::parse(&wrapper).map_err(|error| io::Error::other(error.to_string()))?;
    let mut session = Session {
        scripts: Scripts::new(&wrapper.plan, arguments, project),
        project,
        plan: &wrapper.plan,
        channels: Channels::default(),
        stub: program,
        proxies: Vec::new(),
        listener,
        terminated: &terminated,
    };
    while let Some(request) = talk::hear(&mut stub)? {
        match request {
            Request::Perform(index) => {
                let answer = match session.perform(index, &mut stub) {
                    Ok(learned) => Answer::Done(learned),
                    Err(refusal) => Answer::Failed(refusal),
                };
                talk::tell(&mut stub, &answer)?;
            }
            Request::Started => session.started(),
            // It came when what it should end had ended already.
            Request::Interrupt(_) => {}
            Request::Wrapper(_) => return Err(io::Error::other("the stub sent two wrappers")),
        }
    }
    session.finish(|by| wrapper.place(by));
    Ok(())
}

/// The signal that ends the launch does not end its helper, which has work to do afterwards. This
/// is a handler and not "ignored", because programs started from here would inherit that. SIGTERM
/// is recorded: it ends a cleanup that hangs.
fn outlive_signals() -> io::Result<Arc<AtomicBool>> {
    let terminated = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(SIGTERM, Arc::clone(&terminated))?;
    for signal in [SIGHUP, SIGINT, SIGQUIT] {
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))?;
    }
    Ok(terminated)
}

/// The program that the wrapper's first line names.
fn interpreter(wrapper: &[u8]) -> Option<PathBuf> {
    let line = wrapper.split(|byte| *byte == b'\n').next()?.strip_prefix(b"#!")?;
    std::str::from_utf8(line).ok().map(PathBuf::from)
}

/// What a launch has under way on the host.
struct Session<'a> {
    plan: &'a Plan,
    project: &'a Arc<Project>,
    scripts: Scripts<'a>,
    channels: Channels,
    /// The program that runs this launch.
    stub: PathBuf,
    proxies: Vec<bus::Proxy>,
    listener: Option<OwnedFd>,
    terminated: &'a AtomicBool,
}

impl Session<'_> {
    /// Does one operation of `before`. Each kind of work has a file of its
    /// own; this only selects it.
    fn perform(&mut self, index: u32, stub: &mut UnixStream) -> Result<Learned, Refusal> {
        let step = usize::try_from(index).ok().and_then(|index| self.plan.before.get(index));
        let Some(Step { by, op }) = step else {
            return Err(refusal("", "the plan has no such operation"));
        };
        match op {
            HostOp::Bus(op) => {
                let (learned, proxy) = bus::start((op, by), self.plan, &self.stub)?;
                self.proxies.extend(proxy);
                Ok(learned)
            }
            HostOp::Script(op) => self.scripts.run(&op.script, by, stub, self.terminated),
            HostOp::Channel(op) => {
                let shell = self.scripts.program().unwrap_or_default().to_owned();
                self.channels.add(&op.name, Handler::Script { shell, script: op.script.clone() });
                Ok(Learned::default())
            }
            HostOp::GitIdentity(to) => {
                git::identity::write(to, self.project.path()).map(|()| Learned::default())
            }
            HostOp::LoginProfile(to) => {
                profile::write(to, &self.plan.env).map(|()| Learned::default())
            }
            HostOp::OpenUrls => {
                self.channels.add_browser();
                Ok(Learned::default())
            }
            HostOp::RefuseFolder(_)
            | HostOp::EnterProject
            | HostOp::StateDirectory(_)
            | HostOp::StateFile(_)
            | HostOp::StateLink(_)
            | HostOp::FilterTerminal
            | HostOp::HandOff(_) => Err(refusal("", "the stub does this operation itself")),
        }
    }

    /// The payload runs.
    fn started(&mut self) {
        let Some(listener) = self.listener.take() else { return };
        let surroundings = Surroundings::of_handlers(self.project, self.scripts.environment());
        if let Err(error) = self.channels.open(listener, surroundings) {
            say(&format!("channels do not answer: {error}"));
        }
    }

    /// The payload has ended, or never ran.
    fn finish(mut self, place: impl Fn(&str) -> Option<String>) {
        self.channels.close();
        self.proxies.into_iter().for_each(bus::Proxy::end);
        self.scripts.clean(&self.plan.after, self.terminated, place);
    }
}
