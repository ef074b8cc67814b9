//! From rnix's tree to expressions.
//!
//! The parser has found no error when this runs, so a missing child cannot happen; where the types
//! allow one, the lowering says that the syntax is not understood rather than guess.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;

use jail_registry::{Code as DiagnosticCode, Diagnostic, Place, Type};
use rnix::ast::{self, AstToken, BinOpKind, LiteralKind, UnaryOpKind};
use rnix::{NodeOrToken, SyntaxKind, SyntaxNode};
use rowan::ast::AstNode;

use super::literals::{Piece, indented, unescape};
use super::scope::{Scopes, variable};
use super::wanted::wanted;
use super::{Context, beginning, portable, span};
use crate::ir::{Code, Expr, Formal, Key, Lambda, Node, Op, Params, Part, Pattern};
use crate::sources::SpecPath;
use crate::symbols::Symbol;
use crate::value::Value;

/// Lowers a whole file. Faults in parts of it are returned with the code, in which
/// those parts are [`Expr::Faulty`].
pub(super) fn file(
    context: &Context<'_>,
    root: &ast::Root,
    text: &str,
) -> Result<(Code, Vec<Diagnostic>), Box<Diagnostic>> {
    let mut lowering = Lowering {
        context,
        scopes: Scopes::default(),
        faults: Vec::new(),
        inherited: HashMap::new(),
    };
    let Some(expr) = root.expr() else {
        let place = beginning(context.file, text);
        return Err(Box::new(
            Diagnostic::error(DiagnosticCode::Syntax, Some(place), "the file is empty")
                .label("expected an expression")
                .help("write a jail: `jail \"name\" pkgs.hello [ ]`"),
        ));
    };
    let code = lowering.expr(&expr);
    Ok((code, lowering.faults))
}

pub(super) struct Lowering<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) scopes: Scopes,
    pub(super) faults: Vec<Diagnostic>,
    /// The names of `inherit (set) name;` by their places.
    pub(super) inherited: HashMap<Place, Symbol>,
}

impl Lowering<'_> {
    pub(super) fn place(&self, node: &SyntaxNode) -> Place {
        let range = node.text_range();
        span(self.context.file, range.start().into(), range.end().into())
    }

    pub(super) fn symbol(&self, name: &str) -> Symbol {
        self.context.symbols.intern(name)
    }

    pub(super) fn fault(&mut self, place: Place, message: impl Into<String>, label: &str) {
        let fault = Diagnostic::error(DiagnosticCode::Syntax, Some(place), message).label(label);
        self.faults.push(fault);
    }

    /// A child that must be there.
    pub(super) fn some(&mut self, expr: Option<ast::Expr>, parent: &SyntaxNode) -> Code {
        match expr {
            Some(expr) => self.expr(&expr),
            None => self.broken(parent),
        }
    }

    fn broken(&mut self, node: &SyntaxNode) -> Code {
        let place = self.place(node);
        self.fault(place, "this expression is not complete", "something is missing here");
        Node::new(Expr::Faulty, place)
    }

    pub(super) fn expr(&mut self, expr: &ast::Expr) -> Code {
        let place = self.place(expr.syntax());
        let lowered = match expr {
            ast::Expr::Paren(paren) => return self.some(paren.expr(), paren.syntax()),
            ast::Expr::Root(root) => return self.some(root.expr(), root.syntax()),
            ast::Expr::Error(error) => return self.broken(error.syntax()),
            ast::Expr::Ident(ident) => self.ident(ident, 0),
            ast::Expr::Literal(literal) => self.literal(literal, place),
            ast::Expr::Str(string) => self.string(string),
            ast::Expr::PathAbs(path) => self.path(path.syntax()),
            ast::Expr::PathRel(path) => self.path(path.syntax()),
            ast::Expr::PathHome(_) => refused(
                place,
                "`~/…` without quotes is a path on this machine",
                "write `(noescape \"~/…\")` for a path that is expanded at launch",
            ),
            ast::Expr::PathSearch(_) => refused(
                place,
                "`<…>` looks packages up on this machine",
                "write `pkgs`: it is the nixpkgs that the lock file pins",
            ),
            ast::Expr::CurPos(_) => {
                self.faults.push(current_position(place));
                Expr::Faulty
            }
            ast::Expr::List(list) => {
                Expr::List(list.items().map(|item| self.expr(&item)).collect())
            }
            ast::Expr::AttrSet(set) => self.set(set),
            ast::Expr::LetIn(set) => self.let_in(set),
            ast::Expr::LegacyLet(_) => {
                self.faults.push(legacy_let(place));
                Expr::Faulty
            }
            ast::Expr::Select(select) => self.select(select),
            ast::Expr::HasAttr(has) => Expr::Has {
                set: self.some(has.expr(), has.syntax()),
                path: self.attrpath(has.attrpath()),
            },
            ast::Expr::Apply(apply) => self.apply(apply),
            ast::Expr::Lambda(lambda) => self.lambda(lambda),
            ast::Expr::With(with) => self.with(with),
            ast::Expr::Assert(assert) => Expr::Assert {
                condition: self.some(assert.condition(), assert.syntax()),
                body: self.some(assert.body(), assert.syntax()),
            },
            ast::Expr::IfElse(branch) => Expr::If {
                condition: self.some(branch.condition(), branch.syntax()),
                then: self.some(branch.body(), branch.syntax()),
                otherwise: self.some(branch.else_body(), branch.syntax()),
            },
            ast::Expr::UnaryOp(unary) => self.unary(unary),
            ast::Expr::BinOp(binary) => self.binary(binary),
        };
        Node::new(lowered, place)
    }

    /// A variable, looked up from `skip` frames further out.
    pub(super) fn ident(&mut self, ident: &ast::Ident, skip: usize) -> Expr {
        let place = self.place(ident.syntax());
        let name = ident.syntax().text().to_string();
        let globals = self.context.globals;
        self.named(&name, skip, place, || wanted(ident, globals))
    }

    /// The variable `name`, with the type of value expected at its place.
    pub(super) fn named(
        &mut self,
        name: &str,
        skip: usize,
        place: Place,
        wanted: impl FnOnce() -> Option<Type>,
    ) -> Expr {
        if name == "or" {
            self.faults.push(or_as_variable(place));
            return Expr::Faulty;
        }
        let (symbols, globals) = (self.context.symbols, self.context.globals);
        match variable(&self.scopes, symbols, globals, (name, skip), place, wanted) {
            Ok(expr) => expr,
            Err(fault) => {
                self.faults.push(*fault);
                Expr::Faulty
            }
        }
    }

    fn literal(&mut self, literal: &ast::Literal, place: Place) -> Expr {
        let value = match literal.kind() {
            LiteralKind::Integer(token) => token.syntax().text().parse().ok().map(Value::Int),
            LiteralKind::Float(token) => finite(token.syntax().text()).map(Value::Float),
            LiteralKind::Uri(token) => Some(Value::string(token.syntax().text())),
        };
        match value {
            Some(value) => Expr::Const(value),
            None => {
                self.fault(place, "the number is too large", "it does not fit into 64 bits");
                Expr::Faulty
            }
        }
    }

    pub(super) fn string(&mut self, string: &ast::Str) -> Expr {
        let pieces = string_pieces(string.syntax());
        let parts = pieces.into_iter().map(|piece| match piece {
            Piece::Text(text) => Part::Literal(Rc::new(text.into())),
            Piece::Code(node) => Part::Code(self.interpolated(&node)),
        });
        let mut parts: Vec<Part> = parts.collect();
        match parts.as_mut_slice() {
            [] => Expr::Const(Value::string("")),
            [Part::Literal(text)] => Expr::Const(Value::Str(Rc::clone(text))),
            _ => Expr::Text(parts.into()),
        }
    }

    fn interpolated(&mut self, node: &SyntaxNode) -> Code {
        let expr = node.children().find_map(ast::Expr::cast);
        self.some(expr, node)
    }

    fn path(&mut self, node: &SyntaxNode) -> Expr {
        let mut parts = Vec::new();
        for child in node.children_with_tokens() {
            match child {
                NodeOrToken::Token(token) => {
                    parts.push(Part::Literal(Rc::new(token.text().into())));
                }
                NodeOrToken::Node(node) => parts.push(Part::Code(self.interpolated(&node))),
            }
        }
        if let [Part::Literal(text)] = parts.as_slice() {
            if text.ends_with('/') && text.len() > 1 {
                let place = self.place(node);
                self.fault(place, "a path may not end in a slash", "drop the last `/`");
            }
            let path = SpecPath::new(self.context.folder, text);
            return Expr::Const(Value::Path(Rc::new(path)));
        }
        if let Some(Part::Literal(first)) = parts.first_mut()
            && !first.starts_with('/')
        {
            *first = Rc::new(format!("{}/{first}", self.context.folder).into());
        }
        Expr::Path(parts.into())
    }

    fn select(&mut self, select: &ast::Select) -> Expr {
        Expr::Select {
            set: self.some(select.expr(), select.syntax()),
            path: self.attrpath(select.attrpath()),
            default: select.default_expr().map(|default| self.expr(&default)),
        }
    }

    fn attrpath(&mut self, path: Option<ast::Attrpath>) -> Box<[Key]> {
        let attrs: Vec<_> = path.iter().flat_map(ast::Attrpath::attrs).collect();
        attrs.iter().map(|attr| self.key(attr)).collect()
    }

    pub(super) fn key(&mut self, attr: &ast::Attr) -> Key {
        let place = self.place(attr.syntax());
        match attr {
            ast::Attr::Ident(ident) => {
                Key::Name(self.symbol(&ident.syntax().text().to_string()), place)
            }
            ast::Attr::Dynamic(dynamic) => {
                let code = self.some(dynamic.expr(), dynamic.syntax());
                // `${"name"}` is an ordinary name, also in parentheses.
                match &code.expr {
                    Expr::Const(Value::Str(name)) => Key::Name(self.symbol(name), place),
                    _ => Key::Code(code),
                }
            }
            ast::Attr::Str(string) => match self.string(string) {
                Expr::Const(Value::Str(name)) => Key::Name(self.symbol(&name), place),
                expr => Key::Code(Node::new(expr, place)),
            },
        }
    }

    /// `f a b` is one application with two arguments.
    fn apply(&mut self, apply: &ast::Apply) -> Expr {
        let mut args = vec![self.some(apply.argument(), apply.syntax())];
        let mut function = apply.lambda();
        while let Some(ast::Expr::Apply(inner)) = &function {
            args.push(self.some(inner.argument(), inner.syntax()));
            function = inner.lambda();
        }
        args.reverse();
        Expr::Apply { function: self.some(function, apply.syntax()), args: args.into() }
    }

    fn lambda(&mut self, lambda: &ast::Lambda) -> Expr {
        match lambda.param() {
            Some(ast::Param::Pattern(pattern)) => self.pattern_lambda(lambda, &pattern),
            Some(ast::Param::IdentParam(_)) => self.named_lambda(lambda),
            None => {
                self.broken(lambda.syntax());
                Expr::Faulty
            }
        }
    }

    /// Curried lambdas become one lambda with several parameters in one frame.
    fn named_lambda(&mut self, lambda: &ast::Lambda) -> Expr {
        let mut names = Vec::new();
        let mut body = Some(ast::Expr::Lambda(lambda.clone()));
        while let Some(ast::Expr::Lambda(inner)) = &body {
            let Some(ast::Param::IdentParam(param)) = inner.param() else { break };
            let place = self.place(param.syntax());
            let name = self.symbol(&param.syntax().text().to_string());
            self.variable(name, place);
            names.push(name);
            body = inner.body();
        }
        self.scopes.push_names(names.iter().copied());
        let body = self.some(body, lambda.syntax());
        self.scopes.pop();
        let params = Params::Names(names.into());
        Expr::Lambda(Rc::new(Lambda { params, body, name: OnceCell::new() }))
    }

    fn pattern_lambda(&mut self, lambda: &ast::Lambda, pattern: &ast::Pattern) -> Expr {
        let entries: Vec<_> = pattern.pat_entries().collect();
        let names: Vec<_> = entries.iter().map(|entry| self.formal_name(entry)).collect();
        self.no_duplicates(&names);
        names.iter().for_each(|(name, place)| self.variable(*name, *place));
        let bind = pattern.pat_bind().and_then(|bind| bind.ident());
        let whole = bind.as_ref().map(|ident| self.symbol(&ident.syntax().text().to_string()));
        if let (Some(whole), Some(bind)) = (whole, &bind) {
            let place = self.place(bind.syntax());
            self.variable(whole, place);
            if names.iter().any(|(name, _)| *name == whole) {
                let message = "the name of the whole argument is also the name of one of its parts";
                self.fault(place, message, "this name");
            }
        }
        self.scopes.push_names(names.iter().map(|(name, _)| *name).chain(whole));
        let formals = names.iter().zip(&entries).map(|((name, place), entry)| Formal {
            name: *name,
            place: *place,
            default: entry.default().map(|default| self.expr(&default)),
        });
        let formals = formals.collect();
        let body = self.some(lambda.body(), lambda.syntax());
        self.scopes.pop();
        let pattern = Pattern { formals, open: pattern.ellipsis_token().is_some(), whole };
        let params = Params::Pattern(pattern);
        Expr::Lambda(Rc::new(Lambda { params, body, name: OnceCell::new() }))
    }

    fn formal_name(&self, entry: &ast::PatEntry) -> (Symbol, Place) {
        let ident = entry.ident();
        let node = ident.as_ref().map_or_else(|| entry.syntax(), AstNode::syntax);
        (self.symbol(&node.text().to_string()), self.place(node))
    }

    fn no_duplicates(&mut self, names: &[(Symbol, Place)]) {
        let mut seen = std::collections::HashSet::new();
        for (name, place) in names {
            if !seen.insert(*name) {
                self.fault(*place, "an argument is named twice", "given again here");
            }
        }
    }

    fn with(&mut self, with: &ast::With) -> Expr {
        let set = self.some(with.namespace(), with.syntax());
        self.scopes.push_with();
        let body = self.some(with.body(), with.syntax());
        self.scopes.pop();
        Expr::With { set, body }
    }

    fn unary(&mut self, unary: &ast::UnaryOp) -> Expr {
        let operand = self.some(unary.expr(), unary.syntax());
        match unary.operator() {
            Some(UnaryOpKind::Invert) => Expr::Not(operand),
            Some(UnaryOpKind::Negate) => Expr::Negate(operand),
            None => {
                self.broken(unary.syntax());
                Expr::Faulty
            }
        }
    }

    fn binary(&mut self, binary: &ast::BinOp) -> Expr {
        let left = self.some(binary.lhs(), binary.syntax());
        let right = self.some(binary.rhs(), binary.syntax());
        let op = match binary.operator() {
            Some(BinOpKind::PipeLeft | BinOpKind::PipeRight) => {
                let place = self.place(binary.syntax());
                self.faults.push(pipe(place));
                return Expr::Faulty;
            }
            Some(BinOpKind::Concat) => Op::Concat,
            Some(BinOpKind::Update) => Op::Update,
            Some(BinOpKind::Add) => Op::Add,
            Some(BinOpKind::Sub) => Op::Subtract,
            Some(BinOpKind::Mul) => Op::Multiply,
            Some(BinOpKind::Div) => Op::Divide,
            Some(BinOpKind::And) => Op::And,
            Some(BinOpKind::Or) => Op::Or,
            Some(BinOpKind::Implication) => Op::Implies,
            Some(BinOpKind::Equal) => Op::Equal,
            Some(BinOpKind::NotEqual) => Op::NotEqual,
            Some(BinOpKind::Less) => Op::Less,
            Some(BinOpKind::LessOrEq) => Op::LessOrEqual,
            Some(BinOpKind::More) => Op::Greater,
            Some(BinOpKind::MoreOrEq) => Op::GreaterOrEqual,
            None => {
                self.broken(binary.syntax());
                return Expr::Faulty;
            }
        };
        Expr::Binary { op, left, right }
    }

    /// Refuses to bind a variable that has a name of Nix's own.
    pub(super) fn variable(&mut self, name: Symbol, place: Place) {
        let name = self.context.symbols.name(name);
        if portable::is_reserved(&name) {
            self.faults.push(portable::reserved(&name, place));
        }
    }
}

fn finite(number: &str) -> Option<f64> {
    number.parse().ok().filter(|number: &f64| number.is_finite())
}

fn pipe(place: Place) -> Diagnostic {
    let message = "not every version of Nix has the pipe operators";
    Diagnostic::error(DiagnosticCode::EvaluatorDependent, Some(place), message)
        .label("an experimental feature of newer versions")
        .help("write the call: `f x`")
}

/// `let { …; body = x; }`
fn legacy_let(place: Place) -> Diagnostic {
    let message = "not every version of Nix has `let { … }`";
    Diagnostic::error(DiagnosticCode::EvaluatorDependent, Some(place), message)
        .label("an old form")
        .help("write `let … in …`")
}

fn current_position(place: Place) -> Diagnostic {
    let message = "`__curPos` gives positions, which versions of Nix count differently";
    Diagnostic::error(DiagnosticCode::EvaluatorDependent, Some(place), message)
        .label("evaluators would read the spec differently")
}

/// Versions of Nix read `f or` and `[ f or ]` differently.
fn or_as_variable(place: Place) -> Diagnostic {
    let message = "`or` cannot be a variable";
    Diagnostic::error(DiagnosticCode::EvaluatorDependent, Some(place), message)
        .label("versions of Nix read this differently")
        .help(
            "`or` belongs into `set.name or default`; write an attribute of that name as `set.or`",
        )
}

fn refused(place: Place, message: &str, help: &str) -> Expr {
    let diagnostic = Diagnostic::error(DiagnosticCode::Impure, Some(place), message)
        .label("a spec must mean the same everywhere")
        .help(help);
    Expr::Refused(Box::new(diagnostic))
}

/// The raw contents and interpolations of a string, its escapes resolved.
fn string_pieces(node: &SyntaxNode) -> Vec<Piece<SyntaxNode>> {
    let mut pieces: Vec<Piece<SyntaxNode>> = Vec::new();
    let mut is_indented = false;
    for child in node.children_with_tokens() {
        match child {
            NodeOrToken::Node(node) => pieces.push(Piece::Code(node)),
            NodeOrToken::Token(token) if token.kind() == SyntaxKind::TOKEN_STRING_CONTENT => {
                match pieces.last_mut() {
                    Some(Piece::Text(text)) => text.push_str(token.text()),
                    _ => pieces.push(Piece::Text(token.text().to_owned())),
                }
            }
            NodeOrToken::Token(token) => is_indented |= token.text() == "''",
        }
    }
    if is_indented {
        return indented(pieces);
    }
    let unescaped = pieces.into_iter().map(|piece| match piece {
        Piece::Text(raw) => Piece::Text(unescape(&raw)),
        Piece::Code(node) => Piece::Code(node),
    });
    unescaped.collect()
}
