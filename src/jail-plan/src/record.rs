//! Structures that are read from JSON objects only, strictly: no unknown field, none twice, none missing.
//!
//! It is `deny_unknown_fields` without the second reader that serde derives for arrays, which would be a good part of
//! the stub.

macro_rules! record {
    (
        $(#[$attribute:meta])*
        pub struct $name:ident { $( $(#[$field_attribute:meta])+ pub $field:ident : $type:ty, )* }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
        pub struct $name { $( $(#[$field_attribute])+ pub $field: $type, )* }

        const _: () = {
            use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

            struct Reader;

            impl<'de> Visitor<'de> for Reader {
                type Value = $name;

                fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                    f.write_str(concat!("the fields of ", stringify!($name)))
                }

                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                    $( let mut $field: Option<$type> = None; )*
                    while let Some(name) = map.next_key::<&str>()? {
                        match name {
                            $( stringify!($field) if $field.is_some() => {
                                return Err(A::Error::duplicate_field(stringify!($field)));
                            }
                            stringify!($field) => $field = Some(map.next_value()?), )*
                            _ => return Err(A::Error::custom(format_args!("unknown field `{name}`"))),
                        }
                    }
                    Ok($name { $(
                        $field: $field.ok_or_else(|| A::Error::missing_field(stringify!($field)))?,
                    )* })
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    deserializer.deserialize_map(Reader)
                }
            }
        };
    };
}

pub(crate) use record;
