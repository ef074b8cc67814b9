//! What becomes of one request.

use std::cell::OnceCell;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HOST, TRANSFER_ENCODING};
use hyper::{Method, Request, Response, StatusCode, Version};
use jail_egress::{Host, Protocol, Refusal};
use jail_plan::SecretSocket;

use crate::connection::{Ending, Target, log_ending};
use crate::dial;
use crate::log::Allowed;
use crate::secrets::Secrets;
use crate::tls::Speaks;

use super::body::{Body, empty, passing, text};
use super::check::{Fault, Meant, for_next_hop, is_web_socket, proxy_request, server_request};
use super::pipeline::Exchange;
use super::servers::Unanswered;
use super::tunnel::Tunnel;
use super::{Role, Serving};

impl Serving<'_> {
    pub(super) async fn request(&self, request: Request<Incoming>) -> Response<Body> {
        let (version, method) = (request.version(), request.method().clone());
        let Some(_room) = self.session.heads.enter(&request) else { return crowded(version) };
        let answer = match self.role {
            Role::Server(to, allowed) => self.to_server(request, to, allowed).await,
            Role::Proxy => self.to_proxy(request).await,
            Role::Socket(socket, to, allowed) => {
                self.to_socket(request, socket, (to, allowed)).await
            }
        };
        if version == Version::HTTP_2 { for_http2(answer, &method) } else { answer }
    }

    async fn to_server(
        &self,
        request: Request<Incoming>,
        to: &Target,
        allowed: &Allowed,
    ) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let asked = server_request(&parts, self.transport.usual_port());
        let answer = match asked {
            Ok(value) => self.exchange(to).asks_for_another(value),
            Err(fault) => Some(self.wrong(to, fault)),
        };
        if let Some(answer) = answer {
            return in_its_place(answer, parts.version, body).await;
        }
        self.carry(Request::from_parts(parts, body), to, allowed).await
    }

    /// A server inside that adds a secret. Whatever the client calls it, every request is for its
    /// host.
    async fn to_socket(
        &self,
        request: Request<Incoming>,
        socket: &SecretSocket,
        (to, allowed): (&Target, &Allowed),
    ) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        if let Err(fault) = server_request(&parts, self.transport.usual_port()) {
            return self.wrong(to, fault);
        }
        if let Err(why) = Secrets::to_host(socket, &mut parts) {
            return self.exchange(to).object(&why);
        }
        self.carry(Request::from_parts(parts, body), to, allowed).await
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
                    && let Some(answer) = self.exchange(&to).asks_for_another(value.as_bytes())
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
                Response::new(empty())
            }
            Err(failure) => self.failed(to, failure.into()),
        }
    }

    fn exchange<'b>(&'b self, to: &'b Target) -> Exchange<'b> {
        let socket = match self.role {
            Role::Socket(socket, _, _) => Some(socket),
            Role::Server(_, _) | Role::Proxy => None,
        };
        let (session, transport) = (self.session, self.transport);
        Exchange { session, to, transport, socket, sent: OnceCell::new() }
    }

    async fn carry(
        &self,
        request: Request<Incoming>,
        to: &Target,
        allowed: &Allowed,
    ) -> Response<Body> {
        let exchange = self.exchange(to);
        let (mut parts, body) = request.into_parts();
        let version = parts.version;
        if let Some(answer) = exchange.judge(&parts) {
            return in_its_place(answer, version, body).await;
        }
        for_next_hop(&mut parts.headers);
        let speaks = if is_web_socket(&parts.headers) { Speaks::Http1 } else { Speaks::Either };
        let change = match exchange.head(&mut parts) {
            Ok(change) => change,
            Err(why) => return in_its_place(exchange.object(&why), version, body).await,
        };
        let body = exchange.body(&parts.method, passing(body), change);
        let request = Request::from_parts(parts, body);
        let Unanswered { why, body } = match self.servers.send((to, allowed), request, speaks).await
        {
            Ok(answer) => return exchange.answer(self.answer(answer)),
            Err(unanswered) => unanswered,
        };
        match (exchange.broken_off(), body) {
            (Some((answer, unread)), _) => in_its_place(answer, version, unread).await,
            (None, Some(unread)) => in_its_place(self.failed(to, why), version, unread).await,
            (None, None) => self.failed(to, why),
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
        answer.map(passing)
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
            Ending::Untrusted(why) => {
                let why = format!("the server's certificate is not trusted: {why}");
                text(StatusCode::BAD_GATEWAY, &why)
            }
            Ending::Broken(_) => text(StatusCode::BAD_GATEWAY, "the host cannot be reached"),
        };
        log_ending(self.session, to, ending);
        answer
    }
}

/// The answer where the heads of the requests under way take all the memory that they may.
fn crowded(version: Version) -> Response<Body> {
    let why = "too many requests with long heads are under way; try again";
    let answer = text(StatusCode::SERVICE_UNAVAILABLE, why);
    if version == Version::HTTP_2 { for_http2(answer, &Method::GET) } else { answer }
}

/// What HTTP/1 says of the connection does not stand in HTTP/2, and behind an answer to HEAD comes
/// nothing.
fn for_http2(mut answer: Response<Body>, method: &Method) -> Response<Body> {
    answer.headers_mut().remove(TRANSFER_ENCODING);
    answer.headers_mut().remove(CONNECTION);
    if method == Method::HEAD { answer.map(|_| empty()) } else { answer }
}

/// An answer of the broker's own, in the place of the server's. First the body of the request is
/// read, within bounds: a stream of HTTP/2 whose body is dropped first is cancelled, and its client
/// may never see the answer (RFC 9113, 8.1). In HTTP/1 the connection lingers instead.
async fn in_its_place<B>(answer: Response<Body>, version: Version, mut body: B) -> Response<Body>
where
    B: hyper::body::Body<Data = Bytes> + Unpin,
{
    if version != Version::HTTP_2 {
        return answer;
    }
    let all = async {
        let mut left = DRAINED_MAX;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(length) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    };
    let _ = tokio::time::timeout(DRAINED_WITHIN, all).await;
    answer
}

/// How much of such a body is read, and for how long.
const DRAINED_MAX: usize = 256 * 1024;
const DRAINED_WITHIN: Duration = Duration::from_secs(1);
