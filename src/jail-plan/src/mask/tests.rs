use alloc::collections::BTreeSet;
use alloc::vec;

use super::*;

#[test]
fn each_line_of_the_table_is_whole_and_stands_there_once() {
    let text = include_str!("credentials.list");
    let written = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count();
    assert_eq!(credentials().count(), written);
    for Credential { glob, reason } in credentials() {
        assert_eq!(fault(glob), None, "{glob}");
        assert!(reason.len() > 10 && !reason.ends_with('.'), "{glob}: {reason}");
    }
    let globs: BTreeSet<_> = credentials().map(|it| it.glob).collect();
    assert_eq!(globs.len(), written);
}

#[test]
fn every_line_of_the_table_is_on_the_page() {
    let page = include_str!("../../../../docs/project-folder.md");
    for Credential { glob, reason } in credentials() {
        let row = alloc::format!("| `{glob}` | {reason} |");
        assert!(page.contains(&row), "docs/project-folder.md lacks: {row}");
    }
}

#[test]
fn what_can_match_nothing_is_no_glob() {
    for glob in [
        ".env",
        "*.key",
        "!.env.test",
        "a/**/b",
        "secrets/",
        "/top",
        "[]a]",
        "[!]a]",
        "[[:alpha:]]x",
        "\\#a",
        "[\\]]",
        "a\\ ",
        "[a[:digit:]b]",
        "x[^a-c]",
        "é",
    ] {
        assert_eq!(fault(glob), None, "{glob}");
    }
    for glob in [
        "",
        "!",
        "/",
        "  ",
        "#a",
        "~/.env",
        "$HOME/x",
        "../x",
        "a/./b",
        "a/..",
        "[a",
        "[]",
        "[!]",
        "a\\",
        "[[:alpha:]",
        "[[:alpha",
        "[a\\]",
        "a\nb",
        "a\0",
    ] {
        assert!(fault(glob).is_some(), "{glob:?}");
    }
}

#[test]
fn what_is_told_is_read_back_as_sent() {
    for message in [
        Message::Repository(b"/r\xff".to_vec()),
        Message::Folder {
            path: b"/p\xff".to_vec(),
            other_user: true,
            globs: vec![".env".into(), "!x".into()],
        },
        Message::Folder { path: b"/p".to_vec(), other_user: false, globs: vec![] },
    ] {
        assert_eq!(Message::decode(&message.encode()), Some(message));
    }
    for packet in [&b""[..], b"F", b"F\x02/p", b"F\x01/p\0\xff", b"X"] {
        assert_eq!(Message::decode(packet), None, "{packet:?}");
    }
}

fn place(number: u64) -> Part {
    let path = alloc::format!("{number:0200}\u{ff}").into_bytes();
    let how = [How::Loose, How::Pinned, How::Way][usize::try_from(number % 3).expect("small")];
    Part::Place(Place { identity: (1, number), how, path })
}

#[test]
fn parts_are_read_back_as_sent_whatever_their_number() {
    for count in [0, 1, 1000] {
        let sent: Vec<_> =
            [Part::Line(7, "a".into())].into_iter().chain((0..count).map(place)).collect();
        let bodies = bodies(&sent);
        let mut read = Vec::new();
        for (at, body) in bodies.iter().enumerate() {
            assert!(body.len() < PACKET_MAX);
            let (parts, is_last) = parts(body).expect("parts");
            assert_eq!(is_last, at + 1 == bodies.len());
            read.extend(parts);
        }
        assert_eq!(read, sent);
    }
    let body = bodies(&[place(1), Part::Line(0, "a".into())]).concat();
    for end in 1..body.len() - 1 {
        // A body that is cut is not valid, or says that more follows.
        assert!(parts(&body[..end]).is_none_or(|(_, is_last)| !is_last), "{end}");
    }
    assert_eq!(parts(b"\0\0"), None);
}
