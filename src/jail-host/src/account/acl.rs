//! Access control lists as the kernel stores them (acl(5), `linux/posix_acl_xattr.h`).

const VERSION: u32 = 2;
const USER_OBJ: u16 = 1;
const USER: u16 = 2;
const GROUP_OBJ: u16 = 4;
const GROUP: u16 = 8;
const MASK: u16 = 16;
const OTHER: u16 = 32;
/// The id of entries that name no user or group.
const NO_ID: u32 = u32::MAX;

/// Read, write and execute.
pub(super) const ALL: u16 = 7;

/// One entry: tag, permissions, id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Acl(Vec<(u16, u16, u32)>);

impl Acl {
    /// What a file's mode says.
    pub(super) fn of_mode(mode: u32) -> Self {
        let bits = |shift: u32| u16::try_from(mode >> shift & 7).unwrap_or(0);
        Self(Vec::from([
            (USER_OBJ, bits(6), NO_ID),
            (GROUP_OBJ, bits(3), NO_ID),
            (OTHER, bits(0), NO_ID),
        ]))
    }

    /// What an extended attribute says.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (version, entries) = bytes.split_first_chunk::<4>()?;
        let (entries, rest) = entries.as_chunks::<8>();
        if u32::from_le_bytes(*version) != VERSION || !rest.is_empty() {
            return None;
        }
        let entry = |[a, b, c, d, id @ ..]: &[u8; 8]| {
            (u16::from_le_bytes([*a, *b]), u16::from_le_bytes([*c, *d]), u32::from_le_bytes(*id))
        };
        Some(Self(entries.iter().map(entry).collect()))
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::from(VERSION.to_le_bytes());
        for (tag, permissions, id) in &self.0 {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(permissions.to_le_bytes());
            bytes.extend(id.to_le_bytes());
        }
        bytes
    }

    /// What this user may do, by name and under the mask.
    pub(super) fn user(&self, uid: u32) -> Option<u16> {
        let entry = self.0.iter().find(|(tag, _, id)| *tag == USER && *id == uid);
        entry.map(|(_, permissions, _)| permissions & self.mask().unwrap_or(ALL))
    }

    /// What the owner may.
    pub(super) fn owner(&self) -> u16 {
        self.0
            .iter()
            .find(|(tag, ..)| *tag == USER_OBJ)
            .map_or(0, |(_, permissions, _)| *permissions)
    }

    fn mask(&self) -> Option<u16> {
        self.0.iter().find(|(tag, ..)| *tag == MASK).map(|(_, permissions, _)| *permissions)
    }

    /// The list with these permissions for a user. No other user gets more than before.
    pub(super) fn with(mut self, uid: u32, permissions: u16) -> Self {
        // The mask has to grow, so an entry that it restricted so far is now restricted itself.
        let mask = self.mask().unwrap_or(ALL);
        self.0.retain(|(tag, _, id)| *tag != MASK && !(*tag == USER && *id == uid));
        let mut union = permissions;
        for (tag, permissions, _) in &mut self.0 {
            if [USER, GROUP_OBJ, GROUP].contains(tag) {
                *permissions &= mask;
                union |= *permissions;
            }
        }
        self.insert((USER, permissions, uid));
        self.insert((MASK, union, NO_ID));
        self
    }

    /// The kernel wants and returns them ordered by tag and id.
    fn insert(&mut self, entry: (u16, u16, u32)) {
        let later = |(tag, _, id): &(u16, u16, u32)| (*tag, *id) > (entry.0, entry.2);
        let place = self.0.iter().position(later).unwrap_or(self.0.len());
        self.0.insert(place, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::{ALL, Acl};

    #[test]
    fn a_user_is_added_and_nobody_else_gains() {
        let acl = Acl::of_mode(0o100_640).with(990, 6);
        let expected =
            [(1, 6, u32::MAX), (2, 6, 990), (4, 4, u32::MAX), (16, 6, u32::MAX), (32, 0, u32::MAX)];
        assert_eq!(acl.0, expected);
        assert_eq!((acl.user(990), acl.user(991), acl.owner()), (Some(6), None, 6));
        // A mask that restricted another user still does.
        let masked = Acl([
            (1, 7, u32::MAX),
            (2, 7, 5),
            (4, 7, u32::MAX),
            (16, 4, u32::MAX),
            (32, 0, u32::MAX),
        ]
        .into());
        let wider = masked.with(990, ALL);
        assert_eq!((wider.user(5), wider.user(990)), (Some(4), Some(7)));
        assert_eq!(wider.clone().with(990, ALL), wider);
        assert_eq!(Acl::parse(&wider.bytes()), Some(wider));
        assert_eq!(Acl::parse(b"\x01\0\0\0"), None);
        assert_eq!(Acl::parse(b"\x02\0\0\0\0"), None);
    }
}
