//! The helper: on the host it does what a launch needs there beyond system calls, with the user's
//! rights; inside, under any other name, it is the client of a channel.
//!
//! The stub starts it as `jail-host run SOCKET LISTENER ARGUMENTS…` and sends it the rest over the
//! socket. It does what the sealed plan says and nothing that anybody inside asks for beyond that.
//! For each state file it is started once more, as `jail-host follow SOCKET`, to be a process that
//! has no rights but over that file; as `jail-host git SOCKET` it keeps git's settings apart, with
//! no rights but over the repository; as `jail-host filter-terminal SOCKET` it is one that has no
//! rights at all; as `jail-host hand-off …` and `jail-host ledger …` one that looks through a
//! project; as `jail-host stage-record …` and `jail-host stage …` one that records a project below
//! a stage, and one that shows, applies or drops what the stage has. As `jail-host control-group
//! SOCKET`, `jail-host account SOCKET` and `jail-host mask SOCKET` it does one thing before there
//! is a jail, and ends.
#![deny(unsafe_code)]
#![cfg_attr(
    test,
    expect(clippy::disallowed_methods, reason = "tests start programs, and variables say how")
)]

mod account;
#[cfg(test)]
mod alone;
mod bus;
mod channel;
mod confine;
mod errand;
mod follow;
mod git;
mod group;
mod handoff;
mod mask;
mod objects;
mod packet;
mod record;
mod scripts;
mod session;
mod shell;
mod stage;
mod surroundings;
#[expect(unsafe_code, reason = "descriptors are taken by their numbers only here")]
mod sys;
mod talk;
mod terminal;
mod walk;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use jail_plan::errand::{ACCOUNT, CONTROL_GROUP};
use jail_plan::follow::FOLLOW;
use jail_plan::git::GIT;
use jail_plan::handoff::{HAND_OFF, LEDGER, WATCH};
use jail_plan::helper::HELPER as NAME;
use jail_plan::mask::MASK;
use jail_plan::stage::{RECORD, STAGE};
use jail_plan::terminal::FILTER;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

fn main() -> ExitCode {
    let mut words = std::env::args_os();
    let name = words.next().unwrap_or_default();
    let is_helper = std::path::Path::new(&name).file_name() == Some(NAME.as_ref());
    let words: Vec<OsString> = words.collect();
    if !is_helper {
        let name = std::path::Path::new(&name).file_name().unwrap_or(&name).to_owned();
        return channel::client::run(&name, &words);
    }
    // Before anything is read: no process of the same user may inspect or trace this one, and it
    // dumps no core (prctl(2)).
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        say(&format!("it stays open to others: {error}"));
        return ExitCode::FAILURE;
    }
    match words.as_slice() {
        [mode, socket, listener, arguments @ ..] if mode == "run" => {
            session::run(socket, listener, arguments)
        }
        [mode, socket] if mode == FOLLOW => follow::run(socket),
        [mode, socket] if mode == GIT => git::run(socket),
        [mode, socket] if mode == FILTER => terminal::run(socket),
        [mode, words @ ..] if mode == HAND_OFF => handoff::run(words),
        [mode, words @ ..] if mode == WATCH => handoff::watch::run(words),
        [mode, words @ ..] if mode == LEDGER => handoff::command(words),
        [mode, words @ ..] if mode == RECORD => stage::record::run(words),
        [mode, words @ ..] if mode == STAGE => stage::command(words),
        [mode, socket] if mode == CONTROL_GROUP => errand::run(socket, group::serve),
        [mode, socket] if mode == ACCOUNT => errand::run(socket, account::serve),
        [mode, socket] if mode == MASK => errand::run(socket, mask::serve),
        [..] => {
            say("the stub of a jail starts it; it has no other use");
            ExitCode::from(2)
        }
    }
}

/// The only place that prints a line of its own. The text never comes from inside a jail.
fn say(text: &str) {
    // If the stub no longer listens, there is no one left to report to.
    let _ = writeln!(std::io::stderr(), "{NAME}: {}", jail_plan::one_line(text));
}
