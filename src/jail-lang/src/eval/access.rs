//! Attributes: selection, `?`, `with`, computed names.

use std::rc::Rc;

use jail_registry::{Code as DiagnosticCode, Place};

use super::Evaluator;
use crate::attrs::Attrs;
use crate::builtins;
use crate::failure::{Failure, Fallible};
use crate::ir::{Code, Key};
use crate::library;
use crate::residual::{Residual, Step};
use crate::suggest;
use crate::symbols::Symbol;
use crate::value::{Combinator, Env, Permission, Root, Value};

/// The result of looking up a name in a value.
enum Attribute {
    Value(Value),
    Missing,
    /// The value is not a set.
    NotASet,
}

impl Evaluator<'_> {
    pub(super) fn eval_select(
        &self,
        set: &Code,
        path: &[Key],
        default: Option<&Code>,
        env: &Env,
        place: Place,
    ) -> Fallible<Value> {
        let mut value = self.eval(set, env)?;
        for (index, key) in path.iter().enumerate() {
            if let Value::Residual(residual) = &value {
                if let Some(default) = default {
                    let rest = self.rest_of_path(path, index, env)?;
                    let default = self.delay(default, env);
                    return Ok(Value::residual(Residual::SelectOr(
                        Rc::clone(residual),
                        rest,
                        default,
                    )));
                }
                if let Step::Value(name) = self.key_step(key, env)? {
                    value = Value::residual(Residual::SelectBy(Rc::clone(residual), name));
                    continue;
                }
            }
            let (name, at) = self.key(key, env)?;
            if default.is_some() {
                self.no_introspection(&value, name, at)?;
            }
            match (self.find(&value, name, at)?, default) {
                (Attribute::Value(found), _) => {
                    value = self.force(&found, at).map_err(|failure| {
                        failure.outside_library(at).trace(place, || self.evaluating(name))
                    })?;
                }
                (Attribute::Missing | Attribute::NotASet, Some(default)) => {
                    return self.eval(default, env);
                }
                (Attribute::Missing, None) => return Err(self.missing(&value, name, at)),
                (Attribute::NotASet, None) => return Err(self.not_a_set(&value, name, at)),
            }
        }
        Ok(self.mentioned(value, place))
    }

    fn evaluating(&self, name: Symbol) -> String {
        format!("while evaluating the attribute `{}`", self.symbols.name(name))
    }

    fn rest_of_path(&self, path: &[Key], from: usize, env: &Env) -> Fallible<Vec<Step>> {
        path.iter().skip(from).map(|key| self.key_step(key, env)).collect()
    }

    /// A step of a path below a symbolic set. Its name may be symbolic too.
    fn key_step(&self, key: &Key, env: &Env) -> Fallible<Step> {
        match key {
            Key::Name(name, _) => Ok(Step::Name(*name)),
            Key::Code(code) => match self.eval(code, env)? {
                value @ (Value::Residual(_) | Value::Text(_)) => Ok(Step::Value(value)),
                value => {
                    let name = self.plain_text(&value, code.place)?;
                    Ok(Step::Name(self.symbols.intern(&name)))
                }
            },
        }
    }

    /// A combinator that came out of a set gets the place that mentions it.
    fn mentioned(&self, value: Value, place: Place) -> Value {
        match &value {
            Value::Permission(permission) if permission.place.is_none() => {
                let (name, signature) = (permission.name, permission.signature);
                let place = Some(place);
                Value::Permission(Rc::new(Permission { name, signature, args: Vec::new(), place }))
            }
            Value::Combinator(combinator) if combinator.place.is_none() => {
                let combinator = Combinator { place: Some(place), ..(**combinator).clone() };
                Value::Combinator(Rc::new(combinator))
            }
            _ => value,
        }
    }

    /// The name of a step and its place. A `null` is an error here.
    fn key(&self, key: &Key, env: &Env) -> Fallible<(Symbol, Place)> {
        match key {
            Key::Name(name, place) => Ok((*name, *place)),
            Key::Code(code) => {
                let value = self.eval(code, env)?;
                let name = self.plain_text(&value, code.place)?;
                Ok((self.symbols.intern(&name), code.place))
            }
        }
    }

    /// The name that a computed attribute has; `None` for `null`.
    pub(super) fn key_value(&self, code: &Code, env: &Env) -> Fallible<Option<Symbol>> {
        match self.eval(code, env)? {
            Value::Null => Ok(None),
            value => Ok(Some(self.symbols.intern(&self.plain_text(&value, code.place)?))),
        }
    }

    /// What evaluates the spec decides which attributes `builtins`, `lib`, `jail`
    /// and the combinators have.
    fn no_introspection(&self, value: &Value, name: Symbol, place: Place) -> Fallible<()> {
        if !value.is_opaque() {
            return Ok(());
        }
        let message = format!(
            "whether {} has `{}` depends on what evaluates the spec",
            value.kind(),
            self.symbols.name(name)
        );
        Err(Failure::dependent(place, message)
            .label("versions of Nix and nixpkgs differ here")
            .help("use it without asking: what is not there is an error"))
    }

    fn find(&self, value: &Value, name: Symbol, place: Place) -> Fallible<Attribute> {
        Ok(match value {
            Value::Attrs(attrs) => {
                attrs.get(name).map_or(Attribute::Missing, |value| Attribute::Value(value.clone()))
            }
            Value::Residual(residual) => Attribute::Value(self.select_symbolic(residual, name)),
            Value::Root(Root::Library(group)) => {
                Attribute::Value(library::get(self, *group, name, place)?)
            }
            Value::Root(Root::Builtins) => match builtins::get(&self.symbols.name(name)) {
                Some(value) => Attribute::Value(value),
                None => Attribute::Missing,
            },
            Value::Root(Root::Jail) if &*self.symbols.name(name) == "combinators" => {
                Attribute::Value(self.global_named("combinators", place)?)
            }
            Value::Root(Root::Jail) => Attribute::Missing,
            _ => Attribute::NotASet,
        })
    }

    /// `pkgs.lib` is `lib`; everything else of a package is symbolic.
    fn select_symbolic(&self, residual: &Rc<Residual>, name: Symbol) -> Value {
        if matches!(&**residual, Residual::Name(root) if &**root == "pkgs")
            && &*self.symbols.name(name) == "lib"
        {
            return Value::Root(Root::Library(None));
        }
        Value::residual(Residual::Select(Rc::clone(residual), name))
    }

    /// The attribute of a value, for builtins and for the forms of the spec language.
    pub(crate) fn attribute(&self, attrs: &Attrs, name: &str) -> Option<Value> {
        attrs.get(self.symbols.find(name)?).cloned()
    }

    pub(crate) fn missing(&self, set: &Value, name: Symbol, place: Place) -> Box<Failure> {
        let shown = self.symbols.name(name);
        let names: Vec<Rc<str>> = match set {
            Value::Attrs(attrs) => {
                attrs.entries().iter().map(|entry| self.symbols.name(entry.name)).collect()
            }
            Value::Root(Root::Builtins) => builtins::names().map(Rc::from).collect(),
            _ => vec!["combinators".into()],
        };
        let nearest = suggest::nearest(&shown, names.iter().map(AsRef::as_ref));
        let combinator = nearest.is_some_and(|nearest| self.names.vocabulary.has(nearest));
        let (code, message) = if combinator {
            (DiagnosticCode::UnknownCombinator, format!("unknown combinator `{shown}`"))
        } else {
            (DiagnosticCode::MissingAttribute, format!("the set has no attribute `{shown}`"))
        };
        let failure = Failure::new(code, place, message);
        let failure =
            failure.label(if combinator { "not in the registry" } else { "not in the set" });
        match (nearest, names.len()) {
            (Some(nearest), _) => failure.help(format!("did you mean `{nearest}`?")),
            (None, 1..=8) => failure.help(format!("it has {}", listed(&names))),
            (None, _) => failure,
        }
    }

    fn not_a_set(&self, value: &Value, name: Symbol, place: Place) -> Box<Failure> {
        let message = format!("{} has no attribute `{}`", value.kind(), self.symbols.name(name));
        Failure::new(DiagnosticCode::TypeMismatch, place, message)
            .label("only sets have attributes")
    }

    pub(super) fn eval_has(&self, set: &Code, path: &[Key], env: &Env) -> Fallible<Value> {
        let mut value = self.eval(set, env)?;
        let last = path.len().saturating_sub(1);
        for (index, key) in path.iter().enumerate() {
            if let Value::Residual(residual) = &value {
                let rest = self.rest_of_path(path, index, env)?;
                return Ok(Value::residual(Residual::Has(Rc::clone(residual), rest)));
            }
            let (name, at) = self.key(key, env)?;
            self.no_introspection(&value, name, at)?;
            match self.find(&value, name, at)? {
                Attribute::Value(_) if index == last => {}
                Attribute::Value(found) => value = self.force(&found, at)?,
                Attribute::Missing | Attribute::NotASet => return Ok(Value::Bool(false)),
            }
        }
        Ok(Value::Bool(true))
    }

    /// A name that only a `with` can give. It is not known whether a symbolic set has the name: the
    /// innermost such set is asked first, and the sets outside it give its default.
    pub(crate) fn dynamic(
        &self,
        name: Symbol,
        scopes: &[u32],
        env: &Env,
        place: Place,
    ) -> Fallible<Value> {
        let mut symbolic: Vec<Rc<Residual>> = Vec::new();
        let mut concrete = None;
        let (mut last_set, mut library) = (None, None);
        for up in scopes {
            let Some(set) = env.ancestor(*up).and_then(|frame| frame.get(0)) else { continue };
            let set = self.force(set, place)?;
            if let Value::Residual(residual) = &set {
                symbolic.extend(library.take().map(|group| library::residual(self, group)));
                symbolic.push(Rc::clone(residual));
                continue;
            }
            match (self.find_in_with(&set, name, place)?, &set) {
                // An older Nix asks the sets further out.
                (Some(_), Value::Root(Root::Builtins))
                    if scopes.len() > 1 && builtins::is_newer(&self.symbols.name(name)) =>
                {
                    return Err(self.hidden_by(&set, name, place));
                }
                (Some(found), _) => {
                    concrete = Some(found);
                    break;
                }
                // nixpkgs' library has more than ours.
                (None, Value::Root(Root::Library(group))) => library = library.or(Some(*group)),
                (None, Value::Root(Root::Builtins)) => {
                    return Err(self.hidden_by(&set, name, place));
                }
                (None, _) => last_set = Some(set),
            }
        }
        match (symbolic.as_slice(), concrete) {
            (_, Some(_)) if library.is_some() => {
                Err(self.hidden_by(&Value::Root(Root::Library(None)), name, place))
            }
            ([], Some(value)) => {
                let value = self.force(&value, place)?;
                Ok(self.mentioned(value, place))
            }
            // Only what looks like a misspelt name is reported; everything else is left to Nix.
            ([], None) if library.is_some() && !library::is_slip(&self.symbols.name(name)) => {
                library::get(self, None, name, place)
            }
            ([], None) => Err(self.undefined(name, last_set.as_ref(), library.is_some(), place)),
            ([only], None) => Ok(self.select_symbolic(only, name)),
            (sets, otherwise) => Ok(choices(sets, name, otherwise)),
        }
    }

    /// A name that an outer `with`, or nothing, gives, and that a set of
    /// another version would give.
    fn hidden_by(&self, set: &Value, name: Symbol, place: Place) -> Box<Failure> {
        let name = self.symbols.name(name);
        Failure::dependent(
            place,
            format!("`{name}` may be in {}, or in none of the sets", set.kind()),
        )
        .label("the innermost `with` that has it counts, and versions differ in what they have")
        .help("write the set before the name: `lib.x`, `builtins.x`")
    }

    fn find_in_with(&self, set: &Value, name: Symbol, place: Place) -> Fallible<Option<Value>> {
        match set {
            Value::Attrs(attrs) => Ok(attrs.get(name).cloned()),
            Value::Root(Root::Library(group)) => library::known(self, *group, name, place),
            Value::Root(Root::Builtins) => Ok(builtins::get(&self.symbols.name(name))),
            Value::Root(Root::Jail) => match self.find(set, name, place)? {
                Attribute::Value(value) => Ok(Some(value)),
                Attribute::Missing | Attribute::NotASet => Ok(None),
            },
            other => Err(self
                .mismatch("a set", other, place)
                .label("the argument of the `with` around this is not a set")),
        }
    }

    fn undefined(
        &self,
        name: Symbol,
        set: Option<&Value>,
        library: bool,
        place: Place,
    ) -> Box<Failure> {
        let shown = self.symbols.name(name);
        let mut names = Vec::new();
        if let Some(Value::Attrs(attrs)) = set {
            names.extend(attrs.entries().iter().map(|entry| self.symbols.name(entry.name)));
        }
        if library {
            names.extend(library::names().map(Rc::from));
        }
        let names = names.iter().map(AsRef::as_ref);
        Failure::from_diagnostic(crate::syntax::undefined(&shown, place, &self.names, names, None))
    }
}

/// `inner.name or (outer.name or default)`
fn choices(sets: &[Rc<Residual>], name: Symbol, otherwise: Option<Value>) -> Value {
    let mut value = otherwise;
    for set in sets.iter().rev() {
        let residual = match value.take() {
            None => Residual::Select(Rc::clone(set), name),
            Some(default) => Residual::SelectOr(Rc::clone(set), vec![Step::Name(name)], default),
        };
        value = Some(Value::residual(residual));
    }
    value.unwrap_or(Value::Null)
}

fn listed(names: &[Rc<str>]) -> String {
    let mut names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.sort();
    names.join(", ")
}
