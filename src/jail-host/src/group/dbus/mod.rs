//! The part of D-Bus that is needed to ask systemd for a scope: one method call over systemd's
//! own socket, and its answer.
//!
//! The wire format is that of the D-Bus specification, little-endian: everything is aligned to its
//! size, counted from the start of its message.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::io::Errno;

/// How long systemd may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The largest answer; systemd's are smaller.
const ANSWER_MAX: usize = 64 * 1024;

/// A connection to a manager of systemd.
pub(super) struct Connection {
    socket: UnixStream,
}

/// Why a call failed.
pub(super) enum Refused {
    /// The connection failed, or what came over it is not D-Bus.
    Broken(Errno),
    /// The answer was this error.
    Answer(String),
}

impl From<Errno> for Refused {
    fn from(error: Errno) -> Self {
        Self::Broken(error)
    }
}

/// The value of a unit's property.
pub(super) enum Property<'a> {
    /// `s`
    Text(&'a str),
    /// `b`
    Flag(bool),
    /// `au`
    Numbers(&'a [u32]),
}

impl Connection {
    /// Connects, and identifies itself (SASL EXTERNAL: the kernel vouches for the user id).
    pub(super) fn open(path: &str, uid: u32) -> Result<Self, Errno> {
        let socket = UnixStream::connect(path).map_err(errno)?;
        socket.set_read_timeout(Some(PATIENCE)).map_err(errno)?;
        socket.set_write_timeout(Some(PATIENCE)).map_err(errno)?;
        let mut connection = Self { socket };
        let uid: String = uid.to_string().bytes().map(|digit| format!("{digit:02x}")).collect();
        connection.write(format!("\0AUTH EXTERNAL {uid}\r\n").as_bytes())?;
        if !connection.line()?.starts_with(b"OK ") {
            return Err(Errno::ACCESS);
        }
        connection.write(b"BEGIN\r\n")?;
        Ok(connection)
    }

    /// `StartTransientUnit(unit, "fail", properties, [])`.
    pub(super) fn start_transient_unit(
        &mut self,
        unit: &str,
        properties: &[(&str, Property<'_>)],
    ) -> Result<(), Refused> {
        let mut body = Marshal::default();
        body.text(unit);
        body.text("fail");
        body.array(8, |array| {
            for (name, value) in properties {
                array.align(8);
                array.text(name);
                array.variant(value);
            }
        });
        body.array(8, |_| {});
        self.write(&call("StartTransientUnit", "ssa(sv)a(sa(sv))", &body.0))?;
        self.answer()
    }

    /// The answer to the only call; systemd may send signals before it.
    fn answer(&mut self) -> Result<(), Refused> {
        const RETURN: u8 = 2;
        const ERROR: u8 = 3;
        loop {
            let head = self.exactly(16)?;
            let number = |at| number(&head, at).ok_or(Errno::PROTO);
            let (body, fields) = (number(4)?, number(12)?);
            if head.first() != Some(&b'l') || body > ANSWER_MAX || fields > ANSWER_MAX {
                return Err(Refused::Broken(Errno::PROTO));
            }
            self.exactly(fields.next_multiple_of(8))?;
            let body = self.exactly(body)?;
            match head.get(1) {
                Some(&RETURN) => return Ok(()),
                Some(&ERROR) => return Err(Refused::Answer(first_text(&body))),
                Some(_) | None => {}
            }
        }
    }

    fn line(&mut self) -> Result<Vec<u8>, Errno> {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            if line.len() > 1024 {
                return Err(Errno::PROTO);
            }
            line.extend(self.exactly(1)?);
        }
        Ok(line)
    }

    fn exactly(&mut self, length: usize) -> Result<Vec<u8>, Errno> {
        let mut bytes = vec![0; length];
        self.socket.read_exact(&mut bytes).map_err(errno)?;
        Ok(bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        self.socket.write_all(bytes).map_err(errno)
    }
}

fn errno(error: io::Error) -> Errno {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Errno::CONNRESET,
        io::ErrorKind::WouldBlock => Errno::TIMEDOUT,
        _ => Errno::from_io_error(&error).unwrap_or(Errno::INVAL),
    }
}

/// A method call of systemd's manager.
fn call(method: &str, signature: &str, body: &[u8]) -> Vec<u8> {
    const CALL: u8 = 1;
    const VERSION: u8 = 1;
    let mut message = Marshal(vec![b'l', CALL, 0, VERSION]);
    message.number(body.len());
    // The serial number; there is only one call.
    message.number(1);
    message.array(8, |fields| {
        let texts = [
            (1, "o", "/org/freedesktop/systemd1"),
            (2, "s", "org.freedesktop.systemd1.Manager"),
            (3, "s", method),
            (6, "s", "org.freedesktop.systemd1"),
        ];
        for (code, signature, text) in texts {
            fields.align(8);
            fields.0.push(code);
            fields.signature(signature);
            fields.text(text);
        }
        fields.align(8);
        fields.0.push(8);
        fields.signature("g");
        fields.signature(signature);
    });
    message.align(8);
    message.0.extend(body);
    message.0
}

/// A message or its body, as far as it is written. A body starts aligned, so it
/// can be written by itself.
#[derive(Default)]
struct Marshal(Vec<u8>);

impl Marshal {
    fn align(&mut self, to: usize) {
        self.0.resize(self.0.len().next_multiple_of(to), 0);
    }

    fn number(&mut self, number: usize) {
        self.align(4);
        self.0.extend(u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len());
        self.0.extend(text.as_bytes());
        self.0.push(0);
    }

    fn signature(&mut self, signature: &str) {
        self.0.push(u8::try_from(signature.len()).unwrap_or(u8::MAX));
        self.0.extend(signature.as_bytes());
        self.0.push(0);
    }

    fn variant(&mut self, value: &Property<'_>) {
        match value {
            Property::Text(text) => {
                self.signature("s");
                self.text(text);
            }
            Property::Flag(flag) => {
                self.signature("b");
                self.number(usize::from(*flag));
            }
            Property::Numbers(numbers) => {
                self.signature("au");
                self.array(4, |array| {
                    for number in *numbers {
                        array.number(*number as usize);
                    }
                });
            }
        }
    }

    /// The length of an array does not include the padding before its first element.
    fn array(&mut self, element: usize, write: impl FnOnce(&mut Self)) {
        self.number(0);
        let length_at = self.0.len() - 4;
        self.align(element);
        let start = self.0.len();
        write(self);
        let length = u32::try_from(self.0.len() - start).unwrap_or(u32::MAX).to_le_bytes();
        for (to, from) in self.0.iter_mut().skip(length_at).zip(length) {
            *to = from;
        }
    }
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let word = bytes.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(word)).ok()
}

/// The text at the start of the body of an error.
fn first_text(body: &[u8]) -> String {
    let text = number(body, 0).and_then(|length| body.get(4..)?.get(..length));
    String::from_utf8_lossy(text.unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests;
