//! Values as arguments: the expected type decides what lambdas and packages become.

use std::collections::BTreeMap;
use std::rc::Rc;

use jail_policy::{Output, Package, Piece, Text};
use jail_registry::{Code as DiagnosticCode, Diagnostic, Place, Placed, Type, Value as Term};

use super::Collector;
use super::types::{element_type, field_type, is_known_field, wants};
use crate::attrs::Attrs;
use crate::ir::Op;
use crate::residual::Residual;
use crate::value::{Combinator, List, MadeBy, TextBuilder, TextPart, TextValue, Value};

impl Collector<'_, '_> {
    /// A value as an argument of the type `ty`, which decides what lambdas and packages become.
    pub(super) fn placed(&mut self, value: &Value, ty: Type, place: Place) -> Option<Placed> {
        if let Some(packages) = self.symbolic_packages(value, ty, place) {
            self.weigh(PART, place)?;
            return Some(Placed { value: Term::List(packages?), place: Some(place) });
        }
        let Some(forced) = self.force(value, place) else {
            self.joined(value, element_type(ty), 0);
            return None;
        };
        self.weigh(PART, place)?;
        let term = self.term(&forced, ty, place)?;
        Some(Placed { value: term, place: Some(place) })
    }

    fn term(&mut self, value: &Value, ty: Type, place: Place) -> Option<Term> {
        match value {
            Value::Null => Some(Term::Null),
            Value::Bool(value) => Some(Term::Bool(*value)),
            Value::Int(number) => Some(Term::Integer(*number)),
            Value::Float(number) => Some(Term::Float(*number)),
            Value::Str(text) => {
                self.weigh(text.len(), place)?;
                Some(Term::Text(Text::literal(&***text)))
            }
            Value::Text(text) => self.text(text, place).map(Term::Text),
            Value::Residual(residual) => self.symbolic(residual, ty, place),
            Value::List(list) => self.list(list, ty, place),
            Value::Attrs(attrs) => self.attributes(attrs, ty, place),
            Value::Permission(permission) => {
                self.permission(permission, place).map(Term::Permission)
            }
            Value::Path(path) => Some(Term::Path(self.evaluator.path_value(path, place))),
            Value::Combinator(combinator) => {
                if wants(ty, &|ty| matches!(ty, Type::Package)) {
                    self.fault(no_package(combinator, place));
                } else {
                    self.unfinished(combinator, None, place);
                }
                None
            }
            Value::Lambda(_) | Value::Partial(_) | Value::Builtin(_) | Value::Library(_) => {
                self.function(value, ty, place)
            }
            other => {
                let fault = self.no_argument(other, place);
                self.fault(fault);
                None
            }
        }
    }

    fn no_argument(&self, value: &Value, place: Place) -> Diagnostic {
        let message = format!("{} cannot be an argument here", value.kind());
        let fault = Diagnostic::error(DiagnosticCode::ParamType, Some(place), message)
            .label(format!("this is {}", value.kind()));
        match value {
            Value::Jail(_) => fault.help("a jail cannot contain another jail"),
            _ => fault,
        }
    }

    fn list(&mut self, list: &Rc<List>, ty: Type, place: Place) -> Option<Term> {
        if wants(ty, &|ty| matches!(ty, Type::Permission | Type::List(Type::Permission))) {
            let permissions = self.permission_list(list, place)?;
            let placed = permissions.into_iter().map(|permission| Placed {
                place: permission.place,
                value: Term::Permission(permission),
            });
            return Some(Term::List(placed.collect()));
        }
        let element = element_type(ty);
        let items: Vec<_> = list
            .items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                let place = list.place_of(index).unwrap_or(place);
                self.placed(item, element, place)
            })
            .collect();
        items.into_iter().collect::<Option<_>>().map(Term::List)
    }

    fn attributes(&mut self, attrs: &Rc<Attrs>, ty: Type, place: Place) -> Option<Term> {
        let mut fields = BTreeMap::new();
        let mut sound = true;
        for (name, entry) in attrs.by_name(&self.evaluator.symbols) {
            let at = entry.written_at().unwrap_or(place);
            match self.placed(&entry.value, field_type(ty, &name), at) {
                // The fault of an unknown argument is shown at its name.
                Some(placed) => {
                    let known = is_known_field(ty, &name);
                    let place = if known { placed.place } else { entry.named_at() };
                    fields.insert(name.to_string(), Placed { place, ..placed });
                }
                None => sound = false,
            }
        }
        sound.then_some(Term::Attributes(fields))
    }

    /// Where a script is expected, a function gets a placeholder for the entry. Where permissions
    /// are expected, it gets the combinators.
    fn function(&mut self, value: &Value, ty: Type, place: Place) -> Option<Term> {
        if wants(ty, &|ty| matches!(ty, Type::Script)) {
            let script = self.evaluator.applied_to_entry(value, place);
            let script = self.noted(script)?;
            return self.term(&script, Type::Text, place);
        }
        if wants(ty, &|ty| matches!(ty, Type::Permission | Type::List(Type::Permission))) {
            let combinators = self.evaluator.global_named("combinators", place);
            let combinators = self.noted(combinators)?;
            let list = self.evaluator.apply(value, &[combinators], place);
            let list = self.noted(list)?;
            return match list {
                Value::Lambda(_) | Value::Partial(_) | Value::Builtin(_) => {
                    self.fault(self.no_argument(&list, place));
                    None
                }
                list => self.term(&list, ty, place),
            };
        }
        let fault = self.no_argument(value, place);
        self.fault(fault.help("does the function need another argument?"));
        None
    }

    /// A symbolic value is a package, or the text that names it.
    fn symbolic(&mut self, residual: &Rc<Residual>, ty: Type, place: Place) -> Option<Term> {
        let package = |ty| matches!(ty, Type::Package | Type::Entry);
        let text = |ty| matches!(ty, Type::Text | Type::Literal | Type::Word(_) | Type::Script);
        if wants(ty, &text) && !wants(ty, &package) {
            if is_list(residual) {
                let message = "expected a string, got a list that only Nix knows";
                let fault = Diagnostic::error(DiagnosticCode::ParamType, Some(place), message);
                self.fault(fault.label("this is a list").help("a list may depend on a package where packages are wanted; `lib.optionalString` gives a text"));
                return None;
            }
            let mut value = TextBuilder::plain();
            value.push(TextPart::Package(Rc::clone(residual), Output::Out));
            return self.text(&value.finish(), place).map(Term::Text);
        }
        let source = self.evaluator.source_of(&Value::Residual(Rc::clone(residual)), place);
        let mut nix = self.noted(source)?;
        if wants(ty, &|ty| matches!(ty, Type::Shell)) {
            nix = format!("{} ({nix})", jail_policy::DEV_SHELL);
        }
        self.weigh(nix.len(), place)?;
        Some(Term::Package(Package::Symbolic { nix }))
    }

    fn text(&mut self, text: &TextValue, place: Place) -> Option<Text> {
        let mut pieces = Vec::new();
        for part in &text.parts {
            pieces.push(match part {
                TextPart::Literal(literal) => {
                    self.weigh(literal.len(), place)?;
                    Piece::Literal(literal.to_string())
                }
                TextPart::Entry => Piece::Entry { entry: true },
                TextPart::Package(residual, output) => {
                    let package = self.evaluator.package_of(residual, *output, place);
                    let (package, output) = self.noted(package)?;
                    self.weigh(package_bytes(&package), place)?;
                    Piece::Package { package, output }
                }
            });
        }
        Some(Text::new(text.made_by == MadeBy::Noescape, pieces))
    }
}

/// Whether a symbolic value is a list, as far as its form shows.
pub(super) fn is_list(residual: &Residual) -> bool {
    match residual {
        Residual::Binary(op, ..) => *op == Op::Concat,
        Residual::Call(name, _) => name == "lib.optionals" || name == "lib.optional",
        _ => false,
    }
}

/// The approximate size of a part of the term, besides its texts.
pub(super) const PART: usize = 64;

fn package_bytes(package: &Package) -> usize {
    match package {
        Package::Symbolic { nix } => nix.len(),
        Package::Resolved { .. } => 0,
    }
}

/// Some combinators have the same name as a package.
fn no_package(combinator: &Combinator, place: Place) -> Diagnostic {
    let (name, place) = (combinator.name, combinator.place.unwrap_or(place));
    let message = format!("the combinator `{name}` is used where a package is expected");
    Diagnostic::error(DiagnosticCode::CombinatorAsPackage, Some(place), message)
        .label("this is not a package")
        .help(format!("write `pkgs.{name}` for the package"))
}
