//! `from`: where the value of a secret is at launch. The spec never contains the value itself.

use std::collections::BTreeMap;

use jail_plan::HostText;
use jail_plan::raw::split;
use jail_policy::{Piece, SecretSource, Text};

use super::super::{Call, is_variable, path};
use super::literal;
use crate::diagnostic::Code;
use crate::term::{Place, Placed, Value};

const SOURCES: &str = "write `from.env = \"NAME\"`, `from.file = (noescape \"~/.keys/name\")`, `from.command = [ \"pass\" \"show\" \"name\" ]` or `from.keyring = { service = \"name\"; }`";

/// Signs of a shell's syntax. Nothing but a shell runs them.
const SHELLS: &[&str] = &["|", "||", "&&", "&", ";", ">", ">>", "<", "2>"];

/// Reads the source.
pub(super) fn read(call: &mut Call<'_, '_>, given: &Placed) -> Option<SecretSource> {
    let place = given.place.or(call.applied.place);
    let Value::Attributes(fields) = &given.value else {
        // It may be the value, so it is not printed.
        let message = "a string in `from` would be the value itself, and the spec ends up in the Nix store, where every user can read it";
        call.error_at(Code::SecretInSpec, place, message.into(), SOURCES);
        return None;
    };
    let mut named = fields.iter();
    match (named.next(), named.next()) {
        (Some((name, source)), None) => of_field(call, name, source, place),
        (None, _) => {
            call.error_at(Code::BadSecret, place, "`from` names no source".into(), SOURCES);
            None
        }
        (Some((first, _)), Some((second, _))) => {
            let message = format!("`from` names several sources, `{first}` and `{second}`");
            call.error_at(Code::BadSecret, place, message, "keep one of them");
            None
        }
    }
}

fn of_field(
    call: &mut Call<'_, '_>,
    name: &str,
    source: &Placed,
    place: Option<Place>,
) -> Option<SecretSource> {
    let place = source.place.or(place);
    match (name, &source.value) {
        ("file", _) => file(call, source, place),
        ("env", _) => {
            let name = literal(source)?;
            variable(call, name, place)?;
            Some(SecretSource::Variable(name.to_owned()))
        }
        ("command", Value::List(words)) => {
            let words: Vec<_> = words.iter().map(|word| call.text_of(word)).collect();
            command(call, words.into_iter().collect::<Option<_>>()?, place)
        }
        ("command", _) => {
            let words = words(call, literal(source)?, place)?;
            command(call, words, place)
        }
        ("keyring", Value::Attributes(attributes)) => keyring(call, attributes, place),
        _ => None,
    }
}

/// A valid name for a variable.
pub(super) fn variable(call: &mut Call<'_, '_>, name: &str, place: Option<Place>) -> Option<()> {
    if is_variable(name) {
        return Some(());
    }
    let message =
        format!("`{}` is not the name of an environment variable", jail_plan::one_line(name));
    let help = "a name has letters, digits and `_`, and does not begin with a digit";
    call.error_at(Code::EnvironmentName, place, message, help);
    None
}

fn file(call: &mut Call<'_, '_>, source: &Placed, place: Option<Place>) -> Option<SecretSource> {
    let Value::Text(text) = &source.value else { return None };
    let is_copied = text.pieces().iter().any(|piece| match piece {
        Piece::Literal(literal) => literal.starts_with("/nix/store/"),
        Piece::Package { .. } | Piece::Entry { .. } => true,
    });
    if is_copied {
        let message = format!("`{text}` is in the Nix store, where every user can read it");
        let help = "name the file at its own place: `from.file = (noescape \"~/.keys/name\")`";
        call.error_at(Code::SecretInSpec, place, message, help);
        return None;
    }
    let combinator = call.applied.combinator.clone();
    let faults = &mut call.state.diagnostics;
    path::check(&combinator, text, path::Role::Source, place, faults).map(SecretSource::File)
}

/// Splits a string into words, with quotes as in a shell. No shell runs.
fn words(call: &mut Call<'_, '_>, text: &str, place: Option<Place>) -> Option<Vec<Text>> {
    const LIST: &str =
        "write the words as a list, `[ \"pass\" \"show\" \"name\" ]`, or have a script do it";
    let words = split(text)
        .map_err(|error| {
            let message = format!("the command cannot be split into words: {error}");
            call.error_at(Code::BadSecret, place, message, LIST);
        })
        .ok()?;
    let mut plain = Vec::new();
    for word in words {
        match word {
            HostText::Literal(word) if !SHELLS.contains(&word.as_str()) => {
                plain.push(Text::literal(word));
            }
            HostText::Literal(word) => {
                let message = format!("`{word}` is for a shell, but no shell runs the command");
                call.error_at(Code::BadSecret, place, message, LIST);
                return None;
            }
            HostText::Expand(_) | HostText::PerFolder(_) => {
                let message =
                    format!("`{}` is not expanded: no shell runs the command", word.source());
                call.error_at(Code::BadSecret, place, message, LIST);
                return None;
            }
        }
    }
    Some(plain)
}

/// A program by its path, or by a name that is looked up in the launcher's PATH.
fn command(
    call: &mut Call<'_, '_>,
    words: Vec<Text>,
    place: Option<Place>,
) -> Option<SecretSource> {
    let mut refuse = |code, message: &str, help: &str| {
        call.error_at(code, place, message.into(), help);
        None
    };
    let Some(program) = words.first() else {
        return refuse(Code::BadSecret, "the command is empty", "name a program and its arguments");
    };
    if words.iter().any(|word| word.expand) {
        let message = "the command of a secret must be known when the jail is built";
        let help = "write it without `noescape`; the command itself can read its variables";
        return refuse(Code::ParamType, message, help);
    }
    match program.as_str() {
        Some("") => {
            return refuse(Code::BadSecret, "the command's first word is empty", "name a program");
        }
        Some(name) if name.contains('/') && !name.starts_with('/') => {
            let message =
                format!("program `{}` of the command is not absolute", jail_plan::one_line(name));
            let help = "write its whole path, or only its name, which is looked up in PATH";
            return refuse(Code::RelativePath, &message, help);
        }
        Some(_) | None => {}
    }
    Some(SecretSource::Command(words))
}

fn keyring(
    call: &mut Call<'_, '_>,
    attributes: &BTreeMap<String, Placed>,
    place: Option<Place>,
) -> Option<SecretSource> {
    if attributes.is_empty() {
        let help = "name what the entry was stored with, as `secret-tool lookup` takes it: `{ service = \"name\"; }`";
        call.error_at(Code::BadSecret, place, "`keyring` names no attribute".into(), help);
        return None;
    }
    let mut pairs = Vec::new();
    for (name, value) in attributes {
        pairs.extend([name.clone(), literal(value)?.to_owned()]);
    }
    Some(SecretSource::Keyring(pairs))
}
