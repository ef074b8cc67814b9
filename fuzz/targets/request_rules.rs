//! A path has one normal form or none, and a request that rules allow is allowed by one of them
//! alone, however a server reads its path.
//!
//! The first line is `METHOD PATH`, and each other one a rule for the
//! host: `METHOD,METHOD PATH PATH`.
#![no_main]

use jail_egress::{Name, NormalPath, RequestRule, RequestVerdict, decide_request};

const HOST: &str = "api.example.com";

fn rule(line: &str) -> Option<RequestRule> {
    let mut words = line.split(' ');
    let methods: Vec<String> =
        words.next()?.split(',').filter(|one| !one.is_empty()).map(str::to_owned).collect();
    let paths: Vec<String> = words.map(str::to_owned).collect();
    RequestRule::parse(HOST, &methods, &paths, line).ok()
}

/// Decoded until nothing changes, with backslashes for slashes, without
/// parameters, empty and dot segments.
fn as_some_server_reads(path: &str) -> String {
    let mut bytes = path.as_bytes().to_vec();
    while let Some(at) = encoded(&bytes) {
        let digits = std::str::from_utf8(&bytes[at + 1..at + 3]).unwrap();
        let byte = u8::from_str_radix(digits, 16).unwrap();
        bytes.splice(at..at + 3, [byte]);
    }
    let text = String::from_utf8_lossy(&bytes).replace('\\', "/");
    let mut read: Vec<&str> = Vec::new();
    for segment in text.split('/') {
        match segment.split(';').next().unwrap_or_default() {
            "" | "." => {}
            ".." => drop(read.pop()),
            other => read.push(other),
        }
    }
    format!("/{}", read.join("/"))
}

fn encoded(bytes: &[u8]) -> Option<usize> {
    bytes.windows(3).position(|three| {
        three[0] == b'%' && three[1..].iter().all(u8::is_ascii_hexdigit)
    })
}

libfuzzer_sys::fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let Some((method, path)) = lines.next().and_then(|line| line.split_once(' ')) else { return };
    let host = Name::from_wire(HOST.as_bytes()).unwrap();
    let normal = NormalPath::parse(path);
    if let Ok(normal) = &normal {
        assert_eq!(NormalPath::parse(normal.as_str()).as_ref(), Ok(normal));
        let read = as_some_server_reads(path);
        let plain = as_some_server_reads(normal.as_str());
        assert_eq!(read, plain, "{path:?}");
        assert_eq!(read, plain.trim_end_matches('/').to_owned() + if plain == "/" { "/" } else { "" });
    }
    let rules: Vec<RequestRule> = lines.filter_map(rule).collect();
    let RequestVerdict::Allowed(Some(by)) = decide_request(&rules, &host, method, path) else {
        return;
    };
    assert!(!["TRACE", "CONNECT"].contains(&method.to_ascii_uppercase().as_str()));
    assert!(by.methods.is_empty() || by.methods.iter().any(|own| own == method));
    let alone = decide_request(std::slice::from_ref(by), &host, method, path);
    assert!(matches!(alone, RequestVerdict::Allowed(Some(_))));
    if !by.paths.is_empty() {
        let normal = normal.expect("a path that is matched is normal");
        assert!(by.paths.iter().any(|own| own.matches(&normal)));
    }
});
