//! What a spec may be: a jail, a set of jails, a function to either, or inputs and
//! overlays around such a function.

use std::collections::BTreeMap;
use std::rc::Rc;

use jail_registry::{Code as DiagnosticCode, Diagnostic, Jail, Made, Place, builder};

use crate::attrs::Attrs;
use crate::failure::NOWHERE;
use crate::ir::Params;
use crate::residual::Residual;
use crate::term::Collector;
use crate::value::{Argument, Root, Value};
use crate::vocabulary::WordKind;

/// An evaluated spec.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Its jails, in the order of their attribute names.
    pub jails: Vec<Jail>,
    /// The flake inputs that it adds to those of the emitted flake.
    pub inputs: BTreeMap<String, Input>,
    /// Nix source of the overlays that `pkgs` is made with.
    pub overlays: Vec<String>,
    /// Nix source of the configuration that `pkgs` is made with.
    pub config: Option<String>,
    /// The paths below the spec's folder that its strings and packages contain (`./cfg` as `cfg`),
    /// each with one place. The emitted files refer to them as `./files/cfg`.
    pub copied: BTreeMap<String, Place>,
}

/// A flake input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    /// The reference to the flake.
    pub url: Option<String>,
    /// Whether it is a flake.
    pub flake: Option<bool>,
    /// The path of the input that it follows.
    pub follows: Option<String>,
    /// Its own inputs that are overridden.
    pub inputs: BTreeMap<String, Input>,
}

/// The attributes of the flake-like form of a spec.
const FLAKE_LIKE: &[&str] = &["description", "inputs", "nixpkgs", "outputs", "overlays"];

/// The attributes of `nixpkgs`.
const NIXPKGS: &[&str] = &["config", "overlays"];

/// The names that a spec's function is called with.
const OFFERED: &str = "a spec is given `pkgs`, `lib`, `inputs`, `agents`, `jail`, `combinators` and `system`; the flakes that it adds are in `inputs`";

impl Collector<'_, '_> {
    /// The spec that the value of the file means, without the parts that are wrong.
    pub(crate) fn spec(&mut self, value: &Value, place: Place) -> Spec {
        let mut spec = Spec {
            jails: Vec::new(),
            inputs: BTreeMap::new(),
            overlays: Vec::new(),
            config: None,
            copied: BTreeMap::new(),
        };
        match value {
            Value::Attrs(attrs) if self.is_flake_like(attrs, place) => {
                self.flake_like(attrs, &mut spec, place);
            }
            value => self.outputs(value, &mut spec, place),
        }
        self.no_duplicates(&spec.jails);
        spec.copied.clone_from(&self.evaluator.copied.borrow());
        spec
    }

    fn is_flake_like(&mut self, attrs: &Rc<Attrs>, place: Place) -> bool {
        let Some(outputs) = self.evaluator.attribute(attrs, "outputs") else { return false };
        let outputs = self.evaluator.force(&outputs, place);
        !matches!(outputs, Ok(Value::Jail(_)))
    }

    fn flake_like(&mut self, attrs: &Rc<Attrs>, spec: &mut Spec, place: Place) {
        for (name, entry) in attrs.by_name(&self.evaluator.symbols) {
            let at = entry.named_at().unwrap_or(place);
            match &*name {
                "inputs" => spec.inputs = self.inputs(&entry.value, at),
                "nixpkgs" => self.nixpkgs(&entry.value, spec, at),
                "overlays" => spec.overlays.extend(self.overlays(&entry.value, at)),
                "outputs" => {
                    if let Some(outputs) = self.force(&entry.value, at) {
                        self.outputs(&outputs, spec, entry.value.written_at().unwrap_or(at));
                    }
                }
                "description" => {}
                _ => self.unknown_field(&name, FLAKE_LIKE, at),
            }
        }
    }

    fn unknown_field(&mut self, name: &str, known: &[&str], place: Place) {
        let names: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
        let fault = Diagnostic::error(
            DiagnosticCode::UnexpectedArgument,
            Some(place),
            format!("`{name}` has no meaning here"),
        );
        let help = crate::suggest::did_you_mean(name, known.iter().copied());
        let help = help.unwrap_or_else(|| format!("the known names are {}", names.join(", ")));
        self.fault(fault.label("not known").help(help));
    }

    fn inputs(&mut self, value: &Value, place: Place) -> BTreeMap<String, Input> {
        let attrs = match self.force(value, place) {
            Some(Value::Attrs(attrs)) => attrs,
            Some(other) => {
                self.wrong_kind("a set of inputs", &other, place);
                return BTreeMap::new();
            }
            None => return BTreeMap::new(),
        };
        let mut inputs = BTreeMap::new();
        for (name, entry) in attrs.by_name(&self.evaluator.symbols) {
            let at = entry.named_at().unwrap_or(place);
            if let Some(value) = self.force(&entry.value, at) {
                inputs.insert(name.to_string(), self.input(&value, at));
            }
        }
        inputs
    }

    fn input(&mut self, value: &Value, place: Place) -> Input {
        let mut input = Input::default();
        let Value::Attrs(attrs) = value else {
            self.wrong_kind("an input such as `{ url = \"github:…\"; }`", value, place);
            return input;
        };
        for (name, entry) in attrs.by_name(&self.evaluator.symbols) {
            let at = entry.named_at().unwrap_or(place);
            let Some(value) = self.force(&entry.value, at) else { continue };
            match (&*name, &value) {
                ("url", Value::Str(url)) => input.url = Some(url.to_string()),
                ("follows", Value::Str(follows)) => input.follows = Some(follows.to_string()),
                ("flake", Value::Bool(flake)) => input.flake = Some(*flake),
                ("inputs", Value::Attrs(_)) => input.inputs = self.inputs(&value, at),
                ("url" | "follows" | "flake" | "inputs", other) => {
                    let wanted = if &*name == "flake" { "a boolean" } else { "a string" };
                    self.wrong_kind(wanted, other, at);
                }
                _ => self.unknown_field(&name, &["url", "follows", "flake", "inputs"], at),
            }
        }
        input
    }

    fn wrong_kind(&mut self, wanted: &str, value: &Value, place: Place) {
        let failure = self.evaluator.mismatch(wanted, value, place);
        self.failed(*failure);
    }

    /// How `pkgs` is configured: `{ config.allowUnfree = true; overlays = [ … ]; }`.
    fn nixpkgs(&mut self, value: &Value, spec: &mut Spec, place: Place) {
        let attrs = match self.force(value, place) {
            Some(Value::Attrs(attrs)) => attrs,
            Some(other) => return self.wrong_kind("a set of settings", &other, place),
            None => return,
        };
        for (name, entry) in attrs.by_name(&self.evaluator.symbols) {
            let at = entry.named_at().unwrap_or(place);
            match &*name {
                "config" => spec.config = self.config(&entry.value, at),
                "overlays" => spec.overlays.extend(self.overlays(&entry.value, at)),
                _ => self.unknown_field(&name, NIXPKGS, at),
            }
        }
    }

    fn config(&mut self, value: &Value, place: Place) -> Option<String> {
        let value = self.force(value, place)?;
        if !matches!(value, Value::Attrs(_)) {
            self.wrong_kind("a set such as `{ allowUnfree = true; }`", &value, place);
            return None;
        }
        let source = self.evaluator.source_of(&value, place);
        self.noted(source)
    }

    /// A list of overlays, or a function from the inputs to one.
    fn overlays(&mut self, value: &Value, place: Place) -> Vec<String> {
        let Some(mut value) = self.force(value, place) else { return Vec::new() };
        if let Value::Lambda(_) = &value {
            let inputs = Value::residual(Residual::Name("inputs".into()));
            let applied = self.evaluator.apply(&value, &[inputs], place);
            match self.noted(applied) {
                Some(list) => value = list,
                None => return Vec::new(),
            }
        }
        let Value::List(list) = &value else {
            self.wrong_kind("a list of overlays", &value, place);
            return Vec::new();
        };
        let sources = list.items.iter().enumerate().map(|(index, item)| {
            let at = list.place_of(index).unwrap_or(place);
            let source = self.evaluator.source_of(item, at);
            self.noted(source)
        });
        sources.collect::<Vec<_>>().into_iter().flatten().collect()
    }

    fn outputs(&mut self, value: &Value, spec: &mut Spec, place: Place) {
        match value {
            Value::Jail(call) => spec.jails.extend(self.jail(call)),
            Value::Attrs(attrs) => self.jails(attrs, spec, place),
            Value::Lambda(closure) => {
                let arguments = self.offered(&closure.lambda.params);
                let applied = self.evaluator.apply(value, &[arguments], place);
                let result = applied.map_err(|failure| {
                    let mut failure = failure.at(place);
                    let fault = &mut failure.diagnostic;
                    if fault.code == DiagnosticCode::MissingArgument && fault.primary == Some(place)
                    {
                        fault.help = Some(OFFERED.into());
                    }
                    failure
                });
                let result = self.noted(result);
                match result {
                    Some(inner @ Value::Lambda(_)) => self.no_spec(&inner, place),
                    Some(result) => self.outputs(&result, spec, place),
                    None => {}
                }
            }
            other => self.no_spec(other, place),
        }
    }

    fn jails(&mut self, attrs: &Rc<Attrs>, spec: &mut Spec, place: Place) {
        if attrs.len() == 0 {
            self.fault(
                Diagnostic::error(DiagnosticCode::NoJail, Some(place), "the spec contains no jail")
                    .label("an empty set")
                    .help("write `jail \"name\" pkgs.hello [ ]`"),
            );
        }
        for (name, entry) in attrs.by_name(&self.evaluator.symbols) {
            let at = entry.written_at().unwrap_or(place);
            match self.force(&entry.value, at) {
                Some(Value::Jail(call)) => spec.jails.extend(self.jail(&call)),
                Some(other) => {
                    let help = "a spec is a jail or a set of jails; keep helpers in a `let`";
                    self.no_jail(&format!("`{name}`"), &other, help, at);
                }
                None => {}
            }
        }
    }

    fn no_spec(&mut self, value: &Value, place: Place) {
        let help = match value {
            Value::Root(_) | Value::Partial(_) | Value::Combinator(_) => {
                "it needs more arguments: `jail NAME PACKAGE [ … ]`"
            }
            Value::Permission(_) | Value::List(_) => {
                "permissions stand inside a jail: `jail \"name\" pkgs.hello [ … ]`"
            }
            _ => {
                "a spec is a jail (`jail \"name\" pkgs.hello [ … ]`), a set of jails, or a function to either"
            }
        };
        self.no_jail("the spec", value, help, place);
    }

    /// The fault of a value that should be a jail but is not.
    fn no_jail(&mut self, subject: &str, value: &Value, help: &str, place: Place) {
        let fault = |what: &str| {
            let message = format!("{subject} is {what}, not a jail");
            Diagnostic::error(DiagnosticCode::NoJail, Some(place), message)
        };
        self.fault(match self.unfinished_jail(value) {
            Some((what, written)) => {
                fault(&what).label("it needs more arguments").help(format!("write `{written}`"))
            }
            None => fault(value.kind()).label(format!("this is {}", value.kind())).help(help),
        });
    }

    /// A call of `jail` or of a builder without all its arguments: what it is, and what
    /// it looks like with them.
    fn unfinished_jail(&self, value: &Value) -> Option<(String, String)> {
        match value {
            Value::Combinator(it) if it.kind == WordKind::Builder => {
                let builder = builder(it.name)?;
                let is_optional = builder.fields().iter().all(|field| !field.required);
                let written = match is_optional {
                    true => format!("{} {{ }}", it.name),
                    false => builder.example.to_owned(),
                };
                Some((format!("`{}` without its argument", it.name), written))
            }
            Value::Root(Root::Jail) => Some(self.unfinished_call(&[])),
            Value::Partial(partial) if matches!(partial.function, Value::Root(Root::Jail)) => {
                Some(self.unfinished_call(&partial.placed))
            }
            _ => None,
        }
    }

    fn unfinished_call(&self, given: &[Argument]) -> (String, String) {
        let files = self.evaluator.files.borrow();
        let given = given.iter().map(|arg| files.text(arg.place));
        let known: Vec<&str> = given.collect();
        let missing = ["\"name\"", "pkgs.hello", "[ ]"].into_iter().skip(known.len());
        let words: Vec<&str> = known.iter().copied().chain(missing).collect();
        ("`jail` without all its arguments".to_owned(), format!("jail {}", words.join(" ")))
    }

    /// The set that a spec's function is called with: the names in its pattern, or all
    /// of them if it takes any.
    fn offered(&self, params: &Params) -> Value {
        let evaluator = self.evaluator;
        let name = |name: &str| Value::residual(Residual::Name(name.into()));
        let platform = ["stdenv", "hostPlatform", "system"]
            .iter()
            .fold(Rc::new(Residual::Name("pkgs".into())), |set, name| {
                Rc::new(Residual::Select(set, evaluator.symbols.intern(name)))
            });
        let combinators = evaluator.global_named("combinators", NOWHERE).unwrap_or(Value::Null);
        let pairs = [
            ("pkgs", name("pkgs")),
            ("inputs", name("inputs")),
            ("agents", name("agents")),
            ("lib", Value::Root(Root::Library(None))),
            ("jail", Value::Root(Root::Jail)),
            ("combinators", combinators),
            ("system", Value::Residual(platform)),
        ];
        let pairs = pairs.map(|(name, value)| (evaluator.symbols.intern(name), value));
        let wanted = pairs.into_iter().filter(|(name, _)| match params {
            // Nix cannot distinguish a pattern with an ellipsis from one without, so it gets
            // the names of the pattern.
            Params::Pattern(pattern) if !(pattern.open && pattern.formals.is_empty()) => {
                pattern.formals.iter().any(|formal| formal.name == *name)
            }
            Params::Pattern(_) | Params::Names(_) => true,
        });
        Value::Attrs(Rc::new(Attrs::without_places(wanted)))
    }

    fn no_duplicates(&mut self, jails: &[Jail]) {
        let mut seen: BTreeMap<&str, Option<Place>> = BTreeMap::new();
        for jail in jails {
            let Some(name) = jail.name() else { continue };
            let Some(first) = seen.insert(name, jail.place) else { continue };
            let help = match jail.made {
                Made::Plain { .. } => "the name becomes a command: give them different ones",
                Made::Built(_) => {
                    "the name becomes a command: give one of them another with `name = \"…\";`"
                }
            };
            let mut fault = Diagnostic::error(
                DiagnosticCode::DuplicateJail,
                jail.place,
                format!("two jails are called `{name}`"),
            )
            .label("the second of this name")
            .help(help);
            if let Some(first) = first {
                fault = fault.secondary(first, "the first");
            }
            self.fault(fault);
        }
    }
}
