//! A trace's plan: derived from the sealed one, so with the same grants. Only a strict filter gives
//! way, to the one that every jail has: under the strict one the first call that is not on its list
//! would be the last.

use std::path::{Path, PathBuf};

use jail_plan::{Plan, SeccompProgram};

use super::State;
use super::shell::{Derived, ShellError, derive};
use super::trust::place;
use crate::seal::filter::is_strict;

/// The plan of a trace.
#[derive(Debug)]
pub struct TracePlan {
    /// Where it is: it is run like a wrapper.
    pub wrapper: PathBuf,
    pub plan: Plan,
}

/// Derives the plan of a trace of files from a wrapper: the same, with one more filter, which stops
/// its programs at some calls and refuses nothing.
///
/// # Errors
/// See [`ShellError`].
pub fn trace_files(
    state: &State,
    wrapper: &Path,
    filter: SeccompProgram,
) -> Result<TracePlan, ShellError> {
    let Derived { wrapper, plan, .. } = derive(wrapper, |plan| {
        plan.seccomp.push(filter);
        Ok(state.trace_plan(&place(wrapper)))
    })?;
    Ok(TracePlan { wrapper, plan })
}

/// Derives the plan of a trace from a wrapper; `default` replaces a strict filter.
///
/// # Errors
/// See [`ShellError`].
pub fn trace(
    state: &State,
    wrapper: &Path,
    default: SeccompProgram,
) -> Result<TracePlan, ShellError> {
    let Derived { wrapper, plan, .. } = derive(wrapper, |plan| {
        if let Some(own) = plan.seccomp.first_mut()
            && is_strict(own)
        {
            *own = default;
        }
        Ok(state.trace_plan(&place(wrapper)))
    })?;
    Ok(TracePlan { wrapper, plan })
}
