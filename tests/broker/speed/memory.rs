//! What judged requests take of the broker's memory: bodies of 1 GB both ways,
//! and 1,000 streams at once.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http2;
use hyper_util::rt::TokioIo;

use crate::jail::{Jail, said};
use crate::origin::{Local, Origin, Root};
use crate::requests::{API, client, curl_command, requests, secure, spec};
use crate::world::{World, run};

/// How long a body is.
const MUCH: usize = 1 << 30;

/// Streams on each of some connections, and how long each answer is.
const CONNECTIONS: usize = 5;
const STREAMS: usize = 200;
const ANSWER: usize = 256 * 1024;

#[test]
#[ignore = "a bench, which says nothing beside other tests"]
fn memory_of_judged_requests() {
    run(|world| {
        let root = Root::trusted(world);
        Origin::start(world, &root, "11.0.0.2:443", API);
        let jail = Jail::start(world, &spec(world, &root, &[API], &[requests(API, &[], &[])]));
        let get = format!("https://{API}/bytes/{MUCH}");
        let tell = |what: &str| println!("{what:<40} {:>7} kB", jail.most_memory());
        said(&curl_command(world, &jail).arg(format!("https://{API}/x")).output().unwrap());
        tell("after one request");
        for version in ["--http1.1", "--http2"] {
            let words = [version, "--max-time", "600", "-o", "/dev/null", "-w", "%{size_download}"];
            let output = curl_command(world, &jail).args(words).arg(&get).output().unwrap();
            assert_eq!(said(&output), MUCH.to_string());
            tell(&format!("1 GiB to the jail, {version}"));
            assert_eq!(upload(world, &jail, version), MUCH.to_string());
            tell(&format!("1 GiB from the jail, {version}"));
        }
        streams(world, &jail);
        tell(&format!("{} streams at once", CONNECTIONS * STREAMS));
        println!("{:<40} {:>7} kB", "left of it", jail.memory());
    });
}

fn upload(world: &World, jail: &Jail, version: &str) -> String {
    let script = format!(
        "head -c {MUCH} /dev/zero | curl -sS {version} --max-time 600 --noproxy '*' --cacert {} -T - https://{API}/count",
        world.folder.join("bundle.pem").display()
    );
    said(&jail.command("sh").args(["-c", &script]).output().unwrap())
}

fn streams(world: &World, jail: &Jail) {
    let to = format!("{}:443", jail.address(API));
    client(jail, async || {
        let mut answers = Vec::new();
        for _ in 0..CONNECTIONS {
            let stream = TokioIo::new(secure(world, &to, API, "h2").await.unwrap());
            let (sender, connection) = http2::handshake(Local, stream).await.unwrap();
            tokio::task::spawn_local(connection);
            for _ in 0..STREAMS {
                let request = Request::get(format!("https://{API}/bytes/{ANSWER}"));
                let answer =
                    sender.clone().send_request(request.body(Full::<Bytes>::default()).unwrap());
                let length = async {
                    answer.await.unwrap().into_body().collect().await.unwrap().to_bytes().len()
                };
                answers.push(tokio::task::spawn_local(length));
            }
        }
        for answer in answers {
            assert_eq!(answer.await.unwrap(), ANSWER);
        }
    });
}
