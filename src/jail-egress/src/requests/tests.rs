//! Requests and their verdicts, and what holds of every path.

use proptest::prelude::*;

use super::*;

fn rule(host: &str, methods: &[&str], paths: &[&str]) -> RequestRule {
    let own = |all: &[&str]| all.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
    RequestRule::parse(host, &own(methods), &own(paths), host).unwrap()
}

fn verdict(rules: &[RequestRule], method: &str, path: &str) -> Result<(), RequestRefusal> {
    let host = Name::from_wire(b"api.example.com").unwrap();
    match decide_request(rules, &host, method, path) {
        RequestVerdict::Allowed(_) => Ok(()),
        RequestVerdict::Refused(why) => Err(why),
    }
}

#[test]
fn a_request_matches_one_rule_whole() {
    let rules = [
        rule("api.example.com", &["GET"], &["/v1/models", "/v1/files/*"]),
        rule("*.example.com", &["POST"], &["/v1/messages"]),
        rule("other.example.com", &[], &[]),
    ];
    for (method, path) in [
        ("GET", "/v1/models"),
        ("GET", "/v1/files/x"),
        ("POST", "/v1/messages"),
        ("GET", "/v1/%6dodels"),
    ] {
        assert_eq!(verdict(&rules, method, path), Ok(()), "{method} {path}");
    }
    // Pairs that no rule allows: OpenShell allowed them.
    for (method, path) in [
        ("POST", "/v1/models"),
        ("GET", "/v1/messages"),
        ("DELETE", "/v1/models"),
        ("HEAD", "/v1/models"),
        ("get", "/v1/models"),
        ("GET", "/v1/models/"),
        ("GET", "/v1/files/"),
        ("GET", "/v1/files/x/y"),
        ("GET", "/V1/models"),
        ("GET", "/"),
    ] {
        assert_eq!(verdict(&rules, method, path), Err(RequestRefusal::NoRule), "{method} {path}");
    }
    for method in ["TRACE", "trace", "CONNECT"] {
        assert_eq!(verdict(&rules, method, "/v1/models"), Err(RequestRefusal::Method));
        assert_eq!(verdict(&[], method, "/"), Err(RequestRefusal::Method));
    }
}

#[test]
fn a_host_without_rules_and_a_rule_without_lists_take_everything() {
    assert_eq!(verdict(&[], "GET", "/a;b/../%2f"), Ok(()));
    assert_eq!(verdict(&[rule("api.example.com", &[], &[])], "PURGE", "/a;b//c"), Ok(()));
    let only_get = [rule("api.example.com", &["GET"], &[])];
    assert_eq!(verdict(&only_get, "GET", "/a;b//c"), Ok(()));
    assert_eq!(verdict(&only_get, "POST", "/"), Err(RequestRefusal::NoRule));
}

#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    let rules = [rule("api.example.com", &[], &["/v1/**"])];
    for (path, fault) in [
        ("/v1/../admin", PathFault::Dots),
        ("/v1/.", PathFault::Dots),
        ("/v1/%2e%2e/admin", PathFault::Encoded),
        ("/v1/.%2E/admin", PathFault::Encoded),
        ("/v1/%2e./admin", PathFault::Encoded),
        ("/v1/..%2fadmin", PathFault::Encoded),
        ("/v1/..%5cadmin", PathFault::Encoded),
        ("/v1/..\\admin", PathFault::Backslash),
        ("/v1/..;/admin", PathFault::Parameters),
        ("/v1/..%3b/admin", PathFault::Encoded),
        ("/v1/%252e%252e/admin", PathFault::Encoded),
        ("/v1//admin", PathFault::EmptySegment),
        ("//v1/admin", PathFault::EmptySegment),
        ("/v1/a%00", PathFault::Character),
        ("/v1/a%0a", PathFault::Character),
        ("/v1/\u{e9}", PathFault::Character),
        ("/v1/a b", PathFault::Character),
        ("/v1/%", PathFault::Percent),
        ("/v1/%4", PathFault::Percent),
        ("/v1/%4g", PathFault::Percent),
        ("v1/x", PathFault::NotAbsolute),
        ("*", PathFault::NotAbsolute),
        ("", PathFault::NotAbsolute),
    ] {
        assert_eq!(verdict(&rules, "GET", path), Err(RequestRefusal::Path(fault)), "{path}");
    }
    for path in [
        "/v1",
        "/v1/",
        "/v1/x",
        "/v1/x/y.z/",
        "/v1/%c3%a9",
        "/v1/a+b=c@d:e",
        "/v1/.git",
        "/v1/...",
        "/v1/*",
    ] {
        assert_eq!(verdict(&rules, "GET", path), Ok(()), "{path}");
    }
}

#[test]
fn a_rule_says_what_is_wrong_with_it() {
    let path = |text: &str| PathPattern::parse(text).map(|pattern| pattern.to_string());
    assert_eq!(path("/a/*/b"), Ok("/a/*/b".into()));
    assert_eq!(path("/**"), Ok("/**".into()));
    assert_eq!(path("/a*/b"), Err(PathPatternError::Star));
    assert_eq!(path("/**/b"), Err(PathPatternError::Star));
    assert_eq!(path("/a?b"), Err(PathPatternError::Query));
    assert_eq!(path("/%61"), Err(PathPatternError::NotNormal));
    assert_eq!(path("a"), Err(PathPatternError::Path(PathFault::NotAbsolute)));
    assert_eq!(path("/a/../b"), Err(PathPatternError::Path(PathFault::Dots)));
    for method in ["get", "", "G T", "TRACE", "CONNECT"] {
        let made = RequestRule::parse("a.example.com", &[method.into()], &[], "");
        assert_eq!(made, Err(RequestRuleError::Method(method.into())));
    }
    assert!(matches!(RequestRule::parse("*", &[], &[], ""), Err(RequestRuleError::Host(_))));
}

fn segments() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[a-zA-Z0-9_~-]{1,8}", 1..5)
}

/// How a server may read a path: everything decoded until nothing changes, parameters off,
/// backslashes turned, dots resolved.
fn as_some_server_reads(path: &str) -> String {
    let mut text = path.to_owned();
    loop {
        let bytes = text.as_bytes();
        let mut out = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let digits = bytes.get(at + 1..at + 3).and_then(|two| std::str::from_utf8(two).ok());
            match digits.and_then(|two| u8::from_str_radix(two, 16).ok()) {
                Some(byte) if bytes[at] == b'%' => {
                    out.push(byte);
                    at += 3;
                }
                _ => {
                    out.push(bytes[at]);
                    at += 1;
                }
            }
        }
        let decoded = String::from_utf8_lossy(&out).into_owned();
        if decoded == text {
            break;
        }
        text = decoded;
    }
    let mut read: Vec<&str> = Vec::new();
    let turned = text.replace('\\', "/");
    for segment in turned.split('/') {
        match segment.split(';').next().unwrap_or_default() {
            "" | "." => {}
            ".." => drop(read.pop()),
            other => read.push(other),
        }
    }
    format!("/{}", read.join("/"))
}

proptest! {
    #[test]
    fn a_normal_path_stays_as_it_is(text in "/[ -~]{0,40}") {
        if let Ok(path) = NormalPath::parse(&text) {
            prop_assert_eq!(NormalPath::parse(path.as_str()), Ok(path));
        }
    }

    #[test]
    fn no_path_below_a_pattern_leads_out_of_it(tail in "[a-z./%2ef5cC3bB;\\\\0-9]{0,24}") {
        let rules = [rule("api.example.com", &[], &["/v1/**"])];
        let path = format!("/v1/{tail}");
        if verdict(&rules, "GET", &path).is_ok() {
            let read = as_some_server_reads(&path);
            prop_assert!(read == "/v1" || read.starts_with("/v1/"), "{} is {}", path, read);
        }
    }

    #[test]
    fn an_encoded_letter_is_the_letter(segments in segments(), which in any::<prop::sample::Index>()) {
        let path = format!("/{}", segments.join("/"));
        let letters: Vec<usize> = path.char_indices().filter(|(_, c)| *c != '/').map(|(at, _)| at).collect();
        let at = letters[which.index(letters.len())];
        let encoded = format!("{}%{:02x}{}", &path[..at], path.as_bytes()[at], &path[at + 1..]);
        prop_assert_eq!(NormalPath::parse(&encoded), NormalPath::parse(&path));
    }

    #[test]
    fn a_request_that_is_allowed_matches_one_of_the_rules_alone(
        method in "GET|POST|PUT",
        path in "/(a|b|%61)(/(x|y))?",
        rules in prop::collection::vec(("(GET|POST)", "/(a|b)(/\\*|/x)?"), 0..4),
    ) {
        let rules: Vec<RequestRule> =
            rules.iter().map(|(m, p)| rule("api.example.com", &[m], &[p])).collect();
        let alone = rules.iter().any(|one| verdict(std::slice::from_ref(one), &method, &path).is_ok());
        prop_assert_eq!(verdict(&rules, &method, &path).is_ok(), alone || rules.is_empty());
    }
}
