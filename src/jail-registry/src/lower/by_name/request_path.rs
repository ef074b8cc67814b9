//! A path of `http-allow`: in normal form, so that what is compared with it has one spelling. The broker reads paths by the same rules.

/// What is wrong with a path, and what to do.
pub(super) struct Fault {
    pub(super) what: String,
    pub(super) help: String,
}

fn fault(what: impl Into<String>, help: impl Into<String>) -> Fault {
    Fault { what: what.into(), help: help.into() }
}

/// Longer ones are no server's.
const LENGTH_MAX: usize = 2048;

/// Reads a path with stars: `/v1/*/items/**`.
pub(super) fn pattern(text: &str) -> Result<(), Fault> {
    let segments = segments(text)?;
    let last = segments.len().saturating_sub(1);
    for (index, segment) in segments.iter().enumerate() {
        match *segment {
            "**" if index < last => {
                return Err(fault(
                    "has `**` elsewhere than at the end",
                    "write `*` for one segment; `**` stands for all that follows",
                ));
            }
            "*" | "**" => {}
            segment if segment.contains('*') => {
                return Err(fault(
                    "has a `*` that is a part of a segment",
                    "a `*` stands for a whole segment: `/v1/*/items`",
                ));
            }
            segment => plain(segment, index == last)?,
        }
    }
    Ok(())
}

/// Reads a path without any.
pub(super) fn exact(text: &str) -> Result<(), Fault> {
    if text.contains('*') {
        return Err(fault("has a `*`, and is one path", "write the path as the server has it"));
    }
    let segments = segments(text)?;
    let last = segments.len().saturating_sub(1);
    segments.iter().enumerate().try_for_each(|(index, segment)| plain(segment, index == last))
}

fn segments(text: &str) -> Result<Vec<&str>, Fault> {
    if text.len() > LENGTH_MAX {
        return Err(fault("is too long", format!("{LENGTH_MAX} bytes at most")));
    }
    let Some(rest) = text.strip_prefix('/') else {
        let help = format!("write `\"/{}\"`", jail_plan::one_line(text));
        return Err(fault("does not begin with `/`", help));
    };
    Ok(rest.split('/').collect())
}

/// A segment that stands for itself.
fn plain(segment: &str, is_last: bool) -> Result<(), Fault> {
    if segment.is_empty() {
        // `/v1/` and `/` end in one.
        return if is_last { Ok(()) } else { Err(fault("has two slashes in a row", "write one")) };
    }
    if matches!(decoded(segment).as_str(), "." | "..") {
        return Err(fault(
            "has a dot segment, which servers take for another path",
            "write the path that it amounts to",
        ));
    }
    let mut rest = segment;
    while let Some(character) = rest.chars().next() {
        rest = match character {
            '%' => encoded(rest)?,
            _ => {
                plain_character(character)?;
                rest.get(character.len_utf8()..).unwrap_or_default()
            }
        };
    }
    Ok(())
}

/// What a path holds as it stands (RFC 3986, `pchar`), without `;`, which some servers cut off.
fn plain_character(character: char) -> Result<(), Fault> {
    match character {
        c if c.is_ascii_alphanumeric() || "-._~!$&'()*+,=:@".contains(c) => Ok(()),
        '?' | '#' => Err(fault(
            format!("has a `{character}`, where the path ends"),
            "leave out what follows: the path alone counts",
        )),
        ';' => Err(fault(
            "has a `;`, behind which servers read parameters",
            "requests with one are refused, whatever a rule says",
        )),
        '\\' => Err(fault("has a backslash", "write `/`")),
        other => {
            let mut bytes = [0; 4];
            let bytes = other.encode_utf8(&mut bytes).bytes();
            let encoded: String = bytes.map(|byte| format!("%{byte:02X}")).collect();
            Err(fault("has a character that no request's path has", format!("write `{encoded}`")))
        }
    }
}

/// Takes `%2C` off the front.
fn encoded(rest: &str) -> Result<&str, Fault> {
    let (digits, after) = match (rest.get(1..3), rest.get(3..)) {
        (Some(digits), Some(after)) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            (digits, after)
        }
        _ => {
            return Err(fault(
                "has a `%` without two hexadecimal digits",
                "leave it out: no rule can name one",
            ));
        }
    };
    let byte = u8::from_str_radix(digits, 16).unwrap_or_default();
    match byte {
        b'/' | b'\\' | b';' | b'%' => Err(fault(
            format!("has an encoded `{}` (`%{digits}`)", char::from(byte)),
            "requests with one are refused, whatever a rule says",
        )),
        0..=0x1f | 0x7f => Err(fault(
            format!("has an encoded control character (`%{digits}`)"),
            "requests with one are refused, whatever a rule says",
        )),
        byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => Err(fault(
            format!("has `%{digits}` for a character that needs no encoding"),
            format!("write `{}`", char::from(byte)),
        )),
        _ if digits.bytes().any(|byte| byte.is_ascii_lowercase()) => Err(fault(
            format!("has `%{digits}` in lower case"),
            format!("write `%{}`", digits.to_ascii_uppercase()),
        )),
        _ => Ok(after),
    }
}

/// With dots as dots, to see what a segment amounts to.
fn decoded(segment: &str) -> String {
    segment.replace("%2e", ".").replace("%2E", ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_spelling() {
        for path in [
            "/",
            "/v1",
            "/v1/",
            "/v1/messages",
            "/repos/*/*/issues",
            "/v1/**",
            "/**",
            "/*",
            "/a%20b/%C3%A9",
            "/~x/a.b/(1)",
            "/...",
            "/v1/models:list",
        ] {
            assert!(pattern(path).is_ok(), "{path}");
        }
        for (path, what) in [
            ("v1", "does not begin with"),
            ("", "does not begin with"),
            ("/a//b", "two slashes"),
            ("//", "two slashes"),
            ("/a/../b", "dot segment"),
            ("/a/.", "dot segment"),
            ("/a/%2e%2E/b", "dot segment"),
            ("/a/.%2e", "dot segment"),
            ("/a%2Fb", "encoded `/`"),
            ("/a%5cb", "encoded `\\`"),
            ("/a%3B", "encoded `;`"),
            ("/a%25", "encoded `%`"),
            ("/a%00", "control character"),
            ("/%41", "needs no encoding"),
            ("/%c3%a9", "lower case"),
            ("/a%", "without two hexadecimal digits"),
            ("/a%2", "without two hexadecimal digits"),
            ("/a%zz", "without two hexadecimal digits"),
            ("/a;b", "parameters"),
            ("/a?b", "path ends"),
            ("/a#b", "path ends"),
            ("/a\\b", "backslash"),
            ("/é", "no request's path has"),
            ("/a b", "no request's path has"),
            ("/a\n", "no request's path has"),
            ("/**/a", "elsewhere than at the end"),
            ("/a*", "part of a segment"),
            ("/***", "part of a segment"),
        ] {
            let fault = pattern(path).err();
            let said = fault.map(|fault| fault.what).unwrap_or_default();
            assert!(said.contains(what), "{path}: {said}");
        }
        assert!(pattern(&format!("/{}", "a".repeat(LENGTH_MAX))).is_err());
        assert!(exact("/v1").is_ok() && exact("/v1/*").is_err());
    }
}
