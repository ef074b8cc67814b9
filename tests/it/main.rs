//! Integration tests of the command `jailgen`, in one binary: one link step instead of many.

mod check;
mod cli;
mod explain;
mod harness;
mod tidy;
