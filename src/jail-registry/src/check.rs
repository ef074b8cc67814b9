//! Checks values against types. Both front ends use it, so a wrong argument has one message.

use jail_policy::Text;

use crate::diagnostic::{Code, Diagnostic};
use crate::signature::{Field, Signature, Type};
use crate::suggest::nearest;
use crate::term::{Place, Placed, Value};

/// All faults of the arguments of a combinator. `place` is that of the whole application.
#[must_use]
pub fn arguments(
    name: &str,
    signature: Signature,
    arguments: &[Placed],
    place: Option<Place>,
) -> Vec<Diagnostic> {
    let (wanted, given) = (signature.params.len(), arguments.len());
    if wanted != given {
        let message = count_fault(name, wanted, given);
        return vec![Diagnostic::error(Code::ParamCount, place, message)];
    }
    let mut faults = Vec::new();
    for (param, argument) in signature.params.iter().zip(arguments) {
        argument_into(name, param.name, param.ty, argument, place, &mut faults);
    }
    faults
}

/// The fault of a wrong number of arguments.
#[must_use]
pub fn count_fault(name: &str, wanted: usize, given: usize) -> String {
    let given = if given == 0 { "none".into() } else { given.to_string() };
    format!("`{name}` takes {}, got {given}", plural(wanted, "argument"))
}

/// All faults of one argument. `place` is used if the argument has no place of its own.
#[must_use]
pub fn argument(
    combinator: &str,
    param: &str,
    ty: Type,
    argument: &Placed,
    place: Option<Place>,
) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    argument_into(combinator, param, ty, argument, place, &mut faults);
    faults
}

/// The fault of an argument set with an unknown field. It suggests the nearest known one.
#[must_use]
pub fn unknown(combinator: &str, name: &str, known: &[Field], place: Option<Place>) -> Diagnostic {
    let message = format!("`{combinator}` has no argument `{name}`");
    let fault = Diagnostic::error(Code::UnknownArgument, place, message)
        .label("not an argument of this combinator");
    let help = match nearest(name, known.iter().map(|field| field.name)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let names: Vec<_> = known.iter().map(|field| format!("`{}`", field.name)).collect();
            format!("it has {}", names.join(", "))
        }
    };
    fault.help(help)
}

fn argument_into(
    combinator: &str,
    param: &str,
    ty: Type,
    argument: &Placed,
    place: Option<Place>,
    faults: &mut Vec<Diagnostic>,
) {
    Checker { combinator, param, faults }.check(ty, argument, argument.place.or(place));
}

struct Checker<'a> {
    combinator: &'a str,
    param: &'a str,
    faults: &'a mut Vec<Diagnostic>,
}

impl Checker<'_> {
    fn check(&mut self, ty: Type, given: &Placed, place: Option<Place>) {
        match (ty, &given.value) {
            (Type::List(element), Value::List(elements)) => {
                for given in elements {
                    self.check(*element, given, given.place.or(place));
                }
            }
            (Type::Permission, Value::List(elements)) => {
                for given in elements {
                    self.check(Type::Permission, given, given.place.or(place));
                }
            }
            (Type::Map(element), Value::Attributes(fields)) => {
                for given in fields.values() {
                    self.check(*element, given, given.place.or(place));
                }
            }
            (Type::Fields(known), Value::Attributes(_)) => self.fields(known, given, place),
            (Type::Either(types), value) => match types.iter().find(|ty| same_shape(**ty, value)) {
                Some(ty) => self.check(*ty, given, place),
                None => self.mismatch(ty, value, place),
            },
            (ty, value) if same_shape(ty, value) => {}
            (ty, value) => self.mismatch(ty, value, place),
        }
    }

    fn fields(&mut self, known: &[Field], given: &Placed, place: Option<Place>) {
        let Value::Attributes(fields) = &given.value else { return };
        for (name, given) in fields {
            match known.iter().find(|field| field.name == name) {
                Some(field) => self.field(field, given, given.place.or(place)),
                None => self.unknown(name, known, given.place.or(place)),
            }
        }
        for field in known.iter().filter(|field| field.required) {
            if !fields.contains_key(field.name) {
                let message = format!("`{}` needs the argument `{}`", self.combinator, field.name);
                let fault = Diagnostic::error(Code::MissingArgument, place, message);
                self.faults.push(fault.help(field.doc));
            }
        }
    }

    /// Messages are about the field rather than about the set around it.
    fn field(&mut self, field: &Field, given: &Placed, place: Option<Place>) {
        let (combinator, faults) = (self.combinator, &mut *self.faults);
        Checker { combinator, param: field.name, faults }.check(field.ty, given, place);
    }

    fn unknown(&mut self, name: &str, known: &[Field], place: Option<Place>) {
        self.faults.push(unknown(self.combinator, name, known, place));
    }

    fn mismatch(&mut self, ty: Type, value: &Value, place: Option<Place>) {
        let (wanted, got) = (describe_type(ty), describe_value(value));
        let message =
            format!("`{}` takes {wanted} for `{}`, got {got}", self.combinator, self.param);
        let mut fault =
            Diagnostic::error(Code::ParamType, place, message).label(format!("this is {got}"));
        fault.help = mismatch_help(ty, value);
        self.faults.push(fault);
    }
}

/// What the author probably meant.
fn mismatch_help(ty: Type, value: &Value) -> Option<String> {
    match (ty, value) {
        (_, Value::Path(path)) => Some(path.help()),
        (
            Type::Package | Type::Shell | Type::Entry | Type::Text | Type::Literal | Type::Word(_),
            Value::Permission(applied),
        ) => {
            let name = &applied.combinator;
            Some(format!("`{name}` is a combinator here; the package is `pkgs.{name}`"))
        }
        (Type::Package | Type::Shell, Value::Text(text)) => text.as_str().and_then(package_help),
        (Type::List(_), Value::Text(_) | Value::Package(_) | Value::Permission(_)) => {
            Some("put it in brackets: `[ … ]`".into())
        }
        (Type::Literal | Type::Word(_), Value::Text(text)) if text.expand => Some(
            "this is needed when the jail is built, before any launch: write it without `noescape`"
                .into(),
        ),
        (Type::Text | Type::Literal | Type::Word(_), Value::Integer(number)) => {
            Some(format!("write `\"{number}\"`"))
        }
        (ty, Value::Float(number)) if takes_text(ty) => Some(format!("write `\"{number}\"`")),
        _ => None,
    }
}

fn takes_text(ty: Type) -> bool {
    match ty {
        Type::Either(types) => types.iter().any(|ty| takes_text(*ty)),
        ty => matches!(ty, Type::Text | Type::Literal | Type::Word(_)),
    }
}

/// A package that is named by a string.
fn package_help(text: &str) -> Option<String> {
    let name = text.strip_prefix("pkgs.").unwrap_or(text);
    if is_attribute(name) {
        return Some(format!("write `pkgs.{name}`: a package is not a string"));
    }
    let program = text.rsplit('/').next().filter(|_| text.starts_with('/'))?;
    let package = if is_attribute(program) { program } else { "name" };
    Some(format!(
        "name a package, such as `pkgs.{package}`; grant a program of the host by its path, with `readonly`"
    ))
}

/// Whether this can follow `pkgs.` unchanged: names with dots between them.
pub(crate) fn is_attribute(text: &str) -> bool {
    text.split('.').all(|name| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-'".contains(c))
    })
}

/// The fault of an element in a list of permissions that is not a permission.
pub(crate) fn no_permission(value: &Value) -> Diagnostic {
    let message = format!("expected a permission, got {}", describe_value(value));
    let mut fault = Diagnostic::error(Code::ParamType, None, message);
    fault.help = no_permission_help(value).map(Into::into);
    fault
}

/// The help for a path in a list of permissions.
pub const PATH_ALONE: &str =
    "a path alone grants nothing: is a combinator missing before it? write `(readonly \"…\")`";

fn no_permission_help(value: &Value) -> Option<&'static str> {
    match value {
        Value::Package(_) => Some("write `(add-pkg-deps [ … ])` to put packages into the jail"),
        Value::Path(_) => Some(PATH_ALONE),
        Value::Text(_) => Some(
            "a string alone grants nothing: is a combinator missing before it? write `(readonly \"…\")`",
        ),
        Value::Function => Some(
            "a lambda such as `state: …` of jail.nix is not a permission: put combinators together with `compose [ (readonly \"…\") … ]`, or give the function its argument, in parentheses",
        ),
        Value::Null
        | Value::Bool(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::List(_)
        | Value::Attributes(_)
        | Value::Permission(_) => None,
    }
}

/// Whether the value is of this type, without checking its content.
fn same_shape(ty: Type, value: &Value) -> bool {
    match ty {
        Type::Null => matches!(value, Value::Null),
        // As in Nix, a package represents its path where a string is expected.
        Type::Text => matches!(value, Value::Text(_) | Value::Package(_)),
        Type::Script => matches!(value, Value::Text(_)),
        Type::Literal | Type::Word(_) => matches!(value, Value::Text(text) if is_literal(text)),
        Type::Integer => matches!(value, Value::Integer(_)),
        Type::Bool => matches!(value, Value::Bool(_)),
        Type::Package | Type::Shell => matches!(value, Value::Package(_)),
        Type::Entry => matches!(value, Value::Package(_) | Value::Text(_)),
        Type::Permission => matches!(value, Value::Permission(_) | Value::List(_)),
        Type::List(_) => matches!(value, Value::List(_)),
        Type::Fields(_) | Type::Map(_) => matches!(value, Value::Attributes(_)),
        Type::Either(types) => types.iter().any(|ty| same_shape(*ty, value)),
    }
}

fn is_literal(text: &Text) -> bool {
    !text.expand && text.as_str().is_some()
}

/// A type in words, with its article.
#[must_use]
pub fn describe_type(ty: Type) -> String {
    match ty {
        Type::Null => "null".into(),
        Type::Text => "a string".into(),
        Type::Literal | Type::Word(_) => "a plain string".into(),
        Type::Integer => "a whole number".into(),
        Type::Bool => "a boolean".into(),
        Type::Package => "a package".into(),
        Type::Shell => "a development shell (a derivation)".into(),
        Type::Entry => "a package or a path".into(),
        Type::Permission => "a permission".into(),
        Type::Script => "a script (a string, or a function from the entry to one)".into(),
        Type::List(element) => format!("a list of {}", describe_many(*element)),
        Type::Fields(_) => "an attribute set".into(),
        Type::Map(element) => format!("an attribute set of {}", describe_many(*element)),
        Type::Either(types) => {
            types.iter().map(|ty| describe_type(*ty)).collect::<Vec<_>>().join(" or ")
        }
    }
}

fn describe_many(ty: Type) -> String {
    match ty {
        Type::Null => "nulls".into(),
        Type::Text => "strings".into(),
        Type::Literal | Type::Word(_) => "plain strings".into(),
        Type::Integer => "whole numbers".into(),
        Type::Bool => "booleans".into(),
        Type::Package => "packages".into(),
        Type::Shell => "development shells".into(),
        Type::Entry => "packages or paths".into(),
        Type::Permission => "permissions".into(),
        Type::Script => "scripts".into(),
        Type::List(element) => format!("lists of {}", describe_many(*element)),
        Type::Fields(_) | Type::Map(_) => "attribute sets".into(),
        Type::Either(types) => {
            types.iter().map(|ty| describe_many(*ty)).collect::<Vec<_>>().join(" or ")
        }
    }
}

/// A value's kind in words, with its article.
#[must_use]
pub fn describe_value(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "a boolean".into(),
        Value::Integer(_) => "a whole number".into(),
        Value::Float(_) => "a number with a fraction".into(),
        Value::Text(text) if text.expand => "a `noescape` text".into(),
        Value::Text(text) if text.as_str().is_none() => "a string that names a package".into(),
        Value::Text(_) => "a string".into(),
        Value::Package(_) => "a package".into(),
        Value::List(_) => "a list".into(),
        Value::Attributes(_) => "an attribute set".into(),
        Value::Permission(applied) => format!("the permission `{}`", applied.combinator),
        Value::Path(_) => "a path".into(),
        Value::Function => "a function".into(),
    }
}

fn plural(count: usize, noun: &str) -> String {
    match count {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}
