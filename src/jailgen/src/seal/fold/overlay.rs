//! Folders that lie over each other.

use jail_plan::{HostOp, InsideOp, KeptOverlay, Overlay, StateDirectory, Step};
use jail_policy::{Text, Writes};

use super::super::SealError;
use super::super::text::Reader;

/// The overlay, and what is made for it on the host before.
pub(super) fn fold(
    read: Reader<'_>,
    lower: &[Text],
    writes: &Writes,
    to: &Text,
) -> Result<(Vec<Step<HostOp>>, Step<InsideOp>), SealError> {
    let by = read.entry.by.to_string();
    let lower = lower.iter().map(|lower| read.path(lower)).collect::<Result<Vec<_>, _>>()?;
    let to = read.path(to)?;
    Ok(match writes {
        Writes::Refused => {
            (Vec::new(), Step::new(by, InsideOp::OverlayReadOnly(Overlay { lower, to })))
        }
        Writes::Memory => {
            (Vec::new(), Step::new(by, InsideOp::OverlayInMemory(Overlay { lower, to })))
        }
        Writes::Kept { upper, work } => {
            let (upper, work) = (read.path(upper)?, read.path(work)?);
            let made = |path: &_| {
                Step::new(
                    by.clone(),
                    HostOp::StateDirectory(StateDirectory { path: Clone::clone(path) }),
                )
            };
            let before = vec![made(&upper), made(&work)];
            (before, Step::new(by, InsideOp::OverlayKept(KeptOverlay { lower, upper, work, to })))
        }
    })
}
