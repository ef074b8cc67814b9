//! The arguments of a cage, merged with its profile. Lists are joined; for everything else,
//! the arguments take precedence.

use std::collections::BTreeMap;

use jail_policy::{Missing, Text};

use crate::builders::{PROFILES, Profile};
use crate::diagnostic::{Code, Diagnostic};
use crate::suggest::nearest;
use crate::term::{Built, Place, Placed, Value};

type Fields = BTreeMap<String, Placed>;

pub(super) struct Settings<'a> {
    own: &'a Fields,
    at: Option<Place>,
    /// A profile of jailgen's.
    profile: Option<&'static Profile>,
    /// A profile of the spec's own.
    set: Option<&'a Fields>,
}

impl<'a> Settings<'a> {
    pub(super) fn read(
        built: &'a Built,
        at: Option<Place>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut settings = Self { own: &built.arguments, at, profile: None, set: None };
        match built.arguments.get("profile").map(|given| &given.value) {
            Some(Value::Text(text)) => {
                let name = text.to_string();
                settings.profile = PROFILES.iter().find(|profile| profile.name == name);
                if settings.profile.is_none() {
                    diagnostics.push(unknown("profile", &name, settings.place("profile"), || {
                        PROFILES.iter().map(|profile| profile.name).collect()
                    }));
                }
            }
            Some(Value::Attributes(fields)) => settings.set = Some(fields),
            // The type check lets only `null` through here.
            Some(_) | None => {}
        }
        settings
    }

    pub(super) fn profile(&self) -> Option<&'static Profile> {
        self.profile
    }

    pub(super) fn name(&self) -> String {
        match self.own.get("name").map(|given| &given.value) {
            Some(Value::Text(text)) => text.to_string(),
            Some(_) | None => String::new(),
        }
    }

    /// Where an argument stands.
    pub(super) fn place(&self, argument: &str) -> Option<Place> {
        self.own.get(argument).and_then(|given| given.place).or(self.at)
    }

    /// The values of `group.name`, or of `name` if the group is empty. That of
    /// the profile comes first.
    fn given(&self, group: &str, name: &str) -> impl Iterator<Item = &'a Placed> {
        let field = |fields: &'a Fields| match group {
            "" => fields.get(name),
            group => match &fields.get(group)?.value {
                Value::Attributes(inner) => inner.get(name),
                _ => None,
            },
        };
        [self.set, Some(self.own)]
            .into_iter()
            .flatten()
            .filter_map(field)
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// The elements of a list, with their places.
    pub(super) fn list(&self, group: &str, name: &str) -> Vec<(Value, Option<Place>)> {
        let mut elements = Vec::new();
        for given in self.given(group, name) {
            match &given.value {
                Value::List(list) => elements.extend(list.iter().map(|element| {
                    (element.value.clone(), element.place.or(given.place).or(self.at))
                })),
                other => elements.push((other.clone(), given.place.or(self.at))),
            }
        }
        elements
    }

    /// The texts of a list. A package represents its path.
    pub(super) fn texts(&self, group: &str, name: &str) -> Vec<(Text, Option<Place>)> {
        let text = |(value, place)| text(&value).map(|text| (text, place));
        self.list(group, name).into_iter().filter_map(text).collect()
    }

    /// The fields of a set, with their names.
    pub(super) fn map(&self, group: &str, name: &str) -> Vec<(String, Text, Option<Place>)> {
        let mut found = Vec::new();
        for given in self.given(group, name) {
            let Value::Attributes(fields) = &given.value else { continue };
            for (name, value) in fields {
                let place = value.place.or(given.place).or(self.at);
                found.extend(text(&value.value).map(|text| (name.clone(), text, place)));
            }
        }
        found
    }

    pub(super) fn flag(&self, group: &str, name: &str, unless_given: bool) -> bool {
        self.given(group, name)
            .last()
            .map_or(unless_given, |given| given.value == Value::Bool(true))
    }

    /// One of the known words; the first of them if none is given.
    pub(super) fn word(
        &self,
        group: &str,
        name: &str,
        known: &[&'static str],
    ) -> Result<&'static str, Box<Diagnostic>> {
        let Some(given) = self.given(group, name).last() else {
            return Ok(known.first().copied().unwrap_or_default());
        };
        let word = text(&given.value).map(|text| text.to_string()).unwrap_or_default();
        let found = known.iter().find(|known| **known == word);
        found.copied().ok_or_else(|| {
            Box::new(unknown(name, &word, given.place.or(self.at), || known.to_vec()))
        })
    }
}

fn text(value: &Value) -> Option<Text> {
    match value {
        Value::Text(text) => Some(text.clone()),
        Value::Package(package) => Some(Text::package(package.clone(), jail_policy::Output::Out)),
        _ => None,
    }
}

/// A path, or `{ path; try; }`: the path, and what to do if it is missing.
pub(super) fn tried(value: &Value) -> (Option<Text>, Missing) {
    let Value::Attributes(fields) = value else { return (text(value), Missing::Fail) };
    let path = fields.get("path").and_then(|path| text(&path.value));
    let is_tried = fields.get("try").is_some_and(|given| given.value == Value::Bool(true));
    (path, if is_tried { Missing::Skip } else { Missing::Fail })
}

pub(super) fn unknown(
    what: &str,
    word: &str,
    place: Option<Place>,
    known: impl FnOnce() -> Vec<&'static str>,
) -> Diagnostic {
    let message = format!("unknown {what} `{}`", jail_plan::one_line(word));
    let fault = Diagnostic::error(Code::UnknownSetting, place, message);
    let known = known();
    match nearest(word, known.iter().copied()) {
        Some(near) => fault.help(format!("did you mean `\"{near}\"`?")),
        None => {
            let names: Vec<_> = known.iter().map(|name| format!("`\"{name}\"`")).collect();
            fault.help(format!("the known ones are {}", names.join(", ")))
        }
    }
}
