//! The value of a secret: in memory that nothing else sees, and with no way to print it.

use std::fmt;
use std::io;
use std::ops::Range;

use bytes::Bytes;
use zeroize::Zeroizing;

use crate::sys::Locked;

/// Several texts in one piece of locked memory: a value, and what it looks like when others have
/// written it.
pub(crate) struct Texts {
    memory: Locked,
    ranges: Vec<Range<usize>>,
}

impl Texts {
    /// Takes the texts over. What they stood in before is zeroed.
    pub(crate) fn new(texts: Vec<Zeroizing<Vec<u8>>>) -> io::Result<Self> {
        let mut memory = Locked::new(texts.iter().map(|text| text.len()).sum())?;
        let mut ranges = Vec::with_capacity(texts.len());
        let mut at = 0;
        for text in &texts {
            let range = at..at + text.len();
            if let Some(place) = memory.get_mut(range.clone()) {
                place.copy_from_slice(text);
            }
            at = range.end;
            ranges.push(range);
        }
        Ok(Self { memory, ranges })
    }

    pub(crate) fn get(&self, index: usize) -> &[u8] {
        let range = self.ranges.get(index).cloned().unwrap_or_default();
        self.memory.get(range).unwrap_or_default()
    }
}

pub(crate) struct Value(Texts);

impl Value {
    pub(crate) fn new(value: Zeroizing<Vec<u8>>) -> io::Result<Self> {
        Texts::new(vec![value]).map(Self)
    }

    /// The value. What is made of it belongs into [`Zeroizing`] or [`passing`].
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.get(0)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Value(…)")
    }
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Texts(…)")
    }
}

/// Bytes with a value in them, on their way to a server: they are zeroed when the last part of the
/// program has done with them.
pub(crate) fn passing(bytes: Zeroizing<Vec<u8>>) -> Bytes {
    Bytes::from_owner(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_kept_and_never_shown() {
        let value = Value::new(Zeroizing::new(b"hunter2hunter2".to_vec())).unwrap();
        assert_eq!(value.bytes(), b"hunter2hunter2");
        assert!(!format!("{value:?}").contains("hunter2"));
        let texts = Texts::new(vec![Zeroizing::new(b"a".to_vec()), Zeroizing::new(b"bc".to_vec())]);
        let texts = texts.unwrap();
        assert_eq!((texts.get(0), texts.get(1), texts.get(2)), (&b"a"[..], &b"bc"[..], &b""[..]));
        assert!(!format!("{texts:?}").contains("bc"));
    }
}
