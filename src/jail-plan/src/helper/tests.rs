use alloc::vec;

use super::*;
use crate::HostText;
use crate::ops::{InsideOp, Step};

fn split(frame: &[u8]) -> (u8, Vec<u8>) {
    let (start, body) = frame.split_at(HEADER);
    let (kind, length) = header(start.try_into().unwrap()).unwrap();
    assert_eq!(length, body.len());
    (kind, body.to_vec())
}

#[test]
fn requests_are_read_back_as_sent() {
    for request in [
        Request::Wrapper(b"#!/stub\n\0".to_vec()),
        Request::Perform(70_000),
        Request::Started,
        Request::Interrupt(15),
    ] {
        let (kind, body) = split(&request.encode());
        assert_eq!(Request::decode(kind, body), Some(request));
    }
    assert_eq!(Request::decode(b'P', vec![1]), None);
    assert_eq!(Request::decode(b'?', Vec::new()), None);
}

#[test]
fn answers_are_read_back_as_sent() {
    let proc = InsideOp::Proc(HostText::Literal("/p".into()));
    let changes = [Change::Inside(proc), Change::Inside(InsideOp::Loopback), Change::Clear];
    let changes = changes.map(|change| Step::new("a#1", change)).into();
    let variables = vec![
        ("A".into(), Some(b"x=\xff\ny".to_vec())),
        ("EMPTY".into(), Some(Vec::new())),
        ("GONE".into(), None),
    ];
    let refusal = Refusal { object: "o".into(), cause: "c".into(), error: 2, help: String::new() };
    for answer in [Answer::Done(Learned { variables, changes }), Answer::Failed(refusal)] {
        let (kind, body) = split(&answer.encode().unwrap());
        assert_eq!(Answer::decode(kind, &body), Ok(answer));
    }
}

#[test]
fn answers_that_are_none_are_refused() {
    for body in
        [&b""[..], b"=A=1", b"=A\0\0[]", b"==1\0\0[]", b"A=1\0\0[]", b"\0", b"\0{}", b"\0[3]"]
    {
        assert!(Answer::decode(b'D', body).is_err(), "{body:?}");
    }
    assert!(Answer::decode(b'?', b"").is_err());
}

#[test]
fn headers_are_bounded_and_versioned() {
    assert!(header([VERSION, b'D', 0, 0, 255, 255, 255, 255]).is_err());
    assert!(header([VERSION + 1, b'D', 0, 0, 0, 0, 0, 0]).is_err());
    assert!(header([VERSION, b'D', 1, 0, 0, 0, 0, 0]).is_err());
    assert_eq!(header([VERSION, b'D', 0, 0, 2, 1, 0, 0]), Ok((b'D', 258)));
}
