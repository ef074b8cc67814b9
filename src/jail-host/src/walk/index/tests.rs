use std::fs;
use std::path::Path;
use std::process::Command;

use super::*;

/// Runs git in a folder, without any user's configuration, and returns what it prints.
fn git(folder: &Path, words: &str) -> Vec<u8> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(["-c", "user.name=n", "-c", "user.email=e@x"]);
    command.args(words.split(' ')).env_clear().env("GIT_CONFIG_NOSYSTEM", "1");
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let ran = command.output().expect("git");
    assert!(ran.status.success(), "{words}: {}", String::from_utf8_lossy(&ran.stderr));
    ran.stdout
}

/// A repository with an index that git has made in this way.
fn made(object_format: &str, further: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    for path in ["a", "b/c", "b/d/e", "b/long-name-of-some-length", "z \u{e9}"] {
        let path = at.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, path.as_os_str().as_encoded_bytes()).expect("a file");
    }
    git(at, &format!("init -q --object-format={object_format}"));
    git(at, "add .");
    git(at, "commit -q -m one");
    for words in further {
        match words.strip_prefix("write ") {
            Some(path) => fs::write(at.join(path), path).expect("a file"),
            None => drop(git(at, words)),
        }
    }
    folder
}

/// What git has for each path. Folders of a sparse index are not looked up.
fn by_git(folder: &Path) -> Tracked {
    let mut all = Tracked::new();
    for line in git(folder, "ls-files -s -z").split(|byte| *byte == 0) {
        let Some(tab) = line.iter().position(|byte| *byte == b'\t') else { continue };
        let (head, path) = line.split_at(tab);
        let name = String::from_utf8_lossy(head).split(' ').nth(1).unwrap_or_default().to_owned();
        let bytes = (0..name.len()).step_by(2);
        let bytes = bytes.map(|at| u8::from_str_radix(&name[at..at + 2], 16).expect("a digit"));
        all.entry(path[1..].to_vec()).or_default().push(bytes.collect());
    }
    all
}

fn by_us(folder: &Path, wanted: &Tracked) -> Option<Tracked> {
    let wanted: BTreeSet<&[u8]> = wanted.keys().map(Vec::as_slice).collect();
    let git = folder.join(".git");
    look_up(&fs::read(git.join("index")).expect("an index"), &wanted, |name| {
        fs::read(git.join(name)).ok()
    })
}

#[test]
fn every_form_of_index_says_what_git_says() {
    let split = ["update-index --split-index", "write b/c", "write new", "add ."];
    for format in ["sha1", "sha256"] {
        for further in [
            &[][..],
            &["update-index --skip-worktree a"],
            &["write new", "add -N new"],
            &["update-index --index-version 4"],
            &["update-index --index-version 4", "write new", "add -N new"],
            &split,
            &["update-index --split-index", "rm -q a", "write b/c", "add b/c"],
            &["update-index --index-version 4", split[0], split[1], split[2], split[3]],
        ] {
            let folder = made(format, further);
            let expected = by_git(folder.path());
            assert!(expected.len() >= 4);
            assert_eq!(by_us(folder.path(), &expected), Some(expected), "{format} {further:?}");
        }
    }
}

#[test]
fn of_a_sparse_index_the_files_are_found_that_are_checked_out() {
    let folder = made("sha1", &["sparse-checkout set --cone --sparse-index b/d"]);
    let mut expected = by_git(folder.path());
    expected.retain(|path, _| folder.path().join(String::from_utf8_lossy(path).as_ref()).exists());
    assert!(expected.contains_key(&b"b/d/e"[..]));
    assert_eq!(by_us(folder.path(), &expected), Some(expected));
}

#[test]
fn an_index_that_is_cut_or_changed_says_nothing_or_something_and_never_fails() {
    for further in [&[][..], &["update-index --index-version 4"], &["update-index --split-index"]] {
        let folder = made("sha1", further);
        let index = fs::read(folder.path().join(".git/index")).expect("an index");
        let wanted = BTreeSet::from([&b"a"[..]]);
        let none = |_: &str| None;
        let whole =
            look_up(&index, &wanted, |name| fs::read(folder.path().join(".git").join(name)).ok());
        for end in 0..index.len() {
            // If an extension that need not be understood ends there, the rest is also an index. So
            // is the head of a split one that has no entries of its own.
            let cut = look_up(&index[..end], &wanted, none);
            let is_empty = cut.as_ref().is_some_and(BTreeMap::is_empty);
            assert!(cut.is_none() || cut == whole || is_empty, "{end}");
        }
        for at in 0..index.len() {
            for bit in 0..8 {
                let mut changed = index.clone();
                changed[at] ^= 1 << bit;
                let _ = look_up(&changed, &wanted, |_| Some(index.clone()));
            }
        }
    }
    assert_eq!(look_up(b"", &BTreeSet::new(), |_| None), None);
}

#[test]
fn a_bitmap_is_read_as_it_is_written() {
    // Two words of zeros, one as it is, one of ones.
    let head = |set: u64, equal: u64, words: u64| (set | equal << 1 | words << 33).to_be_bytes();
    let words = [head(0, 2, 1), 0b101_u64.to_be_bytes(), head(1, 1, 0)].concat();
    let bytes =
        [&256_u32.to_be_bytes()[..], &3_u32.to_be_bytes(), &words, &2_u32.to_be_bytes()].concat();
    let mut rest = bytes.as_slice();
    let mut bitmap = Bitmap::read(&mut rest).expect("a bitmap");
    assert!(rest.is_empty());
    let set: Vec<u64> = (0..300).filter(|bit| bitmap.has(*bit)).collect();
    assert_eq!(set, [128, 130].into_iter().chain(192..256).collect::<Vec<_>>());
    for end in 0..bytes.len() {
        assert!(Bitmap::read(&mut &bytes[..end]).is_none());
    }
}
