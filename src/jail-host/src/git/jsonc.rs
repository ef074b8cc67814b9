//! Settings in JSON as agents write and read them: with comments, and with a comma after the last
//! entry.

use std::collections::BTreeMap;

use serde_json::Value;

/// The settings of a file. A file with nothing in it has none.
pub(super) fn settings(text: &[u8]) -> Option<BTreeMap<String, Value>> {
    if text.trim_ascii().is_empty() {
        return Some(BTreeMap::new());
    }
    match value(text)? {
        Value::Object(fields) => Some(fields.into_iter().collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            None
        }
    }
}

/// What a file says. It lies no deeper than the reader of JSON allows.
pub(super) fn value(text: &[u8]) -> Option<Value> {
    serde_json::from_slice(text).or_else(|_| serde_json::from_slice(&plain(text))).ok()
}

/// The text with white space in place of comments and of commas that nothing comes after.
fn plain(text: &[u8]) -> Vec<u8> {
    let mut plain = text.to_vec();
    let mut comma = None;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let (length, is_space) = token(rest);
        match rest {
            [b']' | b'}', ..] => blank(&mut plain, comma.take(), 1),
            [b',', ..] => comma = Some(at),
            [..] if !is_space => comma = None,
            [b'/', ..] => blank(&mut plain, Some(at), length),
            [..] => {}
        }
        at += length;
    }
    plain
}

/// How long what the text begins with is, and whether it means nothing.
fn token(text: &[u8]) -> (usize, bool) {
    let until = |end: &[u8], from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        let found = rest.windows(end.len()).position(|part| part == end);
        found.map(|found| from + found)
    };
    match text {
        [b'/', b'/', ..] => line(text).map_or((1, false), |length| (length, true)),
        [b'/', b'*', ..] => (until(b"*/", 2).map_or(text.len(), |end| end + 2), true),
        [b'"', rest @ ..] => (string(rest) + 1, false),
        [first, ..] => (1, first.is_ascii_whitespace()),
        [] => (0, true),
    }
}

/// How long a comment to the end of the line is. Not all readers agree on what ends a line: where
/// that is in doubt it returns `None`, and the file counts as unreadable.
fn line(text: &[u8]) -> Option<usize> {
    let length = text.iter().position(|byte| *byte == b'\n').unwrap_or(text.len());
    let comment = text.get(..length).unwrap_or_default();
    let comment = comment.strip_suffix(b"\r").unwrap_or(comment);
    let separators = ["\u{2028}", "\u{2029}"].map(str::as_bytes);
    let has_other =
        comment.contains(&b'\r') || comment.windows(3).any(|part| separators.contains(&part));
    (!has_other).then_some(length)
}

/// How long a string is whose first quotation mark was read, with the last one.
fn string(text: &[u8]) -> usize {
    let mut is_escaped = false;
    let end = text.iter().position(|byte| {
        let ends = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 1)
}

fn blank(text: &mut [u8], from: Option<usize>, length: usize) {
    let Some(from) = from else { return };
    for byte in text.iter_mut().skip(from).take(length).filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_last_commas_mean_nothing() {
        for (text, is) in [
            ("", "{}"),
            (" \n", "{}"),
            ("{ }\n \n", "{}"),
            ("// a\n// b: {\n{\"a\": 1}", r#"{"a": 1}"#),
            ("{\"a\": 1, /* , */ }", r#"{"a": 1}"#),
            ("{\"a\": [1, 2, // x\n], \n}", r#"{"a": [1, 2]}"#),
            (r#"{"a": "// no", "b\\": "/* \" , ]",}"#, r#"{"a": "// no", "b\\": "/* \" , ]"}"#),
            ("{\"a\": 1} /*", r#"{"a": 1}"#),
            ("{\"a\": 1, // x\r\n} // y\r", r#"{"a": 1}"#),
            ("{\"a\": 1 /* \r \u{2028} */}", r#"{"a": 1}"#),
            ("{\"a\": \"// \u{2029}\" // x\n}", "{\"a\": \"// \u{2029}\"}"),
        ] {
            let is: Value = serde_json::from_str(is).unwrap();
            let found = settings(text.as_bytes());
            assert_eq!(found.map(|all| all.into_iter().collect()), Some(is), "{text}");
        }
    }

    #[test]
    fn a_comment_that_ends_earlier_for_some_readers_is_not_read() {
        for end in ["\r", "\u{2028}", "\u{2029}"] {
            for comment in ["//", "///*"] {
                let text = format!("{{\"a\": 1 {comment} x{end}, \"b\": 2 //*/\n}}");
                assert_eq!(settings(text.as_bytes()), None, "{text:?}");
            }
        }
    }

    #[test]
    fn what_is_no_settings_is_none() {
        for text in ["[]", "1", "{", "{,}x", "{\"a\": 1 \"b\"}", "{\"a", "/", "\"\\"] {
            assert_eq!(settings(text.as_bytes()), None, "{text}");
        }
        assert_eq!(settings("[".repeat(100_000).as_bytes()), None);
        assert_eq!(settings(&[0xff, b'{', b'}']), None);
    }
}
