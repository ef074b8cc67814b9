//! `terminal-filter`: a process that has only a socket. There it gets what a jail
//! writes to its terminal, packet by packet, and answers each with the part that the
//! terminal may have ([`jail_plan::terminal`]).
//!
//! Escape sequences are a language, and a program that interprets what a jail has written can be
//! exploited. So neither the supervisor nor the helper reads it, and this process has no rights
//! that an exploit could use.

mod filter;
mod sequence;
#[cfg(test)]
mod tests;
mod text;
mod walls;

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;

use jail_plan::terminal::{ANSWER, PACKET_MAX};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

use self::filter::Filter;
use crate::{say, sys};

/// Filters until the stub has closed its end.
pub(crate) fn run(socket: &OsStr) -> ExitCode {
    let Some(socket) = sys::descriptor(socket) else {
        say("the stub has left no socket open for it");
        return ExitCode::FAILURE;
    };
    if let Err(error) = walls::close() {
        say(&format!("the filter of the terminal: {error}"));
        return ExitCode::FAILURE;
    }
    match answer_all(&socket) {
        Ok(()) => ExitCode::SUCCESS,
        // The process that would read a report is gone, too.
        Err(_) => ExitCode::FAILURE,
    }
}

fn answer_all(socket: &OwnedFd) -> Result<(), Errno> {
    let mut filter = Filter::default();
    let mut input = vec![0; PACKET_MAX];
    let mut output = Vec::with_capacity(2 * PACKET_MAX);
    loop {
        let length = match recv(socket.as_fd(), input.as_mut_slice(), RecvFlags::empty()) {
            Err(Errno::INTR) => continue,
            other => other?.0,
        };
        let Some(packet) = input.get(..length).filter(|packet| !packet.is_empty()) else {
            return Ok(());
        };
        output.clear();
        output.push(ANSWER);
        filter.pass(packet, &mut output);
        while let Err(Errno::INTR) = send(socket, &output, SendFlags::NOSIGNAL) {}
    }
}
