//! Runs an ignored test in a process of its own: what a process gives up is lost for
//! everything that runs in it.

use std::process::{Command, Output};

/// The names of both cases in a variable.
pub(crate) const BEHIND: &str = "behind walls";
pub(crate) const OPEN: &str = "in the open";

/// SIGSYS, with which a filter ends a process.
pub(crate) const SYS: i32 = 31;

/// Runs the test of this name.
pub(crate) fn alone(test: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "--ignored", "--nocapture", "--test-threads", "1", test]);
    command.envs(variables.iter().copied()).output().expect("it starts")
}

/// Runs something in a confined thread, and ends its process: such a thread
/// cannot end by itself any more.
pub(crate) fn behind(walls: impl FnOnce() + Send, work: impl FnOnce() + Send) {
    let walled = || {
        walls();
        work();
        #[expect(clippy::exit, reason = "a thread behind these walls cannot end alone")]
        std::process::exit(0)
    };
    std::thread::scope(|scope| scope.spawn(walled).join().expect("it ends"));
}
