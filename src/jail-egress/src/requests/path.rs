//! Paths of requests in one form, and patterns for them. What servers read in different ways is
//! refused rather than guessed.

use std::fmt;

/// A longer path is refused where paths are matched.
const PATH_MAX: usize = 16 * 1024;

/// A path that every server reads alike: it starts with `/`, and has no empty segment except
/// the last, no dot segment, no parameters, and no needless encoding. Two paths are the same
/// exactly if they are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NormalPath(String);

/// What is ambiguous in a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PathFault {
    /// It does not start with `/`.
    NotAbsolute,
    /// `.` or `..` is a segment.
    Dots,
    /// `//`.
    EmptySegment,
    /// `;` starts parameters of a segment, which some servers remove.
    Parameters,
    /// `\`, which some servers take for `/`.
    Backslash,
    /// `/`, `\`, `.`, `;` or `%` is encoded.
    Encoded,
    /// `%` without two hexadecimal digits.
    Percent,
    /// A character that no path has, encoded or not.
    Character,
    /// It is very long.
    TooLong,
}

/// Which paths a rule is about: `/v1/models`, `/repos/*/issues`, `/v1/**`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    segments: Vec<Segment>,
    /// `**` at the end: any number of segments may follow.
    is_open: bool,
    text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Text(String),
    /// `*`: any one segment that is not empty.
    Any,
}

/// Why something is not a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathPatternError {
    /// It is not a path.
    Path(PathFault),
    /// It is one, but not in its normal form: the same path has a plainer one.
    NotNormal,
    /// A `*` within a segment, or `**` elsewhere than at the end.
    Star,
    /// `?` or `#`: no rule looks at a query.
    Query,
}

impl fmt::Display for PathFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAbsolute => "it does not begin with `/`",
            Self::Dots => "it has a segment `.` or `..`",
            Self::EmptySegment => "it has an empty segment (`//`)",
            Self::Parameters => "it has parameters (`;`)",
            Self::Backslash => "it has a backslash",
            Self::Encoded => "a slash, backslash, dot, semicolon or percent sign is encoded",
            Self::Percent => "`%` is not followed by two hexadecimal digits",
            Self::Character => "it has a character that a path cannot have",
            Self::TooLong => "it is too long",
        })
    }
}

impl fmt::Display for PathPatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(fault) => fault.fmt(f),
            Self::NotNormal => f.write_str("a character is encoded that needs no encoding"),
            Self::Star => f.write_str(
                "`*` stands for one whole segment, and `**` at the end for any number of them",
            ),
            Self::Query => f.write_str("a rule is about the path alone, without `?` and `#`"),
        }
    }
}

impl NormalPath {
    /// Reads the path of a request, which ends before the `?`.
    ///
    /// # Errors
    /// What in it is ambiguous.
    pub fn parse(text: &str) -> Result<Self, PathFault> {
        if text.len() > PATH_MAX {
            return Err(PathFault::TooLong);
        }
        let segments = text.strip_prefix('/').ok_or(PathFault::NotAbsolute)?;
        let mut normal = String::with_capacity(text.len());
        let mut rest = segments.split('/').peekable();
        while let Some(segment) = rest.next() {
            if segment.is_empty() && rest.peek().is_some() {
                return Err(PathFault::EmptySegment);
            }
            if matches!(segment, "." | "..") {
                return Err(PathFault::Dots);
            }
            normal.push('/');
            decode(segment, &mut normal)?;
        }
        Ok(Self(normal))
    }

    /// The normal form of the path, as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').skip(1)
    }
}

/// Adds a segment, with what needs no encoding decoded, and the digits of the rest in upper case.
fn decode(segment: &str, normal: &mut String) -> Result<(), PathFault> {
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let (Some(high), Some(low)) = (bytes.next(), bytes.next()) else {
                    return Err(PathFault::Percent);
                };
                encoded(value(high)? << 4 | value(low)?, normal)?;
            }
            b';' => return Err(PathFault::Parameters),
            b'\\' => return Err(PathFault::Backslash),
            _ if is_plain(byte) => normal.push(char::from(byte)),
            _ => return Err(PathFault::Character),
        }
    }
    Ok(())
}

fn encoded(byte: u8, normal: &mut String) -> Result<(), PathFault> {
    match byte {
        b'/' | b'\\' | b'.' | b';' | b'%' => Err(PathFault::Encoded),
        0..=0x1f | 0x7f => Err(PathFault::Character),
        _ if is_unreserved(byte) => {
            normal.push(char::from(byte));
            Ok(())
        }
        _ => {
            normal.push_str(&format!("%{byte:02X}"));
            Ok(())
        }
    }
}

fn value(digit: u8) -> Result<u8, PathFault> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(PathFault::Percent),
    }
}

/// `unreserved` of RFC 3986, 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// The characters of `pchar` in RFC 3986, 3.3, without an encoding.
fn is_plain(byte: u8) -> bool {
    is_unreserved(byte) || b"!$&'()*+,=:@".contains(&byte)
}

impl PathPattern {
    /// Reads a pattern of a spec.
    ///
    /// # Errors
    /// When it is not one.
    pub fn parse(text: &str) -> Result<Self, PathPatternError> {
        if text.contains(['?', '#']) {
            return Err(PathPatternError::Query);
        }
        let path = NormalPath::parse(text).map_err(PathPatternError::Path)?;
        if path.as_str() != text {
            return Err(PathPatternError::NotNormal);
        }
        let (closed, is_open) = match text.strip_suffix("/**") {
            Some(closed) => (closed, true),
            None => (text, false),
        };
        let segments = closed.split('/').skip(1).map(segment).collect::<Result<_, _>>()?;
        Ok(Self { segments, is_open, text: text.into() })
    }

    /// Whether the pattern matches a path.
    #[must_use]
    pub fn matches(&self, path: &NormalPath) -> bool {
        let mut rest = path.segments();
        let begins = self.segments.iter().all(|own| match (own, rest.next()) {
            (_, None) => false,
            (Segment::Text(text), Some(segment)) => text == segment,
            (Segment::Any, Some(segment)) => !segment.is_empty(),
        });
        begins && (self.is_open || rest.next().is_none())
    }
}

fn segment(text: &str) -> Result<Segment, PathPatternError> {
    match text {
        "*" => Ok(Segment::Any),
        _ if text.contains('*') => Err(PathPatternError::Star),
        _ => Ok(Segment::Text(text.into())),
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
