//! Lowering: from a term to the policy, every grant explicit.
//!
//! The order is that of jail.nix: the base permissions first, then the spec's in order,
//! then what was deferred. The fold does not stop at the first error: all errors of a
//! jail are reported at once.

mod amount;
pub(crate) mod by_name;
mod cage;
mod call;
mod danger;
mod entry;
mod finish;
mod folder;
mod name;
mod path;
mod raw;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use jail_policy::{Danger, Entry, Grant, Origin, Output, Package, Policy, Text, VERSION};

pub(crate) use amount::{parse_percent, parse_seconds, parse_size};
pub use cage::is_every_programs;
pub use call::Call;
pub use danger::warning as danger_warning;
pub(crate) use finish::default_hostname;
pub(crate) use folder::Way;
pub(crate) use name::{is_hostname, is_variable};

use crate::builders::{self, Makes};
use crate::check;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::packages::Packages;
use crate::suggest::nearest;
use crate::table::{self, BASE_PERMISSIONS, Lower};
use crate::term::{Applied, Jail, Made, Place, Placed, Value};

/// The origin of what every jail has: its program.
const JAIL: &str = "jail";

/// A lowered jail.
#[derive(Clone, Debug, PartialEq)]
pub struct Lowered {
    /// Its grants, normalised.
    pub policy: Policy,
    /// What is dangerous, or looks wrong without being certain to be.
    pub warnings: Vec<Diagnostic>,
    /// The grants that deserve a second look, the worst first.
    pub dangers: Vec<Danger>,
    /// The places of the combinators that made its grants.
    pub places: BTreeMap<Origin, Place>,
}

/// Lowers a jail. `place` renders a place for messages, as `opencode.jail:4:3`.
///
/// # Errors
/// All faults of the jail; warnings are among them.
pub fn lower(
    jail: &Jail,
    packages: &dyn Packages,
    place: &dyn Fn(Place) -> String,
) -> Result<Lowered, Vec<Diagnostic>> {
    if let Made::Built(built) = &jail.made
        && let Some(builder) = builders::builder(&built.builder)
        && builder.makes == Makes::Cage
    {
        return cage::lower(builder, built, jail.place, packages, place);
    }
    let expanded;
    let (maker, plain) = match &jail.made {
        Made::Plain { name, entry, permissions } => {
            (JAIL, builders::Expanded::borrowed(name, entry, permissions))
        }
        Made::Built(built) => {
            expanded = builders::expand(built, jail.place, packages)?;
            (built.builder.as_str(), expanded.borrow())
        }
    };
    let base = base_permissions();
    let mut state = Lowering::new(packages, plain.name);
    state.agent = agent_of(jail);
    name::check(plain.name, jail.place, &mut state.diagnostics);
    state.program(maker, plain.entry, jail.place);
    let mut index = 1;
    for applied in base.iter().chain(plain.permissions) {
        state.apply(applied, index);
        index += combinators_in(applied);
    }
    state.run_deferred();
    state.finish(plain.name, place)
}

/// The package of the agent that a jail's builder is for.
#[must_use]
pub fn agent_of(jail: &Jail) -> Option<&'static str> {
    match &jail.made {
        Made::Plain { .. } => None,
        Made::Built(built) => Some(builders::builder(&built.builder)?.preset?.package),
    }
}

fn base_permissions() -> Vec<Applied> {
    let applied =
        |name: &&str| Applied { combinator: (*name).into(), arguments: Vec::new(), place: None };
    BASE_PERMISSIONS.iter().map(applied).collect()
}

/// How many combinators an application contains, itself included. Indices count them depth first.
#[must_use]
pub fn combinators_in(applied: &Applied) -> u32 {
    let nested = applied.arguments.iter().map(value_size);
    nested.fold(1, u32::saturating_add)
}

fn value_size(value: &Placed) -> u32 {
    match &value.value {
        Value::Permission(applied) => combinators_in(applied),
        Value::List(elements) => elements.iter().map(value_size).fold(0, u32::saturating_add),
        Value::Attributes(fields) => fields.values().map(value_size).fold(0, u32::saturating_add),
        Value::Null
        | Value::Bool(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Package(_)
        | Value::Path(_)
        | Value::Function => 0,
    }
}

/// The state of the fold.
pub(crate) struct Lowering<'a> {
    packages: &'a dyn Packages,
    jail: &'a str,
    /// The package of the agent whose preset it is.
    agent: Option<&'static str>,
    grants: Vec<Granted>,
    deferred: Vec<(&'a Applied, u32)>,
    once: BTreeSet<String>,
    entry: Text,
    entries: u32,
    folder: folder::Wish,
    by_name: by_name::ByName,
    places: BTreeMap<Origin, Place>,
    dangers: Vec<Danger>,
    diagnostics: Vec<Diagnostic>,
}

/// A grant of the fold, and what the author named with it.
struct Granted {
    entry: Entry,
    /// The argument that names the target, if the author named it. Such targets are
    /// compared with each other.
    named: Option<Named>,
}

/// A mount target that the author of the spec wrote.
struct Named {
    place: Option<Place>,
    combinator: String,
}

impl<'a> Lowering<'a> {
    fn new(packages: &'a dyn Packages, jail: &'a str) -> Self {
        Self {
            packages,
            jail,
            agent: None,
            grants: Vec::new(),
            deferred: Vec::new(),
            once: BTreeSet::new(),
            entry: Text::literal(""),
            entries: 0,
            folder: folder::Wish::default(),
            by_name: by_name::ByName::default(),
            places: BTreeMap::new(),
            dangers: Vec::new(),
            diagnostics: Vec::new(),
        }
    }

    fn program(&mut self, maker: &str, entry: &Placed, place: Option<Place>) {
        let by = Origin { combinator: maker.into(), index: 0 };
        // If a builder is given the package, that argument is the origin of the program.
        let given = entry.place.filter(|_| maker != JAIL).or(place);
        if let Some(place) = given {
            self.places.insert(by.clone(), place);
        }
        let path = match &entry.value {
            Value::Package(package) => self.main_program(package, entry.place.or(place)),
            Value::Text(text) => path::program(text, entry.place.or(place), &mut self.diagnostics),
            Value::Null
            | Value::Bool(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::List(_)
            | Value::Attributes(_)
            | Value::Permission(_)
            | Value::Path(_)
            | Value::Function => {
                self.wrong_entry(entry, place);
                None
            }
        };
        if let Some(path) = path {
            self.entry = path.clone();
            let entry = Entry { by, grant: Grant::Program { path } };
            self.grants.push(Granted { entry, named: None });
        }
    }

    fn main_program(&mut self, package: &Package, place: Option<Place>) -> Option<Text> {
        if let Package::Resolved { paths } = package
            && paths.program.is_none()
        {
            let message = format!("the package `{}` has no main program", paths.out);
            let fault = Diagnostic::error(Code::NoMainProgram, place, message)
                .help("name the program: `\"${lib.getBin package}/bin/name\"`");
            self.diagnostics.push(fault);
            return None;
        }
        Some(Text::package(package.clone(), Output::Program))
    }

    fn wrong_entry(&mut self, entry: &Placed, place: Option<Place>) {
        let faults = check::argument(JAIL, "ENTRY", crate::signature::Type::Entry, entry, place);
        self.diagnostics.extend(faults);
    }

    /// Applies a combinator whose index in the term is `index`.
    fn apply(&mut self, applied: &'a Applied, index: u32) {
        let name = applied.combinator.as_str();
        let Some(combinator) = table::combinator(name) else {
            self.diagnostics.push(unknown(applied));
            return;
        };
        let faults =
            check::arguments(name, combinator.signature, &applied.arguments, applied.place);
        if !faults.is_empty() {
            self.diagnostics.extend(faults);
            return;
        }
        match combinator.lower {
            Lower::Permission(lower) => self.call(lower, applied, index),
            Lower::Text { .. } => {
                let message = format!("`{name}` makes a text, which is not a permission");
                self.diagnostics.push(Diagnostic::error(Code::ParamType, applied.place, message));
            }
        }
    }

    fn call(
        &mut self,
        lower: fn(&mut Call<'_, '_>) -> Option<()>,
        applied: &'a Applied,
        index: u32,
    ) {
        let before = self.diagnostics.len();
        let done = lower(&mut Call { state: self, applied, index });
        // Nothing may be left out silently, even if an entry of the table forgets to report why.
        if done.is_none() && self.diagnostics.len() == before {
            let message = format!("`{}` cannot use its arguments", applied.combinator);
            self.diagnostics.push(Diagnostic::error(Code::ParamType, applied.place, message));
        }
    }

    /// What was deferred, in order. What is deferred again comes after the rest.
    fn run_deferred(&mut self) {
        while !self.deferred.is_empty() {
            for (applied, index) in std::mem::take(&mut self.deferred) {
                self.apply(applied, index);
            }
        }
    }

    /// Forgets everything except the jail's own program.
    fn reset(&mut self) {
        self.grants.retain(|granted| granted.entry.by.index == 0);
        self.deferred.clear();
        self.once.clear();
        self.folder = folder::Wish::default();
        self.by_name = by_name::ByName::default();
        self.entries = 0;
        if let Some(Granted { entry: Entry { grant: Grant::Program { path }, .. }, .. }) =
            self.grants.first()
        {
            self.entry = path.clone();
        }
    }

    fn finish(
        mut self,
        name: &str,
        place: &dyn Fn(Place) -> String,
    ) -> Result<Lowered, Vec<Diagnostic>> {
        finish::finish(&mut self);
        // They are in the order of the spec, whatever the order in which the fold found them.
        self.diagnostics.sort_by_key(|diagnostic| diagnostic.primary);
        if self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
            return Err(self.diagnostics);
        }
        let resolved = |Entry { by, grant }| Entry { by, grant: grant.resolved() };
        let grants = self.grants.into_iter().map(|granted| resolved(granted.entry)).collect();
        let grants = jail_policy::normalise(grants);
        let origins: BTreeSet<&Origin> = grants.iter().map(|entry| &entry.by).collect();
        let places = self
            .places
            .iter()
            .filter(|(origin, _)| origins.contains(origin))
            .map(|(origin, at)| (origin.clone(), place(*at)))
            .collect();
        let policy = Policy { version: VERSION, name: name.into(), grants, places };
        let (dangers, places) = (self.dangers, self.places);
        Ok(Lowered { policy, warnings: self.diagnostics, dangers, places })
    }
}

fn unknown(applied: &Applied) -> Diagnostic {
    let name = &applied.combinator;
    let message = format!("unknown combinator `{name}`");
    let fault = Diagnostic::error(Code::UnknownCombinator, applied.place, message)
        .label("not in the registry");
    match nearest(name, table::combinators().map(|combinator| combinator.name)) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault,
    }
}

#[cfg(test)]
mod tests;
