//! Seals a resolved policy: folds its grants into a plan and finds the closure in Nix's reference
//! graph.
//!
//! Whatever builds a jail calls this, whichever back end has emitted it. Nothing here writes; what
//! is read of the store before a policy can be sealed, each of `dev_shell`, `given`, `links` and
//! `program` reads.

pub(crate) mod dev_shell;
mod environment;
mod error;
pub mod filter;
mod fold;
pub(crate) mod given;
mod graph;
mod java;
pub(crate) mod links;
pub(crate) mod program;
mod text;
mod unseal;

use jail_plan::{Closure, Plan};
use jail_policy::{Grant, Policy, Scope};

pub use error::SealError;
pub use graph::{Graph, Node, PathKind};
pub use text::texts;
pub use unseal::{foreign, foreign_programs, of_wrapper, places as places_of, unseal};

/// What is sealed.
pub struct Request<'a> {
    /// The policy, without unresolved packages.
    pub policy: &'a Policy,
    /// The reference graph of everything that the policy names.
    pub graph: &'a Graph,
    /// The stub, for the wrapper's first line.
    pub stub: &'a str,
    /// The helper, which the plan names where there is work for it.
    pub host: &'a str,
    /// The broker, which the plan names where hosts are reached by name; empty where the kit has
    /// none.
    pub broker: &'a str,
    /// The store path that the wrapper is written to.
    pub out: &'a str,
    /// The processor, as Nix names it: `x86_64`.
    pub arch: &'a str,
    /// What the filters hold that the policy brings along, by their paths.
    pub filters: &'a [(String, Vec<u8>)],
}

/// A sealed policy.
#[derive(Debug)]
pub struct Sealed {
    /// The wrapper file's content.
    pub wrapper: String,
    /// The base names of the store paths that exist inside, with the placeholder
    /// of each in the skeleton.
    pub skeleton: Vec<(String, PathKind)>,
    /// A second name of the command.
    pub alias: Option<String>,
}

/// Seals a policy.
///
/// # Errors
/// See [`SealError`]: nothing of a policy is left out silently.
pub fn seal(request: &Request<'_>) -> Result<Sealed, SealError> {
    let (plan, skeleton) = plan(request)?;
    let wrapper = jail_plan::encode(request.stub, &plan, &places(request.policy))
        .map_err(|error| SealError::new(format!("the plan cannot be written: {error}")))?;
    Ok(Sealed { wrapper, skeleton, alias: request.policy.alias().map(str::to_owned) })
}

fn plan(request: &Request<'_>) -> Result<(Plan, Vec<(String, PathKind)>), SealError> {
    let policy = request.policy;
    if policy.version != jail_policy::VERSION {
        let (found, known) = (policy.version, jail_policy::VERSION);
        return Err(SealError::new(format!(
            "the policy has version {found}, and this jailgen reads version {known}"
        ))
        .help("emit the spec again with the jailgen that builds it"));
    }
    let skeleton = skeleton(request)?;
    let plan = fold::fold(request, closure(request, &skeleton))?;
    Ok((plan, skeleton))
}

/// The closure of everything that the grants name, if the policy grants a closure.
fn skeleton(request: &Request<'_>) -> Result<Vec<(String, PathKind)>, SealError> {
    let roots = graph::roots(request.policy, request.graph)?;
    match store_scope(request.policy) {
        Some(Scope::Closure) => Ok(request.graph.closure(roots)?),
        Some(Scope::Whole) | None => Ok(Vec::new()),
    }
}

/// How much of the store the policy grants: the last grant counts.
fn store_scope(policy: &Policy) -> Option<Scope> {
    policy.grants.iter().rev().find_map(|entry| match entry.grant {
        Grant::Store { scope } => Some(scope),
        _ => None,
    })
}

fn closure(request: &Request<'_>, skeleton: &[(String, PathKind)]) -> Closure {
    let mounted = skeleton.iter().filter(|(_, kind)| match kind {
        PathKind::Folder | PathKind::File => true,
        // The skeleton holds the same link, so there is nothing to mount.
        PathKind::Link(_) => false,
    });
    Closure {
        store: request.graph.store().into(),
        skeleton: format!("{}/skeleton", request.out),
        names: mounted.map(|(name, _)| name.clone()).collect(),
    }
}

fn places(policy: &Policy) -> jail_plan::Places {
    policy.places.iter().map(|(origin, place)| (origin.to_string(), place.clone())).collect()
}

#[cfg(test)]
mod tests;
