//! From values to source. A lambda is written out as its code; what it captured is written
//! in, or bound by one `let` around the whole. Nothing is evaluated under a binder, so
//! captured values are closed.

mod code;
mod scope;
mod symbolic;

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use jail_registry::{Code as DiagnosticCode, Place};

use super::print::print;
use super::source::{Key, Name, Source, TextSource};
use crate::eval::Evaluator;
use crate::failure::{Failure, Fallible};
use crate::ir::Op;
use crate::nix_text::is_name;
use crate::symbols::Symbol;
use crate::value::{Root, TextPart, Value};
use scope::Scope;

/// Names that have a meaning in every emitted file.
const RESERVED: &[&str] = &["agents", "builtins", "false", "inputs", "lib", "null", "pkgs", "true"];

/// How many levels deep the source may be nested.
const DEPTH_MAX: usize = 1_000;

pub(super) struct Converter<'a, 's> {
    evaluator: &'a Evaluator<'s>,
    place: Place,
    /// The generated names, and what each would best be called.
    generated: Vec<String>,
    /// The bindings of the `let` around the whole, by generated name.
    lets: Vec<(usize, Option<Source>)>,
    /// Values that have a binding, or are being written.
    shared: HashMap<usize, usize>,
    /// Every other name that occurs in the source.
    used: BTreeSet<String>,
    /// Keeps the values alive whose addresses `shared` holds.
    kept: Vec<Value>,
    depth: usize,
    /// How many more parts and characters may be written.
    left: usize,
}

impl<'a, 's> Converter<'a, 's> {
    /// A converter that writes at most this many parts and characters.
    pub(super) fn new(evaluator: &'a Evaluator<'s>, place: Place, most: usize) -> Self {
        let (generated, lets) = (Vec::new(), Vec::new());
        let used = RESERVED.iter().map(|name| (*name).to_owned()).collect();
        Self {
            evaluator,
            place,
            generated,
            lets,
            shared: HashMap::new(),
            used,
            kept: Vec::new(),
            depth: 0,
            left: most,
        }
    }

    /// The text of a value. Its only free names are those of emitted files.
    pub(super) fn closed(mut self, value: &Value) -> Fallible<String> {
        let body = self.value(value)?;
        let bindings: Vec<_> = std::mem::take(&mut self.lets)
            .into_iter()
            .filter_map(|(id, source)| Some((Name::Generated(id), source?)))
            .collect();
        let whole = if bindings.is_empty() { body } else { Source::Let(bindings, Box::new(body)) };
        Ok(print(&whole, &self.final_names()))
    }

    fn final_names(&mut self) -> Vec<String> {
        let mut names = Vec::with_capacity(self.generated.len());
        for wish in &self.generated {
            let mut name = wish.clone();
            let mut count = 2;
            while !self.used.insert(name.clone()) {
                name = format!("{wish}{count}");
                count += 1;
            }
            names.push(name);
        }
        names
    }

    fn generate(&mut self, wish: &str) -> usize {
        let wish = if is_name(wish) { wish } else { "value" };
        self.generated.push(wish.to_owned());
        self.generated.len() - 1
    }

    fn name(&self, symbol: Symbol) -> String {
        self.evaluator.symbols.name(symbol).to_string()
    }

    fn value(&mut self, value: &Value) -> Fallible<Source> {
        self.deeper(|this| this.value_inside(value))
    }

    /// Counts what is written.
    fn write(&mut self, count: usize) -> Fallible<()> {
        match self.left.checked_sub(count) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Failure::new(
                DiagnosticCode::MemoryLimit,
                self.place,
                "the package expression is too large",
            )
            .label("as Nix source it has more than a million parts and characters")),
        }
    }

    /// The deepest nesting: no person writes or can read more.
    fn deeper(&mut self, work: impl FnOnce(&mut Self) -> Fallible<Source>) -> Fallible<Source> {
        self.evaluator.step(self.place)?;
        self.write(1)?;
        if self.depth >= DEPTH_MAX {
            return Err(Failure::new(
                DiagnosticCode::TooNested,
                self.place,
                "the package expression is nested too deeply",
            )
            .label("as Nix source it has more than a thousand levels"));
        }
        self.depth += 1;
        let source = work(self);
        self.depth -= 1;
        source
    }

    fn value_inside(&mut self, value: &Value) -> Fallible<Source> {
        match value {
            Value::Null => Ok(Source::Atom("null".into())),
            Value::Bool(value) => Ok(Source::Atom(value.to_string())),
            Value::Int(number) => Ok(integer(*number)),
            Value::Float(number) => Ok(float(*number)),
            Value::Str(text) => {
                self.write(text.len())?;
                Ok(Source::Text(vec![TextSource::Literal(text.to_string())]))
            }
            Value::Text(text) => self.text_value(text),
            Value::Path(path) => match self.evaluator.copied_path(path, self.place)? {
                TextPart::Package(residual, _) => self.residual(&residual),
                TextPart::Literal(_) | TextPart::Entry => Ok(Source::Atom(path.0.to_string())),
            },
            Value::List(list) => {
                let key = Rc::as_ptr(list).addr();
                self.knotted(key, "list", |this| {
                    let items = list.items.iter().map(|item| this.value(item));
                    Ok(Source::List(items.collect::<Fallible<_>>()?))
                })
            }
            Value::Attrs(attrs) => {
                let key = Rc::as_ptr(attrs).addr();
                self.knotted(key, "set", |this| {
                    let mut fields = Vec::new();
                    for (name, entry) in attrs.by_name(&this.evaluator.symbols) {
                        fields.push((Key::Name(name.to_string()), this.value(&entry.value)?));
                    }
                    Ok(Source::Set(fields))
                })
            }
            Value::Lambda(closure) => {
                let wish =
                    closure.lambda.name.get().map_or("function".into(), |name| self.name(*name));
                self.knotted(Rc::as_ptr(closure).addr(), &wish, |this| {
                    let captured = closure.env();
                    let scope = Scope { bound: Vec::new(), captured: &captured };
                    this.lambda(&closure.lambda, &scope)
                })
            }
            Value::Partial(partial) if partial.placed.is_empty() => {
                let mut source = self.value(&partial.function)?;
                for arg in &partial.args {
                    source = source.apply(self.value(arg)?);
                }
                Ok(source)
            }
            Value::Builtin(builtin) => {
                let home = Source::Atom(builtin.home.into());
                Ok(builtin.name.split('.').fold(home, Source::select))
            }
            Value::Library(function) => {
                let lib = Source::Atom("lib".into());
                Ok(function.name.split('.').fold(lib, Source::select))
            }
            Value::Root(Root::Library(group)) => {
                let lib = Source::Atom("lib".into());
                Ok(group.iter().map(|group| group.name()).fold(lib, Source::select))
            }
            Value::Root(Root::Builtins) => Ok(Source::Atom("builtins".into())),
            Value::Root(Root::Import) => Ok(Source::Atom("import".into())),
            Value::Residual(residual) => self.residual(residual),
            Value::Thunk(thunk) => match self.evaluator.force(value, self.place) {
                Ok(forced) => self.value(&forced),
                // An error here may not matter, because the value may never be needed.
                Err(failure) => match thunk.delayed() {
                    Some((code, env)) if code.place.file != crate::failure::LIBRARY => {
                        let scope = Scope { bound: Vec::new(), captured: &env };
                        self.code(&code, &scope)
                    }
                    _ => Err(failure),
                },
            },
            Value::Partial(_)
            | Value::Root(_)
            | Value::Combinator(_)
            | Value::Permission(_)
            | Value::Jail(_) => Err(self.no_package(value)),
        }
    }

    fn no_package(&self, value: &Value) -> Box<Failure> {
        let place = value.written_at().unwrap_or(self.place);
        let name = match value {
            Value::Permission(permission) => Some(permission.name),
            Value::Combinator(combinator) => Some(combinator.name),
            _ => None,
        };
        let failure = Failure::new(
            DiagnosticCode::CombinatorAsPackage,
            place,
            format!("{} is used where a package is expected", value.kind()),
        )
        .label("this is not a package");
        match name {
            Some(name) => failure.help(format!("write `pkgs.{name}` for the package")),
            None => failure,
        }
    }

    /// Writes something that may contain itself. If it does, it becomes a binding.
    fn knotted(
        &mut self,
        key: usize,
        wish: &str,
        write: impl FnOnce(&mut Self) -> Fallible<Source>,
    ) -> Fallible<Source> {
        if let Some(id) = self.shared.get(&key) {
            let id = *id;
            if !self.lets.iter().any(|(known, _)| *known == id) {
                self.lets.push((id, None));
            }
            return Ok(Source::Generated(id));
        }
        let id = self.generate(wish);
        self.shared.insert(key, id);
        let source = write(self);
        self.shared.remove(&key);
        let source = source?;
        match self.lets.iter_mut().find(|(known, _)| *known == id) {
            Some((_, binding)) => {
                *binding = Some(source);
                self.shared.insert(key, id);
                Ok(Source::Generated(id))
            }
            None => Ok(source),
        }
    }

    /// A captured value: written in place if it is small, else bound once.
    fn captured(&mut self, value: &Value, wish: &str, scope: &Scope<'_>) -> Fallible<Source> {
        let forced = match value {
            Value::Thunk(_) => {
                self.evaluator.force(value, self.place).unwrap_or_else(|_| value.clone())
            }
            value => value.clone(),
        };
        let key = identity(&forced);
        self.kept.push(forced.clone());
        if let Some(id) = key.and_then(|key| self.shared.get(&key)).copied() {
            if !self.lets.iter().any(|(known, _)| *known == id) {
                self.lets.push((id, None));
            }
            return Ok(Source::Generated(id));
        }
        let id = self.generate(wish);
        if let Some(key) = key {
            self.shared.insert(key, id);
        }
        let source = match &forced {
            Value::Lambda(closure) => {
                let env = closure.env();
                self.lambda(&closure.lambda, &Scope { bound: Vec::new(), captured: &env })?
            }
            Value::List(list) => {
                let items = list.items.iter().map(|item| self.value(item));
                Source::List(items.collect::<Fallible<_>>()?)
            }
            Value::Attrs(attrs) => {
                let mut fields = Vec::new();
                for (name, entry) in attrs.by_name(&self.evaluator.symbols) {
                    fields.push((Key::Name(name.to_string()), self.value(&entry.value)?));
                }
                Source::Set(fields)
            }
            other => self.value(other)?,
        };
        let bound = self.lets.iter().any(|(known, _)| *known == id);
        let hidden = source.head().is_some_and(|head| scope.binds(head));
        if source.is_small() && !bound && !hidden {
            if let Some(key) = key {
                self.shared.remove(&key);
            }
            return Ok(source);
        }
        match self.lets.iter_mut().find(|(known, _)| *known == id) {
            Some((_, binding)) => *binding = Some(source),
            None => self.lets.push((id, Some(source))),
        }
        Ok(Source::Generated(id))
    }
}

fn integer(number: i64) -> Source {
    if number == i64::MIN {
        let most = Source::Negate(Box::new(Source::Atom(i64::MAX.to_string())));
        return Source::Binary(Op::Subtract, Box::new(most), Box::new(Source::Atom("1".into())));
    }
    let atom = Source::Atom(number.unsigned_abs().to_string());
    if number < 0 { Source::Negate(Box::new(atom)) } else { atom }
}

fn float(number: f64) -> Source {
    let text = format!("{:?}", number.abs());
    let text = if text.contains('.') { text } else { text.replacen('e', ".0e", 1) };
    let atom = Source::Atom(text);
    if number < 0.0 { Source::Negate(Box::new(atom)) } else { atom }
}

/// The path of a copied file, from the folder of the emitted file.
fn file(path: &str) -> Source {
    let plain =
        |char: char| char.is_ascii_alphanumeric() || matches!(char, '/' | '.' | '_' | '-' | '+');
    if path == "." {
        return Source::Atom("./files".into());
    }
    if path.chars().all(plain) {
        return Source::Atom(format!("./files/{path}"));
    }
    let rest = Source::Text(vec![TextSource::Literal(format!("/{path}"))]);
    Source::Binary(Op::Add, Box::new(Source::Atom("./files".into())), Box::new(rest))
}

/// Two captured values with the same key are the same value.
fn identity(value: &Value) -> Option<usize> {
    match value {
        Value::List(list) => Some(Rc::as_ptr(list).addr()),
        Value::Attrs(attrs) => Some(Rc::as_ptr(attrs).addr()),
        Value::Lambda(closure) => Some(Rc::as_ptr(closure).addr()),
        Value::Residual(residual) => Some(Rc::as_ptr(residual).addr()),
        Value::Text(text) => Some(Rc::as_ptr(text).addr()),
        Value::Str(text) => Some(Rc::as_ptr(text).addr()),
        Value::Partial(partial) => Some(Rc::as_ptr(partial).addr()),
        Value::Thunk(thunk) => Some(Rc::as_ptr(thunk).addr()),
        _ => None,
    }
}
