//! What holds of every name and address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use crate::tests::{name, policy};
use crate::*;

/// Ways to write an IPv4 address as an IPv6 one that still lead there.
fn spellings(v4: Ipv4Addr) -> [IpAddr; 4] {
    let [a, b, c, d] = v4.octets().map(u16::from);
    let (high, low) = (a << 8 | b, c << 8 | d);
    [
        v4.into(),
        v4.to_ipv6_mapped().into(),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low).into(),
        Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1).into(),
    ]
}

fn label() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9_-]{1,20}"
}

fn some_name() -> impl Strategy<Value = String> {
    (prop::collection::vec(label(), 1..5), "[a-z]{2,6}")
        .prop_map(|(labels, last)| format!("{}.{last}", labels.join(".")))
}

proptest! {
    #[test]
    fn every_spelling_of_an_address_is_judged_alike(bits in any::<u32>()) {
        let v4 = Ipv4Addr::from_bits(bits);
        let [plain, rest @ ..] = spellings(v4).map(|address| objection(address, &[]));
        prop_assert!(rest.iter().all(|other| *other == plain), "{} {:?} {:?}", v4, plain, rest);
        prop_assert_eq!(objection(v4.into(), &[v4.into()]), Some(Objection::Own));
    }

    #[test]
    fn what_std_knows_to_be_special_has_an_objection(bits in any::<u32>(), high in any::<u128>()) {
        let v4 = Ipv4Addr::from_bits(bits);
        let special = v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast()
            || v4.is_broadcast() || v4.is_documentation() || v4.is_unspecified();
        prop_assert!(!special || objection(v4.into(), &[]).is_some(), "{}", v4);
        let v6 = Ipv6Addr::from_bits(high);
        let special = v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local()
            || v6.is_multicast() || v6.is_unspecified();
        prop_assert!(!special || objection(v6.into(), &[]).is_some(), "{}", v6);
    }

    #[test]
    fn a_canonical_name_stays_as_it_is(text in some_name()) {
        let once = Name::from_wire(text.as_bytes()).unwrap();
        prop_assert_eq!(&Name::from_wire(once.as_str().as_bytes()).unwrap(), &once);
        prop_assert_eq!(&Name::from_wire(format!("{}.", text.to_uppercase()).as_bytes()).unwrap(), &once);
        prop_assert_eq!(&Name::from_spec(&text).unwrap(), &once);
    }

    #[test]
    fn no_bytes_make_a_name_with_other_characters(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(name) = Name::from_wire(&bytes) {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
            prop_assert!(name.as_str().chars().all(plain));
            prop_assert!(name.as_str().parse::<IpAddr>().is_err());
        }
    }

    #[test]
    fn no_spec_makes_a_name_with_other_characters(text in "\\PC{0,20}") {
        if let Ok(name) = Name::from_spec(&text) {
            prop_assert_eq!(Name::from_wire(name.as_str().as_bytes()), Ok(name));
        }
    }

    #[test]
    fn a_pattern_matches_what_is_below_it_and_nothing_beside(base in some_name(), more in label(), glued in "[a-z]{1,5}") {
        let Ok(pattern) = Pattern::parse(&format!("*.{base}")) else { return Ok(()) };
        let below = format!("{more}.{base}");
        let others = [base.clone(), format!("{glued}{base}"), format!("{below}.{glued}")];
        prop_assert!(pattern.matches(&name(&below)));
        prop_assert!(!others.iter().any(|text| pattern.matches(&name(text))));
    }

    #[test]
    fn nothing_is_allowed_by_an_empty_policy(text in some_name(), port in 1_u16.., bits in any::<u32>()) {
        let policy = policy(&[]);
        let by_name = Host::Name(name(&text));
        let by_address = Host::Address(Ipv4Addr::from_bits(bits).into());
        for host in [by_name, by_address] {
            prop_assert_eq!(
                decide(&policy, &Request::Connect { host: &host, port }),
                Verdict::Refused(Refusal::Host)
            );
        }
    }
}
