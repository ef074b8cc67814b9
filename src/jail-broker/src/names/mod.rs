//! Which synthetic address stands for which name. No I/O: the caller says what time it is.
//!
//! A name keeps its address as long as it is in the table. The table is bounded: where it is full,
//! the name that was unused for longest leaves it, but never one with a connection, one that was
//! answered a moment ago, or one that a rule names.

mod prefix;

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use jail_egress::Name;

pub(crate) use prefix::{Prefix, longest};

/// How long an answer may be used (its TTL), and so how long its address stands for that name at
/// the least.
pub(crate) const TTL: Duration = Duration::from_secs(5);

/// Time since the broker started.
pub(crate) type Now = Duration;

pub(crate) struct Names {
    prefixes: Prefixes,
    /// How far into the prefixes the address of each place is.
    offsets: Vec<u32>,
    places: Vec<Place>,
    by_name: HashMap<Name, usize>,
}

/// The ranges that synthetic addresses are taken from, one for each family that the jail has.
#[derive(Clone, Copy)]
struct Prefixes {
    v4: Option<Prefix<Ipv4Addr>>,
    v6: Option<Prefix<Ipv6Addr>>,
}

struct Place {
    name: Name,
    is_named_by_rule: bool,
    connections: u32,
    used: Now,
}

/// The place of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assigned {
    /// Which one; the sockets of a place are found by it.
    pub(crate) place: usize,
    /// Whether the name is new there. What listened for another name must be closed.
    pub(crate) is_new: bool,
}

/// Every place is in use.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Names {
    /// An empty table over the first prefix of each family, without the addresses that the loopback
    /// interface has.
    pub(crate) fn new(local: &[String], taken: &[String], capacity: usize) -> Self {
        let prefixes = Prefixes {
            v4: local.iter().find_map(|text| Prefix::parse_v4(text)),
            v6: local.iter().find_map(|text| Prefix::parse_v6(text)),
        };
        let taken: BTreeSet<IpAddr> = taken.iter().filter_map(|text| address(text)).collect();
        let is_free = |offset: &u32| prefixes.at(*offset).all(|address| !taken.contains(&address));
        // The first addresses are left to the interface and to programs that look for a router
        // there.
        let offsets = (16..prefixes.len()).filter(is_free).take(capacity).collect();
        Self { prefixes, offsets, places: Vec::new(), by_name: HashMap::new() }
    }

    /// The jail has no IPv6 after all: names have addresses of the other family only.
    pub(crate) fn has_no_v6(&mut self) {
        self.prefixes.v6 = None;
    }

    /// The place of a name that a program asked for.
    pub(crate) fn assign(&mut self, name: &Name, now: Now) -> Result<Assigned, Full> {
        self.put(name, now, false)
    }

    /// The place of a name that a rule names. It keeps it.
    pub(crate) fn keep(&mut self, name: &Name, now: Now) -> Result<Assigned, Full> {
        self.put(name, now, true)
    }

    fn put(&mut self, name: &Name, now: Now, by_rule: bool) -> Result<Assigned, Full> {
        if let Some(place) = self.by_name.get(name).copied() {
            if let Some(found) = self.places.get_mut(place) {
                found.used = found.used.max(now);
                found.is_named_by_rule |= by_rule;
            }
            return Ok(Assigned { place, is_new: false });
        }
        let new =
            Place { name: name.clone(), is_named_by_rule: by_rule, connections: 0, used: now };
        let place = if self.places.len() < self.offsets.len() {
            self.places.push(new);
            self.places.len() - 1
        } else {
            let place = self.unused_longest(now).ok_or(Full)?;
            let old = self.places.get_mut(place).ok_or(Full)?;
            self.by_name.remove(&old.name);
            *old = new;
            place
        };
        self.by_name.insert(name.clone(), place);
        Ok(Assigned { place, is_new: true })
    }

    fn unused_longest(&self, now: Now) -> Option<usize> {
        let is_unused = |place: &Place| {
            !place.is_named_by_rule && place.connections == 0 && place.used + TTL < now
        };
        let unused = self.places.iter().enumerate().filter(|(_, place)| is_unused(place));
        unused.min_by_key(|(_, place)| place.used).map(|(index, _)| index)
    }

    /// Whether an address is in the synthetic ranges.
    pub(crate) fn is_synthetic(&self, address: IpAddr) -> bool {
        self.prefixes.offset(address).is_some()
    }

    /// The place that a synthetic address belongs to.
    pub(crate) fn place_at(&self, address: IpAddr) -> Option<usize> {
        let offset = self.prefixes.offset(address)?;
        // They ascend.
        let place = self.offsets.binary_search(&offset).ok()?;
        (place < self.places.len()).then_some(place)
    }

    /// The name that a synthetic address stands for.
    pub(crate) fn name_at(&self, address: IpAddr) -> Option<Name> {
        self.places.get(self.place_at(address)?).map(|place| place.name.clone())
    }

    /// The names in the table, with their places.
    pub(crate) fn all(&self) -> impl Iterator<Item = (usize, &Name)> {
        self.places.iter().enumerate().map(|(index, place)| (index, &place.name))
    }

    /// The addresses of a place, one of each family at most.
    pub(crate) fn addresses(&self, place: usize) -> Vec<IpAddr> {
        let offset = self.offsets.get(place).copied();
        offset.map(|offset| self.prefixes.at(offset).collect()).unwrap_or_default()
    }

    /// A connection to the place began: its name stays until [`Self::disconnected`].
    pub(crate) fn connected(&mut self, place: usize, now: Now) {
        if let Some(place) = self.places.get_mut(place) {
            place.connections += 1;
            place.used = now;
        }
    }

    /// A connection to the place ended.
    pub(crate) fn disconnected(&mut self, place: usize, now: Now) {
        if let Some(place) = self.places.get_mut(place) {
            place.connections = place.connections.saturating_sub(1);
            place.used = now;
        }
    }
}

/// An address, or that of an interface: `198.18.0.1/32`.
fn address(text: &str) -> Option<IpAddr> {
    text.split('/').next()?.parse().ok()
}

impl Prefixes {
    fn at(self, offset: u32) -> impl Iterator<Item = IpAddr> {
        let v4 = self.v4.and_then(|prefix| prefix.at(offset)).map(IpAddr::V4);
        let v6 = self.v6.and_then(|prefix| prefix.at(offset)).map(IpAddr::V6);
        v4.into_iter().chain(v6)
    }

    fn offset(self, address: IpAddr) -> Option<u32> {
        match address.to_canonical() {
            IpAddr::V4(v4) => self.v4?.offset(v4),
            IpAddr::V6(v6) => self.v6?.offset(v6),
        }
    }

    /// How many addresses there are in both, without the last one, which in IPv4 is for broadcasts.
    fn len(self) -> u32 {
        let (v4, v6) = (self.v4.map(Prefix::<Ipv4Addr>::len), self.v6.map(Prefix::<Ipv6Addr>::len));
        v4.into_iter().chain(v6).min().unwrap_or(0).saturating_sub(1)
    }
}

#[cfg(test)]
mod tests;
