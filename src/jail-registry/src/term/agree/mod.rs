//! Whether two readings of one jail agree: that of jailgen's evaluator, in which packages are Nix
//! source, and that of Nix, in which they are store paths.
//!
//! A package agrees with any package, because only Nix knows what its name means.
//! All else must be the same.

mod fits;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jail_policy::{PACKAGES_OF, Package, Text};

use fits::{Store, fits};

use super::{Applied, Jail, Made, Place, Placed, Value};
use crate::check::describe_value;
use crate::diagnostic::{Code, Diagnostic};
use crate::table::names;

/// The first difference in Nix's reading, if there is one. `store` is the folder of the store.
#[must_use]
pub fn difference(spec: &Jail, nix: &Jail, store: &str) -> Option<Diagnostic> {
    let comparison = Comparison { store: Store::new(store) };
    comparison.jail(spec, nix).err().map(|fault| *fault)
}

/// The combinator whose text is split into words. One word more could be an option.
const RAW: &str = names::UNSAFE_ADD_RAW_ARGS;

type Compared = Result<(), Box<Diagnostic>>;

struct Comparison<'a> {
    store: Store<'a>,
}

impl Comparison<'_> {
    fn jail(&self, spec: &Jail, nix: &Jail) -> Compared {
        match (&spec.made, &nix.made) {
            (
                Made::Plain { name, entry, permissions },
                Made::Plain { name: nix_name, entry: nix_entry, permissions: nix_permissions },
            ) => {
                if name != nix_name {
                    return different(spec.place, &code(name), &code(nix_name));
                }
                self.value(entry, nix_entry, spec.place)?;
                self.permissions(permissions, nix_permissions, spec.place)
            }
            (Made::Built(built), Made::Built(nix_built)) if built.builder == nix_built.builder => {
                self.attributes(&built.arguments, &nix_built.arguments, spec.place)
            }
            (made @ (Made::Plain { .. } | Made::Built(_)), nix_made) => {
                different(spec.place, &code(maker(made)), &code(maker(nix_made)))
            }
        }
    }

    fn permissions(&self, spec: &[Applied], nix: &[Applied], place: Option<Place>) -> Compared {
        for (permission, nix_permission) in spec.iter().zip(nix) {
            self.permission(permission, nix_permission)?;
        }
        let name = |permission: &Applied| format!("the permission `{}`", permission.combinator);
        rest(spec, nix, name, |further| further.place.or(place), place)
    }

    fn permission(&self, spec: &Applied, nix: &Applied) -> Compared {
        if spec.combinator != nix.combinator {
            return different(spec.place, &code(&spec.combinator), &code(&nix.combinator));
        }
        let store = if spec.combinator == RAW { self.store.for_words() } else { self.store };
        Comparison { store }.list(&spec.arguments, &nix.arguments, spec.place)
    }

    fn list(&self, spec: &[Placed], nix: &[Placed], place: Option<Place>) -> Compared {
        if spec.iter().any(|element| is_several(&element.value)) {
            return self.packages(spec, nix, place);
        }
        for (element, nix_element) in spec.iter().zip(nix) {
            self.value(element, nix_element, place)?;
        }
        rest(spec, nix, |element| shown(&element.value), |further| further.place.or(place), place)
    }

    /// Lists of packages, in which some elements represent any number of packages. Every other
    /// element must have its package, and the list must contain nothing else.
    fn packages(&self, spec: &[Placed], nix: &[Placed], place: Option<Place>) -> Compared {
        let any = Package::Symbolic { nix: String::new() };
        for element in nix {
            match &element.value {
                Value::Package(package) if self.is_package(&any, package) => {}
                other => return different(place, "a package", &shown(other)),
            }
        }
        let single = spec.iter().filter(|element| !is_several(&element.value));
        if single.count() > nix.len() {
            return different(place, "more packages", "fewer");
        }
        Ok(())
    }

    fn attributes(
        &self,
        spec: &BTreeMap<String, Placed>,
        nix: &BTreeMap<String, Placed>,
        place: Option<Place>,
    ) -> Compared {
        for (name, value) in spec {
            match nix.get(name) {
                Some(nix_value) => self.value(value, nix_value, place)?,
                None => return different(value.place.or(place), &code(name), "no such attribute"),
            }
        }
        match nix.keys().find(|name| !spec.contains_key(*name)) {
            Some(name) => different(place, "no such attribute", &code(name)),
            None => Ok(()),
        }
    }

    fn value(&self, spec: &Placed, nix: &Placed, around: Option<Place>) -> Compared {
        let place = spec.place.or(around);
        match (&spec.value, &nix.value) {
            (Value::List(elements), Value::List(nix)) => self.list(elements, nix, place),
            (Value::Attributes(fields), Value::Attributes(nix)) => {
                self.attributes(fields, nix, place)
            }
            (Value::Permission(applied), Value::Permission(nix)) => self.permission(applied, nix),
            (Value::Text(text), Value::Text(nix)) if fits(text, nix, &self.store) => Ok(()),
            (Value::Text(text), Value::Text(nix)) => {
                let from = first_difference(&text.to_string(), &nix.to_string());
                different(place, &excerpt(text, from), &excerpt(nix, from))
            }
            (Value::Package(package), Value::Package(nix)) if self.is_package(package, nix) => {
                Ok(())
            }
            (Value::Package(_), Value::Package(_)) => {
                different(place, "a package", "a package that is not in the store")
            }
            (spec, nix) if is_plain(spec) && spec == nix => Ok(()),
            (spec, nix) => different(place, &shown(spec), &shown(nix)),
        }
    }

    /// Nix source, and what must then be the paths of a package.
    fn is_package(&self, spec: &Package, nix: &Package) -> bool {
        match (spec, nix) {
            (Package::Symbolic { .. }, Package::Resolved { paths }) => self.store.has(paths),
            (Package::Symbolic { .. } | Package::Resolved { .. }, _) => false,
        }
    }
}

/// Whether a package represents a list that only Nix knows.
fn is_several(value: &Value) -> bool {
    matches!(value, Value::Package(Package::Symbolic { nix }) if nix.starts_with(PACKAGES_OF))
}

/// A value without parts. Paths and functions are never arguments.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) => true,
        Value::Text(_)
        | Value::Package(_)
        | Value::List(_)
        | Value::Attributes(_)
        | Value::Permission(_)
        | Value::Path(_)
        | Value::Function => false,
    }
}

fn maker(made: &Made) -> &str {
    match made {
        Made::Plain { .. } => "jail",
        Made::Built(built) => &built.builder,
    }
}

/// The element that only one of two lists has at its end.
fn rest<T>(
    spec: &[T],
    nix: &[T],
    shown: impl Fn(&T) -> String,
    place_of: impl Fn(&T) -> Option<Place>,
    place: Option<Place>,
) -> Compared {
    match (spec.get(nix.len()), nix.get(spec.len())) {
        (Some(further), _) => different(place_of(further), &shown(further), "nothing"),
        (None, Some(further)) => different(place, "nothing more", &shown(further)),
        (None, None) => Ok(()),
    }
}

fn different(place: Option<Place>, spec: &str, nix: &str) -> Compared {
    let message = format!("Nix reads {nix} where jailgen reads {spec}");
    let fault = Diagnostic::error(Code::DiffersInNix, place, message);
    Err(Box::new(fault.label("Nix reads something else here")))
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn shown(value: &Value) -> String {
    match value {
        Value::Bool(value) => code(&value.to_string()),
        Value::Integer(number) => code(&number.to_string()),
        Value::Text(text) => excerpt(text, 0),
        Value::Null
        | Value::Float(_)
        | Value::Package(_)
        | Value::List(_)
        | Value::Attributes(_)
        | Value::Permission(_)
        | Value::Path(_)
        | Value::Function => describe_value(value),
    }
}

/// How much of a text is shown, and how much of what both readings share before they differ.
const EXCERPT: usize = 60;
const BEFORE: usize = 20;

fn first_difference(one: &str, other: &str) -> usize {
    one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count()
}

/// A part of a text, as a spec would write it.
fn excerpt(text: &Text, from: usize) -> String {
    let characters = text.to_string();
    let start = from.saturating_sub(BEFORE);
    let part: String = characters.chars().skip(start).take(EXCERPT).collect();
    let before = if start > 0 { "…" } else { "" };
    let after = if characters.chars().count() > start + EXCERPT { "…" } else { "" };
    let part = part.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let string = format!("\"{before}{part}{after}\"");
    let function = if text.expand { "noescape " } else { "" };
    code(&format!("{function}{string}"))
}
