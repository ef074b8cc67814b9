//! Folders that lie over each other.

use jail_plan::{HostOp, InsideOp, KeptOverlay, Overlay, StateDirectory};
use jail_policy::{Text, Writes};

use super::super::SealError;
use super::super::text::Reader;

/// The overlay, and what is made for it on the host before.
pub(super) fn fold(
    read: Reader<'_>,
    lower: &[Text],
    writes: &Writes,
    to: &Text,
) -> Result<(Vec<HostOp>, InsideOp), SealError> {
    let by = read.entry.by.to_string();
    let lower = lower.iter().map(|lower| read.path(lower)).collect::<Result<Vec<_>, _>>()?;
    let to = read.path(to)?;
    Ok(match writes {
        Writes::Refused => (Vec::new(), InsideOp::OverlayReadOnly(Overlay { lower, to, by })),
        Writes::Memory => (Vec::new(), InsideOp::OverlayInMemory(Overlay { lower, to, by })),
        Writes::Kept { upper, work } => {
            let (upper, work) = (read.path(upper)?, read.path(work)?);
            let made = |path: &_| {
                HostOp::StateDirectory(StateDirectory { path: Clone::clone(path), by: by.clone() })
            };
            let before = vec![made(&upper), made(&work)];
            (before, InsideOp::OverlayKept(KeptOverlay { lower, upper, work, to, by }))
        }
    })
}
