//! What depends on the user's session and on the working folder, and trees whose links are
//! followed.

use jail_plan::{
    Bus, Deep, HostOp, HostText, InsideOp, Missing, Service, Session, StateDirectory, Step,
};
use jail_policy::Text;

use super::super::SealError;
use super::super::text::Reader;
use super::state_bind;

/// A folder of state for each working folder: it is made on the host, and then bound.
pub(super) fn folder_state(
    read: Reader<'_>,
    path: &Text,
    to: &Text,
) -> Result<(Step<HostOp>, Step<InsideOp>), SealError> {
    let by = read.entry.by.to_string();
    let path = match read.path(path)? {
        HostText::Expand(expansion) | HostText::PerFolder(expansion) => {
            HostText::PerFolder(expansion)
        }
        HostText::Literal(_) => {
            return Err(read.error("a folder for each working folder is expanded at launch"));
        }
    };
    let before =
        Step::new(by.clone(), HostOp::StateDirectory(StateDirectory { path: path.clone() }));
    Ok((before, state_bind(path, read.path(to)?, by)))
}

pub(super) fn deep(
    read: Reader<'_>,
    from: &Text,
    missing: Missing,
) -> Result<Step<InsideOp>, SealError> {
    let (from, by) = (read.path(from)?, read.entry.by.to_string());
    Ok(Step::new(by, InsideOp::Deep(Deep { from, missing })))
}

/// The proxy is started on the host, and its socket appears inside.
pub(super) fn bus(
    read: Reader<'_>,
    service: Service,
    proxy: &Text,
    rules: &[String],
) -> Result<(Step<HostOp>, Step<InsideOp>), SealError> {
    let by = read.entry.by.to_string();
    let (proxy, rules) = (read.literal(proxy)?, rules.to_vec());
    let before = Step::new(by.clone(), HostOp::Bus(Bus { service, proxy, rules }));
    Ok((before, Step::new(by, InsideOp::Session(Session { service }))))
}
