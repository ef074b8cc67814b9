//! Where what is written to the working folder is kept, if not in it.

use jail_plan::stage::{BASE, UPPER, WORK, is_name, place};
use jail_plan::{Expansion, HostOp, HostText, Stage, StateDirectory, Step};

use super::super::SealError;
use super::super::text::Reader;

/// The folders of the stage of this name.
pub(super) fn of_name(read: Reader<'_>, name: &str) -> Result<Stage, SealError> {
    if !is_name(name) {
        return Err(read.error(format!("`{name}` is no name of a stage")));
    }
    let part = |part| {
        let place = Expansion::parse(&place(&read.policy.name, name, part));
        place.map(HostText::PerFolder).map_err(|error| read.error(error.to_string()))
    };
    Ok(Stage { upper: part(UPPER)?, work: part(WORK)?, base: part(BASE)? })
}

/// They are made before the launch.
pub(super) fn made(stage: &Stage, by: &str) -> [Step<HostOp>; 3] {
    [&stage.upper, &stage.work, &stage.base]
        .map(|path| Step::new(by, HostOp::StateDirectory(StateDirectory { path: path.clone() })))
}

/// The name by which a plan's stage is called.
pub(in crate::seal) fn name(stage: &Stage) -> Option<String> {
    let name = stage.upper.source().strip_suffix(UPPER)?.trim_end_matches('/').rsplit('/').next();
    name.map(str::to_owned)
}
