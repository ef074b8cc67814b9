//! Addresses that no name may lead to.
//!
//! Sources: IANA's special-purpose address registries for IPv4 and IPv6 (RFC 6890 and its updates),
//! and the addresses that cloud providers document for their metadata services.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// Why an address is not dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Objection {
    /// One of the host's own, on any interface.
    Own,
    /// The host itself: 127.0.0.0/8, ::1.
    Loopback,
    /// 0.0.0.0/8, ::. The kernel takes it for the host itself.
    Unspecified,
    /// 10.0.0.0/8, 192.168.0.0/16, fc00::/7 and their like.
    Private,
    /// Addresses of one link: 169.254.0.0/16, fe80::/10.
    LinkLocal,
    /// 100.64.0.0/10, shared by the customers of a provider.
    CarrierGrade,
    /// A cloud's metadata service, which hands out credentials.
    Metadata,
    /// Groups of hosts: 224.0.0.0/4, ff00::/8.
    Multicast,
    /// Addresses that are reserved for examples in documentation (RFC 5737, RFC 3849).
    Documentation,
    /// For benchmarks; the jail's own synthetic addresses are among them.
    Benchmark,
    /// Reserved for another purpose, or not assigned to anybody.
    Reserved,
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Own => "an address of this machine",
            Self::Loopback => "a loopback address",
            Self::Unspecified => "the unspecified address",
            Self::Private => "a private address",
            Self::LinkLocal => "a link-local address",
            Self::CarrierGrade => "an address of the provider's network",
            Self::Metadata => "a cloud's metadata service",
            Self::Multicast => "a multicast address",
            Self::Documentation => "an address for documentation",
            Self::Benchmark => "an address for benchmarks",
            Self::Reserved => "a reserved address",
        })
    }
}

/// Why an address is not dialled for a name, with the host's own addresses in `own`. `None`: it is
/// a public one.
///
/// IPv4 addresses in IPv6 ones count as what they are: mapped, translated (NAT64) and tunnelled
/// (6to4).
#[must_use]
pub fn objection(address: IpAddr, own: &[IpAddr]) -> Option<Objection> {
    let is_own = |address: IpAddr| own.iter().any(|own| own.to_canonical() == address);
    match address.to_canonical() {
        IpAddr::V4(v4) => is_own(v4.into()).then_some(Objection::Own).or_else(|| within_v4(v4)),
        IpAddr::V6(v6) => {
            is_own(v6.into()).then_some(Objection::Own).or_else(|| match embedded(v6) {
                Some(v4) => objection(v4.into(), own),
                None => within_v6(v6),
            })
        }
    }
}

/// The ranges that are not public, each with its first address and how many leading bits all have
/// in common. Of IPv6 those in 2000::/3: nothing outside it is assigned to anybody.
pub fn special_ranges() -> impl Iterator<Item = (IpAddr, u32, Objection)> {
    let v4 = V4.iter().map(|(first, bits, why)| (IpAddr::V4(*first), *bits, *why));
    let is_in_global =
        |first: &Ipv6Addr| (first.to_bits() ^ GLOBAL.to_bits()) >> (128 - GLOBAL_BITS) == 0;
    let v6 = V6.iter().filter(move |(first, ..)| is_in_global(first));
    v4.chain(v6.map(|(first, bits, why)| (IpAddr::V6(*first), *bits, *why)))
}

/// A range of addresses: the first one, and how many leading bits all have in common.
type Range4 = (Ipv4Addr, u32, Objection);
type Range6 = (Ipv6Addr, u32, Objection);

/// The first one that fits counts.
const V4: &[Range4] = {
    use Objection::*;
    &[
        (Ipv4Addr::new(169, 254, 169, 254), 32, Metadata), // Amazon, Google, Azure, DigitalOcean, Oracle
        (Ipv4Addr::new(169, 254, 170, 2), 32, Metadata),   // Amazon's containers
        (Ipv4Addr::new(100, 100, 100, 200), 32, Metadata), // Alibaba
        (Ipv4Addr::new(168, 63, 129, 16), 32, Metadata),   // Azure's agent; otherwise public
        (Ipv4Addr::new(192, 0, 0, 192), 32, Metadata),     // Oracle, formerly
        (Ipv4Addr::new(0, 0, 0, 0), 8, Unspecified),
        (Ipv4Addr::new(10, 0, 0, 0), 8, Private),
        (Ipv4Addr::new(100, 64, 0, 0), 10, CarrierGrade),
        (Ipv4Addr::new(127, 0, 0, 0), 8, Loopback),
        (Ipv4Addr::new(169, 254, 0, 0), 16, LinkLocal),
        (Ipv4Addr::new(172, 16, 0, 0), 12, Private),
        (Ipv4Addr::new(192, 0, 0, 0), 24, Reserved),
        (Ipv4Addr::new(192, 0, 2, 0), 24, Documentation),
        (Ipv4Addr::new(192, 88, 99, 0), 24, Reserved), // relays of 6to4
        (Ipv4Addr::new(192, 168, 0, 0), 16, Private),
        (Ipv4Addr::new(198, 18, 0, 0), 15, Benchmark),
        (Ipv4Addr::new(198, 51, 100, 0), 24, Documentation),
        (Ipv4Addr::new(203, 0, 113, 0), 24, Documentation),
        (Ipv4Addr::new(224, 0, 0, 0), 4, Multicast),
        (Ipv4Addr::new(240, 0, 0, 0), 4, Reserved),
    ]
};

/// Of IPv6 only 2000::/3 is assigned to anybody; what is special outside it has a word of its own.
const V6: &[Range6] = {
    use Objection::*;
    &[
        (Ipv6Addr::UNSPECIFIED, 128, Unspecified),
        (Ipv6Addr::LOCALHOST, 128, Loopback),
        (Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), 128, Metadata), // Amazon
        (Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254), 128, Metadata),  // Google
        (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, Private),
        (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, LinkLocal),
        (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, Private), // site-local, formerly
        (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, Multicast),
        (Ipv6Addr::new(0x2001, 2, 0, 0, 0, 0, 0, 0), 48, Benchmark),
        (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, Reserved), // Teredo, ORCHID and other protocols'
        (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, Documentation),
        (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, Documentation),
    ]
};

const GLOBAL: Ipv6Addr = Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0);
const GLOBAL_BITS: u32 = 3;

fn within_v4(address: Ipv4Addr) -> Option<Objection> {
    let is_in =
        |(first, bits, _): &&Range4| (address.to_bits() ^ first.to_bits()) >> (32 - *bits) == 0;
    V4.iter().find(is_in).map(|(_, _, objection)| *objection)
}

fn within_v6(address: Ipv6Addr) -> Option<Objection> {
    let is_in =
        |first: Ipv6Addr, bits: u32| (address.to_bits() ^ first.to_bits()) >> (128 - bits) == 0;
    let special = V6.iter().find(|(first, bits, _)| is_in(*first, *bits));
    match special {
        Some((_, _, objection)) => Some(*objection),
        None if is_in(GLOBAL, GLOBAL_BITS) => None,
        None => Some(Objection::Reserved),
    }
}

/// The IPv4 address that packets to an IPv6 one end at: behind a translator (64:ff9b::/96), or at
/// the end of a tunnel (2002::/16, 6to4). Mapped ones were made canonical before; compatible ones
/// (::/96) and Teredo's are reserved as a whole.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let join = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match (a, b) {
        (0x64, 0xff9b) if [c, d, e, f] == [0; 4] => Some(join(g, h)),
        (0x2002, _) => Some(join(b, c)),
        _ => None,
    }
}
