//! The outcome of a launch: how this process must end, and a line for each limit that was reached.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use jail_plan::{Bytes, Plan, Resource, Seconds};

use crate::cgroup::Held;
use crate::errno;
use crate::failure::{Failure, Problem};
use crate::host::{Fault, Lost};
use crate::message::Ended;
use crate::signal;
use crate::supervisor::{Outcome, small};

/// As timeout(1) has it.
const EXIT_TIME: u8 = 124;

/// The outcome of a launch.
pub(crate) struct Ending {
    /// What else is reported to the launcher.
    pub(crate) notes: Vec<EndingNote>,
    /// How the launch ended.
    pub(crate) ended: Result<Ended, Failure>,
}

/// One line for the launcher.
pub(crate) struct EndingNote {
    pub(crate) words: String,
    /// The combinator that it is about; empty if there is none.
    pub(crate) by: String,
}

impl Ending {
    /// What is reported to the launcher about `outcome`.
    pub(crate) fn from_outcome(
        outcome: Outcome,
        lost: &[Lost<'_>],
        plan: &Plan,
        held: &Held<'_>,
    ) -> Self {
        let reached = held.reached();
        let mut notes: Vec<EndingNote> = lost.iter().map(not_taken_back).collect();
        for reached in &reached {
            notes.push(EndingNote { words: reached.words(), by: reached.limit.by.clone() });
        }
        let out_of_memory = reached.iter().any(|reached| reached.ended_the_jail());
        let ended = match outcome {
            Outcome::Ended(ended) => {
                notes.extend(file_size(ended, plan));
                notes.extend(system_call(ended));
                Ok(ended)
            }
            Outcome::TimeIsOver => {
                notes.extend(time(plan));
                Ok(Ended::Exited(EXIT_TIME))
            }
            Outcome::Unwatched => Err(Failure::early(Problem::new(
                "",
                "the watcher of the working folder has ended, and so the jail was ended",
            ))),
            Outcome::Killed { started: true } if out_of_memory => {
                Ok(Ended::Signalled(small(signal::KILL)))
            }
            Outcome::Killed { started: _ } => {
                Err(Failure::early(Problem::new("", "the jail's init was killed")))
            }
            Outcome::Failed(failure) => Err(failure),
        };
        Self { notes, ended }
    }
}

fn not_taken_back(Lost { by, path, fault }: &Lost<'_>) -> EndingNote {
    let refused = |why: &str| {
        format!("the jail's `{path}` was not taken back, and the host's is as it was: {why}")
    };
    let words = match fault {
        Fault::Strange => refused("what the jail has left there is no regular file of yours"),
        Fault::Large => refused("it is larger than 64 MiB"),
        Fault::Failed(error) => refused(&errno::name(*error)),
        Fault::Gone => format!(
            "what the jail has changed last in `{path}` is lost: the process that carries it over was ended"
        ),
    };
    EndingNote { words, by: String::from(*by) }
}

fn time(plan: &Plan) -> Option<EndingNote> {
    let limit = plan.time.as_ref()?;
    let words = format!("the time ({}) is over, and the jail was ended", Seconds(limit.seconds));
    Some(EndingNote { words, by: limit.by.clone() })
}

/// The limit of a file's size, if that is what ended the payload.
fn file_size(ended: Ended, plan: &Plan) -> Option<EndingNote> {
    let limit = plan.limits.iter().find(|limit| limit.resource == Resource::FileSize)?;
    let words = format!("the limit of the size of a file ({}) was reached", Bytes(limit.value));
    is_by(signal::XFSZ, ended).then_some(EndingNote { words, by: String::new() })
}

/// The kernel does not report which call it was; a second run under `jailgen trace` does.
fn system_call(ended: Ended) -> Option<EndingNote> {
    let words = "the system call filter killed the program (SIGSYS): `jailgen trace SPEC -- ARGUMENTS` runs it again, names the \
                 call, and prints the line to add to the spec";
    is_by(signal::SYS, ended).then(|| EndingNote { words: String::from(words), by: String::new() })
}

/// Whether a signal ended the payload. Shells report the signal that ended their last
/// program in their own status.
fn is_by(number: i32, ended: Ended) -> bool {
    match ended {
        Ended::Signalled(by) => i32::from(by) == number,
        Ended::Exited(status) => i32::from(status) == 128 + number,
    }
}
