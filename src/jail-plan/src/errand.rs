//! The protocol of a helper process that does one thing for a launch before there is a jail:
//! packets over a pair of sockets. Only their form; no I/O.
//!
//! The word on its command line says which thing that is. The stub sends requests, and each gets
//! one [`Reply`]. Places are passed as descriptors, never as paths.

use alloc::string::String;
use alloc::vec::Vec;

use crate::helper::Refusal;
use crate::limits::Controlled;

/// The argument for the process that makes the jail's control group. Its request is a [`Group`].
pub const CONTROL_GROUP: &str = "control-group";

/// The argument for the process that finds the user that the payload runs as, and gives that user
/// access. Its requests are [`Account`]s.
pub const ACCOUNT: &str = "account";

/// The longest packet.
pub const PACKET_MAX: usize = 16 * 1024;

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It is done. The result depends on the request.
    Done(Vec<u8>),
    /// It cannot be done, and the launch stops.
    Refused(Refusal),
}

impl Reply {
    /// The packet that carries this.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Done(body) => [b"D", body.as_slice()].concat(),
            Self::Refused(refusal) => [b"F", refusal.encode().as_slice()].concat(),
        }
    }

    /// Reads a packet. `None` if it is not valid.
    #[must_use]
    pub fn decode(packet: &[u8]) -> Option<Self> {
        match packet.split_first()? {
            (b'D', body) => Some(Self::Done(body.into())),
            (b'F', body) => Refusal::decode(body).map(Self::Refused),
            (_, _) => None,
        }
    }
}

/// The control group that a launch needs. The reply passes the descriptors of the group's parent
/// and of the group; its result is the group's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The process that stays outside the group and reads its counters.
    pub supervisor: u32,
    /// How many processes in the group are not the payload's.
    pub others: u64,
    /// Its limits, in the units of [`crate::CgroupLimit`].
    pub limits: Vec<(Controlled, u64)>,
}

impl Group {
    /// The packet that carries this.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut packet =
            [&self.supervisor.to_le_bytes(), self.others.to_le_bytes().as_slice()].concat();
        for (resource, value) in &self.limits {
            packet.push(match resource {
                Controlled::Memory => b'm',
                Controlled::Pids => b'p',
                Controlled::Cpu => b'c',
            });
            packet.extend(value.to_le_bytes());
        }
        packet
    }

    /// Reads a packet. `None` if it is not valid.
    #[must_use]
    pub fn decode(packet: &[u8]) -> Option<Self> {
        let (supervisor, rest) = packet.split_first_chunk()?;
        let (others, rest) = rest.split_first_chunk()?;
        let (limits, rest) = rest.as_chunks::<9>();
        let limit = |[resource, value @ ..]: &[u8; 9]| {
            let resource = match resource {
                b'm' => Controlled::Memory,
                b'p' => Controlled::Pids,
                b'c' => Controlled::Cpu,
                _ => return None,
            };
            Some((resource, u64::from_le_bytes(*value)))
        };
        let (supervisor, others) = (u32::from_le_bytes(*supervisor), u64::from_le_bytes(*others));
        let limits = limits.iter().map(limit).collect::<Option<_>>()?;
        rest.is_empty().then_some(Self { supervisor, others, limits })
    }
}

/// A request about the user that the payload runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Account {
    /// Asks for the ids of this user. The result is two numbers.
    Ids {
        /// The name of the user.
        name: String,
        /// The name of the user that launches the jail.
        caller: String,
    },
    /// Its descriptor is a tree that the user gets access to. It has no reply.
    Tree {
        /// Its path, for messages.
        path: Vec<u8>,
    },
    /// These were all the trees; the access is granted now.
    Share {
        /// The id of the user.
        user: u32,
    },
}

impl Account {
    /// The packet that carries this.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Ids { name, caller } => {
                [b"I", name.as_bytes(), b"\0", caller.as_bytes()].concat()
            }
            Self::Tree { path } => [b"T", path.as_slice()].concat(),
            Self::Share { user } => [b"S", user.to_le_bytes().as_slice()].concat(),
        }
    }

    /// Reads a packet. `None` if it is not valid.
    #[must_use]
    pub fn decode(packet: &[u8]) -> Option<Self> {
        match packet.split_first()? {
            (b'I', rest) => {
                let (name, caller) = core::str::from_utf8(rest).ok()?.split_once('\0')?;
                Some(Self::Ids { name: name.into(), caller: caller.into() })
            }
            (b'T', path) => Some(Self::Tree { path: path.into() }),
            (b'S', user) => Some(Self::Share { user: u32::from_le_bytes(user.try_into().ok()?) }),
            (_, _) => None,
        }
    }

    /// The result of [`Account::Ids`]: the ids of the user and of the group.
    #[must_use]
    pub fn ids(body: &[u8]) -> Option<(u32, u32)> {
        let (user, group) = body.split_first_chunk()?;
        Some((u32::from_le_bytes(*user), u32::from_le_bytes(group.try_into().ok()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_read_back_as_sent() {
        let limits = Vec::from([
            (Controlled::Memory, u64::MAX),
            (Controlled::Pids, 1),
            (Controlled::Cpu, 50),
        ]);
        for limits in [limits, Vec::new()] {
            let group = Group { supervisor: 70_000, others: 5, limits };
            let packet = group.encode();
            assert_eq!(Group::decode(&packet), Some(group));
            assert_eq!(Group::decode(&[packet.as_slice(), b"m"].concat()), None);
        }
        assert_eq!(Group::decode(&[0; 21]), None);
        for account in [
            Account::Ids { name: "agent".into(), caller: "jane".into() },
            Account::Tree { path: b"/a/b\xff".into() },
            Account::Share { user: 70_000 },
        ] {
            assert_eq!(Account::decode(&account.encode()), Some(account));
        }
        for packet in [&b""[..], b"I", b"S123", b"?"] {
            assert_eq!(Account::decode(packet), None);
        }
        assert_eq!(Account::ids(b"\x01\0\0\0\x02\0\0\0"), Some((1, 2)));
        assert_eq!(Account::ids(b"\x01\0\0\0\x02\0\0\0\0"), None);
    }

    #[test]
    fn replies_are_read_back_as_sent() {
        let refusal =
            Refusal { object: "o".into(), cause: "c".into(), error: 13, help: "h".into() };
        for reply in [Reply::Done(b"\0x".into()), Reply::Refused(refusal)] {
            assert_eq!(Reply::decode(&reply.encode()), Some(reply));
        }
        assert_eq!(Reply::decode(b""), None);
        assert_eq!(Reply::decode(b"?"), None);
    }

    #[test]
    fn a_refusal_with_long_texts_still_fits_a_packet() {
        let text = "ü".repeat(100_000);
        let refusal = Refusal { object: text.clone(), cause: text.clone(), error: 0, help: text };
        let packet = Reply::Refused(refusal).encode();
        assert!(packet.len() <= PACKET_MAX && Reply::decode(&packet).is_some());
    }
}
