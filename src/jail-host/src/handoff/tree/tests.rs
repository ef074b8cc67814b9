use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use proptest::prelude::*;

use super::super::judge::Records;
use super::super::report::{Extent, Report};
use super::*;

#[test]
fn where_more_counts_than_is_kept_that_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let opened = std::fs::File::open(folder.path()).expect("it is there");
    let place = Place::new(opened.into(), folder.path().as_os_str().as_encoded_bytes().to_vec());
    let (names, known) = (Names::new(), Known::default());
    let (queue, found) = (Vec::new(), Vec::new());
    let mut walk = Walk {
        place: &place,
        names: &names,
        known: &known,
        since: None,
        found,
        found_bytes: 0,
        queue,
        count: 0,
        jumps: 0,
    };
    let job = Job::default();
    for number in 0..=FOUND_MAX {
        let part = Part::whole(b"x");
        walk.add(
            &job,
            number.to_string().into(),
            names.found("executable"),
            Stamp::default(),
            part,
        );
    }
    // What is seen of the project itself does not stand for it.
    walk.found.truncate(FOUND_MAX - 1);
    walk.add(&job, Vec::new(), names.found("bare-repository"), Stamp::default(), Part::whole(b"y"));
    let kinds: Vec<_> = walk.finish().into_iter().map(|seen| seen.counted.kind).collect();
    assert_eq!(kinds.len(), FOUND_MAX + 1);
    assert!(kinds.contains(&"unseen") && kinds.contains(&"bare-repository"));
}

/// Something in a project that an agent turned against its reader.
#[derive(Clone, Debug)]
enum Thing {
    Folder,
    File(Vec<u8>),
    Program(Vec<u8>),
    Link(Vec<u8>),
    Pipe,
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<&[u8]> = vec![
        b".git",
        b".GIT",
        b"HEAD",
        b"objects",
        b"refs",
        b"config",
        b"config.worktree",
        b"hooks",
        b"pre-commit",
        b"commondir",
        b"gitdir",
        b"modules",
        b"worktrees",
        b".envrc",
        b".vscode",
        b"tasks.json",
        b"package.json",
        b".claude",
        b"node_modules",
        b"target",
        b"a",
        b"\x1b[2J\n",
        b"\xff\xfe",
        b"\xe2\x80\xae",
    ];
    prop_oneof![
        8 => proptest::sample::select(known).prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(1u8.., 1..40)
            .prop_map(|name| name.into_iter().map(|byte| if byte == b'/' { b'x' } else { byte }).collect())
            .prop_filter("a name", |name: &Vec<u8>| name != b"." && name != b".."),
    ]
}

fn path() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(name(), 1..5).prop_map(|names| names.join(b"/".as_slice()))
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    let texts: Vec<&[u8]> = vec![
        b"[core]\n\tfsmonitor = \x1b[31mevil\n\thooksPath = ../a\n",
        b"[include]\n\tpath = config\n[include]\n\tpath = ../.git/config\n",
        b"[alias \"a\\\"\n\"]\nx = !y\n",
        b"gitdir: ../a\n",
        b"../..\n",
        br#"{"scripts": {"postinstall": "\u001b[2J", "a\nb": "c"}}"#,
        b"{\"scripts\": 1",
    ];
    prop_oneof![
        proptest::sample::select(texts).prop_map(<[u8]>::to_vec),
        proptest::collection::vec(any::<u8>(), 0..200),
    ]
}

fn thing() -> impl Strategy<Value = (Vec<u8>, Thing)> {
    let kinds = prop_oneof![
        2 => Just(Thing::Folder),
        4 => content().prop_map(Thing::File),
        1 => content().prop_map(Thing::Program),
        2 => prop_oneof![path(), path().prop_map(|path| [b"../".as_slice(), &path].concat()), Just(b"/etc/passwd".to_vec())]
            .prop_map(Thing::Link),
        1 => Just(Thing::Pipe),
    ];
    (path(), kinds)
}

/// What cannot be made there is not there.
fn make(root: &Path, path: &[u8], thing: &Thing) {
    let path = root.join(OsStr::from_bytes(path));
    let _ = path.parent().map(fs::create_dir_all);
    // To write to a pipe would wait for a reader.
    if path.symlink_metadata().is_ok() {
        return;
    }
    let _ = match thing {
        Thing::Folder => fs::create_dir(&path),
        Thing::File(content) => fs::write(&path, content),
        Thing::Program(content) => {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::Permissions::from_mode(0o755);
            fs::write(&path, content).and_then(|()| fs::set_permissions(&path, mode))
        }
        Thing::Link(to) => std::os::unix::fs::symlink(OsStr::from_bytes(to), &path),
        Thing::Pipe => {
            let mode = rustix::fs::Mode::RUSR;
            let kind = FileType::Fifo;
            rustix::fs::mknodat(rustix::fs::CWD, &path, kind, mode, 0).map_err(Into::into)
        }
    };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_lies_in_a_project_is_looked_at_and_printed_without_harm(
        things in proptest::collection::vec(thing(), 0..40),
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        // A file that exists through a link is written through it, so the project lies in a folder
        // of its own.
        let root = folder.path().join("one/two/project");
        fs::create_dir_all(&root).expect("folders");
        for (path, thing) in &things {
            if !matches!(thing, Thing::File(_) | Thing::Program(_)) || !leads_out(&root, path) {
                make(&root, path, thing);
            }
        }
        let opened = fs::File::open(&root).expect("it is there");
        let place = Place::new(opened.into(), root.as_os_str().as_bytes().to_vec());
        let seen = walk(&place, &Names::new(), &Known::default(), None);
        let mut records = Records::default();
        records.begin(&[]);
        let left = records.left(&seen);
        let held = std::collections::BTreeSet::new();
        let report = Report { project: b"/p", left: &left, held: &held, unsaid: &[], is_running: true };
        for text in [report.text(Extent::All), report.text(Extent::Session), report.json()] {
            prop_assert!(text.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{text:?}");
        }
        // What is written down is read again.
        records.end(&left);
        prop_assert_eq!(Known::decode(&records.waiting.encode()), Some(records.waiting.clone()));
        let again = walk(&place, &Names::new(), &Known::default(), None);
        prop_assert!(records.left(&again).iter().all(|left| left.is_earlier));
    }
}

/// Whether a write to this path would leave the project.
fn leads_out(root: &Path, path: &[u8]) -> bool {
    let path = root.join(OsStr::from_bytes(path));
    let real = path.ancestors().find_map(|path| path.canonicalize().ok());
    path.is_symlink()
        || !real.is_some_and(|real| real.starts_with(root.canonicalize().expect("it is there")))
}
