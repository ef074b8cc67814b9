//! The bodies of requests and answers on their way, in both directions.

use std::error::Error;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::Response;
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue};

/// Why a body ends before its end.
pub type BodyError = Box<dyn Error + Send + Sync>;

/// A body that passes, or a text of ours. It is never held as a whole.
pub type Body = UnsyncBoxBody<Bytes, BodyError>;

/// What one side sends.
pub(super) fn passing(body: Incoming) -> Body {
    body.map_err(BodyError::from).boxed_unsync()
}

fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// A body of no bytes.
pub(super) fn empty() -> Body {
    whole(Bytes::new())
}

/// An answer of the broker's own. The connection ends with it: what else comes on it was meant for
/// the server.
pub(super) fn text(status: StatusCode, why: &str) -> Response<Body> {
    answer(status, "text/plain; charset=utf-8", format!("jailgen: {why}\n"))
}

/// The same for programs.
pub(super) fn json(status: StatusCode, value: &serde_json::Value) -> Response<Body> {
    answer(status, "application/json", format!("{value}\n"))
}

fn answer(status: StatusCode, kind: &'static str, text: String) -> Response<Body> {
    let mut answer = Response::new(whole(text));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}
