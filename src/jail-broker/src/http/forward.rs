//! A request as the version of HTTP that the server speaks has it, whichever the client spoke.

use hyper::header::{CONNECTION, COOKIE, HOST, HeaderMap, HeaderValue, TE, TRANSFER_ENCODING};
use hyper::http::uri::{Authority, Scheme, Uri};
use hyper::{Request, Version};

use crate::connection::Target;

use super::check::path_only;
use super::pipeline::Transport;

/// In HTTP/1 the target is the path alone, and `Host` says the host.
pub(super) fn as_http1<B>(
    mut request: Request<B>,
    to: &Target,
    transport: Transport,
) -> Request<B> {
    *request.uri_mut() = path_only(request.uri());
    *request.version_mut() = Version::HTTP_11;
    let headers = request.headers_mut();
    if !headers.contains_key(HOST) {
        // A name and a number are a value of a field.
        if let Ok(value) = HeaderValue::from_str(&host_field(to, transport)) {
            headers.insert(HOST, value);
        }
    }
    join_cookies(headers);
    if headers.contains_key(TE) && !headers.contains_key(CONNECTION) {
        headers.insert(CONNECTION, HeaderValue::from_static("TE"));
    }
    request
}

/// In HTTP/2 the target has all of it.
pub(super) fn as_http2<B>(
    mut request: Request<B>,
    to: &Target,
    transport: Transport,
) -> Request<B> {
    let path = path_only(request.uri()).into_parts().path_and_query;
    let mut parts = hyper::http::uri::Parts::default();
    parts.scheme = Some(Scheme::HTTPS);
    parts.authority = Authority::try_from(host_field(to, transport)).ok();
    parts.path_and_query = path;
    // Each part was read from one before.
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
    *request.version_mut() = Version::HTTP_2;
    let headers = request.headers_mut();
    for name in [HOST, CONNECTION, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    request
}

/// What `Host` says where the client left it out.
fn host_field(to: &Target, transport: Transport) -> String {
    if to.port == transport.usual_port() {
        to.host.to_string()
    } else {
        format!("{}:{}", to.host, to.port)
    }
}

/// HTTP/2 may have the cookies in fields of their own (RFC 9113, 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let all: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if all.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&all.join(&b"; "[..]))
    {
        headers.insert(COOKIE, joined);
    }
}

#[cfg(test)]
mod tests {
    use jail_egress::{Host, Name};

    use super::*;

    fn to(port: u16) -> Target {
        Target { host: Host::Name(Name::from_wire(b"a.example.com").unwrap()), port }
    }

    #[test]
    fn a_request_goes_from_each_version_to_the_other() {
        let one = Request::get("/x?y").header("Host", "A.example.com").header("Te", "trailers");
        let one = one.header("Transfer-Encoding", "chunked").body(()).unwrap();
        let two = as_http2(one, &to(443), Transport::Tls);
        assert_eq!(two.uri(), "https://a.example.com/x?y");
        let names: Vec<&str> = two.headers().keys().map(|name| name.as_str()).collect();
        assert_eq!(names, ["te"]);
        let two = Request::get("https://a.example.com:8443/x?y").header("Cookie", "a=1");
        let two = two.header("Cookie", "b=2").body(()).unwrap();
        let one = as_http1(two, &to(8443), Transport::Tls);
        assert_eq!((one.uri().to_string(), one.version()), ("/x?y".into(), Version::HTTP_11));
        assert_eq!(one.headers()["host"], "a.example.com:8443");
        assert_eq!(one.headers().get_all("cookie").iter().collect::<Vec<_>>(), ["a=1; b=2"]);
    }

    #[test]
    fn a_request_that_was_made_for_one_version_can_still_go_in_the_other() {
        let one = Request::get("/x").header("Host", "a.example.com").body(()).unwrap();
        let again = as_http1(as_http2(one, &to(443), Transport::Tls), &to(443), Transport::Tls);
        assert_eq!(
            (again.uri().to_string(), &again.headers()["host"]),
            ("/x".into(), &"a.example.com".parse().unwrap())
        );
    }
}
