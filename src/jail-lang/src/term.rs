//! From values to the term: jails, permissions and arguments, each with its place. All faults are collected.

use std::collections::BTreeMap;
use std::rc::Rc;

use jail_policy::{Output, Piece, Text};
use jail_registry::{
    Applied, Built, Code as DiagnosticCode, Diagnostic, Jail, Made, Place, Placed, Type,
    Value as Term, check_argument, check_arguments, nearest,
};

use crate::attrs::Attrs;
use crate::eval::Evaluator;
use crate::failure::{Failure, Fallible};
use crate::residual::Residual;
use crate::value::{Argument, Combinator, JailCall, List, Permission, TextPart, TextValue, Value};

/// Nobody reads more.
const FAULTS_MAX: usize = 100;

/// Collects the parts of a term and everything that is wrong with them.
pub(crate) struct Collector<'a, 's> {
    pub(crate) evaluator: &'a Evaluator<'s>,
    pub(crate) faults: Vec<Diagnostic>,
}

impl<'a, 's> Collector<'a, 's> {
    pub(crate) fn new(evaluator: &'a Evaluator<'s>) -> Self {
        Self { evaluator, faults: Vec::new() }
    }

    /// Notes a fault, once: a value that several jails share is looked at for each.
    pub(crate) fn fault(&mut self, fault: Diagnostic) {
        let same = |known: &Diagnostic| {
            (known.code, known.primary, &known.message)
                == (fault.code, fault.primary, &fault.message)
        };
        if self.faults.len() < FAULTS_MAX && !self.faults.iter().any(same) {
            self.faults.push(fault);
        }
    }

    pub(crate) fn noted<T>(&mut self, result: Fallible<T>) -> Option<T> {
        result.map_err(|failure| self.fault(failure.diagnostic)).ok()
    }

    pub(crate) fn force(&mut self, value: &Value, place: Place) -> Option<Value> {
        // A list may hold itself; the evaluator's bounds hold here too.
        let step = self.evaluator.step(place);
        self.noted(step)?;
        let forced = self.evaluator.force(value, place);
        self.noted(forced)
    }

    /// One jail.
    pub(crate) fn jail(&mut self, call: &JailCall) -> Option<Jail> {
        match call {
            JailCall::Plain { args: [name, entry, permissions], place } => {
                let name = self.argument("jail", "name", Type::Literal, name);
                let entry = self.argument("jail", "entry", Type::Entry, entry);
                let permissions = self.permissions(permissions);
                let made = Made::Plain {
                    name: literal(&name?)?,
                    entry: entry?,
                    permissions: permissions?,
                };
                Some(Jail { made, place: Some(*place) })
            }
            JailCall::Built { name, signature, args, place } => {
                let arguments = self.checked(name, signature.params, args, *place)?;
                let Term::Attributes(arguments) = arguments.into_iter().next()?.value else {
                    return None;
                };
                let made = Made::Built(Built { builder: (*name).to_owned(), arguments });
                Some(Jail { made, place: Some(*place) })
            }
        }
    }

    fn argument(&mut self, of: &str, param: &str, ty: Type, arg: &Argument) -> Option<Placed> {
        let placed = self.placed(&arg.value, ty, arg.place)?;
        let faults = check_argument(of, param, ty, &placed, Some(arg.place));
        let sound = faults.is_empty();
        faults.into_iter().for_each(|fault| self.fault(fault));
        sound.then_some(placed)
    }

    /// The arguments of a combinator or builder, checked.
    fn checked(
        &mut self,
        name: &str,
        params: &'static [jail_registry::Param],
        args: &[Argument],
        place: Place,
    ) -> Option<Vec<Placed>> {
        let placed: Vec<_> = params
            .iter()
            .zip(args)
            .map(|(param, arg)| self.placed(&arg.value, param.ty, arg.place))
            .collect();
        let placed = placed.into_iter().collect::<Option<Vec<_>>>()?;
        let faults =
            check_arguments(name, jail_registry::Signature { params }, &placed, Some(place));
        let sound = faults.is_empty();
        faults.into_iter().for_each(|fault| self.fault(fault));
        sound.then_some(placed)
    }

    /// The permissions of a jail: a list, a function from the combinators to one, or `null`.
    fn permissions(&mut self, arg: &Argument) -> Option<Vec<Applied>> {
        let value = self.force(&arg.value, arg.place)?;
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

    fn permission_list(&mut self, list: &Rc<List>, around: Place) -> Option<Vec<Applied>> {
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
                    swallowed = self.unfinished(combinator, list, index, place);
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
    fn unfinished(
        &mut self,
        combinator: &Combinator,
        list: &List,
        index: usize,
        place: Place,
    ) -> usize {
        let (name, given) = (combinator.name, combinator.args.len());
        let wanted = combinator.signature.params.len();
        let missing = wanted.saturating_sub(given);
        let is_argument = |value: &Value| match value {
            Value::Permission(_) | Value::Combinator(_) => false,
            Value::Thunk(thunk) => !thunk.code.as_ref().is_some_and(|code| {
                matches!(code.expr, crate::ir::Expr::Apply { .. } | crate::ir::Expr::Global(_))
            }),
            _ => true,
        };
        let following = list
            .items
            .iter()
            .skip(index + 1)
            .take(missing)
            .take_while(|item| is_argument(item))
            .count();
        let files = self.evaluator.files.borrow();
        let shown: Vec<_> = (index + 1..=index + following)
            .filter_map(|index| list.place_of(index))
            .map(|place| files.text(place).to_owned())
            .collect();
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
            Value::Lambda(_) | Value::Partial(_) | Value::Builtin(_) | Value::Library(_) => {
                fault.help("a call in a list needs parentheses: `[ (f x) ]`")
            }
            Value::Jail(_) => fault.help("a jail cannot stand inside another"),
            _ => fault,
        }
    }

    fn permission(&mut self, permission: &Permission, place: Place) -> Option<Applied> {
        let place = permission.place.unwrap_or(place);
        let arguments =
            self.checked(permission.name, permission.signature.params, &permission.args, place)?;
        let combinator = permission.name.to_owned();
        Some(Applied { combinator, arguments, place: Some(place) })
    }

    /// A value as an argument of the type `ty`, which decides what lambdas and packages become.
    fn placed(&mut self, value: &Value, ty: Type, place: Place) -> Option<Placed> {
        let value = self.force(value, place)?;
        let term = self.term(&value, ty, place)?;
        Some(Placed { value: term, place: Some(place) })
    }

    fn term(&mut self, value: &Value, ty: Type, place: Place) -> Option<Term> {
        match value {
            Value::Null => Some(Term::Null),
            Value::Bool(value) => Some(Term::Bool(*value)),
            Value::Int(number) => Some(Term::Integer(*number)),
            Value::Float(number) => Some(Term::Float(*number)),
            Value::Str(text) => Some(Term::Text(Text::literal(&***text))),
            Value::Text(text) => self.text(text, place).map(Term::Text),
            Value::Residual(residual) => self.symbolic(residual, ty, place),
            Value::List(list) => self.list(list, ty, place),
            Value::Attrs(attrs) => self.attributes(attrs, ty, place),
            Value::Permission(permission) => {
                self.permission(permission, place).map(Term::Permission)
            }
            Value::Combinator(combinator) => {
                if wants(ty, &|ty| matches!(ty, Type::Package)) {
                    self.fault(no_package(combinator, place));
                } else {
                    self.unfinished(combinator, &no_list(), 0, place);
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
            Value::Path(path) => {
                let shown = self.evaluator.shown(path);
                fault.help(format!(
                    "write `\"${{./{shown}}}\"` for a copy in the store, or `\"{}\"` for the place on the machine",
                    path.0
                ))
            }
            Value::Jail(_) => fault.help("a jail cannot stand inside another"),
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
            let at = entry.value.written_at();
            let at = at.or(entry.place.as_deref().copied()).unwrap_or(place);
            match self.placed(&entry.value, field_type(ty, &name), at) {
                // The name is what is wrong about an argument that nobody knows.
                Some(placed) => {
                    let known = is_known_field(ty, &name);
                    let place = if known { placed.place } else { entry.place.as_deref().copied() };
                    fields.insert(name.to_string(), Placed { place, ..placed });
                }
                None => sound = false,
            }
        }
        sound.then_some(Term::Attributes(fields))
    }

    /// A function where a script is wanted gets a placeholder for the entry; where permissions are, the combinators.
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
        self.fault(fault.help("does the function still want an argument?"));
        None
    }

    /// A symbolic value is a package, or the text that names it.
    fn symbolic(&mut self, residual: &Rc<Residual>, ty: Type, place: Place) -> Option<Term> {
        let package = |ty| matches!(ty, Type::Package | Type::Entry);
        let text = |ty| matches!(ty, Type::Text | Type::Literal | Type::Script);
        if wants(ty, &text) && !wants(ty, &package) {
            let mut value = TextValue::new(false);
            value.push(TextPart::Package(Rc::clone(residual), Output::Out));
            return self.text(&value, place).map(Term::Text);
        }
        let source = self.evaluator.source_of(&Value::Residual(Rc::clone(residual)), place);
        let nix = self.noted(source)?;
        Some(Term::Package(jail_policy::Package::Symbolic { nix }))
    }

    fn text(&mut self, text: &TextValue, place: Place) -> Option<Text> {
        let mut pieces = Vec::new();
        for part in &text.parts {
            pieces.push(match part {
                TextPart::Literal(literal) => Piece::Literal(literal.to_string()),
                TextPart::Entry => Piece::Entry { entry: true },
                TextPart::Package(residual, output) => {
                    let package = self.evaluator.package_of(residual, *output, place);
                    let (package, output) = self.noted(package)?;
                    Piece::Package { package, output }
                }
            });
        }
        Some(Text::new(text.expand, pieces))
    }
}

/// Some combinators have the name of a package.
fn no_package(combinator: &Combinator, place: Place) -> Diagnostic {
    let (name, place) = (combinator.name, combinator.place.unwrap_or(place));
    let message = format!("the combinator `{name}` stands where a package belongs");
    Diagnostic::error(DiagnosticCode::CombinatorAsPackage, Some(place), message)
        .label("this is no package")
        .help(format!("write `pkgs.{name}` for the package"))
}

fn no_list() -> List {
    List { items: Box::new([]), origin: crate::value::Origin::None }
}

fn literal(placed: &Placed) -> Option<String> {
    match &placed.value {
        Term::Text(text) => text.as_str().map(str::to_owned),
        _ => None,
    }
}

/// Whether a type, or one that it may be instead, is such a one.
fn wants(ty: Type, such: &dyn Fn(Type) -> bool) -> bool {
    match ty {
        Type::Either(types) => types.iter().any(|ty| wants(*ty, such)),
        ty => such(ty),
    }
}

fn element_type(ty: Type) -> Type {
    match ty {
        Type::List(element) => *element,
        Type::Either(types) => types
            .iter()
            .map(|ty| element_type(*ty))
            .find(|ty| *ty != Type::Bool)
            .unwrap_or(Type::Bool),
        // Nothing is wanted here; the check says so, whatever the element becomes.
        _ => Type::Bool,
    }
}

fn field_type(ty: Type, name: &str) -> Type {
    match ty {
        Type::Fields(fields) => {
            fields.iter().find(|field| field.name == name).map_or(Type::Bool, |field| field.ty)
        }
        Type::Map(element) => *element,
        Type::Either(types) => types
            .iter()
            .map(|ty| field_type(*ty, name))
            .find(|ty| *ty != Type::Bool)
            .unwrap_or(Type::Bool),
        _ => Type::Bool,
    }
}

fn is_known_field(ty: Type, name: &str) -> bool {
    match ty {
        Type::Fields(fields) => fields.iter().any(|field| field.name == name),
        Type::Either(types) => types.iter().any(|ty| is_known_field(*ty, name)),
        _ => true,
    }
}

impl Failure {
    /// A failure without a place of its own is shown here.
    pub(crate) fn at(mut self: Box<Self>, place: Place) -> Box<Self> {
        self.diagnostic.primary.get_or_insert(place);
        self
    }
}
