//! The permissions of a jail, and what people write where one is wanted.

use std::rc::Rc;

use jail_registry::{
    Applied, Code as DiagnosticCode, Diagnostic, PATH_ALONE, Place, Type, nearest,
};

use super::Collector;
use super::arguments::PART;
use crate::ir::{Expr, Op};
use crate::residual::Residual;
use crate::value::{Argument, Combinator, List, Permission, Value};

/// Lists that are joined beyond this are not looked at where one of them is faulty.
const JOINED_MAX: usize = 16;

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
                    _ => fault.help("write `jail NAME PACKAGE [ … ]`"),
                });
                None
            }
        }
    }

    /// Looks for faults in the lists of `a ++ b ++ …` that has no value because one of them has none.
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
                    let fault = self.no_permission(other, place);
                    self.fault(fault);
                }
            }
        }
        (self.faults.len() == faults).then_some(permissions)
    }

    /// `[ readwrite "~/x" ]`: a combinator without its arguments. Says how many elements after it were meant as such.
    pub(super) fn unfinished(
        &mut self,
        combinator: &Combinator,
        in_list: Option<(&List, usize)>,
        place: Place,
    ) -> usize {
        let (name, given) = (combinator.name, combinator.args.len());
        let wanted = combinator.signature.params.len();
        let missing = wanted.saturating_sub(given);
        let is_argument = |value: &Value| match value {
            Value::Permission(_) | Value::Combinator(_) => false,
            Value::Thunk(thunk) => !thunk
                .code
                .as_ref()
                .is_some_and(|code| matches!(code.expr, Expr::Apply { .. } | Expr::Global(_))),
            _ => true,
        };
        let after = |(list, index): (&List, usize)| {
            let items = list.items.iter().skip(index + 1).take(missing);
            items.take_while(|item| is_argument(item)).count()
        };
        let following = in_list.map_or(0, after);
        let files = self.evaluator.files.borrow();
        let places = in_list.into_iter().flat_map(|(list, index)| {
            (index + 1..=index + following).filter_map(|index| list.place_of(index))
        });
        let shown: Vec<_> = places.map(|place| files.text(place).to_owned()).collect();
        drop(files);
        let got = if given == 0 { "none".to_owned() } else { given.to_string() };
        let arguments =
            if wanted == 1 { "1 argument".to_owned() } else { format!("{wanted} arguments") };
        let message = format!("`{name}` takes {arguments}; got {got}");
        let place = combinator.place.unwrap_or(place);
        let fault = Diagnostic::error(DiagnosticCode::ParamCount, Some(place), message);
        let mentioned = self.evaluator.files.borrow().text(place).to_owned();
        self.fault(if following == missing && shown.len() == following {
            fault.label("a list element that needs parentheses").help(format!(
                "write `({mentioned} {})`: in a list every element stands alone",
                shown.join(" ")
            ))
        } else {
            let params = combinator
                .signature
                .params
                .iter()
                .skip(given)
                .map(|param| param.name.to_uppercase());
            let params: Vec<_> = params.collect();
            fault
                .label("it still wants arguments")
                .help(format!("write `({mentioned} {})`", params.join(" ")))
        });
        following
    }

    fn no_permission(&self, value: &Value, place: Place) -> Diagnostic {
        if let Value::Residual(residual) = value
            && let Residual::Select(_, name) = &**residual
        {
            let name = self.evaluator.symbols.name(*name);
            let words = self.evaluator.names.vocabulary.words().map(|word| word.name);
            if let Some(near) = nearest(&name, words) {
                return Diagnostic::error(
                    DiagnosticCode::UnknownCombinator,
                    Some(place),
                    format!("unknown combinator `{name}`"),
                )
                .label("not in the registry, and so taken for a package")
                .help(format!("did you mean `{near}`?"));
            }
        }
        let message = format!("a permission is wanted, got {}", value.kind());
        let fault = Diagnostic::error(DiagnosticCode::ParamType, Some(place), message)
            .label(format!("this is {}", value.kind()));
        match value {
            Value::Residual(_) => fault.help("write `(add-pkg-deps [ … ])` to put packages into the jail"),
            Value::Str(_) | Value::Text(_) => {
                fault.help("a string alone grants nothing; is a combinator missing before it? write `(readonly \"…\")`")
            }
            Value::Path(_) => fault.help(PATH_ALONE),
            Value::Lambda(_) | Value::Partial(_) | Value::Builtin(_) | Value::Library(_) => {
                fault.help("a call in a list needs parentheses: `[ (f x) ]`")
            }
            Value::Jail(_) => fault.help("a jail cannot stand inside another"),
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
