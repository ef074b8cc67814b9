//! Where the grants of a term stand, for messages. A term has no places of its own: Nix reports
//! where the arguments of a builder stand, and the second reading of a spec where all of it does.

use std::collections::BTreeMap;

use jail_policy::{Origin, Policy};
use jail_registry::{BASE_PERMISSIONS, FileId, Jail, Made, Place, combinators_in};

/// Places that Nix reports for a builder's arguments, by their names: `flake.nix:12:5`.
pub(super) struct OfArguments(Vec<String>);

impl OfArguments {
    /// Puts the places into the arguments, each represented by a number.
    pub(super) fn put(jail: &mut Jail, places: &BTreeMap<String, String>) -> Self {
        let mut all = Vec::new();
        if let Made::Built(built) = &mut jail.made {
            for (name, argument) in &mut built.arguments {
                let Some(place) = places.get(name) else { continue };
                let number = u32::try_from(all.len()).unwrap_or(u32::MAX);
                argument.place = Some(Place { file: FileId(0), start: number, end: number });
                all.push(place.clone());
            }
        }
        Self(all)
    }

    /// The place that a number represents.
    pub(super) fn text(&self, place: Place) -> String {
        let found = usize::try_from(place.start).ok().and_then(|number| self.0.get(number));
        found.cloned().unwrap_or_default()
    }
}

/// The places of a spec's policy, for what Nix has made of the same spec with so many permissions
/// before those of the spec.
pub(super) fn of_spec(policy: &Policy, nix: &Jail, before: usize) -> BTreeMap<Origin, String> {
    let base = u32::try_from(BASE_PERMISSIONS.len()).unwrap_or(u32::MAX);
    let shift = match &nix.made {
        Made::Plain { permissions, .. } => {
            permissions.iter().take(before).map(combinators_in).fold(0, u32::saturating_add)
        }
        Made::Built(_) => 0,
    };
    let shifted = |(by, place): (&Origin, &String)| {
        let further = if by.index > base { shift } else { 0 };
        let index = by.index.saturating_add(further);
        (Origin { index, ..by.clone() }, place.clone())
    };
    policy.places.iter().map(shifted).collect()
}
