//! `add-dev-shell`: the variables of a development shell, in place of the grant that asks for them.
//! The file has them as the shell's own set-up left them. Those that belong to the build or to the
//! machine are left out, as in `nix develop`.

use std::io;

use jail_policy::{Entry, Grant, Policy, Text};

use super::SealError;

/// Variables that are the jail's own, the build's, or a bash's. Those of `nix develop`, and those
/// that say how the shell would have been built.
const LEFT_OUT: &[&str] = &[
    "BASHOPTS",
    "HOME",
    "NIX_ATTRS_JSON_FILE",
    "NIX_ATTRS_SH_FILE",
    "NIX_BUILD_CORES",
    "NIX_BUILD_TOP",
    "NIX_ENFORCE_PURITY",
    "NIX_LOG_FD",
    "NIX_REMOTE",
    "OLDPWD",
    "PPID",
    "PWD",
    "SHELL",
    "SHELLOPTS",
    "SHLVL",
    "SSL_CERT_FILE",
    "TEMP",
    "TEMPDIR",
    "TERM",
    "TMP",
    "TMPDIR",
    "TZ",
    "UID",
    "_",
    "args",
    "buildCommand",
    "buildPhase",
    "builder",
    "installPhase",
    "out",
    "outputs",
    "phases",
    "shellHook",
];

/// The policy with what the files say in the place of each development shell.
pub(crate) fn expanded(
    mut policy: Policy,
    read: &dyn Fn(&str) -> io::Result<Vec<u8>>,
) -> Result<Policy, SealError> {
    let mut grants = Vec::new();
    for entry in &policy.grants {
        match &entry.grant {
            Grant::DevShell { environment } => {
                let path = environment.as_str().unwrap_or_default();
                let error = |what: &str| {
                    SealError::at(&policy, entry, format!("the environment `{path}` {what}"))
                };
                let file = read(path).map_err(|io| error(&format!("cannot be read: {io}")))?;
                let text = String::from_utf8(file).map_err(|_| error("is not UTF-8"))?;
                grants.extend(variables(&text).map(|grant| Entry { by: entry.by.clone(), grant }));
            }
            _ => grants.push(entry.clone()),
        }
    }
    policy.grants = jail_policy::normalise(grants);
    Ok(policy)
}

fn variables(text: &str) -> impl Iterator<Item = Grant> + '_ {
    let pairs = text.split('\0').filter_map(|pair| pair.split_once('='));
    let wanted = pairs.filter(|(name, _)| is_variable(name) && !LEFT_OUT.contains(name));
    wanted.flat_map(|(name, value)| match name {
        "PATH" => folders(value),
        _ => vec![Grant::SetEnv { name: name.to_owned(), value: Text::literal(value) }],
    })
}

/// What is not in the store does not exist inside. The first folder is put in front last.
fn folders(path: &str) -> Vec<Grant> {
    let folders = path.rsplit(':').filter(|folder| folder.starts_with("/nix/store/"));
    folders.map(|folder| Grant::AddPath { folder: Text::literal(folder) }).collect()
}

/// Functions that bash exports have other names.
fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use jail_policy::{Origin, VERSION};

    use super::*;

    fn entry(combinator: &str, grant: Grant) -> Entry {
        Entry { by: Origin { combinator: combinator.into(), index: 1 }, grant }
    }

    fn set(name: &str, value: &str) -> Grant {
        Grant::SetEnv { name: name.into(), value: Text::literal(value) }
    }

    fn expand(grants: Vec<Entry>, file: &'static str) -> Result<Vec<String>, String> {
        let places = std::collections::BTreeMap::new();
        let policy = Policy { version: VERSION, name: "x".into(), grants, places };
        let read = |path: &str| match path {
            "/nix/store/env" => Ok(file.into()),
            _ => Err(io::ErrorKind::NotFound.into()),
        };
        let policy = expanded(policy, &read).map_err(|error| error.to_string())?;
        Ok(policy
            .grants
            .iter()
            .map(|entry| format!("{} {}", entry.by, jail_policy::sentence(&entry.grant)))
            .collect())
    }

    fn shell() -> Entry {
        entry("add-dev-shell", Grant::DevShell { environment: Text::literal("/nix/store/env") })
    }

    const FILE: &str = "A=from the shell\0B=two\nlines\0HOME=/homeless-shelter\0out=/nix/store/x\0\
        BASH_FUNC_f%%=() { :; }\0PATH=/nix/store/first/bin:/usr/bin:/nix/store/second/bin\0";

    #[test]
    fn what_comes_later_counts_more() {
        let before = expand(vec![entry("set-env", set("A", "before")), shell()], FILE).unwrap();
        assert!(before.iter().any(|line| line.contains("from the shell")), "{before:?}");
        assert!(!before.iter().any(|line| line.contains("before")), "{before:?}");
        let after = expand(vec![shell(), entry("set-env", set("A", "after"))], FILE).unwrap();
        assert!(after.iter().any(|line| line.contains("after")), "{after:?}");
        assert!(!after.iter().any(|line| line.contains("from the shell")), "{after:?}");
    }

    #[test]
    fn what_belongs_to_the_build_is_left_out_and_the_first_folder_is_found_first() {
        let grants = expand(vec![shell()], FILE).unwrap();
        let all = grants.join("\n");
        assert!(all.contains(r"two\nlines"), "{all}");
        assert!(
            !all.contains("homeless")
                && !all.contains("BASH_FUNC")
                && !all.contains("/nix/store/x"),
            "{all}"
        );
        let (first, second) = (all.find("/store/first"), all.find("/store/second"));
        assert!(second < first && first.is_some(), "the later is in front: {all}");
        assert!(!all.contains("/usr/bin"), "{all}");
    }

    #[test]
    fn an_environment_that_cannot_be_read_stops_the_build() {
        let absent = Grant::DevShell { environment: Text::literal("/nix/store/absent") };
        let error = expand(vec![entry("add-dev-shell", absent)], FILE).unwrap_err();
        assert!(error.contains("the environment `/nix/store/absent` cannot be read"), "{error}");
    }
}
