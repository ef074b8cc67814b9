//! Requests that are wrong, and what right ones mean.

use hyper::Request;

use super::*;

fn parts(method: &str, target: &str, fields: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

#[test]
fn a_request_to_a_server_has_one_host_and_one_length() {
    let host = ("Host", "a.example.com");
    let check = |target, fields: &[_]| {
        server_request(&parts("GET", target, fields), 80).map(|host| host.to_vec())
    };
    assert_eq!(check("/x", &[host]).unwrap(), b"a.example.com");
    assert_eq!(check("http://A.example.com:80/x", &[host]).unwrap(), b"a.example.com");
    assert_eq!(check("/x", &[]), Err(Fault::HostFields));
    assert_eq!(check("/x", &[host, host]), Err(Fault::HostFields));
    assert_eq!(check("/x", &[host, ("host", "evil.test")]), Err(Fault::HostFields));
    assert_eq!(check("http://evil.test/x", &[host]), Err(Fault::OtherHost));
    assert_eq!(check("http://a.example.com@evil.test/", &[host]), Err(Fault::OtherHost));
    let (length, chunked) = (("Content-Length", "3"), ("Transfer-Encoding", "chunked"));
    assert!(check("/x", &[host, length]).is_ok());
    assert!(check("/x", &[host, chunked]).is_ok());
    assert_eq!(check("/x", &[host, length, chunked]), Err(Fault::TwoLengths));
    assert_eq!(check("/x", &[host, length, length]), Err(Fault::TwoLengths));
    let connect = parts("CONNECT", "a.example.com:80", &[host]);
    assert_eq!(server_request(&connect, 80), Err(Fault::NotProxy));
}

#[test]
fn a_proxy_gets_a_host_and_a_port_and_nothing_else() {
    let named = |text: &str| Authority::from_wire(text.as_bytes()).unwrap().host;
    let check = |method, target, fields: &[_]| proxy_request(&parts(method, target, fields));
    assert_eq!(
        check("CONNECT", "A.example.com.:443", &[]),
        Ok(Meant::Tunnel(named("a.example.com"), 443))
    );
    assert_eq!(check("CONNECT", "[fd00::1]:22", &[]), Ok(Meant::Tunnel(named("[fd00::1]"), 22)));
    assert_eq!(
        check("GET", "http://a.example.com/x?y", &[("Host", "a.example.com")]),
        Ok(Meant::Forward(named("a.example.com"), 80))
    );
    for target in [
        "user@a.example.com:443",
        "a.example.com:443@evil.test:443",
        "a.example.com:0",
        "a.example.com:0443",
        "127.1:443",
        "2130706433:443",
        "0x7f.1:443",
        "a.example.com",
    ] {
        let Ok(request) = Request::builder().method("CONNECT").uri(target).body(()) else {
            continue;
        };
        assert!(proxy_request(&request.into_parts().0).is_err(), "{target}");
    }
    for (target, fields, why) in [
        ("/x", &[("Host", "a.example.com")][..], Fault::NotServer),
        ("https://a.example.com/", &[], Fault::Target),
        ("ftp://a.example.com/", &[], Fault::Target),
        ("http://a.example.com@evil.test/", &[], Fault::Target),
        ("http://a.example.com/", &[("Host", "evil.test")], Fault::OtherHost),
        ("http://a.example.com/", &[("Host", "a.example.com:81")], Fault::OtherHost),
        (
            "http://a.example.com/",
            &[("Host", "a.example.com"), ("Host", "a.example.com")],
            Fault::HostFields,
        ),
    ] {
        assert_eq!(check("GET", target, fields), Err(why), "{target}");
    }
}

#[test]
fn fields_for_one_hop_go_no_further() {
    let mut request = parts(
        "GET",
        "/",
        &[
            ("Host", "a.example.com"),
            ("Connection", "x-own, Upgrade, HTTP2-Settings, host, content-length"),
            ("Content-Length", "0"),
            ("Upgrade", "h2c"),
            ("HTTP2-Settings", "AAMAAABkAAQAAP__"),
            ("X-Own", "1"),
            ("Proxy-Authorization", "Basic eDp5"),
            ("X-Kept", "1"),
        ],
    );
    for_next_hop(&mut request.headers);
    let left: Vec<&str> = request.headers.keys().map(HeaderName::as_str).collect();
    assert_eq!(left, ["host", "x-kept", "content-length"]);
    let mut socket = parts("GET", "/", &[("Connection", "upgrade"), ("Upgrade", "WebSocket")]);
    for_next_hop(&mut socket.headers);
    assert_eq!(socket.headers.get(UPGRADE).unwrap(), "websocket");
    let mut two = parts("GET", "/", &[("Upgrade", "websocket"), ("Upgrade", "h2c")]);
    for_next_hop(&mut two.headers);
    assert!(two.headers.is_empty());
}
