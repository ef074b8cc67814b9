//! One application of a combinator: the part of the fold that entries of the table see.

use std::borrow::Cow;

use jail_policy::{Entry, Grant, Namespace, Origin, Output, Package, Service, Text};

use super::{Granted, Lowering, Named, combinators_in, path, text};
use crate::diagnostic::{Code, Diagnostic};
use crate::packages::Brought;
use crate::table::{self, Lower};
use crate::term::{Applied, Place, Placed, Value};

/// A combinator that is being applied. The getters return `None` after they
/// have recorded what is wrong.
pub struct Call<'l, 'a> {
    pub(super) state: &'l mut Lowering<'a>,
    pub(super) applied: &'a Applied,
    pub(super) index: u32,
}

impl<'a> Call<'_, 'a> {
    /// Adds a grant.
    pub(crate) fn grant(&mut self, grant: Grant) {
        self.push(grant, None);
    }

    /// Adds a grant whose target is the argument at `argument`. The author wrote the target, so two
    /// grants at one place are reported.
    pub(crate) fn grant_named(&mut self, argument: usize, grant: Grant) {
        let combinator = self.applied.combinator.clone();
        let named = Named { place: self.place_of(argument), combinator };
        self.push(grant, Some(named));
    }

    /// Adds a grant that has a place of its own, for messages.
    pub(crate) fn grant_at(&mut self, place: Option<Place>, grant: Grant) {
        let combinator = self.applied.combinator.clone();
        self.push(grant, Some(Named { place, combinator }));
    }

    /// The combinator's name.
    pub(crate) fn combinator(&self) -> &'a str {
        &self.applied.combinator
    }

    /// The grants so far.
    pub(crate) fn grants(&self) -> impl Iterator<Item = &Grant> {
        self.state.grants.iter().map(|granted| &granted.entry.grant)
    }

    /// Takes grants back.
    pub(crate) fn forget(&mut self, is_it: impl Fn(&Grant) -> bool) {
        self.state.grants.retain(|granted| !is_it(&granted.entry.grant));
    }

    /// Adds a grant below everything that the spec itself puts at a place. What the author
    /// puts there, earlier or later, covers what a combinator brings, and nothing is written
    /// into a tree of the host.
    pub(crate) fn grant_beneath(&mut self, grant: Grant) {
        let granted = self.granted(grant, None);
        let at = super::finish::first_of_the_authors(&self.state.grants);
        self.state.grants.insert(at, granted);
    }

    /// Adds a grant of the home folder where the one before was. Earlier grants inside the home
    /// folder, and a working folder below it, still cover it.
    pub(crate) fn grant_home(&mut self, grant: Grant) {
        let named = Named { place: self.place_of(0), combinator: self.applied.combinator.clone() };
        let granted = self.granted(grant, Some(named));
        let home = |granted: &Granted| granted.entry.grant.target() == Some(&Text::expanded("~"));
        let before = self.state.grants.iter_mut().find(|granted| home(granted));
        let Some(before) = before else { return self.state.grants.push(granted) };
        let warning = super::finish::conflict(before, &granted, "~");
        *before = granted;
        self.state.diagnostics.extend(warning);
    }

    fn push(&mut self, grant: Grant, named: Option<Named>) {
        let granted = self.granted(grant, named);
        self.state.grants.push(granted);
    }

    fn granted(&mut self, grant: Grant, named: Option<Named>) -> Granted {
        let by = self.origin();
        if let Some(place) = self.applied.place {
            self.state.places.insert(by.clone(), place);
        }
        Granted { entry: Entry { by, grant }, named }
    }

    fn origin(&self) -> Origin {
        Origin { combinator: self.applied.combinator.clone(), index: self.index }
    }

    /// Whether this key occurs for the first time since the start (or `reset`).
    pub(crate) fn once(&mut self, key: &str) -> bool {
        self.state.once.insert(key.into())
    }

    /// The command's name.
    pub(crate) fn jail(&self) -> &'a str {
        self.state.jail
    }

    /// The package of the agent that the jail's builder is for.
    pub(crate) fn agent(&self) -> Option<&'static str> {
        self.state.agent
    }

    /// The place of an argument, or of the whole application.
    pub(crate) fn place_of(&self, argument: usize) -> Option<Place> {
        self.applied.arguments.get(argument).and_then(|it| it.place).or(self.applied.place)
    }

    /// Records a diagnostic.
    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        self.state.diagnostics.push(diagnostic);
    }

    /// Records an error at an argument.
    pub(crate) fn error(&mut self, code: Code, argument: usize, message: String, help: &str) {
        let place = self.place_of(argument);
        self.report(Diagnostic::error(code, place, message).help(help));
    }

    /// Records an error at a place, or at the whole application if there is no place.
    pub(crate) fn error_at(
        &mut self,
        code: Code,
        place: Option<Place>,
        message: String,
        help: &str,
    ) {
        let place = place.or(self.applied.place);
        self.report(Diagnostic::error(code, place, message).help(help));
    }

    fn argument(&self, argument: usize) -> Option<&'a Placed> {
        self.applied.arguments.get(argument)
    }

    /// A text that is used as a value.
    pub(crate) fn text(&mut self, argument: usize) -> Option<Text> {
        let value = self.argument(argument)?;
        self.text_of(value)
    }

    /// The text of a value, or the place of the whole application if it has none.
    pub(crate) fn text_of(&mut self, value: &Placed) -> Option<Text> {
        let text = as_text(&value.value)?;
        let place = value.place.or(self.applied.place);
        text::value(&text, place, &mut self.state.diagnostics)
    }

    /// A text as it is written. Only NUL bytes are refused: contents of files, scripts.
    pub(crate) fn contents(&mut self, argument: usize) -> Option<Text> {
        let text = as_text(&self.argument(argument)?.value)?;
        let place = self.place_of(argument);
        text::contents(&text, place, &mut self.state.diagnostics)
    }

    /// An argument as it was evaluated.
    pub(crate) fn value(&self, argument: usize) -> Option<&'a Value> {
        self.argument(argument).map(|placed| &placed.value)
    }

    /// A string that is known now.
    pub(crate) fn literal(&self, argument: usize) -> Option<&'a str> {
        let Value::Text(text) = &self.argument(argument)?.value else { return None };
        text.as_str()
    }

    /// A plain string, or an integer as one would write it in a string.
    pub(crate) fn amount(&self, argument: usize) -> Option<Cow<'a, str>> {
        match &self.argument(argument)?.value {
            Value::Text(text) => text.as_str().map(Cow::Borrowed),
            Value::Integer(number) => Some(Cow::Owned(number.to_string())),
            Value::Null
            | Value::Bool(_)
            | Value::Float(_)
            | Value::Package(_)
            | Value::List(_)
            | Value::Attributes(_)
            | Value::Permission(_)
            | Value::Path(_)
            | Value::Function => None,
        }
    }

    /// A place on the host.
    pub(crate) fn source(&mut self, argument: usize) -> Option<Text> {
        self.path(argument, path::Role::Source)
    }

    /// All places on the host that a list names.
    pub(crate) fn sources(&mut self, argument: usize) -> Option<Vec<Text>> {
        let elements = self.elements(argument)?;
        let (combinator, own) = (&self.applied.combinator, self.place_of(argument));
        // All of them are checked before the first bad one stops the combinator.
        let checked: Vec<_> = elements
            .iter()
            .map(|element| {
                let text = as_text(&element.value)?;
                let (place, faults) = (element.place.or(own), &mut self.state.diagnostics);
                path::check(combinator, &text, path::Role::Source, place, faults)
            })
            .collect();
        checked.into_iter().collect()
    }

    /// A place in the jail.
    pub(crate) fn target(&mut self, argument: usize) -> Option<Text> {
        self.path(argument, path::Role::Target)
    }

    /// A folder of PATH.
    pub(crate) fn folder_of_path(&mut self, argument: usize) -> Option<Text> {
        self.path(argument, path::Role::Folder)
    }

    fn path(&mut self, argument: usize, role: path::Role) -> Option<Text> {
        let text = as_text(&self.argument(argument)?.value)?;
        let place = self.place_of(argument);
        path::check(&self.applied.combinator, &text, role, place, &mut self.state.diagnostics)
    }

    /// The package that an argument is.
    pub(crate) fn package(&self, argument: usize) -> Option<&'a Package> {
        as_package(self.argument(argument)?)
    }

    /// A list of packages.
    pub(crate) fn packages(&self, argument: usize) -> Option<Vec<&'a Package>> {
        self.elements(argument)?.iter().map(as_package).collect()
    }

    /// The elements of a list.
    pub(crate) fn elements(&self, argument: usize) -> Option<&'a [Placed]> {
        let Value::List(elements) = &self.argument(argument)?.value else { return None };
        Some(elements)
    }

    /// The plain strings of a list that is a field of an attribute set. There are
    /// none if it is not given.
    pub(crate) fn field_literals(&self, argument: usize, field: &str) -> Vec<&'a str> {
        let Some(Value::Attributes(fields)) = self.argument(argument).map(|it| &it.value) else {
            return Vec::new();
        };
        let Some(Value::List(elements)) = fields.get(field).map(|it| &it.value) else {
            return Vec::new();
        };
        let literal = |element: &'a Placed| match &element.value {
            Value::Text(text) => text.as_str(),
            _ => None,
        };
        elements.iter().filter_map(literal).collect()
    }

    /// Lets more through a bus. There is one proxy for each bus, with all
    /// that the spec names for it.
    pub(crate) fn grant_bus(&mut self, service: Service, proxy: Text, rules: Vec<String>) {
        for granted in &mut self.state.grants {
            if let Grant::Bus { service: other, rules: known, .. } = &mut granted.entry.grant
                && *other == service
            {
                for rule in rules {
                    if !known.contains(&rule) {
                        known.push(rule);
                    }
                }
                return;
            }
        }
        self.grant(Grant::Bus { service, proxy, rules });
    }

    /// A package that this combinator needs.
    pub(crate) fn brought(&mut self, package: Brought) -> Option<Package> {
        let found = self.state.packages.brought(package);
        if found.is_none() {
            let (name, attribute) = (&self.applied.combinator, package.attribute());
            let message = format!("`{name}` needs `{attribute}`, which the term does not contain");
            let place = self.applied.place;
            self.report(Diagnostic::error(Code::MissingPackage, place, message));
        }
        found
    }

    /// The permissions among the arguments, flattened, each with its index in the term.
    pub(crate) fn permissions(&self) -> Vec<(&'a Applied, u32)> {
        let mut found = Vec::new();
        let mut index = self.index + 1;
        for argument in &self.applied.arguments {
            collect_permissions(argument, &mut index, &mut found);
        }
        found
    }

    /// Applies permissions now.
    pub(crate) fn apply_all(&mut self, permissions: Vec<(&'a Applied, u32)>) {
        for (applied, index) in permissions {
            self.state.apply(applied, index);
        }
    }

    /// Applies a combinator that takes no arguments as a part of this one.
    pub(crate) fn apply_named(&mut self, name: &str) {
        if let Some(Lower::Permission(lower)) = table::combinator(name).map(|it| it.lower) {
            let _ = lower(self);
        }
    }

    /// Defers permissions until after everything else.
    pub(crate) fn defer_all(&mut self, permissions: Vec<(&'a Applied, u32)>) {
        self.state.deferred.extend(permissions);
    }

    /// Forgets everything so far.
    pub(crate) fn reset(&mut self) {
        self.state.reset();
    }

    /// Says how the working folder appears: in this way, at this place.
    pub(crate) fn folder(&mut self, way: Option<super::Way>, to: Option<Text>) {
        let grant = super::folder::wanted(self.state, way, to, self.applied.place);
        self.grant(grant);
    }

    /// The variables that have a value so far, including PATH and the time zone's.
    pub(crate) fn variables(&self) -> Vec<String> {
        let named = self.state.grants.iter().filter_map(|granted| match &granted.entry.grant {
            Grant::SetEnv { name, .. } | Grant::ForwardEnv { name, .. } => Some(name.clone()),
            Grant::AddPath { .. } => Some("PATH".into()),
            Grant::TimeZone { .. } => Some("TZ".into()),
            _ => None,
        });
        let names: std::collections::BTreeSet<String> = named.collect();
        names.into_iter().collect()
    }

    /// Takes back that these namespaces are shared with the host.
    pub(crate) fn unshare(&mut self, namespaces: &[Namespace]) {
        self.state.grants.retain(|granted| match &granted.entry.grant {
            Grant::ShareNamespace { namespace } => !namespaces.contains(namespace),
            Grant::HostNetwork => !namespaces.contains(&Namespace::Net),
            _ => true,
        });
    }

    /// Adds arguments of bubblewrap.
    pub(crate) fn raw(&mut self) -> Option<()> {
        super::raw::add(self)
    }

    /// Puts a script around the entry.
    pub(crate) fn wrap(&mut self, script: &Text) -> Option<()> {
        super::entry::wrap(self, script)
    }
}

fn as_package(value: &Placed) -> Option<&Package> {
    let Value::Package(package) = &value.value else { return None };
    Some(package)
}

/// As in Nix, a package represents its path where a string is expected.
fn as_text(value: &Value) -> Option<Cow<'_, Text>> {
    match value {
        Value::Text(text) => Some(Cow::Borrowed(text)),
        Value::Package(package) => Some(Cow::Owned(Text::package(package.clone(), Output::Out))),
        Value::Null
        | Value::Bool(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::List(_)
        | Value::Attributes(_)
        | Value::Permission(_)
        | Value::Path(_)
        | Value::Function => None,
    }
}

fn collect_permissions<'a>(
    value: &'a Placed,
    index: &mut u32,
    found: &mut Vec<(&'a Applied, u32)>,
) {
    match &value.value {
        Value::Permission(applied) => {
            found.push((applied, *index));
            *index = index.saturating_add(combinators_in(applied));
        }
        Value::List(elements) => {
            for element in elements {
                collect_permissions(element, index, found);
            }
        }
        Value::Null
        | Value::Bool(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Package(_)
        | Value::Attributes(_)
        | Value::Path(_)
        | Value::Function => {}
    }
}
