//! The names around every file: Nix's own, the spec language's, the registry's.

use std::rc::Rc;

use jail_registry::{COMMON_JAIL_OPTIONS, COMMON_PKGS, Place, Signature};

use super::Evaluator;
use crate::attrs::Attrs;
use crate::builtins;
use crate::failure::Fallible;
use crate::residual::Residual;
use crate::symbols::Symbol;
use crate::syntax::{Global, Globals};
use crate::value::{Combinator, Permission, Root, Value};
use crate::vocabulary::{JAIL, KnownWord, Vocabulary, WordKind};

/// The names of the spec language whose value is made at each mention.
const NAMED: &[&str] = &["agents", "combinators", "commonJailOptions", "commonPkgs", "pkgs"];

/// The names of the spec language that are constants.
const ROOTS: &[(&str, Root)] = &[
    ("builtins", Root::Builtins),
    ("import", Root::Import),
    ("jail", Root::Jail),
    ("lib", Root::Library(None)),
];

/// The names around every file.
#[derive(Clone, Copy)]
pub(crate) struct Names<'s> {
    pub(crate) vocabulary: &'s Vocabulary,
}

impl Globals for Names<'_> {
    fn resolve(&self, name: &str) -> Option<Global> {
        match name {
            "true" => return Some(Global::Constant(Value::Bool(true))),
            "false" => return Some(Global::Constant(Value::Bool(false))),
            "null" => return Some(Global::Constant(Value::Null)),
            _ => {}
        }
        if let Some((_, root)) = ROOTS.iter().find(|(known, _)| *known == name) {
            return Some(Global::Constant(Value::Root(*root)));
        }
        if NAMED.contains(&name) || self.vocabulary.has(name) {
            return Some(Global::Named);
        }
        builtins::global(name).map(|builtin| Global::Constant(Value::Builtin(builtin)))
    }

    fn names(&self) -> Vec<&str> {
        let roots = ROOTS.iter().map(|(name, _)| *name);
        let words = self.vocabulary.words().map(|word| word.name);
        let nix = ["true", "false", "null"].into_iter().chain(builtins::globals());
        let mut names: Vec<_> =
            words.chain(NAMED.iter().copied()).chain(roots).chain(nix).collect();
        names.sort_unstable();
        names
    }

    fn is_combinator(&self, name: &str) -> bool {
        self.vocabulary.has(name)
    }

    fn signature(&self, name: &str) -> Option<Signature> {
        match name {
            "jail" => Some(JAIL),
            name => self.vocabulary.word(name).map(|word| word.signature),
        }
    }
}

impl Evaluator<'_> {
    /// What a mention of a name means.
    pub(crate) fn global(&self, name: Symbol, place: Place) -> Fallible<Value> {
        let text = self.symbols.name(name);
        if let Some(word) = self.names.vocabulary.word(&text) {
            return Ok(word_value(word, Some(place)));
        }
        if let Some(value) = self.globals.borrow().get(&name) {
            return Ok(value.clone());
        }
        let value = self.global_named(&text, place)?;
        self.globals.borrow_mut().insert(name, value.clone());
        Ok(value)
    }

    /// The names of [`NAMED`].
    pub(crate) fn global_named(&self, name: &str, place: Place) -> Fallible<Value> {
        Ok(match name {
            "combinators" => {
                let words = self.names.vocabulary.words();
                let words = words.filter(|word| word.kind != WordKind::Builder);
                let pairs =
                    words.map(|word| (self.symbols.intern(word.name), word_value(word, None)));
                Value::Attrs(Rc::new(Attrs::without_places(pairs)))
            }
            "commonJailOptions" => {
                let words = COMMON_JAIL_OPTIONS.iter();
                let words = words.filter_map(|name| self.names.vocabulary.word(name));
                Value::list(words.map(|word| word_value(word, Some(place))).collect::<Vec<_>>())
            }
            "commonPkgs" => {
                let pkgs = Rc::new(Residual::Name("pkgs".into()));
                let package = |name: &&str| {
                    Value::residual(Residual::Select(Rc::clone(&pkgs), self.symbols.intern(name)))
                };
                Value::list(COMMON_PKGS.iter().map(package).collect::<Vec<_>>())
            }
            name => Value::residual(Residual::Name(name.into())),
        })
    }
}

fn word_value(word: &KnownWord, place: Option<Place>) -> Value {
    let (name, signature) = (word.name, word.signature);
    if signature.params.is_empty() {
        return Value::Permission(Rc::new(Permission { name, signature, args: Vec::new(), place }));
    }
    let combinator = Combinator { kind: word.kind, name, signature, args: Vec::new(), place };
    Value::Combinator(Rc::new(combinator))
}
