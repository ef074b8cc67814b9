//! In which order addresses are tried (RFC 8305): the families by turns, IPv6 first.

use std::net::IpAddr;

/// More than these of one name are not tried.
const TRIED_MAX: usize = 16;

/// The order. What stands twice is tried once.
pub(crate) fn order(addresses: &[IpAddr]) -> Vec<IpAddr> {
    let mut seen: Vec<IpAddr> = Vec::new();
    for address in addresses {
        if !seen.contains(address) {
            seen.push(*address);
        }
    }
    let of = |is_v6: bool| {
        let family = seen.iter().copied().filter(move |address| address.is_ipv6() == is_v6);
        family.collect::<Vec<_>>().into_iter()
    };
    let (mut v6, mut v4) = (of(true), of(false));
    let mut ordered = Vec::with_capacity(seen.len());
    while ordered.len() < seen.len() {
        ordered.extend(v6.next());
        ordered.extend(v4.next());
    }
    ordered.truncate(TRIED_MAX);
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let parse = |text: &str| -> Vec<IpAddr> {
            text.split_whitespace().map(|one| one.parse().unwrap()).collect()
        };
        for (given, ordered) in [
            ("1.1.1.1 1.1.1.2 2001::1 2001::2", "2001::1 1.1.1.1 2001::2 1.1.1.2"),
            ("1.1.1.1 1.1.1.2 1.1.1.1", "1.1.1.1 1.1.1.2"),
            ("2001::1 2001::2 1.1.1.1", "2001::1 1.1.1.1 2001::2"),
            ("", ""),
        ] {
            assert_eq!(order(&parse(given)), parse(ordered));
        }
        let many: Vec<IpAddr> = (0..99_u32).map(|n| IpAddr::V4(n.into())).collect();
        assert_eq!(order(&many).len(), TRIED_MAX);
    }
}
