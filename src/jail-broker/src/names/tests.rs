//! Addresses and names, with a clock of the tests' own.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const LOCAL: [&str; 3] = ["198.18.0.0/15", "fd6a:6169:6c00::/64", "10.1.2.3/32"];

fn names(capacity: usize) -> Names {
    let local = LOCAL.map(String::from);
    Names::new(&local, &["198.18.0.17".into(), "fd6a:6169:6c00::18/128".into()], capacity)
}

fn name(text: &str) -> Name {
    Name::from_wire(text.as_bytes()).unwrap()
}

fn numbered(number: usize) -> Name {
    name(&format!("n{number}.example.com"))
}

fn at(seconds: u64) -> Now {
    Duration::from_secs(seconds)
}

#[test]
fn a_name_has_an_address_of_each_family_and_keeps_it() {
    let mut names = names(10);
    let one = names.assign(&name("a.example.com"), at(0)).unwrap();
    assert_eq!(one, Assigned { place: 0, is_new: true });
    let addresses: Vec<String> = names.addresses(0).iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["198.18.0.16", "fd6a:6169:6c00::10"]);
    let two = names.assign(&name("b.example.com"), at(0)).unwrap();
    // 17 is an interface's.
    assert_eq!(names.addresses(two.place)[0].to_string(), "198.18.0.18");
    let again = names.assign(&name("a.example.com"), at(9)).unwrap();
    assert_eq!(again, Assigned { place: 0, is_new: false });
    for address in names.addresses(0) {
        assert_eq!(names.name_at(address), Some(name("a.example.com")));
    }
}

#[test]
fn what_nobody_was_given_stands_for_no_name() {
    let mut names = names(10);
    names.assign(&name("a.example.com"), at(0)).unwrap();
    for text in [
        "198.18.0.17",
        "198.18.0.1",
        "198.18.7.7",
        "198.20.0.16",
        "10.1.2.3",
        "fd6a:6169:6c00::ffff",
    ] {
        assert_eq!(names.name_at(text.parse().unwrap()), None, "{text}");
    }
    assert!(names.is_synthetic("198.19.255.255".parse().unwrap()));
    assert!(names.is_synthetic("fd6a:6169:6c00::ffff:ffff:ffff:ffff".parse().unwrap()));
    assert!(names.is_synthetic("::ffff:198.18.0.1".parse().unwrap()));
    for text in ["198.20.0.0", "198.17.255.255", "fd6a:6169:6c00:1::", "10.1.2.3"] {
        assert!(!names.is_synthetic(text.parse().unwrap()), "{text}");
    }
}

#[test]
fn the_name_that_was_unused_for_longest_leaves() {
    let mut names = names(3);
    names.keep(&name("rule.example.com"), Now::ZERO).unwrap();
    names.assign(&numbered(1), at(1)).unwrap();
    names.assign(&numbered(2), at(2)).unwrap();
    names.assign(&numbered(1), at(3)).unwrap();
    assert_eq!(names.assign(&numbered(3), at(7)), Err(Full), "2 was answered 5 seconds ago");
    let three = names.assign(&numbered(3), at(8)).unwrap();
    assert_eq!(three, Assigned { place: 2, is_new: true }, "2 was");
    assert_eq!(names.name_at(names.addresses(2)[0]), Some(numbered(3)));
    names.connected(1, at(8));
    names.connected(2, at(8));
    assert_eq!(names.assign(&numbered(4), at(99)), Err(Full));
    names.disconnected(1, at(100));
    assert_eq!(names.assign(&numbered(4), at(105)), Err(Full));
    assert_eq!(names.assign(&numbered(4), at(106)).unwrap().place, 1);
}

#[test]
fn a_jail_of_one_family_has_addresses_of_that_one() {
    let mut names = Names::new(&["fd6a::/64".into()], &[], 4);
    names.assign(&numbered(1), at(0)).unwrap();
    assert_eq!(names.addresses(0), ["fd6a::10".parse::<IpAddr>().unwrap()]);
    let mut both = self::names(4);
    both.assign(&numbered(1), at(0)).unwrap();
    assert_eq!(both.addresses(0).len(), 2);
    both.has_no_v6();
    assert_eq!(both.addresses(0), ["198.18.0.16".parse::<IpAddr>().unwrap()]);
    assert_eq!(Names::new(&[], &[], 4).assign(&numbered(1), at(0)), Err(Full));
}

proptest! {
    #[test]
    fn no_two_names_share_an_address_and_none_in_use_leaves(
        steps in prop::collection::vec((0_usize..40, 0_u64..4, any::<bool>()), 1..200),
    ) {
        let mut names = names(8);
        let mut now = 0;
        let mut connected: BTreeMap<usize, Name> = BTreeMap::new();
        for (number, pause, connects) in steps {
            now += pause;
            let Ok(assigned) = names.assign(&numbered(number), at(now)) else { continue };
            for address in names.addresses(assigned.place) {
                prop_assert_eq!(names.name_at(address), Some(numbered(number)));
            }
            if connects && connected.len() < 4 && !connected.contains_key(&assigned.place) {
                names.connected(assigned.place, at(now));
                connected.insert(assigned.place, numbered(number));
            }
            for (place, name) in &connected {
                let address = names.addresses(*place)[0];
                prop_assert_eq!(names.name_at(address), Some(name.clone()));
            }
            let places: BTreeSet<usize> = names.all().map(|(place, _)| place).collect();
            prop_assert_eq!(places.len(), names.by_name.len());
        }
    }
}
