//! The evaluator: lazy, pure, bounded.

mod access;
mod apply;
mod budget;
mod coerce;
mod compare;
mod excess;
mod globals;
mod load;
mod named;
mod operators;

#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::{Rc, Weak};

use jail_registry::{Code as DiagnosticCode, Diagnostic, Place};

use crate::attrs::{Attrs, Entry, Written};
use crate::builtins::Pattern;
use crate::failure::{Failure, FailureKind, Fallible, LIBRARY};
use crate::files::Files;
use crate::ir::{Code, Expr, Part, SetCode};
use crate::limits::{ATTRIBUTE, ELEMENT, Limits};
use crate::sources::{Sources, SpecPath};
use crate::stack::address;
use crate::symbols::{Symbol, Symbols};
use crate::value::{Env, Frame, List, Origin, Pending, TextBuilder, Thunk, Value, live};
use crate::vocabulary::Vocabulary;

use load::Import;

pub(crate) use globals::Names;

/// The longest path that the system accepts.
const PATH_BYTES_MAX: usize = 4_096;

/// One evaluation: all that it reads and remembers.
pub(crate) struct Evaluator<'s> {
    pub(crate) sources: &'s dyn Sources,
    pub(crate) names: Names<'s>,
    pub(crate) symbols: Symbols,
    pub(crate) files: RefCell<Files>,
    pub(crate) known: Known,
    /// The faults in syntax, and in names of files. The evaluation goes on
    /// without the faulty parts.
    pub(crate) reported: RefCell<Vec<Diagnostic>>,
    /// Paths that strings contain. The files are copied next to the emitted files.
    pub(crate) copied: RefCell<BTreeMap<String, Place>>,
    /// Library functions by name. They are parsed when they are first needed.
    pub(crate) library: RefCell<HashMap<Symbol, Value>>,
    /// The regular expressions that were needed.
    pub(crate) patterns: RefCell<HashMap<Box<str>, Rc<Pattern>>>,
    /// What `trace` said.
    pub(crate) traces: RefCell<Vec<String>>,
    imports: RefCell<HashMap<Box<str>, Import>>,
    globals: RefCell<HashMap<Symbol, Value>>,
    pub(super) limits: Limits,
    pub(super) steps: Cell<u64>,
    /// The bytes, besides values, that this evaluation keeps until it ends.
    pub(super) kept: Cell<usize>,
    /// The memory that values took on this thread before.
    pub(super) before: usize,
    calls: Cell<u32>,
    /// The address below which the stack may not grow.
    pub(super) stack_end: usize,
    /// Recursive frames, which hold themselves. They are emptied at the end.
    frames: RefCell<Vec<Weak<Frame>>>,
    root: Env,
}

/// Names that the evaluator itself looks up.
pub(crate) struct Known {
    pub(crate) functor: Symbol,
    pub(crate) to_string: Symbol,
    pub(crate) out_path: Symbol,
    pub(crate) kind: Symbol,
    pub(crate) name: Symbol,
    pub(crate) value: Symbol,
}

impl<'s> Evaluator<'s> {
    /// An evaluator that may use `stack` bytes of stack from here.
    pub(crate) fn new(sources: &'s dyn Sources, limits: Limits, stack: usize) -> Self {
        let symbols = Symbols::default();
        let known = Known {
            functor: symbols.intern("__functor"),
            to_string: symbols.intern("__toString"),
            out_path: symbols.intern("outPath"),
            kind: symbols.intern("type"),
            name: symbols.intern("name"),
            value: symbols.intern("value"),
        };
        Self {
            sources,
            names: Names { vocabulary: Vocabulary::registry() },
            symbols,
            files: RefCell::default(),
            known,
            reported: RefCell::default(),
            copied: RefCell::default(),
            library: RefCell::default(),
            patterns: RefCell::default(),
            traces: RefCell::default(),
            imports: RefCell::default(),
            globals: RefCell::default(),
            limits,
            steps: Cell::new(0),
            kept: Cell::new(0),
            before: live(),
            calls: Cell::new(0),
            stack_end: address().saturating_sub(stack),
            frames: RefCell::default(),
            root: Frame::empty(None, 0),
        }
    }

    /// Evaluates a value and everything in it.
    pub(crate) fn force_deep(&self, value: &Value, place: Place) -> Fallible<()> {
        let mut seen = HashSet::new();
        self.force_parts(value, place, &mut seen)
    }

    fn force_parts(&self, value: &Value, place: Place, seen: &mut HashSet<usize>) -> Fallible<()> {
        self.step(place)?;
        match self.force(value, place)? {
            Value::List(list) if seen.insert(Rc::as_ptr(&list).addr()) => {
                list.items.iter().try_for_each(|item| self.force_parts(item, place, seen))
            }
            Value::Attrs(attrs) if seen.insert(Rc::as_ptr(&attrs).addr()) => attrs
                .entries()
                .iter()
                .try_for_each(|entry| self.force_parts(&entry.value, place, seen)),
            _ => Ok(()),
        }
    }

    /// Evaluates code whose only scope is the names around every file.
    pub(crate) fn eval_root(&self, code: &Code) -> Fallible<Value> {
        self.eval(code, &self.root)
    }

    /// The value of an expression, evaluated until its outermost form is known.
    pub(crate) fn eval(&self, code: &Code, env: &Env) -> Fallible<Value> {
        match &code.expr {
            Expr::Const(value) => Ok(value.clone()),
            Expr::Local { up, slot, .. } => {
                let value = env.ancestor(*up).and_then(|frame| frame.get(*slot));
                match value {
                    Some(Value::Thunk(thunk)) => self.force_thunk(thunk, code.place),
                    Some(value) => Ok(value.clone()),
                    None => Err(self.recursion(code.place)),
                }
            }
            Expr::Apply { function, args } => self.eval_apply(function, args, env, code.place),
            Expr::Binary { op, left, right } => self.binary(*op, (left, right), env, code.place),
            Expr::If { condition, then, otherwise } => {
                let chosen = if self.condition(condition, env)? { then } else { otherwise };
                self.eval(chosen, env)
            }
            Expr::Select { set, path, default } => {
                self.eval_select(set, path, default.as_ref(), env, code.place)
            }
            Expr::Let { bindings, body, .. } => {
                self.charge(bindings.len() * ELEMENT, code.place)?;
                let frame = self.let_frame(bindings, env);
                self.eval(body, &frame)
            }
            Expr::Lambda(lambda) => Ok(self.closure(lambda, env)),
            Expr::List(items) => {
                self.charge(items.len() * ELEMENT, code.place)?;
                Ok(self.list_literal(code, items, env))
            }
            Expr::Set(set) => {
                self.charge(set.fields.len() * ATTRIBUTE, code.place)?;
                self.eval_set(set, env)
            }
            Expr::With { set, body } => {
                let frame = Frame::one(env, self.delay(set, env));
                self.eval(body, &frame)
            }
            Expr::Text(parts) => self.eval_text(parts, env, code.place),
            Expr::Path(parts) => self.eval_path(parts, env, code.place),
            Expr::Global(name) => self.global(*name, code.place),
            Expr::Dynamic { name, scopes } => self.dynamic(*name, scopes, env, code.place),
            Expr::Has { set, path } => self.eval_has(set, path, env),
            Expr::Assert { condition, body } => self.eval_assert(condition, body, env),
            Expr::Not(operand) => self.not(operand, env),
            Expr::Negate(operand) => self.negate(operand, env),
            Expr::Refused(diagnostic) => Err(Failure::from_diagnostic((**diagnostic).clone())),
            Expr::Faulty => Err(Failure::reported(code.place)),
        }
    }

    /// A value for later: a thunk, unless there is nothing to evaluate.
    pub(crate) fn delay(&self, code: &Code, env: &Env) -> Value {
        match &code.expr {
            Expr::Const(value) => value.clone(),
            Expr::Local { up, slot, .. } => {
                let value = env.ancestor(*up).and_then(|frame| frame.get(*slot));
                match value {
                    Some(Value::Thunk(thunk)) => match thunk.value.get() {
                        Some(value) => value.clone(),
                        None => Value::Thunk(Rc::clone(thunk)),
                    },
                    Some(value) => value.clone(),
                    None => Thunk::code(code, env),
                }
            }
            Expr::Lambda(lambda) => self.closure(lambda, env),
            _ => Thunk::code(code, env),
        }
    }

    /// A value in its outermost form.
    pub(crate) fn force(&self, value: &Value, place: Place) -> Fallible<Value> {
        match value {
            Value::Thunk(thunk) => self.force_thunk(thunk, place),
            value => Ok(value.clone()),
        }
    }

    fn force_thunk(&self, thunk: &Rc<Thunk>, place: Place) -> Fallible<Value> {
        if let Some(value) = thunk.value.get() {
            return Ok(value.clone());
        }
        self.step(place)?;
        let pending = thunk.take();
        let evaluated = match (&pending, &thunk.code) {
            (Pending::Code(env), Some(code)) => self.eval(code, env),
            (Pending::Element(mapping, element), _) => {
                self.apply(&mapping.function, std::slice::from_ref(element), mapping.place)
            }
            (Pending::Apply(application), _) => {
                self.apply(&application.function, application.args.as_slice(), application.place)
            }
            (Pending::Taken | Pending::Code(_), _) => return Err(self.recursion(place)),
        };
        match evaluated {
            Ok(value) => {
                let _ = thunk.value.set(value.clone());
                Ok(value)
            }
            Err(failure) => {
                thunk.put_back(pending);
                // A failure inside our own source is shown at the place that called it.
                Err(failure.outside_library(place))
            }
        }
    }

    pub(crate) fn recursion(&self, place: Place) -> Box<Failure> {
        Failure::new(DiagnosticCode::InfiniteRecursion, place, "infinite recursion")
            .label("this needs its own value")
            .help("in `rec { x = x; }` and `let x = x;` the inner `x` is the one being defined; use `inherit` for the outer one")
    }

    fn let_frame(&self, bindings: &[Code], env: &Env) -> Env {
        let frame = Frame::empty(Some(Rc::clone(env)), bindings.len());
        // A variable that is defined as another one of the same frame must not be
        // read before that one is set.
        for (slot, binding) in bindings.iter().enumerate() {
            frame.set(slot, self.delay(binding, &frame));
        }
        self.remember(&frame);
        frame
    }

    fn remember(&self, frame: &Env) {
        let mut frames = self.frames.borrow_mut();
        if frames.len() == frames.capacity() {
            frames.retain(|frame| frame.strong_count() > 0);
        }
        frames.push(Rc::downgrade(frame));
    }

    fn list_literal(&self, code: &Code, items: &[Code], env: &Env) -> Value {
        let items: Vec<_> = items.iter().map(|item| self.delay(item, env)).collect();
        List::with_origin(items, Origin::Literal(Rc::clone(code)))
    }

    fn eval_set(&self, set: &SetCode, env: &Env) -> Fallible<Value> {
        let recursive;
        let env = if set.recursive {
            recursive = Frame::empty(Some(Rc::clone(env)), set.fields.len());
            &recursive
        } else {
            env
        };
        let mut entries = Vec::with_capacity(set.fields.len() + set.dynamic.len());
        for (slot, field) in set.fields.iter().enumerate() {
            let value = self.delay(&field.value, env);
            if set.recursive {
                env.set(slot, value.clone());
            }
            entries.push(Entry { name: field.name, value, place: Some(Rc::clone(&field.place)) });
        }
        if set.recursive {
            self.remember(env);
        }
        for (key, value) in &set.dynamic {
            // A name that is `null` leaves the attribute out.
            if let Some(name) = self.key_value(key, env)? {
                if entries.iter().any(|entry| entry.name == name) {
                    return Err(self.duplicate(name, key.place));
                }
                let place = Some(Rc::new(Written { name: key.place, value: value.place }));
                entries.push(Entry { name, value: self.delay(value, env), place });
            }
        }
        Ok(Value::Attrs(Rc::new(Attrs::new(entries))))
    }

    fn duplicate(&self, name: Symbol, place: Place) -> Box<Failure> {
        let name = self.symbols.name(name);
        Failure::new(
            DiagnosticCode::DuplicateAttribute,
            place,
            format!("the attribute `{name}` is given twice"),
        )
        .label("given again here")
    }

    fn eval_text(&self, parts: &[Part], env: &Env, place: Place) -> Fallible<Value> {
        let mut text = TextBuilder::plain();
        for part in parts {
            match part {
                Part::Literal(literal) => self.append_str(&mut text, literal, place)?,
                Part::Code(code) => {
                    let value = self.eval(code, env)?;
                    self.append(&mut text, &value, code.place).map_err(|failure| {
                        failure.trace(place, || "while building this string".into())
                    })?;
                }
            }
        }
        Ok(text.into_value())
    }

    fn eval_path(&self, parts: &[Part], env: &Env, place: Place) -> Fallible<Value> {
        let mut joined = String::new();
        for part in parts {
            match part {
                Part::Literal(literal) => joined.push_str(literal),
                Part::Code(code) => {
                    let value = self.eval(code, env)?;
                    let text = self.plain_text(&value, code.place)?;
                    self.room(joined.len() + text.len(), code.place)?;
                    joined.push_str(&text);
                }
            }
        }
        self.path(&joined, place)
    }

    /// The path of a text that begins with a slash.
    pub(super) fn path(&self, text: &str, place: Place) -> Fallible<Value> {
        if text.len() > PATH_BYTES_MAX {
            let message = format!("a path of more than {PATH_BYTES_MAX} bytes");
            return Err(Failure::new(DiagnosticCode::MemoryLimit, place, message)
                .label("this path is too long for a file"));
        }
        self.keep(text.len(), place)?;
        Ok(Value::Path(Rc::new(SpecPath::new("/", text))))
    }

    fn eval_assert(&self, condition: &Code, body: &Code, env: &Env) -> Fallible<Value> {
        if self.condition(condition, env)? {
            return self.eval(body, env);
        }
        Err(Failure::new(DiagnosticCode::AssertionFailed, condition.place, "assertion failed")
            .label("this is false"))
    }

    /// The boolean value of a condition.
    fn condition(&self, code: &Code, env: &Env) -> Fallible<bool> {
        match self.eval(code, env)? {
            Value::Bool(value) => Ok(value),
            Value::Residual(residual) => Err(self.symbolic_condition(&residual, code.place)),
            other => Err(self.mismatch("a boolean", &other, code.place)),
        }
    }

    fn symbolic_condition(
        &self,
        residual: &Rc<crate::residual::Residual>,
        place: Place,
    ) -> Box<Failure> {
        let source = self.shown_source(&Value::Residual(Rc::clone(residual)));
        let kind = if place.file == LIBRARY { FailureKind::Symbolic } else { FailureKind::Other };
        let message = format!("the spec branches on `{source}`, which only Nix knows");
        Failure::new(DiagnosticCode::SymbolicCondition, place, message)
            .label("packages are symbolic in a `.jail` file")
            .help("decide without it, or write the jail in a flake with the Nix library, where Nix evaluates everything")
            .kind(kind)
    }
}

impl Drop for Evaluator<'_> {
    /// Recursive frames hold themselves through their thunks. Emptying the thunks frees them all.
    fn drop(&mut self) {
        for frame in self.frames.borrow().iter().filter_map(Weak::upgrade) {
            frame.release();
        }
    }
}
