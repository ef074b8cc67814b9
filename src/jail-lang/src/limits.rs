//! How much an evaluation may take before it is stopped with an error.

/// Bounds of one evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls and thunks, all together.
    pub steps: u64,
    /// Calls inside one another; Nix's own bound is the same.
    pub calls: u32,
}

impl Limits {
    /// What a spec gets: far more than any needs.
    pub const SPEC: Self = Self { steps: 100_000_000, calls: 10_000 };
}
