//! The names that the registry adds to the language.

use std::collections::HashMap;
use std::sync::OnceLock;

use jail_registry::{BUILDERS, Lower, Param, Signature, Type, combinators};

/// Combinators and builders by name.
pub(crate) struct Vocabulary {
    words: HashMap<&'static str, KnownWord>,
}

/// What a name of the registry means to the evaluator.
#[derive(Clone, Copy)]
pub(crate) struct KnownWord {
    pub(crate) name: &'static str,
    pub(crate) signature: Signature,
    pub(crate) kind: WordKind,
}

/// What `jail` takes.
pub(crate) const JAIL: Signature = Signature {
    params: &[
        Param { name: "name", ty: Type::Literal },
        Param { name: "entry", ty: Type::Entry },
        Param { name: "permissions", ty: Type::List(&Type::Permission) },
    ],
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WordKind {
    /// With all its arguments it is a permission.
    Permission,
    /// It makes a text, which may be expanded at launch.
    Text { expand: bool },
    /// With its arguments it is a jail.
    Builder,
}

impl Vocabulary {
    /// The combinators, builders and presets of the registry.
    pub(crate) fn registry() -> &'static Self {
        static VOCABULARY: OnceLock<Vocabulary> = OnceLock::new();
        VOCABULARY.get_or_init(|| {
            let combinators = combinators().map(|combinator| KnownWord {
                name: combinator.name,
                signature: combinator.signature,
                kind: match combinator.lower {
                    Lower::Permission(_) => WordKind::Permission,
                    Lower::Text { expand } => WordKind::Text { expand },
                },
            });
            let builders = BUILDERS.iter().map(|builder| KnownWord {
                name: builder.name,
                signature: builder.signature,
                kind: WordKind::Builder,
            });
            let words = combinators.chain(builders).map(|word| (word.name, word)).collect();
            Self { words }
        })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.words.contains_key(name)
    }

    pub(crate) fn word(&self, name: &str) -> Option<&KnownWord> {
        self.words.get(name)
    }

    pub(crate) fn words(&self) -> impl Iterator<Item = &KnownWord> {
        self.words.values()
    }
}
