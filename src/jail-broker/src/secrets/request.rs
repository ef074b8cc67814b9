//! The head of a request: judged, and with values in the places of placeholders.

use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{
    ACCEPT_CHARSET, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap,
    HeaderName, HeaderValue, IF_RANGE, RANGE,
};
use hyper::http::request::Parts;
use hyper::http::uri::{PathAndQuery, Uri};
use jail_egress::Host;
use jail_plan::SecretPlace;
use memchr::memmem;
use zeroize::Zeroizing;

use super::search::{Replacements, Stream, Trace, Watch};
use super::value::passing;
use super::{Form, Objection, Secret, Secrets, credentials};

/// Fields that say where a request comes from and goes to. A key in one of them is there by
/// mistake, and ends up in the logs of servers.
const NEVER: [&str; 8] =
    ["forwarded", "from", "host", "origin", "referer", "user-agent", "via", "x-forwarded-for"];

/// Where a request goes, and how.
#[derive(Clone, Copy, Debug)]
pub struct Destination<'a> {
    /// The host, in its one form.
    pub host: &'a Host,
    /// Whether the broker speaks TLS with it.
    pub is_tls: bool,
}

/// What becomes of the body of a request.
#[derive(Debug)]
pub struct RequestChange {
    pub(super) secrets: Arc<Secrets>,
    pub(super) host: Host,
    pub(super) is_tls: bool,
    pub(super) watch: Watch,
    pub(super) replaced: Option<Replaced>,
    /// The secrets that were found so far.
    pub(super) used: Vec<usize>,
}

/// Secrets that are replaced in a body.
#[derive(Debug)]
pub(super) struct Replaced {
    pub(super) secrets: Vec<usize>,
    pub(super) replacements: Arc<Replacements>,
    pub(super) stream: Stream,
}

/// Where a placeholder was found: the place, its words, and the field.
#[derive(Clone, Copy)]
struct FoundPlaceholder<'a>(SecretPlace, &'a str, Option<&'a HeaderName>);

impl Secrets {
    /// Judges the head of a request and puts values into it. What is said of the body has to be
    /// done to it.
    ///
    /// # Errors
    /// Why the request must not be carried.
    pub fn request(
        self: &Arc<Self>,
        to: Destination<'_>,
        parts: &mut Parts,
    ) -> Result<RequestChange, Objection> {
        // Over plain HTTP no value is put in, and somebody else's key would leave just the same.
        let of_host = self.allowed_for(to.host);
        self.check_credentials(&of_host, &parts.headers)?;
        self.check_query(&of_host, parts.uri.query().unwrap_or_default())?;
        let own = if to.is_tls { of_host } else { Vec::new() };
        let mut used = Vec::new();
        self.change_target(to, &mut parts.uri, &mut used)?;
        for (field, value) in &mut parts.headers {
            if let Some(changed) = self.changed_field(to, field, value.as_bytes(), &mut used)? {
                *value = changed;
            }
        }
        let replaced = self.for_body(&own, &mut parts.headers)?;
        if to.is_tls && !self.from(to.host).is_empty() {
            readable_answers(&mut parts.headers);
        }
        used.sort_unstable();
        used.dedup();
        used.iter().for_each(|secret| self.count(*secret, to.host));
        Ok(RequestChange {
            secrets: self.clone(),
            host: to.host.clone(),
            is_tls: to.is_tls,
            watch: Watch::default(),
            replaced,
            used,
        })
    }

    /// Refuses fields that hold another credential than one of `own`.
    fn check_credentials(&self, own: &[usize], headers: &HeaderMap) -> Result<(), Objection> {
        for (field, value) in headers {
            let may_stand = |index: &&usize| {
                self.get(**index)
                    .is_some_and(|secret| credentials::is_one(field, secret.header.as_ref()))
            };
            let mut may: Vec<&Secret> =
                own.iter().filter(may_stand).filter_map(|index| self.get(*index)).collect();
            if may.is_empty() || may.iter().any(|secret| secret.stands_alone_in(field, value)) {
                continue;
            }
            may.dedup_by_key(|secret| &secret.name);
            return Err(Objection::Credential {
                header: field.to_string(),
                names: may.iter().map(|secret| secret.name.clone()).collect(),
            });
        }
        Ok(())
    }

    /// The same in a query.
    fn check_query(&self, own: &[usize], query: &str) -> Result<(), Objection> {
        let own: Vec<&Secret> = own.iter().filter_map(|index| self.get(*index)).collect();
        let placeholders: Vec<&[u8]> = own
            .iter()
            .filter_map(|secret| Some(secret.placeholder.as_ref()?.as_str().as_bytes()))
            .collect();
        match credentials::in_query(query, &placeholders) {
            Some(name) if !own.is_empty() => Err(Objection::Credential {
                header: name.into_owned(),
                names: own.iter().map(|secret| secret.name.clone()).collect(),
            }),
            Some(_) | None => Ok(()),
        }
    }

    fn change_target(
        &self,
        to: Destination<'_>,
        uri: &mut Uri,
        used: &mut Vec<usize>,
    ) -> Result<(), Objection> {
        let authority = uri.authority().map(|authority| authority.as_str().as_bytes());
        for (text, place) in [
            (authority.unwrap_or_default(), "the host's name"),
            (uri.path().as_bytes(), "the path"),
        ] {
            self.check_none(to, text, place)?;
        }
        let Some(query) = uri.query() else { return Ok(()) };
        let found = FoundPlaceholder(SecretPlace::Query, "the query", None);
        let Some(changed) = self.changed(to, query.as_bytes(), Form::Percent, found, used)? else {
            return Ok(());
        };
        let target = Zeroizing::new([uri.path().as_bytes(), b"?", &changed].concat());
        let target = PathAndQuery::from_maybe_shared(passing(target))
            .map_err(|error| Objection::Broken { error: error.to_string() })?;
        let mut parts = std::mem::take(uri).into_parts();
        parts.path_and_query = Some(target);
        *uri = Uri::from_parts(parts)
            .map_err(|error| Objection::Broken { error: error.to_string() })?;
        Ok(())
    }

    fn changed_field(
        &self,
        to: Destination<'_>,
        field: &HeaderName,
        value: &[u8],
        used: &mut Vec<usize>,
    ) -> Result<Option<HeaderValue>, Objection> {
        if let Some(pair) = credentials::basic(field, value) {
            let words = "the user and password of `authorization`";
            let found = FoundPlaceholder(SecretPlace::Basic, words, Some(field));
            let changed = self.changed(to, &pair, Form::Plain, found, used)?;
            return changed.map(|pair| header_value(credentials::to_basic(&pair))).transpose();
        }
        if NEVER.contains(&field.as_str()) {
            return self.check_none(to, value, &format!("`{field}`")).map(|()| None);
        }
        let words = format!("`{field}`");
        let found = FoundPlaceholder(SecretPlace::Header, &words, Some(field));
        let changed = self.changed(to, value, Form::Plain, found, used)?;
        changed.map(header_value).transpose()
    }

    /// A text with the values in it; nothing where it has no placeholder.
    fn changed(
        &self,
        to: Destination<'_>,
        text: &[u8],
        form: Form,
        place: FoundPlaceholder<'_>,
        used: &mut Vec<usize>,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Objection> {
        if self.traces.in_field(text).is_none() {
            return Ok(None);
        }
        let mut rest = text.to_vec();
        let mut found = Vec::new();
        for (index, secret) in self.all.iter().enumerate() {
            let Some(placeholder) = &secret.placeholder else { continue };
            let placeholder = placeholder.as_str().as_bytes();
            if cut_out(&mut rest, placeholder) {
                secret.may_stand(to, place)?;
                found.push(index);
            }
        }
        if let Some(Trace::Changed(index) | Trace::Whole(index)) = self.traces.in_field(&rest) {
            return Err(Objection::Changed { name: self.name_of(index) });
        }
        let replacements = self.replacements(form, found);
        let replacements = replacements.map_err(|error| Objection::broken(&error))?;
        let (changed, found) = replacements.replace(text);
        used.extend(found);
        Ok(Some(changed))
    }

    /// Refuses any placeholder.
    fn check_none(&self, to: Destination<'_>, text: &[u8], place: &str) -> Result<(), Objection> {
        match self.traces.in_field(text) {
            None => Ok(()),
            Some(Trace::Changed(index)) => Err(Objection::Changed { name: self.name_of(index) }),
            Some(Trace::Whole(index)) => Err(self.misplaced(to.host, to.is_tls, index, place)),
        }
    }

    /// Why a placeholder may not be in a place where it is not replaced.
    pub(super) fn misplaced(
        &self,
        host: &Host,
        is_tls: bool,
        index: usize,
        place: &str,
    ) -> Objection {
        let name = self.name_of(index);
        if self.get(index).is_some_and(|secret| !secret.is_for(host)) {
            return Objection::Host { name };
        }
        if is_tls {
            Objection::Place { name, place: place.into() }
        } else {
            Objection::Plain { name }
        }
    }

    /// What is replaced in the body, and how. A body that was compressed is left alone.
    fn for_body(
        &self,
        own: &[usize],
        headers: &mut HeaderMap,
    ) -> Result<Option<Replaced>, Objection> {
        let is_replaced = |index: &&usize| {
            self.get(**index).is_some_and(|secret| secret.places.contains(&SecretPlace::Body))
        };
        let secrets: Vec<usize> = own.iter().filter(is_replaced).copied().collect();
        if secrets.is_empty() || !is_identity(headers) {
            return Ok(None);
        }
        let form = form_of(headers.get(CONTENT_TYPE));
        let made = self.replacements(form, secrets.clone());
        let replacements = made.map_err(|error| Objection::broken(&error))?;
        if !replacements.keep_length() {
            // The body goes out in chunks then.
            headers.remove(CONTENT_LENGTH);
        }
        Ok(Some(Replaced { secrets, replacements, stream: Stream::default() }))
    }
}

impl Secret {
    fn stands_alone_in(&self, field: &HeaderName, value: &HeaderValue) -> bool {
        let Some(placeholder) = &self.placeholder else { return false };
        let placeholder = placeholder.as_str().as_bytes();
        match credentials::basic(field, value.as_bytes()) {
            Some(pair) => credentials::is_alone_in_pair(&pair, placeholder),
            None => credentials::is_alone(value.as_bytes(), placeholder),
        }
    }

    /// Whether the value may stand at a place of a request to a host.
    fn may_stand(
        &self,
        to: Destination<'_>,
        FoundPlaceholder(place, words, field): FoundPlaceholder<'_>,
    ) -> Result<(), Objection> {
        let name = || self.name.clone();
        if !self.is_for(to.host) {
            return Err(Objection::Host { name: name() });
        }
        if !to.is_tls {
            return Err(Objection::Plain { name: name() });
        }
        // Any other field may be one that the server shows to others, such as a comment.
        let is_its_field = match (field, &self.header) {
            (Some(field), Some(header)) => field == header,
            (Some(field), None) => credentials::takes_value(field),
            (None, _) => true,
        };
        if self.places.contains(&place) && is_its_field {
            Ok(())
        } else {
            Err(Objection::Place { name: name(), place: words.into() })
        }
    }
}

/// Takes a text out of another one, wherever it stands: whether it does.
fn cut_out(text: &mut Vec<u8>, part: &[u8]) -> bool {
    let mut is_there = false;
    while let Some(at) = memmem::find(text, part) {
        // What is left does not grow together to another one.
        text.splice(at..at + part.len(), [b' ']);
        is_there = true;
    }
    is_there
}

/// Values are looked for in what comes back, so that must not come in parts and not in another
/// encoding.
fn readable_answers(headers: &mut HeaderMap) {
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    for name in [RANGE, IF_RANGE, ACCEPT_CHARSET] {
        headers.remove(name);
    }
}

pub(super) fn header_value(bytes: Zeroizing<Vec<u8>>) -> Result<HeaderValue, Objection> {
    let bytes: Bytes = passing(bytes);
    let value = HeaderValue::from_maybe_shared(bytes);
    let mut value = value.map_err(|error| Objection::Broken { error: error.to_string() })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Whether a body is as its sender has it.
pub(super) fn is_identity(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().all(|value| {
        let value = value.as_bytes().trim_ascii();
        value.is_empty() || value.eq_ignore_ascii_case(b"identity")
    })
}

/// How a value is written in a body.
fn form_of(kind: Option<&HeaderValue>) -> Form {
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/x-www-form-urlencoded" => Form::Percent,
        kind if kind == "application/json" || kind.ends_with("+json") => Form::Json,
        _ => Form::Plain,
    }
}
