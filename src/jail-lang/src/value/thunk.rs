//! Values that are evaluated when they are needed, and once.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use jail_registry::Place;

use super::weight::FixedWeight;
use super::{Env, Value};
use crate::deferred_drop::{defer_drop, holds_more};
use crate::ir::Code;

/// A value that is evaluated when it is needed, and once.
pub(crate) struct Thunk {
    pub(crate) value: OnceCell<Value>,
    pending: Cell<Pending>,
    /// Its code, which is kept because it has the place where an element was written.
    pub(crate) code: Option<Code>,
    _weight: FixedWeight<THUNK>,
}

/// The approximate size of a thunk.
const THUNK: usize = 128;

/// What remains to be done for a thunk.
pub(crate) enum Pending {
    /// Nothing, or it is being evaluated.
    Taken,
    /// Evaluate the thunk's code here.
    Code(Env),
    /// Apply a function that all elements of a list share to this element.
    Element(Rc<Mapping>, Value),
    /// Apply a function.
    Apply(Box<Application>),
}

/// A function that is applied to each element of a list, and the place of that call. The elements
/// share it, so each of them takes one allocation.
pub(crate) struct Mapping {
    pub(crate) function: Value,
    pub(crate) place: Place,
}

impl Drop for Mapping {
    fn drop(&mut self) {
        defer_drop([std::mem::replace(&mut self.function, Value::Null)]);
    }
}

pub(crate) struct Application {
    pub(crate) function: Value,
    pub(crate) args: Args,
    pub(crate) place: Place,
    _weight: FixedWeight<APPLICATION>,
}

/// The arguments of a call that has not been made yet. A list may have such a call for each
/// element, so the arguments are not in a vector of their own.
pub(crate) enum Args {
    One([Value; 1]),
    Two([Value; 2]),
}

impl Args {
    pub(crate) fn as_slice(&self) -> &[Value] {
        match self {
            Self::One(args) => args,
            Self::Two(args) => args,
        }
    }
}

impl From<[Value; 1]> for Args {
    fn from(args: [Value; 1]) -> Self {
        Self::One(args)
    }
}

impl From<[Value; 2]> for Args {
    fn from(args: [Value; 2]) -> Self {
        Self::Two(args)
    }
}

/// The approximate size of a call that has not been made yet.
const APPLICATION: usize = 128;

impl Thunk {
    /// `code`, to be evaluated in `env`.
    pub(crate) fn code(code: &Code, env: &Env) -> Value {
        Value::Thunk(Rc::new(Self {
            value: OnceCell::new(),
            pending: Cell::new(Pending::Code(Rc::clone(env))),
            code: Some(Rc::clone(code)),
            _weight: FixedWeight::new(),
        }))
    }

    /// The function of `mapping` applied to `element`.
    pub(crate) fn element(mapping: &Rc<Mapping>, element: Value) -> Value {
        Self::pending(Pending::Element(Rc::clone(mapping), element))
    }

    /// `function` applied to `args`.
    pub(crate) fn apply(function: Value, args: impl Into<Args>, place: Place) -> Value {
        let args = args.into();
        let application =
            Box::new(Application { function, args, place, _weight: FixedWeight::new() });
        Self::pending(Pending::Apply(application))
    }

    fn pending(pending: Pending) -> Value {
        Value::Thunk(Rc::new(Self {
            value: OnceCell::new(),
            pending: Cell::new(pending),
            code: None,
            _weight: FixedWeight::new(),
        }))
    }

    /// Takes what remains to be done; [`Pending::Taken`] means that it is being evaluated already.
    pub(crate) fn take(&self) -> Pending {
        self.pending.replace(Pending::Taken)
    }

    /// Puts back what was not done, so a second attempt gives the same error.
    pub(crate) fn put_back(&self, pending: Pending) {
        self.pending.set(pending);
    }

    /// The code and environment of a thunk that has not been needed yet.
    pub(crate) fn delayed(&self) -> Option<(Code, Env)> {
        let pending = self.take();
        let env = if let Pending::Code(env) = &pending { Some(Rc::clone(env)) } else { None };
        self.put_back(pending);
        Some((self.code.clone()?, env?))
    }
}

impl Drop for Thunk {
    fn drop(&mut self) {
        // An environment is freed by its frame.
        if self.value.get().is_some_and(holds_more) {
            defer_drop(self.value.take());
            return;
        }
        match self.take() {
            Pending::Element(_, element) => defer_drop([element]),
            Pending::Apply(application) => {
                let Application { function, args, .. } = *application;
                match args {
                    Args::One([one]) => defer_drop([one, function]),
                    Args::Two([one, two]) => defer_drop([one, two, function]),
                }
            }
            Pending::Taken | Pending::Code(_) => {}
        }
    }
}
