//! Reads the fields of any operation, and lets an operation take its own.
//!
//! Every operation could derive its own reader, and the stub would carry twenty copies of nearly the same code: more than
//! all the rest of it. So there is one reader for the fields of all of them. What an operation does not have is refused
//! as strictly as `deny_unknown_fields` would, duplicates and `null` included.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use crate::expand::HostText;
use crate::landlock::Reach;
use crate::ops::{Access, Missing, Service};
use crate::plan::Namespace;

/// A field that was given; the inner `None` is `null`.
type Given<T> = Option<Option<T>>;

/// What an operation's field is made of.
pub(crate) trait Field<T>: Sized {
    /// The value, if what was given will do.
    fn from_given(given: Given<T>) -> Option<Self>;
}

impl<T> Field<T> for T {
    fn from_given(given: Given<T>) -> Option<Self> {
        given.flatten()
    }
}

impl<T> Field<T> for Option<T> {
    fn from_given(given: Given<T>) -> Option<Self> {
        Some(given.flatten())
    }
}

macro_rules! fields {
    ($( $field:ident : $type:ty, )*) => {
        /// The fields of an operation.
        #[derive(Default)]
        pub(crate) struct Fields { $( pub(crate) $field: Given<$type>, )* }

        impl Fields {
            /// Nothing may be left when an operation has taken what it has.
            pub(crate) fn refuse_rest(&self) -> Result<(), &'static str> {
                $( if self.$field.is_some() {
                    return Err(concat!("unknown field `", stringify!($field), "`"));
                } )*
                Ok(())
            }

            fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
                match name {
                    $( stringify!($field) => {
                        if self.$field.is_some() {
                            return Err(de::Error::duplicate_field(stringify!($field)));
                        }
                        self.$field = Some(map.next_value()?);
                    } )*
                    _ => return Err(de::Error::custom(format_args!("unknown field `{name}`"))),
                }
                Ok(())
            }
        }
    };
}

fields! {
    access: Access,
    append: String,
    by: String,
    content: String,
    from: HostText,
    home_allowed: bool,
    lower: Vec<HostText>,
    missing: Missing,
    mode: u32,
    name: String,
    namespace: Namespace,
    path: HostText,
    reach: Reach,
    proxy: String,
    rules: Vec<String>,
    script: String,
    separator: String,
    service: Service,
    shell: String,
    size: u64,
    target: String,
    to: HostText,
    upper: HostText,
    value: HostText,
    variable: String,
    work: HostText,
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the fields of an operation")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        while let Some(name) = map.next_key::<&str>()? {
            fields.read(name, &mut map)?;
        }
        Ok(fields)
    }
}
