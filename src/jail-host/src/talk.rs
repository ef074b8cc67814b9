//! The conversation with the stub, as `jail_plan::helper` defines it.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

use jail_plan::helper::{Answer, HEADER, Refusal, Request, header};

/// The next message from the stub. `None` when it has ended.
pub(crate) fn hear(stub: &mut UnixStream) -> io::Result<Option<Request>> {
    let mut start = [0; HEADER];
    match stub.read_exact(&mut start) {
        Err(error) if is_end(&error) => return Ok(None),
        other => other?,
    }
    let (kind, length) = header(start).map_err(io::Error::other)?;
    let mut body = vec![0; length];
    match stub.read_exact(&mut body) {
        Err(error) if is_end(&error) => return Ok(None),
        other => other?,
    }
    let request = Request::decode(kind, body);
    request.map(Some).ok_or_else(|| io::Error::other("the stub sent no message"))
}

/// A stub that was killed ends the conversation in the same way as one that has finished.
fn is_end(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset)
}

/// Sends an answer to the stub.
pub(crate) fn tell(stub: &mut UnixStream, answer: &Answer) -> io::Result<()> {
    let frame = answer.encode().map_err(io::Error::other)?;
    match stub.write_all(&frame) {
        // It is gone; the next thing that is received is the end.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Why an operation was not done.
pub(crate) fn refusal(object: &str, cause: &str) -> Refusal {
    Refusal { object: object.into(), cause: cause.into(), error: 0, help: String::new() }
}
