//! Random expressions of known types, many in one call of Nix: whatever is written, both
//! must mean the same by it.

use std::fmt::Write as _;

use proptest::test_runner::{Config, TestRunner};

use crate::choices::Choices;
use crate::{has_nix, nix, ours, same};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Int,
    Bool,
    Text,
    List,
    Set,
}

struct Writer {
    choices: Choices,
    /// The variables in scope.
    scope: Vec<(String, Type)>,
    names: u32,
}

impl Writer {
    fn expression(seed: u64) -> String {
        let mut writer = Self { choices: Choices(seed), scope: Vec::new(), names: 0 };
        let ty = [Type::Int, Type::Bool, Type::Text, Type::List, Type::Set]
            [usize::try_from(seed % 5).unwrap()];
        writer.of_type(ty, 5)
    }

    fn fresh(&mut self) -> String {
        self.names += 1;
        // Few names, so that they hide one another.
        format!("{}{}", self.choices.of(&["a", "b", "x'", "y-z"]), self.names % 4)
    }

    /// An expression that gives a value of the type, or divides by nothing and throws in no case.
    fn of_type(&mut self, ty: Type, depth: u32) -> String {
        let known: Vec<_> = self
            .scope
            .iter()
            .filter(|(_, known)| *known == ty)
            .map(|(name, _)| name.clone())
            .collect();
        // A name may be hidden by a later one of another type.
        let visible = known.into_iter().filter(|name| {
            self.scope
                .iter()
                .rev()
                .find(|(other, _)| other == name)
                .is_some_and(|(_, known)| *known == ty)
        });
        let visible: Vec<_> = visible.collect();
        if !visible.is_empty() && self.choices.next(3) == 0 {
            return visible[usize::try_from(self.choices.next(visible.len() as u64)).unwrap()]
                .clone();
        }
        if depth == 0 {
            return self.literal(ty);
        }
        match self.choices.next(9) {
            0 => self.binding(ty, depth),
            1 => {
                let (condition, then, otherwise) = (
                    self.of_type(Type::Bool, depth - 1),
                    self.of_type(ty, depth - 1),
                    self.of_type(ty, depth - 1),
                );
                format!("(if {condition} then {then} else {otherwise})")
            }
            2 => self.call(ty, depth),
            3 => {
                let (set, value) =
                    (self.of_type(Type::Set, depth - 1), self.of_type(ty, depth - 1));
                format!("({set} // {{ k = {value}; }}).k")
            }
            4 => {
                let (list, value) =
                    (self.of_type(Type::List, depth - 1), self.of_type(ty, depth - 1));
                format!("(builtins.head ([ {value} ] ++ {list}))")
            }
            _ => self.operation(ty, depth),
        }
    }

    fn literal(&mut self, ty: Type) -> String {
        let words: &[&str] = match ty {
            Type::Int => &["0", "1", "2", "7", "(-3)", "100"],
            Type::Bool => &["true", "false"],
            Type::Text => {
                &["\"\"", "\"a\"", "\"b c\"", "''\n  x\n    y\n''", "\"\\${z}\"", "\"é\""]
            }
            Type::List => &["[ ]", "[ 1 ]", "[ \"a\" 2 ]", "[ [ ] { } ]"],
            Type::Set => &["{ }", "{ a = 1; }", "{ b.c = 2; b.d = 3; }", "rec { a = 1; e = a; }"],
        };
        self.choices.of(words).to_owned()
    }

    fn any(&mut self) -> Type {
        [Type::Int, Type::Bool, Type::Text, Type::List, Type::Set]
            [usize::try_from(self.choices.next(5)).unwrap()]
    }

    fn binding(&mut self, ty: Type, depth: u32) -> String {
        let (name, of) = (self.fresh(), self.any());
        let value = self.of_type(of, depth - 1);
        self.scope.push((name.clone(), of));
        let body = self.of_type(ty, depth - 1);
        self.scope.pop();
        match self.choices.next(4) {
            0 => format!("(({name}: {body}) {value})"),
            1 => format!(
                "(({{ {name}, ... }}: {body}) {{ {name} = {value}; other = throw \"x\"; }})"
            ),
            2 if !value.contains(&name) => {
                format!("(let {name} = {value}; unused = throw \"x\"; in {body})")
            }
            _ => format!("(({{ {name} ? throw \"x\" }}: {body}) {{ {name} = {value}; }})"),
        }
    }

    fn call(&mut self, ty: Type, depth: u32) -> String {
        let value = self.of_type(ty, depth - 1);
        match self.choices.next(4) {
            0 => format!("((x: y: x) {value} (throw \"x\"))"),
            1 => format!("(builtins.elemAt (map (x: x) [ (throw \"x\") {value} ]) 1)"),
            2 => format!("(with {{ w = {value}; }}; w)"),
            _ => format!("(builtins.foldl' (x: y: y) null [ 1 {value} ])"),
        }
    }

    fn operation(&mut self, ty: Type, depth: u32) -> String {
        let mut text = String::new();
        let (less, choices) = (depth - 1, self.choices.next(4));
        let wrote = match (ty, choices) {
            (Type::Int, 0) => write!(text, "(builtins.length {})", self.of_type(Type::List, less)),
            (Type::Int, 1) => {
                write!(text, "(builtins.stringLength {})", self.of_type(Type::Text, less))
            }
            (Type::Int, _) => {
                let op = self.choices.of(&["+", "-"]);
                write!(
                    text,
                    "({} {op} {})",
                    self.of_type(Type::Int, less),
                    self.of_type(Type::Int, less)
                )
            }
            (Type::Bool, 0) => {
                let of = self.any();
                let op = self.choices.of(&["==", "!="]);
                write!(text, "({} {op} {})", self.of_type(of, less), self.of_type(of, less))
            }
            (Type::Bool, 1) => {
                let op = self.choices.of(&["<", "<=", ">", ">="]);
                let of = if self.choices.next(2) == 0 { Type::Int } else { Type::Text };
                write!(text, "({} {op} {})", self.of_type(of, less), self.of_type(of, less))
            }
            (Type::Bool, 2) => write!(text, "(!{} ? a)", self.of_type(Type::Set, less)),
            (Type::Bool, _) => {
                let op = self.choices.of(&["&&", "||", "->"]);
                write!(
                    text,
                    "({} {op} {})",
                    self.of_type(Type::Bool, less),
                    self.of_type(Type::Bool, less)
                )
            }
            (Type::Text, 0) => write!(text, "(toString {})", self.of_type(Type::Int, less)),
            (Type::Text, 1) => write!(text, "\"<${{{}}}>\"", self.of_type(Type::Text, less)),
            (Type::Text, 2) => write!(text, "(builtins.toJSON {})", self.of_type(Type::Set, less)),
            (Type::Text, _) => {
                write!(
                    text,
                    "({} + {})",
                    self.of_type(Type::Text, less),
                    self.of_type(Type::Text, less)
                )
            }
            (Type::List, 0) => write!(text, "(map (x: [ x ]) {})", self.of_type(Type::List, less)),
            (Type::List, 1) => {
                write!(text, "(builtins.attrValues {})", self.of_type(Type::Set, less))
            }
            (Type::List, 2) => {
                let (a, b) = (self.any(), self.any());
                write!(text, "[ {} {} ]", self.of_type(a, less), self.of_type(b, less))
            }
            (Type::List, _) => {
                write!(
                    text,
                    "({} ++ {})",
                    self.of_type(Type::List, less),
                    self.of_type(Type::List, less)
                )
            }
            (Type::Set, 0) => {
                write!(
                    text,
                    "({} // {})",
                    self.of_type(Type::Set, less),
                    self.of_type(Type::Set, less)
                )
            }
            (Type::Set, 1) => {
                write!(text, "(builtins.mapAttrs (n: v: n) {})", self.of_type(Type::Set, less))
            }
            (Type::Set, 2) => {
                write!(text, "(builtins.removeAttrs {} [ \"a\" ])", self.of_type(Type::Set, less))
            }
            (Type::Set, _) => {
                let (a, b) = (self.any(), self.any());
                write!(
                    text,
                    "{{ p = {}; \"q r\".s = {}; }}",
                    self.of_type(a, less),
                    self.of_type(b, less)
                )
            }
        };
        wrote.unwrap();
        text
    }
}

/// The seeds of one call of Nix.
const BATCH: u64 = 250;

#[test]
fn random_expressions_mean_the_same() {
    if !has_nix() {
        return;
    }
    let config = Config { cases: 4, failure_persistence: None, ..Config::default() };
    let compared = TestRunner::new(config).run(&proptest::num::u64::ANY, |seed| {
        let expressions: Vec<_> = (0..BATCH)
            .map(|index| {
                Writer::expression(seed.wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
            })
            .collect();
        let whole = format!("[\n({})\n]", expressions.join(")\n("));
        let wanted = nix(&whole).unwrap_or_else(|error| panic!("{error}"));
        for (expression, wanted) in expressions.iter().zip(wanted.as_array().unwrap()) {
            let got = ours(expression);
            assert!(
                got.as_ref().is_ok_and(|got| same(wanted, got)),
                "{expression}\nnix: {wanted}\nours: {got:?}"
            );
        }
        Ok(())
    });
    compared.unwrap();
}
