//! The environment: an ordered fold of what sets, forwards, extends and takes away variables.

use jail_plan::{EnvOp, Expansion, Forward, HostText, Missing, Set, Step};
use jail_policy::{Entry, Zone};

use super::SealError;

const PATH: &str = "PATH";
const TIME_ZONE: &str = "TZ";

/// The environment so far. A name occurs once; the last grant about it counts.
#[derive(Default)]
pub(super) struct Environment {
    variables: Vec<Step<EnvOp>>,
}

impl Environment {
    /// Gives `name` a value.
    pub(super) fn set(&mut self, entry: &Entry, name: &str, value: HostText) {
        self.replace(entry, EnvOp::Set(Set { name: name.into(), value }));
    }

    /// Whether something has been said about `name`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.variables.iter().any(|variable| variable.op.name() == name)
    }

    /// Gives `name` the value that it has in the launcher.
    pub(super) fn forward(&mut self, entry: &Entry, name: &str, missing: Missing) {
        self.replace(entry, EnvOp::Forward(Forward { name: name.into(), missing }));
    }

    /// Takes `name` away again.
    pub(super) fn unset(&mut self, name: &str) {
        self.variables.retain(|variable| variable.op.name() != name);
    }

    /// Puts a folder in front of PATH.
    pub(super) fn add_path(&mut self, entry: &Entry, folder: HostText) -> Result<(), SealError> {
        let path = self.variables.iter().find(|variable| variable.op.name() == PATH);
        let value = match path.map(|variable| &variable.op) {
            None => folder,
            Some(EnvOp::Set(Set { value, .. })) => join(&folder, value)?,
            Some(EnvOp::Forward(Forward { missing, .. })) => {
                let launcher = match missing {
                    Missing::Fail => "$PATH",
                    Missing::Skip => "${PATH:-}",
                };
                join(&folder, &expansion(launcher)?)?
            }
        };
        self.set(entry, PATH, value);
        Ok(())
    }

    /// Sets the variable of a time zone.
    pub(super) fn time_zone(&mut self, entry: &Entry, zone: Zone) {
        match zone {
            Zone::Utc => self.set(entry, TIME_ZONE, HostText::Literal("UTC".into())),
            Zone::Host => self.forward(entry, TIME_ZONE, Missing::Skip),
        }
    }

    pub(super) fn into_variables(self) -> Vec<Step<EnvOp>> {
        self.variables
    }

    fn replace(&mut self, entry: &Entry, variable: EnvOp) {
        self.unset(variable.name());
        self.variables.push(Step::new(entry.by.to_string(), variable));
    }
}

/// `first:second`, expanded at launch if one of them is.
fn join(first: &HostText, second: &HostText) -> Result<HostText, SealError> {
    match (first, second) {
        (HostText::Literal(first), HostText::Literal(second)) => {
            Ok(HostText::Literal(format!("{first}:{second}")))
        }
        _ => expansion(&format!("{}:{}", source(first), source(second))),
    }
}

fn expansion(text: &str) -> Result<HostText, SealError> {
    Expansion::parse(text).map(HostText::Expand).map_err(|error| {
        SealError::new(format!("PATH becomes `{text}`, which cannot be expanded: {error}"))
    })
}

/// The text in the expansion language. `~` means the home folder at the start of a text only, so
/// within PATH it is spelt out; and literal text is escaped.
fn source(text: &HostText) -> String {
    match text {
        HostText::Expand(expansion) | HostText::PerFolder(expansion) => {
            match expansion.source().strip_prefix('~') {
                Some(rest) => format!("${{HOME}}{rest}"),
                None => expansion.source().to_owned(),
            }
        }
        HostText::Literal(literal) => {
            let mut source = String::with_capacity(literal.len());
            for character in literal.chars() {
                if matches!(character, '\\' | '"' | '$' | '`' | '~') {
                    source.push('\\');
                }
                source.push(character);
            }
            source
        }
    }
}
