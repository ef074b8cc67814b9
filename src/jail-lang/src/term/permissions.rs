//! The permissions of a jail, and what people write in place of one.

use std::rc::Rc;

use jail_registry::{
    Applied, Code as DiagnosticCode, Diagnostic, PATH_ALONE, Place, Type, count_fault, nearest,
};

use super::Collector;
use super::arguments::{PART, is_list};
use crate::ir::{Expr, Op};
use crate::residual::Residual;
use crate::symbols::Symbol;
use crate::value::{Argument, Combinator, List, Permission, Value};
use crate::vocabulary::WordKind;

/// What to do about permissions that depend on a package.
const ONLY_NIX: &str = "only Nix knows this list, and what a jail may do must be known before Nix runs; only packages may depend on it: `(add-pkg-deps (lib.optionals …))`";

/// The most joined lists that are searched when one of them is faulty.
const JOINED_MAX: usize = 16;

/// Elements of a list that were meant as one call.
struct Meant {
    elements: usize,
    written: String,
    /// The index of the last of them.
    end: u32,
}

impl Collector<'_, '_> {
    /// The permissions of a jail: a list, a function from the combinators to one, or `null`.
    pub(super) fn permissions(&mut self, arg: &Argument) -> Option<Vec<Applied>> {
        let Some(value) = self.force(&arg.value, arg.place) else {
            self.joined(&arg.value, Type::Permission, 0);
            return None;
        };
        let value = match value {
            Value::Lambda(_) | Value::Partial(_) | Value::Builtin(_) | Value::Library(_) => {
                let combinators = self.evaluator.global_named("combinators", arg.place);
                let combinators = self.noted(combinators)?;
                let applied = self.evaluator.apply(&value, &[combinators], arg.place);
                self.noted(applied)?
            }
            value => value,
        };
        match &value {
            Value::Null => Some(Vec::new()),
            Value::List(list) => self.permission_list(list, arg.place),
            other => {
                let message = format!("`jail` takes a list of permissions, got {}", other.kind());
                let fault = Diagnostic::error(DiagnosticCode::ParamType, Some(arg.place), message)
                    .label(format!("this is {}", other.kind()));
                self.fault(match other {
                    Value::Permission(_) => fault.help("put it in brackets: `[ … ]`"),
                    Value::Residual(_) => fault.help(ONLY_NIX),
                    _ => fault.help("write `jail NAME PACKAGE [ … ]`"),
                });
                None
            }
        }
    }

    /// Looks for faults in the lists of `a ++ b ++ …`, which has no value
    /// because one of them has none.
    pub(super) fn joined(&mut self, value: &Value, element: Type, depth: usize) {
        let Value::Thunk(thunk) = value else { return };
        let Some((code, env)) = thunk.delayed().filter(|_| depth < JOINED_MAX) else { return };
        let Expr::Binary { op: Op::Concat, left, right } = &code.expr else { return };
        for operand in [left, right] {
            let delayed = self.evaluator.delay(operand, &env);
            match self.force(&delayed, operand.place) {
                Some(Value::List(list)) if element == Type::Permission => {
                    self.permission_list(&list, operand.place);
                }
                Some(Value::List(list)) => {
                    for (index, item) in list.items.iter().enumerate() {
                        let place = list.place_of(index).unwrap_or(operand.place);
                        self.placed(item, element, place);
                    }
                }
                Some(_) => {}
                None => self.joined(&delayed, element, depth + 1),
            }
        }
    }

    pub(super) fn permission_list(
        &mut self,
        list: &Rc<List>,
        around: Place,
    ) -> Option<Vec<Applied>> {
        let faults = self.faults.len();
        let mut permissions = Vec::new();
        let mut swallowed = 0;
        for (index, item) in list.items.iter().enumerate() {
            let place = list.place_of(index).unwrap_or(around);
            if swallowed > 0 {
                // The arguments of a combinator without parentheses: one fault is enough.
                swallowed -= 1;
                continue;
            }
            let Some(value) = self.force(item, place) else { continue };
            match &value {
                Value::Permission(permission) => {
                    permissions.extend(self.permission(permission, place));
                }
                Value::List(inner) => {
                    permissions.extend(self.permission_list(inner, place).into_iter().flatten());
                }
                Value::Combinator(combinator) => {
                    swallowed = self.unfinished(combinator, Some((list, index)), place);
                }
                other => {
                    let fault = self.no_permission(other, item, place);
                    self.fault(fault);
                }
            }
        }
        (self.faults.len() == faults).then_some(permissions)
    }

    /// `[ readwrite "~/x" ]`: a combinator without its arguments. Returns how many elements after
    /// it were meant as arguments.
    pub(super) fn unfinished(
        &mut self,
        combinator: &Combinator,
        in_list: Option<(&List, usize)>,
        place: Place,
    ) -> usize {
        let (name, given) = (combinator.name, combinator.args.len());
        let wanted = combinator.signature.params.len();
        let missing = wanted.saturating_sub(given);
        let following =
            in_list.map_or_else(Vec::new, |(list, index)| self.meant(list, index + 1, missing));
        let message = count_fault(name, wanted, given);
        let place = combinator.place.unwrap_or(place);
        let mentioned = self.evaluator.files.borrow().text(place).to_owned();
        let elements = following.iter().map(|meant| meant.elements).sum();
        let shown: Vec<_> = following.iter().map(|meant| meant.written.as_str()).collect();
        let fault = |place| Diagnostic::error(DiagnosticCode::ParamCount, Some(place), message);
        self.fault(match following.last() {
            Some(last) if following.len() == missing => {
                let whole = Place { end: last.end, ..place };
                fault(whole).label("a list element that needs parentheses").help(format!(
                    "write `({mentioned} {})`: in a list every element is separate",
                    shown.join(" ")
                ))
            }
            _ => {
                let params = combinator.signature.params.iter().skip(given);
                let params: Vec<_> = params.map(|param| param.name.to_uppercase()).collect();
                fault(place)
                    .label("it needs more arguments")
                    .help(format!("write `({mentioned} {})`", params.join(" ")))
            }
        });
        elements
    }

    /// The elements from `start` that were meant as arguments of what is before them, up to
    /// the number that is missing.
    fn meant(&self, list: &List, start: usize, missing: usize) -> Vec<Meant> {
        let mut meant: Vec<Meant> = Vec::new();
        let mut at = start;
        while meant.len() < missing
            && let Some(next) = self.meant_at(list, at)
        {
            at += next.elements;
            meant.push(next);
        }
        meant
    }

    /// A value that is not a permission, such as `noescape "~/x"`.
    fn meant_at(&self, list: &List, at: usize) -> Option<Meant> {
        let (item, place) = (list.items.get(at)?, list.place_of(at)?);
        let place = self.evaluator.with_parentheses(place);
        let text = |place| self.evaluator.files.borrow().text(place).to_owned();
        match self.evaluator.force(item, place).ok()? {
            Value::Permission(_) | Value::Jail(_) => None,
            Value::Combinator(inner) => {
                let is_text = matches!(inner.kind, WordKind::Text { .. });
                let last = self.meant_at(list, at + 1).filter(|_| is_text)?;
                let elements = 1 + last.elements;
                let written = format!("({} {})", text(place), last.written);
                Some(Meant { elements, written, end: last.end })
            }
            _ => Some(Meant { elements: 1, written: text(place), end: place.end }),
        }
    }

    /// `written` is the element as it is written in the list.
    fn no_permission(&self, value: &Value, written: &Value, place: Place) -> Diagnostic {
        if let Value::Residual(residual) = value
            && let Some(name) = called(residual)
        {
            let name = self.evaluator.symbols.name(name);
            let words = self.evaluator.names.vocabulary.words().map(|word| word.name);
            if let Some(near) = nearest(&name, words) {
                let message = format!("unknown combinator `{name}`");
                let place = called_at(written).unwrap_or(place);
                return Diagnostic::error(DiagnosticCode::UnknownCombinator, Some(place), message)
                    .label("not in the registry, so it is taken for a package")
                    .help(format!("did you mean `{near}`?"));
            }
        }
        let message = format!("expected a permission, got {}", value.kind());
        let fault = Diagnostic::error(DiagnosticCode::ParamType, Some(place), message)
            .label(format!("this is {}", value.kind()));
        match value {
            Value::Residual(residual) if is_list(residual) => fault.help(ONLY_NIX),
            Value::Residual(_) => fault.help("write `(add-pkg-deps [ … ])` to put packages into the jail"),
            Value::Str(_) | Value::Text(_) => {
                fault.help("a string alone grants nothing: is a combinator missing before it? write `(readonly \"…\")`")
            }
            Value::Path(_) => fault.help(PATH_ALONE),
            Value::Lambda(_) | Value::Partial(_) | Value::Builtin(_) | Value::Library(_) => {
                fault.help("a call in a list needs parentheses: `[ (f x) ]`")
            }
            Value::Jail(_) => fault.help("a jail cannot contain another jail"),
            _ => fault,
        }
    }

    pub(super) fn permission(&mut self, permission: &Permission, place: Place) -> Option<Applied> {
        let place = permission.place.unwrap_or(place);
        self.weigh(PART, place)?;
        let arguments =
            self.checked(permission.name, permission.signature.params, &permission.args, place)?;
        let combinator = permission.name.to_owned();
        Some(Applied { combinator, arguments, place: Some(place) })
    }
}

/// The place of the function of a call that has not been evaluated.
fn called_at(value: &Value) -> Option<Place> {
    let Value::Thunk(thunk) = value else { return None };
    match &thunk.code.as_ref()?.expr {
        Expr::Apply { function, .. } => Some(function.place),
        _ => None,
    }
}

/// The name of the attribute that a package is, or that a call makes it with: under `with pkgs;`, a
/// misspelt name looks like one.
fn called(residual: &Residual) -> Option<Symbol> {
    match residual {
        Residual::Select(_, name) => Some(*name),
        Residual::Apply(function, _) => called(function),
        _ => None,
    }
}
