//! The patterns that git compares folders with: `*` and `?` inside a name, `**`
//! for any number of names.

use alloc::vec::Vec;

/// Whether a path matches. Patterns with `[…]` match nothing.
pub(super) fn matches(pattern: &[u8], path: &[u8], folds_case: bool) -> bool {
    if pattern.contains(&b'[') {
        return false;
    }
    let names = |text: &'_ [u8]| -> Vec<Vec<u8>> {
        let fold = |name: &[u8]| if folds_case { name.to_ascii_lowercase() } else { name.to_vec() };
        text.split(|byte| *byte == b'/').map(fold).collect()
    };
    let one = |pattern: &Vec<u8>, name: &Vec<u8>| {
        aligned(
            pattern,
            name,
            |pattern| *pattern == b'*',
            |pattern, byte| *pattern == b'?' || pattern == byte,
        )
    };
    aligned(&names(pattern), &names(path), |name| name == b"**", one)
}

/// Whether a list matches one with parts that match any number of elements. If such a part took too
/// few, only the last one must take more, so the work is bounded by the product of both lengths.
fn aligned<T>(
    pattern: &[T],
    list: &[T],
    is_any: impl Fn(&T) -> bool,
    is_one: impl Fn(&T, &T) -> bool,
) -> bool {
    let (mut at, mut next, mut again) = (0, 0, None);
    while let Some(element) = list.get(at) {
        match pattern.get(next) {
            Some(part) if is_any(part) => {
                next += 1;
                again = Some((at, next));
            }
            Some(part) if is_one(part, element) => (at, next) = (at + 1, next + 1),
            Some(_) | None => match again {
                Some((from, behind)) => {
                    (at, next) = (from + 1, behind);
                    again = Some((from + 1, behind));
                }
                None => return false,
            },
        }
    }
    pattern.get(next..).unwrap_or_default().iter().all(is_any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_gits_do() {
        for (pattern, path, expected) in [
            ("/h/work/**", "/h/work/a/.git", true),
            ("/h/work/**", "/h/works/a/.git", false),
            ("**/work/**", "/h/work/a/.git", true),
            ("**/a/.git", "/h/work/a/.git", true),
            ("/h/*/a/.git", "/h/work/a/.git", true),
            ("/h/*/.git", "/h/work/a/.git", false),
            ("/h/w?rk/**/.git", "/h/work/.git", true),
            ("/h/w*k*/**/.git", "/h/work/a/b/.git", true),
            ("/h/W*", "/h/work", false),
            ("/h/[w]ork/**", "/h/work/a/.git", false),
            ("**", "/x", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), path.as_bytes(), false), expected, "{pattern}");
        }
        assert!(matches(b"/h/W*/**", b"/H/work/.git", true));
        // Of many parts that match anything, only the last is tried again.
        let (many, long) = ("*a".repeat(2000), "a".repeat(3000) + "b");
        assert!(!matches(many.as_bytes(), long.as_bytes(), false));
    }
}
