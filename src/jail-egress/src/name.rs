//! Names of hosts, in one canonical form.

use std::fmt;

use idna::AsciiDenyList;
use serde::{Deserialize, Serialize};

/// The longest name, and the longest label of one (RFC 1035), in bytes.
const NAME_MAX: usize = 253;
const LABEL_MAX: usize = 63;

/// A host's name: lower case, ASCII (IDNA), no dot at the end, labels of letters, digits, hyphens
/// and underscores.
///
/// Two names are the same host exactly where they are equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// Why something is not a host's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// It is empty, or has an empty label.
    Empty,
    /// The name has over 253 bytes, or a label has over 63.
    TooLong,
    /// A character that no host's name has.
    Character,
    /// It ends in a number, so programs take it for an address.
    Number,
    /// It is not a valid internationalised name.
    Idna,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "a part of the name is empty",
            Self::TooLong => "the name is too long: 253 bytes at most, 63 in each part",
            Self::Character => "a host name has letters, digits, `-`, `_` and dots",
            Self::Number => {
                "a host name does not end in a number; an address has four decimal numbers, or stands in `[` and `]`"
            }
            Self::Idna => "not a valid internationalised name",
        })
    }
}

impl Name {
    /// A name as a client sends it: in DNS, TLS or HTTP. These have no other form than ASCII, so
    /// nothing is translated.
    ///
    /// # Errors
    /// When it is not a name.
    pub fn from_wire(bytes: &[u8]) -> Result<Self, NameError> {
        let bytes = bytes.strip_suffix(b".").unwrap_or(bytes);
        let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        if !bytes.iter().all(is_allowed) {
            return Err(NameError::Character);
        }
        // What passed is ASCII.
        let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
        check(&text)?;
        Ok(Self(text))
    }

    /// A name as a spec has it, where it may be internationalised: `bücher.example`.
    ///
    /// # Errors
    /// When it is not a name. A dot that is not ASCII's is refused: it looks like one, and other
    /// programs may not take it for one.
    pub fn from_spec(text: &str) -> Result<Self, NameError> {
        if text.is_ascii() {
            return Self::from_wire(text.as_bytes());
        }
        let is_dot = |c: char| matches!(c, '\u{3002}' | '\u{ff0e}' | '\u{ff61}');
        if text.contains(is_dot) || text.chars().any(|c| c.is_ascii() && !is_part(c)) {
            return Err(NameError::Character);
        }
        let ascii = idna::domain_to_ascii_cow(text.as_bytes(), AsciiDenyList::URL)
            .map_err(|_| NameError::Idna)?;
        Self::from_wire(ascii.as_bytes())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is below another name: `a.b.example` is below `b.example`, which is not below
    /// itself.
    #[must_use]
    pub fn is_below(&self, other: &Self) -> bool {
        self.0.strip_suffix(other.as_str()).is_some_and(|rest| rest.ends_with('.'))
    }

    /// Whether it is a name of the local network, which public DNS does not have.
    #[must_use]
    pub fn is_local(&self) -> bool {
        const LOCAL: [&str; 6] =
            ["local", "localhost", "localdomain", "internal", "lan", "home.arpa"];
        let is_in = |zone: &str| {
            self.0.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        !self.0.contains('.') || LOCAL.into_iter().any(is_in)
    }
}

fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

fn check(text: &str) -> Result<(), NameError> {
    if text.len() > NAME_MAX {
        return Err(NameError::TooLong);
    }
    for label in text.split('.') {
        match label.len() {
            0 => return Err(NameError::Empty),
            1..=LABEL_MAX => {}
            _ => return Err(NameError::TooLong),
        }
    }
    let last = text.rsplit('.').next().unwrap_or_default();
    let is_hexadecimal = |digits: &str| digits.chars().all(|c| c.is_ascii_hexdigit());
    let is_number = last.chars().all(|c| c.is_ascii_digit())
        || last.strip_prefix("0x").is_some_and(is_hexadecimal);
    // `127.1`, `2130706433` and `0x7f.1` are addresses to inet_aton(3), which many programs call.
    if is_number { Err(NameError::Number) } else { Ok(()) }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::from_wire(text.as_bytes())
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}
