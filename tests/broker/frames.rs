//! Frames of HTTP/2 in every order, well-formed or not: no request goes on that the
//! rules do not allow, and the broker serves the next client. `PROPTEST_CASES` sets how
//! many connections are tried.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::jail::Jail;
use crate::origin::{Origin, Root};
use crate::requests::{API, client, curl, requests, secure, spec};
use crate::world::{World, run};

/// Connections in a run of all tests.
const CASES: u32 = 64;

/// What the host sees of a request that the rules allow.
const ALLOWED: &str = "GET https://api.example.com/allowed HTTP/2.0";

/// How long a client waits for more of an answer.
const QUIET: Duration = Duration::from_millis(40);

/// Long enough for a request to reach the host before the next frame.
const PAUSE: Duration = Duration::from_millis(20);

/// Kinds of frames (RFC 9113, 6), and flags of a HEADERS frame.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// What a client says first (RFC 9113, 3.4), and empty settings.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// A frame. Its length may be another one than that of what follows.
#[derive(Clone, Debug)]
struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
    length: Option<u16>,
}

impl Frame {
    fn write(&self, to: &mut Vec<u8>) {
        let length = self.length.map_or(self.payload.len(), usize::from);
        to.extend(&u32::try_from(length).unwrap().to_be_bytes()[1..]);
        to.extend([self.kind, self.flags]);
        to.extend(self.stream.to_be_bytes());
        to.extend(&self.payload);
    }
}

/// Fields without compression (RFC 7541, 6.2.2).
fn fields(all: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in all {
        bytes.push(0);
        for text in [name, value] {
            bytes.push(u8::try_from(text.len()).unwrap());
            bytes.extend(text.as_bytes());
        }
    }
    bytes
}

/// The fields of a request, whole or with one that is missing, comes twice or comes too late.
fn heads() -> impl Strategy<Value = Vec<u8>> {
    let path =
        prop_oneof![6 => Just("/allowed"), 2 => Just("/refused"), 1 => Just("*"), 1 => Just("")];
    let method = prop_oneof![6 => Just("GET"), 1 => Just("DELETE"), 1 => Just("CONNECT")];
    let authority = prop_oneof![8 => Just(API), 1 => Just("other.example.com"), 1 => Just("")];
    let more = prop_oneof![
        10 => Just(("accept", "*/*")),
        1 => Just((":path", "/refused")),
        1 => Just((":method", "DELETE")),
        1 => Just((":protocol", "websocket")),
        1 => Just(("host", "other.example.com")),
        1 => Just(("content-length", "5")),
        1 => Just(("transfer-encoding", "chunked")),
        1 => Just(("x-original-url", "/refused")),
    ];
    let chosen = (path, method, authority, more, 0..16_usize, any::<bool>());
    chosen.prop_map(|(path, method, authority, more, left_out, first)| {
        let mut all = vec![
            (":method", method),
            (":scheme", "https"),
            (":authority", authority),
            (":path", path),
        ];
        if left_out < 4 && first {
            all.remove(left_out);
        }
        all.insert(if first { 0 } else { all.len() }, more);
        fields(&all)
    })
}

fn frames() -> impl Strategy<Value = Frame> {
    let streams =
        || prop_oneof![6 => Just(1), 3 => Just(3), 1 => Just(0), 1 => Just(2), 1 => any::<u32>()];
    let head_flags = prop_oneof![
        4 => Just(END_STREAM | END_HEADERS),
        2 => Just(END_HEADERS),
        1 => Just(END_STREAM),
        1 => any::<u8>(),
    ];
    let head =
        (prop_oneof![5 => Just(HEADERS), 2 => Just(CONTINUATION)], head_flags, streams(), heads())
            .prop_map(|(kind, flags, stream, payload)| Frame {
                kind,
                flags,
                stream,
                payload,
                length: None,
            });
    let data =
        (prop_oneof![Just(0), Just(END_STREAM), Just(8)], streams(), any::<Vec<u8>>()).prop_map(
            |(flags, stream, payload)| Frame { kind: DATA, flags, stream, payload, length: None },
        );
    let wild = (
        0..12_u8,
        any::<u8>(),
        streams(),
        prop::collection::vec(any::<u8>(), 0..12),
        any::<Option<u16>>(),
    )
        .prop_map(|(kind, flags, stream, payload, length)| Frame {
            kind,
            flags,
            stream,
            payload,
            length,
        });
    prop_oneof![4 => streams().prop_map(allowed), 4 => head, 2 => data, 3 => wild]
}

/// A request that the rules allow.
fn allowed(stream: u32) -> Frame {
    let head =
        [(":method", "GET"), (":scheme", "https"), (":authority", API), (":path", "/allowed")];
    let payload = fields(&head);
    Frame { kind: HEADERS, flags: END_STREAM | END_HEADERS, stream, payload, length: None }
}

/// Sends the frames on a connection of their own, with or without a pause after each, and reads
/// until the broker has been quiet for a time or has closed it.
fn send(world: &World, jail: &Jail, frames: &[Frame], pauses: bool, quiet: Duration) {
    let to = format!("{}:443", jail.address(API));
    client(jail, async || {
        let mut stream = secure(world, &to, API, "h2").await.unwrap();
        let mut bytes = PREFACE.to_vec();
        for frame in frames {
            frame.write(&mut bytes);
            if pauses {
                // The broker may have closed the connection in the middle.
                let _ = stream.write_all(&bytes).await;
                let _ = stream.flush().await;
                tokio::time::sleep(PAUSE).await;
                bytes.clear();
            }
        }
        let _ = stream.write_all(&bytes).await;
        let mut answer = [0; 4096];
        while let Ok(Ok(1..)) = tokio::time::timeout(quiet, stream.read(&mut answer)).await {}
    });
}

#[test]
fn no_order_of_frames_gets_a_request_past_the_rules() {
    run(|world| {
        let root = Root::trusted(world);
        let origin = Origin::start(world, &root, "11.0.0.2:443", API);
        let rule = requests(API, &["GET"], &["/allowed"]);
        let jail = Jail::start(world, &spec(world, &root, &[API], &[rule]));
        let cases = std::env::var("PROPTEST_CASES").map_or(CASES, |text| text.parse().unwrap());
        let mut runner =
            TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
        send(world, &jail, &[allowed(1)], false, Duration::from_secs(2));
        assert_eq!(origin.seen(), [ALLOWED], "the control");
        let tried = runner.run(
            &(prop::collection::vec(frames(), 1..12), any::<bool>()),
            |(frames, pauses)| {
                send(world, &jail, &frames, pauses, QUIET);
                let seen = origin.seen();
                let wrong: Vec<_> = seen.iter().filter(|one| *one != ALLOWED).collect();
                if wrong.is_empty() {
                    Ok(())
                } else {
                    Err(TestCaseError::fail(format!("{wrong:?}")))
                }
            },
        );
        tried.unwrap_or_else(|fault| panic!("{fault}"));
        let requests = origin.seen().len();
        assert!(requests > 1, "none of the requests went on");
        assert!(curl(world, &jail, &["https://api.example.com/allowed"]).contains("/allowed"));
    });
}
