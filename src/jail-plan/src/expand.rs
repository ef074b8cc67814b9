//! The expansion language for what is known only on the host at launch:
//! `~`, `$VAR`, `${VAR}`, `${VAR:-default}`.
//!
//! It is a small part of what a POSIX shell expands, so people can read it, and runs nothing.
//! Double quotes are dropped and a backslash takes the next character as it is, because users of
//! jail.nix quote for bash.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::iter::Peekable;
use core::str::Chars;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::json::{Error, FromJson, Value, from_value};

/// The deepest nesting of defaults; no spec needs more.
const NESTING_MAX: u32 = 8;

/// A text that is used unchanged, or expanded at launch. In JSON: `"text"`,
/// `{"expand": "~/text"}` or `{"per-folder": "~/text"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostText {
    /// Taken as it stands.
    Literal(String),
    /// Expanded at launch.
    Expand(Expansion),
    /// Expanded at launch, with one name below it for each working folder.
    PerFolder(Expansion),
}

/// A checked expansion: its source text and what it was parsed into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expansion {
    source: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Home,
    Variable { name: String, default: Option<Vec<Piece>> },
}

/// Where an expansion reads variables and the home folder.
pub trait Lookup {
    /// The value of an environment variable of the launcher, if it is set.
    fn variable(&self, name: &str) -> Option<&str>;
    /// The launcher's home folder, if it is known.
    fn home(&self) -> Option<&str>;
    /// The working folder's path as one file name, if it can be one.
    fn folder(&self) -> Option<String>;
}

/// The longest file name of Linux's file systems.
const FILE_NAME_MAX: usize = 255;

/// The absolute path of a folder as one file name, if it can be one. Slashes become dashes, and
/// what would be ambiguous then is written as in a URL, so that two folders never have one name.
#[must_use]
pub fn folder_name(path: &str) -> Option<String> {
    let mut name = String::with_capacity(path.len() + 8);
    for character in path.strip_prefix('/')?.chars() {
        match character {
            '/' => name.push('-'),
            '-' => name.push_str("%2D"),
            '%' => name.push_str("%25"),
            '.' if name.is_empty() => name.push_str("%2E"),
            other => name.push(other),
        }
    }
    (!name.is_empty() && name.len() <= FILE_NAME_MAX).then_some(name)
}

/// The folder that has this name.
#[must_use]
pub fn folder_of_name(name: &str) -> Option<String> {
    let path = ["/", &name.replace('-', "/")].concat();
    let path = path.replace("%2D", "-").replace("%2E", ".").replace("%25", "%");
    (folder_name(&path).as_deref() == Some(name)).then_some(path)
}

/// The variable that an expansion needs, has no default for, and did not find. `HOME` stands for
/// `~` too, and `PWD` for the working folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unset(pub String);

/// Why a text is not an expansion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpansionError {
    /// `$(…)` or backquotes: this language runs nothing.
    CommandSubstitution,
    /// `$1`, `$@`, `$$` and the like, or `$` before something that is not a name.
    NotAVariable(String),
    /// `${VAR…` without its brace, or with an operator other than `:-`.
    Unclosed(String),
    /// `~name`: only your own home folder can be named.
    OtherHome,
    /// A quote without its pair.
    UnclosedQuote,
    /// Defaults nested too deeply.
    TooDeep,
}

impl HostText {
    /// The text for this launch.
    ///
    /// # Errors
    /// [`Unset`] names the variable that is missing.
    pub fn resolve(&self, lookup: &dyn Lookup) -> Result<String, Unset> {
        match self {
            Self::Literal(text) => Ok(text.clone()),
            Self::Expand(expansion) => expansion.resolve(lookup),
            Self::PerFolder(expansion) => {
                let folder = lookup.folder().ok_or_else(|| Unset("PWD".into()))?;
                let mut path = expansion.resolve(lookup)?;
                path.push('/');
                path.push_str(&folder);
                Ok(path)
            }
        }
    }

    /// The text as written, for messages.
    #[must_use]
    pub fn source(&self) -> &str {
        match self {
            Self::Literal(text) => text,
            Self::Expand(expansion) | Self::PerFolder(expansion) => &expansion.source,
        }
    }

    /// Its expansion, if it is one.
    #[must_use]
    pub fn expansion(&self) -> Option<&Expansion> {
        match self {
            Self::Literal(_) => None,
            Self::Expand(expansion) | Self::PerFolder(expansion) => Some(expansion),
        }
    }
}

impl Expansion {
    /// Parses `source`.
    ///
    /// # Errors
    /// See [`ExpansionError`].
    pub fn parse(source: &str) -> Result<Self, ExpansionError> {
        let mut parser = Parser { rest: source.chars().peekable() };
        let pieces = parser.pieces(0)?;
        Ok(Self { source: source.into(), pieces })
    }

    /// The expansion as written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The variables that it reads, `HOME` for `~`, in order of appearance; for `explain` and
    /// for the checks at launch.
    #[must_use]
    pub fn variables(&self) -> Vec<&str> {
        let mut names = Vec::new();
        collect_variables(&self.pieces, &mut names);
        names
    }

    fn resolve(&self, lookup: &dyn Lookup) -> Result<String, Unset> {
        let mut text = String::new();
        resolve_into(&self.pieces, lookup, &mut text)?;
        Ok(text)
    }
}

fn collect_variables<'a>(pieces: &'a [Piece], names: &mut Vec<&'a str>) {
    for piece in pieces {
        match piece {
            Piece::Literal(_) => {}
            Piece::Home => names.push("HOME"),
            Piece::Variable { name, default } => {
                names.push(name);
                collect_variables(default.as_deref().unwrap_or_default(), names);
            }
        }
    }
}

fn resolve_into(pieces: &[Piece], lookup: &dyn Lookup, text: &mut String) -> Result<(), Unset> {
    for piece in pieces {
        match piece {
            Piece::Literal(literal) => text.push_str(literal),
            Piece::Home => text.push_str(lookup.home().ok_or_else(|| Unset("HOME".into()))?),
            Piece::Variable { name, default } => {
                resolve_variable(name, default.as_deref(), lookup, text)?;
            }
        }
    }
    Ok(())
}

fn resolve_variable(
    name: &str,
    default: Option<&[Piece]>,
    lookup: &dyn Lookup,
    text: &mut String,
) -> Result<(), Unset> {
    match (lookup.variable(name), default) {
        // As in a shell, `:-` also applies to a variable that is set but empty.
        (None | Some(""), Some(default)) => resolve_into(default, lookup, text),
        (Some(value), _) => {
            text.push_str(value);
            Ok(())
        }
        (None, None) => Err(Unset(name.into())),
    }
}

struct Parser<'a> {
    rest: Peekable<Chars<'a>>,
}

impl Parser<'_> {
    /// Parses pieces to the end or, inside a default (`depth` > 0), to the brace that closes it.
    fn pieces(&mut self, depth: u32) -> Result<Vec<Piece>, ExpansionError> {
        if depth > NESTING_MAX {
            return Err(ExpansionError::TooDeep);
        }
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut quoted = false;
        let mut at_start = true;
        loop {
            match self.rest.next() {
                None if depth > 0 => return Err(ExpansionError::Unclosed("${".into())),
                None => break,
                Some('}') if depth > 0 && !quoted => break,
                Some('"') => quoted = !quoted,
                Some('`') => return Err(ExpansionError::CommandSubstitution),
                Some('\\') => literal.extend(self.rest.next()),
                Some('~') if at_start && !quoted => self.home(&mut pieces)?,
                Some('$') => {
                    flush(&mut literal, &mut pieces);
                    pieces.push(self.variable(depth)?);
                }
                Some(other) => literal.push(other),
            }
            at_start = false;
        }
        if quoted {
            return Err(ExpansionError::UnclosedQuote);
        }
        flush(&mut literal, &mut pieces);
        Ok(pieces)
    }

    fn home(&mut self, pieces: &mut Vec<Piece>) -> Result<(), ExpansionError> {
        match self.rest.peek() {
            None | Some('/' | '}') => {
                pieces.push(Piece::Home);
                Ok(())
            }
            Some(_) => Err(ExpansionError::OtherHome),
        }
    }

    fn variable(&mut self, depth: u32) -> Result<Piece, ExpansionError> {
        match self.rest.peek().copied() {
            Some('(') => Err(ExpansionError::CommandSubstitution),
            Some('{') => {
                self.rest.next();
                self.braced(depth)
            }
            Some(first) if is_name_start(first) => {
                Ok(Piece::Variable { name: self.name(), default: None })
            }
            Some(other) => Err(ExpansionError::NotAVariable(other.into())),
            None => Err(ExpansionError::NotAVariable(String::new())),
        }
    }

    fn braced(&mut self, depth: u32) -> Result<Piece, ExpansionError> {
        let name = self.name();
        if !name.chars().next().is_some_and(is_name_start) {
            return Err(ExpansionError::NotAVariable(name));
        }
        match self.rest.next() {
            Some('}') => Ok(Piece::Variable { name, default: None }),
            Some(':') if self.rest.next() == Some('-') => {
                let default = Some(self.pieces(depth + 1)?);
                Ok(Piece::Variable { name, default })
            }
            Some(_) | None => Err(ExpansionError::Unclosed(name)),
        }
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(next) = self.rest.next_if(|c| is_name_start(*c) || c.is_ascii_digit()) {
            name.push(next);
        }
        name
    }
}

fn is_name_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn flush(literal: &mut String, pieces: &mut Vec<Piece>) {
    if !literal.is_empty() {
        pieces.push(Piece::Literal(core::mem::take(literal)));
    }
}

impl fmt::Display for ExpansionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandSubstitution => f.write_str("command substitution is not expanded"),
            Self::NotAVariable(text) => write!(f, "`${text}` names no environment variable"),
            Self::Unclosed(name) => {
                write!(f, "`${{{name}` is not `${{NAME}}` or `${{NAME:-default}}`")
            }
            Self::OtherHome => {
                f.write_str("`~` means your own home folder only, alone or before `/`")
            }
            Self::UnclosedQuote => f.write_str("a double quote is not closed"),
            Self::TooDeep => f.write_str("defaults are nested too deeply"),
        }
    }
}

impl Serialize for HostText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Literal(text) => serializer.serialize_str(text),
            Self::Expand(expansion) => one_entry(serializer, EXPAND, &expansion.source),
            Self::PerFolder(expansion) => one_entry(serializer, PER_FOLDER, &expansion.source),
        }
    }
}

const EXPAND: &str = "expand";
const PER_FOLDER: &str = "per-folder";

fn one_entry<S: Serializer>(serializer: S, key: &str, value: &str) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(key, value)?;
    map.end()
}

impl FromJson for HostText {
    fn blank() -> Self {
        Self::Literal(String::new())
    }

    fn fill(&mut self, value: &Value<'_>) -> Result<(), Error> {
        let (make, source): (fn(Expansion) -> Self, _) = match value.form()? {
            (text, None) => {
                *self = Self::Literal(text.into());
                return Ok(());
            }
            (EXPAND, Some(source)) => (Self::Expand, source),
            (PER_FOLDER, Some(source)) => (Self::PerFolder, source),
            (_, Some(_)) => return Err(value.unknown()),
        };
        let source: String = from_value(source)?;
        let expansion = Expansion::parse(&source);
        *self = expansion.map(make).map_err(|error| Error::new(value.at, error.to_string()))?;
        Ok(())
    }
}
