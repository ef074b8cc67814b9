//! Whatever streams with placeholders and values in them, cut anywhere: an answer has no value and
//! keeps its length, what a request becomes does not depend on the cuts, and a host that is none of
//! the secret's gets no placeholder.
#![no_main]

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::Method;
use http_body::{Body, Frame};
use jail_broker::secrets::{Change, Changed, Destination, Secrets};
use jail_egress::{Host, Name};
use jail_plan::{Secret, SecretPlace, SecretSource};
use zeroize::Zeroizing;

const VALUES: [&str; 2] = ["sk-ant-api03-aB3cD4eF5gH6iJ7k-L8mN9o", "p\"ss\\word+with/marks="];
const NAMES: [&str; 2] = ["A", "B"];

fn secrets() -> Arc<Secrets> {
    let all = NAMES.iter().zip(VALUES).map(|(name, value)| {
        let secret = Secret {
            name: (*name).into(),
            from: SecretSource::Variable((*name).into()),
            hosts: vec!["api.example.com".into()],
            places: vec![SecretPlace::Body],
            header: None,
            optional: false,
            by: "secret#1".into(),
        };
        (secret, Zeroizing::new(value.as_bytes().to_vec()))
    });
    Arc::new(Secrets::new(all.collect(), &[]).unwrap())
}

fn host(name: &str) -> Host {
    Host::Name(Name::from_wire(name.as_bytes()).unwrap())
}

/// Bytes stand for themselves but for some, which are a value, a placeholder, or a cut.
fn pieces(secrets: &Secrets, bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces = vec![Vec::new()];
    for byte in bytes {
        let placeholder = |index: usize| secrets.placeholder(NAMES[index]).unwrap().as_bytes();
        let text: &[u8] = match byte {
            0x80 | 0x81 => VALUES[usize::from(byte - 0x80)].as_bytes(),
            0x82 | 0x83 => placeholder(usize::from(byte - 0x82)),
            0x84..=0xa0 => {
                let text = [placeholder(0), VALUES[1].as_bytes()].concat();
                pieces.last_mut().unwrap().extend_from_slice(&text[..usize::from(byte - 0x83)]);
                pieces.push(Vec::new());
                continue;
            }
            _ => std::slice::from_ref(byte),
        };
        pieces.last_mut().unwrap().extend_from_slice(text);
    }
    pieces
}

struct Pieces(VecDeque<Vec<u8>>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece.into()))))
    }
}

/// What comes out; nothing where a secret is the reason that it breaks off.
fn changed(pieces: Vec<Vec<u8>>, change: impl Change + Unpin) -> Option<Vec<u8>> {
    let mut body = Changed::new(Pieces(pieces.into()), change);
    let mut all = Vec::new();
    let mut context = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(frame)) = Pin::new(&mut body).poll_frame(&mut context) {
        all.extend_from_slice(&frame.ok()?.into_data().unwrap());
    }
    Some(all)
}

fn request(secrets: &Arc<Secrets>, name: &str, pieces: Vec<Vec<u8>>) -> Option<Vec<u8>> {
    let (mut parts, ()) = http::Request::new(()).into_parts();
    let to = Destination { host: &host(name), is_tls: true };
    changed(pieces, secrets.request(to, &mut parts).unwrap())
}

fn has(text: &[u8], part: &str) -> bool {
    text.windows(part.len()).any(|window| window == part.as_bytes())
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let secrets = secrets();
    let pieces = pieces(&secrets, bytes);
    let whole = pieces.concat();
    let (mut parts, ()) = http::Response::new(()).into_parts();
    let change = secrets.answer(&host("api.example.com"), &Method::GET, &mut parts);
    let answer = changed(pieces.clone(), change.unwrap().unwrap()).unwrap();
    assert_eq!(answer.len(), whole.len());
    assert!(!VALUES.iter().any(|value| has(&answer, value)));
    let once = request(&secrets, "api.example.com", vec![whole.clone()]);
    assert_eq!(once, request(&secrets, "api.example.com", pieces.clone()));
    let is_whole = |name: &&str| has(&whole, secrets.placeholder(name).unwrap());
    let other = request(&secrets, "other.example.com", pieces);
    if NAMES.iter().any(|name| is_whole(&name)) {
        assert_eq!(other, None);
    } else {
        assert!(other.is_none_or(|other| other == whole));
    }
});
