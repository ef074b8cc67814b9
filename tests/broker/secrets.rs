//! Secrets: the server sees the value, and the jail a placeholder.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http_body_util::{BodyExt as _, Full};
use hyper::Response;
use hyper::header::HeaderValue;
use serde_json::{Value, json};

use crate::jail::{GivenTo, Jail, Spec, said};
use crate::origin::{Answer, Body, Origin, Root};
use crate::requests::curl;
use crate::world::{World, run};

const API: &str = "api.example.com";
const OTHER: &str = "other.example.com";
const KEY: &str = "sk-ant-api03-aB3cD4eF5gH6iJ7k-L8mN9oP0qR1sT2";

/// A secret of the plan that comes from a variable of its own name.
fn secret(name: &str, places: &[&str], header: Option<&str>) -> Value {
    json!({
        "name": name, "from": {"variable": name}, "hosts": [API], "places": places,
        "header": header, "optional": false, "by": format!("secret#{name}"),
    })
}

/// A spec with secrets, whose TLS ends in the broker, and another host.
fn spec(world: &World, root: &Root, secrets: &[Value]) -> Spec {
    for host in [API, OTHER] {
        world.records.add(host, &[if host == API { "11.0.0.2" } else { "11.0.0.3" }]);
    }
    let mut spec = Spec::new(&[API, OTHER]);
    // Requests to the other host are read as well.
    let all = json!({"host": OTHER, "methods": [], "paths": [], "by": "http-allow#1"});
    spec.egress = json!({ "secrets": secrets, "requests": [all] });
    spec.variables = json!({ "KEY": KEY });
    spec.given =
        vec![(json!({"authorities": root.file.to_str().unwrap()}), GivenTo::File("bundle.pem"))];
    for secret in secrets {
        let name = secret["name"].as_str().unwrap();
        if name == "KEY" && secret["places"] != json!([]) {
            spec.given.push((json!({"placeholder": name}), GivenTo::Variable("KEY")));
        }
    }
    spec
}

/// What the launch puts into the jail's variable.
fn placeholder(jail: &Jail) -> String {
    jail.given().strip_prefix("gKEY=").unwrap().to_owned()
}

#[test]
fn the_server_sees_the_value_and_the_client_does_not() {
    run(|world| {
        let root = Root::trusted(world);
        let origin = Origin::start(world, &root, "11.0.0.2:443", API);
        let spec = spec(world, &root, &[secret("KEY", &["header"], Some("x-api-key"))]);
        let jail = Jail::start(world, &spec);
        let own = placeholder(&jail);
        assert!(own.starts_with("sk-ant-api03-") && own.len() == KEY.len() && own != KEY);
        for version in ["--http1.1", "--http2"] {
            let field = format!("x-api-key: {own}");
            let words = [version, "-i", "-H", &field, "https://api.example.com/v1"];
            // The server sends all of the request back.
            let answer = curl(world, &jail, &words);
            assert!(answer.contains(&field) && !answer.contains(KEY), "{answer}");
            let head = origin.heads().pop().unwrap();
            assert!(head.contains(&format!("x-api-key: {KEY}")), "{head}");
            assert!(head.contains("accept-encoding: identity") && !head.contains(&own), "{head}");
        }
        let status = jail.order(&json!({"do": "status"}));
        let told = &status["status"]["secrets"];
        assert_eq!((&told[0]["name"], &told[0]["hosts"]), (&json!("KEY"), &json!([API])));
        let uses = &told[0]["uses"];
        assert_eq!((&uses[0]["host"], &uses[0]["count"]), (&json!(API), &json!(2)));
        assert!(uses[0]["last"].is_string() && !status.to_string().contains(KEY), "{status}");
        let used = jail.log().into_iter().filter(|line| line["verdict"] == "used");
        let used: Vec<Value> = used.collect();
        assert_eq!(used.len(), 1);
        assert_eq!((&used[0]["secret"], &used[0]["host"]), (&json!("KEY"), &json!(API)));
        let log = world.folder.join("state/log/jailed-test/s1.jsonl");
        jail.end();
        let log = fs::read_to_string(log).unwrap();
        // What was counted of other lines comes behind it.
        let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let last = lines.rev().find(|line| line["verdict"] == "used").unwrap();
        assert_eq!(last["count"], 2);
        assert!(!log.contains(KEY) && last["last"].is_string());
    });
}

#[test]
fn nothing_else_gets_a_placeholder_or_another_key() {
    run(|world| {
        let root = Root::trusted(world);
        let origin = Origin::start(world, &root, "11.0.0.2:443", API);
        let other = Origin::start(world, &root, "11.0.0.3:443", OTHER);
        crate::servers::http(world, "11.0.0.2:80");
        let spec = spec(world, &root, &[secret("KEY", &["header"], Some("x-api-key"))]);
        let jail = Jail::start(world, &spec);
        let own = placeholder(&jail);
        let field = format!("x-api-key: {own}");
        let upper = format!("x-api-key: {}", own.to_uppercase());
        let referer = format!("referer: https://api.example.com/?key={own}");
        let body = format!("{{\"key\": \"{own}\"}}");
        for (words, why) in [
            (["-H", &field, "https://other.example.com/"], "may not go to this host"),
            (["-H", &referer, "https://other.example.com/"], "may not go to this host"),
            (["-d", &body, "https://other.example.com/"], "may not go to this host"),
            (["-H", &referer, "https://api.example.com/"], "is in `referer`"),
            (["-d", &body, "https://api.example.com/"], "is in the body"),
            (["-H", &upper, "https://api.example.com/"], "`x-api-key` has a credential"),
            (["-H", &field, "http://api.example.com/"], "only in requests over TLS"),
            (["-H", "x-api-key: sk-ant-api03-else", "https://api.example.com/"], "a credential"),
            (["-H", "X_Api_Key: sk-ant-api03-else", "https://api.example.com/"], "a credential"),
            (["-G", &format!("-dkey={own}"), "https://api.example.com/"], "is in the query"),
        ] {
            for version in ["--http1.1", "--http2"] {
                let words = [&[version, "-w", "\n%{http_code}"][..], &words].concat();
                let answer = curl(world, &jail, &words);
                let (told, status) = answer.rsplit_once('\n').unwrap();
                assert_eq!(status, "403", "{words:?} {told}");
                let told: Value = serde_json::from_str(told).unwrap();
                let told = told["error"].as_str().unwrap();
                assert!(told.contains(why) && !told.contains(KEY), "{told}");
                // What happens again is counted, not written again.
                let is_it = |line: &Value| {
                    let reason = line["reason"].as_str().unwrap_or_default();
                    line["verdict"] == "refused" && told == format!("jailgen: {reason}")
                };
                assert!(jail.log().iter().any(is_it), "{told}");
            }
        }
        // A body may be on its way when the placeholder comes, and no server has got it whole.
        let seen = [origin.heads(), other.heads()].concat().join("\n");
        assert!(!seen.contains(KEY) && !seen.contains(&own), "{seen}");
        // The control: the same host takes a request without a key, and the other
        // one any key of somebody's.
        assert!(curl(world, &jail, &["https://api.example.com/"]).starts_with("GET "));
        let words = ["-H", "x-api-key: sk-ant-api03-else", "https://other.example.com/"];
        assert!(curl(world, &jail, &words).starts_with("GET "));
    });
}

/// A server that gives the files of a folder to every client with the password, as
/// git and pip ask for them.
fn guarded(folder: PathBuf, password: &'static str) -> Answer {
    Arc::new(move |request| {
        let expected = format!("Basic {}", BASE64_STANDARD.encode(format!("x:{password}")));
        let is_allowed = request
            .headers()
            .get("authorization")
            .is_some_and(|value| value.as_bytes() == expected.as_bytes());
        let file = folder.join(request.uri().path().trim_start_matches('/'));
        Box::pin(async move {
            let text = |bytes: Vec<u8>| -> Body { Full::new(bytes.into()).boxed_unsync() };
            if !is_allowed {
                let mut answer = Response::new(text(Vec::new()));
                *answer.status_mut() = hyper::StatusCode::UNAUTHORIZED;
                let asks = HeaderValue::from_static("Basic realm=\"x\"");
                answer.headers_mut().insert("www-authenticate", asks);
                return answer;
            }
            let mut answer = Response::new(text(fs::read(&file).unwrap_or_default()));
            if !file.is_file() {
                *answer.status_mut() = hyper::StatusCode::NOT_FOUND;
            }
            answer
        })
    })
}

#[test]
fn git_gets_in_with_a_placeholder_in_its_credentials() {
    run(|world| {
        let root = Root::trusted(world);
        let there = world.folder.join("there");
        let script = "git init -q --bare r.git && git init -q w && cd w && \
            git -c user.name=a -c user.email=a@b commit -q --allow-empty -m first && \
            git push -q ../r.git HEAD:main && cd ../r.git && git symbolic-ref HEAD refs/heads/main && \
            git update-server-info";
        fs::create_dir(&there).unwrap();
        let mut made = Command::new("sh");
        made.args(["-ec", script]).current_dir(&there).env("HOME", &there);
        assert_eq!(said(&made.output().unwrap()), "");
        let origin =
            Origin::answering(world, &root, ("11.0.0.2:443", API), guarded(there.clone(), KEY));
        let jail =
            Jail::start(world, &spec(world, &root, &[secret("KEY", &["header", "basic"], None)]));
        let own = placeholder(&jail);
        let clone = |password: &str, to: &str| {
            let url = format!("https://x:{password}@api.example.com/r.git");
            let mut git = jail.command("git");
            git.args(["-c", "credential.helper=", "clone", "-q", &url]).arg(world.folder.join(to));
            git.env("HOME", &world.folder).env("GIT_TERMINAL_PROMPT", "0");
            git.env("GIT_SSL_CAINFO", world.folder.join("bundle.pem"));
            said(&git.output().unwrap())
        };
        assert_eq!(clone(&own, "clone"), "");
        let mut log = Command::new("git");
        log.args(["-C", "clone", "log", "--format=%s"]).env("HOME", &world.folder);
        assert_eq!(said(&log.current_dir(&world.folder).output().unwrap()), "first\n");
        let heads = origin.heads();
        // git waits for the challenge.
        assert!(!heads[0].contains("authorization"), "{}", heads[0]);
        let password = BASE64_STANDARD.encode(format!("x:{KEY}"));
        assert!(heads.last().unwrap().contains(&password));
        let config = fs::read_to_string(world.folder.join("clone/.git/config")).unwrap();
        assert!(config.contains(&own) && !config.contains(KEY));
        let other = clone("somebody-elses", "another");
        assert!(other.contains("403"), "{other}");
    });
}

#[test]
fn programs_send_it_in_a_query_and_a_body() {
    run(|world| {
        let root = Root::trusted(world);
        // As it came, in an encoding that nothing is looked for in.
        let reversed: Answer = Arc::new(|request| {
            Box::pin(async move {
                let mut text = format!("{}\n", request.uri()).into_bytes();
                let length = request.headers().get("content-length").cloned();
                text.extend_from_slice(&request.into_body().collect().await.unwrap().to_bytes());
                text.reverse();
                let mut answer = Response::new(Full::new(text.into()).boxed_unsync());
                if let Some(length) = length {
                    answer.headers_mut().insert("x-length", length);
                }
                answer
            })
        });
        Origin::answering(world, &root, ("11.0.0.2:443", API), reversed);
        let mut spec = spec(world, &root, &[secret("KEY", &["query", "body"], None)]);
        let value = "p\"ss\\word+with/marks=";
        spec.variables = json!({ "KEY": value });
        let jail = Jail::start(world, &spec);
        let own = placeholder(&jail);
        let arrives =
            |words: &[&str]| -> String { curl(world, &jail, words).chars().rev().collect() };
        for version in ["--http1.1", "--http2"] {
            let url = format!("https://api.example.com/?a=1&key={own}");
            let got = arrives(&[version, &url]);
            assert!(got.ends_with("/?a=1&key=p%22ss%5Cword%2Bwith%2Fmarks%3D\n"), "{got}");
            let form = format!("a=1&key={own}");
            let got = arrives(&[version, "-d", &form, "https://api.example.com/"]);
            assert!(got.ends_with("\na=1&key=p%22ss%5Cword%2Bwith%2Fmarks%3D"), "{got}");
            let text = json!({ "key": own }).to_string();
            let kind = "content-type: application/json";
            let got = arrives(&[version, "-H", kind, "-d", &text, "https://api.example.com/"]);
            let read: Value = serde_json::from_str(got.lines().last().unwrap()).unwrap();
            assert_eq!(read["key"], value);
            // If the length stays the same, it is given.
            let kind = "content-type: text/plain";
            let words = [version, "-i", "-H", kind, "-d", &own, "https://api.example.com/"];
            let got = curl(world, &jail, &words);
            assert!(got.contains(&format!("x-length: {}", value.len())), "{got}");
        }
    });
}

#[test]
fn an_answer_that_was_compressed_all_the_same_is_refused() {
    run(|world| {
        let root = Root::trusted(world);
        let compressed: Answer = Arc::new(|_| {
            Box::pin(async {
                let mut answer = Response::new(Full::new("x".into()).boxed_unsync());
                let gzip = HeaderValue::from_static("gzip");
                answer.headers_mut().insert("content-encoding", gzip);
                answer
            })
        });
        Origin::answering(world, &root, ("11.0.0.2:443", API), compressed.clone());
        Origin::answering(world, &root, ("11.0.0.3:443", OTHER), compressed);
        let jail = Jail::start(world, &spec(world, &root, &[secret("KEY", &["header"], None)]));
        let words = |host| format!("https://{host}/");
        let told = curl(world, &jail, &["-w", "%{http_code}", &words(API)]);
        assert!(
            told.contains("the server compressed its answer") && told.ends_with("502"),
            "{told}"
        );
        // The control: a host that gets no value sends what it likes.
        assert_eq!(curl(world, &jail, &["-w", "%{http_code}", &words(OTHER)]), "x200");
    });
}

/// A server inside that adds the key.
fn socket(path: &str) -> Value {
    json!({
        "secret": "KEY", "host": API, "port": 443, "header": "authorization",
        "prefix": "Bearer ", "path": path, "socket": "/key.sock", "listen": 8129,
        "by": "secret-socket#1",
    })
}

#[test]
fn a_server_inside_adds_the_value_and_is_for_one_host() {
    run(|world| {
        let root = Root::trusted(world);
        let origin = Origin::start(world, &root, "11.0.0.2:443", API);
        let mut only = secret("KEY", &[], None);
        only["hosts"] = json!([]);
        let mut spec = spec(world, &root, &[only]);
        spec.egress["sockets"] = json!([socket("/v1")]);
        spec.given = vec![(json!({"server": "/key.sock"}), GivenTo::Socket("key.sock"))];
        spec.listeners = vec![("secret-socket", "127.0.0.1", 8129)];
        let jail = Jail::start(world, &spec);
        assert_eq!(jail.given(), "g");
        let path = world.folder.join("key.sock");
        let ask = |words: &[&str]| {
            let mut command = jail.command("curl");
            said(
                &command
                    .args(["-sS", "--path-as-is", "--max-time", "20"])
                    .args(words)
                    .output()
                    .unwrap(),
            )
        };
        let by_socket = ["--unix-socket", path.to_str().unwrap(), "http://whatever/models?x=1"];
        for words in [&by_socket[..], &["http://127.0.0.1:8129/models?x=1"]] {
            let own = ["-H", "authorization: Bearer own", "-H", "x-api-key: own"];
            let answer = ask(&[&own, words].concat());
            assert!(!answer.contains(KEY), "{answer}");
            let head = origin.heads().pop().unwrap();
            assert!(
                head.starts_with("GET https://api.example.com/v1/models?x=1 HTTP/2.0"),
                "{head}"
            );
            assert!(head.contains(&format!("authorization: Bearer {KEY}")), "{head}");
            assert!(!head.contains("own"), "{head}");
        }
        let before = origin.heads().len();
        for (words, status) in [
            (&["http://127.0.0.1:8129/../secret"][..], "403"),
            (&["http://127.0.0.1:8129/%2e%2e/secret"], "403"),
            (&["-X", "TRACE", "http://127.0.0.1:8129/x"], "403"),
            (&["http://127.0.0.1:8129/x?api_key=other"], "403"),
            (&["-p", "-x", "http://127.0.0.1:8129", "http://evil.example.net/"], "000"),
            (&["--http2-prior-knowledge", "http://127.0.0.1:8129/"], "000"),
        ] {
            let got = ask(&[&["-o", "/dev/null", "-w", "%{http_code}"], words].concat());
            assert!(got.contains(status), "{words:?} {got}");
        }
        assert_eq!(origin.heads().len(), before);
        // In a proxy's words it is one more request to the same host.
        ask(&["-x", "http://127.0.0.1:8129", "http://evil.example.net/x"]);
        assert!(origin.seen().pop().unwrap().starts_with("GET https://api.example.com/v1/x "));
        // The events of a stream come one by one, and a WebSocket is one.
        let events = ask(&["-N", "http://127.0.0.1:8129/events/2"]);
        assert!(events.contains("/v1/events/2"), "{events}");
        let upgrade = ["-i", "-N", "-H", "connection: upgrade", "-H", "upgrade: websocket"];
        let got = ask(&[&upgrade, &["--max-time", "2", "http://127.0.0.1:8129/x"][..]].concat());
        assert!(got.contains("HTTP/1.1 101 "), "{got}");
        assert!(origin.heads().pop().unwrap().contains(&format!("authorization: Bearer {KEY}")));
    });
}

#[test]
fn a_secret_that_is_missing_stops_the_launch_or_is_left_out() {
    run(|world| {
        let root = Root::trusted(world);
        let origin = Origin::start(world, &root, "11.0.0.2:443", API);
        let mut one = secret("KEY", &["header"], None);
        let mut spec = spec(world, &root, &[one.clone()]);
        spec.given.push((json!({"placeholder": "KEY"}), GivenTo::File("key")));
        spec.variables = json!({});
        let told = Jail::launch(world, &spec).end();
        assert!(
            told.contains("the secret `KEY` (test.jail:4:3): the variable KEY is not set"),
            "{told}"
        );
        spec.variables = json!({ "KEY": "hunter2" });
        let told = Jail::launch(world, &spec).end();
        assert!(told.contains("`KEY`: it has 7 characters") && !told.contains("hunter2"), "{told}");
        one["optional"] = true.into();
        spec.egress["secrets"] = json!([one]);
        spec.variables = json!({});
        let jail = Jail::start(world, &spec);
        assert_eq!(jail.given(), "g");
        assert_eq!(fs::read(world.folder.join("key")).unwrap(), b"");
        // The broker does not handle a host that gets nothing, so its TLS does not end here.
        let through = jail
            .command("curl")
            .args(["-sS", "--cacert", root.file.to_str().unwrap()])
            .args(["-H", "x-api-key: x", "https://api.example.com/"])
            .output()
            .unwrap();
        assert!(said(&through).starts_with("GET "));
        assert!(origin.heads().pop().unwrap().contains("x-api-key: x"));
    });
}

/// The files below a folder that hold a text, which are not sockets.
fn holding(folder: &Path, text: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            holding(&path, text, found);
        } else if kind.is_file()
            && memchr::memmem::find(&fs::read(&path).unwrap(), text.as_bytes()).is_some()
        {
            found.push(path);
        }
    }
}

/// Sends a signal until it has ended a process. Of SIGSEGV the first one is Rust's own handler's,
/// which looks for a stack that is full.
fn crash(process: &mut Child, signal: i32) -> ExitStatus {
    let number = rustix::process::Pid::from_raw(process.id().cast_signed()).unwrap();
    let signal = rustix::process::Signal::from_named_raw(signal).unwrap();
    for _ in 0..1000 {
        rustix::process::kill_process(number, signal).unwrap();
        std::thread::sleep(Duration::from_millis(10));
        if let Some(status) = process.try_wait().unwrap() {
            return status;
        }
    }
    panic!("the broker does not end");
}

#[test]
fn a_broker_that_crashes_leaves_no_core_and_no_value_in_any_file() {
    run(|world| {
        let root = Root::trusted(world);
        Origin::start(world, &root, "11.0.0.2:443", API);
        let source = world.file("key", &format!("{KEY}\n"));
        fs::set_permissions(&source, fs::Permissions::from_mode(0o600)).unwrap();
        let mut one = secret("KEY", &["header"], None);
        one["from"] = json!({"file": source.to_str().unwrap()});
        for signal in [libc::SIGSEGV, libc::SIGABRT] {
            let mut spec = spec(world, &root, &[one.clone()]);
            spec.secret_files = json!({ "KEY": source.to_str().unwrap() });
            spec.variables = json!({});
            let mut jail = Jail::start(world, &spec);
            let own = placeholder(&jail);
            let field = format!("authorization: Bearer {own}");
            let answer = curl(world, &jail, &["-H", &field, "https://api.example.com/"]);
            assert!(answer.contains(&own), "{answer}");
            let status = crash(&mut jail.broker, signal);
            assert!(status.signal().is_some() && !status.core_dumped(), "{status:?}");
        }
        let mut found = Vec::new();
        holding(&world.folder, KEY, &mut found);
        // The control: it is found where it came from.
        assert_eq!(found, [source]);
    });
}
