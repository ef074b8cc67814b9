//! The client of a broker's control socket: a request is a line of JSON, and so is the answer.
//!
//! The socket is in a folder that only its user can enter. An answer is trusted if it comes from a
//! process of the user's own.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::net::sockopt::socket_peercred;
use serde::{Deserialize, Serialize};

use super::process;

/// The name of the socket in the folder of a session.
const SOCKET: &str = "control";

/// An answer is not longer.
const ANSWER_MAX: u64 = 1 << 20;

/// How long a broker may take. It answers at once, or it hangs.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Order {
    Status,
    /// A host may be reached from now on, as `network-allow` would name it.
    Allow {
        /// The host, in its one form.
        host: String,
    },
    /// A host may not be reached any more.
    Deny {
        /// The host, in its one form.
        host: String,
    },
}

/// An answer. Its other fields are for other readers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Answer {
    /// Whether it was done.
    pub ok: bool,
    /// Why the request was refused.
    pub error: Option<String>,
    /// What else a user should know.
    pub note: Option<String>,
    /// For [`Order::Status`].
    pub status: Option<Status>,
}

/// A broker's information about its session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The jail's name.
    pub name: String,
    /// How many connections there are.
    #[serde(default)]
    pub connections: usize,
    /// How many of those went to each `host:port`.
    #[serde(default)]
    pub hosts: BTreeMap<String, usize>,
    /// Hosts that were refused.
    #[serde(default)]
    pub refused: Vec<String>,
    /// Ports of the host's loopback, with the ports of the jail that they lead to.
    #[serde(default)]
    pub ports: BTreeMap<u16, u16>,
    /// The secrets, by their names.
    #[serde(default)]
    pub secrets: Vec<SecretStatus>,
}

/// A broker's information about one secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretStatus {
    /// What people call it.
    pub name: String,
    /// The hosts that get it.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// The hosts that got it.
    #[serde(default)]
    pub uses: Vec<SecretUse>,
}

/// Where a secret went, in one session or in all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretUse {
    /// The host; empty for all hosts beyond those that are counted one by one.
    pub host: String,
    /// In how many requests.
    pub count: u64,
    /// When the last one was, in UTC.
    pub last: String,
}

/// Why a broker did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// No such session runs, or it has no broker.
    #[error("no session `{0}` with a network by name runs")]
    Gone(String),
    /// The socket is another user's, or its folder is open to others.
    #[error("the control socket of `{0}` is not one that only you can use")]
    Foreign(String),
    /// It cannot be spoken to.
    #[error("the broker of `{0}` does not answer: {1}")]
    Silent(String, #[source] io::Error),
    /// What came is not an answer.
    #[error("the broker of `{0}` sends answers of another form: {1}")]
    Unreadable(String, #[source] serde_json::Error),
}

/// A broker that runs.
pub(super) struct Broker {
    pub(super) session: String,
    pub(super) status: Status,
    /// The process that started it.
    pub(super) supervisor: Option<u32>,
}

/// The brokers whose sockets are in `folder`. What does not answer is not a session.
pub(super) fn brokers(folder: &Path) -> io::Result<Vec<Broker>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let Ok(session) = entry?.file_name().into_string() else { continue };
        let Ok(mut client) = Client::connect(folder, &session) else { continue };
        let Ok(Answer { status: Some(status), .. }) = client.order(&Order::Status) else {
            continue;
        };
        let supervisor = process::parent(client.broker);
        found.push(Broker { session, status, supervisor });
    }
    Ok(found)
}

/// Gives an order.
pub(super) fn order(folder: &Path, session: &str, order: &Order) -> Result<Answer, ControlError> {
    Client::connect(folder, session)?.order(order)
}

struct Client {
    session: String,
    stream: BufReader<UnixStream>,
    broker: u32,
}

impl Client {
    fn connect(folder: &Path, session: &str) -> Result<Self, ControlError> {
        let gone = || ControlError::Gone(session.to_owned());
        let is_name = !session.is_empty() && !session.starts_with('.') && !session.contains('/');
        if !is_name {
            return Err(gone());
        }
        let folder = folder.join(session);
        crate::files::check(&folder).map_err(|_| ControlError::Foreign(session.to_owned()))?;
        let stream = connect(&folder).map_err(|_| gone())?;
        let failed = |error| ControlError::Silent(session.to_owned(), error);
        let peer = socket_peercred(&stream).map_err(|error| failed(error.into()))?;
        if peer.uid != rustix::process::geteuid() {
            return Err(ControlError::Foreign(session.to_owned()));
        }
        stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(failed)?;
        let broker = u32::try_from(peer.pid.as_raw_nonzero().get()).unwrap_or_default();
        Ok(Self { session: session.to_owned(), stream: BufReader::new(stream), broker })
    }

    fn order(&mut self, order: &Order) -> Result<Answer, ControlError> {
        let failed = |error| ControlError::Silent(self.session.clone(), error);
        let unreadable = |error| ControlError::Unreadable(self.session.clone(), error);
        let mut request = serde_json::to_vec(order).map_err(unreadable)?;
        request.push(b'\n');
        self.stream.get_mut().write_all(&request).map_err(failed)?;
        let mut line = Vec::new();
        self.stream.by_ref().take(ANSWER_MAX).read_until(b'\n', &mut line).map_err(failed)?;
        serde_json::from_slice(&line).map_err(unreadable)
    }
}

/// The address of a socket has 108 bytes, and a state folder may be longer: so it is reached
/// through a descriptor.
fn connect(folder: &Path) -> io::Result<UnixStream> {
    let opened = fs::File::open(folder)?;
    let short = PathBuf::from(format!("/proc/self/fd/{}", opened.as_raw_fd())).join(SOCKET);
    UnixStream::connect(short)
}
