//! Tested against a manager that the test plays; tests/cgroups uses a real one.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixListener;
use std::thread;

use rustix::io::Errno;

use super::{Connection, Property, Refused};

/// Plays a manager that answers the one call with `answer`: the result, and the call.
fn played(answer: &'static [u8]) -> (Result<(), Refused>, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("private");
    let listener = UnixListener::bind(&path).unwrap();
    let manager = thread::spawn(move || {
        let (socket, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(&socket);
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        assert_eq!(line, "\0AUTH EXTERNAL 31303030\r\n");
        (&socket).write_all(b"OK 0123456789abcdef\r\n").unwrap();
        line.clear();
        reader.read_line(&mut line).unwrap();
        assert_eq!(line, "BEGIN\r\n");
        (&socket).write_all(answer).unwrap();
        socket.shutdown(std::net::Shutdown::Write).unwrap();
        let mut call = Vec::new();
        // A client that gives up leaves the answer unread, and the kernel reports that as an error.
        let _ = reader.read_to_end(&mut call);
        call
    });
    let mut connection = Connection::open(path.to_str().unwrap(), 1000).unwrap();
    let properties = [
        ("Description", Property::Text("a jail")),
        ("PIDs", Property::Numbers(&[7, 8])),
        ("Delegate", Property::Flag(true)),
    ];
    let result = connection.start_transient_unit("x.scope", &properties);
    drop(connection);
    (result, manager.join().unwrap())
}

/// A message without header fields.
const RETURN: &[u8] = b"l\x02\0\x01\0\0\0\0\x09\0\0\0\0\0\0\0";
const SIGNAL: &[u8] = b"l\x04\0\x01\x04\0\0\0\x08\0\0\0\x05\0\0\0field\0\0\0body";
const ERROR: &[u8] = b"l\x03\0\x01\x0b\0\0\0\x09\0\0\0\0\0\0\0\x06\0\0\0denied\0";

/// The bytes are those that another implementation (jeepney) writes for this call.
#[test]
fn a_call_is_marshalled_as_the_specification_says() {
    let (result, call) = played(RETURN);
    assert!(result.is_ok());
    let head = b"l\x01\0\x01\x78\0\0\0\x01\0\0\0\xb6\0\0\0";
    assert_eq!(call.first_chunk(), Some(head));
    let fields = b"\x01\x01o\0\x19\0\0\0/org/freedesktop/systemd1\0\0\0\0\0\0\0\
        \x02\x01s\0\x20\0\0\0org.freedesktop.systemd1.Manager\0\0\0\0\0\0\0\0\
        \x03\x01s\0\x12\0\0\0StartTransientUnit\0\0\0\0\0\0\
        \x06\x01s\0\x18\0\0\0org.freedesktop.systemd1\0\0\0\0\0\0\0\0\
        \x08\x01g\0\x10ssa(sv)a(sa(sv))\0\0\0";
    let body = b"\x07\0\0\0x.scope\0\x04\0\0\0fail\0\0\0\0\x54\0\0\0\0\0\0\0\
        \x0b\0\0\0Description\0\x01s\0\0\x06\0\0\0a jail\0\0\
        \x04\0\0\0PIDs\0\x02au\0\0\0\0\x08\0\0\0\x07\0\0\0\x08\0\0\0\0\0\0\0\
        \x08\0\0\0Delegate\0\x01b\0\x01\0\0\0\0\0\0\0";
    let expected = [fields.as_slice(), body].concat();
    let shown = |bytes: &[u8]| String::from_utf8(bytes.escape_ascii().collect()).unwrap();
    assert_eq!(shown(&call[16..]), shown(&expected));
}

#[test]
fn an_answer_is_told_from_signals_and_from_rubbish() {
    let outcome = |answer| match played(answer).0 {
        Ok(()) => "done".into(),
        Err(Refused::Answer(words)) => words,
        Err(Refused::Broken(error)) => format!("{error:?}"),
    };
    assert_eq!(outcome(RETURN), "done");
    assert_eq!(outcome([SIGNAL, RETURN].concat().leak()), "done");
    assert_eq!(outcome(ERROR), "denied");
    for (answer, error) in [
        (b"".as_slice(), Errno::CONNRESET),
        (b"HTTP/1.1 200 OK\r\n", Errno::PROTO),
        (b"l\x02\0\x01\0\0\0\x7f\x09\0\0\0\0\0\0\0", Errno::PROTO),
    ] {
        assert_eq!(outcome(answer), format!("{error:?}"));
    }
}
