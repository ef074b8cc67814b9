//! How much an evaluation may use before it is stopped with an error.

/// Bounds of one evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls and thunks in all, plus one for each `STEP_BYTES` bytes that are copied or read.
    pub steps: u64,
    /// Nested calls; Nix's own bound is the same.
    pub calls: u32,
    /// The memory that the values take at any one time.
    pub bytes: usize,
}

impl Limits {
    /// The limits of a spec: far more than any spec needs, and reached within seconds.
    pub const SPEC: Self = Self { steps: 5_000_000, calls: 10_000, bytes: 256 << 20 };

    /// The limits of an expression that a user evaluates for its own sake.
    pub const EXPRESSION: Self = Self { steps: 500_000_000, calls: 10_000, bytes: 256 << 20 };
}

/// The largest single string, list or set, in bytes. It is made next to its parts, and may
/// be moved while it grows.
pub(crate) const VALUE_BYTES_MAX: usize = 64 << 20;

/// The bytes that are copied in about the time of a step.
pub(crate) const STEP_BYTES: usize = 256;

/// The largest term of a spec, in bytes of its texts. The stages after the evaluation
/// take several times as much.
pub(crate) const TERM_BYTES_MAX: usize = 16 << 20;

/// The approximate size of an element: of a list, of a set, and while it is not evaluated.
pub(crate) const ELEMENT: usize = 16;
pub(crate) const ATTRIBUTE: usize = 40;
pub(crate) const DELAYED: usize = 240;
