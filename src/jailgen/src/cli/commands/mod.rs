//! What each command does: it calls the library and prints what that returns.

pub(super) mod closure;
pub(super) mod init;
pub(super) mod manual;
pub(super) mod seal;

use super::console::Console;
use crate::nix::{Nix, NixError};

/// What every command is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    /// Where it prints.
    pub(super) console: Console,
}

impl Context {
    /// Nix, where PATH has it.
    pub(super) fn nix(self) -> Result<Nix, NixError> {
        Nix::find(std::env::var_os("PATH").as_deref())
    }
}
