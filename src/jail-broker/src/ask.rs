//! Asks the user before a connection is refused, if the spec wants that: by a process that runs a
//! command on the host.
//!
//! The command gets a host's name and a port, which have no other characters than those of one. The
//! same question is never asked twice in a session.

#![expect(
    clippy::disallowed_methods,
    reason = "questions to the user are asked by programs of the host, with an environment of their own"
)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jail_egress::{Host, Refusal, Rule};
use rustix::process::{Signal, geteuid, set_parent_process_death_signal};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::Mutex;

use crate::connection::{self, Target};
use crate::log::Allowed;
use crate::session::Session;
use crate::sys::{self, Forked};

/// Ports of a name about which the user was not asked yet: those that a program may mean.
pub(crate) const PORTS: [u16; 3] = [443, 80, 22];

/// No connection is held longer, whatever the spec says.
const SECONDS_MAX: u16 = 30;

/// Where programs of the host are looked for. A jail can write to none of these.
const PATH: &str = "/run/current-system/sw/bin:/usr/local/bin:/usr/bin:/bin";

/// What grants a connection that the user allowed, in the log.
const BY: &str = "network-ask";

const YES: u8 = b'y';
const NO: u8 = b'n';

/// The process that asks, before the runtime is there.
pub(crate) struct Asker {
    line: StdUnixStream,
    time: Duration,
}

/// The broker's side.
pub(crate) struct Ask {
    line: Mutex<Line>,
    time: Duration,
    answers: RefCell<BTreeMap<String, bool>>,
}

/// The way to the process that asks. Answers come in the order of the questions.
struct Line {
    stream: UnixStream,
    /// The question whose answer comes next. The connection that it was asked for may have given
    /// up.
    asked: Option<String>,
}

impl Asker {
    /// Starts the process. This one must have one thread.
    pub(crate) fn start(ask: &jail_plan::Ask) -> io::Result<Self> {
        let time = Duration::from_secs(ask.seconds.min(SECONDS_MAX).into());
        let (line, theirs) = StdUnixStream::pair()?;
        match sys::fork()? {
            Forked::Child => {
                drop(line);
                // If no connection waits for the question any more, it is not answered.
                let _ = set_parent_process_death_signal(Some(Signal::KILL));
                serve(&theirs, &ask.command, time);
                sys::exit_now(0)
            }
            Forked::Parent => {}
        }
        line.set_nonblocking(true)?;
        Ok(Self { line, time })
    }
}

/// Asks one question after the other.
fn serve(line: &StdUnixStream, command: &[String], time: Duration) {
    let mut answers = line;
    for question in BufReader::new(line).lines().map_while(Result::ok) {
        let Some((host, port)) = question.split_once(' ') else { return };
        let answer = if ask(command, host, port, time) { YES } else { NO };
        if answers.write_all(&[answer]).is_err() {
            return;
        }
    }
}

fn ask(command: &[String], host: &str, port: &str, time: Duration) -> bool {
    let mut question = match command {
        [program, arguments @ ..] => {
            let mut question = Command::new(program);
            question.args(arguments).args([host, port]).stdout(Stdio::null());
            question
        }
        [] => notification(host, port, time),
    };
    question.env("PATH", PATH).stdin(Stdio::null()).stderr(Stdio::null());
    // Without the program the user cannot be asked.
    let Ok(mut asking) = question.spawn() else { return false };
    let deadline = Instant::now() + time;
    while Instant::now() < deadline {
        match asking.try_wait() {
            Ok(None) => std::thread::sleep(Duration::from_millis(20)),
            Ok(Some(status)) => {
                let mut chosen = String::new();
                if let Some(mut output) = asking.stdout.take() {
                    drop(io::Read::read_to_string(&mut output, &mut chosen));
                }
                return status.success() && (!command.is_empty() || chosen.trim() == "allow");
            }
            Err(_) => break,
        }
    }
    drop(asking.kill());
    drop(asking.wait());
    false
}

/// A notification with two buttons; the program says which one was pressed.
fn notification(host: &str, port: &str, time: Duration) -> Command {
    let mut command = Command::new("notify-send");
    command.args(["--app-name=jailgen", "--action=allow=Allow", "--action=deny=Deny", "--wait"]);
    command.arg(format!("--expire-time={}", time.as_millis()));
    command.arg(format!("May the jail connect to {host}, port {port}?"));
    let bus = format!("/run/user/{}/bus", geteuid().as_raw());
    if Path::new(&bus).exists() {
        command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={bus}"));
    }
    command.stdout(Stdio::piped());
    command
}

impl Ask {
    /// Takes the process over into the runtime.
    pub(crate) fn new(asker: Asker) -> io::Result<Self> {
        let line = Line { stream: UnixStream::from_std(asker.line)?, asked: None };
        Ok(Self { line: Mutex::new(line), time: asker.time, answers: RefCell::default() })
    }

    /// Whether the user allows it, and in time.
    async fn allows(&self, to: &Target) -> bool {
        let question = format!("{} {}\n", to.host, to.port);
        let known = || self.answers.borrow().get(&question).copied();
        if let Some(known) = known() {
            return known;
        }
        let mut line = self.line.lock().await;
        // The connection before may have given up, and what comes next is the answer to its
        // question.
        if line.asked.is_some() && self.answered(&mut line).await.is_err() {
            return false;
        }
        // Another connection may have waited for the same answer.
        if let Some(known) = known() {
            return known;
        }
        line.asked = Some(question.clone());
        // Nothing is on the way, so there is room for all of it at once.
        let is_asked = line.stream.write_all(question.as_bytes()).await.is_ok();
        is_asked && self.answered(&mut line).await.is_ok() && known() == Some(true)
    }

    /// Waits for the next answer, and keeps it for its question.
    async fn answered(&self, line: &mut Line) -> io::Result<()> {
        let is_allowed = line.stream.read_u8().await? == YES;
        if let Some(question) = line.asked.take() {
            self.answers.borrow_mut().insert(question, is_allowed);
        }
        Ok(())
    }
}

/// Judges a connection, and asks where the policy says no and the spec wants that.
pub(crate) async fn judge(session: &Session, to: &Target) -> Result<Allowed, Refusal> {
    let judged = connection::judge(session, to);
    let Err(why @ (Refusal::Host | Refusal::Port)) = judged else { return judged };
    let Some(ask) = session.ask.get().filter(|_| can_ask(session, &to.host)) else {
        return Err(why);
    };
    let Some(rule) = rule(to) else { return Err(why) };
    // Others may be asked about first; a program waits no longer for that.
    match tokio::time::timeout(ask.time, ask.allows(to)).await {
        Ok(true) => {}
        Ok(false) | Err(_) => return Err(why),
    }
    if connection::judge(session, to).is_err() {
        session.log.changed(&format!("{}:{} was allowed on request", to.host, to.port));
        session.policy.borrow_mut().rules.push(rule);
    }
    connection::judge(session, to)
}

/// Whether the user may be asked about a host: one that a rule could name, that was not denied, and
/// that no command takes for an option. A jail would choose `-h.example.com`, and a command that
/// answers with its help may well end with status 0.
pub(crate) fn can_ask(session: &Session, host: &Host) -> bool {
    session.ask.get().is_some()
        && !session.policy.borrow().is_denied(host)
        && Refusal::Host.remedy(host, 443).is_some()
        && !host.to_string().starts_with('-')
}

fn rule(to: &Target) -> Option<Rule> {
    Rule::parse(&format!("{}:{}", to.host, to.port), BY).ok()
}
