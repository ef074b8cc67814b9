//! What passes where requests are judged: every version of HTTP to every other, bodies of
//! any length, events, WebSockets.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::rt::TokioIo;

use crate::jail::{Jail, said};
use crate::origin::{Certificate, Local, Origin, Root};
use crate::requests::{API, client, curl, curl_command, requests, secure, spec, talk};
use crate::world::run;

#[test]
fn each_version_of_http_meets_each_other() {
    run(|world| {
        let root = Root::trusted(world);
        let old = "old.example.com";
        Origin::start(world, &root, "11.0.0.2:443", API);
        Origin::with(world, &root, ("11.0.0.3:443", old), Certificate::Good, &["http/1.1"]);
        let rules = [requests(API, &[], &[]), requests(old, &[], &[])];
        let mut spec = spec(world, &root, &[API], &rules);
        world.records.add(old, &["11.0.0.3"]);
        spec.rules.push(crate::jail::rule_of(old));
        let jail = Jail::start(world, &spec);
        for (version, host, answer) in [
            ("--http1.1", API, "GET https://api.example.com/x HTTP/2.0"),
            ("--http2", API, "GET https://api.example.com/x HTTP/2.0"),
            ("--http1.1", old, "GET /x HTTP/1.1"),
            ("--http2", old, "GET /x HTTP/1.1"),
        ] {
            let url = format!("https://{host}/x");
            let words = [version, "-w", "%{http_version}", "-b", "a=1", "-H", "Cookie: b=2", &url];
            let got = curl(world, &jail, &words);
            assert!(got.starts_with(answer), "{version} {host}: {got}");
            let own = if version == "--http2" { "2" } else { "1.1" };
            assert!(got.ends_with(own), "{version} {host}: {got}");
            // A body of a length that is not known before, up and down.
            let url = format!("https://{host}/echo");
            let got = said(
                &curl_command(world, &jail)
                    .args([version, "-H", "Transfer-Encoding: chunked", "-d", "some", &url])
                    .output()
                    .unwrap(),
            );
            assert!(got.ends_with("\nsome"), "{got}");
            let url = format!("https://{host}/trailers");
            let got = curl(world, &jail, &[version, "-H", "TE: trailers", "-D", "-", &url]);
            assert!(got.contains("x-sum: 7"), "{version} {host}: {got}");
        }
    });
}

#[test]
fn web_sockets_and_events_pass_as_they_come() {
    run(|world| {
        let root = Root::trusted(world);
        Origin::start(world, &root, "11.0.0.2:443", API);
        let rules = [requests(API, &["GET"], &["/socket", "/events/*"])];
        let jail = Jail::start(world, &spec(world, &root, &[API], &rules));
        // The server offers HTTP/2, which has no such upgrade here, and is
        // spoken to in HTTP/1.1 for it.
        let upgrade = "Host: api.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
        let got = talk(world, &jail, &format!("GET /socket HTTP/1.1\r\n{upgrade}early"));
        assert!(got.starts_with("HTTP/1.1 101 ") && got.ends_with("\r\n\r\nearly"), "{got}");
        let got = talk(world, &jail, &format!("GET /other HTTP/1.1\r\n{upgrade}early"));
        assert!(got.starts_with("HTTP/1.1 403 "), "{got}");
        // The server sends the second event some time after the first,
        // which the client has by then.
        for protocol in ["http/1.1", "h2"] {
            let to = format!("{}:443", jail.address(API));
            let mut frames = client(&jail, async || {
                let stream = TokioIo::new(secure(world, &to, API, protocol).await.unwrap());
                let request = Request::get("https://api.example.com/events/3");
                let request = request.body(Full::<Bytes>::default()).unwrap();
                let mut answer = if protocol == "h2" {
                    let made = hyper::client::conn::http2::handshake(Local, stream).await;
                    let (mut sender, connection) = made.unwrap();
                    tokio::task::spawn_local(connection);
                    sender.send_request(request).await.unwrap()
                } else {
                    let (mut sender, connection) =
                        hyper::client::conn::http1::handshake(stream).await.unwrap();
                    tokio::task::spawn_local(connection);
                    let mut request = request;
                    request.headers_mut().insert("host", API.parse().unwrap());
                    sender.send_request(request).await.unwrap()
                };
                let mut frames: Vec<String> = Vec::new();
                while let Some(Ok(frame)) = answer.frame().await {
                    frames.extend(
                        frame.into_data().map(|data| String::from_utf8(data.to_vec()).unwrap()),
                    );
                }
                frames
            });
            frames.retain(|frame| !frame.is_empty());
            assert_eq!(frames, ["data: 0\n\n", "data: 1\n\n", "data: 2\n\n"], "{protocol}");
        }
    });
}

#[test]
fn much_more_than_a_buffer_leaves_the_memory_as_it_was() {
    const MUCH: usize = 1 << 28;
    run(|world| {
        let root = Root::trusted(world);
        Origin::start(world, &root, "11.0.0.2:443", API);
        let jail = Jail::start(world, &spec(world, &root, &[API], &[requests(API, &[], &[])]));
        curl(world, &jail, &["https://api.example.com/bytes/1000000", "-o", "/dev/null"]);
        let before = jail.memory();
        for version in ["--http1.1", "--http2"] {
            let url = format!("https://api.example.com/bytes/{MUCH}");
            let words =
                [version, "--max-time", "120", "-o", "/dev/null", "-w", "%{size_download}", &url];
            assert_eq!(curl(world, &jail, &words), MUCH.to_string());
            let upload = format!(
                "head -c {MUCH} /dev/zero | curl -sS {version} --max-time 120 --noproxy '*' --cacert {} -T - https://api.example.com/count",
                world.folder.join("bundle.pem").display()
            );
            let got = said(&jail.command("sh").args(["-c", &upload]).output().unwrap());
            assert_eq!(got, MUCH.to_string());
        }
        let after = jail.memory();
        assert!(after < before + 16 * 1024, "{before} kB before, {after} kB after");
    });
}

#[test]
fn streams_that_nobody_reads_hold_up_no_others_and_take_little_memory() {
    run(|world| {
        let root = Root::trusted(world);
        Origin::start(world, &root, "11.0.0.2:443", API);
        let jail = Jail::start(world, &spec(world, &root, &[API], &[requests(API, &[], &[])]));
        let to = format!("{}:443", jail.address(API));
        curl(world, &jail, &["https://api.example.com/x"]);
        let before = jail.memory();
        client(&jail, async || {
            let stream = TokioIo::new(secure(world, &to, API, "h2").await.unwrap());
            let mut builder = hyper::client::conn::http2::Builder::new(Local);
            builder.initial_stream_window_size(65_535).initial_connection_window_size(16 << 20);
            let (sender, connection) = builder.handshake(stream).await.unwrap();
            tokio::task::spawn_local(connection);
            let ask = |path: &str| {
                let request = Request::get(format!("https://api.example.com{path}"));
                sender.clone().send_request(request.body(Full::<Bytes>::default()).unwrap())
            };
            let mut unread = Vec::new();
            for _ in 0..12 {
                unread.push(ask("/bytes/100000000").await.unwrap());
            }
            for _ in 0..20 {
                let answer = ask("/bytes/200000").await.unwrap();
                let body = answer.into_body().collect().await.unwrap().to_bytes();
                assert_eq!(body.len(), 200_000);
            }
            let taken = jail.memory() - before;
            assert!(taken < 48 * 1024, "{taken} kB");
        });
    });
}

#[test]
fn many_connections_that_nobody_reads_take_no_more_memory_each() {
    run(|world| {
        let root = Root::trusted(world);
        Origin::start(world, &root, "11.0.0.2:443", API);
        let jail = Jail::start(world, &spec(world, &root, &[API], &[requests(API, &[], &[])]));
        let to = format!("{}:443", jail.address(API));
        curl(world, &jail, &["https://api.example.com/x"]);
        let before = jail.memory();
        client(&jail, async || {
            let mut unread = Vec::new();
            for _ in 0..20 {
                let stream = TokioIo::new(secure(world, &to, API, "h2").await.unwrap());
                let (sender, connection) =
                    hyper::client::conn::http2::handshake(Local, stream).await.unwrap();
                tokio::task::spawn_local(connection);
                // More than a whole window has room for.
                for _ in 0..16 {
                    let request = Request::get("https://api.example.com/bytes/100000000");
                    let request = request.body(Full::<Bytes>::default()).unwrap();
                    unread.push((sender.clone(), sender.clone().send_request(request).await));
                }
            }
            // Until all has come that may.
            tokio::time::sleep(Duration::from_secs(2)).await;
            let taken = jail.memory() - before;
            assert!(taken < 240 * 1024, "{taken} kB");
        });
    });
}
