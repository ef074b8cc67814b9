//! Which names of references are taken over: git's rules, and none that a shell, a prompt or a
//! terminal would read as something else.

use bstr::ByteSlice as _;

pub(super) const BRANCHES: &[u8] = b"refs/heads/";
pub(super) const TAGS: &[u8] = b"refs/tags/";
/// Where what both sides have moved is kept.
pub(super) const ASIDE: &[u8] = b"refs/jailgen/";

/// Names that git writes to a file of the same name must fit, with what stands behind them.
const LENGTH_MAX: usize = 200;

/// Whether a branch or tag of the stage may get this name in the project.
pub(super) fn is_taken_over(name: &[u8]) -> bool {
    let Some(rest) = name.strip_prefix(BRANCHES).or_else(|| name.strip_prefix(TAGS)) else {
        return false;
    };
    let is_plain =
        |character: char| character.is_alphanumeric() || "._/+@=#,%-".contains(character);
    let Ok(text) = std::str::from_utf8(rest) else { return false };
    let begins_well = |part: &str| !part.is_empty() && !part.starts_with('-');
    name.len() <= LENGTH_MAX
        && gix_validate::reference::branch_name(name.as_bstr()).is_ok()
        && text.chars().all(is_plain)
        && text.split('/').all(begins_well)
        // What git would take for something else first.
        && text != "HEAD"
        && !is_object_name(text)
}

/// Whether git could take it for the name of an object, or for the beginning of one, and a branch
/// of that name would come before it.
fn is_object_name(text: &str) -> bool {
    matches!(text.len(), 4..=64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Where a reference is kept that both sides have moved.
pub(super) fn aside(name: &[u8]) -> Vec<u8> {
    let branch = name.strip_prefix(BRANCHES);
    let rest = branch.or_else(|| name.strip_prefix(b"refs/")).unwrap_or(name);
    [ASIDE, rest].concat()
}

/// Whether git could take a name for the same as a branch's or tag's in short (gitrevisions(7)).
pub(super) fn is_alike(other: &[u8], name: &[u8]) -> bool {
    let short = name.strip_prefix(BRANCHES).or_else(|| name.strip_prefix(TAGS)).unwrap_or(name);
    let all = [b"refs/".as_slice(), TAGS, BRANCHES, b"refs/remotes/"];
    let is_it = |begin: &&[u8]| other.strip_prefix(*begin) == Some(short);
    other != name && all.iter().any(is_it)
}

/// Whether one name is a folder of the other, so that both cannot be there.
pub(super) fn excludes(one: &[u8], other: &[u8]) -> bool {
    let is_in = |inner: &[u8], outer: &[u8]| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with(b"/"))
    };
    is_in(one, other) || is_in(other, one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_git_or_a_shell_would_misread_are_not_taken_over() {
        for name in [
            "heads/main",
            "heads/a/b-c_d.e",
            "tags/v1.0",
            "heads/fix#12",
            "heads/zoë",
            "heads/add",
            "heads/da39/x",
        ] {
            assert!(is_taken_over(format!("refs/{name}").as_bytes()), "{name}");
        }
        for name in [
            "heads/",
            "heads/a..b",
            "heads/.a",
            "heads/a.lock",
            "heads/a b",
            "heads/a\nb",
            "heads/a~",
            "heads/-a",
            "heads/a/-b",
            "heads/$(x)",
            "heads/`x`",
            "heads/a;b",
            "heads/a|b",
            "heads/HEAD",
            "heads/@{u}",
            "heads/a\u{202e}b",
            "heads/../../config",
            "heads//a",
            "replace/x",
            "remotes/origin/x",
            "jailgen/x",
            "stash",
            "heads/a\\b",
            "tags/a*",
            "heads/a:b",
            "heads/da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "heads/da39a3e",
            "tags/DA39",
        ] {
            assert!(!is_taken_over(format!("refs/{name}").as_bytes()), "{name}");
        }
        assert!(!is_taken_over(b"HEAD") && !is_taken_over(b"refs/heads/\xff"));
        assert!(!is_taken_over([b"refs/heads/".as_slice(), &[b'a'; 200]].concat().as_slice()));
    }

    #[test]
    fn what_both_have_moved_has_a_place_of_its_own() {
        assert_eq!(aside(b"refs/heads/a/b"), b"refs/jailgen/a/b");
        assert_eq!(aside(b"refs/tags/v1"), b"refs/jailgen/tags/v1");
        assert!(excludes(b"refs/heads/a", b"refs/heads/a/b") && !excludes(b"a/b", b"a/bc"));
    }
}
