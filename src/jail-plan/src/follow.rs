//! The protocol of the process that carries a state file over ([`crate::SharedFile`]): packets over
//! a pair of sockets. Only their form; no I/O.
//!
//! The stub sends the file of the host. The jail's init sends the folder inside, and waits for the
//! answer. When the jail has ended, the stub says so, and waits for the answer. Folders are passed
//! as descriptors, never as paths.

use alloc::vec::Vec;

use crate::ops::InsideOp;

/// The argument that starts the helper as this process.
pub const FOLLOW: &str = "follow";

/// The largest file that is carried over.
pub const FILE_MAX: u64 = 64 * 1024 * 1024;

/// The longest packet: two names and a few numbers.
pub const PACKET_MAX: usize = 1024;

/// Whether the operation may need such a process.
#[must_use]
pub fn is_followed(op: &InsideOp) -> bool {
    matches!(op, InsideOp::SharedFile(_))
}

/// A message to the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// The file of the host, with the descriptor of its folder.
    Outside(Outside),
    /// The folder inside, as a descriptor. Has an answer.
    Inside {
        /// Whether this launch made the folder, so nothing in it is worth keeping.
        is_new: bool,
    },
    /// The jail has ended. Has an answer, which is the last one.
    Ended,
}

/// What the process must know about the file of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outside {
    /// The owner of both files, as seen from outside.
    pub owner: u32,
    /// The permission bits of both.
    pub mode: u32,
    /// Its name in its folder.
    pub name: Vec<u8>,
    /// The name of the file inside.
    pub inside: Vec<u8>,
}

/// What the process answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The two files are the same.
    Done,
    /// The jail can have no file of its own at that place: the host's is to be bound.
    Bound,
    /// What is inside is not a regular file of the owner's.
    Strange,
    /// What is inside is larger than [`FILE_MAX`].
    Large,
    /// A call failed, with this error.
    Failed(i32),
    /// The process could not be confined, for this error, and has read nothing.
    Unconfined(i32),
}

impl Message {
    /// The packet that carries this.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Outside(Outside { owner, mode, name, inside }) => {
                let numbers = [owner.to_le_bytes(), mode.to_le_bytes()].concat();
                [b"O", numbers.as_slice(), name, b"\0", inside].concat()
            }
            Self::Inside { is_new } => Vec::from([b'I', u8::from(*is_new)]),
            Self::Ended => Vec::from(*b"E"),
        }
    }

    /// Reads a packet. `None` if it is not valid.
    #[must_use]
    pub fn decode(packet: &[u8]) -> Option<Self> {
        match packet.split_first()? {
            (b'O', rest) => {
                let (owner, rest) = rest.split_first_chunk()?;
                let (mode, names) = rest.split_first_chunk()?;
                let end = names.iter().position(|byte| *byte == 0)?;
                let (name, inside) = names.split_at(end);
                let inside = inside.get(1..)?;
                let is_name = |name: &[u8]| {
                    !matches!(name, b"" | b"." | b"..")
                        && !name.contains(&b'/')
                        && !name.contains(&0)
                };
                (is_name(name) && is_name(inside)).then(|| {
                    Self::Outside(Outside {
                        owner: u32::from_le_bytes(*owner),
                        mode: u32::from_le_bytes(*mode),
                        name: name.into(),
                        inside: inside.into(),
                    })
                })
            }
            (b'I', [is_new @ (0 | 1)]) => Some(Self::Inside { is_new: *is_new == 1 }),
            (b'E', []) => Some(Self::Ended),
            (_, _) => None,
        }
    }
}

impl Answer {
    /// The length of its packet.
    pub const LENGTH: usize = 5;

    /// The packet that carries this.
    #[must_use]
    pub fn encode(self) -> [u8; Self::LENGTH] {
        let (kind, number) = match self {
            Self::Done => (b'D', 0),
            Self::Bound => (b'B', 0),
            Self::Strange => (b'S', 0),
            Self::Large => (b'L', 0),
            Self::Failed(error) => (b'F', error),
            Self::Unconfined(error) => (b'U', error),
        };
        let [a, b, c, d] = number.to_le_bytes();
        [kind, a, b, c, d]
    }

    /// Reads a packet. `None` if it is not valid.
    #[must_use]
    pub fn decode(packet: &[u8]) -> Option<Self> {
        let (kind, number) = packet.split_first()?;
        match (kind, i32::from_le_bytes(number.try_into().ok()?)) {
            (b'D', 0) => Some(Self::Done),
            (b'B', 0) => Some(Self::Bound),
            (b'S', 0) => Some(Self::Strange),
            (b'L', 0) => Some(Self::Large),
            (b'F', error) => Some(Self::Failed(error)),
            (b'U', error) => Some(Self::Unconfined(error)),
            (_, _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn packets_are_read_back_as_sent() {
        let file = |name: &[u8], inside: &[u8]| {
            let (name, inside) = (name.to_vec(), inside.to_vec());
            Message::Outside(Outside { owner: 70_000, mode: 0o600, name, inside })
        };
        for message in
            [file(b".a.json", b"b\xff"), Message::Inside { is_new: true }, Message::Ended]
        {
            assert_eq!(Message::decode(&message.encode()), Some(message));
        }
        for (name, inside) in [("", "a"), ("a", ""), ("..", "a"), ("a", "b/c"), ("a", "b\0c")] {
            assert_eq!(Message::decode(&file(name.as_bytes(), inside.as_bytes()).encode()), None);
        }
        for packet in [&b""[..], b"O", b"O1234567", b"I", b"I\x02", b"E1", b"?"] {
            assert_eq!(Message::decode(packet), None);
        }
    }

    #[test]
    fn answers_are_read_back_as_sent() {
        for answer in [
            Answer::Done,
            Answer::Bound,
            Answer::Strange,
            Answer::Large,
            Answer::Failed(13),
            Answer::Unconfined(38),
        ] {
            assert_eq!(Answer::decode(&answer.encode()), Some(answer));
        }
        for packet in [vec![], b"D".to_vec(), b"D\x01\0\0\0".to_vec(), b"?\0\0\0\0\0".to_vec()] {
            assert_eq!(Answer::decode(&packet), None);
        }
    }
}
