//! How much a launch copies for its jail in all: an earlier jail may have made most of what is
//! copied, and the copies are in memory.

/// Bytes, and names of files and folders.
#[derive(Debug)]
pub(super) struct Room {
    bytes: u64,
    names: usize,
}

impl Room {
    /// For settings, programs and what lies next to them, which are read-only where there is no
    /// more room; and the same again for hooks and for what links into the store lead to.
    pub(super) const HALF: Self = Self { bytes: 64 << 20, names: 4096 };

    /// Takes room for one name of so many bytes.
    #[must_use]
    pub(super) fn take(&mut self, bytes: u64) -> Option<()> {
        let left = self.bytes.checked_sub(bytes)?;
        self.names = self.names.checked_sub(1)?;
        self.bytes = left;
        Some(())
    }

    /// How many bytes there may still be.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_bytes_and_for_names() {
        let mut room = Room { bytes: 10, names: 3 };
        assert_eq!(room.take(11), None);
        assert_eq!(room.take(10), Some(()));
        assert_eq!(room.take(1), None);
        assert_eq!((room.take(0), room.take(0), room.take(0)), (Some(()), Some(()), None));
    }
}
