//! The command `jailgen`. Everything is in the library, so that tests and other programs reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    jailgen::cli::main()
}
