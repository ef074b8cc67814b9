//! What the jail has instead of a value: it looks like one, so programs take it, and says nothing
//! about it.
//!
//! It has the value's length and the kinds of its characters, position by position. It has no
//! character that URLs, JSON or a shell would write differently, so it is the same text wherever a
//! program puts it.

mod prefixes;
mod token;

use std::fmt;
use std::io;

/// The public beginning of a value, and then at least so many characters that cannot be guessed.
const SECRET_MIN: usize = 12;

/// Of fewer different characters a value is not made by chance.
const DIFFERENT_MIN: usize = 4;

/// This many characters in a row of the value are a piece of it.
const PIECE: usize = 8;

/// Chance needs no second attempt; a value that leaves no room for chance gets no more than these.
const ATTEMPTS: usize = 16;

/// What stands for a value inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placeholder {
    text: String,
    /// How many bytes of it are also the value's.
    shared: usize,
}

/// Why a value gets no placeholder.
#[derive(Debug)]
pub enum Unfit {
    /// There is nothing.
    Empty,
    /// It is so short that it could be guessed, and that its placeholder could be something else.
    Short(usize),
    /// It is a pattern.
    Repeats,
    /// It cannot stand in a field of a request.
    Control,
    /// There are no random numbers.
    Random(io::Error),
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::Short(length) => write!(
                f,
                "it has {length} characters that cannot be guessed, and must have {SECRET_MIN}: a shorter one is found by trying"
            ),
            Self::Repeats => f.write_str("it repeats itself, so it could be found by trying"),
            Self::Control => f.write_str(
                "it has a line break, a NUL byte or another control character, which no field of a request can have",
            ),
            Self::Random(error) => write!(f, "random numbers: {error}"),
        }
    }
}

impl Placeholder {
    /// A new one for a value.
    ///
    /// # Errors
    /// What is wrong with the value; nothing of it is said.
    pub fn for_value(value: &[u8]) -> Result<Self, Unfit> {
        if value.is_empty() {
            return Err(Unfit::Empty);
        }
        if value.iter().any(u8::is_ascii_control) {
            return Err(Unfit::Control);
        }
        let shared = prefixes::known(value);
        let rest = value.get(shared..).unwrap_or_default();
        let secret = rest.iter().filter(|byte| !is_unreserved_mark(**byte)).count();
        if secret < SECRET_MIN {
            return Err(Unfit::Short(secret));
        }
        let mut different = rest.to_vec();
        different.sort_unstable();
        different.dedup();
        let count = different.len();
        zeroize::Zeroize::zeroize(&mut different);
        if count < DIFFERENT_MIN {
            return Err(Unfit::Repeats);
        }
        if let Some(token) = token::placeholder(value).map_err(Unfit::Random)? {
            return Ok(token);
        }
        Self::alike(value, shared)
    }

    fn alike(value: &[u8], shared: usize) -> Result<Self, Unfit> {
        let (prefix, rest) = value.split_at(shared);
        for _ in 0..ATTEMPTS {
            let made = alike(rest).map_err(Unfit::Random)?;
            if !has_piece_of(&made, rest) {
                let text = [prefix, &made].concat();
                // Both parts are ASCII: known prefixes are, and what is made has letters, digits
                // and marks.
                let text = String::from_utf8_lossy(&text).into_owned();
                return Ok(Self { text, shared });
            }
        }
        Err(Unfit::Repeats)
    }

    /// The text that programs inside have.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How many bytes at its beginning are the value's too.
    #[must_use]
    pub fn shared(&self) -> usize {
        self.shared
    }
}

/// Whether a text begins like the keys of a service that is known.
pub(crate) fn is_known(text: &[u8]) -> bool {
    prefixes::known(text) > 0
}

/// Characters that are not letters and digits, and that nothing writes differently (RFC 3986, 2.3).
fn is_unreserved_mark(byte: u8) -> bool {
    matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Random text with the same kinds of characters at the same places.
fn alike(text: &[u8]) -> io::Result<Vec<u8>> {
    let is_hex = text.iter().filter(|byte| byte.is_ascii_alphabetic()).all(u8::is_ascii_hexdigit);
    let (upper, lower): (&[u8], &[u8]) = if is_hex {
        (b"ABCDEF", b"abcdef")
    } else {
        (b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz")
    };
    let mut made = Vec::with_capacity(text.len());
    for byte in text {
        made.push(match byte {
            b'A'..=b'Z' => one_of(upper)?,
            b'0'..=b'9' => one_of(b"0123456789")?,
            mark if is_unreserved_mark(*mark) => *mark,
            _ => one_of(lower)?,
        });
    }
    Ok(made)
}

fn one_of(characters: &[u8]) -> io::Result<u8> {
    let random = getrandom::u32()?;
    let index = usize::try_from(random).unwrap_or_default() % characters.len().max(1);
    Ok(characters.get(index).copied().unwrap_or_default())
}

/// Whether a text has a piece of another one.
fn has_piece_of(text: &[u8], other: &[u8]) -> bool {
    other.windows(PIECE).any(|piece| memchr::memmem::find(text, piece).is_some())
}

#[cfg(test)]
mod tests;
