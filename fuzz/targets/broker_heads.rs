//! Any head is a request that means one host, or a fault; the same for SOCKS. A host
//! that is meant has one form.
#![no_main]

use jail_broker::http::{Meant, proxy_request, server_request};
use jail_broker::proxy::{Read, greeting, request};
use jail_egress::{Authority, Host};

/// A name is its own canonical form, however often it is read.
fn check(host: &Host) {
    let again = Authority::from_wire(host.to_string().as_bytes()).unwrap();
    assert_eq!((&again.host, again.port), (host, None));
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = greeting(bytes);
    if let Ok(Read::Whole((host, port), length)) = request(bytes) {
        assert!(length <= bytes.len() && port > 0);
        check(&host);
    }
    let mut fields = [httparse::EMPTY_HEADER; 32];
    let mut parsed = httparse::Request::new(&mut fields);
    if !parsed.parse(bytes).is_ok_and(|parsed| parsed.is_complete()) {
        return;
    }
    let mut head = http::Request::builder()
        .method(parsed.method.unwrap_or_default())
        .uri(parsed.path.unwrap_or_default());
    for field in parsed.headers.iter() {
        head = head.header(field.name, field.value);
    }
    let Ok(head) = head.body(()) else { return };
    let (parts, ()) = head.into_parts();
    if let Ok(Meant::Tunnel(host, _) | Meant::Forward(host, _)) = proxy_request(&parts) {
        check(&host);
    }
    if let Ok(value) = server_request(&parts, 80) {
        assert_eq!(parts.headers.get_all("host").iter().count(), 1);
        assert_eq!(parts.headers["host"].as_bytes(), value);
    }
});
