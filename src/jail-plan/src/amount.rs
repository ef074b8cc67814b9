//! Amounts as people write them: `64 MiB`, `1 h 30 min`.

use core::fmt;

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u32, &str); 3] = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
        // The largest unit that is exact.
        let unit =
            UNITS.into_iter().find(|(shift, _)| self.0 != 0 && self.0.trailing_zeros() >= *shift);
        match unit {
            Some((shift, name)) => write!(f, "{} {name}", self.0 >> shift),
            None if self.0 == 1 => f.write_str("1 byte"),
            None => write!(f, "{} bytes", self.0),
        }
    }
}

/// A number of seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds(pub u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [(self.0 / 3600, "h"), (self.0 / 60 % 60, "min"), (self.0 % 60, "s")];
        let mut space = "";
        for (count, unit) in parts.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, "{space}{count} {unit}")?;
            space = " ";
        }
        if space.is_empty() { f.write_str("0 s") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::{Bytes, Seconds};

    #[test]
    fn amounts_are_told_exactly_and_short() {
        let bytes = [
            (0, "0 bytes"),
            (1, "1 byte"),
            (1 << 10, "1 KiB"),
            (1536, "1536 bytes"),
            (64 << 20, "64 MiB"),
            (3 << 29, "1536 MiB"),
            (4 << 30, "4 GiB"),
        ];
        for (number, words) in bytes {
            assert_eq!(Bytes(number).to_string(), words);
        }
        let seconds =
            [(0, "0 s"), (1, "1 s"), (90, "1 min 30 s"), (7200, "2 h"), (3661, "1 h 1 min 1 s")];
        for (number, words) in seconds {
            assert_eq!(Seconds(number).to_string(), words);
        }
    }
}
