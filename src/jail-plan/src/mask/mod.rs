//! The protocol of the process that finds the files of a project whose content the jail does not
//! see, the table of well-known names of secrets, and the rules for globs. Only forms; no I/O.

use alloc::string::String;
use alloc::vec::Vec;

use crate::errand::PACKET_MAX;

/// The argument that starts the helper as this process.
pub const MASK: &str = "mask";

/// The name of the table's globs in a list of globs.
pub const CREDENTIALS: &str = "@credentials";

/// The most files that are masked: each is a mount.
pub const MASKED_MAX: usize = 4096;

/// The most bytes of all globs of a plan together.
pub const GLOBS_BYTES_MAX: usize = PACKET_MAX - 64;

/// A line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The glob.
    pub glob: &'static str,
    /// What the file holds.
    pub reason: &'static str,
}

/// The table, in the order in which the globs count: one with `!` excepts
/// files from those before it.
pub fn credentials() -> impl Iterator<Item = Credential> {
    let lines = include_str!("credentials.list").lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter_map(|line| {
        let (glob, reason) = line.split_once('|')?;
        Some(Credential { glob: glob.trim(), reason: reason.trim() })
    })
}

/// What is wrong with a glob, and what to write instead.
#[must_use]
pub fn fault(glob: &str) -> Option<(&'static str, &'static str)> {
    let plain = glob.strip_prefix('!').unwrap_or(glob);
    let is_dots = |name: &str| matches!(name, "." | "..");
    if plain.trim_matches(['/', ' ']).is_empty() {
        return Some(("it names nothing", "write a name, such as `.env`"));
    }
    if plain.contains(['\0', '\n', '\r']) {
        return Some(("it has more than one line", "write an element of the list for each glob"));
    }
    if glob.starts_with('#') {
        return Some(("a line that begins with `#` is a comment", "write `\\#` for the character"));
    }
    if plain.starts_with("~/") || plain.starts_with('$') {
        let help = "write its path in the project: `config/*.key`";
        return Some(("a glob is about names in the project, not about paths of the host", help));
    }
    if plain.split('/').any(is_dots) {
        let help = "write it from the project's folder on: `config/*.key`";
        return Some(("`.` and `..` match nothing", help));
    }
    if !ends_in_order(plain) {
        let help = "write `\\[` or `\\\\` for the character itself";
        return Some(("a bracket is not closed, or a backslash is at the end", help));
    }
    None
}

/// Whether every bracket is closed, and something follows each backslash.
fn ends_in_order(glob: &str) -> bool {
    let mut characters = glob.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.next().is_none() => return false,
            '[' if !closes(&mut characters) => return false,
            _ => {}
        }
    }
    true
}

/// Moves past the end of a bracket.
fn closes(characters: &mut core::str::Chars<'_>) -> bool {
    let rest = characters.as_str();
    let rest = rest.strip_prefix(['!', '^']).unwrap_or(rest);
    let mut inner = rest.chars();
    let mut is_first = true;
    while let Some(character) = inner.next() {
        match character {
            ']' if !is_first => {
                *characters = inner;
                return true;
            }
            '\\' if inner.next().is_none() => return false,
            '[' => match after_class(inner.as_str()) {
                Some(after) => inner = after.chars(),
                None => return false,
            },
            _ => {}
        }
        is_first = false;
    }
    false
}

/// What follows a class such as `[:alpha:]`, whose first bracket has been read. If no class starts
/// here, that is everything; if it does not end, nothing.
fn after_class(rest: &str) -> Option<&str> {
    for (start, end) in [(":", ":]"), (".", ".]"), ("=", "=]")] {
        if let Some(class) = rest.strip_prefix(start) {
            return class.split_once(end).map(|(_, after)| after);
        }
    }
    Some(rest)
}

/// A message to the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Its descriptor is the repository whose linked worktree the working
    /// folder may be; with its path.
    Repository(Vec<u8>),
    /// Its descriptor is the working folder; with its path, whether the payload is another user
    /// than the caller, and the globs. It has replies.
    Folder {
        /// Where it is.
        path: Vec<u8>,
        /// Whether the payload is another user.
        other_user: bool,
        /// The globs, in their order.
        globs: Vec<String>,
    },
}

impl Message {
    /// The packet.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Repository(path) => [b"R", path.as_slice()].concat(),
            Self::Folder { path, other_user, globs } => {
                let mut packet = Vec::from([b'F', u8::from(*other_user)]);
                packet.extend_from_slice(path);
                for glob in globs {
                    packet.push(0);
                    packet.extend_from_slice(glob.as_bytes());
                }
                packet
            }
        }
    }

    /// Reads a packet. `None` if it is not valid.
    #[must_use]
    pub fn decode(packet: &[u8]) -> Option<Self> {
        match packet {
            [b'R', path @ ..] => Some(Self::Repository(path.to_vec())),
            [b'F', other_user @ (0 | 1), rest @ ..] => {
                let mut parts = rest.split(|byte| *byte == 0);
                let path = parts.next()?.to_vec();
                let text = |part: &[u8]| core::str::from_utf8(part).ok().map(String::from);
                let globs = parts.map(text).collect::<Option<_>>()?;
                Some(Self::Folder { path, other_user: *other_user == 1, globs })
            }
            [..] => None,
        }
    }
}

/// A part of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A line for the launcher, and the number of the glob that it is about.
    Line(u16, String),
    /// A file that is masked.
    Place(Place),
}

/// What is done with a file that is masked, or with what a link to one passes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// An empty file covers it.
    Loose,
    /// The same, and the folders that contain it keep their names, because the glob
    /// would not match under others.
    Pinned,
    /// It is a symbolic link, or a folder that one passes through, and is mounted
    /// over itself: otherwise the glob would not match what the link leads to. Its
    /// folders keep their names, too.
    Way,
}

/// A file that is masked, or what a link to one passes through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its identity: device and inode.
    pub identity: (u64, u64),
    /// What is done there.
    pub how: How,
    /// Its path below the working folder.
    pub path: Vec<u8>,
}

/// The bodies of the replies with these parts. Only the last one ends with a zero.
#[must_use]
pub fn bodies(parts: &[Part]) -> Vec<Vec<u8>> {
    const MOST: usize = PACKET_MAX - 8;
    let mut bodies = Vec::new();
    let mut body = Vec::new();
    for part in parts {
        let bytes = encode(part);
        if body.len() + bytes.len() > MOST && !body.is_empty() {
            bodies.push(core::mem::take(&mut body));
        }
        body.extend(bytes);
    }
    body.push(0);
    bodies.push(body);
    bodies
}

fn encode(part: &Part) -> Vec<u8> {
    let (kind, head, text) = match part {
        Part::Line(glob, line) => (b'L', glob.to_le_bytes().to_vec(), line.as_bytes()),
        Part::Place(Place { identity: (device, inode), how, path }) => {
            let how = match how {
                How::Loose => 0,
                How::Pinned => 1,
                How::Way => 2,
            };
            let head = [&device.to_le_bytes()[..], &inode.to_le_bytes(), &[how]];
            (b'P', head.concat(), path.as_slice())
        }
    };
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    let text = text.get(..usize::from(length)).unwrap_or_default();
    [&[kind], head.as_slice(), &length.to_le_bytes(), text].concat()
}

/// The parts of a body, and whether it is the last one. `None` if it is not valid.
#[must_use]
pub fn parts(body: &[u8]) -> Option<(Vec<Part>, bool)> {
    let mut parts = Vec::new();
    let mut rest = body;
    while let Some((kind, after)) = rest.split_first() {
        let (part, after) = match kind {
            0 if after.is_empty() => return Some((parts, true)),
            b'L' => {
                let (glob, after) = after.split_first_chunk()?;
                let (text, after) = text(after)?;
                let line = core::str::from_utf8(text).ok()?.into();
                (Part::Line(u16::from_le_bytes(*glob), line), after)
            }
            b'P' => {
                let (device, after) = after.split_first_chunk()?;
                let (inode, after) = after.split_first_chunk()?;
                let (how, after) = after.split_first()?;
                let how = match how {
                    0 => How::Loose,
                    1 => How::Pinned,
                    2 => How::Way,
                    _ => return None,
                };
                let (path, after) = text(after)?;
                let identity = (u64::from_le_bytes(*device), u64::from_le_bytes(*inode));
                (Part::Place(Place { identity, how, path: path.into() }), after)
            }
            _ => return None,
        };
        parts.push(part);
        rest = after;
    }
    Some((parts, false))
}

fn text(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = rest.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))
}

#[cfg(test)]
mod tests;
