//! The broker of a jail's network: started by the supervisor for one launch, and not by people.

use std::process::ExitCode;

fn main() -> ExitCode {
    jail_broker::main()
}
