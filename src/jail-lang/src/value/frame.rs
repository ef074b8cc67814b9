//! The variables that code is evaluated with, and the functions that hold them.
//!
//! A recursive frame holds itself, through the thunks and functions in it. When an evaluation has
//! ended its frames are released, or none of it would ever be freed.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use super::Value;
use super::weight::{FixedWeight, Weight};
use crate::deferred_drop::{defer_drop, holds_more};
use crate::ir::Lambda;

/// A frame of variables. Scoping is static, so a variable is a number of frames up and a slot.
pub(crate) struct Frame {
    pub(crate) up: Option<Env>,
    slots: Slots,
    _weight: FixedWeight<FRAME>,
}

/// The approximate size of a frame, and of each variable of a larger one.
const FRAME: usize = 96;
const SLOT: usize = 24;

pub(crate) type Env = Rc<Frame>;

/// Most frames are those of calls, with one or two arguments.
enum Slots {
    One([OnceCell<Value>; 1]),
    Two([OnceCell<Value>; 2]),
    Many { slots: Box<[OnceCell<Value>]>, _weight: Weight },
}

impl Slots {
    fn many(slots: Box<[OnceCell<Value>]>) -> Self {
        let _weight = Weight::new(slots.len() * SLOT);
        Self::Many { slots, _weight }
    }

    fn all(&self) -> &[OnceCell<Value>] {
        match self {
            Self::One(slots) => slots,
            Self::Two(slots) => slots,
            Self::Many { slots, .. } => slots,
        }
    }

    fn all_mut(&mut self) -> &mut [OnceCell<Value>] {
        match self {
            Self::One(slots) => slots,
            Self::Two(slots) => slots,
            Self::Many { slots, .. } => slots,
        }
    }
}

impl Frame {
    /// A frame with one variable.
    pub(crate) fn one(up: &Env, value: Value) -> Env {
        Self::with_slots(up, Slots::One([OnceCell::from(value)]))
    }

    /// A frame with these variables.
    pub(crate) fn with_values(up: &Env, values: impl ExactSizeIterator<Item = Value>) -> Env {
        let mut slots = values.map(OnceCell::from);
        let slots = match slots.len() {
            1 => Slots::One([slots.next().unwrap_or_default()]),
            2 => Slots::Two([slots.next().unwrap_or_default(), slots.next().unwrap_or_default()]),
            _ => Slots::many(slots.collect()),
        };
        Self::with_slots(up, slots)
    }

    fn with_slots(up: &Env, slots: Slots) -> Env {
        Rc::new(Self { up: Some(Rc::clone(up)), slots, _weight: FixedWeight::new() })
    }

    /// A frame whose variables are set one by one, because they refer to each other.
    pub(crate) fn empty(up: Option<Env>, count: usize) -> Env {
        let slots = (0..count).map(|_| OnceCell::new()).collect();
        Rc::new(Self { up, slots: Slots::many(slots), _weight: FixedWeight::new() })
    }

    /// A variable's value; `None` only for a frame that is not filled yet.
    pub(crate) fn get(&self, slot: u32) -> Option<&Value> {
        self.slots.all().get(slot as usize)?.get()
    }

    /// Sets a variable that has no value yet.
    pub(crate) fn set(&self, slot: usize, value: Value) {
        if let Some(cell) = self.slots.all().get(slot) {
            let _ = cell.set(value);
        }
    }

    /// The frame this many levels up.
    pub(crate) fn ancestor(self: &Rc<Self>, up: u32) -> Option<&Rc<Self>> {
        let mut frame = self;
        for _ in 0..up {
            frame = frame.up.as_ref()?;
        }
        Some(frame)
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        let slots = self.slots.all_mut();
        if slots.iter().filter_map(OnceCell::get).any(holds_more) {
            defer_drop(slots.iter_mut().filter_map(OnceCell::take));
        }
    }
}

impl Frame {
    /// Drops what the frame's variables hold, when the evaluation has ended.
    pub(crate) fn release(&self) {
        for value in self.slots.all().iter().filter_map(OnceCell::get) {
            release(value);
        }
    }
}

fn release(value: &Value) {
    match value {
        Value::Lambda(closure) => {
            closure.env.replace(Frame::empty(None, 0));
        }
        Value::Thunk(thunk) => {
            thunk.take();
            if let Some(value @ Value::Lambda(_)) = thunk.value.get() {
                release(value);
            }
        }
        _ => {}
    }
}

pub(crate) struct Closure {
    pub(crate) lambda: Rc<Lambda>,
    /// Replaced only when the evaluation has ended, to free frames that hold themselves.
    env: RefCell<Env>,
    _weight: FixedWeight<CLOSURE>,
}

/// The approximate size of a function.
const CLOSURE: usize = 64;

impl Closure {
    pub(crate) fn new(lambda: &Rc<Lambda>, env: &Env) -> Self {
        Self {
            lambda: Rc::clone(lambda),
            env: RefCell::new(Rc::clone(env)),
            _weight: FixedWeight::new(),
        }
    }

    pub(crate) fn env(&self) -> Env {
        Rc::clone(&self.env.borrow())
    }
}
