use super::*;

fn globs(globs: &[&str]) -> Globs {
    Globs::parse(globs.iter().map(|glob| glob.as_bytes())).expect("globs")
}

/// The glob by which a file matches.
fn found(list: &[&str], path: &[u8]) -> Option<usize> {
    let name_at = path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    let list = globs(list);
    let found = list.find(path, name_at, FileType::RegularFile);
    // A match is never missed.
    let name = path.get(name_at..).unwrap_or_default();
    assert!(found.is_none() || list.may_match(name), "{}", String::from_utf8_lossy(path));
    found
}

#[test]
fn the_last_one_that_matches_counts() {
    let list = [".env", ".env.*", "!.env.example", "conf/*.key", "/top", "secrets/"];
    for (path, expected) in [
        (&b".env"[..], Some(0)),
        (b"a/b/.env", Some(0)),
        (b".env.local", Some(1)),
        (b".env.example", None),
        (b".envrc", None),
        (b"conf/a.key", Some(3)),
        (b"x/conf/a.key", None),
        (b"conf/x/a.key", None),
        (b"top", Some(4)),
        (b"a/top", None),
        // It is no folder.
        (b"secrets", None),
        (b".env.\xff", Some(1)),
    ] {
        assert_eq!(found(&list, path), expected, "{}", String::from_utf8_lossy(path));
    }
    assert_eq!(globs(&list).find(b"a/secrets", 2, FileType::Directory), Some(5));
}

#[test]
fn what_matches_is_never_passed_over_by_its_first_and_last_bytes() {
    for (glob, path) in [
        ("*.pem", &b"a.pem"[..]),
        ("x", b"x"),
        ("?", b"y"),
        ("a*", b"a"),
        ("*a", b"a"),
        ("[ab]c", b"bc"),
        ("\\!x", b"!x"),
        ("\\#x", b"#x"),
        ("a\\ ", b"a "),
        ("d/**", b"d/e/f"),
        ("**/q", b"a/q"),
        ("[[:alpha:]]z", b"qz"),
        ("{a,b}", b"{a,b}"),
    ] {
        assert_eq!(found(&[glob], path), Some(0), "{glob}");
    }
}

#[test]
fn what_the_names_of_folders_decide_is_known() {
    let list = globs(&[".env", "conf/*.key", "secrets/", "/x"]);
    assert_eq!([0, 1, 2, 3].map(|glob| list.depends_on_folders(glob)), [false, true, false, true]);
    let list = globs(&[".env", "!fixtures/.env"]);
    assert!(list.depends_on_folders(0));
}

#[test]
fn what_is_no_glob_is_refused() {
    for glob in ["", "#x", "!", "   "] {
        assert_eq!(Globs::parse(["a", glob]).err(), Some(1), "{glob:?}");
    }
}
