//! Versions of Nix.

use std::fmt;

/// The first two numbers of a version of Nix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32);

impl Version {
    /// The oldest that jailgen works with.
    pub const LEAST: Self = Self(2, 8);

    /// Reads what `nix --version` prints: `nix (Nix) 2.34.8`, `nix (Lix, like Nix) 2.93.0`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // Vendors put a version of their own in the parentheses.
        let number = text.lines().next()?.rsplit(')').next()?.trim();
        let mut numbers = number.split(|c: char| !c.is_ascii_digit()).map(str::parse);
        Some(Self(numbers.next()?.ok()?, numbers.next()?.ok()?))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_all_vendors() {
        assert_eq!(Version::parse("nix (Nix) 2.8.0\n"), Some(Version(2, 8)));
        assert_eq!(Version::parse("nix (Nix) 2.35pre20260101_abc\n"), Some(Version(2, 35)));
        assert_eq!(Version::parse("nix (Lix, like Nix) 2.93.0\n"), Some(Version(2, 93)));
        assert_eq!(Version::parse("nix (Determinate Nix 3.8.5) 2.30.2\n"), Some(Version(2, 30)));
        assert_eq!(Version::parse("something else"), None);
        assert!(Version(2, 3) < Version::LEAST);
    }
}
