//! What is wrong with a path of `http-allow`, and what to write instead. `jail-egress` parses
//! paths, here and in the broker.

use jail_egress::{NormalPath, PathFault, PathPattern, PathPatternError};

/// What is wrong with a path, and what to do about it.
pub(super) struct Fault {
    pub(super) what: String,
    pub(super) help: String,
}

fn fault(what: impl Into<String>, help: impl Into<String>) -> Fault {
    Fault { what: what.into(), help: help.into() }
}

/// Parses a path with stars: `/v1/*/items/**`.
pub(super) fn pattern(text: &str) -> Result<(), Fault> {
    PathPattern::parse(text).map(drop).map_err(|error| explained(text, error))
}

/// Parses a path without stars.
pub(super) fn exact(text: &str) -> Result<(), Fault> {
    if text.contains('*') {
        return Err(fault(
            "has a `*`, but must be a single path",
            "write the path as the server knows it",
        ));
    }
    pattern(text)
}

/// Paths that never match, because requests with them are refused.
const REFUSED: &str = "requests with one are always refused";

fn explained(text: &str, error: PathPatternError) -> Fault {
    let shown = jail_plan::one_line(text);
    match error {
        PathPatternError::Path(path) => explained_path(text, path),
        PathPatternError::NotNormal => {
            let normal = NormalPath::parse(text).map(|path| path.as_str().to_owned());
            let help = format!("write `\"{}\"`", normal.unwrap_or(shown));
            fault("encodes a character in another way than rules do", help)
        }
        PathPatternError::Star => fault(
            "has a `*` that is only a part of a segment, or `**` elsewhere than at the end",
            "`*` stands for one whole segment, and `**` at the end for any number: `/v1/*/items`",
        ),
        PathPatternError::Query => fault(
            "has a `?` or a `#`, where the path ends",
            "remove what follows: only the path counts",
        ),
    }
}

fn explained_path(text: &str, path: PathFault) -> Fault {
    match path {
        PathFault::NotAbsolute => {
            let help = format!("write `\"/{}\"`", jail_plan::one_line(text));
            fault("does not begin with `/`", help)
        }
        PathFault::Dots => fault(
            "has a dot segment, which servers read as another path",
            "write the resulting path",
        ),
        PathFault::EmptySegment => fault("has two slashes in a row", "write one"),
        PathFault::Parameters => fault("has a `;`, after which servers read parameters", REFUSED),
        PathFault::Backslash => fault("has a backslash", "write `/`"),
        PathFault::Encoded => {
            fault("encodes a slash, a backslash, a dot, a semicolon or a percent sign", REFUSED)
        }
        PathFault::Percent => {
            fault("has a `%` without two hexadecimal digits", "remove it: no rule can contain one")
        }
        PathFault::Character => {
            let help = match text.chars().find(|character| !character.is_ascii_graphic()) {
                Some(character) if !character.is_control() => {
                    format!("write `{}`", encoded(character))
                }
                Some(_) | None => "leave it out".into(),
            };
            fault("has a character that the path of a request cannot have", help)
        }
        PathFault::TooLong => fault("is too long", "no server has such a path"),
    }
}

fn encoded(character: char) -> String {
    let mut bytes = [0; 4];
    let bytes = character.encode_utf8(&mut bytes).bytes();
    bytes.map(|byte| format!("%{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_what_the_broker_matches_and_each_fault_has_its_words() {
        for path in ["/", "/v1/", "/repos/*/*/issues", "/v1/**", "/a%20b/%C3%A9", "/v1/m:list"] {
            assert!(pattern(path).is_ok() && PathPattern::parse(path).is_ok(), "{path}");
        }
        for (path, what, help) in [
            ("v1", "does not begin with", "`\"/v1\"`"),
            ("/a//b", "two slashes", "write one"),
            ("/a/../b", "dot segment", "resulting path"),
            ("/a%2Fb", "encodes a slash", "always refused"),
            ("/a%00", "path of a request cannot have", "leave it out"),
            ("/%41", "in another way", "`\"/A\"`"),
            ("/%c3%a9", "in another way", "`\"/%C3%A9\"`"),
            ("/a%2", "without two hexadecimal digits", "remove it"),
            ("/a;b", "parameters", "always refused"),
            ("/a?b", "path ends", "only the path counts"),
            ("/a\\b", "backslash", "write `/`"),
            ("/é", "path of a request cannot have", "`%C3%A9`"),
            ("/a b", "path of a request cannot have", "`%20`"),
            ("/a\n", "path of a request cannot have", "leave it out"),
            ("/**/a", "elsewhere than at the end", "whole segment"),
            ("/a*", "part of a segment", "whole segment"),
        ] {
            let Err(fault) = pattern(path) else { panic!("{path}") };
            assert!(
                fault.what.contains(what) && fault.help.contains(help),
                "{path}: {}",
                fault.what
            );
        }
        assert!(pattern(&format!("/{}", "a".repeat(20_000))).is_err());
        assert!(exact("/v1").is_ok() && exact("/v1/*").is_err() && exact("/a/../b").is_err());
    }
}
