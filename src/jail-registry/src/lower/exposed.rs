//! Grants of more of the host than a jail should have: they draw a warning, and are compiled all the same.

use jail_policy::{Access, Exposure, Severity, Share, Text, exposures, given};

use super::{Granted, Lowering};
use crate::diagnostic::{Code, Diagnostic};
use crate::term::Place;

pub(super) fn warn(state: &mut Lowering<'_>) {
    // What the author named is the target, which is often the source too.
    let place_of = |granted: &Granted, from: &Text| {
        let named = granted.named.as_ref().filter(|_| granted.entry.grant.target() == Some(from));
        named.and_then(|named| named.place).or_else(|| state.places.get(&granted.entry.by).copied())
    };
    let mut warnings: Vec<Diagnostic> = Vec::new();
    for granted in &state.grants {
        for (from, access) in given(&granted.entry.grant) {
            let Some(exposure) = exposures(from, access).into_iter().find(|e| is_broad(e, access))
            else {
                continue;
            };
            let warning = warning(from, access, &exposure, place_of(granted, from));
            // One combinator may say it twice: a folder that is made, and bound.
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
    }
    state.diagnostics.extend(warnings);
}

/// A part of a place is what the spec names. Reading is worth a warning where it is enough to get out, or at everything.
fn is_broad(exposure: &Exposure, access: Access) -> bool {
    match (exposure.share, access) {
        (Share::Part, _) => false,
        (Share::Whole, Access::ReadWrite | Access::Device) => true,
        (Share::Whole, Access::ReadOnly) => exposure.severity == Severity::Critical,
    }
}

fn warning(from: &Text, access: Access, exposure: &Exposure, place: Option<Place>) -> Diagnostic {
    let may = match access {
        Access::ReadOnly => "read",
        Access::ReadWrite | Access::Device => "write",
    };
    let among = exposure.place.map_or(String::new(), |place| format!(" (`{place}`)"));
    let message = format!("the jail can {may} `{from}`, which holds {}{among}", exposure.holds);
    Diagnostic::warning(Code::BroadGrant, place, message)
        .label("more than a project")
        .help(exposure.fix)
}
