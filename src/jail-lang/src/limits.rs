//! How much an evaluation may take before it is stopped with an error.

/// Bounds of one evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls and thunks, all together, and one for each `STEP_BYTES` that are copied or looked at.
    pub steps: u64,
    /// Calls inside one another; Nix's own bound is the same.
    pub calls: u32,
    /// The memory that the values take at one time.
    pub bytes: usize,
}

impl Limits {
    /// What a spec gets: far more than any needs, and over in seconds.
    pub const SPEC: Self = Self { steps: 5_000_000, calls: 10_000, bytes: 256 << 20 };

    /// What an expression gets that somebody evaluates for its own sake.
    pub const EXPRESSION: Self = Self { steps: 500_000_000, calls: 10_000, bytes: 256 << 20 };
}

/// The largest single string, list or set, in bytes. It is made next to its parts, and may move while it grows.
pub(crate) const VALUE_BYTES_MAX: usize = 64 << 20;

/// What is copied in about the time of a step.
pub(crate) const STEP_BYTES: usize = 256;

/// The largest term of a spec, in bytes of its texts: what comes after the evaluation takes several times as much.
pub(crate) const TERM_BYTES_MAX: usize = 16 << 20;

/// About what an element takes: in a list, in a set, and as something that is not evaluated yet.
pub(crate) const ELEMENT: usize = 16;
pub(crate) const ATTRIBUTE: usize = 40;
pub(crate) const DELAYED: usize = 240;
