//! The protocol of the stub and its helper on the host: framed messages over a pair of stream
//! sockets. Only their form; no I/O.
//!
//! A frame is a header of eight bytes (version, kind, two zeros, the length of the body as a
//! little-endian number) and a body. The stub first sends the wrapper, as it has checked it, and
//! then requests; each request has one answer. Nothing of a body is ever evaluated: variables are
//! bytes, operations are those of a plan, read by the plan's own reader.

use alloc::string::String;
use alloc::vec::Vec;

use crate::change::Change;
use crate::follow::is_followed;
use crate::git::is_apart;
use crate::handoff::hand_off;
use crate::json;
use crate::ops::{HostOp, InsideOp, Step};
use crate::plan::{Ids, Plan};
use crate::terminal::is_filter;
use crate::wrapper::PLAN_BYTES_MAX;

/// The version of these messages. Both programs come from one build; another version is refused.
pub const VERSION: u8 = 1;

/// The length of a header.
pub const HEADER: usize = 8;

/// Longer texts of a refusal are cut. A NUL becomes three bytes, and it is
/// still far below a packet.
const TEXT_MAX: usize = 1200;

/// The longest body.
pub const BODY_MAX: usize = PLAN_BYTES_MAX;

/// The socket inside on which the helper answers.
pub const SOCKET: &str = "/run/jailgen/host";

/// The folder inside with the programs that call the helper.
pub const CLIENTS: &str = "/run/jailgen/bin";

/// The program inside that opens web addresses.
pub const OPENER: &str = "xdg-open";

/// The helper's own name, which no channel can have: a program's own name selects what it does.
pub const HELPER: &str = "jail-host";

/// Whether a channel can have this name, as a program in a folder of PATH.
#[must_use]
pub fn is_channel(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
    !name.is_empty()
        && name.len() <= 64
        && !name.starts_with(['-', '.'])
        && name.chars().all(fits)
        && name != HELPER
}

/// What the stub says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// The wrapper, complete. It comes first and has no answer.
    Wrapper(Vec<u8>),
    /// Perform this operation of `before`, given by its index.
    Perform(u32),
    /// The payload runs, and requests from inside can be answered. It has no answer.
    Started,
    /// A signal ends the launch, so what is being waited for must end. It has no answer.
    Interrupt(u8),
}

/// What the helper answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is done, with this result.
    Done(Learned),
    /// It cannot be done, and the launch stops.
    Failed(Refusal),
}

/// What an operation on the host leaves for the launch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Learned {
    /// Variables that replace the launcher's for the launch; `None` removes one.
    pub variables: Vec<(String, Option<Vec<u8>>)>,
    /// Further operations; see [`crate::InsideOp::RuntimeArguments`].
    pub changes: Vec<Step<Change>>,
}

/// Why an operation on the host failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What it happened to.
    pub object: String,
    /// What is wrong, in words. If there is an error too, they end before
    /// its name, and may be empty.
    pub cause: String,
    /// The error of the call that failed; 0 if none did.
    pub error: i32,
    /// What to do about it; may be empty.
    pub help: String,
}

/// The operations of `before` that the helper performs.
#[must_use]
pub fn is_helpers(op: &HostOp) -> bool {
    match op {
        HostOp::Script(_)
        | HostOp::Bus(_)
        | HostOp::Channel(_)
        | HostOp::OpenUrls
        | HostOp::GitIdentity(_)
        | HostOp::LoginProfile(_) => true,
        HostOp::RefuseFolder(_)
        | HostOp::EnterProject
        | HostOp::StateDirectory(_)
        | HostOp::StateFile(_)
        | HostOp::StateLink(_)
        | HostOp::FilterTerminal
        | HostOp::HandOff(_) => false,
    }
}

/// Whether the helper accompanies the launch, because it has work before, during or after it.
#[must_use]
pub fn has_work(plan: &Plan) -> bool {
    plan.before.iter().any(|step| is_helpers(&step.op)) || !plan.after.is_empty()
}

/// Whether an operation inside needs a process of the helper's.
#[must_use]
pub fn is_helped(op: &InsideOp) -> bool {
    is_followed(op) || is_apart(op) || matches!(op, InsideOp::Mask(_))
}

/// Whether the launch starts the helper at all: to accompany it, or for one thing
/// in a process of its own.
#[must_use]
pub fn is_wanted(plan: &Plan) -> bool {
    has_work(plan)
        || plan.before.iter().any(|step| is_filter(&step.op) || hand_off(&step.op).is_some())
        || plan.inside.iter().any(|step| is_helped(&step.op))
        || plan.cgroup.is_some()
        || matches!(plan.ids, Ids::Dedicated(_))
}

impl Request {
    /// The whole frame.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Wrapper(bytes) => frame(b'W', bytes),
            Self::Perform(index) => frame(b'P', &index.to_le_bytes()),
            Self::Started => frame(b'S', &[]),
            Self::Interrupt(signal) => frame(b'I', &[*signal]),
        }
    }

    /// Reads a frame of this kind and body. `None` if it is not valid.
    #[must_use]
    pub fn decode(kind: u8, body: Vec<u8>) -> Option<Self> {
        match (kind, body.as_slice()) {
            (b'W', _) => Some(Self::Wrapper(body)),
            (b'P', index) => Some(Self::Perform(u32::from_le_bytes(index.try_into().ok()?))),
            (b'S', []) => Some(Self::Started),
            (b'I', [signal]) => Some(Self::Interrupt(*signal)),
            (_, _) => None,
        }
    }
}

impl Answer {
    /// The whole frame.
    ///
    /// # Errors The changes cannot be written as JSON, which never happens with these types.
    pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        match self {
            Self::Done(learned) => Ok(frame(b'D', &learned.encode()?)),
            Self::Failed(refusal) => Ok(frame(b'F', &refusal.encode())),
        }
    }

    /// Reads a frame of this kind and body.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn decode(kind: u8, body: &[u8]) -> Result<Self, String> {
        match kind {
            b'D' => Learned::decode(body).map(Self::Done),
            b'F' => Refusal::decode(body)
                .map(Self::Failed)
                .ok_or_else(|| "its answer is cut short".into()),
            _ => Err("it sent an answer that this version does not know".into()),
        }
    }
}

impl Refusal {
    /// The number, and the texts with a NUL between them.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let texts = [&self.object, &self.cause, &self.help].map(|text| clean(text));
        [&self.error.to_le_bytes(), texts.join("\0").as_bytes()].concat()
    }

    pub(crate) fn decode(body: &[u8]) -> Option<Self> {
        let (error, texts) = body.split_first_chunk()?;
        let texts = String::from_utf8_lossy(texts);
        let mut texts = texts.split('\0').map(String::from);
        let mut next = || texts.next().unwrap_or_default();
        let (object, cause, help) = (next(), next(), next());
        Some(Self { object, cause, error: i32::from_le_bytes(*error), help })
    }
}

/// The text, cut to a bounded length, without what separates texts.
fn clean(text: &str) -> String {
    let end = (0..=text.len().min(TEXT_MAX)).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or_default()).unwrap_or_default().replace('\0', "\u{fffd}")
}

impl Learned {
    /// `=NAME=VALUE` or `-NAME` for each variable, a NUL behind each, one more NUL,
    /// and the changes as JSON.
    fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut body = Vec::new();
        for (name, value) in &self.variables {
            match value {
                Some(value) => body.extend([b"=", name.as_bytes(), b"=", value].concat()),
                None => body.extend([b"-", name.as_bytes()].concat()),
            }
            body.push(0);
        }
        body.push(0);
        body.extend(serde_json::to_vec(&self.changes)?);
        Ok(body)
    }

    fn decode(body: &[u8]) -> Result<Self, String> {
        let mut variables = Vec::new();
        let mut rest = body;
        loop {
            let end = rest.iter().position(|byte| *byte == 0).ok_or("its answer is cut short")?;
            let (entry, after) = rest.split_at(end);
            rest = after.get(1..).unwrap_or_default();
            if entry.is_empty() {
                break;
            }
            variables.push(variable(entry).ok_or("it sent a variable whose name is not legal")?);
        }
        let changes = json::read(rest)?;
        Ok(Self { variables, changes })
    }
}

fn variable(entry: &[u8]) -> Option<(String, Option<Vec<u8>>)> {
    let name = |bytes: &[u8]| {
        let name = core::str::from_utf8(bytes).ok().filter(|name| !name.is_empty())?;
        Some(String::from(name))
    };
    match entry.split_first()? {
        (b'-', rest) => Some((name(rest)?, None)),
        (b'=', rest) => {
            let equals = rest.iter().position(|byte| *byte == b'=')?;
            let (before, value) = rest.split_at(equals);
            Some((name(before)?, Some(value.get(1..)?.to_vec())))
        }
        (_, _) => None,
    }
}

fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes();
    [&[VERSION, kind, 0, 0], length.as_slice(), body].concat()
}

/// The kind of a frame and the length of its body.
///
/// # Errors
/// What is wrong with the header: another version, a body over the bound.
pub fn header(bytes: [u8; HEADER]) -> Result<(u8, usize), &'static str> {
    let [version, kind, 0, 0, length @ ..] = bytes else { return Err("it sent no message") };
    if version != VERSION {
        return Err("it uses another version of the protocol");
    }
    match usize::try_from(u32::from_le_bytes(length)) {
        Ok(length) if length <= BODY_MAX => Ok((kind, length)),
        Ok(_) | Err(_) => Err("it sent a message that is too long"),
    }
}

#[cfg(test)]
mod tests;
