//! The protocol of the process that keeps settings apart, git's ([`crate::Git`]) and those of
//! programs ([`crate::PrivateCopies`]): packets over a pair of sockets. Also the parser of git's
//! configuration. Only forms; no I/O.
//!
//! The stub sends the repositories and folders that may be written, and gets a list of places. Init
//! passes the folder for the copies, as a descriptor, and waits until they are made. When the jail
//! has ended, the stub says so, and gets the lines to print.

mod settings;

use alloc::string::String;
use alloc::vec::Vec;

pub use self::settings::{Setting, settings, settings_of_whole};
use crate::ops::{Access, GitChanges, InsideOp};
use crate::plan::Plan;

/// The argument that starts the helper as this process.
pub const GIT: &str = "git";

/// The folder of the copies inside.
pub const COPIES: &str = "/run/jailgen/git";

/// The longest packet that is answered.
pub const PACKET_MAX: usize = 32 * 1024;

/// The longest packet that is received: it names as many files as can be
/// masked, with room for more.
pub const RECEIVED_MAX: usize = 72 * 1024;

/// The most places.
pub const PLACES_MAX: usize = 4096;

/// Whether the operation keeps git's settings apart.
#[must_use]
pub fn is_git(op: &InsideOp) -> bool {
    matches!(op, InsideOp::Git(_))
}

/// Whether the jail may write its working folder.
#[must_use]
pub fn writes_folder(plan: &Plan) -> bool {
    plan.inside.iter().any(|step| match &step.op {
        InsideOp::Folder(folder) => folder.access != Access::ReadOnly,
        _ => false,
    })
}

/// Whether the operation may need such a process.
#[must_use]
pub fn is_apart(op: &InsideOp) -> bool {
    matches!(op, InsideOp::Git(_) | InsideOp::PrivateCopies(_))
}

/// The folder among the copies with the changes in folders that the jail sees through a
/// [`How::Layer`], by their numbers. Each contains the changes and the folder that the kernel works
/// in. The last one covers everything in the end.
pub const LAYERS: &str = "layers";
/// See [`LAYERS`].
pub const CHANGES: &str = "changes";
/// See [`LAYERS`].
pub const WORK: &str = "work";
/// See [`LAYERS`].
pub const COVER: &str = "cover";

/// What the process receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// What the jail may write. Answered by places.
    Outside(Outside),
    /// The folder for the copies, as a descriptor. Has an answer.
    Inside {
        /// Whether the payload is another user than the caller, and owns nothing
        /// that this process makes.
        other_user: bool,
        /// The files that are masked, by device and inode: nothing of them is copied.
        masked: Vec<(u64, u64)>,
    },
    /// The jail has ended. Has an answer, which is the last one.
    Ended,
}

/// What the jail may write, without links, and what happens to settings that it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outside {
    /// What becomes of them.
    pub changes: GitChanges,
    /// The user's home folder; empty where it is not known.
    pub home: Vec<u8>,
    /// The folder of jailgen's state in which the ledger is; empty where there is none.
    pub state: Vec<u8>,
    /// The working folder.
    pub folder: Vec<u8>,
    /// The repository that it is a linked worktree of; empty where it is not a linked worktree, or
    /// the repository is not granted.
    pub repository: Vec<u8>,
    /// Other folders that the jail has copies of.
    pub private: Vec<Private>,
    /// Whether the jail may execute what links in these folders lead to in the store.
    pub follow_links: bool,
}

/// A folder that the jail may write, and the names in it that the jail
/// has copies of ([`crate::PrivateCopies`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Private {
    /// The folder, an absolute path.
    pub folder: Vec<u8>,
    /// The names in it. That of a folder ends with a slash.
    pub names: Vec<Vec<u8>>,
}

/// What is done with a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// A symbolic link to a copy covers the file: it can be replaced, and is not a link.
    Link,
    /// A copy of the folder covers it, and may be written.
    Copy,
    /// The folder is mounted over itself, and changes go elsewhere. If that is not
    /// possible, it is read-only.
    Layer,
    /// It is mounted over itself, read-only.
    ReadOnly,
    /// It is a path of the Nix store that links in private folders lead to, or that one of these
    /// needs: it is there at its own place, and nothing in it can be executed.
    Stored,
    /// The same, and programs in it can be executed.
    StoredPrograms,
}

/// A place of the host that the jail may not change. Its index in the list is the name of its copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guarded {
    /// What is done with it.
    pub how: How,
    /// Its path on the host, without links.
    pub path: Vec<u8>,
}

/// What the process answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The next places.
    Places {
        /// Whether these are the last ones.
        last: bool,
        /// The places in this packet.
        places: Vec<Guarded>,
    },
    /// The copies are made, or there is nothing to report.
    Done,
    /// It cannot be done, and the launch stops: the object, the reason, and what to do.
    Refused([String; 3]),
    /// Lines for the launcher.
    Lines(Vec<Line>),
}

/// A line for the launcher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is about.
    pub about: About,
    /// The text to print, without a line break.
    pub words: String,
}

/// The subject of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// Settings of a repository.
    Git,
    /// Private copies of a program's own state.
    Private,
}

impl Message {
    /// The packet that carries this.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Outside(outside) => {
                let Outside { changes, home, state, folder, repository, private, follow_links } =
                    outside;
                let mut packet = Vec::from([b'O', *changes as u8, u8::from(*follow_links)]);
                let all =
                    private.iter().flat_map(|one| [&one.folder].into_iter().chain(&one.names));
                for part in [home, state, folder, repository].into_iter().chain(all) {
                    packet.extend_from_slice(part);
                    packet.push(0);
                }
                packet
            }
            Self::Inside { other_user, masked } => {
                let numbers = masked.iter().flat_map(|(device, inode)| [*device, *inode]);
                let head = [b'I', u8::from(*other_user)].into_iter();
                head.chain(numbers.flat_map(u64::to_le_bytes)).collect()
            }
            Self::Ended => Vec::from(*b"E"),
        }
    }

    /// Reads a packet. `None` if it is not valid.
    #[must_use]
    pub fn decode(packet: &[u8]) -> Option<Self> {
        match packet {
            [b'O', changes, follow_links @ (0 | 1), rest @ ..] => {
                let all = [GitChanges::Reported, GitChanges::Merged, GitChanges::Refused];
                let changes = all.into_iter().find(|one| *one as u8 == *changes)?;
                let rest = rest.strip_suffix(&[0])?;
                let mut parts = rest.split(|byte| *byte == 0).map(<[u8]>::to_vec);
                let (home, state) = (parts.next()?, parts.next()?);
                let (folder, repository) = (parts.next()?, parts.next()?);
                let mut private: Vec<Private> = Vec::new();
                for part in parts {
                    // No name begins with a slash, and every folder does.
                    match private.last_mut() {
                        _ if part.starts_with(b"/") => {
                            private.push(Private { folder: part, names: Vec::new() });
                        }
                        Some(last) => last.names.push(part),
                        None => return None,
                    }
                }
                let follow_links = *follow_links == 1;
                Some(Self::Outside(Outside {
                    changes,
                    home,
                    state,
                    folder,
                    repository,
                    private,
                    follow_links,
                }))
            }
            [b'I', other_user @ (0 | 1), rest @ ..] => {
                let (numbers, []) = rest.as_chunks::<8>() else { return None };
                let (pairs, []) = numbers.as_chunks::<2>() else { return None };
                let pair = |[device, inode]: &[[u8; 8]; 2]| {
                    (u64::from_le_bytes(*device), u64::from_le_bytes(*inode))
                };
                let (other_user, masked) = (*other_user == 1, pairs.iter().map(pair).collect());
                Some(Self::Inside { other_user, masked })
            }
            [b'E'] => Some(Self::Ended),
            [..] => None,
        }
    }
}

impl How {
    const ALL: [(Self, u8); 6] = [
        (Self::Link, b'L'),
        (Self::Copy, b'C'),
        (Self::Layer, b'O'),
        (Self::ReadOnly, b'R'),
        (Self::Stored, b'S'),
        (Self::StoredPrograms, b'X'),
    ];

    fn byte(self) -> u8 {
        match self {
            Self::Link => b'L',
            Self::Copy => b'C',
            Self::Layer => b'O',
            Self::ReadOnly => b'R',
            Self::Stored => b'S',
            Self::StoredPrograms => b'X',
        }
    }
}

impl Answer {
    /// The packets that hold these places.
    #[must_use]
    pub fn of_places(places: &[Guarded]) -> Vec<Self> {
        let mut packets = Vec::new();
        let (mut part, mut length) = (Vec::new(), 2);
        for place in places {
            let more = place.path.len() + 2;
            if length + more > PACKET_MAX {
                packets.push(Self::Places { last: false, places: core::mem::take(&mut part) });
                length = 2;
            }
            length += more;
            part.push(place.clone());
        }
        packets.push(Self::Places { last: true, places: part });
        packets
    }

    /// The packet that carries this.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Places { last, places } => {
                let mut packet = Vec::from([b'P', u8::from(*last)]);
                for Guarded { how, path } in places {
                    packet.push(how.byte());
                    packet.extend_from_slice(path);
                    packet.push(0);
                }
                packet
            }
            Self::Done => Vec::from(*b"D"),
            Self::Refused(words) => [b"F", words.join("\0").as_bytes()].concat(),
            Self::Lines(lines) => {
                let mut packet = Vec::from(*b"L");
                for Line { about, words } in lines {
                    packet.push(match about {
                        About::Git => b'G',
                        About::Private => b'P',
                    });
                    packet.extend_from_slice(words.as_bytes());
                    packet.push(0);
                }
                packet
            }
        }
    }

    /// Reads a packet. `None` if it is not valid.
    #[must_use]
    pub fn decode(packet: &[u8]) -> Option<Self> {
        let words = |rest: &[u8]| -> Option<Vec<String>> {
            let text = core::str::from_utf8(rest).ok()?;
            Some(text.split('\0').map(String::from).collect())
        };
        match packet {
            [b'P', last @ (0 | 1), rest @ ..] => {
                let mut parts: Vec<_> = rest.split(|byte| *byte == 0).collect();
                let ends = parts.pop()?.is_empty();
                let places = parts.into_iter().map(guarded).collect::<Option<_>>()?;
                ends.then_some(Self::Places { last: *last == 1, places })
            }
            [b'D'] => Some(Self::Done),
            [b'F', rest @ ..] => words(rest)?.try_into().ok().map(Self::Refused),
            [b'L', rest @ ..] => {
                let rest = rest.strip_suffix(&[0])?;
                rest.split(|byte| *byte == 0).map(line).collect::<Option<_>>().map(Self::Lines)
            }
            [..] => None,
        }
    }
}

fn line(part: &[u8]) -> Option<Line> {
    let (about, words) = match part {
        [b'G', words @ ..] => (About::Git, words),
        [b'P', words @ ..] => (About::Private, words),
        [..] => return None,
    };
    Some(Line { about, words: core::str::from_utf8(words).ok()?.into() })
}

fn guarded(part: &[u8]) -> Option<Guarded> {
    let (byte, path) = part.split_first()?;
    let (how, _) = How::ALL.into_iter().find(|(_, one)| one == byte)?;
    path.starts_with(b"/").then(|| Guarded { how, path: path.to_vec() })
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn place(how: How, path: &str) -> Guarded {
        Guarded { how, path: path.into() }
    }

    #[test]
    fn packets_are_read_back_as_sent() {
        let outside = |changes, follow_links| {
            let (home, state) = (b"/h".to_vec(), b"/h/s".to_vec());
            let (folder, repository) = (b"/h/p\xff".to_vec(), Vec::new());
            let names = vec![b"a".to_vec(), b"b/c/".to_vec()];
            let private = [b"/h/s", b"/h/t"]
                .map(|folder| Private { folder: folder.to_vec(), names: names.clone() });
            let private = private.into();
            Message::Outside(Outside {
                changes,
                home,
                state,
                folder,
                repository,
                private,
                follow_links,
            })
        };
        for message in [
            outside(GitChanges::Reported, false),
            outside(GitChanges::Merged, true),
            outside(GitChanges::Refused, false),
            Message::Inside { other_user: true, masked: vec![] },
            Message::Inside { other_user: false, masked: vec![(1, u64::MAX), (2, 3)] },
            Message::Ended,
        ] {
            assert_eq!(Message::decode(&message.encode()), Some(message));
        }
        for packet in [
            &b""[..],
            b"O",
            b"O\x07\0/h\0/p\0",
            b"O\0\x02a\0b\0c\0d\0",
            b"O\0\0/h\0/p",
            b"O\0\0a\0b\0c\0d",
            b"O\0\0a\0b\0c\0d\0e\0",
            b"I\x02",
            b"I\x01123456789",
        ] {
            assert_eq!(Message::decode(packet), None, "{packet:?}");
        }
    }

    #[test]
    fn answers_are_read_back_as_sent() {
        let places = vec![
            place(How::Link, "/a/config"),
            place(How::Copy, "/a/hooks"),
            place(How::Stored, "/nix/store/a"),
            place(How::StoredPrograms, "/nix/store/b"),
        ];
        for answer in [
            Answer::Places { last: true, places },
            Answer::Places { last: false, places: vec![place(How::ReadOnly, "/a")] },
            Answer::Places { last: true, places: vec![] },
            Answer::Done,
            Answer::Refused(["a".into(), "b".into(), String::new()]),
            Answer::Lines(vec![
                Line { about: About::Git, words: "a b".into() },
                Line { about: About::Private, words: String::new() },
            ]),
        ] {
            assert_eq!(Answer::decode(&answer.encode()), Some(answer));
        }
        for packet in [
            &b""[..],
            b"P",
            b"P\x01L/a",
            b"P\x01Y/a\0",
            b"P\x01La\0",
            b"Fa\0b",
            b"LG\xff\0",
            b"Lx\0",
            b"LG",
        ] {
            assert_eq!(Answer::decode(packet), None, "{packet:?}");
        }
    }

    #[test]
    fn many_places_are_many_packets_and_none_is_too_long() {
        let places: Vec<_> =
            (0..1000).map(|n| place(How::Link, &alloc::format!("/{n:0100}"))).collect();
        let packets = Answer::of_places(&places);
        assert!(packets.len() > 2);
        let mut back = Vec::new();
        for (index, packet) in packets.iter().enumerate() {
            let bytes = packet.encode();
            assert!(bytes.len() <= PACKET_MAX);
            let Some(Answer::Places { last, places }) = Answer::decode(&bytes) else {
                panic!("{index}");
            };
            assert_eq!(last, index + 1 == packets.len());
            back.extend(places);
        }
        assert_eq!(back, places);
    }
}
