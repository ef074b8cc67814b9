//! Attribute sets and `let`: merges paths into nested sets, and finds names that are given twice.

use std::collections::HashMap;
use std::rc::Rc;

use jail_registry::{Code as DiagnosticCode, Diagnostic, Place};
use rnix::ast::{self, HasEntry};
use rowan::ast::{AstChildren, AstNode};

use super::lower::Lowering;
use crate::attrs;
use crate::ir::{Code, Expr, Field, Key, Node, SetCode};
use crate::symbols::Symbol;

/// A set as written, before its values are lowered.
#[derive(Default)]
struct Written {
    recursive: bool,
    /// Whether it is written in braces, rather than made from the names of a path.
    is_literal: bool,
    fields: Vec<WrittenField>,
    index: HashMap<Symbol, usize>,
    dynamic: Vec<(ast::Attr, Body, Place)>,
}

struct WrittenField {
    name: Symbol,
    place: Place,
    body: Body,
}

impl Written {
    /// Whether it contains only names and values.
    fn is_plain(&self) -> bool {
        let inherits = |field: &WrittenField| {
            matches!(field.body, Body::Inherit(_) | Body::InheritQuoted(..) | Body::From(..))
        };
        !self.recursive && self.dynamic.is_empty() && !self.fields.iter().any(inherits)
    }
}

enum Body {
    Expr(ast::Expr),
    Set(Box<Written>, Place),
    /// `inherit name;`
    Inherit(ast::Ident),
    /// `inherit "name";`
    InheritQuoted(Symbol, Place),
    /// `inherit (set) name;`
    From(ast::Expr, Place),
}

impl Lowering<'_> {
    pub(super) fn set(&mut self, set: &ast::AttrSet) -> Expr {
        let mut written = self.written(set.attrpath_values(), set.inherits());
        written.recursive = set.rec_token().is_some();
        self.lower_set(&written)
    }

    pub(super) fn let_in(&mut self, set: &ast::LetIn) -> Expr {
        let written = self.written(set.attrpath_values(), set.inherits());
        for (attr, _, _) in &written.dynamic {
            let place = self.place(attr.syntax());
            self.fault(place, "a name in `let` cannot be computed", "write the name itself");
        }
        self.variables(&written);
        let names: Box<[Symbol]> = written.fields.iter().map(|field| field.name).collect();
        self.scopes.push_names(names.iter().copied());
        let bindings = written.fields.iter().map(|field| self.field_value(field, 1)).collect();
        let body = self.some(set.body(), set.syntax());
        self.scopes.pop();
        Expr::Let { names, bindings, body }
    }

    fn lower_set(&mut self, written: &Written) -> Expr {
        if written.recursive {
            self.variables(written);
            self.scopes.push_names(written.fields.iter().map(|field| field.name));
        }
        let skip = usize::from(written.recursive);
        let fields = written.fields.iter().map(|field| {
            let value = self.field_value(field, skip);
            let place = Rc::new(attrs::Written { name: field.place, value: value.place });
            Field { name: field.name, place, value }
        });
        let fields = fields.collect();
        let dynamic = written.dynamic.iter().map(|(attr, body, place)| {
            let key = match self.key(attr) {
                Key::Code(code) => code,
                Key::Name(name, place) => {
                    let name = self.context.symbols.name(name);
                    Node::new(Expr::Const(crate::value::Value::string(&*name)), place)
                }
            };
            (key, self.body(body, *place, skip))
        });
        let dynamic = dynamic.collect();
        if written.recursive {
            self.scopes.pop();
        }
        Expr::Set(Box::new(SetCode { recursive: written.recursive, fields, dynamic }))
    }

    /// The fields of a `let` or `rec` are variables.
    fn variables(&mut self, written: &Written) {
        written.fields.iter().for_each(|field| self.variable(field.name, field.place));
    }

    fn field_value(&mut self, field: &WrittenField, skip: usize) -> Code {
        let code = self.body(&field.body, field.place, skip);
        if let Expr::Lambda(lambda) = &code.expr {
            let _ = lambda.name.set(field.name);
        }
        code
    }

    fn body(&mut self, body: &Body, name: Place, skip: usize) -> Code {
        match body {
            Body::Expr(expr) => self.expr(expr),
            Body::Set(written, place) => Node::new(self.lower_set(written), *place),
            Body::Inherit(ident) => {
                let expr = self.ident(ident, skip);
                Node::new(expr, name)
            }
            Body::InheritQuoted(symbol, place) => {
                let text = self.context.symbols.name(*symbol);
                Node::new(self.named(&text, skip, *place, || None), name)
            }
            Body::From(set, place) => {
                let set = self.expr(set);
                let symbol = self.inherited_name(*place);
                let path = [Key::Name(symbol, *place)].into();
                Node::new(Expr::Select { set, path, default: None }, *place)
            }
        }
    }

    /// The name at a place of `inherit (set) name;` was interned when the set was read.
    fn inherited_name(&self, place: Place) -> Symbol {
        self.inherited.get(&place).copied().unwrap_or_else(|| self.symbol(""))
    }

    fn written(
        &mut self,
        values: AstChildren<ast::AttrpathValue>,
        inherits: AstChildren<ast::Inherit>,
    ) -> Written {
        let mut written = Written::default();
        for inherit in inherits {
            self.inherit(&mut written, &inherit);
        }
        for value in values {
            let attrs: Vec<_> = value.attrpath().iter().flat_map(ast::Attrpath::attrs).collect();
            match value.value() {
                Some(expr) => self.insert(&mut written, &attrs, expr),
                None => {
                    self.some(None, value.syntax());
                }
            }
        }
        written
    }

    fn inherit(&mut self, written: &mut Written, inherit: &ast::Inherit) {
        let from = inherit.from().and_then(|from| from.expr());
        for attr in inherit.attrs() {
            let place = self.place(attr.syntax());
            let Key::Name(name, _) = self.key(&attr) else {
                self.fault(place, "an inherited name cannot be computed", "write the name itself");
                continue;
            };
            let body = match (&from, &attr) {
                (Some(set), _) => {
                    self.inherited.insert(place, name);
                    Body::From(set.clone(), place)
                }
                (None, ast::Attr::Ident(ident)) => Body::Inherit(ident.clone()),
                (None, _) => Body::InheritQuoted(name, place),
            };
            self.add(written, name, place, body);
        }
    }

    /// `path = expr;`
    fn insert(&mut self, written: &mut Written, path: &[ast::Attr], expr: ast::Expr) {
        let Some((first, rest)) = path.split_first() else { return };
        let place = self.place(first.syntax());
        let body = if rest.is_empty() {
            self.literal_set(expr)
        } else {
            let mut inner = Written::default();
            self.insert(&mut inner, rest, expr);
            Body::Set(Box::new(inner), place)
        };
        match self.key_name(first) {
            Some(name) => self.add(written, name, place, body),
            None => written.dynamic.push((first.clone(), body, place)),
        }
    }

    /// The name of a key without interpolation.
    fn key_name(&mut self, attr: &ast::Attr) -> Option<Symbol> {
        let faults = self.faults.len();
        let key = self.key(attr);
        // An interpolated key is lowered again in its own scope, which also reports its faults.
        self.faults.truncate(faults);
        match key {
            Key::Name(name, _) => Some(name),
            Key::Code(_) => None,
        }
    }

    /// A set literal, which further paths may be merged into.
    fn literal_set(&mut self, expr: ast::Expr) -> Body {
        let ast::Expr::AttrSet(set) = &expr else { return Body::Expr(expr) };
        let place = self.place(set.syntax());
        let mut written = self.written(set.attrpath_values(), set.inherits());
        written.recursive = set.rec_token().is_some();
        written.is_literal = true;
        Body::Set(Box::new(written), place)
    }

    fn add(&mut self, written: &mut Written, name: Symbol, place: Place, body: Body) {
        let Some(index) = written.index.get(&name) else {
            written.index.insert(name, written.fields.len());
            written.fields.push(WrittenField { name, place, body });
            return;
        };
        let Some(field) = written.fields.get_mut(*index) else { return };
        let first = field.place;
        match (&mut field.body, body) {
            (Body::Set(set, _), Body::Set(more, _)) => {
                if more.is_literal && !more.is_plain() {
                    self.merged(name, first, place);
                }
                set.dynamic.extend(more.dynamic);
                for field in more.fields {
                    self.add(set, field.name, field.place, field.body);
                }
            }
            _ => self.duplicate(name, first, place),
        }
    }

    /// In a second set for one attribute, some versions of Nix drop computed names, or
    /// look `inherit` up elsewhere.
    fn merged(&mut self, name: Symbol, first: Place, second: Place) {
        let name = self.context.symbols.name(name);
        let message = format!("the sets for `{name}` are merged differently by versions of Nix");
        let fault = Diagnostic::error(DiagnosticCode::EvaluatorDependent, Some(second), message)
            .label("the second one has computed names, `inherit` or `rec`")
            .secondary(first, "the first one")
            .help("write one set, or use `//`");
        self.faults.push(fault);
    }

    fn duplicate(&mut self, name: Symbol, first: Place, second: Place) {
        let name = self.context.symbols.name(name);
        let message = format!("the attribute `{name}` is given twice");
        let mut fault =
            Diagnostic::error(DiagnosticCode::DuplicateAttribute, Some(second), message)
                .label("given again here");
        fault.secondary.push((first, "first given here".into()));
        self.faults.push(fault);
    }
}
