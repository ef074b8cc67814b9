//! `parseFlakeRef` and `flakeRefToString`, for the references that all versions of Nix read alike:
//! names of a registry, the three forges, and git over a network.

use std::collections::BTreeMap;
use std::rc::Rc;

use jail_registry::{Code as DiagnosticCode, Place};

use super::{Builtin, builtin, take};
use crate::attrs::Attrs;
use crate::failure::{Failure, Fallible};
use crate::value::Value;

pub(super) const TABLE: &[Builtin] = &[
    builtin("parseFlakeRef", 1, |evaluator, args, at| {
        let [reference] = take(args, at)?;
        let reference = evaluator.string(reference, at)?;
        let fields = parsed(&reference, at)?.into_iter();
        let pairs =
            fields.map(|(name, text)| (evaluator.symbols.intern(name), Value::string(text)));
        Ok(Value::Attrs(Rc::new(Attrs::without_places(pairs))))
    }),
    builtin("flakeRefToString", 1, |evaluator, args, at| {
        let [fields] = take(args, at)?;
        let attrs = evaluator.attrs(fields, at)?;
        let mut fields = BTreeMap::new();
        for (name, entry) in attrs.by_name(&evaluator.symbols) {
            fields.insert(name.to_string(), evaluator.string(&entry.value, at)?.to_string());
        }
        written(fields, at).map(Value::string)
    }),
];

type Fields = BTreeMap<&'static str, String>;

/// Forges, which identify a repository by its owner and its name.
const FORGES: &[&str] = &["github", "gitlab", "sourcehut"];

/// The parameters that may follow the question mark.
const PARAMETERS: &[&str] = &["dir", "host", "ref", "rev"];

fn parsed(reference: &str, at: Place) -> Fallible<Fields> {
    if reference.contains(['%', '#', ' ']) {
        return Err(other(reference, at));
    }
    let (place, query) = reference.split_once('?').unwrap_or((reference, ""));
    let mut fields = Fields::new();
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let Some(name) = PARAMETERS.iter().find(|known| **known == name) else {
            return Err(other(reference, at));
        };
        add(&mut fields, name, value, reference, at)?;
    }
    match place.split_once(':') {
        Some((scheme, rest)) if FORGES.contains(&scheme) => {
            let mut parts = rest.splitn(3, '/');
            add(&mut fields, "type", scheme, reference, at)?;
            for name in ["owner", "repo"] {
                let part = parts.next().filter(|part| !part.is_empty());
                add(&mut fields, name, part.ok_or_else(|| wrong(reference, at))?, reference, at)?;
            }
            if let Some(part) = parts.next().filter(|part| !part.is_empty()) {
                add(&mut fields, revision(part), part, reference, at)?;
            }
        }
        Some((scheme, rest)) => match scheme.strip_prefix("git+") {
            Some(inner) if ["https", "ssh", "http"].contains(&inner) => {
                add(&mut fields, "type", "git", reference, at)?;
                add(&mut fields, "url", &format!("{inner}:{rest}"), reference, at)?;
            }
            Some(_) | None if scheme != "flake" => return Err(other(reference, at)),
            Some(_) | None => indirect(&mut fields, rest, reference, at)?,
        },
        None if query.is_empty() => indirect(&mut fields, place, reference, at)?,
        None => return Err(other(reference, at)),
    }
    Ok(fields)
}

/// `nixpkgs`, `nixpkgs/branch`, `nixpkgs/branch/revision`.
fn indirect(fields: &mut Fields, name: &str, reference: &str, at: Place) -> Fallible<()> {
    let mut parts = name.split('/');
    let is_name = |part: &&str| {
        let first = part.starts_with(|char: char| char.is_ascii_alphabetic());
        let is_allowed = |char: char| char.is_ascii_alphanumeric() || "_-".contains(char);
        first && part.chars().all(is_allowed)
    };
    let id = parts.next().filter(is_name).ok_or_else(|| other(reference, at))?;
    add(fields, "type", "indirect", reference, at)?;
    add(fields, "id", id, reference, at)?;
    for part in parts {
        if part.is_empty() || part.starts_with(['.', '-']) {
            return Err(other(reference, at));
        }
        add(fields, revision(part), part, reference, at)?;
    }
    Ok(())
}

/// Forty hexadecimal digits are a commit, all else is a branch or tag.
fn revision(part: &str) -> &'static str {
    let is_commit = part.len() == 40 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_commit { "rev" } else { "ref" }
}

fn add(
    fields: &mut Fields,
    name: &'static str,
    value: &str,
    reference: &str,
    at: Place,
) -> Fallible<()> {
    match fields.insert(name, value.to_owned()) {
        None => Ok(()),
        Some(_) => Err(wrong(reference, at)),
    }
}

/// Builds the reference from its fields.
fn written(mut fields: BTreeMap<String, String>, at: Place) -> Fallible<String> {
    let shown = format!("{fields:?}");
    let mut field = |name: &str| fields.remove(name);
    let revision = field("rev").into_iter().chain(field("ref")).collect::<Vec<_>>();
    let (kind, dir, host) = (field("type"), field("dir"), field("host"));
    let mut reference = match (kind.as_deref(), revision.as_slice()) {
        (Some(forge), [] | [_]) if FORGES.contains(&forge) => {
            let parts = [field("owner"), field("repo")];
            let [Some(owner), Some(repo)] = parts else { return Err(wrong(&shown, at)) };
            [format!("{forge}:{owner}/{repo}")].into_iter().chain(revision).collect::<Vec<_>>()
        }
        (Some("indirect"), _) if host.is_none() => {
            let Some(id) = field("id") else { return Err(wrong(&shown, at)) };
            let revision = revision.into_iter().rev();
            [format!("flake:{id}")].into_iter().chain(revision).collect()
        }
        _ => return Err(other(&shown, at)),
    }
    .join("/");
    if !fields.is_empty() || reference.contains(|char: char| !is_plain(char)) {
        return Err(other(&shown, at));
    }
    let query = [("dir", dir), ("host", host)].into_iter();
    let query = query.filter_map(|(name, value)| Some(format!("{name}={}", value?)));
    let query = query.collect::<Vec<_>>().join("&");
    if !query.is_empty() {
        reference = format!("{reference}?{query}");
    }
    Ok(reference)
}

/// The characters that a reference contains without an escape.
const fn is_plain(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '-' | '.' | '_' | '~' | '/' | ':')
}

fn wrong(reference: &str, at: Place) -> Box<Failure> {
    Failure::new(DiagnosticCode::Data, at, format!("`{reference}` is not a flake reference"))
        .label("read here")
}

fn other(reference: &str, at: Place) -> Box<Failure> {
    Failure::dependent(at, format!("the reference `{reference}`"))
        .label("versions of Nix read it, or write it, differently")
        .help("write one like `github:owner/repo/branch?dir=folder`")
}
