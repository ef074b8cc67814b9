//! Structures and choices of the plan: what is written is derived, and what is read is what was written.

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

/// A choice among words. Policies have some of them too, and read them with serde.
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
                // The two lists have one length.
                *self = ALL.get(index).copied().ok_or_else(|| value.unknown())?;
                Ok(())
            }
        }
    };
}

/// A choice among structures: `{"word": {…}}`.
macro_rules! choice {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident {
            $(#[doc = $first_doc:literal])+ $first_word:literal $first:ident($first_type:ty),
            $( $(#[doc = $doc:literal])+ $word:literal $variant:ident($type:ty), )*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
        pub enum $name {
            $(#[doc = $first_doc])+ #[serde(rename = $first_word)] $first($first_type),
            $( $(#[doc = $doc])+ #[serde(rename = $word)] $variant($type), )*
        }

        impl $crate::json::FromJson for $name {
            fn blank() -> Self {
                Self::$first($crate::json::FromJson::blank())
            }

            fn fill(&mut self, value: &$crate::json::Value<'_>) -> Result<(), $crate::json::Error> {
                *self = match value.form()? {
                    ($first_word, Some(op)) => Self::$first($crate::json::from_value(op)?),
                    $( ($word, Some(op)) => Self::$variant($crate::json::from_value(op)?), )*
                    (_, _) => return Err(value.unknown()),
                };
                Ok(())
            }
        }
    };
}

pub(crate) use {choice, record, words};
