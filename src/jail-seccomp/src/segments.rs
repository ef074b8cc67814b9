//! All numbers of a processor's calls, in as few segments as possible.

use super::Arch;
use super::decision::{ALLOW, Decision, KILL, NO_SYS};
use super::policy::{Call, Policy, calls};

/// Numbers from `start` on, up to the next segment, are decided in one way.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) start: u32,
    pub(super) decision: Decision,
}

/// Where the numbers of the x32 ABI begin and end: bit 30.
const X32: u32 = 0x4000_0000;
const X32_END: u32 = 0x8000_0000;

/// All numbers, in as few segments as possible.
pub(super) fn segments(arch: Arch, policy: &Policy) -> Vec<Segment> {
    segments_of(arch, &calls(arch, policy))
}

/// The same for any table.
pub(super) fn segments_of(arch: Arch, calls: &[Call]) -> Vec<Segment> {
    let newest = calls.last().map_or(0, |call| call.number);
    let mut all: Vec<Segment> = Vec::new();
    let mut add = |start: u32, decision: Decision| {
        if all.last().is_none_or(|last| last.decision != decision) {
            all.push(Segment { start, decision });
        }
    };
    add(0, ALLOW);
    let mut next = 0;
    for call in calls {
        if call.number > next {
            // A gap in the numbers: there is no such call, whatever a later kernel adds there.
            add(next, NO_SYS);
        }
        add(call.number, call.decision.clone());
        next = call.number + 1;
    }
    add(newest + 1, NO_SYS);
    match arch {
        Arch::X86_64 => {
            add(X32, KILL);
            add(X32_END, NO_SYS);
        }
        Arch::Aarch64 => {}
    }
    // The first segment gives way if the number 0 is decided otherwise.
    if all.get(1).is_some_and(|second| second.start == 0) {
        all.remove(0);
    }
    all
}
