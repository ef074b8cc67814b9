//! What a file is lowered to: expressions with their variables resolved and a place on every node.

use std::cell::OnceCell;
use std::rc::Rc;

use jail_registry::{Diagnostic, Place};

use crate::attrs::Written;
use crate::symbols::Symbol;
use crate::value::{Chars, Value};

/// A shared expression, which thunks and closures hold.
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
    /// A path with interpolations. It starts relative to the file.
    Path(Box<[Part]>),
    /// A variable: how many frames up, and the slot there.
    Local {
        up: u32,
        slot: u32,
        name: Symbol,
    },
    /// A name of the spec language or of Nix that stands outside the file.
    Global(Symbol),
    /// A name that only a `with` can give: the frames of the sets, innermost first.
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
    /// Something that a spec may not do; it is an error only when it is needed.
    Refused(Box<Diagnostic>),
    /// Something wrong that has been reported. Code that needs it fails silently.
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
    /// The name that it was bound to, for messages.
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
    /// The name in `args@{ … }`: its slot comes after those of the formals.
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
