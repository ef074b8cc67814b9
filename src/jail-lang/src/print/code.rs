//! Code as `nix-instantiate --parse` shows it: every operator in parentheses, paths of attributes
//! put together to sets, names in the order of their letters. What means the same everywhere is not
//! written as it was: `a.b = 1;` becomes `a = { b = 1; };`.

use super::six_digits;
use crate::files::Files;
use crate::ir::{Code, Expr, Field, Key, Lambda, Op, Params, Part, Pattern, SetCode};
use crate::nix_text::{Dollars, escape, name};
use crate::symbols::{Symbol, Symbols};
use crate::value::Value;

/// The text of `code`, on one line. What is written as it stands is copied from `files`.
pub(crate) fn write(symbols: &Symbols, files: &Files, code: &Code) -> String {
    let mut printer = Printer { symbols, files, text: String::new() };
    printer.code(code);
    printer.text
}

struct Printer<'a> {
    symbols: &'a Symbols,
    files: &'a Files,
    text: String,
}

impl Printer<'_> {
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn code(&mut self, code: &Code) {
        match &code.expr {
            Expr::Const(Value::Int(number)) => self.put(&number.to_string()),
            Expr::Const(Value::Float(number)) => self.put(&six_digits(*number)),
            Expr::Const(Value::Str(text)) => self.string(text),
            Expr::Const(Value::Path(path)) => self.put(&path.0),
            Expr::Const(_) | Expr::Refused(_) | Expr::Faulty => {
                let written = self.files.text(code.place);
                self.put(written);
            }
            Expr::Local { name, .. } | Expr::Global(name) | Expr::Dynamic { name, .. } => {
                self.symbol(*name);
            }
            Expr::Text(parts) => self.text_of_parts(parts, true),
            Expr::Path(parts) => self.text_of_parts(parts, false),
            Expr::Select { set, path, default } => {
                self.among("(", set, ").");
                self.path(path);
                if let Some(default) = default {
                    self.among(" or (", default, ")");
                }
            }
            Expr::Has { set, path } => {
                self.among("((", set, ") ? ");
                self.path(path);
                self.put(")");
            }
            Expr::Apply { function, args } => {
                self.put("(");
                self.code(function);
                args.iter().for_each(|arg| self.among(" ", arg, ""));
                self.put(")");
            }
            Expr::Lambda(lambda) => self.lambda(lambda),
            Expr::Let { names, bindings, body } => self.let_in(names, bindings, body),
            Expr::Set(set) => self.set(set),
            Expr::List(items) => {
                self.put("[ ");
                items.iter().for_each(|item| self.among("(", item, ") "));
                self.put("]");
            }
            Expr::If { condition, then, otherwise } => {
                self.among("(if ", condition, " then ");
                self.code(then);
                self.among(" else ", otherwise, ")");
            }
            Expr::Assert { condition, body } => {
                self.among("assert ", condition, "; ");
                self.code(body);
            }
            Expr::With { set, body } => {
                self.among("(with ", set, "; ");
                self.among("", body, ")");
            }
            Expr::Binary { op, left, right } => self.binary(*op, left, right),
            Expr::Not(operand) => self.among("(! ", operand, ")"),
            Expr::Negate(operand) => self.among("(__sub 0 ", operand, ")"),
        }
    }

    fn among(&mut self, before: &str, code: &Code, after: &str) {
        self.put(before);
        self.code(code);
        self.put(after);
    }

    /// Comparisons and arithmetic, except `+`, are calls of named functions.
    fn binary(&mut self, op: Op, left: &Code, right: &Code) {
        let (begin, left, between, right, end) = match op {
            Op::Subtract => ("(__sub ", left, " ", right, ")"),
            Op::Multiply => ("(__mul ", left, " ", right, ")"),
            Op::Divide => ("(__div ", left, " ", right, ")"),
            Op::Less => ("(__lessThan ", left, " ", right, ")"),
            Op::Greater => ("(__lessThan ", right, " ", left, ")"),
            Op::LessOrEqual => ("(! (__lessThan ", right, " ", left, "))"),
            Op::GreaterOrEqual => ("(! (__lessThan ", left, " ", right, "))"),
            Op::Concat
            | Op::Update
            | Op::Add
            | Op::And
            | Op::Or
            | Op::Implies
            | Op::Equal
            | Op::NotEqual => {
                self.among("(", left, " ");
                self.put(op.as_str());
                self.among(" ", right, ")");
                return;
            }
        };
        self.among(begin, left, between);
        self.among("", right, end);
    }

    fn symbol(&mut self, symbol: Symbol) {
        let written = self.symbols.name(symbol);
        self.put(&name(&written));
    }

    fn string(&mut self, text: &str) {
        self.put("\"");
        escape(text, Dollars::BeforeBrace, &mut self.text);
        self.put("\"");
    }

    fn text_of_parts(&mut self, parts: &[Part], is_string: bool) {
        self.put("(");
        for (index, part) in parts.iter().enumerate() {
            self.put(if index == 0 { "" } else { " + " });
            match part {
                Part::Literal(text) if is_string || index > 0 => self.string(text),
                // It starts with the folder of the file.
                Part::Literal(text) => self.put(&text.replace("/./", "/")),
                Part::Code(code) => self.code(code),
            }
        }
        self.put(")");
    }

    fn path(&mut self, path: &[Key]) {
        for (index, key) in path.iter().enumerate() {
            self.put(if index == 0 { "" } else { "." });
            match key {
                Key::Name(name, _) => self.symbol(*name),
                Key::Code(code) => self.among("\"${", code, "}\""),
            }
        }
    }

    fn lambda(&mut self, lambda: &Lambda) {
        let closing = match &lambda.params {
            Params::Names(names) => {
                for name in names {
                    self.put("(");
                    self.symbol(*name);
                    self.put(": ");
                }
                names.len()
            }
            Params::Pattern(pattern) => {
                self.pattern(pattern);
                1
            }
        };
        self.code(&lambda.body);
        self.put(&")".repeat(closing));
    }

    fn pattern(&mut self, pattern: &Pattern) {
        self.put("({ ");
        let mut formals: Vec<_> = pattern.formals.iter().collect();
        formals.sort_by_key(|formal| self.symbols.name(formal.name));
        for (index, formal) in formals.into_iter().enumerate() {
            self.put(if index == 0 { "" } else { ", " });
            self.symbol(formal.name);
            if let Some(default) = &formal.default {
                self.among(" ? ", default, "");
            }
        }
        if pattern.open {
            self.put(if pattern.formals.is_empty() { "..." } else { ", ..." });
        }
        self.put(" }");
        if let Some(whole) = pattern.whole {
            self.put(" @ ");
            self.symbol(whole);
        }
        self.put(": ");
    }

    fn let_in(&mut self, names: &[Symbol], bindings: &[Code], body: &Code) {
        self.put("(let ");
        let mut both: Vec<_> = names.iter().zip(bindings).collect();
        both.sort_by_key(|(name, _)| self.symbols.name(**name));
        for (name, value) in both {
            self.binding(*name, value, is_from_outside(*name, value));
        }
        self.among("in ", body, ")");
    }

    fn binding(&mut self, name: Symbol, value: &Code, is_inherited: bool) {
        if is_inherited {
            self.put("inherit ");
            self.symbol(name);
        } else {
            self.symbol(name);
            self.among(" = ", value, "");
        }
        self.put("; ");
    }

    fn set(&mut self, set: &SetCode) {
        self.put(if set.recursive { "rec { " } else { "{ " });
        let mut fields: Vec<&Field> = set.fields.iter().collect();
        fields.sort_by_key(|field| self.symbols.name(field.name));
        for field in fields {
            let is_inherited = match set.recursive {
                true => is_from_outside(field.name, &field.value),
                // The value of `inherit x;` is written at its name.
                false => {
                    is_variable(field.name, &field.value) && field.value.place == field.place.name
                }
            };
            self.binding(field.name, &field.value, is_inherited);
        }
        for (key, value) in &set.dynamic {
            self.among("\"${", key, "}\" = ");
            self.among("", value, "; ");
        }
        self.put("}");
    }
}

fn is_variable(name: Symbol, value: &Code) -> bool {
    match &value.expr {
        Expr::Local { name: other, .. }
        | Expr::Global(other)
        | Expr::Dynamic { name: other, .. } => *other == name,
        _ => false,
    }
}

/// Whether a binding has the value of the variable of the same name further out, which
/// only `inherit` can express.
fn is_from_outside(name: Symbol, value: &Code) -> bool {
    let is_own = matches!(&value.expr, Expr::Local { up: 0, .. });
    is_variable(name, value) && !is_own
}
