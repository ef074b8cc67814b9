//! Small attempts at what a jail must refuse. It tries and reports; whether an answer is good is
//! decided elsewhere, by `jailgen audit`, by `jailgen doctor` and by the tests.
//!
//! An attempt is a list of words, such as `connect unix /run/docker.sock`; `jail-probe --help`
//! lists them. Each is made in a process of its own, so that a filter which kills ends one attempt
//! and not the rest.

mod answer;
mod attempt;
mod call;
mod child;
mod files;
mod lookup;
mod namespaces;
mod net;
mod search;
mod sys;

pub use answer::Answer;
pub use attempt::{USAGE, attempt};

/// The ABI of the running kernel's Landlock; 0 without it.
#[must_use]
pub fn landlock_abi() -> u32 {
    u32::try_from(sys::landlock_version()).unwrap_or(0)
}

/// Whether this process was started with its standard output closed.
#[must_use]
pub fn is_output_closed() -> bool {
    sys::is_output_closed()
}

/// The most that an answer holds, in bytes of text. So no program inside can make the reader
/// outside read without end.
pub const ANSWER_MAX: usize = 256 * 1024;

/// The most attempts in one run.
pub const ATTEMPTS_MAX: usize = 4096;
