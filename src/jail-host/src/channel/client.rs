//! The client inside: opens its channel, passes its input on, and ends as the script outside ended.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use jail_plan::helper::SOCKET;
use signal_hook::consts::SIGPIPE;

use super::frame::{self, Frame, PIECE_MAX};

/// The exit status if there was no call, as in ssh(1).
const FAILED: u8 = 255;

/// Calls the channel `name`.
pub(crate) fn run(name: &OsStr, arguments: &[OsString]) -> ExitCode {
    match call(name, arguments) {
        Ok(status) => ExitCode::from(status),
        // The reader of the output has closed it. A program that goes on writing
        // would be ended by SIGPIPE.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::from(ended_by(SIGPIPE))
        }
        Err(error) => {
            say(name, &error.to_string());
            ExitCode::from(FAILED)
        }
    }
}

fn call(name: &OsStr, arguments: &[OsString]) -> io::Result<u8> {
    let socket = UnixStream::connect(SOCKET)
        .map_err(|error| io::Error::other(format!("the host does not answer: {error}")))?;
    frame::ask(&socket, name, arguments)?;
    pass_input_on(&socket)?;
    loop {
        match frame::read(&socket, PIECE_MAX)? {
            Some(Frame { kind: b'O', body }) => {
                io::stdout().write_all(&body).and_then(|()| io::stdout().flush())?;
            }
            Some(Frame { kind: b'E', body }) => io::stderr().write_all(&body)?,
            Some(Frame { kind: b'X', body }) => return Ok(body.first().copied().unwrap_or(FAILED)),
            Some(Frame { kind: b'N', body }) => {
                return Err(io::Error::other(String::from_utf8_lossy(&body).into_owned()));
            }
            Some(_) => return Err(io::Error::other("the host sent no message")),
            None => return Err(io::Error::other("the host broke off")),
        }
    }
}

/// Input typed at a terminal is for the foreground job, and reading it in the background would stop
/// this program, so it is not passed on.
fn pass_input_on(socket: &UnixStream) -> io::Result<()> {
    if io::stdin().is_terminal() {
        return frame::send(socket, b'Z', &[]);
    }
    let socket = socket.try_clone()?;
    std::thread::Builder::new().spawn(move || {
        let mut buffer = [0; PIECE_MAX];
        loop {
            let sent = match io::stdin().read(&mut buffer) {
                Ok(0) | Err(_) => {
                    // The script may go on without input, and a call that is over needs none.
                    let _ = frame::send(&socket, b'Z', &[]);
                    return;
                }
                Ok(length) => frame::send(&socket, b'I', buffer.get(..length).unwrap_or_default()),
            };
            if sent.is_err() {
                return;
            }
        }
    })?;
    Ok(())
}

/// The status by which a shell reports that a signal has ended a program.
fn ended_by(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(FAILED)
}

fn say(name: &OsStr, text: &str) {
    let name = name.to_string_lossy();
    let _ = writeln!(io::stderr(), "{}: {}", jail_plan::one_line(&name), jail_plan::one_line(text));
}
