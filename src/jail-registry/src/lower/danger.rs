//! Dangerous grants of a spec: they draw warnings, and are compiled all the same.

use std::collections::BTreeMap;

use jail_policy::{Danger, DangerCode, Entry, Origin, Severity, dangers};

use super::{Granted, Lowering};
use crate::diagnostic::{Code, Diagnostic};
use crate::term::Place;

pub(super) fn warn(state: &mut Lowering<'_>) {
    let grants: Vec<Entry> = state.grants.iter().map(|granted| granted.entry.clone()).collect();
    state.dangers = dangers(&grants, state.places.keys());
    let warnings = state.dangers.iter().filter_map(|danger| {
        let named = state.grants.iter().find_map(|granted| named(granted, danger));
        warning(danger, named.or_else(|| state.places.get(&danger.by).copied()))
    });
    state.diagnostics.extend(warnings.collect::<Vec<_>>());
}

/// The same for a jail whose grants each have a place of their own.
pub(super) fn warnings(dangers: &[Danger], places: &BTreeMap<Origin, Place>) -> Vec<Diagnostic> {
    let warning = |danger: &Danger| warning(danger, places.get(&danger.by).copied());
    dangers.iter().filter_map(warning).collect()
}

/// The author named the target, which is often the source too.
fn named(granted: &Granted, danger: &Danger) -> Option<Place> {
    let target =
        granted.entry.grant.target().filter(|target| Some(*target) == danger.from.as_ref());
    let is_it = granted.entry.by == danger.by && target.is_some();
    granted.named.as_ref().filter(|_| is_it)?.place
}

/// The warning of a danger. A note needs no fix, so only `explain` and `audit` report it.
#[must_use]
pub fn warning(danger: &Danger, place: Option<Place>) -> Option<Diagnostic> {
    if danger.severity == Severity::Note {
        return None;
    }
    let warning = Diagnostic::warning(code(danger.code)?, place, danger.what.clone())
        .label(format!("{} severity", danger.severity.as_str()))
        .help(danger.fix);
    Some(Diagnostic { danger: Some(danger.severity), ..warning })
}

/// The diagnostic of the same name. `None` for what is never more than a note.
pub(super) fn code(danger: DangerCode) -> Option<Code> {
    match danger {
        DangerCode::BreaksHome => Some(Code::BreaksHome),
        DangerCode::BreaksPath => Some(Code::BreaksPath),
        DangerCode::GrantsCredentials => Some(Code::GrantsCredentials),
        DangerCode::GrantsDevices => Some(Code::GrantsDevices),
        DangerCode::GrantsHome => Some(Code::GrantsHome),
        DangerCode::GrantsHostServices => Some(Code::GrantsHostServices),
        DangerCode::GrantsKernel => Some(Code::GrantsKernel),
        DangerCode::GrantsNixDaemon => Some(Code::GrantsNixDaemon),
        DangerCode::GrantsRoot => Some(Code::GrantsRoot),
        DangerCode::HomeAsFolder => Some(Code::HomeAsFolder),
        DangerCode::SharesNamespace => Some(Code::SharesNamespace),
        DangerCode::SharesTerminal => Some(Code::SharesTerminal),
        DangerCode::SpecWritable => Some(Code::SpecWritable),
        DangerCode::UnsafeCombinator => Some(Code::UnsafeCombinator),
        DangerCode::WholeStore => Some(Code::WholeStore),
        DangerCode::WidensCalls => Some(Code::WidensCalls),
        DangerCode::WildcardSecret => Some(Code::WildcardSecret),
        DangerCode::WritesHostPrograms => Some(Code::WritesHostPrograms),
        DangerCode::CageModes
        | DangerCode::CagePorts
        | DangerCode::CageSees
        | DangerCode::CageSockets
        // No spec can ask for it.
        | DangerCode::ForeignWrapper
        | DangerCode::HostScripts
        | DangerCode::PassesSecret
        | DangerCode::ReachesHost
        | DangerCode::ReachesPrivate
        | DangerCode::RelaysThroughFiles
        | DangerCode::SharesTmp
        | DangerCode::WholeInternet
        | DangerCode::WholeNetwork => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_has_the_name_of_its_danger() {
        for danger in DangerCode::ALL {
            if let Some(code) = code(*danger) {
                assert_eq!(code.as_str(), danger.as_str());
            }
        }
    }
}
