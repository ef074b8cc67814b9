//! Expands a builder's arguments to the name, the entry and the permissions of a plain jail.

use std::collections::BTreeMap;

use jail_policy::{Package, Text};

use super::{
    Builder, COMMON_JAIL_OPTIONS, COMMON_PKGS, Executed, State, Variable, VariableValue, builder,
    hosts, options, secrets,
};
use crate::check;
use crate::diagnostic::{Code, Diagnostic};
use crate::packages::Packages;
use crate::suggest::nearest;
use crate::table::names;
use crate::term::{Applied, Built, Place, Placed, Value};

/// The expansion of a builder.
pub(crate) struct Expanded {
    name: String,
    entry: Placed,
    permissions: Vec<Applied>,
}

/// The parts that a jail and a cage have in common.
pub(crate) struct Plain<'a> {
    pub(crate) name: &'a str,
    pub(crate) entry: &'a Placed,
    pub(crate) permissions: &'a [Applied],
}

impl Expanded {
    pub(crate) fn borrowed<'a>(
        name: &'a str,
        entry: &'a Placed,
        permissions: &'a [Applied],
    ) -> Plain<'a> {
        Plain { name, entry, permissions }
    }

    pub(crate) fn borrow(&self) -> Plain<'_> {
        Self::borrowed(&self.name, &self.entry, &self.permissions)
    }
}

/// Expands a builder.
pub(crate) fn expand(
    built: &Built,
    place: Option<Place>,
    packages: &dyn Packages,
) -> Result<Expanded, Vec<Diagnostic>> {
    let Some(builder) = builder(&built.builder) else {
        return Err(vec![unknown(&built.builder, place)]);
    };
    let given = Placed { value: Value::Attributes(built.arguments.clone()), place };
    let faults = check::arguments(builder.name, builder.signature, &[given], place);
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut expansion =
        Expansion { builder, arguments: &built.arguments, place, packages, faults: Vec::new() };
    let expanded = expansion.run();
    if expansion.faults.is_empty() { Ok(expanded) } else { Err(expansion.faults) }
}

fn unknown(name: &str, place: Option<Place>) -> Diagnostic {
    let message = format!("unknown builder `{name}`");
    let fault = Diagnostic::error(Code::UnknownBuilder, place, message);
    let nearest = || nearest(name, super::BUILDERS.iter().map(|builder| builder.name));
    match super::builder_meant(name).or_else(|| Some(format!("did you mean `{}`?", nearest()?))) {
        Some(help) => fault.help(help),
        None => fault,
    }
}

pub(super) struct Expansion<'a> {
    builder: &'static Builder,
    arguments: &'a BTreeMap<String, Placed>,
    place: Option<Place>,
    pub(super) packages: &'a dyn Packages,
    faults: Vec<Diagnostic>,
}

impl Expansion<'_> {
    fn run(&mut self) -> Expanded {
        let (name, entry) = (self.name(), self.entry());
        let mut permissions = Vec::new();
        // It comes first, so any `mask` of the spec can except a name.
        options::masked_files(self, &mut permissions);
        permissions.extend(self.options("baseJailOptions").unwrap_or_else(|| self.common()));
        hosts::allowed_hosts(self, &mut permissions);
        self.state(&mut permissions);
        permissions.extend(self.list("workspace").map(|to| self.apply(names::WORKSPACE, [to])));
        options::git_worktrees(self, &mut permissions);
        options::nix_daemon(self, &mut permissions);
        options::open_urls(self, &mut permissions);
        options::nix_config(self, &mut permissions);
        options::limits(self, &mut permissions);
        self.paths("extraReadwriteDirs", names::READWRITE, &mut permissions);
        // It comes after the writable folders, so a folder inside one of them can
        // be made read-only again.
        self.paths("extraReadonlyDirs", names::READONLY, &mut permissions);
        permissions.extend(self.caches());
        permissions.push(self.base_packages());
        permissions
            .extend(self.list("extraPkgs").map(|given| self.apply(names::ADD_PKG_DEPS, [given])));
        secrets::secrets(self, &mut permissions);
        self.variables(&mut permissions);
        permissions.extend(self.command_line());
        permissions.extend(self.options("extraJailOptions").unwrap_or_default());
        Expanded { name, entry, permissions }
    }

    fn name(&self) -> String {
        let given = self.arguments.get("name").and_then(|given| match &given.value {
            Value::Text(text) => text.as_str().map(ToOwned::to_owned),
            _ => None,
        });
        given
            .or_else(|| self.builder.preset.map(|preset| preset.command.into()))
            .unwrap_or_default()
    }

    fn entry(&mut self) -> Placed {
        if let Some(given) = self.arguments.get("pkg") {
            return self.placed(given);
        }
        let package = self.builder.preset.and_then(|preset| {
            let package = self.packages.agent(preset.package);
            self.found(package, preset.package)
        });
        let value = package.map_or(Value::Null, Value::Package);
        Placed { value, place: self.place }
    }

    /// The permissions of an argument, if it is given.
    fn options(&self, argument: &str) -> Option<Vec<Applied>> {
        let given = self.arguments.get(argument)?;
        // A `compose` would count as another combinator, which the author did not write.
        let mut found = Vec::new();
        flatten(given, &mut found);
        Some(found)
    }

    fn common(&self) -> Vec<Applied> {
        COMMON_JAIL_OPTIONS.iter().map(|name| self.apply(name, [])).collect()
    }

    fn state(&self, permissions: &mut Vec<Applied>) {
        let is_separate = self.is_true("separateState");
        for state in self.builder.preset.map_or(&[][..], |preset| preset.state) {
            let (combinator, path) = match (state, is_separate) {
                (State::Directory(path), false) => (names::STATE_DIR, path),
                (State::File(path), false) => (names::STATE_FILE, path),
                (State::Directory(path), true) => (names::SEPARATE_STATE_DIR, path),
                (State::File(path), true) => (names::SEPARATE_STATE_FILE, path),
            };
            permissions.push(self.apply(combinator, [self.of_preset(Text::expanded(*path))]));
        }
        // If nothing else has it, nothing else executes it.
        if !is_separate && !self.is_true("writableSettings") {
            self.private_copies(permissions);
        }
        for path in self.elements("configPaths") {
            let combinator = if is_file_name(&path) { names::STATE_FILE } else { names::STATE_DIR };
            permissions.push(self.apply(combinator, [expandable(path)]));
        }
    }

    /// The jail has copies of what the agent executes in its state.
    fn private_copies(&self, permissions: &mut Vec<Applied>) {
        for Executed { folder, names } in self.builder.preset.map_or(&[][..], |it| it.executed) {
            let names = names.iter().map(|(name, _)| self.of_preset(Text::literal(*name)));
            let names = Placed { value: Value::List(names.collect()), place: self.place };
            let folder = self.of_preset(Text::expanded(*folder));
            permissions.push(self.apply(names::PRIVATE_COPIES, [folder, names]));
        }
    }

    /// The caches of the preset, and those that the spec asks for.
    fn caches(&self) -> Option<Applied> {
        let own = self.builder.preset.map_or(&[][..], |preset| preset.caches);
        let own = own.iter().map(|name| self.of_preset(Text::literal(*name)));
        let names: Vec<_> = own.chain(self.elements(names::CACHES)).collect();
        let place = self.list(names::CACHES).map_or(self.place, |given| given.place);
        let list = Placed { value: Value::List(names.clone()), place };
        (!names.is_empty()).then(|| self.apply(names::CACHES, [list]))
    }

    fn of_preset(&self, text: Text) -> Placed {
        self.of_builder(Value::Text(text))
    }

    /// A value whose place is that of the builder.
    pub(super) fn of_builder(&self, value: Value) -> Placed {
        Placed { value, place: self.place }
    }

    fn is_true(&self, argument: &str) -> bool {
        matches!(self.arguments.get(argument), Some(Placed { value: Value::Bool(true), .. }))
    }

    fn paths(&self, argument: &str, combinator: &str, permissions: &mut Vec<Applied>) {
        for path in self.elements(argument) {
            permissions.push(self.apply(combinator, [expandable(path)]));
        }
    }

    fn base_packages(&mut self) -> Applied {
        let list = self.list("basePackages").unwrap_or_else(|| {
            let package = |attribute: &&str| {
                let package = self.packages.nixpkgs(attribute);
                self.found(package, attribute)
            };
            let common: Vec<Package> = COMMON_PKGS.iter().filter_map(package).collect();
            let place = self.place;
            let common = common.into_iter().map(|it| Placed { value: Value::Package(it), place });
            Placed { value: Value::List(common.collect()), place }
        });
        self.apply(names::ADD_PKG_DEPS, [list])
    }

    fn variables(&self, permissions: &mut Vec<Applied>) {
        // They come before the variables of the spec, which take precedence.
        for Variable { name, value, reason: _ } in
            self.builder.preset.map_or(&[][..], |it| it.variables)
        {
            let value = match value {
                VariableValue::Text(text) => (*text).to_owned(),
                VariableValue::CommandName => self.name(),
            };
            let arguments = [(*name).to_owned(), value];
            let arguments = arguments.map(|text| self.of_preset(Text::literal(text)));
            permissions.push(self.apply(names::SET_ENV, arguments));
        }
        if let Some(Value::Attributes(env)) = self.arguments.get("env").map(|given| &given.value) {
            for (name, value) in env {
                let place = value.place.or(self.place);
                let name = Placed { value: Value::Text(Text::literal(name)), place };
                permissions.push(self.apply(names::SET_ENV, [name, self.placed(value)]));
            }
        }
        for name in self.elements("fwdEnv") {
            permissions.push(self.apply(names::FWD_ENV, [name]));
        }
    }

    /// The preset's own arguments, before those of the caller.
    fn command_line(&self) -> Option<Applied> {
        let own = self.builder.preset.map_or(&[][..], |preset| preset.arguments);
        let words = own.iter().map(|word| Text::literal(*word)).chain([Text::expanded("$@")]);
        let place = self.place;
        let words = words.map(|word| Placed { value: Value::Text(word), place }).collect();
        (!own.is_empty())
            .then(|| self.apply(names::SET_ARGV, [Placed { value: Value::List(words), place }]))
    }

    /// The builder that is expanded.
    pub(super) fn builder(&self) -> &'static Builder {
        self.builder
    }

    /// Records a fault of an argument.
    pub(super) fn fault(&mut self, fault: Diagnostic) {
        self.faults.push(fault);
    }

    /// Records that the term lacks a package.
    pub(super) fn found(&mut self, package: Option<Package>, attribute: &str) -> Option<Package> {
        if package.is_none() {
            let name = self.builder.name;
            let message = format!(
                "`{name}` needs the package `{attribute}`, which did not come with the term"
            );
            self.faults.push(Diagnostic::error(Code::MissingPackage, self.place, message));
        }
        package
    }

    pub(super) fn list(&self, argument: &str) -> Option<Placed> {
        self.arguments.get(argument).map(|given| self.placed(given))
    }

    /// The elements of an argument that is a list; none if it is not given.
    fn elements(&self, argument: &str) -> Vec<Placed> {
        match self.arguments.get(argument).map(|given| (&given.value, given.place)) {
            Some((Value::List(elements), list)) => elements
                .iter()
                .map(|it| Placed {
                    value: it.value.clone(),
                    place: it.place.or(list).or(self.place),
                })
                .collect(),
            Some(_) | None => Vec::new(),
        }
    }

    fn placed(&self, given: &Placed) -> Placed {
        Placed { value: given.value.clone(), place: given.place.or(self.place) }
    }

    /// A combinator that the builder applies. Its place is that of its first argument.
    pub(super) fn apply<const N: usize>(
        &self,
        combinator: &str,
        arguments: [Placed; N],
    ) -> Applied {
        let place = arguments.first().and_then(|first| first.place).or(self.place);
        Applied { combinator: combinator.into(), arguments: arguments.into(), place }
    }
}

fn flatten(given: &Placed, found: &mut Vec<Applied>) {
    match &given.value {
        Value::Permission(applied) => found.push(applied.clone()),
        Value::List(elements) => elements.iter().for_each(|element| flatten(element, found)),
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

/// In the builders' own arguments, `~/x` is expanded as users expect, without `noescape`.
pub(super) fn expandable(mut path: Placed) -> Placed {
    if let Value::Text(text) = &mut path.value {
        text.expand = true;
    }
    path
}

/// Whether a path of `configPaths` names a file: agents keep settings in files with these endings.
pub(crate) fn is_file_name(path: &Placed) -> bool {
    const ENDINGS: &[&str] = &["conf", "db", "env", "ini", "json", "jsonc", "toml", "yaml", "yml"];
    let Value::Text(text) = &path.value else { return false };
    let text = text.to_string();
    let name = text.rsplit('/').next().unwrap_or_default();
    let ending = name.trim_start_matches('.').rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| ENDINGS.contains(&ending))
}
