//! Boxes that do not overlap, texts that cannot leave their place, and every word of a grant in the
//! box that it belongs to.

use std::collections::BTreeMap;

use jail_lang::Files;
use jail_policy::Subject;
use proptest::prelude::*;

use super::picture::{Rectangle, picture};
use super::treemap::tiles;
use super::zones::{Zone, zone};
use super::*;
use crate::closure::StorePath;
use crate::explain::{Group, Line, Summary};

fn line(how: &'static str, what: &[&str], place: Option<&str>) -> Line {
    Line {
        how,
        what: what.iter().map(|text| (*text).to_owned()).collect(),
        note: None,
        combinator: place.map(|_| "readonly".into()),
        place: place.map(str::to_owned),
    }
}

fn jail(groups: Vec<(Subject, Vec<Line>)>) -> Explanation {
    let group = |(subject, lines): (Subject, _)| Group { subject, title: subject.title(), lines };
    Explanation {
        name: "demo".into(),
        summary: Summary::default(),
        findings: Vec::new(),
        groups: groups.into_iter().map(group).collect(),
        absent: vec!["other files of the host, the rest of the home folder,"],
    }
}

fn files(text: &str) -> Files {
    let mut files = Files::default();
    files.add("demo.jail", text);
    files
}

#[test]
fn each_box_links_to_its_line_where_the_page_has_it() {
    let places = ["demo.jail:2:1", "demo.jail:9:1", "other.jail:1:1"];
    let lines = places.map(|place| line("read-only", &["/srv"], Some(place)));
    let jails = [jail(vec![(Subject::Files, lines.into())])];
    let page = Drawing::new("demo.jail", &jails, Some(&files("a\nb\n"))).page().expect("a page");
    assert!(page.contains("href=\"#f0-2\"") && page.contains("id=\"f0-2\""), "{page}");
    assert!(!page.contains("#f0-9") && page.contains("readonly, other.jail:1:1"), "{page}");
}

#[test]
fn nothing_of_a_spec_is_markup_or_reaches_the_terminal_of_a_reader() {
    let evil = "</style><script>alert(1)</script>\u{1b}[2J\u{202e}";
    let grants = vec![(Subject::Files, vec![line("read-only", &[evil], Some("demo.jail:1:1"))])];
    let drawing = Drawing::new(evil, &[jail(grants)], Some(&files(evil)));
    for drawn in [drawing.page().expect("a page"), drawing.svg().expect("a picture")] {
        assert!(!drawn.contains("<script"), "{drawn}");
        assert!(!drawn.contains(['\u{1b}', '\u{202e}']), "{drawn:?}");
    }
}

#[test]
fn a_drawing_of_two_says_what_is_added_and_removed() {
    let old = jail(vec![(Subject::Network, vec![line("by name", &["a.org", "b.org"], None)])]);
    let new = jail(vec![(Subject::Network, vec![line("by name", &["b.org", "c.org"], None)])]);
    let drawing = Drawing::of_difference(("new", &[new]), ("old", &[old]), None);
    let svg = drawing.svg().expect("a picture");
    for (class, text) in [("kept", "b.org"), ("added", "+ c.org"), ("removed", "− a.org")] {
        let there = svg.lines().any(|line| line.contains(class) && line.contains(text));
        assert!(there, "{text}: {svg}");
    }
    let page = drawing.page().expect("a page");
    assert!(page.contains("class=\"text added\"") && page.contains("class=\"text removed\""));
}

#[test]
fn every_word_of_a_grant_of_files_has_its_box() {
    let expected = [
        ("read-write", Zone::Writes),
        ("read-write and executing", Zone::Writes),
        ("something new", Zone::Writes),
        ("read-only", Zone::Reads),
        ("copied", Zone::Reads),
        ("its own", Zone::Own),
        ("in memory", Zone::Own),
        ("masked", Zone::Own),
    ];
    for (how, wanted) in expected {
        assert_eq!(zone(Subject::Files, how), wanted, "{how}");
    }
    assert_eq!(zone(Subject::Host, "whenever asked"), Zone::OnHost);
}

/// Either one lies in the other, or they have nothing in common.
fn is_clear(one: &Rectangle, other: &Rectangle) -> bool {
    let within = |a: &Rectangle, b: &Rectangle| {
        a.x >= b.x
            && a.y >= b.y
            && a.x + a.width <= b.x + b.width
            && a.y + a.height <= b.y + b.height
    };
    let apart = one.x + one.width <= other.x
        || other.x + other.width <= one.x
        || one.y + one.height <= other.y
        || other.y + other.height <= one.y;
    apart || within(one, other) || within(other, one)
}

const SUBJECTS: [Subject; 4] =
    [Subject::Files, Subject::Network, Subject::Path, Subject::Environment];

proptest! {
    #[test]
    fn no_two_boxes_of_a_picture_overlap(
        grants in prop::collection::vec((0usize..4, 0usize..3, "[a-zü/]{1,80}"), 0..40),
    ) {
        let hows = ["read-write", "read-only", "its own"];
        let group = |(subject, how, what): &(usize, usize, String)| {
            let subject = SUBJECTS.get(*subject).copied().unwrap_or(Subject::Files);
            (subject, vec![line(hows.get(*how).copied().unwrap_or("its own"), &[what.as_str()], None)])
        };
        let jails = [jail(grants.iter().map(group).collect()), jail(Vec::new())];
        let boxes = picture(&Drawing::new("demo", &jails, None)).boxes;
        for (at, one) in boxes.iter().enumerate() {
            for other in boxes.iter().skip(at + 1) {
                prop_assert!(is_clear(one, other), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn tiles_fill_the_whole_and_do_not_overlap(
        sizes in prop::collection::vec(1u64..1_000_000_000, 1..60),
    ) {
        let closure: BTreeMap<_, _> = sizes
            .iter()
            .enumerate()
            .map(|(at, size)| {
                let path = format!("/nix/store/{:032}-package-{at}", 0);
                (path, StorePath { nar_size: *size, references: Vec::new() })
            })
            .collect();
        let tiles = tiles(&closure);
        let area: f64 = tiles.iter().map(|tile| tile.width * tile.height).sum();
        prop_assert!((area - 10_000.0).abs() < 1.0, "{area}");
        let least = -1e-6;
        for (at, one) in tiles.iter().enumerate() {
            prop_assert!(one.left >= least && one.top >= least);
            prop_assert!(one.left + one.width < 100.001 && one.top + one.height < 100.001);
            for other in tiles.iter().skip(at + 1) {
                let wide = (one.left + one.width).min(other.left + other.width) - one.left.max(other.left);
                let high = (one.top + one.height).min(other.top + other.height) - one.top.max(other.top);
                prop_assert!(wide < 1e-6 || high < 1e-6, "{one:?} {other:?}");
            }
        }
    }
}

const HOSTILE: &str = "</li><script>alert(1)</script>\u{1b}[2J\u{202e}\" onload=x\n# a";

/// A session whose every word is the jail's.
fn hostile() -> Deeds {
    let line = |verdict: &str| crate::session::Line {
        time: HOSTILE.into(),
        session: HOSTILE.into(),
        verdict: verdict.into(),
        host: Some(HOSTILE.into()),
        port: Some(443),
        reason: Some(HOSTILE.into()),
        remedy: Some(HOSTILE.into()),
        by: Some(HOSTILE.into()),
        place: Some(HOSTILE.into()),
        secret: Some(HOSTILE.into()),
        ..Default::default()
    };
    let verdicts = ["allowed", "refused", "failed", "used", "changed", "trouble"];
    let ledger = serde_json::json!({
        "project": HOSTILE, "running": false, "held": [], "unsaid": [],
        "left": [{ "path": HOSTILE, "part": HOSTILE, "kind": "x", "change": "new", "says": HOSTILE, "reason": "x", "earlier": true, "built": false }],
    });
    Deeds {
        session: HOSTILE.into(),
        is_running: true,
        lines: verdicts.map(line).into(),
        left: Ok(serde_json::from_value(ledger).expect("a ledger")),
        limits: Some(vec![HOSTILE.into()]),
    }
}

#[test]
fn nothing_that_a_session_did_leaves_its_place_in_the_page() {
    let empty = Drawing::new("a", &[], None);
    for deeds in [hostile(), Deeds { left: Err(HOSTILE.into()), ..hostile() }] {
        let page = empty.clone().with_deeds(&deeds).page().expect("a page");
        for wrong in ["<script", "\u{1b}", "\u{202e}", "\" onload"] {
            assert!(!page.contains(wrong), "{wrong:?}: {page}");
        }
        assert!(page.matches("&lt;script&gt;").count() > 10, "{page}");
    }
}

#[test]
fn a_host_that_was_asked_for_often_is_one_row() {
    let line = |host: &str, times| crate::session::Line {
        time: "2026-01-31T12:00:00.000Z".into(),
        verdict: "refused".into(),
        host: Some(host.into()),
        times,
        ..Default::default()
    };
    let mut lines: Vec<_> = (0..500).map(|n| line(&format!("h{n}.test"), None)).collect();
    lines.extend([line("often.test", None), line("often.test", Some(6))]);
    let deeds = Deeds { lines, limits: None, is_running: false, ..hostile() };
    let page = Drawing::new("a", &[], None).with_deeds(&deeds).page().expect("a page");
    let row = page.lines().find(|line| line.contains("often.test")).expect("a row");
    assert!(row.contains("7 times"), "{row}");
    assert!(page.contains("and 301 more"), "{page}");
}
