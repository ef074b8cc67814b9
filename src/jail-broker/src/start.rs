//! What the broker is started with: what the supervisor says, and what comes out of the jail once,
//! before the payload.
//!
//! `jail-broker run CHANNEL START LIFE` has three descriptors in addition to the standard ones, by
//! their numbers. START is a file with the JSON object [`Start`]. CHANNEL is a socket
//! (SOCK_SEQPACKET) whose other end the jail's side of the launch has; it brings the one message
//! that `jail_plan::Network` describes, or ends, and then the launch has failed; where something is
//! given, the answer goes back by it. LIFE is a stream whose other end the supervisor has. The
//! broker writes `ready` and a line feed to it when every name of the rules can be connected to,
//! and ends when the supervisor's end is closed; after the byte `e` it says its closing line on
//! standard error before. Where it cannot start it says why on standard error and ends, before it
//! reads CHANNEL if that is not what it cannot do.
//!
//! Where a secret is what a command or the keyring says, the supervisor starts `jail-broker read
//! START LINE` before there is a jail, in its own foreground, and waits until it has ended with
//! status 0. The other end of LINE (SOCK_SEQPACKET) is the fourth descriptor then.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, IoSliceMut, Read, Seek};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use jail_plan::{Network, stage};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

/// The largest description: a plan is no larger.
const START_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// The kernel passes no more descriptors in one message (SCM_MAX_FD).
const DESCRIPTORS_MAX: usize = 253;

/// What the supervisor says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Start {
    /// The wrapper's path.
    pub(crate) wrapper: String,
    /// The plan's record.
    plan_network: Box<RawValue>,
    /// For each origin its place in the spec.
    pub(crate) places: BTreeMap<String, String>,
    /// What the jail is called: `jailed-x`.
    pub(crate) name: String,
    /// jailgen's state folder.
    pub(crate) state: String,
    /// The session's name.
    pub(crate) session: String,
    /// The variables of the launcher that the plan asks for.
    pub(crate) variables: BTreeMap<String, String>,
    /// For each secret that is in a file the file's path.
    pub(crate) files: BTreeMap<String, String>,
}

impl Start {
    /// Reads it from the file that the supervisor made, and the plan's record out of it.
    pub(crate) fn read(file: OwnedFd) -> io::Result<(Self, Network)> {
        let mut file = File::from(file);
        file.rewind()?;
        // There may be values in it. With room for all of them, nothing is moved and no copy stays
        // behind.
        let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        let mut text = Zeroizing::new(Vec::with_capacity(length + 64));
        file.take(START_BYTES_MAX).read_to_end(&mut text)?;
        let start: Self = serde_json::from_slice(&text)?;
        // A name that leads out of the folders that are made of it.
        for name in [&start.name, &start.session] {
            if name.is_empty() || name.starts_with('.') || name.contains('/') {
                return Err(io::Error::other(format!(
                    "`{}` is no name",
                    jail_plan::one_line(name)
                )));
            }
        }
        let network = Network::parse(start.plan_network.get().as_bytes())
            .map_err(|error| io::Error::other(format!("the plan's network: {error}")))?;
        Ok((start, network))
    }

    /// The name of the session's log: with that of the item, if it is one of many that `jailgen run
    /// --each` has started, which then finds it by that.
    pub(crate) fn log_name(&self) -> String {
        let wrapper = self.wrapper.rsplit('/').next().unwrap_or_default();
        match wrapper.rsplit_once(stage::ITEM) {
            Some((_, item)) if stage::is_name(item) => {
                format!("{}{}{item}", self.session, stage::ITEM)
            }
            Some(_) | None => self.session.clone(),
        }
    }

    #[cfg(test)]
    pub(crate) fn for_tests(
        places: BTreeMap<String, String>,
        variables: BTreeMap<String, String>,
        files: BTreeMap<String, String>,
    ) -> Self {
        Self {
            wrapper: String::new(),
            plan_network: Box::default(),
            places,
            name: "jailed-x".into(),
            state: String::new(),
            session: String::new(),
            variables,
            files,
        }
    }
}

/// What the jail's side of the launch sends.
pub(crate) struct Handed {
    /// The jail's user namespace.
    pub(crate) user: OwnedFd,
    /// Its network namespace.
    pub(crate) network: OwnedFd,
    /// The sockets of the plan's `listeners`, in that order.
    pub(crate) sockets: Vec<OwnedFd>,
    /// What the broker fills of the plan's `given`, in that order.
    pub(crate) given: Vec<OwnedFd>,
    /// The file in the jail that says what was refused, for appending.
    pub(crate) refused: Option<OwnedFd>,
}

/// Waits until there is the one message of the jail's side, or the launch has failed.
pub(crate) fn await_message(channel: &OwnedFd) -> io::Result<()> {
    let mut ready = [PollFd::new(channel, PollFlags::IN)];
    loop {
        match poll(&mut ready, None) {
            Err(rustix::io::Errno::INTR) => {}
            other => return Ok(other.map(drop)?),
        }
    }
}

/// Whether the supervisor has said that the payload has ended, or is gone.
pub(crate) fn has_ended(life: &UnixStream) -> bool {
    let mut ready = [PollFd::new(life, PollFlags::IN)];
    poll(&mut ready, Some(&Timespec::default())).is_ok_and(|count| count > 0)
}

/// Takes the one message of the jail's side. `None`: the launch has failed, and the stub reports
/// why.
pub(crate) fn receive(
    channel: &OwnedFd,
    (listeners, given): (usize, usize),
) -> io::Result<Option<Handed>> {
    let mut byte = [0_u8; 1];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [IoSliceMut::new(&mut byte)];
    let received = loop {
        match recvmsg(channel, &mut parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
            Err(rustix::io::Errno::INTR) => {}
            // A launch that fails leaves the supervisor's message unread.
            Err(rustix::io::Errno::CONNRESET) => return Ok(None),
            other => break other?,
        }
    };
    if received.bytes == 0 {
        return Ok(None);
    }
    let mut descriptors = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    handed(byte, descriptors, (listeners, given)).map(Some)
}

fn handed(
    version: [u8; 1],
    descriptors: Vec<OwnedFd>,
    (listeners, given): (usize, usize),
) -> io::Result<Handed> {
    let count = descriptors.len();
    let mut descriptors = descriptors.into_iter();
    let (Some(user), Some(network)) = (descriptors.next(), descriptors.next()) else {
        return Err(io::Error::other("the launch handed over no namespaces"));
    };
    let sockets: Vec<OwnedFd> = descriptors.by_ref().take(listeners).collect();
    let filled: Vec<OwnedFd> = descriptors.by_ref().take(given).collect();
    let refused = descriptors.next();
    let is_whole = sockets.len() == listeners && filled.len() == given;
    if version != *b"1" || !is_whole || descriptors.next().is_some() {
        return Err(io::Error::other(format!("the launch handed over {count} descriptors")));
    }
    Ok(Handed { user, network, sockets, given: filled, refused })
}
