//! The operators. If an operand is symbolic, so is the result.

use std::cmp::Ordering;
use std::rc::Rc;

use jail_registry::{Code as DiagnosticCode, Place};

use super::Evaluator;
use crate::failure::{Failure, FailureKind, Fallible};
use crate::ir::{Code, Op};
use crate::limits::{ATTRIBUTE, ELEMENT};
use crate::residual::Residual;
use crate::value::{Env, List, TextBuilder, Value};

impl Evaluator<'_> {
    pub(super) fn binary(
        &self,
        op: Op,
        (left, right): (&Code, &Code),
        env: &Env,
        place: Place,
    ) -> Fallible<Value> {
        match op {
            Op::And | Op::Or | Op::Implies => self.logical(op, left, right, env),
            Op::Equal | Op::NotEqual => {
                let (a, b) = (self.eval(left, env)?, self.eval(right, env)?);
                match self.equal(&a, &b, place) {
                    Ok(equal) => Ok(Value::Bool(equal == (op == Op::Equal))),
                    Err(failure) => symbolic(failure, op, a, b),
                }
            }
            Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual => {
                let (a, b) = (self.eval(left, env)?, self.eval(right, env)?);
                match self.compare(&a, &b, place) {
                    Ok(ordering) => Ok(Value::Bool(holds(op, ordering))),
                    Err(failure) => symbolic(failure, op, a, b),
                }
            }
            Op::Update => self.update(left, right, env),
            Op::Concat => self.concat(left, right, env),
            Op::Add => {
                let (a, b) = (self.eval(left, env)?, self.eval(right, env)?);
                self.add(a, b, (left.place, right.place), place)
            }
            Op::Subtract | Op::Multiply | Op::Divide => {
                let (a, b) = (self.eval(left, env)?, self.eval(right, env)?);
                self.arithmetic(op, a, b, (left.place, right.place), place)
            }
        }
    }

    fn logical(&self, op: Op, left: &Code, right: &Code, env: &Env) -> Fallible<Value> {
        let first = match self.eval(left, env)? {
            Value::Bool(first) => first,
            first @ Value::Residual(_) => {
                let second = self.delay(right, env);
                return Ok(Value::residual(Residual::Binary(op, first, second)));
            }
            other => return Err(self.mismatch("a boolean", &other, left.place)),
        };
        match (op, first) {
            (Op::And, false) => return Ok(Value::Bool(false)),
            (Op::Or, true) | (Op::Implies, false) => return Ok(Value::Bool(true)),
            _ => {}
        }
        match self.eval(right, env)? {
            second @ (Value::Bool(_) | Value::Residual(_)) => Ok(second),
            other => Err(self.mismatch("a boolean", &other, right.place)),
        }
    }

    pub(super) fn not(&self, operand: &Code, env: &Env) -> Fallible<Value> {
        match self.eval(operand, env)? {
            Value::Bool(value) => Ok(Value::Bool(!value)),
            value @ Value::Residual(_) => Ok(Value::residual(Residual::Not(value))),
            other => Err(self.mismatch("a boolean", &other, operand.place)),
        }
    }

    pub(super) fn negate(&self, operand: &Code, env: &Env) -> Fallible<Value> {
        match self.eval(operand, env)? {
            Value::Int(number) => match number.checked_neg() {
                Some(number) => Ok(Value::Int(number)),
                None => Err(self.overflow(operand.place)),
            },
            // `-x` is `0 - x`: there is no negative zero.
            Value::Float(number) => Ok(Value::Float(0.0 - number)),
            value @ Value::Residual(_) => Ok(Value::residual(Residual::Negate(value))),
            other => Err(self.mismatch("a number", &other, operand.place)),
        }
    }

    fn update(&self, left: &Code, right: &Code, env: &Env) -> Fallible<Value> {
        let (a, b) = (self.eval(left, env)?, self.eval(right, env)?);
        match (&a, &b) {
            (Value::Attrs(x), Value::Attrs(y)) => {
                if x.len() == 0 {
                    return Ok(b);
                }
                if y.len() == 0 {
                    return Ok(a);
                }
                self.charge_elements(x.len() + y.len(), ATTRIBUTE, right.place)?;
                Ok(Value::Attrs(Rc::new(x.update(y))))
            }
            (Value::Residual(_) | Value::Attrs(_), Value::Residual(_))
            | (Value::Residual(_), Value::Attrs(_)) => {
                Ok(Value::residual(Residual::Binary(Op::Update, a, b)))
            }
            (Value::Attrs(_) | Value::Residual(_), other) => {
                Err(self.mismatch("a set", other, right.place))
            }
            (other, _) => Err(self
                .wrong_operator(Op::Update, (&a, &b), (left.place, right.place))
                .unwrap_or_else(|| self.mismatch("a set", other, left.place))),
        }
    }

    fn concat(&self, left: &Code, right: &Code, env: &Env) -> Fallible<Value> {
        let (a, b) = (self.eval(left, env)?, self.eval(right, env)?);
        match (&a, &b) {
            (Value::List(x), Value::List(y)) => {
                if x.items.is_empty() {
                    return Ok(b);
                }
                if y.items.is_empty() {
                    return Ok(a);
                }
                self.charge_elements(x.items.len() + y.items.len(), ELEMENT, right.place)?;
                let origin = x.origin.concat(x.items.len(), &y.origin);
                let items: Vec<_> = x.items.iter().chain(&y.items).cloned().collect();
                Ok(List::with_origin(items, origin))
            }
            (Value::Residual(_) | Value::List(_), Value::Residual(_))
            | (Value::Residual(_), Value::List(_)) => {
                Ok(Value::residual(Residual::Binary(Op::Concat, a, b)))
            }
            (Value::List(_) | Value::Residual(_), other) => {
                Err(self.mismatch("a list", other, right.place))
            }
            (other, _) => Err(self
                .wrong_operator(Op::Concat, (&a, &b), (left.place, right.place))
                .unwrap_or_else(|| self.mismatch("a list", other, left.place))),
        }
    }

    /// `+`: numbers are added, strings and paths joined.
    pub(crate) fn add(
        &self,
        a: Value,
        b: Value,
        (left, right): (Place, Place),
        place: Place,
    ) -> Fallible<Value> {
        match (&a, &b) {
            (Value::Int(_) | Value::Float(_), _) => {
                self.arithmetic(Op::Add, a, b, (left, right), place)
            }
            (Value::Path(path), _) => {
                let text = self.plain_text(&b, right)?;
                self.path(&format!("{}{text}", path.0), place)
            }
            (Value::Residual(_), Value::Int(_) | Value::Float(_) | Value::Residual(_)) => {
                Ok(Value::residual(Residual::Binary(Op::Add, a, b)))
            }
            _ => {
                let mut text = TextBuilder::plain();
                let joined = self.append(&mut text, &a, left);
                let joined = joined.and_then(|()| self.append(&mut text, &b, right));
                let better =
                    |fault| self.wrong_operator(Op::Add, (&a, &b), (left, right)).unwrap_or(fault);
                joined.map(|()| text.into_value()).map_err(better)
            }
        }
    }

    pub(crate) fn arithmetic(
        &self,
        op: Op,
        a: Value,
        b: Value,
        (left, right): (Place, Place),
        place: Place,
    ) -> Fallible<Value> {
        match (&a, &b) {
            (Value::Int(x), Value::Int(y)) => self.integers(op, *x, *y, place),
            (Value::Residual(_), Value::Int(_) | Value::Float(_) | Value::Residual(_))
            | (Value::Int(_) | Value::Float(_), Value::Residual(_)) => {
                Ok(Value::residual(Residual::Binary(op, a, b)))
            }
            _ => match (float(&a), float(&b)) {
                (Some(x), Some(y)) => self.floats(op, x, y, place),
                (Some(_), None) => Err(self.mismatch("a number", &b, right)),
                (None, _) => Err(self.mismatch("a number", &a, left)),
            },
        }
    }

    fn integers(&self, op: Op, x: i64, y: i64, place: Place) -> Fallible<Value> {
        let result = match op {
            Op::Add => x.checked_add(y),
            Op::Subtract => x.checked_sub(y),
            Op::Multiply => x.checked_mul(y),
            _ if y == 0 => return Err(self.division_by_zero(place)),
            _ => x.checked_div(y),
        };
        result.map(Value::Int).ok_or_else(|| self.overflow(place))
    }

    fn floats(&self, op: Op, x: f64, y: f64, place: Place) -> Fallible<Value> {
        let result = match op {
            Op::Add => x + y,
            Op::Subtract => x - y,
            Op::Multiply => x * y,
            _ if y == 0.0 => return Err(self.division_by_zero(place)),
            _ => x / y,
        };
        if result.is_finite() {
            return Ok(Value::Float(result));
        }
        Err(Failure::dependent(place, "the result is not a finite number")
            .label("versions of Nix compare and write such numbers differently"))
    }

    fn overflow(&self, place: Place) -> Box<Failure> {
        Failure::new(DiagnosticCode::IntegerOverflow, place, "the result does not fit into 64 bits")
            .label("integers go from -2⁶³ to 2⁶³ - 1")
    }

    fn division_by_zero(&self, place: Place) -> Box<Failure> {
        Failure::new(DiagnosticCode::DivisionByZero, place, "division by zero")
            .label("the divisor is zero")
    }
}

impl Evaluator<'_> {
    /// The fault of operands that another operator joins: `[ a ] + [ b ]`.
    fn wrong_operator(
        &self,
        op: Op,
        (a, b): (&Value, &Value),
        (left, right): (Place, Place),
    ) -> Option<Box<Failure>> {
        let (suited, kinds) = match (a, b) {
            (Value::List(_), Value::List(_)) => (Op::Concat, "lists are joined"),
            (Value::Attrs(_), Value::Attrs(_)) => (Op::Update, "sets are merged"),
            (
                Value::Str(_) | Value::Text(_) | Value::Path(_),
                Value::Str(_) | Value::Text(_) | Value::Path(_),
            ) => (Op::Add, "strings are joined"),
            _ => return None,
        };
        if suited == op {
            return None;
        }
        let (wrong, suited) = (op.as_str(), suited.as_str());
        let place = self.operator_between(left, right, wrong)?;
        let message = format!("{kinds} with `{suited}`, not with `{wrong}`");
        let failure = Failure::new(DiagnosticCode::TypeMismatch, place, message);
        Some(failure.label("the wrong operator").help(format!("write `{suited}`")))
    }

    /// The place of an operator between its operands, apart from parentheses and comments.
    fn operator_between(&self, left: Place, right: Place, operator: &str) -> Option<Place> {
        let files = self.files.borrow();
        let between = Place { start: left.end, end: right.start, ..left };
        let text = files.text(between);
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            at += if rest.starts_with('#') {
                rest.find('\n').unwrap_or(rest.len())
            } else if rest.starts_with("/*") {
                rest.find("*/").map_or(rest.len(), |end| end + 2)
            } else if rest.starts_with(operator) {
                let start = between.start + u32::try_from(at).ok()?;
                let end = start + u32::try_from(operator.len()).ok()?;
                return Some(Place { start, end, ..between });
            } else {
                rest.chars().next().map_or(1, char::len_utf8)
            };
        }
        None
    }
}

fn symbolic(failure: Box<Failure>, op: Op, a: Value, b: Value) -> Fallible<Value> {
    if failure.kind == FailureKind::Symbolic {
        Ok(Value::residual(Residual::Binary(op, a, b)))
    } else {
        Err(failure)
    }
}

fn holds(op: Op, ordering: Option<Ordering>) -> bool {
    // `a <= b` is `!(b < a)`, as in Nix: it decides what a comparison with NaN gives.
    match op {
        Op::Less => ordering == Some(Ordering::Less),
        Op::LessOrEqual => ordering != Some(Ordering::Greater),
        Op::Greater => ordering == Some(Ordering::Greater),
        _ => ordering != Some(Ordering::Less),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "Nix turns the integer of a mixed pair into a float"
)]
fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}
