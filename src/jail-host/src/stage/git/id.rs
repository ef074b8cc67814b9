//! The name of an object, by SHA-1 or SHA-256.

use crate::objects::{SHA1, SHA256, hexadecimal};

/// It. The bytes behind the length are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Id {
    bytes: [u8; SHA256],
    length: usize,
}

impl Id {
    /// Of as many bytes as one of the two has.
    pub(super) fn new(name: &[u8]) -> Option<Self> {
        let mut bytes = [0; SHA256];
        bytes.get_mut(..name.len())?.copy_from_slice(name);
        matches!(name.len(), SHA1 | SHA256).then_some(Self { bytes, length: name.len() })
    }

    /// As git writes it, with names of this many bytes. The name of nothing is none.
    pub(super) fn parse(text: &[u8], length: usize) -> Option<Self> {
        let digit = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        let bytes = text.chunks(2).map(|pair| match *pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        });
        let bytes: Vec<u8> = bytes.collect::<Option<_>>()?;
        let is_it = bytes.len() == length && bytes.iter().any(|byte| *byte != 0);
        is_it.then(|| Self::new(&bytes)).flatten()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    pub(super) fn text(&self) -> String {
        hexadecimal(self.bytes())
    }
}
