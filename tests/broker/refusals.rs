//! What a client gets that is refused while it still sends: its answer, over each version of HTTP,
//! and never a reset. And what refused and unanswered requests take of the broker's memory.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::Request;
use hyper::body::Frame;
use hyper::client::conn::http2;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

use crate::clients::Ended;
use crate::jail::Jail;
use crate::origin::{Body, Certificate, Local, Origin, Root};
use crate::requests::{API, client, requests, secure, spec};
use crate::world::run;

const KEY: &str = "sk-ant-api03-aB3cD4eF5gH6iJ7k-L8mN9oP0qR1sT2";

/// A host whose certificate this machine does not trust.
const BAD: &str = "bad.example.com";

/// A body that comes in pieces, with time between them, of which the first one is `first`.
fn slow_body(first: String) -> Body {
    let pieces = stream::unfold(0, move |number| {
        let piece =
            if number == 0 { Bytes::from(first.clone()) } else { vec![b'y'; 20_000].into() };
        async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            (number < 8).then(|| (Ok::<_, Infallible>(Frame::data(piece)), number + 1))
        }
    });
    StreamBody::new(pieces).boxed_unsync()
}

type Sender = http2::SendRequest<Body>;

async fn connect(world: &crate::world::World, to: &str, host: &str) -> Sender {
    let stream = secure(world, to, host, "h2").await.unwrap();
    let (sender, connection) = http2::handshake(Local, TokioIo::new(stream)).await.unwrap();
    tokio::task::spawn_local(connection);
    sender
}

/// Status and body of the answer, or what broke.
async fn asked(sender: &Sender, request: Request<Body>) -> Result<(u16, String), String> {
    let answer = sender.clone().send_request(request).await;
    let answer = answer.map_err(|error| format!("{error:?}"))?;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.map_err(|error| format!("{error:?}"))?;
    Ok((status, String::from_utf8(body.to_bytes().to_vec()).unwrap()))
}

#[test]
fn a_client_of_http2_that_still_sends_gets_the_answer_and_no_reset() {
    run(|world| {
        let (root, other) = (Root::trusted(world), Root::new(world, "other"));
        let origin = Origin::start(world, &root, "11.0.0.2:443", API);
        Origin::with(world, &other, ("11.0.0.3:443", BAD), Certificate::Good, &["h2"]);
        let mut spec = spec(world, &root, &[API], &[requests(BAD, &[], &[])]);
        spec.rules.push(crate::jail::rule_of(BAD));
        world.records.add(BAD, &["11.0.0.3"]);
        spec.egress["secrets"] = json!([{
            "name": "KEY", "from": {"variable": "KEY"}, "hosts": [API], "places": ["header"],
            "header": null, "optional": false, "by": "secret#1",
        }]);
        spec.variables = json!({ "KEY": KEY });
        spec.given.push((json!({"placeholder": "KEY"}), crate::jail::GivenTo::Variable("KEY")));
        let jail = Jail::start(world, &spec);
        let own = jail.given().strip_prefix("gKEY=").unwrap().to_owned();
        let [api, bad] = [API, BAD].map(|host| format!("{}:443", jail.address(host)));
        client(&jail, async || {
            let (api, bad) = (connect(world, &api, API).await, connect(world, &bad, BAD).await);
            let post = |host: &str| Request::post(format!("https://{host}/count"));
            for _ in 0..5 {
                for (sender, host, field, first, status, why) in [
                    (&api, API, ("x-note", own.as_str()), "", 403, "is in `x-note`"),
                    (&api, API, ("x-api-key", "other"), "", 403, "a credential that the spec"),
                    (&api, API, ("x-note", "a"), own.as_str(), 403, "is in the body"),
                    (&api, API, ("host", "evil.example.com"), "", 421, "`Host` field differ"),
                    (&bad, BAD, ("x-note", "a"), "", 502, "is not trusted"),
                    // The control: what is allowed goes through whole.
                    (&api, API, ("authorization", own.as_str()), "", 200, "140000"),
                ] {
                    let request = post(host).header(field.0, field.1);
                    let request = request.body(slow_body(first.to_owned())).unwrap();
                    let (got, body) = asked(sender, request).await.unwrap_or_else(|error| {
                        panic!("{field:?} {first}: {error}");
                    });
                    assert_eq!(got, status, "{field:?}: {body}");
                    assert!(body.contains(why), "{field:?}: {body}");
                }
            }
        });
        let heads = origin.heads().join("\n");
        assert!(!heads.contains(&own) && heads.contains(KEY), "{heads}");
    });
}

#[test]
fn heads_that_wait_have_room_together_and_others_get_a_503() {
    const LONG: usize = 60_000;
    const STREAMS: usize = 120;
    run(|world| {
        let root = Root::trusted(world);
        // A server that takes connections and never begins TLS: all that is for it waits.
        let _silent = crate::servers::listen(world, "11.0.0.2:443");
        let jail = Jail::start(world, &spec(world, &root, &[API], &[requests(API, &[], &[])]));
        let to = format!("{}:443", jail.address(API));
        let (crowded, taken) = client(&jail, async || {
            let before = jail.memory();
            let (mut senders, mut waiting) = (Vec::new(), Vec::new());
            // Four connections with 7 MB each, of which 16 MB in all may wait.
            for _ in 0..4 {
                let sender = connect(world, &to, API).await;
                for number in 0..STREAMS {
                    let request = Request::get(format!("https://{API}/{number}"));
                    let request = request.header("x-long", "a".repeat(LONG));
                    let body = Full::<Bytes>::default().boxed_unsync();
                    let answer = sender.clone().send_request(request.body(body).unwrap());
                    waiting.push(tokio::task::spawn_local(answer));
                }
                senders.push(sender);
            }
            for _ in 0..150 {
                tokio::time::sleep(Duration::from_millis(100)).await;
                if waiting.iter().filter(|answer| answer.is_finished()).count() >= 80 {
                    break;
                }
            }
            let taken = jail.memory() - before;
            let mut crowded = 0;
            for answer in waiting {
                if !answer.is_finished() {
                    answer.abort();
                } else if answer.await.unwrap().is_ok_and(|answer| answer.status() == 503) {
                    crowded += 1;
                }
            }
            // Those that were cancelled leave their room.
            tokio::time::sleep(Duration::from_secs(1)).await;
            let request = Request::get("https://evil.example.com/");
            let request = request.header("x-long", "a".repeat(LONG));
            let request = request.body(Full::<Bytes>::default().boxed_unsync()).unwrap();
            let (status, _) = asked(&senders[0], request).await.unwrap();
            assert_eq!(status, 421);
            (crowded, taken)
        });
        println!("{taken} kB for the heads, {crowded} refused");
        assert!((40..220).contains(&crowded), "{crowded}");
        assert!(taken < 96 * 1024, "{taken} kB");
    });
}

#[test]
fn under_internet_a_judged_host_has_only_the_ports_that_its_rules_name() {
    run(|world| {
        let root = Root::trusted(world);
        let (other, named) = ("other.example.com", "named.example.com");
        for at in ["11.0.0.2:22", "11.0.0.3:22"] {
            crate::servers::echo(world, at, "hello\n");
        }
        let rules = [requests(API, &["GET"], &[]), requests(named, &["GET"], &[])];
        let mut spec = spec(world, &root, &[API], &rules);
        spec.egress["internet"] = json!([443, 80, 22]);
        spec.rules.push(crate::jail::rule_of(&format!("{named}:22")));
        for (host, address) in [(other, "11.0.0.3"), (named, "11.0.0.3")] {
            world.records.add(host, &[address]);
        }
        let jail = Jail::start(world, &spec);
        let talk = |host: &str| jail.talk(&format!("{}:22", jail.address(host)), b"");
        assert_eq!(talk(API), Ended::Reset(String::new()));
        assert_eq!(jail.verdicts(API), ["refused 22"]);
        // The controls: any other public host has it, and so has a judged one
        // whose port a rule names.
        assert_eq!(talk(other), Ended::Open("hello\n".into()));
        assert_eq!(talk(named), Ended::Open("hello\n".into()));
        let log = jail.log();
        let line: &Value = log.iter().find(|line| line["verdict"] == "refused").unwrap();
        assert_eq!(line["remedy"], "(network-allow [ \"api.example.com:22\" ])");
    });
}
