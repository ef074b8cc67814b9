//! Path values, which no combinator takes, and what their author can write instead.

use crate::nix_text::quoted;

/// A path value: `./cfg`, `/etc/hosts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathValue {
    /// The path on the machine, absolute.
    place: String,
    /// Nix source of the path, where Nix can copy it.
    source: Option<String>,
}

impl PathValue {
    /// A path from the Nix front end, which knows no other form of it.
    #[must_use]
    pub fn absolute(place: String) -> Self {
        let source = source("/", place.trim_start_matches('/'));
        Self { place, source: Some(source) }
    }

    /// A path of a spec. `below` is the path below the folder of the file that names it, if it is
    /// there: nothing else is copied.
    #[must_use]
    pub fn of_spec(place: &str, below: Option<&str>) -> Self {
        Self { place: place.to_owned(), source: below.map(|below| source("./", below)) }
    }

    /// What to write instead.
    #[must_use]
    pub fn help(&self) -> String {
        let place = quoted(&self.place);
        let copy = self.source.as_ref().map_or_else(String::new, |source| {
            format!(", or `\"${{{source}}}\"` for a copy in the store, which every user can read")
        });
        format!("write `{place}` for the place on the machine{copy}")
    }
}

/// Nix source of a path below `start`. A literal has only these characters, is not empty,
/// and does not end with `/`.
fn source(start: &str, below: &str) -> String {
    let plain = |part: &str| {
        let is_plain = |char: char| char.is_ascii_alphanumeric() || "._-+".contains(char);
        !part.is_empty() && part.chars().all(is_plain)
    };
    if below.split('/').all(plain) {
        return format!("{start}{below}");
    }
    if below.is_empty() {
        return format!("{start}.");
    }
    format!("{start}. + {}", quoted(&format!("/{below}")))
}
