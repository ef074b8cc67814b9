//! Where a word is defined: in this text, or in a file that it imports.

use std::cell::Cell;
use std::ops::Range;

use rnix::ast::{self, HasEntry};
use rowan::ast::AstNode as _;

use super::{TargetKind, Tree, attr_name, call, callee, ident_name, path_of, range};

/// Where something is defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Definition {
    /// In the same text.
    Here(Range<usize>),
    /// In another file.
    File {
        /// Its path, relative to the file at hand, as it is written. It may be that of a folder
        /// with a `default.nix`.
        path: String,
        /// The attribute of the file's value that is meant, by its names; none for the file itself.
        names: Vec<String>,
    },
}

/// How many variables are followed for one answer. A text may bind them in a circle.
fn fuel() -> Cell<usize> {
    Cell::new(32)
}

impl Tree {
    /// Where the word at a byte is defined, as far as this text shows.
    #[must_use]
    pub fn definition(&self, offset: usize) -> Option<Definition> {
        match self.target(offset)?.kind {
            TargetKind::Variable { name, .. } => self.variable(&name, offset),
            TargetKind::Attribute { base, name } => {
                let (variable, rest) = base.split_first()?;
                let names: Vec<_> = rest.iter().cloned().chain([name]).collect();
                self.in_variable(variable, offset, &names, &fuel())
            }
            TargetKind::Argument { function, name } => {
                let value = self.binding(&function, offset)?.value?;
                self.argument_of(&value, &name)
            }
            TargetKind::Path(path) => Some(Definition::File { path, names: Vec::new() }),
        }
    }

    /// Where an attribute of the file's value is defined: of the set that the file is, or that its
    /// function makes.
    #[must_use]
    pub fn attribute(&self, names: &[String]) -> Option<Definition> {
        let expr = ast::Root::cast(self.root.clone())?.expr()?;
        self.in_value(&expr, names, &fuel())
    }

    fn variable(&self, name: &str, offset: usize) -> Option<Definition> {
        let names = [name.to_owned()];
        let Some(binding) = self.binding(name, offset) else {
            return self.in_withs(offset, &names);
        };
        let from = binding.from.and_then(|from| self.expression(&from));
        let inherited = from.and_then(|from| self.in_value(&from, &names, &fuel()));
        Some(inherited.unwrap_or(Definition::Here(binding.place)))
    }

    /// What the nearest `with` around a byte gives, of those whose set the text shows.
    fn in_withs(&self, offset: usize, names: &[String]) -> Option<Definition> {
        let withs = self.token(offset)?.parent_ancestors().filter_map(ast::With::cast);
        let sets = withs.filter_map(|with| with.namespace());
        let mut around = sets.filter(|set| range(set.syntax()).end < offset);
        around.find_map(|set| self.in_value(&set, names, &fuel()))
    }

    fn in_variable(
        &self,
        name: &str,
        offset: usize,
        names: &[String],
        fuel: &Cell<usize>,
    ) -> Option<Definition> {
        fuel.set(fuel.get().checked_sub(1)?);
        let binding = self.binding(name, offset)?;
        if let Some(value) = binding.value {
            return self.in_value(&self.expression(&value)?, names, fuel);
        }
        let names: Vec<_> = [name.to_owned()].iter().chain(names).cloned().collect();
        self.in_value(&self.expression(&binding.from?)?, &names, fuel)
    }

    /// The attribute with these names in the set that an expression is or makes.
    fn in_value(
        &self,
        expr: &ast::Expr,
        names: &[String],
        fuel: &Cell<usize>,
    ) -> Option<Definition> {
        match expr {
            ast::Expr::Paren(paren) => self.in_value(&paren.expr()?, names, fuel),
            ast::Expr::LetIn(set) => self.in_value(&set.body()?, names, fuel),
            ast::Expr::With(with) => self.in_value(&with.body()?, names, fuel),
            ast::Expr::Lambda(lambda) => self.in_value(&lambda.body()?, names, fuel),
            ast::Expr::Apply(apply) => imported(apply, names),
            ast::Expr::BinOp(operation) => {
                let sides = [operation.rhs()?, operation.lhs()?];
                sides.iter().find_map(|side| self.in_value(side, names, fuel))
            }
            ast::Expr::AttrSet(set) => self.in_set(set, names, fuel),
            ast::Expr::Ident(_) | ast::Expr::Select(_) => {
                let path = path_of(expr)?;
                let (variable, rest) = path.split_first()?;
                let names: Vec<_> = rest.iter().chain(names).cloned().collect();
                self.in_variable(variable, range(expr.syntax()).start, &names, fuel)
            }
            _ => None,
        }
    }

    fn in_set(
        &self,
        set: &ast::AttrSet,
        names: &[String],
        fuel: &Cell<usize>,
    ) -> Option<Definition> {
        let entries = set.attrpath_values().filter_map(|entry| self.in_entry(&entry, names, fuel));
        let inherits = set.inherits().filter_map(|inherit| {
            let first = names.first()?;
            let attr = inherit.attrs().find(|attr| attr_name(attr).as_ref() == Some(first))?;
            let from = inherit.from().and_then(|from| from.expr());
            let inside = from.and_then(|from| self.in_value(&from, names, fuel));
            inside.or_else(|| Some(Definition::Here(range(attr.syntax()))))
        });
        entries.chain(inherits).next()
    }

    /// What the entry `a.b = …` has of the names.
    fn in_entry(
        &self,
        entry: &ast::AttrpathValue,
        names: &[String],
        fuel: &Cell<usize>,
    ) -> Option<Definition> {
        let attrs: Vec<_> = entry.attrpath()?.attrs().collect();
        let agree =
            attrs.iter().zip(names).all(|(attr, name)| attr_name(attr).as_ref() == Some(name));
        if !agree {
            return None;
        }
        match names.get(attrs.len()..) {
            Some(rest) if !rest.is_empty() => self.in_value(&entry.value()?, rest, fuel),
            Some(_) | None => {
                let last = attrs.get(names.len().checked_sub(1)?)?;
                Some(Definition::Here(range(last.syntax())))
            }
        }
    }

    /// The entry `name` of the pattern of the function at `place`.
    fn argument_of(&self, place: &Range<usize>, name: &str) -> Option<Definition> {
        let mut idents = self.pattern_at(place)?.pat_entries().filter_map(|entry| entry.ident());
        let ident = idents.find(|ident| ident_name(ident) == name)?;
        Some(Definition::Here(range(ident.syntax())))
    }
}

/// The file that a call imports: `import ./a.nix`, with or without arguments for its function.
fn imported(apply: &ast::Apply, names: &[String]) -> Option<Definition> {
    if callee(apply)? != "import" {
        return None;
    }
    let (_, arguments) = call(apply);
    let ast::Expr::PathRel(path) = arguments.first()? else { return None };
    Some(Definition::File { path: path.syntax().text().to_string(), names: names.to_vec() })
}
