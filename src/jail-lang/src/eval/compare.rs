//! Equality and order.

use std::cmp::Ordering;
use std::rc::Rc;

use jail_registry::{Code as DiagnosticCode, Place};

use super::Evaluator;
use crate::attrs::Attrs;
use crate::failure::{Failure, Fallible};
use crate::value::Value;

impl Evaluator<'_> {
    /// Whether two values are equal, as `==` defines it. Versions of Nix disagree on functions.
    pub(crate) fn equal(&self, left: &Value, right: &Value, place: Place) -> Fallible<bool> {
        let (left, right) = (self.force(left, place)?, self.force(right, place)?);
        self.step(place)?;
        Ok(match (&left, &right) {
            (a, b) if (a.is_function() && b.is_function()) || is_undecided(a, b) => {
                return Err(no_equality(a, b, place));
            }
            (Value::Residual(_) | Value::Text(_), _) | (_, Value::Residual(_) | Value::Text(_)) => {
                return self.equal_symbolic(&left, &right, place);
            }
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            #[expect(
                clippy::cast_precision_loss,
                reason = "Nix compares numbers of two kinds as floats"
            )]
            (Value::Int(a), Value::Float(b)) | (Value::Float(b), Value::Int(a)) => *a as f64 == *b,
            (Value::Float(a), Value::Float(b)) => a == b,
            (Value::Str(a), Value::Str(b)) => {
                self.work(a.len().min(b.len()), place)?;
                ***a == ***b
            }
            (Value::Path(_), Value::Path(_)) => return Err(paths(place)),
            (Value::List(a), Value::List(b)) => {
                if a.items.len() != b.items.len() {
                    return Ok(false);
                }
                for (a, b) in a.items.iter().zip(&b.items) {
                    if !self.equal(a, b, place)? {
                        return Ok(false);
                    }
                }
                true
            }
            (Value::Attrs(a), Value::Attrs(b)) => self.equal_sets(a, b, place)?,
            _ => false,
        })
    }

    fn equal_sets(&self, left: &Rc<Attrs>, right: &Rc<Attrs>, place: Place) -> Fallible<bool> {
        if let (Some(a), Some(b)) = (self.derivation(left, place)?, self.derivation(right, place)?)
        {
            return self.equal(&a, &b, place);
        }
        if left.len() != right.len() {
            return Ok(false);
        }
        for (a, b) in left.entries().iter().zip(right.entries()) {
            if a.name != b.name || !self.equal(&a.value, &b.value, place)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The store path of a set that declares itself a derivation.
    pub(crate) fn derivation(&self, attrs: &Attrs, place: Place) -> Fallible<Option<Value>> {
        let Some(kind) = attrs.get(self.known.kind) else { return Ok(None) };
        match self.force(kind, place)? {
            Value::Str(kind) if &**kind == "derivation" => {
                Ok(attrs.get(self.known.out_path).cloned())
            }
            _ => Ok(None),
        }
    }

    /// Symbolic values are known to differ only where their types differ.
    fn equal_symbolic(&self, left: &Value, right: &Value, place: Place) -> Fallible<bool> {
        match (left, right) {
            (
                Value::Text(_),
                Value::Null
                | Value::Bool(_)
                | Value::Int(_)
                | Value::Float(_)
                | Value::List(_)
                | Value::Attrs(_),
            )
            | (
                Value::Null
                | Value::Bool(_)
                | Value::Int(_)
                | Value::Float(_)
                | Value::List(_)
                | Value::Attrs(_),
                Value::Text(_),
            ) => Ok(false),
            (Value::Residual(_) | Value::Text(_), _) => {
                Err(Failure::symbolic(place, "the value", &self.shown_source(left)))
            }
            _ => Err(Failure::symbolic(place, "the value", &self.shown_source(right))),
        }
    }

    /// The order of two values, as `<` defines it.
    pub(crate) fn compare(
        &self,
        left: &Value,
        right: &Value,
        place: Place,
    ) -> Fallible<Option<Ordering>> {
        Ok(match (left, right) {
            (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
            #[expect(
                clippy::cast_precision_loss,
                reason = "Nix compares numbers of two kinds as floats"
            )]
            (Value::Int(a), Value::Float(b)) => (*a as f64).partial_cmp(b),
            #[expect(
                clippy::cast_precision_loss,
                reason = "Nix compares numbers of two kinds as floats"
            )]
            (Value::Float(a), Value::Int(b)) => a.partial_cmp(&(*b as f64)),
            (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
            (Value::Str(a), Value::Str(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
            (Value::Path(_), Value::Path(_)) => return Err(paths(place)),
            (Value::List(a), Value::List(b)) => {
                return self.compare_lists(&a.items, &b.items, place);
            }
            (value @ (Value::Residual(_) | Value::Text(_)), _)
            | (_, value @ (Value::Residual(_) | Value::Text(_))) => {
                return Err(Failure::symbolic(place, "the value", &self.shown_source(value)));
            }
            (a, b) => {
                let message = format!("{} and {} cannot be ordered", a.kind(), b.kind());
                return Err(Failure::new(DiagnosticCode::TypeMismatch, place, message)
                    .label("only two numbers, strings, paths or lists can be ordered"));
            }
        })
    }

    fn compare_lists(
        &self,
        left: &[Value],
        right: &[Value],
        place: Place,
    ) -> Fallible<Option<Ordering>> {
        for (a, b) in left.iter().zip(right) {
            if !self.equal(a, b, place)? {
                let (a, b) = (self.force(a, place)?, self.force(b, place)?);
                return self.compare(&a, &b, place);
            }
        }
        Ok(Some(left.len().cmp(&right.len())))
    }
}

/// Whether a value of the spec language is compared with one that Nix might find equal to it.
fn is_undecided(a: &Value, b: &Value) -> bool {
    let may_be_equal = |value: &Value| {
        value.is_opaque()
            || value.is_function()
            || matches!(value, Value::Attrs(_) | Value::Residual(_))
    };
    (a.is_opaque() && may_be_equal(b)) || (b.is_opaque() && may_be_equal(a))
}

fn no_equality(a: &Value, b: &Value, place: Place) -> Box<Failure> {
    let message = format!("{} and {} cannot be compared", a.kind(), b.kind());
    Failure::dependent(place, message)
        .label("evaluators of Nix differ on which functions are equal, and on permissions")
        .help("compare names or other plain values instead")
}

/// The spec has one path for `jailgen` and another for Nix, which evaluates a copy in its store.
fn paths(place: Place) -> Box<Failure> {
    Failure::dependent(place, "paths cannot be compared")
        .label("whether they are equal depends on where the spec is")
        .help("compare strings")
}
