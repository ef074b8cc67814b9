//! Signals by number; the same on both processors (signal(7)).

pub(crate) const INT: i32 = 2;
pub(crate) const QUIT: i32 = 3;
pub(crate) const ILL: i32 = 4;
pub(crate) const TRAP: i32 = 5;
pub(crate) const BUS: i32 = 7;
pub(crate) const FPE: i32 = 8;
pub(crate) const KILL: i32 = 9;
pub(crate) const SEGV: i32 = 11;
pub(crate) const PIPE: i32 = 13;
pub(crate) const TERM: i32 = 15;
pub(crate) const CHLD: i32 = 17;
pub(crate) const CONT: i32 = 18;
pub(crate) const STOP: i32 = 19;
pub(crate) const TSTP: i32 = 20;
pub(crate) const TTIN: i32 = 21;
pub(crate) const TTOU: i32 = 22;
pub(crate) const XFSZ: i32 = 25;
pub(crate) const WINCH: i32 = 28;
pub(crate) const HUP: i32 = 1;
pub(crate) const SYS: i32 = 31;
