//! What login shells of a cage read after the host's /etc/profile: PATH as the plan has it.

#![expect(clippy::disallowed_methods, reason = "PATH may name folders by the caller's variables")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use jail_plan::helper::Refusal;
use jail_plan::{EnvOp, HostText, Lookup, Step};

use crate::git::identity::replace;
use crate::talk::refusal;

/// The variables of the launcher.
struct Variables(BTreeMap<String, String>);

impl Lookup for Variables {
    fn variable(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn home(&self) -> Option<&str> {
        self.variable("HOME")
    }

    fn folder(&self) -> Option<String> {
        None
    }
}

/// Writes the file. The folder is one of the cage's, in which it can write nothing.
pub(super) fn write(to: &HostText, environment: &[Step<EnvOp>]) -> Result<(), Refusal> {
    let text_of = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    let variables = Variables(std::env::vars_os().filter_map(text_of).collect());
    let unset = |text: &HostText| refusal(text.source(), "a variable in it is not set");
    let path = PathBuf::from(to.resolve(&variables).map_err(|_| unset(to))?);
    let value = environment.iter().find_map(|step| match &step.op {
        EnvOp::Set(set) if set.name == "PATH" => Some(&set.value),
        EnvOp::Set(_) | EnvOp::Forward(_) => None,
    });
    let value = value.map(|value| value.resolve(&variables).map_err(|_| unset(value)));
    let text = value.transpose()?.map_or_else(String::new, |value| text(&value));
    replace(&path, &text).map_err(|error| refusal(&path.to_string_lossy(), &error.to_string()))
}

fn text(value: &str) -> String {
    let quoted = value.replace('\'', r"'\''");
    format!(
        "# Written by jailgen at each launch: /etc/profile may set PATH anew.\nexport PATH='{quoted}'\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_any_path_as_it_is() {
        let text = text("/a b:/it's/$HOME/`x`");
        let script = format!("{text}printf %s \"$PATH\"");
        let ran = std::process::Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(ran.stdout).unwrap(), "/a b:/it's/$HOME/`x`");
    }
}
