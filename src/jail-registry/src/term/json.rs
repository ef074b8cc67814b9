//! The JSON form of a term, which nixlib writes and `jailgen seal` reads inside the derivation. Strict: what is not
//! exactly it is refused. Nesting is bounded by serde_json (128 levels), so that a term cannot overflow the stack.
//!
//! ```json
//! {
//!   "version": 1,
//!   "jail": {"name": "demo", "entry": {"package": {"out": "/nix/store/…", "bin": "/nix/store/…", "program": null}},
//!            "permissions": [{"combinator": "readonly", "arguments": [{"noescape": "~/x"}]}]},
//!   "packages": {"nixpkgs": {"coreutils": {…}}, "agents": {}}
//! }
//! ```
//! or `"jail": {"builder": "makeJailedPi", "arguments": {…}}`. Values are those of JSON, but: `{"noescape": "text"}`,
//! `{"package": {…}}`, `{"attributes": {…}}`, a permission as above, and `{"script": ["before", "after"]}`, which has the
//! entry wherever two of its parts meet.

use std::collections::BTreeMap;
use std::fmt;

use jail_policy::{Package, Piece, StorePaths, Text};
use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Applied, Built, Jail, Made, Placed, Value};
use crate::packages::Packages;

/// The version of the form. A reader refuses every other one.
pub const TERM_VERSION: u32 = 1;

/// A term as the Nix door hands it over: the jail, and the registry's own packages, resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// The jail. It has no places.
    pub jail: Jail,
    /// The packages that its combinators and its builder bring along.
    pub packages: Given,
}

/// Resolved packages that came with a term.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    #[serde(deserialize_with = "unique_map")]
    nixpkgs: BTreeMap<String, StorePaths>,
    #[serde(deserialize_with = "unique_map")]
    agents: BTreeMap<String, StorePaths>,
}

/// Why a text is no term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TermError(String);

impl fmt::Display for TermError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this is no term: {}", self.0)
    }
}

impl std::error::Error for TermError {}

impl Term {
    /// Reads a term.
    ///
    /// # Errors
    /// When it is not exactly in this form; the message says where.
    pub fn from_json(text: &str) -> Result<Self, TermError> {
        let version = serde_json::from_str::<Version>(text).map(|it| it.version);
        if let Ok(version) = version
            && version != TERM_VERSION
        {
            return Err(TermError(format!(
                "its version is {version}, and this jailgen reads {TERM_VERSION}"
            )));
        }
        let document: Document =
            serde_json::from_str(text).map_err(|error| TermError(error.to_string()))?;
        let jail = Jail { made: document.jail.0, place: None };
        Ok(Self { jail, packages: document.packages })
    }
}

impl Packages for Given {
    fn nixpkgs(&self, attribute: &str) -> Option<Package> {
        self.nixpkgs.get(attribute).cloned().map(|paths| Package::Resolved { paths })
    }

    fn agent(&self, attribute: &str) -> Option<Package> {
        self.agents.get(attribute).cloned().map(|paths| Package::Resolved { paths })
    }
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "version")]
    _version: u32,
    jail: ReadJail,
    packages: Given,
}

/// Which of the two forms a jail has is told by its keys.
struct ReadJail(Made);

impl<'de> Deserialize<'de> for ReadJail {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = JailFields::deserialize(deserializer)?;
        let made = match fields {
            JailFields {
                name: Some(name),
                entry: Some(entry),
                permissions: Some(permissions),
                builder: None,
                arguments: None,
            } => {
                let permissions = permissions.into_iter().map(|it| it.0).collect();
                Made::Plain { name, entry: Placed::nowhere(entry.0), permissions }
            }
            JailFields {
                name: None,
                entry: None,
                permissions: None,
                builder: Some(builder),
                arguments: Some(arguments),
            } => Made::Built(Built { builder, arguments: nowhere(arguments.0) }),
            _ => {
                return Err(de::Error::custom(
                    "a jail has either `name`, `entry` and `permissions`, or `builder` and `arguments`",
                ));
            }
        };
        Ok(Self(made))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JailFields {
    name: Option<String>,
    entry: Option<ReadValue>,
    permissions: Option<Vec<ReadPermission>>,
    builder: Option<String>,
    arguments: Option<ReadAttributes>,
}

struct ReadPermission(Applied);

impl<'de> Deserialize<'de> for ReadPermission {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            combinator: String,
            arguments: Vec<ReadValue>,
        }
        let Fields { combinator, arguments } = Fields::deserialize(deserializer)?;
        Ok(Self(applied(combinator, arguments)))
    }
}

fn applied(combinator: String, arguments: Vec<ReadValue>) -> Applied {
    let arguments = arguments.into_iter().map(|it| Placed::nowhere(it.0)).collect();
    Applied { combinator, arguments, place: None }
}

struct ReadAttributes(BTreeMap<String, ReadValue>);

impl<'de> Deserialize<'de> for ReadAttributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        unique_map(deserializer).map(Self)
    }
}

fn nowhere(attributes: BTreeMap<String, ReadValue>) -> BTreeMap<String, Placed> {
    attributes.into_iter().map(|(name, value)| (name, Placed::nowhere(value.0))).collect()
}

struct ReadValue(Value);

impl<'de> Deserialize<'de> for ReadValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor).map(Self)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of a term")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        // Nix has no whole numbers beyond this.
        i64::try_from(value).map(Value::Integer).map_err(|_| E::custom("a number too large"))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(Text::literal(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(ReadValue(value)) = seq.next_element()? {
            elements.push(Placed::nowhere(value));
        }
        Ok(Value::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let Some(key) = map.next_key::<String>()? else {
            return Err(de::Error::custom("an object without a key"));
        };
        let value = match key.as_str() {
            "noescape" => Value::Text(Text::expanded(map.next_value::<String>()?)),
            "package" => Value::Package(Package::Resolved { paths: map.next_value()? }),
            "attributes" => Value::Attributes(nowhere(map.next_value::<ReadAttributes>()?.0)),
            "script" => Value::Text(script(map.next_value()?)),
            // The keys of Nix's objects are sorted.
            "arguments" => permission(&mut map)?,
            other => return Err(de::Error::custom(format!("a value has no key `{other}`"))),
        };
        if map.next_entry::<String, IgnoredAny>()?.is_some() {
            return Err(de::Error::custom(format!("more than belongs to `{key}`")));
        }
        Ok(value)
    }
}

fn permission<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Value, A::Error> {
    let arguments = map.next_value()?;
    match map.next_key::<String>()?.as_deref() {
        Some("combinator") => Ok(Value::Permission(applied(map.next_value()?, arguments))),
        _ => Err(de::Error::custom("a permission has `arguments` and then `combinator`")),
    }
}

fn script(parts: Vec<String>) -> Text {
    let mut script = Text::literal("");
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            script.push(Piece::Entry { entry: true });
        }
        script.push(Piece::Literal(part));
    }
    script
}

/// A map in which a key that comes twice is an error; serde would let the second win.
fn unique_map<'de, D, T>(deserializer: D) -> Result<BTreeMap<String, T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Unique<T>(std::marker::PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Unique<T> {
        type Value = BTreeMap<String, T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut found = BTreeMap::new();
            while let Some((key, value)) = map.next_entry::<String, T>()? {
                if found.insert(key.clone(), value).is_some() {
                    return Err(de::Error::custom(format!("the key `{key}` twice")));
                }
            }
            Ok(found)
        }
    }
    deserializer.deserialize_map(Unique(std::marker::PhantomData))
}
