//! What an object of the stage must be to be taken over: as `git fsck` wants it, so that the
//! project's repository stays clean. Names in trees are those that git may check out.

use bstr::ByteSlice as _;
use gix_validate::path::component;
use jail_plan::git::settings;

use super::id::Id;
use super::objects::Kind;

/// A commit, as far as it leads to others.
pub(super) struct Commit {
    pub(super) tree: Id,
    pub(super) parents: Vec<Id>,
    /// When it was committed, for the order of a walk. Nothing depends on it being true.
    pub(super) time: u64,
}

/// A name in a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named<'c> {
    pub(super) mode: u32,
    pub(super) name: &'c [u8],
    pub(super) id: Id,
}

pub(super) const FOLDER: u32 = 0o040_000;
pub(super) const LINK: u32 = 0o120_000;
/// A commit of another repository.
pub(super) const SUBMODULE: u32 = 0o160_000;

/// A longer commit or tag is not taken over: a walk reads each of them more than once.
const TEXT_MAX: usize = 1 << 20;
const TOO_LONG: &str = "is a commit or tag of more than 1 MiB";

const BAD_COMMIT: &str = "is no commit as git makes them";
const BAD_TREE: &str = "is no tree as git makes them";
const BAD_TAG: &str = "is no tag as git makes them";

/// Reads a commit of either side.
pub(super) fn commit(content: &[u8], length: usize) -> Result<Commit, &'static str> {
    let mut rest = content;
    let tree = field(&mut rest, b"tree").and_then(|text| Id::parse(text, length));
    let tree = tree.ok_or(BAD_COMMIT)?;
    let mut parents = Vec::new();
    while let Some(text) = field(&mut rest, b"parent") {
        parents.push(Id::parse(text, length).ok_or(BAD_COMMIT)?);
    }
    let _author = field(&mut rest, b"author");
    let committer = field(&mut rest, b"committer").unwrap_or_default();
    let time = committer.rsplit(|byte| *byte == b' ').nth(1).unwrap_or_default();
    let time = std::str::from_utf8(time).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    Ok(Commit { tree, parents, time })
}

/// A commit of the stage, if it is one that `git fsck` accepts.
pub(super) fn check_commit(content: &[u8], length: usize) -> Result<Commit, &'static str> {
    if content.len() > TEXT_MAX {
        return Err(TOO_LONG);
    }
    let commit = commit(content, length)?;
    let mut rest = content;
    let _tree = field(&mut rest, b"tree");
    while field(&mut rest, b"parent").is_some() {}
    for name in [b"author".as_slice(), b"committer"] {
        let person = field(&mut rest, name).ok_or(BAD_COMMIT)?;
        if !is_person(person) {
            return Err("has an author or committer that git does not accept");
        }
    }
    match rest.first() {
        Some(b'\n') => {}
        // Other lines, such as a signature, up to an empty one.
        Some(b'a'..=b'z') if rest.find(b"\n\n").is_some() => {}
        _ => return Err(BAD_COMMIT),
    }
    if content.contains(&0) { Err("has a byte that no text has") } else { Ok(commit) }
}

/// The names in a tree of either side.
pub(super) fn tree(content: &[u8], length: usize) -> Result<Vec<Named<'_>>, &'static str> {
    let mut all = Vec::new();
    let mut rest = content;
    while !rest.is_empty() {
        let space = rest.iter().take(8).position(|byte| *byte == b' ').ok_or(BAD_TREE)?;
        let (mode, after) = rest.split_at(space);
        let mode =
            std::str::from_utf8(mode).ok().and_then(|text| u32::from_str_radix(text, 8).ok());
        let after = after.get(1..).unwrap_or_default();
        let end = after.iter().position(|byte| *byte == 0).ok_or(BAD_TREE)?;
        let (name, after) = after.split_at(end);
        let (id, after) =
            after.get(1..).unwrap_or_default().split_at_checked(length).ok_or(BAD_TREE)?;
        let (mode, id) = (mode.ok_or(BAD_TREE)?, Id::new(id).ok_or(BAD_TREE)?);
        all.push(Named { mode, name, id });
        rest = after;
    }
    Ok(all)
}

/// The names in a tree of the stage, if it is one that `git fsck` accepts.
pub(super) fn check_tree(content: &[u8], length: usize) -> Result<Vec<Named<'_>>, &'static str> {
    let all = tree(content, length)?;
    let mut again = Vec::with_capacity(content.len());
    for it in &all {
        again.extend(format!("{:o} ", it.mode).as_bytes());
        again.extend([it.name, b"\0", it.id.bytes()].concat());
    }
    // A mode that begins with a zero would be another name of the same tree.
    if again != content {
        return Err(BAD_TREE);
    }
    for it in &all {
        if !matches!(it.mode, FOLDER | 0o100_644 | 0o100_755 | LINK | SUBMODULE) {
            return Err("has a mode that git does not give");
        }
        if crate::handoff::names::fold(it.name) == ".gitmodules"
            && matches!(it.mode, FOLDER | SUBMODULE)
        {
            return Err("has `.gitmodules` as something that is no file");
        }
        if it.id.bytes().iter().all(|byte| *byte == 0) || !is_name(it.name, it.mode) {
            return Err("has a name that git does not check out");
        }
    }
    let sorted = |it: &Named<'_>| {
        let end: &[u8] = if it.mode == FOLDER { b"/" } else { b"" };
        [it.name, end].concat()
    };
    let keys: Vec<Vec<u8>> = all.iter().map(sorted).collect();
    let names: std::collections::BTreeSet<&[u8]> = all.iter().map(|it| it.name).collect();
    if !keys.is_sorted() || names.len() != all.len() {
        return Err("has its names twice, or in another order than git");
    }
    Ok(all)
}

/// Whether git may check out a name, on any system.
fn is_name(name: &[u8], mode: u32) -> bool {
    const NAME_MAX: usize = 4096;
    let protect =
        component::Options { protect_windows: false, protect_hfs: true, protect_ntfs: true };
    let as_link = (mode == LINK).then_some(component::Mode::Symlink);
    let is_one =
        |name: &[u8]| gix_validate::path::component(name.as_bstr(), as_link, protect).is_ok();
    // Elsewhere a backslash leads into a folder.
    let parts = name.split(|byte| *byte == b'\\').filter(|part| !part.is_empty());
    name.len() <= NAME_MAX
        && is_one(name)
        && parts
            .filter(|part| *part != name)
            .all(|part| matches!(part, b"." | b"..") || is_one(part))
}

/// Whether a file `.gitmodules` is one that `git fsck` accepts: nothing in it is an option, a
/// command, or a path that leads elsewhere.
pub(super) fn check_modules(content: &[u8]) -> Result<(), &'static str> {
    const WHY: &str = "has submodules that git does not accept";
    for setting in settings(content).iter().filter(|it| it.section == b"submodule") {
        let name = setting.about.as_deref().unwrap_or_default();
        let climbs =
            |path: &[u8]| path.split(|byte| matches!(byte, b'/' | b'\\')).any(|part| part == b"..");
        let value = setting.value.as_slice();
        let is_bad = match setting.key.as_slice() {
            b"url" => {
                let lower = value.to_ascii_lowercase();
                value.starts_with(b"-")
                    || value.contains(&b'\n')
                    || value.contains(&0)
                    || [b"%0a", b"%00"].iter().any(|it| lower.contains_str(it))
            }
            b"path" => value.starts_with(b"-") || climbs(value),
            b"update" => value.starts_with(b"!"),
            _ => false,
        };
        if is_bad || climbs(name) {
            return Err(WHY);
        }
    }
    Ok(())
}

/// What a tag of the stage or the project names, and what kind that has.
pub(super) fn tag(content: &[u8], length: usize) -> Result<(Id, Kind), &'static str> {
    let mut rest = content;
    let object = field(&mut rest, b"object").and_then(|text| Id::parse(text, length));
    let kind = field(&mut rest, b"type").and_then(Kind::of_word);
    object.zip(kind).ok_or(BAD_TAG)
}

/// What a tag of the stage names, if it is one that `git fsck` accepts.
pub(super) fn check_tag(content: &[u8], length: usize) -> Result<(Id, Kind), &'static str> {
    if content.len() > TEXT_MAX {
        return Err(TOO_LONG);
    }
    let target = tag(content, length)?;
    let mut rest = content;
    let _ = (field(&mut rest, b"object"), field(&mut rest, b"type"));
    let name = field(&mut rest, b"tag").ok_or(BAD_TAG)?;
    let whole = [b"refs/tags/", name].concat();
    let person = field(&mut rest, b"tagger").ok_or(BAD_TAG)?;
    let is_one = gix_validate::reference::name(whole.as_bstr()).is_ok() && is_person(person);
    let is_whole = is_one && rest.starts_with(b"\n") && !content.contains(&0);
    if is_whole { Ok(target) } else { Err(BAD_TAG) }
}

/// The value of the next line, if it has this key.
fn field<'c>(rest: &mut &'c [u8], key: &[u8]) -> Option<&'c [u8]> {
    let after = rest.strip_prefix(key)?.strip_prefix(b" ")?;
    let end = after.iter().position(|byte| *byte == b'\n')?;
    let (value, after) = after.split_at(end);
    *rest = after.get(1..).unwrap_or_default();
    Some(value)
}

/// `Name <address> seconds +zone`.
fn is_person(text: &[u8]) -> bool {
    let Some(open) = text.iter().position(|byte| matches!(byte, b'<' | b'>')) else { return false };
    let (name, rest) = text.split_at(open);
    let Some(rest) = rest.strip_prefix(b"<") else { return false };
    let Some(close) = rest.iter().position(|byte| matches!(byte, b'<' | b'>')) else {
        return false;
    };
    let (_, rest) = rest.split_at(close);
    let Some(rest) = rest.strip_prefix(b"> ") else { return false };
    let Some(space) = rest.iter().position(|byte| *byte == b' ') else { return false };
    let (seconds, zone) = rest.split_at(space);
    let digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let is_time = digits(seconds)
        && (seconds == b"0" || !seconds.starts_with(b"0"))
        && std::str::from_utf8(seconds)
            .is_ok_and(|text| text.parse::<u64>().is_ok_and(|it| it < 1 << 62));
    let is_zone = zone.len() == 6
        && (zone.starts_with(b" +") || zone.starts_with(b" -"))
        && zone.get(2..).is_some_and(digits);
    name.ends_with(b" ") && is_time && is_zone
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
    const PERSON: &str = "A B <a@b> 1700000000 +0100";

    fn is_commit(text: &str) -> bool {
        let text = text.replace("ID", ID).replace("P\n", &format!("{PERSON}\n"));
        check_commit(text.as_bytes(), 20).is_ok()
    }

    #[test]
    fn commits_are_those_that_git_makes() {
        for text in [
            "tree ID\nauthor P\ncommitter P\n\nx\n",
            "tree ID\nparent ID\nparent ID\nauthor P\ncommitter P\ngpgsig a\n b\n\nx",
            "tree ID\nauthor  <> 0 +0000\ncommitter P\n\n",
        ] {
            assert!(is_commit(text), "{text}");
        }
        for text in [
            "",
            "tree ID\n",
            "tree 00\nauthor P\ncommitter P\n\n",
            "tree ID\nauthor P\n\nx",
            "tree ID\nparent x\nauthor P\ncommitter P\n\nx",
            "tree ID\nauthor A <a> 01 +0000\ncommitter P\n\n",
            "tree ID\nauthor A <a <b> 1 +0000\ncommitter P\n\n",
            "tree ID\nauthor A<a> 1 +0000\ncommitter P\n\n",
            "tree ID\nauthor A <a> 1 0000\ncommitter P\n\n",
            "tree ID\nauthor A <a> 99999999999999999999 +0000\ncommitter P\n\n",
            "tree ID\nauthor P\ncommitter P\n\na\0b",
            "tree ID\nauthor P\ncommitter P\n",
        ] {
            assert!(!is_commit(text), "{text}");
        }
        let long = |length| format!("tree ID\nauthor P\ncommitter P\n\n{}", "x".repeat(length));
        assert!(is_commit(&long(TEXT_MAX / 2)) && !is_commit(&long(TEXT_MAX)));
    }

    fn is_tree(names: &[(&str, &[u8])]) -> bool {
        let entry =
            |(mode, name): &(&str, &[u8])| [mode.as_bytes(), b" ", name, b"\0", &[7; 20]].concat();
        let content: Vec<u8> = names.iter().flat_map(entry).collect();
        check_tree(&content, 20).is_ok()
    }

    #[test]
    fn names_in_trees_are_those_that_git_checks_out() {
        assert!(is_tree(&[]));
        assert!(is_tree(&[
            ("100644", b"a"),
            ("100755", b"a.b"),
            ("40000", b"a0"),
            ("120000", b"l")
        ]));
        assert!(is_tree(&[("100644", b"a.b"), ("40000", b"a"), ("160000", b"m\\x")]));
        assert!(is_tree(&[("100644", b".gitmodules")]));
        for name in [
            b"".as_slice(),
            b".",
            b"..",
            b".git",
            b".GIT",
            b"a/b",
            b"git~1",
            b".git ",
            b".git::$X",
            b".g\xe2\x80\x8cit",
            b"a\\.git",
            b".git\\x",
        ] {
            assert!(!is_tree(&[("100644", name)]), "{name:?}");
        }
        assert!(!is_tree(&[("120000", b".gitmodules")]));
        assert!(!is_tree(&[("40000", b".gitmodules")]));
        assert!(!is_tree(&[("160000", b".gitModules")]));
        for mode in ["100600", "0100644", "644", "140000", "040000", ""] {
            assert!(!is_tree(&[(mode, b"a")]), "{mode}");
        }
        assert!(!is_tree(&[("100644", b"b"), ("100644", b"a")]));
        assert!(!is_tree(&[("100644", b"a"), ("100644", b"a")]));
        assert!(!is_tree(&[("100644", b"a"), ("100644", b"a.b"), ("40000", b"a")]));
        assert!(check_tree(b"100644 a\0short", 20).is_err());
    }

    #[test]
    fn submodules_lead_nowhere_else() {
        let is_ok = |text: &str| check_modules(text.as_bytes()).is_ok();
        assert!(is_ok("[submodule \"a\"]\npath = a/b\nurl = ../x\n"));
        for text in [
            "[submodule \"a\"]\nurl = --upload-pack=x\n",
            "[submodule \"a\"]\npath = -x\n",
            "[submodule \"../a\"]\npath = x\n",
            "[submodule \"a\"]\npath = ../x\n",
            "[submodule \"a\"]\nupdate = !x\n",
            "[submodule \"a\"]\nurl = https://x/%0Ahost=y\n",
        ] {
            assert!(!is_ok(text), "{text}");
        }
    }

    #[test]
    fn tags_are_those_that_git_makes() {
        let is_tag = |text: &str| {
            let text = text.replace("ID", ID).replace("P\n", &format!("{PERSON}\n"));
            check_tag(text.as_bytes(), 20).is_ok()
        };
        assert!(is_tag("object ID\ntype commit\ntag v1\ntagger P\n\nx\n"));
        for text in [
            "object ID\ntype x\ntag v1\ntagger P\n\nx\n",
            "object ID\ntype commit\ntag ..\ntagger P\n\nx\n",
            "object ID\ntype commit\ntag v1\n\nx\n",
            "object ID\n",
        ] {
            assert!(!is_tag(text), "{text}");
        }
    }
}
