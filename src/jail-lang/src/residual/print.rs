//! Prints source as nixfmt would: on one line if it fits, else broken at the outermost brackets.

use super::source::{Key, Name, Param, Source, TextSource};
use crate::ir::Op;
use crate::nix_text::{self, Part};

const WIDTH: usize = 100;

/// How tightly an expression binds. A looser one needs parentheses inside a tighter one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tightness {
    Open,
    Implies,
    Or,
    And,
    Equal,
    Compare,
    Update,
    Not,
    Add,
    Multiply,
    Concat,
    Has,
    Negate,
    Apply,
    Select,
    Atom,
}

/// The text of an expression, with its generated names.
pub(super) fn print(source: &Source, names: &[String]) -> String {
    Printer { names }.expr(source, Tightness::Open, 0)
}

struct Printer<'a> {
    names: &'a [String],
}

impl Printer<'_> {
    fn name(&self, name: &Name) -> String {
        match name {
            Name::Fixed(name) => name.clone(),
            Name::Generated(id) => self.generated(*id),
        }
    }

    fn generated(&self, id: usize) -> String {
        self.names.get(id).cloned().unwrap_or_default()
    }

    fn expr(&self, source: &Source, around: Tightness, indent: usize) -> String {
        let own = tightness(source);
        if own < around {
            let inner = self.expr(source, Tightness::Open, indent);
            return format!("({inner})");
        }
        if source.fits_on_a_line() {
            let flat = self.layout(source, indent, Layout::Flat);
            if !flat.contains('\n') && indent + flat.chars().count() <= WIDTH {
                return flat;
            }
        }
        self.layout(source, indent, Layout::Broken)
    }

    fn layout(&self, source: &Source, indent: usize, layout: Layout) -> String {
        match source {
            Source::Atom(text) => text.clone(),
            Source::Generated(id) => self.generated(*id),
            Source::Text(parts) => self.text(parts, indent),
            Source::List(items) if items.is_empty() => "[ ]".into(),
            Source::List(items) => {
                let items =
                    items.iter().map(|item| self.at(layout, item, Tightness::Select, indent + 2));
                bracketed(("[", "]"), items.collect(), layout, indent)
            }
            Source::Set(fields) if fields.is_empty() => "{ }".into(),
            Source::Set(fields) => {
                let fields = fields.iter().map(|(key, value)| {
                    let key = self.key(key, indent + 2);
                    format!("{key} = {};", self.at(layout, value, Tightness::Open, indent + 2))
                });
                bracketed(("{", "}"), fields.collect(), layout, indent)
            }
            Source::Let(bindings, body) => self.let_in(bindings, body, indent),
            Source::Lambda(param, body) => {
                let param = self.param(param, indent);
                format!("{param}: {}", self.at(layout, body, Tightness::Open, indent))
            }
            Source::Apply(function, args) => {
                let mut text = self.at(layout, function, Tightness::Apply, indent);
                for arg in args {
                    text.push(' ');
                    text.push_str(&self.at(layout, arg, Tightness::Select, indent));
                }
                text
            }
            Source::Select(set, path, default) => {
                let set = self.at(layout, set, Tightness::Atom, indent);
                let path = self.path(path, indent);
                match default {
                    None => format!("{set}.{path}"),
                    Some(default) => {
                        format!(
                            "{set}.{path} or {}",
                            self.at(layout, default, Tightness::Select, indent)
                        )
                    }
                }
            }
            Source::Has(set, path) => {
                let set = self.at(layout, set, Tightness::Negate, indent);
                format!("{set} ? {}", self.path(path, indent))
            }
            Source::If(condition, then, otherwise) => {
                let condition = self.at(layout, condition, Tightness::Open, indent);
                let then = self.at(layout, then, Tightness::Open, indent + 2);
                let otherwise = self.at(layout, otherwise, Tightness::Open, indent + 2);
                match layout {
                    Layout::Flat => format!("if {condition} then {then} else {otherwise}"),
                    Layout::Broken => {
                        let (here, inner) = (spaces(indent), spaces(indent + 2));
                        format!(
                            "if {condition} then\n{inner}{then}\n{here}else\n{inner}{otherwise}"
                        )
                    }
                }
            }
            Source::Assert(condition, body) => {
                let condition = self.at(layout, condition, Tightness::Open, indent);
                format!("assert {condition}; {}", self.at(layout, body, Tightness::Open, indent))
            }
            Source::Binary(op, left, right) => self.binary(*op, left, right, indent, layout),
            Source::Not(operand) => {
                format!("!{}", self.at(layout, operand, Tightness::Not, indent))
            }
            Source::Negate(operand) => {
                format!("-{}", self.at(layout, operand, Tightness::Negate, indent))
            }
        }
    }

    /// A child is written flat if its parent is.
    fn at(&self, layout: Layout, source: &Source, around: Tightness, indent: usize) -> String {
        match layout {
            Layout::Broken => self.expr(source, around, indent),
            Layout::Flat if tightness(source) < around => {
                format!("({})", self.layout(source, indent, Layout::Flat))
            }
            Layout::Flat => self.layout(source, indent, Layout::Flat),
        }
    }

    fn let_in(&self, bindings: &[(Name, Source)], body: &Source, indent: usize) -> String {
        let inner = spaces(indent + 2);
        let mut text = String::from("let\n");
        for (name, value) in bindings {
            let value = self.expr(value, Tightness::Open, indent + 2);
            text.push_str(&format!("{inner}{} = {value};\n", self.name(name)));
        }
        let body = self.expr(body, Tightness::Open, indent);
        format!("{text}{}in\n{}{body}", spaces(indent), spaces(indent))
    }

    fn binary(
        &self,
        op: Op,
        left: &Source,
        right: &Source,
        indent: usize,
        layout: Layout,
    ) -> String {
        let own = operator(op);
        let tighter = next(own);
        // Associative to the right, to the left, or not at all.
        let (for_left, for_right) = match op {
            Op::Concat | Op::Update | Op::Implies => (tighter, own),
            Op::Add | Op::Subtract | Op::Multiply | Op::Divide | Op::And | Op::Or => (own, tighter),
            _ => (tighter, tighter),
        };
        let left = self.at(layout, left, for_left, indent);
        let right = self.at(layout, right, for_right, indent);
        format!("{left} {} {right}", op.as_str())
    }

    fn path(&self, path: &[Key], indent: usize) -> String {
        let keys: Vec<_> = path.iter().map(|key| self.key(key, indent)).collect();
        keys.join(".")
    }

    fn key(&self, key: &Key, indent: usize) -> String {
        match key {
            Key::Name(name) => nix_text::name(name).into_owned(),
            Key::Code(code) => format!("${{{}}}", self.expr(code, Tightness::Open, indent)),
        }
    }

    fn param(&self, param: &Param, indent: usize) -> String {
        let (formals, open, whole) = match param {
            Param::Name(name) => return self.name(name),
            Param::Pattern { formals, open, whole } => (formals, open, whole),
        };
        let mut parts: Vec<_> = formals
            .iter()
            .map(|(name, default)| match default {
                None => name.clone(),
                Some(default) => {
                    format!("{name} ? {}", self.expr(default, Tightness::Open, indent))
                }
            })
            .collect();
        if *open {
            parts.push("...".into());
        }
        let pattern =
            if parts.is_empty() { "{ }".into() } else { format!("{{ {} }}", parts.join(", ")) };
        match whole {
            Some(name) => format!("{pattern}@{}", self.name(name)),
            None => pattern,
        }
    }

    fn text(&self, parts: &[TextSource], indent: usize) -> String {
        let part = |part: &TextSource| match part {
            TextSource::Literal(literal) => Part::Literal(literal.clone()),
            TextSource::Code(code) => Part::Code(self.expr(code, Tightness::Open, indent)),
        };
        nix_text::string(&parts.iter().map(part).collect::<Vec<_>>(), indent)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    Flat,
    Broken,
}

fn bracketed(
    (open, close): (&str, &str),
    items: Vec<String>,
    layout: Layout,
    indent: usize,
) -> String {
    match layout {
        Layout::Flat => format!("{open} {} {close}", items.join(" ")),
        Layout::Broken => {
            let inner = spaces(indent + 2);
            let lines: Vec<_> = items.iter().map(|item| format!("{inner}{item}")).collect();
            format!("{open}\n{}\n{}{close}", lines.join("\n"), spaces(indent))
        }
    }
}

fn spaces(count: usize) -> String {
    " ".repeat(count)
}

fn tightness(source: &Source) -> Tightness {
    match source {
        Source::Atom(_)
        | Source::Generated(_)
        | Source::Text(_)
        | Source::List(_)
        | Source::Set(_) => Tightness::Atom,
        Source::Let(..) | Source::Lambda(..) | Source::If(..) | Source::Assert(..) => {
            Tightness::Open
        }
        Source::Apply(..) => Tightness::Apply,
        Source::Select(..) => Tightness::Select,
        Source::Has(..) => Tightness::Has,
        Source::Binary(op, _, _) => operator(*op),
        Source::Not(_) => Tightness::Not,
        Source::Negate(_) => Tightness::Negate,
    }
}

const fn operator(op: Op) -> Tightness {
    match op {
        Op::Implies => Tightness::Implies,
        Op::Or => Tightness::Or,
        Op::And => Tightness::And,
        Op::Equal | Op::NotEqual => Tightness::Equal,
        Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual => Tightness::Compare,
        Op::Update => Tightness::Update,
        Op::Add | Op::Subtract => Tightness::Add,
        Op::Multiply | Op::Divide => Tightness::Multiply,
        Op::Concat => Tightness::Concat,
    }
}

const fn next(tightness: Tightness) -> Tightness {
    match tightness {
        Tightness::Open => Tightness::Implies,
        Tightness::Implies => Tightness::Or,
        Tightness::Or => Tightness::And,
        Tightness::And => Tightness::Equal,
        Tightness::Equal => Tightness::Compare,
        Tightness::Compare => Tightness::Update,
        Tightness::Update => Tightness::Not,
        Tightness::Not => Tightness::Add,
        Tightness::Add => Tightness::Multiply,
        Tightness::Multiply => Tightness::Concat,
        Tightness::Concat => Tightness::Has,
        Tightness::Has => Tightness::Negate,
        Tightness::Negate => Tightness::Apply,
        Tightness::Apply => Tightness::Select,
        Tightness::Select | Tightness::Atom => Tightness::Atom,
    }
}
