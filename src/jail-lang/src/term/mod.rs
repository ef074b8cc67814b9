//! From values to the term: jails, permissions and arguments, each with its place.
//! All faults are collected.

mod arguments;
mod packages;
mod permissions;
mod types;

use jail_registry::{
    Built, Code as DiagnosticCode, Diagnostic, Jail, Made, Place, Placed, Type, Value as Term,
    check_argument, check_arguments, unknown_argument,
};

use crate::eval::Evaluator;
use crate::failure::{Failure, Fallible};
use crate::limits::TERM_BYTES_MAX;
use crate::value::{Argument, JailCall, Value};

pub(crate) use types::{element_type, field_type, wants};

/// More are not read.
const FAULTS_MAX: usize = 100;

/// Collects the parts of a term and everything that is wrong with them.
pub(crate) struct Collector<'a, 's> {
    pub(crate) evaluator: &'a Evaluator<'s>,
    pub(crate) faults: Vec<Diagnostic>,
    /// The size of the term so far: the bytes of its texts, and a constant for each part.
    bytes: usize,
}

impl<'a, 's> Collector<'a, 's> {
    pub(crate) fn new(evaluator: &'a Evaluator<'s>) -> Self {
        Self { evaluator, faults: Vec::new(), bytes: 0 }
    }

    /// Records a fault, once: a value that several jails share is visited for each.
    pub(crate) fn fault(&mut self, fault: Diagnostic) {
        let same = |known: &Diagnostic| {
            let at = |fault: &Diagnostic| (fault.primary, fault.message.clone());
            // An evaluation that has been stopped fails wherever it is asked for something more.
            let is_stopped = fault.code == DiagnosticCode::StepLimit;
            known.code == fault.code && (is_stopped || at(known) == at(&fault))
        };
        if self.faults.len() < FAULTS_MAX && !self.faults.iter().any(same) {
            self.faults.push(fault);
        }
    }

    /// Counts the size of a part of the term. A value may occur in many places,
    /// and is written out in each.
    pub(crate) fn weigh(&mut self, bytes: usize, place: Place) -> Option<()> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes <= TERM_BYTES_MAX {
            return Some(());
        }
        let message = format!("the spec's jails take more than {} MB", TERM_BYTES_MAX >> 20);
        let fault = Diagnostic::error(DiagnosticCode::MemoryLimit, Some(place), message);
        self.fault(fault.label("the limit is exceeded here"));
        None
    }

    /// Records why something has no value, unless that has been reported.
    pub(crate) fn failed(&mut self, failure: Failure) {
        if let Some(fault) = failure.diagnostic() {
            self.fault(fault);
        }
    }

    pub(crate) fn noted<T>(&mut self, result: Fallible<T>) -> Option<T> {
        result.map_err(|failure| self.failed(*failure)).ok()
    }

    pub(crate) fn force(&mut self, value: &Value, place: Place) -> Option<Value> {
        // A list may contain itself; the evaluator's bounds apply here too.
        let step = self.evaluator.step(place);
        self.noted(step)?;
        let forced = self.evaluator.force(value, place);
        self.noted(forced)
    }

    /// Makes the term of one jail from the call that describes it.
    pub(crate) fn jail(&mut self, call: &JailCall) -> Option<Jail> {
        self.weigh(JAIL, call.place())?;
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
        let Some(placed) = placed.into_iter().collect::<Option<Vec<_>>>() else {
            for (param, argument) in params.iter().zip(args) {
                self.unknown_arguments(name, param.ty, argument);
            }
            return None;
        };
        let faults =
            check_arguments(name, jail_registry::Signature { params }, &placed, Some(place));
        let sound = faults.is_empty();
        faults.into_iter().for_each(|fault| self.fault(fault));
        sound.then_some(placed)
    }

    /// A name that an argument set may not have is wrong whatever the other names are.
    fn unknown_arguments(&mut self, of: &str, ty: Type, argument: &Argument) {
        let Type::Fields(fields) = ty else { return };
        let forced = self.evaluator.force(&argument.value, argument.place);
        let Ok(Value::Attrs(attrs)) = forced else { return };
        for (name, entry) in attrs.by_name(&self.evaluator.symbols) {
            if !fields.iter().any(|field| field.name == &*name) {
                let place = entry.named_at().unwrap_or(argument.place);
                self.fault(unknown_argument(of, &name, fields, Some(place)));
            }
        }
    }
}

/// The approximate size of a jail, besides its permissions.
const JAIL: usize = 1_024;

fn literal(placed: &Placed) -> Option<String> {
    match &placed.value {
        Term::Text(text) => text.as_str().map(str::to_owned),
        _ => None,
    }
}

impl Failure {
    /// A failure that has no place is shown here.
    pub(crate) fn at(mut self: Box<Self>, place: Place) -> Box<Self> {
        self.diagnostic.primary.get_or_insert(place);
        self
    }
}
