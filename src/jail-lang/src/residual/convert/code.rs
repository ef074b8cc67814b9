//! Code that is written out unchanged, except that what it captured is written in. Its own binders
//! keep their names where they can.

use std::rc::Rc;

use jail_registry::{Code as DiagnosticCode, Place};

use super::scope::{Bound, Scope};
use super::{Converter, RESERVED};
use crate::failure::{Failure, Fallible};
use crate::ir::{self, Code, Expr, Lambda, Params, Part};
use crate::nix_text::is_name;
use crate::residual::source::{Key, Name, Param, Source, TextSource};
use crate::symbols::Symbol;

impl Converter<'_, '_> {
    pub(super) fn lambda(&mut self, lambda: &Lambda, scope: &Scope<'_>) -> Fallible<Source> {
        match &lambda.params {
            Params::Names(names) => {
                let bound: Vec<_> = names.iter().map(|name| self.bind(*name, scope)).collect();
                let body = self.code(&lambda.body, &scope.with(Bound::Names(bound.clone())))?;
                Ok(bound
                    .into_iter()
                    .rev()
                    .fold(body, |body, name| Source::Lambda(Param::Name(name), Box::new(body))))
            }
            Params::Pattern(pattern) => {
                let mut bound = Vec::new();
                for formal in &pattern.formals {
                    let name = self.name(formal.name);
                    if scope.binds(&name) && !RESERVED.contains(&name.as_str()) {
                        return Err(self.hides(&name, formal.place));
                    }
                    self.used.insert(name.clone());
                    bound.push(Name::Fixed(name));
                }
                let whole = pattern.whole.map(|name| self.bind(name, scope));
                bound.extend(whole.clone());
                let inner = scope.with(Bound::Names(bound));
                let mut formals = Vec::new();
                for formal in &pattern.formals {
                    let default = formal.default.as_ref().map(|code| self.code(code, &inner));
                    formals.push((self.name(formal.name), default.transpose()?));
                }
                let body = self.code(&lambda.body, &inner)?;
                let param = Param::Pattern { formals, open: pattern.open, whole };
                Ok(Source::Lambda(param, Box::new(body)))
            }
        }
    }

    fn hides(&self, name: &str, place: Place) -> Box<Failure> {
        let message =
            format!("the argument `{name}` hides another `{name}` inside a package expression");
        Failure::new(DiagnosticCode::SymbolicValue, place, message)
            .label("the inner one")
            .help("rename one of them")
    }

    /// The name of a binder, replaced by a new one where it would hide another name or a free name.
    fn bind(&mut self, symbol: Symbol, scope: &Scope<'_>) -> Name {
        let name = self.name(symbol);
        if scope.binds(&name) || RESERVED.contains(&name.as_str()) || !is_name(&name) {
            return Name::Generated(self.generate(&name));
        }
        self.used.insert(name.clone());
        Name::Fixed(name)
    }

    fn boxed(&mut self, code: &Code, scope: &Scope<'_>) -> Fallible<Box<Source>> {
        self.code(code, scope).map(Box::new)
    }

    pub(super) fn code(&mut self, code: &Code, scope: &Scope<'_>) -> Fallible<Source> {
        self.deeper(|this| this.code_inside(code, scope))
    }

    fn code_inside(&mut self, code: &Code, scope: &Scope<'_>) -> Fallible<Source> {
        match &code.expr {
            Expr::Const(value) => self.captured(value, "value", scope),
            Expr::Global(name) => {
                let value = self.evaluator.global(*name, code.place)?;
                self.captured(&value, &self.name(*name), scope)
            }
            Expr::Local { up, slot, name } => match scope.frame(*up) {
                Some(Bound::Names(names)) => Ok(names.get(*slot as usize).map_or_else(
                    || Source::Atom(self.name(*name)),
                    |name| match name {
                        Name::Fixed(name) => Source::Atom(name.clone()),
                        Name::Generated(id) => Source::Generated(*id),
                    },
                )),
                Some(Bound::With(set)) => Ok(set.clone()),
                None => {
                    let frame = scope.captured.ancestor(scope.beyond(*up));
                    let value = frame.and_then(|frame| frame.get(*slot)).cloned();
                    let value = value.ok_or_else(|| self.evaluator.recursion(code.place))?;
                    self.captured(&value, &self.name(*name), scope)
                }
            },
            Expr::Dynamic { name, scopes } => self.dynamic(*name, scopes, scope, code.place),
            Expr::Text(parts) => Ok(Source::Text(self.parts(parts, scope)?)),
            Expr::Path(_) | Expr::Refused(_) | Expr::Faulty => {
                let value = self.evaluator.eval(code, scope.captured)?;
                self.value(&value)
            }
            Expr::Select { set, path, default } => {
                let set = self.boxed(set, scope)?;
                let path = self.path(path, scope)?;
                match default {
                    Some(default) => {
                        Ok(Source::Select(set, path, Some(self.boxed(default, scope)?)))
                    }
                    None => Ok(match *set {
                        Source::Select(set, mut steps, None) => {
                            steps.extend(path);
                            Source::Select(set, steps, None)
                        }
                        set => Source::Select(Box::new(set), path, None),
                    }),
                }
            }
            Expr::Has { set, path } => {
                Ok(Source::Has(self.boxed(set, scope)?, self.path(path, scope)?))
            }
            Expr::Apply { function, args } => {
                let mut source = self.code(function, scope)?;
                for arg in args {
                    source = source.apply(self.code(arg, scope)?);
                }
                Ok(source)
            }
            Expr::Lambda(lambda) => self.lambda(lambda, scope),
            Expr::Let { names, bindings, body } => {
                let bound: Vec<_> = names.iter().map(|name| self.bind(*name, scope)).collect();
                let inner = scope.with(Bound::Names(bound.clone()));
                let bindings = self.bindings(bound, bindings, &inner)?;
                Ok(Source::Let(bindings, self.boxed(body, &inner)?))
            }
            Expr::Set(set) => self.set(set, scope),
            Expr::List(items) => {
                let items = items.iter().map(|item| self.code(item, scope));
                Ok(Source::List(items.collect::<Fallible<_>>()?))
            }
            Expr::If { condition, then, otherwise } => Ok(Source::If(
                self.boxed(condition, scope)?,
                self.boxed(then, scope)?,
                self.boxed(otherwise, scope)?,
            )),
            Expr::Assert { condition, body } => {
                Ok(Source::Assert(self.boxed(condition, scope)?, self.boxed(body, scope)?))
            }
            Expr::With { set, body } => self.with(set, body, scope),
            Expr::Binary { op, left, right } => {
                Ok(Source::Binary(*op, self.boxed(left, scope)?, self.boxed(right, scope)?))
            }
            Expr::Not(operand) => Ok(Source::Not(self.boxed(operand, scope)?)),
            Expr::Negate(operand) => Ok(Source::Negate(self.boxed(operand, scope)?)),
        }
    }

    fn bindings(
        &mut self,
        names: Vec<Name>,
        codes: &[Code],
        scope: &Scope<'_>,
    ) -> Fallible<Vec<(Name, Source)>> {
        names
            .into_iter()
            .zip(codes)
            .map(|(name, code)| Ok((name, self.code(code, scope)?)))
            .collect()
    }

    /// `rec { … }` is written as a `let` around an ordinary set, so its names can be
    /// changed where they must.
    fn set(&mut self, set: &ir::SetCode, scope: &Scope<'_>) -> Fallible<Source> {
        if !set.recursive {
            let mut fields = Vec::new();
            for field in &set.fields {
                fields.push((Key::Name(self.name(field.name)), self.code(&field.value, scope)?));
            }
            self.dynamic_fields(set, scope, &mut fields)?;
            return Ok(Source::Set(fields));
        }
        let bound: Vec<_> = set.fields.iter().map(|field| self.bind(field.name, scope)).collect();
        let inner = scope.with(Bound::Names(bound.clone()));
        let codes: Vec<_> = set.fields.iter().map(|field| Rc::clone(&field.value)).collect();
        let mut fields: Vec<_> = set
            .fields
            .iter()
            .zip(&bound)
            .map(|(field, name)| (Key::Name(self.name(field.name)), variable(name)))
            .collect();
        let bindings = self.bindings(bound, &codes, &inner)?;
        self.dynamic_fields(set, &inner, &mut fields)?;
        Ok(Source::Let(bindings, Box::new(Source::Set(fields))))
    }

    fn dynamic_fields(
        &mut self,
        set: &ir::SetCode,
        scope: &Scope<'_>,
        fields: &mut Vec<(Key, Source)>,
    ) -> Fallible<()> {
        for (key, value) in &set.dynamic {
            fields.push((Key::Code(self.code(key, scope)?), self.code(value, scope)?));
        }
        Ok(())
    }

    fn with(&mut self, set: &Code, body: &Code, scope: &Scope<'_>) -> Fallible<Source> {
        let set = self.code(set, scope)?;
        if set.is_small() {
            return self.code(body, &scope.with(Bound::With(set)));
        }
        let id = self.generate("scope");
        let body = self.code(body, &scope.with(Bound::With(Source::Generated(id))))?;
        Ok(Source::Let(vec![(Name::Generated(id), set)], Box::new(body)))
    }

    /// A name that a `with` gives, written without it: `inner.name or outer.name`.
    fn dynamic(
        &mut self,
        name: Symbol,
        withs: &[u32],
        scope: &Scope<'_>,
        place: Place,
    ) -> Fallible<Source> {
        let shown = self.name(name);
        let mut sets = Vec::new();
        let mut last = None;
        for up in withs {
            match scope.frame(*up) {
                Some(Bound::With(set)) => sets.push(set.clone()),
                Some(Bound::Names(_)) => {}
                None => {
                    let outer = withs.iter().filter(|up| scope.frame(**up).is_none());
                    let outer: Vec<_> = outer.map(|up| scope.beyond(*up)).collect();
                    match self.evaluator.dynamic(name, &outer, scope.captured, place) {
                        Ok(value) => last = Some(self.captured(&value, &shown, scope)?),
                        Err(failure) if sets.is_empty() => return Err(failure),
                        // Otherwise the inner sets must have it.
                        Err(_) => {}
                    }
                    break;
                }
            }
        }
        let chosen = sets.into_iter().rev().fold(last, |otherwise, set| {
            Some(match otherwise {
                None => set.select(shown.clone()),
                Some(default) => match set.select(shown.clone()) {
                    Source::Select(set, path, _) => {
                        Source::Select(set, path, Some(Box::new(default)))
                    }
                    other => other,
                },
            })
        });
        chosen.ok_or_else(|| self.evaluator.recursion(place))
    }

    fn parts(&mut self, parts: &[Part], scope: &Scope<'_>) -> Fallible<Vec<TextSource>> {
        let mut sources = Vec::new();
        for part in parts {
            sources.push(match part {
                Part::Literal(text) => TextSource::Literal(text.to_string()),
                Part::Code(code) => TextSource::Code(self.code(code, scope)?),
            });
        }
        Ok(sources)
    }

    fn path(&mut self, path: &[ir::Key], scope: &Scope<'_>) -> Fallible<Vec<Key>> {
        path.iter()
            .map(|key| match key {
                ir::Key::Name(name, _) => Ok(Key::Name(self.name(*name))),
                ir::Key::Code(code) => Ok(Key::Code(self.code(code, scope)?)),
            })
            .collect()
    }
}

fn variable(name: &Name) -> Source {
    match name {
        Name::Fixed(name) => Source::Atom(name.clone()),
        Name::Generated(id) => Source::Generated(*id),
    }
}
