//! What a file is lowered to: expressions with their variables resolved and a place on every node.

use std::cell::OnceCell;
use std::rc::Rc;

use jail_registry::{Diagnostic, Place};

use crate::attrs::Written;
use crate::symbols::Symbol;
use crate::value::{Chars, Value};

/// A shared expression; thunks and closures hold on to it.
pub(crate) type Code = Rc<Node>;

/// An expression and where it stands.
pub(crate) struct Node {
    pub(crate) expr: Expr,
    pub(crate) place: Place,
}

pub(crate) enum Expr {
    /// A literal, or a name in scope that stands for a fixed value.
    Const(Value),
    /// A string with interpolations.
    Text(Box<[Part]>),
    /// A path with interpolations; what begins it is relative to the file.
    Path(Box<[Part]>),
    /// A variable: so many frames up, that slot.
    Local {
        up: u32,
        slot: u32,
        name: Symbol,
    },
    /// A name of the spec language or of Nix that stands outside the file.
    Global(Symbol),
    /// A name that only a `with` can give: the frames that hold the sets, innermost first.
    Dynamic {
        name: Symbol,
        scopes: Box<[u32]>,
    },
    /// `set.path`, `set.path or default`
    Select {
        set: Code,
        path: Box<[Key]>,
        default: Option<Code>,
    },
    /// `set ? path`
    Has {
        set: Code,
        path: Box<[Key]>,
    },
    Apply {
        function: Code,
        args: Box<[Code]>,
    },
    Lambda(Rc<Lambda>),
    /// `let` makes a frame of its bindings.
    Let {
        names: Box<[Symbol]>,
        bindings: Box<[Code]>,
        body: Code,
    },
    Set(Box<SetCode>),
    List(Box<[Code]>),
    If {
        condition: Code,
        then: Code,
        otherwise: Code,
    },
    Assert {
        condition: Code,
        body: Code,
    },
    /// `with` makes a frame of one slot, the set.
    With {
        set: Code,
        body: Code,
    },
    Binary {
        op: Op,
        left: Code,
        right: Code,
    },
    Not(Code),
    Negate(Code),
    /// Something that a spec may not do; an error only when it is needed.
    Refused(Box<Diagnostic>),
    /// Something that is wrong and has been reported: code that needs it fails silently.
    Faulty,
}

/// A part of a string or path.
pub(crate) enum Part {
    Literal(Rc<Chars>),
    Code(Code),
}

/// A step of an attribute path.
pub(crate) enum Key {
    Name(Symbol, Place),
    Code(Code),
}

pub(crate) struct SetCode {
    /// `rec`: the fields make a frame.
    pub(crate) recursive: bool,
    pub(crate) fields: Vec<Field>,
    /// `${name} = value;`
    pub(crate) dynamic: Vec<(Code, Code)>,
}

pub(crate) struct Field {
    pub(crate) name: Symbol,
    pub(crate) place: Rc<Written>,
    pub(crate) value: Code,
}

pub(crate) struct Lambda {
    pub(crate) params: Params,
    pub(crate) body: Code,
    /// The name it was bound to, for messages.
    pub(crate) name: OnceCell<Symbol>,
}

pub(crate) enum Params {
    /// `a: b: …`: curried lambdas share one frame.
    Names(Box<[Symbol]>),
    Pattern(Pattern),
}

pub(crate) struct Pattern {
    /// In the order of their slots.
    pub(crate) formals: Box<[Formal]>,
    /// `...`
    pub(crate) open: bool,
    /// `args@{ … }`: the slot after the formals.
    pub(crate) whole: Option<Symbol>,
}

pub(crate) struct Formal {
    pub(crate) name: Symbol,
    pub(crate) place: Place,
    pub(crate) default: Option<Code>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Concat,
    Update,
    Add,
    Subtract,
    Multiply,
    Divide,
    And,
    Or,
    Implies,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Op {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Concat => "++",
            Self::Update => "//",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::And => "&&",
            Self::Or => "||",
            Self::Implies => "->",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

impl Node {
    pub(crate) fn new(expr: Expr, place: Place) -> Code {
        Rc::new(Self { expr, place })
    }
}
