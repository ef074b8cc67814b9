//! Requests and answers as programs and servers send them, whole.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::header::HeaderMap;
use hyper::{Method, Request, Response};
use jail_egress::{Host, Name};
use jail_plan::{SecretPlace, SecretSource};

use super::body::Change;
use super::*;

const KEY: &str = "sk-ant-api03-aB3cD4eF5gH6iJ7k-L8mN9oP0qR1sT2";
const TOKEN: &str = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
const PASSWORD: &str = "p\"ss\\word+with/marks=";

fn secret(
    name: &str,
    hosts: &[&str],
    places: &[SecretPlace],
    header: Option<&str>,
) -> jail_plan::Secret {
    jail_plan::Secret {
        name: name.into(),
        from: SecretSource::Variable(name.into()),
        hosts: hosts.iter().map(ToString::to_string).collect(),
        places: places.to_vec(),
        header: header.map(Into::into),
        optional: false,
        by: "secret#1".into(),
    }
}

fn secrets() -> Arc<Secrets> {
    use SecretPlace::{Basic, Body, Header, Query};
    let value = |text: &str| Zeroizing::new(text.as_bytes().to_vec());
    let all = vec![
        (secret("KEY", &["api.example.com"], &[Header], Some("x-api-key")), value(KEY)),
        (secret("TOKEN", &["*.forge.example"], &[Header, Basic], None), value(TOKEN)),
        (secret("PASSWORD", &["login.example.org"], &[Query, Body], None), value(PASSWORD)),
    ];
    Arc::new(Secrets::new(all, &[]).unwrap())
}

fn host(name: &str) -> Host {
    Host::Name(Name::from_wire(name.as_bytes()).unwrap())
}

/// A request in which `KEY`, `TOKEN` and `PASSWORD` in braces are the placeholders.
struct Sent {
    secrets: Arc<Secrets>,
    host: Host,
    is_tls: bool,
    target: String,
    fields: Vec<(String, String)>,
    body: Vec<String>,
}

fn to(name: &str) -> Sent {
    Sent {
        secrets: secrets(),
        host: host(name),
        is_tls: true,
        target: "/v1".into(),
        fields: Vec::new(),
        body: Vec::new(),
    }
}

impl Sent {
    fn filled(&self, text: &str) -> String {
        ["KEY", "TOKEN", "PASSWORD"].iter().fold(text.to_owned(), |text, name| {
            text.replace(&format!("{{{name}}}"), self.secrets.placeholder(name).unwrap())
        })
    }

    fn plainly(mut self) -> Self {
        self.is_tls = false;
        self
    }

    fn target(mut self, text: &str) -> Self {
        self.target = self.filled(text);
        self
    }

    fn field(mut self, name: &str, value: &str) -> Self {
        let value = self.filled(value);
        self.fields.push((name.into(), value));
        self
    }

    fn basic(mut self, pair: &str) -> Self {
        let pair = BASE64_STANDARD.encode(self.filled(pair));
        self.fields.push(("authorization".into(), format!("Basic {pair}")));
        self
    }

    fn body(mut self, pieces: &[&str]) -> Self {
        self.body = pieces.iter().map(|piece| self.filled(piece)).collect();
        self
    }

    /// What the server gets: target, fields, body. Otherwise what the client gets.
    fn arrives(&self) -> Result<String, String> {
        let mut request = Request::builder().method("POST").uri(&self.target);
        for (name, value) in &self.fields {
            request = request.header(name, value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let to = Destination { host: &self.host, is_tls: self.is_tls };
        let change = self.secrets.request(to, &mut parts).map_err(|why| why.to_string())?;
        let pieces: Vec<_> = self.body.iter().map(|piece| Bytes::from(piece.clone())).collect();
        let body = collected(pieces, change)?;
        let mut text = format!("{}\n", parts.uri);
        for (field, value) in &parts.headers {
            text.push_str(&format!("{field}: {}\n", String::from_utf8_lossy(value.as_bytes())));
        }
        Ok(text + "\n" + &body)
    }

    fn is_refused(&self, why: &str) {
        let answer = self.arrives().unwrap_err();
        assert!(answer.contains(why), "{answer}");
        for value in [KEY, TOKEN, PASSWORD] {
            assert!(!answer.contains(value));
        }
    }
}

fn collected(pieces: Vec<Bytes>, change: impl Change + Unpin) -> Result<String, String> {
    let frames =
        pieces.into_iter().map(|piece| Ok::<_, std::io::Error>(http_body::Frame::data(piece)));
    let body = Changed::new(StreamBody::new(futures_util::stream::iter(frames)), change);
    let outcome = body.outcome();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    match runtime.block_on(body.collect()) {
        Ok(all) => Ok(String::from_utf8(all.to_bytes().to_vec()).unwrap()),
        Err(error) => {
            assert_eq!(outcome.take().unwrap().0.to_string(), error.to_string());
            Err(error.to_string())
        }
    }
}

#[test]
fn a_named_host_gets_the_value_in_the_declared_field_alone() {
    let sent = to("api.example.com").field("x-api-key", "{KEY}").body(&["{\"text\": 1}"]);
    assert_eq!(
        sent.arrives().unwrap(),
        format!("/v1\nx-api-key: {KEY}\naccept-encoding: identity\n\n{{\"text\": 1}}")
    );
    assert_eq!(sent.secrets.uses()[0].count, 1);
    to("api.example.com")
        .field("authorization", "Bearer {KEY}")
        .is_refused("the placeholder of `KEY` is in `authorization`, where it is not replaced");
}

#[test]
fn the_plain_text_of_a_value_is_in_no_debug_output() {
    let sent = to("api.example.com").field("x-api-key", "{KEY}");
    sent.arrives().unwrap();
    let mut request = Request::new(());
    request
        .headers_mut()
        .insert("x-api-key", sent.secrets.placeholder("KEY").unwrap().parse().unwrap());
    let (mut parts, ()) = request.into_parts();
    let to = Destination { host: &sent.host, is_tls: true };
    let change = sent.secrets.request(to, &mut parts).unwrap();
    assert_eq!(parts.headers["x-api-key"], KEY);
    let shown = format!("{:?} {change:?} {parts:?}", sent.secrets);
    assert!(
        shown.contains("KEY") && !shown.contains(KEY) && !shown.contains(&KEY[20..]),
        "{shown}"
    );
}

#[test]
fn user_and_password_are_read_in_base64() {
    let basic = |pair: &str| format!("authorization: Basic {}", BASE64_STANDARD.encode(pair));
    for (sent, arrived) in [
        ("x-access-token:{TOKEN}", format!("x-access-token:{TOKEN}")),
        ("{TOKEN}:x-oauth-basic", format!("{TOKEN}:x-oauth-basic")),
    ] {
        let arrives = to("git.forge.example").basic(sent).arrives().unwrap();
        assert!(arrives.contains(&basic(&arrived)), "{arrives}");
    }
    to("git.forge.example")
        .basic("x:ghp_ofSomebodyElse00")
        .is_refused("`authorization` has a credential");
    to("git.forge.example").basic("ghp_ofSomebodyElse00:{TOKEN}").is_refused("a credential that");
    to("api.example.com").basic("x:{KEY}").is_refused("is in the user and password");
    to("api.example.com").basic("x:{TOKEN}").is_refused("`authorization` has a credential");
}

#[test]
fn a_first_request_without_credentials_passes() {
    for name in ["api.example.com", "git.forge.example", "elsewhere.example.net"] {
        to(name).field("accept", "*/*").arrives().unwrap();
    }
}

#[test]
fn with_the_key_of_somebody_else_nothing_leaves() {
    to("api.example.com").field("x-api-key", "sk-ant-api03-ofSomebodyElse").is_refused(
        "`x-api-key` has a credential that the spec does not know: on this host it may hold the placeholder of `KEY` and nothing else",
    );
    // Over plain HTTP it would leave just the same.
    to("api.example.com").plainly().field("x-api-key", "sk-ant-api03-ofSomebodyElse").is_refused(
        "`x-api-key` has a credential that the spec does not know: on this host it may hold the placeholder of `KEY` and nothing else",
    );
    to("api.example.com")
        .field("x-api-key", "{KEY}")
        .field("x-api-key", "sk-ant-api03-ofSomebodyElse")
        .is_refused("`x-api-key` has a credential");
    to("git.forge.example")
        .field("authorization", "Bearer ghp_ofSomebodyElse {TOKEN}")
        .is_refused("a credential that");
    to("git.forge.example").field("private-token", "other").is_refused("`private-token`");
    // A host may take a key in another field than the one that the spec names.
    to("api.example.com")
        .field("x-api-key", "{KEY}")
        .field("authorization", "Bearer ofSomebodyElse")
        .is_refused("`authorization` has a credential");
    to("login.example.org").target("/?api_key=other").is_refused("`api_key` has a credential");
    to("api.example.com").target("/?key=AIzaSomebodyElse").is_refused("`key` has a credential");
    to("login.example.org").target("/?key=name&api_key={PASSWORD}").arrives().unwrap();
    to("elsewhere.example.net").target("/?api_key=other").arrives().unwrap();
    // Hosts that no secret names take whatever they take.
    to("elsewhere.example.net").field("authorization", "Bearer other").arrives().unwrap();
}

#[test]
fn another_host_gets_no_value_and_no_placeholder() {
    let why = "the placeholder of `KEY` may not go to this host";
    to("evil.example.net").field("x-api-key", "{KEY}").is_refused(why);
    to("evil.example.net").field("referer", "https://api.example.com/?k={KEY}").is_refused(why);
    to("evil.example.net").target("/?q={KEY}").is_refused(why);
    to("evil.example.net").target("/{KEY}/x").is_refused(why);
    to("evil.example.net").body(&["a", "{KEY}"]).is_refused(why);
    to("evil.example.net").plainly().field("x", "{KEY}").is_refused(why);
    to("sub.api.example.com").field("x-api-key", "{KEY}").is_refused(why);
}

#[test]
fn another_place_of_the_same_host_gets_none() {
    let place = |place: &str| format!("the placeholder of `KEY` is in {place}");
    let host = || to("api.example.com");
    host().target("/x/{KEY}").is_refused(&place("the path"));
    host().target("/x?y={KEY}").is_refused(&place("the query"));
    host().field("referer", "https://x/{KEY}").is_refused(&place("`referer`"));
    host().field("user-agent", "{KEY}").is_refused(&place("`user-agent`"));
    host().field("authorization", "Bearer {KEY}").is_refused(&place("`authorization`"));
    host().body(&["x{KEY}"]).is_refused(&place("the body"));
}

#[test]
fn a_secret_without_a_field_of_its_own_goes_into_those_for_credentials_alone() {
    let host = || to("git.forge.example");
    for field in ["authorization", "Private-Token", "x-api-key"] {
        let got = host().field(field, "{TOKEN}").arrives().unwrap();
        assert!(got.contains(TOKEN), "{got}");
    }
    for field in ["x-note", "cookie", "x-custom-token"] {
        let why = format!("the placeholder of `TOKEN` is in `{field}`, where it is not replaced");
        host().field(field, "{TOKEN}").is_refused(&why);
    }
}

#[test]
fn without_tls_nothing_is_replaced() {
    to("api.example.com")
        .plainly()
        .field("x-api-key", "{KEY}")
        .is_refused("only in requests over TLS");
    to("api.example.com").plainly().body(&["{KEY}"]).is_refused("only in requests over TLS");
    let passes =
        to("api.example.com").plainly().field("accept-encoding", "gzip").arrives().unwrap();
    assert_eq!(passes, "/v1\naccept-encoding: gzip\n\n");
}

#[test]
fn a_changed_placeholder_is_refused_with_the_reason() {
    let why = "the placeholder of `TOKEN` was changed";
    let own = secrets();
    let token = own.placeholder("TOKEN").unwrap().to_owned();
    let host = || Sent { secrets: own.clone(), ..to("git.forge.example") };
    host().field("x-a", &token.to_uppercase()).is_refused(why);
    host().field("x-a", &token.replace('_', "%5F")).is_refused(why);
    host().field("x-a", &BASE64_STANDARD.encode(format!("{token}!"))).is_refused(why);
    host().field("x-a", &token[..20]).field("x-b", &token[20..]).is_refused(why);
    host().body(&[&format!("{token} {}", token.to_lowercase())]).is_refused("is in the body");
    host().target(&format!("/?q={}", token.to_uppercase())).is_refused(why);
    host().body(&[&token.to_lowercase()]).is_refused(why);
    host().body(&[&BASE64_STANDARD.encode(&token)]).is_refused(why);
    // Nothing of it is public.
    host().field("x-a", "ghp_").body(&["ghp_"]).arrives().unwrap();
}

#[test]
fn a_query_and_bodies_get_the_value_as_they_write_it() {
    let host = || to("login.example.org");
    let encoded = "p%22ss%5Cword%2Bwith%2Fmarks%3D";
    let query = host().target("/login?a=1&p={PASSWORD}&b=2").arrives().unwrap();
    assert!(query.starts_with(&format!("/login?a=1&p={encoded}&b=2\n")), "{query}");
    let kind = |kind: &str| {
        let sent = host().field("content-type", kind).field("content-length", "99");
        sent.body(&["x={PASSWO", "RD}&y=1"]).body(&["x={PASSWORD}", "&y=1"]).arrives().unwrap()
    };
    for (kind_of_body, body) in [
        ("application/x-www-form-urlencoded; charset=utf-8", encoded),
        ("application/json", r#"p\"ss\\word+with/marks="#),
        ("application/vnd.api+json", r#"p\"ss\\word+with/marks="#),
        ("text/plain", PASSWORD),
    ] {
        let arrives = kind(kind_of_body);
        assert!(arrives.ends_with(&format!("\n\nx={body}&y=1")), "{arrives}");
        // Where the length may be another one it is not said.
        assert_eq!(arrives.contains("content-length"), body == PASSWORD);
    }
}

#[test]
fn a_value_in_a_body_may_be_cut_anywhere() {
    let sent = to("login.example.org");
    let placeholder = sent.secrets.placeholder("PASSWORD").unwrap().to_owned();
    let whole = format!("before {placeholder} after");
    for cut in 0..whole.len() {
        let sent = Sent { secrets: sent.secrets.clone(), ..to("login.example.org") };
        let (a, b) = whole.split_at(cut);
        let arrives = sent.body(&[a, b]).arrives().unwrap();
        assert!(arrives.ends_with(&format!("\n\nbefore {PASSWORD} after")), "{arrives}");
    }
    assert_eq!(sent.secrets.uses()[0].count, whole.len() as u64);
}

#[test]
fn a_body_that_was_compressed_is_left_alone() {
    let sent =
        to("login.example.org").field("content-encoding", "gzip").field("content-length", "5");
    assert!(sent.body(&["\u{1f}abc"]).arrives().unwrap().contains("content-length: 5"));
}

/// What the jail gets of an answer from a host.
fn answered(
    secrets: &Arc<Secrets>,
    name: &str,
    field: &str,
    pieces: &[&[u8]],
) -> (HeaderMap, String) {
    let (mut parts, ()) =
        Response::builder().header("set-cookie", field).body(()).unwrap().into_parts();
    let change = secrets.answer(&host(name), &Method::GET, &mut parts).unwrap().unwrap();
    let pieces = pieces.iter().map(|piece| Bytes::copy_from_slice(piece)).collect();
    (parts.headers, collected(pieces, change).unwrap())
}

#[test]
fn a_server_that_sends_a_value_back_sends_the_placeholder() {
    let secrets = secrets();
    let placeholder = secrets.placeholder("KEY").unwrap().to_owned();
    let text = format!("a {KEY} b {KEY}");
    for cut in 0..text.len() {
        let (a, b) = text.as_bytes().split_at(cut);
        let (fields, body) = answered(&secrets, "api.example.com", &format!("k={KEY}"), &[a, b]);
        assert_eq!(fields["set-cookie"], format!("k={placeholder}"));
        assert_eq!(body.len(), text.len());
        assert!(!body.contains(&KEY[17..]), "{body}");
        assert!(cut % 7 > 0 || body.ends_with(&placeholder[17..]));
    }
}

#[test]
fn what_a_server_encodes_is_found_too() {
    let secrets = secrets();
    for (name, value) in [("api.example.com", KEY), ("login.example.org", PASSWORD)] {
        for before in ["", "x", "xy"] {
            let encoded = BASE64_STANDARD.encode(format!("{before}{value}tail"));
            let (_, body) = answered(&secrets, name, "x", &[encoded.as_bytes()]);
            let decoded = BASE64_STANDARD.decode(&body).unwrap();
            assert!(
                memchr::memmem::find(&decoded, &value.as_bytes()[3..value.len() - 3]).is_none()
            );
            assert_eq!(body.len(), encoded.len());
        }
    }
    let (_, body) = answered(
        &secrets,
        "login.example.org",
        "x",
        &[br#"{"p": "p\"ss\\word+with/marks=", "q": "p%22ss%5Cword%2Bwith%2Fmarks%3D"}"#],
    );
    assert!(!body.contains("word"), "{body}");
    for written in [
        r#"p\"ss\\word+with\/marks="#,
        r"p\u0022ss\\word\u002Bwith/marks=",
        "p%22ss%5cword%2bwith%2fmarks%3d",
        "p%22ss%5Cword%2Bwith/marks%3D",
    ] {
        let (_, body) = answered(&secrets, "login.example.org", "x", &[written.as_bytes()]);
        assert!(!body.contains("word") && body.len() == written.len(), "{body}");
    }
    serde_json::from_str::<serde_json::Value>(&body).unwrap();
}

/// Who has a server say guesses sees where what comes back is cut.
#[test]
fn a_guess_that_is_right_for_a_part_comes_back_as_one_that_is_wrong() {
    let secrets = secrets();
    let pieces = |name: &str, guess: &[u8]| {
        let (mut parts, ()) = Response::new(()).into_parts();
        let change = secrets.answer(&host(name), &Method::GET, &mut parts).unwrap();
        let mut change = change.unwrap();
        let body = [b"it is: ", guess].concat();
        let first = change.piece(&Bytes::from(body)).unwrap();
        let rest = change.piece(&Bytes::from_static(b"\n")).unwrap();
        (first.len(), rest.len(), change.end().len())
    };
    for (name, value) in [
        ("api.example.com", KEY),
        ("a.forge.example", TOKEN),
        ("login.example.org", PASSWORD),
        ("login.example.org", "p%22ss%5Cword%2Bwith%2Fmarks%3D"),
        ("api.example.com", &BASE64_STANDARD.encode(format!("x{KEY}"))[2..]),
        ("login.example.org", &BASE64_STANDARD.encode(PASSWORD)),
    ] {
        for length in 1..value.len() - 2 {
            let right = &value.as_bytes()[..length];
            let mut wrong = right.to_vec();
            wrong[length - 1] = if wrong[length - 1] == b'w' { b'v' } else { b'w' };
            assert_eq!(pieces(name, right), pieces(name, &wrong), "{length} of {value}");
        }
    }
}

#[test]
fn what_comes_back_is_asked_for_whole_and_as_it_is() {
    let asked = |name: &str| {
        let sent = to(name).field("range", "bytes=0-9").field("if-range", "\"x\"");
        let sent = sent.field("accept-charset", "utf-16").field("accept-encoding", "gzip");
        sent.arrives().unwrap()
    };
    let own = asked("api.example.com");
    assert!(own.contains("accept-encoding: identity"), "{own}");
    assert!(!["range", "charset", "gzip"].iter().any(|field| own.contains(field)), "{own}");
    let other = asked("elsewhere.example.net");
    for field in ["range: bytes=0-9", "if-range", "accept-charset: utf-16", "gzip"] {
        assert!(other.contains(field), "{other}");
    }
}

#[test]
fn the_words_behind_a_status_do_not_pass() {
    let secrets = secrets();
    let answered = |name: &str| {
        let (mut parts, ()) = Response::new(()).into_parts();
        parts.extensions.insert(hyper::ext::ReasonPhrase::from_static(KEY.as_bytes()));
        secrets.answer(&host(name), &Method::GET, &mut parts).unwrap();
        parts.extensions.get::<hyper::ext::ReasonPhrase>().is_some()
    };
    assert!(!answered("api.example.com"));
    assert!(answered("elsewhere.example.net"));
}

#[test]
fn an_answer_that_cannot_be_read_is_not_carried() {
    let secrets = secrets();
    let answer = |name: &str, method: &Method, status: u16| {
        let answer = Response::builder().header("content-encoding", "gzip").status(status);
        let (mut parts, ()) = answer.body(()).unwrap().into_parts();
        secrets.answer(&host(name), method, &mut parts).map(|change| change.is_some())
    };
    assert_eq!(answer("api.example.com", &Method::GET, 200), Err(Objection::Compressed));
    assert_eq!(answer("api.example.com", &Method::HEAD, 200), Ok(true));
    assert_eq!(answer("api.example.com", &Method::GET, 304), Ok(true));
    // A host that gets no value sends what it likes.
    assert_eq!(answer("elsewhere.example.net", &Method::GET, 200), Ok(false));
}

#[test]
fn a_value_that_cannot_be_one_is_named_and_not_shown() {
    let wrong = |value: &str| {
        let secret = secret("KEY", &["api.example.com"], &[SecretPlace::Header], None);
        Secrets::new(vec![(secret, Zeroizing::new(value.as_bytes().to_vec()))], &[]).unwrap_err()
    };
    assert_eq!(wrong(""), "the secret `KEY`: it is empty");
    assert!(wrong("hunter2").starts_with("the secret `KEY`: it has 7 characters"));
    assert!(!wrong("hunter2").contains("hunter2"));
}
