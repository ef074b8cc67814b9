//! What each command does: it calls the library and prints what that returns.

pub(super) mod init;
pub(super) mod manual;

use super::console::Console;

/// What every command is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    /// Where it prints.
    pub(super) console: Console,
}
