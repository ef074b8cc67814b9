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
    /// What a spec gets: far more than any needs, and over in seconds.
    pub const SPEC: Self = Self { steps: 5_000_000, calls: 10_000 };

    /// What an expression gets that somebody evaluates for its own sake.
    pub const EXPRESSION: Self = Self { steps: 500_000_000, calls: 10_000 };
}
