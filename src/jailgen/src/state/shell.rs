//! A shell in a jail: a second plan derived from the sealed one, with the same grants by
//! construction, and bash for the program.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use jail_plan::{Argument, HostText, InsideOp, Places, Plan, Wrapper, WrapperError};

use super::State;
use super::trust::place;
use crate::files::{create_private, read_regular, write_atomically};
use crate::seal::places_of;

/// Why there is no shell.
#[derive(Debug)]
pub enum ShellError {
    /// The wrapper or the derived plan cannot be read or written.
    Io {
        /// The path that it is about.
        path: PathBuf,
        /// The error of the operation.
        error: io::Error,
    },
    /// The wrapper cannot be understood.
    Wrapper {
        /// The path that it is about.
        path: PathBuf,
        /// The error of the operation.
        error: WrapperError,
    },
    /// There is no bash in the jail.
    NoBash { jail: String },
}

impl ShellError {
    /// What to do.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::NoBash { .. } => Some("add `pkgs.bashInteractive` to its packages".into()),
            Self::Wrapper { .. } => Some("build the spec again with this jailgen".into()),
            Self::Io { .. } => None,
        }
    }
}

impl fmt::Display for ShellError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, error } => write!(f, "`{}`: {error}", path.display()),
            Self::Wrapper { path, error } => write!(f, "`{}`: {error}", path.display()),
            Self::NoBash { jail } => write!(f, "there is no bash in the jail `{jail}`"),
        }
    }
}

impl std::error::Error for ShellError {}

/// Derives the plan of a shell from a wrapper, and returns where it is: run it like the wrapper.
/// Its arguments are those of bash.
///
/// # Errors
/// See [`ShellError`].
pub fn shell(state: &State, wrapper: &Path) -> Result<PathBuf, ShellError> {
    let derived = derive(wrapper, |plan| {
        let bash = bash(plan).ok_or_else(|| ShellError::NoBash { jail: plan.name.clone() })?;
        plan.argv = vec![Argument::Text(HostText::Literal(bash)), Argument::All];
        Ok(state.shell_plan(&place(wrapper)))
    })?;
    Ok(derived.wrapper)
}

/// A plan that was derived from a sealed one.
pub(super) struct Derived {
    /// Where it is.
    pub(super) wrapper: PathBuf,
    pub(super) plan: Plan,
    /// The place of each origin in the spec.
    pub(super) places: Places,
}

/// Changes the plan of a wrapper, and writes it where `change` says. The grants that are not
/// touched are the same by construction.
pub(super) fn derive(
    wrapper: &Path,
    change: impl FnOnce(&mut Plan) -> Result<PathBuf, ShellError>,
) -> Result<Derived, ShellError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |error| ShellError::Io { path, error }
    };
    let bytes = read_regular(wrapper).map_err(failed(wrapper))?;
    let error = |error| ShellError::Wrapper { path: wrapper.into(), error };
    let mut plan = Wrapper::parse(&bytes).map_err(error)?.plan;
    let to = change(&mut plan)?;
    let places = places_of(&bytes);
    let text = jail_plan::encode(stub(&bytes), &plan, &places)
        .map_err(|error| failed(wrapper)(error.into()))?;
    to.parent().map_or(Ok(()), create_private).map_err(failed(&to))?;
    write_atomically(&to, text.as_bytes()).map_err(failed(&to))?;
    fs::set_permissions(&to, fs::Permissions::from_mode(0o700)).map_err(failed(&to))?;
    Ok(Derived { wrapper: to, plan, places })
}

/// The bash that exists inside: that of the user's account, else one of the closure, an interactive
/// one before others.
fn bash(plan: &Plan) -> Option<String> {
    let account = plan.inside.iter().find_map(|step| match &step.op {
        InsideOp::Accounts(accounts) => Some(accounts.shell.clone()),
        _ => None,
    });
    let names = |part: &'static str| {
        let names = plan.closure.names.iter().filter(move |name| name.contains(part));
        names.map(|name| format!("{}/{name}/bin/bash", plan.closure.store))
    };
    account
        .into_iter()
        .filter(|shell| shell.ends_with("/bash") && shell.starts_with(&plan.closure.store))
        .chain(names("-bash-interactive"))
        .chain(names("-bash-"))
        .find(|bash| Path::new(bash).exists())
}

fn stub(wrapper: &[u8]) -> &str {
    let first = wrapper.split(|byte| *byte == b'\n').next().unwrap_or_default();
    str::from_utf8(first).unwrap_or_default().trim_start_matches("#!")
}
