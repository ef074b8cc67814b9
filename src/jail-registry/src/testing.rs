//! Helpers for the tests of this crate: terms written by hand, and the result of lowering as text.

use std::fmt::Write as _;

use jail_policy::{Package, Piece, Text};

use crate::{
    Applied, Built, Diagnostic, FileId, Jail, Made, Place, Placed, Severity, Symbolic, Value, lower,
};

/// A plain string.
pub(crate) fn s(text: &str) -> Value {
    Value::Text(Text::literal(text))
}

/// A text of `noescape`.
pub(crate) fn x(text: &str) -> Value {
    Value::Text(Text::expanded(text))
}

/// A package of nixpkgs.
pub(crate) fn pkg(name: &str) -> Value {
    Value::Package(package(name))
}

fn package(name: &str) -> Package {
    Package::Symbolic { nix: format!("pkgs.{name}") }
}

/// A script for `wrap-entry`. `@` represents the entry.
pub(crate) fn script(text: &str) -> Value {
    let mut script = Text::literal("");
    for (index, part) in text.split("@@").enumerate() {
        if index > 0 {
            script.push(Piece::Entry { entry: true });
        }
        script.push(Piece::Literal(part.into()));
    }
    Value::Text(script)
}

/// The value of a whole number.
pub(crate) fn i(number: i64) -> Value {
    Value::Integer(number)
}

/// The value of a boolean.
pub(crate) fn b(value: bool) -> Value {
    Value::Bool(value)
}

/// An attribute set.
pub(crate) fn set<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let field = |(name, value): (&str, Value)| (name.to_owned(), Placed::nowhere(value));
    Value::Attributes(fields.into_iter().map(field).collect())
}

pub(crate) fn list<const N: usize>(elements: [Value; N]) -> Value {
    Value::List(elements.into_iter().map(Placed::nowhere).collect())
}

/// A combinator with its arguments.
pub(crate) fn p<const N: usize>(combinator: &str, arguments: [Value; N]) -> Value {
    Value::Permission(Applied {
        combinator: combinator.into(),
        arguments: arguments.into_iter().map(Placed::nowhere).collect(),
        place: None,
    })
}

/// A jail with these permissions around `pkgs.hello`. Places are numbered in the order of the term:
/// the n-th value of the term is at n.
pub(crate) fn jail(permissions: Vec<Value>) -> Jail {
    jail_named("demo", pkg("hello"), permissions)
}

/// A jail of this name and entry.
pub(crate) fn jail_named(name: &str, entry: Value, permissions: Vec<Value>) -> Jail {
    let mut counter = Counter(0);
    let place = Some(counter.next());
    let mut entry = Placed::nowhere(entry);
    counter.place(&mut entry);
    let mut found = Vec::new();
    for permission in permissions {
        let Value::Permission(mut applied) = permission else { panic!("a permission") };
        counter.applied(&mut applied);
        found.push(applied);
    }
    Jail { made: Made::Plain { name: name.into(), entry, permissions: found }, place }
}

/// An applied builder.
pub(crate) fn built<const N: usize>(builder: &str, arguments: [(&str, Value); N]) -> Jail {
    let mut counter = Counter(0);
    let place = Some(counter.next());
    let mut placed = |(name, value): (&str, Value)| {
        let mut value = Placed::nowhere(value);
        counter.place(&mut value);
        (name.to_owned(), value)
    };
    let arguments = arguments.into_iter().map(&mut placed).collect();
    Jail { made: Made::Built(Built { builder: builder.into(), arguments }), place }
}

struct Counter(u32);

impl Counter {
    fn next(&mut self) -> Place {
        let place = Place { file: FileId(0), start: self.0, end: self.0 };
        self.0 += 1;
        place
    }

    fn applied(&mut self, applied: &mut Applied) {
        applied.place = Some(self.next());
        applied.arguments.iter_mut().for_each(|argument| self.place(argument));
    }

    fn place(&mut self, placed: &mut Placed) {
        match &mut placed.value {
            Value::Permission(applied) => {
                self.applied(applied);
                placed.place = applied.place;
            }
            Value::List(elements) => {
                placed.place = Some(self.next());
                elements.iter_mut().for_each(|element| self.place(element));
            }
            Value::Attributes(fields) => {
                placed.place = Some(self.next());
                fields.values_mut().for_each(|field| self.place(field));
            }
            _ => placed.place = Some(self.next()),
        }
    }
}

/// All results of lowering a jail, without what its base permissions grant.
pub(crate) fn lowered(jail: &Jail) -> String {
    let own = |origin: &str| {
        !["base#1", "bind-nix-store-runtime-closure#2", "fake-passwd#3"].contains(&origin)
    };
    rendered(jail, &own)
}

/// All results of lowering a jail.
pub(crate) fn lowered_whole(jail: &Jail) -> String {
    rendered(jail, &|_| true)
}

fn rendered(jail: &Jail, wanted: &dyn Fn(&str) -> bool) -> String {
    let mut text = String::new();
    match lower(jail, &Symbolic, &|place| format!("at {}", place.start)) {
        Ok(lowered) => {
            for entry in &lowered.policy.grants {
                let by = entry.by.to_string();
                if wanted(&by) {
                    let grant = serde_json::to_string(&entry.grant).unwrap();
                    writeln!(text, "{by}: {grant}").unwrap();
                }
            }
            lowered.warnings.iter().for_each(|warning| render(warning, &mut text));
        }
        Err(faults) => faults.iter().for_each(|fault| render(fault, &mut text)),
    }
    text
}

fn render(diagnostic: &Diagnostic, text: &mut String) {
    let severity = match diagnostic.severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    let at = |place: Option<Place>| place.map_or("nowhere".into(), |it| it.start.to_string());
    let (code, place) = (diagnostic.code.as_str(), at(diagnostic.primary));
    writeln!(text, "{severity}[{code}] at {place}: {}", diagnostic.message).unwrap();
    if !diagnostic.label.is_empty() {
        writeln!(text, "  ^ {}", diagnostic.label).unwrap();
    }
    for (place, label) in &diagnostic.secondary {
        writeln!(text, "  at {}: {label}", place.start).unwrap();
    }
    if let Some(help) = &diagnostic.help {
        writeln!(text, "  = help: {help}").unwrap();
    }
}
