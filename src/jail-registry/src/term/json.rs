//! The JSON form of a term, which nixlib writes and `jailgen seal` reads inside the derivation.
//! Strict: what is not exactly it is refused. Nesting is bounded by serde_json (128 levels), so
//! that a term cannot overflow the stack.
//!
//! ```json
//! {
//!   "version": 1,
//!   "jail": {"name": "demo", "entry": {"package": {"out": "/nix/store/…", "bin": "/nix/store/…", "program": null}},
//!            "permissions": [{"combinator": "readonly", "arguments": [{"noescape": "~/x"}]}]},
//!   "packages": {"nixpkgs": {"coreutils": {…}}, "agents": {}}
//! }
//! ```
//! or `"jail": {"builder": "makeJailedPi", "arguments": {"attributes": {…}}}`. Values are those of
//! JSON, but: `{"noescape": "text"}`, `{"package": {…}}`, `{"attributes": {…}}`, a permission as
//! above, `{"script": ["before", "after"]}`, which has the entry wherever two of its parts meet,
//! `{"path": "/x"}`, and `{"function": true}`, where nothing can be made of a function.
//!
//! A value of the wrong type is not an error of the format: it is reported in the same
//! words as in a `.jail` file.

use std::collections::BTreeMap;
use std::fmt;

use jail_policy::{Package, Piece, StorePaths, Text};
use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Applied, Built, Jail, Made, PathValue, Placed, Value};
use crate::check;
use crate::diagnostic::{Code, Diagnostic};
use crate::packages::Packages;
use crate::signature::Type;

/// The version of the form. A reader refuses every other one.
pub const TERM_VERSION: u32 = 1;

/// A term from the Nix library: the jail, and the registry's own packages, resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// The jail. It has no places.
    pub jail: Jail,
    /// Its faults: parts of the wrong form. If there is any, nothing may be built.
    pub faults: Vec<Diagnostic>,
    /// The packages that its combinators and its builder need.
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

/// Why a text is not a term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TermError(String);

impl fmt::Display for TermError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this is not a term: {}", self.0)
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
        let ReadJail { made, faults } = document.jail;
        let jail = Jail { made, place: None };
        Ok(Self { jail, faults, packages: document.packages })
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

/// The keys decide which of the two forms a jail has.
struct ReadJail {
    made: Made,
    faults: Vec<Diagnostic>,
}

impl<'de> Deserialize<'de> for ReadJail {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = JailFields::deserialize(deserializer)?;
        match fields {
            JailFields {
                name: Some(name),
                entry: Some(entry),
                permissions: Some(permissions),
                builder: None,
                arguments: None,
            } => Ok(plain(name.0, entry.0, permissions.0)),
            JailFields {
                name: None,
                entry: None,
                permissions: None,
                builder: Some(builder),
                arguments: Some(arguments),
            } => Ok(built(builder, arguments.0)),
            _ => Err(de::Error::custom(
                "a jail has either `name`, `entry` and `permissions`, or `builder` and `arguments`",
            )),
        }
    }
}

/// `null` is a value here, which `Option` would take for an absent one.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ReadValue>, D::Error> {
    ReadValue::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JailFields {
    #[serde(default, deserialize_with = "present")]
    name: Option<ReadValue>,
    #[serde(default, deserialize_with = "present")]
    entry: Option<ReadValue>,
    #[serde(default, deserialize_with = "present")]
    permissions: Option<ReadValue>,
    builder: Option<String>,
    #[serde(default, deserialize_with = "present")]
    arguments: Option<ReadValue>,
}

fn plain(name: Value, entry: Value, permissions: Value) -> ReadJail {
    let name = Placed::nowhere(name);
    let mut faults = check::argument("jail", "name", Type::Literal, &name, None);
    let name = match &name.value {
        Value::Text(text) => text.as_str().unwrap_or_default().to_owned(),
        // The error that this is not a name has been reported already.
        _ => "unnamed".into(),
    };
    let permissions = match permissions {
        Value::Null => Vec::new(),
        Value::List(elements) => permission_list(elements, &mut faults),
        other => {
            faults.push(no_list(&other));
            Vec::new()
        }
    };
    let made = Made::Plain { name, entry: Placed::nowhere(entry), permissions };
    ReadJail { made, faults }
}

fn no_list(value: &Value) -> Diagnostic {
    let got = check::describe_value(value);
    let message = format!("`jail` takes a list of permissions, got {got}");
    let fault = Diagnostic::error(Code::ParamType, None, message);
    fault.help("put it in brackets: `[ … ]`")
}

/// The permissions of a list, including those of nested lists.
fn permission_list(elements: Vec<Placed>, faults: &mut Vec<Diagnostic>) -> Vec<Applied> {
    let mut permissions = Vec::new();
    for element in elements {
        match element.value {
            Value::Permission(applied) => permissions.push(applied),
            Value::List(inner) => permissions.extend(permission_list(inner, faults)),
            other => faults.push(check::no_permission(&other)),
        }
    }
    permissions
}

fn built(builder: String, arguments: Value) -> ReadJail {
    match arguments {
        Value::Attributes(arguments) => {
            ReadJail { made: Made::Built(Built { builder, arguments }), faults: Vec::new() }
        }
        other => {
            let got = check::describe_value(&other);
            let message = format!("`{builder}` takes an attribute set, got {got}");
            let fault = Diagnostic::error(Code::ParamType, None, message);
            let fault = fault.help(format!("write `{builder} {{ … }}`"));
            let arguments = BTreeMap::new();
            ReadJail { made: Made::Built(Built { builder, arguments }), faults: vec![fault] }
        }
    }
}

fn applied(combinator: String, arguments: Vec<ReadValue>) -> Value {
    let arguments = arguments.into_iter().map(|it| Placed::nowhere(it.0)).collect();
    Value::Permission(Applied { combinator, arguments, place: None })
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
        // Nix has no integers beyond this.
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
            "path" => Value::Path(PathValue::absolute(map.next_value::<String>()?)),
            "function" => function(map.next_value()?)?,
            "arguments" => {
                let arguments = map.next_value()?;
                applied(second(&mut map, "combinator")?, arguments)
            }
            "combinator" => {
                let combinator = map.next_value()?;
                applied(combinator, second(&mut map, "arguments")?)
            }
            other => return Err(de::Error::custom(format!("a value has no key `{other}`"))),
        };
        if map.next_entry::<String, IgnoredAny>()?.is_some() {
            return Err(de::Error::custom(format!("more fields than belong to `{key}`")));
        }
        Ok(value)
    }
}

fn function<E: de::Error>(is_one: bool) -> Result<Value, E> {
    is_one.then_some(Value::Function).ok_or_else(|| E::custom("`function` is `true` or absent"))
}

/// The other part of a permission.
fn second<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
    map: &mut A,
    wanted: &str,
) -> Result<T, A::Error> {
    match map.next_key::<String>()? {
        Some(key) if key == wanted => map.next_value(),
        _ => Err(de::Error::custom("a permission has `combinator` and `arguments`")),
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

/// A map in which a repeated key is an error. serde would use the second value.
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
                    return Err(de::Error::custom(format!("the key `{key}` occurs twice")));
                }
            }
            Ok(found)
        }
    }
    deserializer.deserialize_map(Unique(std::marker::PhantomData))
}
