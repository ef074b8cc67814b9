//! A range of addresses, `198.18.0.0/15` or `fd6a:6169:6c00::/64`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The first address, and how many leading bits all have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prefix<A> {
    first: A,
    bits: u32,
}

/// How long the longest of these prefixes is that an address is in: the one that a route would be
/// chosen by.
pub(crate) fn longest(prefixes: &[String], address: IpAddr) -> Option<u32> {
    let holds = |text: &String| match address {
        IpAddr::V4(v4) => {
            let prefix = Prefix::parse_v4(text)?;
            prefix.offset(v4).map(|_| prefix.bits)
        }
        IpAddr::V6(v6) => {
            let prefix = Prefix::parse_v6(text)?;
            prefix.offset(v6).map(|_| prefix.bits)
        }
    };
    prefixes.iter().filter_map(holds).max()
}

fn split(text: &str) -> Option<(&str, u32)> {
    let (first, bits) = text.split_once('/')?;
    Some((first, bits.parse().ok()?))
}

impl Prefix<Ipv4Addr> {
    pub(crate) fn parse_v4(text: &str) -> Option<Self> {
        let (first, bits) = split(text)?;
        let first: Ipv4Addr = first.parse().ok()?;
        let host = u32::MAX.checked_shr(bits).unwrap_or(0);
        (bits <= 32).then(|| Self { first: Ipv4Addr::from_bits(first.to_bits() & !host), bits })
    }

    pub(crate) fn len(self) -> u32 {
        u32::MAX.checked_shr(self.bits).unwrap_or(0).saturating_add(1)
    }

    /// The address so far into it.
    pub(crate) fn at(self, offset: u32) -> Option<Ipv4Addr> {
        (offset < self.len()).then(|| Ipv4Addr::from_bits(self.first.to_bits() + offset))
    }

    /// How far into it an address is; `None`: it is not in it.
    pub(crate) fn offset(self, address: Ipv4Addr) -> Option<u32> {
        let offset = address.to_bits().checked_sub(self.first.to_bits())?;
        (offset <= u32::MAX.checked_shr(self.bits).unwrap_or(0)).then_some(offset)
    }
}

impl Prefix<Ipv6Addr> {
    pub(crate) fn parse_v6(text: &str) -> Option<Self> {
        let (first, bits) = split(text)?;
        let first: Ipv6Addr = first.parse().ok()?;
        let host = u128::MAX.checked_shr(bits).unwrap_or(0);
        (bits <= 128).then(|| Self { first: Ipv6Addr::from_bits(first.to_bits() & !host), bits })
    }

    pub(crate) fn len(self) -> u32 {
        let last = u128::MAX.checked_shr(self.bits).unwrap_or(0);
        u32::try_from(last.saturating_add(1)).unwrap_or(u32::MAX)
    }

    /// The address so far into it.
    pub(crate) fn at(self, offset: u32) -> Option<Ipv6Addr> {
        (offset < self.len())
            .then(|| Ipv6Addr::from_bits(self.first.to_bits() + u128::from(offset)))
    }

    /// How far into it an address is; `None`: it is not in it. Beyond all that is ever given out it
    /// counts as the last.
    pub(crate) fn offset(self, address: Ipv6Addr) -> Option<u32> {
        let offset = address.to_bits().checked_sub(self.first.to_bits())?;
        let is_in = offset <= u128::MAX.checked_shr(self.bits).unwrap_or(0);
        is_in.then(|| u32::try_from(offset).unwrap_or(u32::MAX))
    }
}
