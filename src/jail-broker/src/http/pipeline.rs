//! The verdict on a request's host, method and path; what becomes of an allowed one before it goes
//! on, and of its answer.
//!
//! Every request and answer pass here, of plain HTTP and of TLS that ends in the broker alike.
//! `head` and `body` put values in the place of placeholders where `to` may have them and
//! `transport` is TLS, and refuse a request that must not go on; `answer` takes values out again. A
//! body is wrapped and never held as a whole. An [`Exchange`] lives from the request's head to the
//! answer's, so what `answer` has to know of the request is kept in it.

use std::cell::OnceCell;

use http_body_util::BodyExt;
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use jail_egress::{
    Host, Name, Request as Step, RequestRefusal, RequestVerdict, Verdict, decide, decide_request,
};
use jail_plan::SecretSocket;
use serde_json::json;

use crate::connection::Target;
use crate::secrets::{Changed, Destination, Objection, Outcome, RequestChange};
use crate::session::Session;

use super::body::{Body, json, text};
use super::check::{hosts, methods, paths};

/// As many fields that say another method or path are judged; no program sends more.
const READINGS_MAX: usize = 16;

/// How the client's side of a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// Not at all. Towards the server it is the same.
    Plain,
    /// By TLS, which ends in the broker and begins anew there.
    Tls,
}

/// A request and its answer.
pub(super) struct Exchange<'a> {
    pub(super) session: &'a Session,
    /// Where it goes: the connection's own host, whatever the head says.
    pub(super) to: &'a Target,
    pub(super) transport: Transport,
    /// What adds a secret by itself.
    pub(super) socket: Option<&'a SecretSocket>,
    pub(super) sent: OnceCell<Sent>,
}

/// What is known of a request that went on.
pub(super) struct Sent {
    method: Method,
    body: Outcome<Body>,
}

impl Exchange<'_> {
    /// The answer to a request whose `Host` is not the host that it goes to.
    pub(super) fn asks_for_another(&self, value: &[u8]) -> Option<Response<Body>> {
        let Self { session, to, transport, .. } = self;
        let usual = transport.usual_port();
        let step = Step::Http { host: &to.host, port: to.port, value, usual };
        match decide(&session.policy.borrow(), &step) {
            Verdict::Allowed { .. } => None,
            Verdict::Refused(why) => {
                session.log.refused(&to.host, to.port, why);
                Some(text(StatusCode::MISDIRECTED_REQUEST, &why.to_string()))
            }
        }
    }

    /// The answer to a request that the rules for its host do not allow, whichever way the server
    /// reads it. Of hosts that none names all go on, in plain HTTP.
    pub(super) fn judge(&self, parts: &Parts) -> Option<Response<Body>> {
        let name = self.judged()?;
        if let Some(answer) = hosts(parts).find_map(|host| self.asks_for_another(host.as_bytes())) {
            return Some(answer);
        }
        let rules = &self.session.requests.rules;
        let methods: Vec<_> = methods(parts).take(READINGS_MAX + 1).collect();
        let readings =
            methods.iter().flat_map(|method| paths(parts).map(move |path| (method, path)));
        for (count, (method, path)) in readings.enumerate() {
            let why = match decide_request(rules, name, method, path) {
                RequestVerdict::Refused(why) => why,
                RequestVerdict::Allowed(_) if count == READINGS_MAX => RequestRefusal::NoRule,
                RequestVerdict::Allowed(_) => continue,
            };
            return Some(self.refuse((method, path), why));
        }
        None
    }

    /// The host, where the broker adds to what goes there or takes from it.
    fn judged(&self) -> Option<&Name> {
        match (&self.to.host, self.socket) {
            (Host::Name(name), Some(_)) => Some(name),
            (host, _) => self.session.ends(host).map(|(_, name)| name),
        }
    }

    /// A refusal names the rules for the host, of which one would have to allow the request.
    fn refuse(&self, (method, path): (&str, &str), why: RequestRefusal) -> Response<Body> {
        let Self { session, to, .. } = self;
        session.log.request_refused(&to.host, to.port, (method, path), why);
        let rules = session.requests.about(&to.host).map(|rule| {
            let paths: Vec<String> = rule.paths.iter().map(ToString::to_string).collect();
            let place = session.log.place(&rule.by);
            json!({ "by": rule.by, "place": place, "methods": rule.methods, "paths": paths })
        });
        let value = json!({
            "error": format!("jailgen: {why}"),
            "host": to.host.to_string(),
            "method": method,
            "path": path,
            "rules": rules.collect::<Vec<_>>(),
        });
        json(StatusCode::FORBIDDEN, &value)
    }

    /// Makes the head of a request the one that goes on. What is to be done with its body,
    /// [`Self::body`] does.
    ///
    /// # Errors
    /// Why it must not go on.
    pub(super) fn head(&self, parts: &mut Parts) -> Result<Option<RequestChange>, Objection> {
        let Self { session, to, transport, socket, .. } = self;
        let secrets = &session.secrets;
        if secrets.is_empty() {
            return Ok(None);
        }
        let destination = Destination { host: &to.host, is_tls: *transport == Transport::Tls };
        let change = secrets.request(destination, parts)?;
        if let Some(socket) = socket {
            secrets.add(socket, &to.host, parts)?;
        }
        session.log.used(&secrets.first_uses());
        Ok(Some(change))
    }

    /// The body as it goes on, behind a head that was changed before.
    pub(super) fn body(&self, method: &Method, body: Body, change: Option<RequestChange>) -> Body {
        let Some(change) = change else { return body };
        let body = Changed::new(body, change);
        // There is one request of an exchange.
        let _ = self.sent.set(Sent { method: method.clone(), body: body.outcome() });
        body.boxed_unsync()
    }

    /// The answer as it goes back.
    pub(super) fn answer(&self, answer: Response<Body>) -> Response<Body> {
        let Some(Sent { method, .. }) = self.sent.get() else { return answer };
        if self.transport == Transport::Plain {
            return answer;
        }
        let (mut parts, body) = answer.into_parts();
        match self.session.secrets.answer(&self.to.host, method, &mut parts) {
            Ok(None) => Response::from_parts(parts, body),
            Ok(Some(change)) => {
                Response::from_parts(parts, Changed::new(body, change).boxed_unsync())
            }
            Err(why) => self.object(&why),
        }
    }

    /// The answer to a request whose body must not go on, and what is left of the body.
    pub(super) fn broken_off(&self) -> Option<(Response<Body>, Body)> {
        let (why, unread) = self.sent.get()?.body.take()?;
        Some((self.object(&why), unread))
    }

    /// What is said where a secret is the reason.
    pub(super) fn object(&self, why: &Objection) -> Response<Body> {
        let Self { session, to, .. } = self;
        session.log.unfit(&to.host, to.port, &why.to_string());
        let value = json!({ "error": format!("jailgen: {why}"), "host": to.host.to_string() });
        json(why.status(), &value)
    }
}

impl Transport {
    /// The port that is meant where `Host` names none.
    pub(super) const fn usual_port(self) -> u16 {
        match self {
            Self::Plain => 80,
            Self::Tls => 443,
        }
    }
}
