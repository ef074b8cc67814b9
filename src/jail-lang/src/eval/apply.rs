//! Calls.

use std::rc::Rc;

use jail_registry::{Code as DiagnosticCode, Place};

use super::Evaluator;
use crate::failure::{Failure, FailureKind, Fallible};
use crate::ir::{Code, Lambda, Params, Pattern};
use crate::library;
use crate::residual::Residual;
use crate::suggest;
use crate::symbols::Symbol;
use crate::value::{Closure, Env, Frame, Partial, Root, Thunk, Value};

impl Evaluator<'_> {
    pub(super) fn closure(&self, lambda: &Rc<Lambda>, env: &Env) -> Value {
        Value::Lambda(Rc::new(Closure::new(lambda, env)))
    }

    pub(super) fn eval_apply(
        &self,
        function: &Code,
        args: &[Code],
        env: &Env,
        place: Place,
    ) -> Fallible<Value> {
        let function_value = self.eval(function, env)?;
        match &function_value {
            Value::Lambda(closure) => {
                if let Params::Names(names) = &closure.lambda.params
                    && names.len() == args.len()
                {
                    let args = args.iter().map(|arg| self.delay(arg, env));
                    let frame = Frame::with_values(&closure.env(), args);
                    return self.enter(closure, &frame, place);
                }
                let args: Vec<_> = args.iter().map(|arg| self.delay(arg, env)).collect();
                self.apply(&function_value, &args, place)
            }
            Value::Combinator(_) | Value::Root(_) | Value::Permission(_) | Value::Jail(_) => {
                self.apply_named(function_value, args, env, function.place, place)
            }
            Value::Partial(partial) if !partial.placed.is_empty() => {
                self.apply_named(function_value, args, env, function.place, place)
            }
            _ => {
                let args: Vec<_> = args.iter().map(|arg| self.delay(arg, env)).collect();
                self.apply(&function_value, &args, place)
                    .map_err(|failure| self.not_a_function_here(failure, function.place))
            }
        }
    }

    /// If the function is not a function, the fault is shown at it and not at the call.
    fn not_a_function_here(&self, mut failure: Box<Failure>, function: Place) -> Box<Failure> {
        if failure.diagnostic.code == DiagnosticCode::NotAFunction
            && failure.diagnostic.stack.is_empty()
        {
            failure.diagnostic.primary = Some(function);
        }
        failure
    }

    /// Calls `function` with the arguments, one after the other.
    pub(crate) fn apply(&self, function: &Value, args: &[Value], place: Place) -> Fallible<Value> {
        let Some((first, others)) = args.split_first() else {
            return self.force(function, place);
        };
        match function {
            Value::Lambda(closure) => match &closure.lambda.params {
                Params::Names(names) => match args.split_at_checked(names.len()) {
                    Some((now, rest)) => {
                        let frame = Frame::with_values(&closure.env(), now.iter().cloned());
                        let result = self.enter(closure, &frame, place)?;
                        self.apply_rest(result, rest, place)
                    }
                    None => Ok(partial(function, args)),
                },
                Params::Pattern(pattern) => {
                    let frame = self.pattern_frame(closure, pattern, first, place)?;
                    let result = self.enter(closure, &frame, place)?;
                    self.apply_rest(result, others, place)
                }
            },
            Value::Builtin(builtin) => match args.split_at_checked(builtin.arity) {
                Some((now, rest)) => {
                    let result = self.builtin(builtin, now, place)?;
                    self.apply_rest(result, rest, place)
                }
                None => Ok(partial(function, args)),
            },
            Value::Partial(partial) if !partial.placed.is_empty() => {
                let args = args.iter().map(|value| crate::value::Argument {
                    place: value.written_at().unwrap_or(place),
                    value: value.clone(),
                });
                self.apply_arguments(function, args.collect(), place)
            }
            Value::Partial(partial) => {
                let all: Vec<_> = partial.args.iter().chain(args).cloned().collect();
                self.apply(&partial.function, &all, place)
            }
            Value::Library(function) => match args.split_at_checked(function.arity) {
                Some((now, rest)) => {
                    let result = library::call(self, function, now, place)?;
                    self.apply_rest(result, rest, place)
                }
                None => Ok(partial(&Value::Library(Rc::clone(function)), args)),
            },
            Value::Residual(residual) => {
                let applied = args.iter().fold(Rc::clone(residual), |function, arg| {
                    Rc::new(Residual::Apply(function, arg.clone()))
                });
                Ok(Value::Residual(applied))
            }
            Value::Attrs(attrs) => match attrs.get(self.known.functor) {
                Some(functor) => {
                    let functor = self.force(functor, place)?;
                    let bound = self.apply(&functor, std::slice::from_ref(function), place)?;
                    self.apply(&bound, args, place)
                }
                None => Err(self.not_a_function(function, place)),
            },
            Value::Root(root) => self.apply_root(*root, args, place),
            Value::Combinator(_) | Value::Permission(_) | Value::Jail(_) => {
                self.apply_combinator(function, args, place)
            }
            Value::Thunk(_) => {
                let forced = self.force(function, place)?;
                self.apply(&forced, args, place)
            }
            _ => Err(self.not_a_function(function, place)),
        }
    }

    fn apply_rest(&self, function: Value, rest: &[Value], place: Place) -> Fallible<Value> {
        if rest.is_empty() { Ok(function) } else { self.apply(&function, rest, place) }
    }

    /// Evaluates the body of a lambda in its frame.
    fn enter(&self, closure: &Closure, frame: &Env, place: Place) -> Fallible<Value> {
        self.step(place)?;
        let calls = self.calls.get();
        if calls >= self.limits.calls {
            return Err(self.too_deep(place));
        }
        self.calls.set(calls + 1);
        let result = self.eval(&closure.lambda.body, frame);
        self.calls.set(calls);
        result.map_err(|failure| failure.trace(place, || self.calling(&closure.lambda)))
    }

    fn calling(&self, lambda: &Lambda) -> String {
        match lambda.name.get() {
            Some(name) => format!("while calling `{}`", self.symbols.name(*name)),
            None => "while calling a function".into(),
        }
    }

    fn builtin(
        &self,
        builtin: &'static crate::builtins::Builtin,
        args: &[Value],
        place: Place,
    ) -> Fallible<Value> {
        self.step(place)?;
        match (builtin.run)(self, args, place) {
            Err(failure) if failure.kind == FailureKind::Symbolic && builtin.symbolic => {
                let source = format!("{}.{}", builtin.home, builtin.name);
                Ok(Value::residual(Residual::Call(source, args.to_vec())))
            }
            result => result,
        }
    }

    fn not_a_function(&self, value: &Value, place: Place) -> Box<Failure> {
        let failure = Failure::new(
            DiagnosticCode::NotAFunction,
            place,
            format!("{} is called like a function", value.kind()),
        );
        failure.label("not a function").help("is an operator or a `;` missing before the argument?")
    }

    /// The frame of a lambda whose argument is a set pattern.
    fn pattern_frame(
        &self,
        closure: &Closure,
        pattern: &Pattern,
        arg: &Value,
        place: Place,
    ) -> Fallible<Env> {
        let env = closure.env();
        let arg = self.force(arg, place)?;
        let count = pattern.formals.len() + usize::from(pattern.whole.is_some());
        let frame = Frame::empty(Some(env), count);
        match &arg {
            Value::Attrs(attrs) => {
                self.no_unexpected(pattern, attrs, closure, place)?;
                for (slot, formal) in pattern.formals.iter().enumerate() {
                    let value = match (attrs.get(formal.name), &formal.default) {
                        (Some(value), _) => value.clone(),
                        (None, Some(default)) => Thunk::code(default, &frame),
                        (None, None) => {
                            return Err(self.missing_argument(formal.name, closure, place));
                        }
                    };
                    frame.set(slot, value);
                }
            }
            Value::Residual(residual) => {
                for (slot, formal) in pattern.formals.iter().enumerate() {
                    let default = formal.default.as_ref().map(|code| Thunk::code(code, &frame));
                    let value = Residual::select(residual, formal.name, default);
                    frame.set(slot, Value::residual(value));
                }
            }
            other => {
                return Err(self
                    .mismatch("a set", other, place)
                    .trace(place, || self.calling(&closure.lambda)));
            }
        }
        if pattern.whole.is_some() {
            frame.set(pattern.formals.len(), arg);
        }
        self.remember(&frame);
        Ok(frame)
    }

    fn no_unexpected(
        &self,
        pattern: &Pattern,
        attrs: &crate::attrs::Attrs,
        closure: &Closure,
        place: Place,
    ) -> Fallible<()> {
        if pattern.open {
            return Ok(());
        }
        let known = |name: Symbol| pattern.formals.iter().any(|formal| formal.name == name);
        let Some(entry) = attrs.entries().iter().find(|entry| !known(entry.name)) else {
            return Ok(());
        };
        let name = self.symbols.name(entry.name);
        let names: Vec<_> =
            pattern.formals.iter().map(|formal| self.symbols.name(formal.name)).collect();
        let at = entry.named_at().unwrap_or(place);
        let what = self.lambda_name(&closure.lambda);
        Err(Failure::new(
            DiagnosticCode::UnexpectedArgument,
            at,
            format!("{what} takes no argument `{name}`"),
        )
        .label("not among its arguments")
        .help_if(suggest::did_you_mean(&name, names.iter().map(AsRef::as_ref)))
        .trace(place, || self.calling(&closure.lambda)))
    }

    fn missing_argument(&self, name: Symbol, closure: &Closure, place: Place) -> Box<Failure> {
        let name = self.symbols.name(name);
        let what = self.lambda_name(&closure.lambda);
        Failure::new(
            DiagnosticCode::MissingArgument,
            place,
            format!("{what} needs the argument `{name}`"),
        )
        .label(format!("`{name}` is not given"))
    }

    fn lambda_name(&self, lambda: &Lambda) -> String {
        match lambda.name.get() {
            Some(name) => format!("`{}`", self.symbols.name(*name)),
            None => "the function".into(),
        }
    }

    fn apply_root(&self, root: Root, args: &[Value], place: Place) -> Fallible<Value> {
        let args: Vec<_> = args
            .iter()
            .map(|value| crate::value::Argument {
                place: value.written_at().unwrap_or(place),
                value: value.clone(),
            })
            .collect();
        self.apply_arguments(&Value::Root(root), args, place)
    }
}

fn partial(function: &Value, args: &[Value]) -> Value {
    Partial::value(function.clone(), args.to_vec(), Vec::new())
}
