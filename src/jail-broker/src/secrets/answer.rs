//! What a server answers, without the values: a server may send back what it got.

use std::sync::Arc;

use hyper::Method;
use hyper::StatusCode;
use hyper::ext::ReasonPhrase;
use hyper::header::{HeaderMap, HeaderValue};
use hyper::http::response::Parts;
use jail_egress::Host;

use super::request::is_identity;
use super::search::{Replacements, Stream};
use super::value::passing;
use super::{Form, Objection, Secrets};

/// What becomes of the body of an answer. Its length stays.
#[derive(Debug)]
pub struct AnswerChange {
    pub(super) replacements: Arc<Replacements>,
    pub(super) stream: Stream,
}

impl Secrets {
    /// Takes values out of the head of an answer, and says what has to be done to its body:
    /// nothing, where the host got none.
    ///
    /// # Errors
    /// Why the answer must not be carried.
    pub fn answer(
        &self,
        host: &Host,
        method: &Method,
        parts: &mut Parts,
    ) -> Result<Option<AnswerChange>, Objection> {
        let own = self.from(host);
        if own.is_empty() {
            return Ok(None);
        }
        let replacements = self.replacements(Form::Answer, own);
        let replacements = replacements.map_err(|error| Objection::broken(&error))?;
        let mut change = AnswerChange { replacements, stream: Stream::default() };
        change.clean(&mut parts.headers)?;
        // Words of the server's own behind the status; nothing reads them.
        parts.extensions.remove::<ReasonPhrase>();
        if has_body(method, parts.status) && !is_identity(&parts.headers) {
            return Err(Objection::Compressed);
        }
        Ok(Some(change))
    }
}

impl AnswerChange {
    /// Takes values out of fields.
    pub(super) fn clean(&mut self, fields: &mut HeaderMap) -> Result<(), Objection> {
        for value in fields.values_mut() {
            let (changed, found) = self.replacements.replace(value.as_bytes());
            if !found.is_empty() {
                *value = HeaderValue::from_maybe_shared(passing(changed))
                    .map_err(|error| Objection::Broken { error: error.to_string() })?;
            }
        }
        Ok(())
    }
}

/// Whether there can be one (RFC 9110, 6.4.1).
fn has_body(method: &Method, status: StatusCode) -> bool {
    let is_without = status.is_informational()
        || [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status);
    *method != Method::HEAD && !is_without
}
