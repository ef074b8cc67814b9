//! What becomes of one request.

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Request, Response, StatusCode, Version};
use jail_egress::{Host, Protocol, Refusal, Request as Step, Verdict, decide};

use crate::connection::{Ending, Target, told};
use crate::dial;
use crate::log::Allowed;

use super::check::{
    Fault, Meant, for_next_hop, is_web_socket, path_only, proxy_request, server_request,
};
use super::tunnel::Tunnel;
use super::{Body, Role, Serving};

impl Serving<'_> {
    pub(super) async fn request(&self, request: Request<Incoming>) -> Response<Body> {
        match self.role {
            Role::Server(to, allowed) => self.to_server(request, to, allowed).await,
            Role::Proxy => self.to_proxy(request).await,
        }
    }

    async fn to_server(
        &self,
        request: Request<Incoming>,
        to: &Target,
        allowed: &Allowed,
    ) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let value = match server_request(&parts) {
            Ok(value) => value,
            Err(fault) => return self.wrong(to, fault),
        };
        if let Some(answer) = self.asks_for_another(to, value) {
            return answer;
        }
        self.carry(Request::from_parts(parts, body), to, allowed).await
    }

    /// The answer to a request whose `Host` is not the host that it goes to.
    fn asks_for_another(&self, to: &Target, value: &[u8]) -> Option<Response<Body>> {
        let step = Step::Http { host: &to.host, port: to.port, value, usual: 80 };
        match decide(&self.session.policy.borrow(), &step) {
            Verdict::Allowed { .. } => None,
            Verdict::Refused(why) => {
                self.session.log.refused(&to.host, to.port, why);
                Some(text(StatusCode::MISDIRECTED_REQUEST, &why.to_string()))
            }
        }
    }

    async fn to_proxy(&self, request: Request<Incoming>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        match proxy_request(&parts) {
            Err(fault) => text(fault.status(), &fault.to_string()),
            Ok(Meant::Tunnel(host, port)) => self.connect(&self.target(host, port)).await,
            Ok(Meant::Forward(host, port)) => {
                let to = self.target(host, port);
                let allowed = match self.judge(&to).await {
                    Ok(allowed) => allowed,
                    Err(why) => return self.refused(&to, why),
                };
                // A request without TLS to a port of TLS would go out readable.
                if allowed.protocol == Protocol::Tls {
                    let why = "this port of the host speaks TLS";
                    self.session.log.unfit(&to.host, to.port, why);
                    return text(StatusCode::FORBIDDEN, why);
                }
                // The request may name the address that stands for the host.
                if allowed.protocol == Protocol::Http
                    && let Some(value) = parts.headers.get(HOST)
                    && let Some(answer) = self.asks_for_another(&to, value.as_bytes())
                {
                    return answer;
                }
                self.carry(Request::from_parts(parts, body), &to, &allowed).await
            }
        }
    }

    /// A client that looked the name up itself sends its synthetic address.
    fn target(&self, host: Host, port: u16) -> Target {
        let host = match &host {
            Host::Address(address) => self.session.host_at(*address).unwrap_or(host),
            Host::Name(_) => host,
        };
        Target { host, port }
    }

    async fn judge(&self, to: &Target) -> Result<Allowed, Refusal> {
        let judged = crate::ask::judge(self.session, to).await;
        if judged.is_ok() {
            self.entered.is_to(&to.host, to.port);
        }
        judged
    }

    async fn connect(&self, to: &Target) -> Response<Body> {
        let allowed = match self.judge(to).await {
            Ok(allowed) => allowed,
            Err(why) => return self.refused(to, why),
        };
        match dial::dial(self.session, self.entered, &to.host, to.port).await {
            Ok(outside) => {
                let tunnel = Tunnel::Connect { to: to.clone(), allowed, outside };
                *self.tunnel.borrow_mut() = Some(tunnel);
                Response::new(Either::Right(Full::default()))
            }
            Err(failure) => self.failed(to, failure.into()),
        }
    }

    async fn carry(
        &self,
        mut request: Request<Incoming>,
        to: &Target,
        allowed: &Allowed,
    ) -> Response<Body> {
        *request.uri_mut() = path_only(request.uri());
        *request.version_mut() = Version::HTTP_11;
        for_next_hop(request.headers_mut());
        if !request.headers().contains_key(HOST) {
            let Ok(value) = HeaderValue::from_str(&host_field(to)) else {
                return self.wrong(to, Fault::Target);
            };
            request.headers_mut().insert(HOST, value);
        }
        match self.servers.send(to, allowed, request).await {
            Ok(answer) => self.answer(answer),
            Err(ending) => self.failed(to, ending),
        }
    }

    fn answer(&self, mut answer: Response<Incoming>) -> Response<Body> {
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            if !is_web_socket(answer.headers()) {
                return text(StatusCode::BAD_GATEWAY, "the server changed to another protocol");
            }
            let theirs = hyper::upgrade::on(&mut answer);
            *self.tunnel.borrow_mut() = Some(Tunnel::WebSocket(theirs));
        }
        for_next_hop(answer.headers_mut());
        answer.map(Either::Left)
    }

    fn wrong(&self, to: &Target, fault: Fault) -> Response<Body> {
        self.session.log.wrong_request(&to.host, to.port, fault);
        text(fault.status(), &fault.to_string())
    }

    fn refused(&self, to: &Target, why: Refusal) -> Response<Body> {
        self.session.log.refused(&to.host, to.port, why);
        let remedy = why.remedy(&to.host, to.port);
        let remedy = remedy.map(|line| format!("; to allow it: {line}")).unwrap_or_default();
        text(StatusCode::FORBIDDEN, &format!("{why}{remedy}"))
    }

    fn failed(&self, to: &Target, ending: Ending) -> Response<Body> {
        let answer = match &ending {
            Ending::Refused(why) => text(StatusCode::FORBIDDEN, &why.to_string()),
            Ending::Unfit(why) => text(StatusCode::FORBIDDEN, why),
            Ending::Broken(_) => text(StatusCode::BAD_GATEWAY, "the host cannot be reached"),
        };
        told(self.session, to, ending);
        answer
    }
}

/// What `Host` says where the client of a proxy left it out, which is one of HTTP/1.0.
fn host_field(to: &Target) -> String {
    if to.port == 80 { to.host.to_string() } else { format!("{}:{}", to.host, to.port) }
}

/// An answer of the broker's own. The connection ends with it: what else comes on it was meant for somebody else.
fn text(status: StatusCode, why: &str) -> Response<Body> {
    let mut answer =
        Response::new(Either::Right(Full::new(Bytes::from(format!("jailgen: {why}\n")))));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer
}
