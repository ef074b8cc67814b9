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
            fn from_json(value: $crate::json::Value<'_>) -> Result<Self, $crate::json::Error> {
                let mut fields = value.fields()?;
                let record = Self { $( $field: fields.take(stringify!($field))?, )* };
                fields.end()?;
                Ok(record)
            }
        }
    };
}

/// A choice among words. Policies have some of them too, and read them with serde.
macro_rules! words {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident { $( $(#[doc = $doc:literal])+ $word:literal $variant:ident, )* }
    ) => {
        $(#[$attribute])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
        )]
        pub enum $name { $( $(#[doc = $doc])+ #[serde(rename = $word)] $variant, )* }

        impl $crate::json::FromJson for $name {
            fn from_json(value: $crate::json::Value<'_>) -> Result<Self, $crate::json::Error> {
                const ALL: &[$name] = &[$( $name::$variant, )*];
                let at = value.at;
                let index = value.word(&[$( $word, )*])?;
                // The two lists have one length.
                ALL.get(index).copied().ok_or_else(|| $crate::json::Error::unknown(at, ""))
            }
        }
    };
}

/// A choice among structures: `{"word": {…}}`.
macro_rules! choice {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident { $( $(#[doc = $doc:literal])+ $word:literal $variant:ident($type:ty), )* }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
        pub enum $name { $( $(#[doc = $doc])+ #[serde(rename = $word)] $variant($type), )* }

        impl $crate::json::FromJson for $name {
            fn from_json(value: $crate::json::Value<'_>) -> Result<Self, $crate::json::Error> {
                let $crate::json::Form { at, name, value } = value.form()?;
                match (&*name, value) {
                    $( ($word, Some(value)) => $crate::json::FromJson::from_json(value).map(Self::$variant), )*
                    (_, _) => Err($crate::json::Error::unknown(at, &name)),
                }
            }
        }
    };
}

pub(crate) use {choice, record, words};
