//! Requests that are judged one by one: TLS ends in the broker, and each
//! request goes on or does not.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::jail::{GivenTo, Jail, Spec, said};
use crate::origin::{Certificate, Local, Origin, Root};
use crate::world::{World, run};

pub(crate) const API: &str = "api.example.com";

/// A rule of the plan.
pub(crate) fn requests(host: &str, methods: &[&str], paths: &[&str]) -> Value {
    json!({"host": host, "methods": methods, "paths": paths, "by": format!("http-allow#{host}")})
}

/// The spec of most tests: hosts that may be reached, and rules for requests.
pub(crate) fn spec(world: &World, root: &Root, hosts: &[&str], rules: &[Value]) -> Spec {
    for host in hosts {
        world.records.add(host, &["11.0.0.2"]);
    }
    let mut spec = Spec::new(hosts);
    spec.egress = json!({ "requests": rules });
    spec.given =
        vec![(json!({"authorities": root.file.to_str().unwrap()}), GivenTo::File("bundle.pem"))];
    spec
}

/// curl, as a program of the jail that trusts what it is given.
pub(crate) fn curl(world: &World, jail: &Jail, words: &[&str]) -> String {
    said(&curl_command(world, jail).args(words).output().unwrap())
}

pub(crate) fn curl_command(world: &World, jail: &Jail) -> Command {
    let mut command = jail.command("curl");
    command.args(["-sS", "--path-as-is", "--max-time", "20", "--noproxy", "*", "--cacert"]);
    command.arg(world.folder.join("bundle.pem"));
    command
}

/// A client of TLS in the jail, which speaks what it wants; `server` is what it asks for.
pub(crate) async fn secure(
    world: &World,
    to: &str,
    server: &str,
    protocol: &str,
) -> std::io::Result<TlsStream<tokio::net::TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    let bundle = std::fs::read(world.folder.join("bundle.pem")).unwrap();
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&bundle).map(Result::unwrap));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.into()];
    let stream = tokio::net::TcpStream::connect(to).await?;
    let name = ServerName::try_from(server.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// Runs a client in the jail.
pub(crate) fn client<T: Send>(jail: &Jail, run: impl AsyncFnOnce() -> T + Send) -> T {
    jail.inside(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, run())
    })
}

/// What comes back for bytes of HTTP/1 in TLS.
pub(crate) fn talk(world: &World, jail: &Jail, bytes: &str) -> String {
    let to = format!("{}:443", jail.address(API));
    client(jail, async || {
        let mut stream = secure(world, &to, API, "http/1.1").await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        let mut all = Vec::new();
        let quiet = Duration::from_secs(5);
        let _ = tokio::time::timeout(quiet, stream.read_to_end(&mut all)).await;
        String::from_utf8_lossy(&all).into_owned()
    })
}

#[test]
fn a_request_that_a_rule_allows_goes_on_and_others_get_a_403_that_names_the_rules() {
    run(|world| {
        let root = Root::trusted(world);
        let origin = Origin::start(world, &root, "11.0.0.2:443", API);
        let rules = [requests(API, &["GET"], &["/v1/*"]), requests(API, &["POST"], &["/v2"])];
        let jail = Jail::start(world, &spec(world, &root, &[API], &rules));
        assert_eq!(jail.given(), "g");
        for version in ["--http1.1", "--http2"] {
            let ask = |words: &[&str]| curl(world, &jail, &[&[version], words].concat());
            let answer = ask(&["https://api.example.com/v1/x?y=%2e%2e"]);
            assert!(answer.contains("/v1/x?y=%2e%2e HTTP/2.0"), "{answer}");
            let same = ["-H", "X-HTTP-Method-Override: GET", "-H", "X-Original-URL: /v1/y?z"];
            let answer = ask(&[&same[..], &["https://api.example.com/v1/x"]].concat());
            assert!(answer.contains("/v1/x HTTP/2.0"), "{answer}");
            let answer = ask(&["-d", "body", "https://api.example.com/v2"]);
            assert!(answer.starts_with("POST ") && answer.ends_with("body"), "{answer}");
            let before = origin.seen().len();
            for words in [
                &["-d", "body", "https://api.example.com/v1/x"][..],
                &["https://api.example.com/v2"],
                &["-I", "https://api.example.com/v1/x"],
                &["-X", "DELETE", "https://api.example.com/v1/x"],
                &["-X", "TRACE", "https://api.example.com/v1/x"],
                &["https://api.example.com/v1/x/../../v2"],
                &["https://api.example.com/v1/%2e%2e"],
                &["https://api.example.com/v1//x"],
                &["https://api.example.com/v1/x;y"],
                &["https://api.example.com/v1/a%2fb"],
                // What servers take for the method and the path instead.
                &["-H", "X-HTTP-Method-Override: DELETE", "https://api.example.com/v1/x"],
                &["-H", "x-http-method: post", "https://api.example.com/v1/x"],
                &["-H", "X-Method-Override: TRACE", "https://api.example.com/v1/x"],
                &["-H", "X-Original-URL: /v2", "https://api.example.com/v1/x"],
                &["-H", "X-Rewrite-URL: /v1/../v2?x", "https://api.example.com/v1/x"],
                // As applications behind CGI's variables read it.
                &["-H", "X_Original_URI: /v2", "https://api.example.com/v1/x"],
                &["-H", "X_HTTP.Method-Override: PUT", "https://api.example.com/v1/x"],
                &["https://api.example.com/v1/x?y&%5fmethod=DELETE"],
            ] {
                let status = ask(&[&["-o", "/dev/null", "-w", "%{http_code}"], words].concat());
                assert_eq!(status, "403", "{version} {words:?}");
            }
            for host in [
                "X-Forwarded-Host: other.example.com",
                "X_Host: other.example.com",
                "Forwarded: for=10.0.0.1, for=10.0.0.2;Host=\"other.example.com\"",
            ] {
                let words = ["-o", "/dev/null", "-w", "%{http_code}", "-H", host];
                let status = ask(&[&words[..], &["https://api.example.com/v1/x"]].concat());
                assert_eq!(status, "421", "{version} {host}");
            }
            assert_eq!(origin.seen().len(), before);
            // The answer to a long body is read, though the body is not.
            let long = world.file("long", &"x".repeat(8 << 20));
            let long = format!("@{}", long.display());
            let words = ["-H", "Expect:", "--data-binary", &long, "https://api.example.com/v1/x"];
            assert!(ask(&words).contains("no rule for this host"));
            let told: Value = serde_json::from_str(&ask(&["https://api.example.com/"])).unwrap();
            assert_eq!(told["error"], "jailgen: no rule for this host allows this method and path");
            assert_eq!(told["rules"][0]["by"], "http-allow#api.example.com");
            assert_eq!(told["rules"][0]["place"], "test.jail:4:3");
            assert_eq!(told["rules"][1]["paths"], json!(["/v2"]));
        }
        let refused = jail.log().into_iter().find(|line| line["verdict"] == "refused").unwrap();
        let reason = "POST /v1/x: no rule for this host allows this method and path";
        assert_eq!(refused["reason"], reason);
        // The control: outside of the jail the server takes all of it.
        let direct = Command::new("curl")
            .args([
                "-sS",
                "--path-as-is",
                "--cacert",
                root.file.to_str().unwrap(),
                "--noproxy",
                "*",
            ])
            .args(["--resolve", "api.example.com:443:11.0.0.2", "-X", "DELETE"])
            .arg("https://api.example.com/v1/%2e%2e")
            .output();
        assert!(said(&direct.unwrap()).starts_with("DELETE "));
    });
}

#[test]
fn a_request_is_for_the_host_of_its_connection() {
    run(|world| {
        let root = Root::trusted(world);
        let origin = Origin::start(world, &root, "11.0.0.2:443", API);
        let rules = [requests(API, &["GET"], &["/v1/**"])];
        let mut spec = spec(world, &root, &[API], &rules);
        let mut any = crate::jail::rule_of("any.example.com");
        any["any_sni"] = json!(true);
        world.records.add("any.example.com", &["11.0.0.2"]);
        spec.rules.push(any);
        let jail = Jail::start(world, &spec);
        let ask = |head: &str| talk(world, &jail, &head.replace('\n', "\r\n"));
        let good = ask("GET /v1/x HTTP/1.1\nHost: api.example.com:443\n\n");
        assert!(good.starts_with("HTTP/1.1 200 OK"), "{good}");
        let before = origin.seen();
        for (head, status) in [
            ("GET /v1/x HTTP/1.1\nHost: evil.example.com\n\n", "421"),
            ("GET /v1/x HTTP/1.1\nHost: api.example.com:80\n\n", "421"),
            ("GET https://evil.example.com/v1/x HTTP/1.1\nHost: api.example.com\n\n", "421"),
            ("GET /v1/x HTTP/1.1\nHost: api.example.com\nHost: api.example.com\n\n", "400"),
            ("GET /v1/x HTTP/1.1\n\n", "400"),
            ("CONNECT evil.example.com:443 HTTP/1.1\nHost: api.example.com\n\n", "400"),
            ("OPTIONS * HTTP/1.1\nHost: api.example.com\n\n", "403"),
            (
                "GET /v1/x HTTP/1.1\nHost: api.example.com\nContent-Length: 1\nContent-Length: 2\n\nx",
                "400",
            ),
            ("POST /v1/x HTTP/1.1\nHost: api.example.com\nContent-Length: 5\n\nhello", "403"),
        ] {
            let got = ask(head);
            assert!(got.starts_with(&format!("HTTP/1.1 {status} ")), "{head}: {got}");
        }
        // What is behind a refused request's body is not read.
        let smuggled = "POST /v1/x HTTP/1.1\nHost: api.example.com\nContent-Length: 3\n\nxyzGET /v1/y HTTP/1.1\nHost: api.example.com\n\n";
        assert_eq!(ask(smuggled).matches("HTTP/1.1 ").count(), 1);
        let both = "GET /v1/x HTTP/1.1\nHost: api.example.com\nContent-Length: 3\nTransfer-Encoding: chunked\n\n0\n\nGET /admin HTTP/1.1\nHost: api.example.com\n\n";
        assert!(!ask(both).contains("/admin HTTP"));
        assert!(!origin.seen().iter().any(|line| line.contains("/admin")));
        // Of HTTP/2 upgrades nothing goes on.
        let h2c = ask(
            "GET /v1/x HTTP/1.1\nHost: api.example.com\nConnection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AAMAAABkAAQAAP__\n\n",
        );
        assert!(h2c.starts_with("HTTP/1.1 200 OK") && !h2c.contains("h2c"), "{h2c}");
        assert_eq!(before.len(), 1);
        // TLS for the host goes to the host's own address, and asks there for nothing else.
        let (to, other) = (jail.address(API), jail.address("any.example.com"));
        let reached = |address: &str, server: &str| {
            let to = format!("{address}:443");
            client(&jail, async || secure(world, &to, server, "h2").await.is_ok())
        };
        assert!(reached(&to, API));
        assert!(!reached(&to, "any.example.com"));
        assert!(!reached(&other, API));
    });
}

#[test]
fn each_stream_of_http2_is_judged_alone() {
    run(|world| {
        let root = Root::trusted(world);
        let origin = Origin::start(world, &root, "11.0.0.2:443", API);
        let rules = [requests(API, &["GET", "POST"], &["/v1/**"])];
        let jail = Jail::start(world, &spec(world, &root, &[API], &rules));
        let to = format!("{}:443", jail.address(API));
        let statuses = client(&jail, async || {
            let stream = secure(world, &to, API, "h2").await.unwrap();
            let (sender, connection) =
                hyper::client::conn::http2::handshake(Local, TokioIo::new(stream)).await.unwrap();
            tokio::task::spawn_local(connection);
            let mut statuses = Vec::new();
            for (method, url, host) in [
                ("GET", "https://api.example.com/v1/x", ""),
                ("GET", "https://evil.example.com/v1/x", ""),
                ("GET", "https://api.example.com:444/v1/x", ""),
                ("GET", "https://api.example.com/v1/x", "evil.example.com"),
                ("GET", "https://api.example.com/v2/x", ""),
                ("PUT", "https://api.example.com/v1/x", ""),
                ("CONNECT", "evil.example.com:443", ""),
                ("POST", "https://api.example.com/v1/y", "api.example.com"),
            ] {
                let mut request = Request::builder().method(method).uri(url);
                if !host.is_empty() {
                    request = request.header("host", host);
                }
                let request = request.body(Full::<Bytes>::default()).unwrap();
                let answer = sender.clone().send_request(request).await;
                statuses.push(answer.map_or(0, |answer| answer.status().as_u16()));
            }
            // All at once over one connection.
            let asked = (0..200).map(|number| {
                let path = if number % 2 == 0 { "v1" } else { "v2" };
                let url = format!("https://api.example.com/{path}/{number}");
                let request = Request::get(url).body(Full::<Bytes>::default()).unwrap();
                sender.clone().send_request(request)
            });
            let answers = futures_util::future::join_all(asked).await;
            for (number, answer) in answers.into_iter().enumerate() {
                let status = answer.unwrap().status().as_u16();
                assert_eq!(status, if number % 2 == 0 { 200 } else { 403 }, "{number}");
            }
            statuses
        });
        assert_eq!(statuses, [200, 421, 421, 421, 403, 403, 400, 200]);
        assert!(origin.seen().iter().all(|line| line.contains("https://api.example.com/v1/")));
        assert_eq!(origin.seen().len(), 102);
    });
}

#[test]
fn a_server_that_this_machine_does_not_trust_gets_no_request_and_the_client_reads_why() {
    run(|world| {
        let root = Root::trusted(world);
        let other = Root::new(world, "other");
        let hosts =
            ["expired.example.com", "name.example.com", "self.example.com", "root.example.com"];
        let origins = [
            Origin::with(world, &root, ("11.0.0.2:443", hosts[0]), Certificate::Expired, &["h2"]),
            Origin::with(world, &root, ("11.0.0.2:444", hosts[1]), Certificate::OtherName, &["h2"]),
            Origin::with(
                world,
                &root,
                ("11.0.0.2:445", hosts[2]),
                Certificate::SelfSigned,
                &["h2"],
            ),
            Origin::with(world, &other, ("11.0.0.2:446", hosts[3]), Certificate::Good, &["h2"]),
        ];
        let rules = [requests("*.example.com", &[], &[])];
        let mut spec = spec(world, &root, &[], &rules);
        for (host, port) in hosts.iter().zip(443..) {
            world.records.add(host, &["11.0.0.2"]);
            let mut rule = crate::jail::rule_of(&format!("{host}:{port}"));
            rule["protocol"] = json!("tls");
            spec.rules.push(rule);
        }
        let jail = Jail::start(world, &spec);
        for ((host, port), why) in hosts.iter().zip(443..).zip([
            "expired",
            "not valid for",
            "UnknownIssuer",
            "UnknownIssuer",
        ]) {
            let url = format!("https://{host}:{port}/");
            let got = curl(world, &jail, &["-w", "%{http_code}", &url]);
            assert!(got.ends_with("502"), "{host}: {got}");
            assert!(
                got.contains("the server's certificate is not trusted: ") && got.contains(why),
                "{host}: {got}"
            );
            assert_eq!(jail.verdicts(host).last(), Some(&format!("failed {port}")));
        }
        assert!(origins.iter().all(|origin| origin.seen().is_empty()));
    });
}

#[test]
fn a_client_that_does_not_trust_the_launch_is_told_apart() {
    run(|world| {
        let root = Root::trusted(world);
        let origin = Origin::start(world, &root, "11.0.0.2:443", API);
        let jail = Jail::start(world, &spec(world, &root, &[API], &[requests(API, &[], &[])]));
        let mut command = jail.command("curl");
        command.args(["-sS", "--noproxy", "*", "--cacert", root.file.to_str().unwrap()]);
        let got = said(&command.arg("https://api.example.com/").output().unwrap());
        assert!(got.starts_with("exit Some(60)"), "{got}");
        // The client has ended the connection, which the broker sees soon after.
        let begun = Instant::now();
        let told = loop {
            let refused = jail.log().into_iter().find(|line| line["verdict"] == "refused");
            if let Some(told) = refused {
                break told;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "it is not reported");
            std::thread::sleep(Duration::from_millis(5));
        };
        assert!(
            told["reason"].as_str().unwrap().contains("does not trust the authority"),
            "{told}"
        );
        assert!(origin.seen().is_empty());
        // The control: with the bundle that it is given it does.
        assert!(curl(world, &jail, &["https://api.example.com/"]).starts_with("GET "));
    });
}

#[test]
fn plain_http_and_a_proxy_are_judged_by_the_same_rules() {
    run(|world| {
        let root = Root::trusted(world);
        Origin::start(world, &root, "11.0.0.2:443", API);
        crate::servers::http(world, "11.0.0.2:80");
        let rules = [requests(API, &["GET"], &["/v1/**"])];
        let mut spec = spec(world, &root, &[API], &rules);
        spec.listeners = vec![("proxy", "127.0.0.1", 8118)];
        let jail = Jail::start(world, &spec);
        for (scheme, way) in [
            ("http", &[][..]),
            ("http", &["--noproxy", "", "-x", "http://127.0.0.1:8118"]),
            ("http", &["--noproxy", "", "-p", "-x", "http://127.0.0.1:8118"]),
            ("https", &["--noproxy", "", "-x", "http://127.0.0.1:8118"]),
            ("https", &["--noproxy", "", "-x", "socks5h://127.0.0.1:8118"]),
            ("https", &["--noproxy", "", "-x", "socks5://127.0.0.1:8118"]),
        ] {
            let ask = |path: &str| {
                let url = format!("{scheme}://api.example.com{path}");
                let words = [way, &["-o", "/dev/null", "-w", "%{http_code}", &url]].concat();
                curl(world, &jail, &words)
            };
            assert_eq!(
                (ask("/v1/x"), ask("/v2")),
                ("200".into(), "403".into()),
                "{scheme} {way:?}"
            );
        }
    });
}

#[test]
fn what_is_given_is_there_before_the_launch_goes_on_and_what_cannot_be_stops_it() {
    run(|world| {
        let root = Root::trusted(world);
        let mut spec = spec(world, &root, &[API], &[requests(API, &[], &[])]);
        let store = json!({"trust-store": root.file.to_str().unwrap()});
        spec.given.push((store, GivenTo::File("store.p12")));
        let jail = Jail::launch(world, &spec);
        assert_eq!(jail.given(), "g");
        let bundle = std::fs::read_to_string(world.folder.join("bundle.pem")).unwrap();
        assert_eq!(bundle.matches("BEGIN CERTIFICATE").count(), 2);
        assert!(bundle.starts_with(&std::fs::read_to_string(&root.file).unwrap()));
        assert!(!std::fs::read(world.folder.join("store.p12")).unwrap().is_empty());
        drop(jail);
        spec.given = vec![(json!({"authorities": "/none"}), GivenTo::File("bundle.pem"))];
        let jail = Jail::launch(world, &spec);
        assert_eq!(jail.given(), "");
        let told = jail.end();
        assert!(told.contains("the certificates of authorities: /none: No such file"), "{told}");
        spec.given = vec![(json!({"placeholder": "KEY"}), GivenTo::Variable("KEY"))];
        let told = Jail::launch(world, &spec).end();
        assert!(told.contains("the secret `KEY` has no placeholder"), "{told}");
    });
}
