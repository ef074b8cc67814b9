//! Known keys: the variables that agents read them from, and the hosts that they are for. No header
//! is named, because services accept keys in several. The broker then keeps other keys out of every
//! header that usually holds one.
//!
//! `keys/data.rs` has them, each with the page that documents it. A spec can
//! describe any other key itself.

mod data;

pub use data::KEYS;

use crate::builders::Preset;

/// A key of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownKey {
    /// The variable that programs read it from.
    pub variable: &'static str,
    /// The hosts that it is for.
    pub hosts: &'static [&'static str],
    /// Where in a request it is sent, as for `secret`.
    pub places: &'static [&'static str],
    /// The agents that use it, by their packages. It may belong to no agent.
    pub agents: &'static [&'static str],
    /// The page that documents it.
    pub source: &'static str,
}

/// The key that is read from this variable.
#[must_use]
pub fn key(variable: &str) -> Option<&'static KnownKey> {
    KEYS.iter().find(|key| key.variable == variable)
}

impl KnownKey {
    /// The combinator that keeps it outside, as a spec writes it.
    #[must_use]
    pub fn secret(&self) -> String {
        let list = |words: &[&str]| {
            let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
            format!("[ {} ]", quoted.join(" "))
        };
        let (name, hosts) = (self.variable, list(self.hosts));
        let places = match self.places {
            ["header"] => String::new(),
            places => format!(" places = {};", list(places)),
        };
        format!("(secret {{ env = \"{name}\"; from.env = \"{name}\"; hosts = {hosts};{places} }})")
    }
}

impl Preset {
    /// The keys that the agent reads from variables.
    pub fn keys(&self) -> impl Iterator<Item = &'static KnownKey> + use<> {
        let package = self.package;
        KEYS.iter().filter(move |key| key.agents.contains(&package))
    }
}

#[cfg(test)]
mod tests;
