//! The part of a spec that is approved: everything that decides what its jails may do, and nothing
//! else. A comment does not count, nor does the line of a grant.

use std::collections::BTreeMap;

use jail_policy::{Entry, Grant, Policy, normalise};
use serde::{Deserialize, Serialize};

use crate::backends::Spec;
use crate::backends::nix::input_value;
use crate::nix::nar;

/// See the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::state) struct Content {
    pub(super) policies: Vec<Policy>,
    /// The inputs that the spec declares, as Nix source.
    pub(super) inputs: BTreeMap<String, String>,
    pub(super) overlays: Vec<String>,
    /// The configuration of nixpkgs. Records of specs without one are those of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) config: Option<String>,
    /// What it copies, and the hash of each tree: scripts that run on the host may be among it.
    pub(super) copied: BTreeMap<String, String>,
}

impl Content {
    pub(in crate::state) fn from_spec(spec: &Spec) -> Self {
        let copied = spec.copied.iter().map(|it| (it.to.clone(), nar::hash_tree(&it.tree)));
        Self {
            policies: spec.policies.iter().map(plain).collect(),
            inputs: spec
                .inputs
                .iter()
                .map(|(name, it)| (name.clone(), input_value(it).to_nix(0)))
                .collect(),
            overlays: spec.overlays.clone(),
            config: spec.config.clone(),
            copied: copied.collect(),
        }
    }

    /// Its hash: what wanted a grant is left out.
    pub(in crate::state) fn hash(&self) -> String {
        let grants = |policy: &Policy| -> Vec<Grant> {
            policy.grants.iter().map(|entry: &Entry| entry.grant.clone()).collect()
        };
        let policies: Vec<(&str, Vec<Grant>)> =
            self.policies.iter().map(|policy| (policy.name.as_str(), grants(policy))).collect();
        let all = (policies, &self.inputs, &self.overlays, &self.copied);
        // Text, numbers and lists of them: there is nothing in it that JSON cannot hold.
        let json = match &self.config {
            None => serde_json::to_vec(&all),
            Some(config) => serde_json::to_vec(&(all, config)),
        };
        nar::hash_bytes(&json.unwrap_or_default())
    }
}

fn plain(policy: &Policy) -> Policy {
    Policy { grants: normalise(policy.grants.clone()), places: BTreeMap::new(), ..policy.clone() }
}
