//! From the text of the file to settings. What is not known is refused, with its line and the
//! nearest name.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use jail_registry::nearest;
use toml_edit::{Document, Item, Key, TableLike, Value};

use super::{Color, INPUTS, KEYS, NIX, Setting, Settings, TABLES};
use crate::backends::nix::INPUT_NAMES;

/// What is wrong with the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1, where it is about one.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// Reads the text of a settings file; `home` is what `~` means.
///
/// # Errors
/// It is not TOML, or has a key that is unknown, or a value that its key does not take.
pub fn parse(text: &str, home: Option<&Path>) -> Result<Settings, Fault> {
    let document = Document::parse(text).map_err(|error| {
        let line = line_of(text, error.span());
        Fault { line: Some(line), message: error.message().replace('\n', ", "), help: None }
    })?;
    let mut settings = Settings::default();
    let reader = Reader { text, home };
    for (name, key, item) in entries(document.as_table()) {
        reader.entry(name, key, item, &mut settings)?;
    }
    Ok(settings)
}

/// The entries of a table, each with its key, for its place.
fn entries(table: &dyn TableLike) -> impl Iterator<Item = (&str, Option<&Key>, &Item)> {
    table.iter().map(|(name, item)| (name, table.key(name), item))
}

fn line_of(text: &str, span: Option<Range<usize>>) -> usize {
    let before = text.get(..span.map_or(0, |span| span.start)).unwrap_or(text);
    before.matches('\n').count() + 1
}

struct Reader<'a> {
    text: &'a str,
    home: Option<&'a Path>,
}

/// A value with the place that messages name.
struct Given<'a> {
    name: String,
    item: &'a Item,
    line: usize,
}

impl Reader<'_> {
    fn entry(
        &self,
        name: &str,
        key: Option<&Key>,
        item: &Item,
        settings: &mut Settings,
    ) -> Result<(), Fault> {
        let line = self.line(key, item);
        let given = Given { name: name.into(), item, line };
        match name {
            "color" => settings.color = Some(given.color()?),
            "kit" => settings.kit = Some(self.kit(&given)?),
            "commands" => settings.commands = Some(self.folder(&given)?),
            INPUTS => {
                for given in self.table(&given)? {
                    let reference = self.reference(&given)?;
                    settings.inputs.insert(input_name(&given)?, reference);
                }
            }
            NIX => {
                for given in self.table(&given)? {
                    let value = nix_value(&given)?;
                    settings.nix.insert(nix_name(&given)?, value);
                }
            }
            _ => return Err(unknown(name, line)),
        }
        Ok(())
    }

    fn line(&self, key: Option<&Key>, item: &Item) -> usize {
        line_of(self.text, key.and_then(Key::span).or_else(|| item.span()))
    }

    fn table<'a>(&self, given: &Given<'a>) -> Result<Vec<Given<'a>>, Fault> {
        let table = given.item.as_table_like();
        let table =
            table.ok_or_else(|| given.fault("takes a table", &format!("[{}]", given.name)))?;
        let below = |(name, key, item)| Given {
            line: self.line(key, item),
            name: String::from(name),
            item,
        };
        Ok(entries(table).map(below).collect())
    }

    /// A reference to a flake. A relative path would mean another flake in every folder.
    fn reference(&self, given: &Given<'_>) -> Result<Setting<String>, Fault> {
        let text = given.text("github:NixOS/nixpkgs/nixos-25.11")?;
        let (scheme, path) = match text.strip_prefix("path:") {
            Some(path) => ("path:", path),
            None => ("", text),
        };
        let value = match path.strip_prefix("~/") {
            Some(below) => format!("{scheme}{}", self.home(given)?.join(below).display()),
            None => text.to_owned(),
        };
        let is_relative = !scheme.is_empty() && !path.starts_with(['/', '~']);
        if is_relative || text.starts_with(['.', '-']) || text.is_empty() || has_breaks(text) {
            return Err(given.fault("takes a reference to a flake", "path:/FOLDER"));
        }
        Ok(Setting { value, line: given.line })
    }

    fn kit(&self, given: &Given<'_>) -> Result<Setting<String>, Fault> {
        let found = self.reference(given)?;
        let path = found.value.strip_prefix("path:").unwrap_or(&found.value);
        if path.starts_with('/') {
            Ok(found)
        } else {
            Err(given.fault("takes the path of a kit", "path:/FOLDER"))
        }
    }

    fn folder(&self, given: &Given<'_>) -> Result<Setting<PathBuf>, Fault> {
        let text = given.text("~/.local/bin")?;
        let path = match text.strip_prefix("~/") {
            Some(below) => self.home(given)?.join(below),
            None => PathBuf::from(text),
        };
        if !path.is_absolute() || has_breaks(text) {
            return Err(given.fault("takes an absolute path", "\"~/.local/bin\""));
        }
        Ok(Setting { value: path, line: given.line })
    }

    fn home(&self, given: &Given<'_>) -> Result<&Path, Fault> {
        self.home.ok_or_else(|| {
            given.fault("begins with `~`, and there is no home folder", "an absolute path")
        })
    }
}

impl<'a> Given<'a> {
    fn fault(&self, what: &str, example: &str) -> Fault {
        let message = format!("`{}` {what}", self.name);
        Fault { line: Some(self.line), message, help: Some(format!("write {example}")) }
    }

    fn text(&self, example: &str) -> Result<&'a str, Fault> {
        self.item.as_str().ok_or_else(|| self.fault("takes a string", &format!("\"{example}\"")))
    }

    fn color(&self) -> Result<Setting<Color>, Fault> {
        let known = Color::ALL.map(Color::as_str);
        let text = self.text("auto")?;
        let found = Color::ALL.into_iter().find(|color| color.as_str() == text);
        let list = format!("\"{}\"", known.join("\", \""));
        let value =
            found.ok_or_else(|| self.fault("has no such value", &format!("one of {list}")))?;
        Ok(Setting { value, line: self.line })
    }
}

fn has_breaks(text: &str) -> bool {
    text.contains(|c: char| c.is_control())
}

fn unknown(name: &str, line: usize) -> Fault {
    let known = KEYS.into_iter().chain(TABLES);
    let help = match nearest(name, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are `{}`", known.collect::<Vec<_>>().join("`, `")),
    };
    Fault { line: Some(line), message: format!("unknown key `{name}`"), help: Some(help) }
}

/// An input that every flake of jailgen's has, or one of its inputs: `llm-agents/nixpkgs`.
fn input_name(given: &Given<'_>) -> Result<String, Fault> {
    let top = given.name.split('/').next().unwrap_or_default();
    if INPUT_NAMES.contains(&top) {
        return Ok(given.name.clone());
    }
    let help = match nearest(top, INPUT_NAMES) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!(
            "the inputs are `{}`; override those of a single spec with `--override-input`",
            INPUT_NAMES.join("`, `")
        ),
    };
    Err(Fault {
        line: Some(given.line),
        message: format!("no input is called `{}`", given.name),
        help: Some(help),
    })
}

fn nix_name(given: &Given<'_>) -> Result<String, Fault> {
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !given.name.is_empty() && given.name.chars().all(is_name) {
        return Ok(given.name.clone());
    }
    Err(given
        .fault("is not the name of a Nix setting", "one of nix.conf(5), such as `substituters`"))
}

/// A value as a line of nix.conf has it: a list is words.
fn nix_value(given: &Given<'_>) -> Result<Setting<String>, Fault> {
    let fault =
        || given.fault("takes a string, a number, true, false, or a list of words", "\"false\"");
    let value = given.item.as_value().and_then(words).ok_or_else(fault)?;
    // Another line would be another setting.
    if has_breaks(&value) { Err(fault()) } else { Ok(Setting { value, line: given.line }) }
}

fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.value().clone()),
        Value::Boolean(value) => Some(value.value().to_string()),
        Value::Integer(value) => Some(value.value().to_string()),
        Value::Array(list) => {
            let words: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            Some(words?.join(" "))
        }
        Value::Float(_) | Value::Datetime(_) | Value::InlineTable(_) => None,
    }
}
