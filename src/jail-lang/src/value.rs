//! What expressions evaluate to.
//!
//! A value is two words, so that lists and frames hold it directly; anything larger stands behind a reference count.
//! An element that has not been needed yet is a [`Thunk`].

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use jail_policy::Output;
use jail_registry::{Place, Signature};

use crate::attrs::Attrs;
use crate::builtins::Builtin;
use crate::burial::{bury, holds_more};
use crate::ir::{Code, Lambda};
use crate::library::{Group, LibraryFunction};
use crate::residual::Residual;
use crate::sources::SpecPath;
use crate::vocabulary::WordKind;

/// A value, or a thunk that becomes one.
#[derive(Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// A string without package parts.
    Str(Rc<Box<str>>),
    /// A string with package parts, or what `noescape` made.
    Text(Rc<TextValue>),
    Path(Rc<SpecPath>),
    List(Rc<List>),
    Attrs(Rc<Attrs>),
    Lambda(Rc<Closure>),
    /// A lambda or builtin with some of its arguments.
    Partial(Rc<Partial>),
    Builtin(&'static Builtin),
    /// A function of `lib`.
    Library(Rc<LibraryFunction>),
    Root(Root),
    /// A combinator or builder that still wants arguments.
    Combinator(Rc<Combinator>),
    /// A combinator that has them all.
    Permission(Rc<Permission>),
    Jail(Rc<JailCall>),
    /// What only Nix can know.
    Residual(Rc<Residual>),
    Thunk(Rc<Thunk>),
}

/// The names in scope that are neither plain values nor in the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    /// `lib`, or `lib.lists` and the like.
    Library(Option<Group>),
    /// `jail`
    Jail,
    /// `import`
    Import,
}

/// A string with parts that are not characters.
#[derive(Clone)]
pub(crate) struct TextValue {
    pub(crate) expand: bool,
    pub(crate) parts: Vec<TextPart>,
}

#[derive(Clone)]
pub(crate) enum TextPart {
    Literal(Rc<Box<str>>),
    Package(Rc<Residual>, Output),
    Entry,
}

/// A list; it remembers the literals that it was written as, so that a fault can be shown at the element.
pub(crate) struct List {
    pub(crate) items: Box<[Value]>,
    pub(crate) origin: Origin,
}

#[derive(Clone)]
pub(crate) enum Origin {
    None,
    Literal(Code),
    /// Literals and the index of their first element.
    Segments(Rc<Vec<(usize, Code)>>),
}

pub(crate) struct Closure {
    pub(crate) lambda: Rc<Lambda>,
    /// Replaced only when the evaluation has ended, so that frames that hold themselves are let go.
    env: RefCell<Env>,
}

pub(crate) struct Partial {
    pub(crate) function: Value,
    pub(crate) args: Vec<Value>,
    /// The same with their places, where the function is `jail`.
    pub(crate) placed: Vec<Argument>,
}

/// A combinator or an agent builder on its way to its arguments.
#[derive(Clone)]
pub(crate) struct Combinator {
    pub(crate) kind: WordKind,
    pub(crate) name: &'static str,
    pub(crate) signature: Signature,
    pub(crate) args: Vec<Argument>,
    /// Where it is mentioned; `None` when it came out of a set by a computed way.
    pub(crate) place: Option<Place>,
}

/// An argument as given, and where.
#[derive(Clone)]
pub(crate) struct Argument {
    pub(crate) value: Value,
    pub(crate) place: Place,
}

pub(crate) struct Permission {
    pub(crate) name: &'static str,
    pub(crate) signature: Signature,
    pub(crate) args: Vec<Argument>,
    pub(crate) place: Option<Place>,
}

/// A call that makes a jail; the arguments are checked when the spec's jails are collected.
pub(crate) enum JailCall {
    Plain { args: [Argument; 3], place: Place },
    Built { name: &'static str, signature: Signature, args: Vec<Argument>, place: Place },
}

/// Something that is evaluated when it is needed, and once.
pub(crate) struct Thunk {
    pub(crate) value: OnceCell<Value>,
    pending: Cell<Pending>,
    /// What it is evaluated from; kept, because it says where an element was written.
    pub(crate) code: Option<Code>,
}

/// What is still to be done for a thunk.
pub(crate) enum Pending {
    /// Nothing, or it is being done.
    Taken,
    /// Evaluate the thunk's code here.
    Code(Env),
    /// Apply a function.
    Apply(Box<Application>),
}

pub(crate) struct Application {
    pub(crate) function: Value,
    pub(crate) args: Vec<Value>,
    pub(crate) place: Place,
}

/// A frame of variables. Scoping is static, so a variable is so many frames up and so many slots in.
pub(crate) struct Frame {
    pub(crate) up: Option<Env>,
    slots: Slots,
}

pub(crate) type Env = Rc<Frame>;

enum Slots {
    One(OnceCell<Value>),
    Many(Box<[OnceCell<Value>]>),
}

impl Frame {
    /// A frame with one variable.
    pub(crate) fn one(up: &Env, value: Value) -> Env {
        let slot = OnceCell::new();
        let _ = slot.set(value);
        Rc::new(Self { up: Some(Rc::clone(up)), slots: Slots::One(slot) })
    }

    /// A frame with these variables.
    pub(crate) fn of(up: &Env, values: &[Value]) -> Env {
        match values {
            [value] => Self::one(up, value.clone()),
            values => {
                let slots = values.iter().map(|value| OnceCell::from(value.clone())).collect();
                Rc::new(Self { up: Some(Rc::clone(up)), slots: Slots::Many(slots) })
            }
        }
    }

    /// A frame whose variables are set one by one, because they refer to each other.
    pub(crate) fn empty(up: Option<Env>, count: usize) -> Env {
        let slots = (0..count).map(|_| OnceCell::new()).collect();
        Rc::new(Self { up, slots: Slots::Many(slots) })
    }

    /// A variable's value; `None` only for a frame that is not filled yet.
    pub(crate) fn get(&self, slot: u32) -> Option<&Value> {
        match &self.slots {
            Slots::One(value) => value.get(),
            Slots::Many(values) => values.get(slot as usize)?.get(),
        }
    }

    /// Sets a variable that has no value yet.
    pub(crate) fn set(&self, slot: usize, value: Value) {
        let cell = match &self.slots {
            Slots::One(cell) => Some(cell),
            Slots::Many(cells) => cells.get(slot),
        };
        if let Some(cell) = cell {
            let _ = cell.set(value);
        }
    }

    /// The frame so many levels up.
    pub(crate) fn ancestor(self: &Rc<Self>, up: u32) -> Option<&Rc<Self>> {
        let mut frame = self;
        for _ in 0..up {
            frame = frame.up.as_ref()?;
        }
        Some(frame)
    }
}

impl Closure {
    pub(crate) fn new(lambda: &Rc<Lambda>, env: &Env) -> Self {
        Self { lambda: Rc::clone(lambda), env: RefCell::new(Rc::clone(env)) }
    }

    pub(crate) fn env(&self) -> Env {
        Rc::clone(&self.env.borrow())
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        let slots = match &mut self.slots {
            Slots::One(slot) => std::slice::from_mut(slot),
            Slots::Many(slots) => slots,
        };
        if slots.iter().filter_map(OnceCell::get).any(holds_more) {
            bury(slots.iter_mut().filter_map(OnceCell::take));
        }
    }
}

impl Drop for Thunk {
    fn drop(&mut self) {
        // An environment is let go of by its frame.
        if self.value.get().is_some_and(holds_more) {
            bury(self.value.take());
        } else if let Pending::Apply(application) = self.take() {
            let Application { function, args, .. } = *application;
            bury(args.into_iter().chain([function]));
        }
    }
}

impl Drop for List {
    fn drop(&mut self) {
        if self.items.iter().any(holds_more) {
            bury(std::mem::take(&mut self.items));
        }
    }
}

impl Frame {
    /// Lets go of what the frame's variables hold, when the evaluation has ended.
    pub(crate) fn release(&self) {
        let slots = match &self.slots {
            Slots::One(slot) => std::slice::from_ref(slot),
            Slots::Many(slots) => slots,
        };
        for value in slots.iter().filter_map(OnceCell::get) {
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

impl Thunk {
    /// `code`, to be evaluated in `env`.
    pub(crate) fn code(code: &Code, env: &Env) -> Value {
        Value::Thunk(Rc::new(Self {
            value: OnceCell::new(),
            pending: Cell::new(Pending::Code(Rc::clone(env))),
            code: Some(Rc::clone(code)),
        }))
    }

    /// `function` applied to `args`.
    pub(crate) fn apply(function: Value, args: Vec<Value>, place: Place) -> Value {
        let application = Box::new(Application { function, args, place });
        Value::Thunk(Rc::new(Self {
            value: OnceCell::new(),
            pending: Cell::new(Pending::Apply(application)),
            code: None,
        }))
    }

    /// Takes what is to be done; [`Pending::Taken`] means that somebody is at it.
    pub(crate) fn take(&self) -> Pending {
        self.pending.replace(Pending::Taken)
    }

    /// Puts back what was not done, so that a second attempt gives the same error.
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

impl Value {
    pub(crate) fn string(text: impl Into<Box<str>>) -> Self {
        Self::Str(Rc::new(text.into()))
    }

    pub(crate) fn list(items: impl Into<Box<[Self]>>) -> Self {
        Self::List(Rc::new(List { items: items.into(), origin: Origin::None }))
    }

    pub(crate) fn residual(residual: Residual) -> Self {
        Self::Residual(Rc::new(residual))
    }

    /// The type's name with its article, for messages.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Str(_) | Self::Text(_) => "a string",
            Self::Path(_) => "a path",
            Self::List(_) => "a list",
            Self::Attrs(_) => "a set",
            Self::Lambda(_) | Self::Partial(_) | Self::Builtin(_) | Self::Library(_) => {
                "a function"
            }
            Self::Root(Root::Library(_)) => "the library `lib`",
            Self::Root(_) => "a function",
            Self::Combinator(_) => "a combinator without all its arguments",
            Self::Permission(_) => "a permission",
            Self::Jail(_) => "a jail",
            Self::Residual(_) => "a package",
            Self::Thunk(_) => "something not evaluated yet",
        }
    }

    /// The place where an element or argument was written, when that is known.
    pub(crate) fn written_at(&self) -> Option<Place> {
        match self {
            Self::Thunk(thunk) => {
                let place = thunk.code.as_ref().map(|code| code.place);
                place.filter(|place| place.file != crate::failure::LIBRARY)
            }
            Self::Permission(permission) => permission.place,
            Self::Combinator(combinator) => combinator.place,
            Self::Jail(call) => Some(call.place()),
            _ => None,
        }
    }
}

impl JailCall {
    pub(crate) const fn place(&self) -> Place {
        match self {
            Self::Plain { place, .. } | Self::Built { place, .. } => *place,
        }
    }
}

impl List {
    /// The place of the element `index`, when it was written in a literal.
    pub(crate) fn place_of(&self, index: usize) -> Option<Place> {
        let element = self.items.get(index)?.written_at();
        element.or_else(|| self.origin.place_of(index))
    }
}

impl Origin {
    /// More pieces than this are not remembered: it is for messages, and must not slow down a fold.
    const SEGMENTS_MAX: usize = 16;

    fn segments(&self) -> Vec<(usize, Code)> {
        match self {
            Self::None => Vec::new(),
            Self::Literal(code) => vec![(0, Rc::clone(code))],
            Self::Segments(segments) => segments.to_vec(),
        }
    }

    /// The origin of two lists one after the other, the first of `len` elements.
    pub(crate) fn concat(&self, len: usize, other: &Self) -> Self {
        if matches!((self, other), (Self::None, Self::None)) {
            return Self::None;
        }
        let mut segments = self.segments();
        segments.extend(other.segments().into_iter().map(|(at, code)| (at + len, code)));
        segments.truncate(Self::SEGMENTS_MAX);
        Self::Segments(Rc::new(segments))
    }

    fn place_of(&self, index: usize) -> Option<Place> {
        let segments = self.segments();
        let (at, code) = segments.iter().rev().find(|(at, _)| *at <= index)?;
        let crate::ir::Expr::List(items) = &code.expr else { return None };
        items.get(index - at).map(|item| item.place)
    }
}

impl TextValue {
    pub(crate) fn new(expand: bool) -> Self {
        Self { expand, parts: Vec::new() }
    }

    /// Adds characters.
    pub(crate) fn push_str(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let joined = match self.parts.last() {
            Some(TextPart::Literal(last)) => format!("{last}{text}"),
            _ => text.to_owned(),
        };
        if matches!(self.parts.last(), Some(TextPart::Literal(_))) {
            self.parts.pop();
        }
        self.parts.push(TextPart::Literal(Rc::new(joined.into())));
    }

    /// Adds a part.
    pub(crate) fn push(&mut self, part: TextPart) {
        match part {
            TextPart::Literal(text) => self.push_str(&text),
            part @ (TextPart::Package(..) | TextPart::Entry) => self.parts.push(part),
        }
    }

    /// The value: an ordinary string where all parts are characters and nothing is expanded.
    pub(crate) fn into_value(self) -> Value {
        match (self.expand, self.parts.as_slice()) {
            (false, []) => Value::string(""),
            (false, [TextPart::Literal(text)]) => Value::Str(Rc::clone(text)),
            _ => Value::Text(Rc::new(self)),
        }
    }
}
