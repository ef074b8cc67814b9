//! Structures and choices of the plan. Writing is derived from the same definition as reading.

macro_rules! record {
    (
        $(#[$attribute:meta])*
        pub struct $name:ident { $( $(#[$field_attribute:meta])+ pub $field:ident : $type:ty, )* }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
        pub struct $name { $( $(#[$field_attribute])+ pub $field: $type, )* }

        impl $crate::json::FromJson for $name {
            fn blank() -> Self {
                Self { $( $field: $crate::json::FromJson::blank(), )* }
            }

            fn fill(&mut self, value: &$crate::json::Value<'_>) -> Result<(), $crate::json::Error> {
                value.fill(&mut [$( (stringify!($field), &mut self.$field), )*])
            }
        }
    };
}

/// A choice of words. Policies also use some of them, and read them with serde.
macro_rules! words {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident {
            $(#[doc = $first_doc:literal])+ $first_word:literal $first:ident,
            $( $(#[doc = $doc:literal])+ $word:literal $variant:ident, )*
        }
    ) => {
        $(#[$attribute])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
        )]
        pub enum $name {
            $(#[doc = $first_doc])+ #[serde(rename = $first_word)] $first,
            $( $(#[doc = $doc])+ #[serde(rename = $word)] $variant, )*
        }

        impl $crate::json::FromJson for $name {
            fn blank() -> Self {
                Self::$first
            }

            fn fill(&mut self, value: &$crate::json::Value<'_>) -> Result<(), $crate::json::Error> {
                const ALL: &[$name] = &[$name::$first, $( $name::$variant, )*];
                let index = value.word(&[$first_word, $( $word, )*])?;
                // The two lists must have the same length.
                *self = ALL.get(index).copied().ok_or_else(|| value.unknown())?;
                Ok(())
            }
        }
    };
}

/// A choice of things: `{"word": value}`, or `"word"` if there is nothing more to say.
macro_rules! choice {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident {
            $(#[doc = $first_doc:literal])+ $first_word:literal $first:ident($first_type:ty),
            $( $(#[doc = $doc:literal])+ $word:literal $variant:ident $(($type:ty))?, )*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
        pub enum $name {
            $(#[doc = $first_doc])+ #[serde(rename = $first_word)] $first($first_type),
            $( $(#[doc = $doc])+ #[serde(rename = $word)] $variant $(($type))?, )*
        }

        impl $name {
            /// Its word in the plan, which is its name in messages.
            #[must_use]
            pub const fn word(&self) -> &'static str {
                match self {
                    Self::$first(..) => $first_word,
                    $( $crate::record::any!($variant $($type)?) => $word, )*
                }
            }
        }

        impl $crate::json::Choice for $name {
            fn first() -> Self {
                Self::$first($crate::json::FromJson::blank())
            }

            fn choose(
                at: &$crate::json::Value<'_>,
                word: &str,
                value: Option<&$crate::json::Value<'_>>,
            ) -> Result<Self, $crate::json::Error> {
                Ok(match (word, value) {
                    ($first_word, Some(value)) => Self::$first($crate::json::from_value(value)?),
                    $( $crate::record::given!(value $(: $type)?; $word) =>
                        Self::$variant $(($crate::json::from_value::<$type>(value)?))?, )*
                    (word, _) => return Err(at.unknown_word(word)),
                })
            }
        }
    };
}

/// The form of one of the things of a [`choice`]: with a value, or as a word alone.
macro_rules! given {
    ($value:ident : $type:ty; $word:literal) => {
        ($word, Some($value))
    };
    ($value:ident; $word:literal) => {
        ($word, None)
    };
}

/// One of the things of a [`choice`], whatever its value.
macro_rules! any {
    ($variant:ident $type:ty) => {
        Self::$variant(..)
    };
    ($variant:ident) => {
        Self::$variant
    };
}

pub(crate) use {any, choice, given, record, words};
