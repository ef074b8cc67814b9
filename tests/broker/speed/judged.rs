//! What it costs that TLS ends in the broker and each request is judged, next to TLS
//! without it and to mitmproxy.
//!
//! `JAIL_BENCH_MITMDUMP` names mitmproxy's program without a screen; without it
//! there is no such comparison.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::json;

use super::{CLIENTS, HOST, REQUESTS, Running, SERVER, Way, head, measure_all, status};
use crate::bounds::middle;
use crate::jail::{GivenTo, Jail, Spec};
use crate::origin::{Certificate, Origin, Root};
use crate::world::{World, run};

const MITMPROXY: &str = "127.0.0.1:8889";

/// How long an answer is, and how much is carried at once.
const ANSWER: usize = 1000;
const MUCH: usize = 1 << 28;

/// Where a client connects, and whom it trusts.
#[derive(Clone)]
struct Road {
    to: SocketAddr,
    config: Arc<ClientConfig>,
    /// It is a proxy.
    is_proxy: bool,
}

type Stream = StreamOwned<ClientConnection, TcpStream>;

impl Road {
    fn new(to: &str, roots: &Path, is_proxy: bool) -> Self {
        let mut store = RootCertStore::empty();
        let pem = std::fs::read(roots).unwrap();
        store.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).map(Result::unwrap));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(store)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self { to: to.parse().unwrap(), config: Arc::new(config), is_proxy }
    }

    fn connect(&self) -> Stream {
        let mut stream = TcpStream::connect(self.to).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.set_nodelay(true).unwrap();
        if self.is_proxy {
            let order = format!("CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n\r\n");
            stream.write_all(order.as_bytes()).unwrap();
            assert_eq!(status(&head(&mut stream).0), "200");
        }
        let name = ServerName::try_from(HOST).unwrap();
        StreamOwned::new(ClientConnection::new(self.config.clone(), name).unwrap(), stream)
    }
}

/// Asks for so many bytes and reads them. When the first one was there.
fn ask(stream: &mut Stream, count: usize) -> Duration {
    let begun = Instant::now();
    let order = format!("GET /bytes/{count} HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    stream.write_all(order.as_bytes()).unwrap();
    let mut buffer = vec![0; 256 * 1024];
    let (mut got, mut first) = (0, None);
    // The server does not know the length before, so the end is that of the last chunk.
    loop {
        let read = stream.read(&mut buffer).unwrap();
        assert_ne!(read, 0, "the end");
        first.get_or_insert_with(|| begun.elapsed());
        got += read;
        if got > count && buffer[..read].ends_with(b"0\r\n\r\n") {
            return first.unwrap();
        }
    }
}

/// Requests a second of some clients at once, each on a connection that it keeps; microseconds to
/// the first byte of a later request, and with a new connection; MB/s.
fn measured(road: &Road) -> [f64; 4] {
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let mut stream = road.connect();
                for _ in 0..REQUESTS / CLIENTS {
                    ask(&mut stream, ANSWER);
                }
            });
        }
    });
    let rate = REQUESTS as f64 / begun.elapsed().as_secs_f64();
    let mut stream = road.connect();
    let later = middle_of(100, || ask(&mut stream, ANSWER));
    let new = middle_of(20, || {
        let begun = Instant::now();
        ask(&mut road.connect(), ANSWER);
        begun.elapsed()
    });
    let begun = Instant::now();
    ask(&mut stream, MUCH);
    [rate, later, new, MUCH as f64 / begun.elapsed().as_secs_f64() / 1e6]
}

/// In microseconds.
fn middle_of(count: usize, mut run: impl FnMut() -> Duration) -> f64 {
    middle((0..count).map(|_| run()).collect()).as_secs_f64() * 1e6
}

#[test]
#[ignore = "a bench, which says nothing next to other tests"]
fn speed_of_judged_requests() {
    run(|world| {
        world.bind("/etc/hosts", &format!("{SERVER} {HOST}\n"));
        let root = Root::trusted(world);
        let at = (&*format!("{SERVER}:443"), HOST);
        Origin::with(world, &root, at, Certificate::Good, &["http/1.1"]);
        let jail = Jail::start(world, &spec(&root));
        assert_eq!(jail.given(), "g");
        let broker = Road::new(
            &format!("{}:443", jail.address(HOST)),
            &world.folder.join("bundle.pem"),
            false,
        );
        let direct = Road::new(&format!("{SERVER}:443"), &root.file, false);
        let mitmproxy = mitmproxy(world, &root);
        let mut ways = vec![
            Way::new("direct", || measured(&direct)),
            Way::new("broker", || jail.inside(|| measured(&broker))),
        ];
        if let Some((_, road)) = &mitmproxy {
            ways.push(Way::new("mitmproxy", || measured(road)));
        }
        measure_all(&mut ways);
        println!("             requests/s  first byte µs  with a new connection µs  MB/s");
        for way in &ways {
            let [rate, later, new, much] = std::array::from_fn(|column| way.middle(column));
            println!("{:<12} {rate:>10.0} {later:>14.0} {new:>25.0} {much:>5.0}", way.name);
        }
        let [direct, broker, rest @ ..] = ways.as_slice() else { return };
        println!("broker to direct: {:.2} of the throughput", broker.to(direct, 3, |a, b| a / b));
        println!("  first byte {:+.0} µs later", broker.to(direct, 1, |a, b| a - b));
        for other in rest {
            println!(
                "broker to mitmproxy: {:.1} times the requests",
                broker.to(other, 0, |a, b| a / b)
            );
        }
        println!("  {} kB after all of it", jail.memory());
    });
}

fn spec(root: &Root) -> Spec {
    let mut spec = Spec::new(&[HOST]);
    let rule = json!({"host": HOST, "methods": ["GET"], "paths": ["/bytes/*"], "by": "http-allow"});
    spec.egress = json!({ "requests": [rule] });
    let bundle = json!({"authorities": root.file.to_str().unwrap()});
    spec.given = vec![(bundle, GivenTo::File("bundle.pem"))];
    spec
}

/// mitmproxy without a screen; none where it is not named.
fn mitmproxy(world: &World, root: &Root) -> Option<(Running, Road)> {
    let Some(program) = std::env::var_os("JAIL_BENCH_MITMDUMP").map(PathBuf::from) else {
        println!("mitmproxy is missing: JAIL_BENCH_MITMDUMP names its program mitmdump");
        return None;
    };
    let settings = world.folder.join("mitmproxy");
    let mut command = Command::new(program);
    command.args(["--quiet", "--listen-host", "127.0.0.1", "--listen-port", "8889", "--set"]);
    command.arg(format!("confdir={}", settings.display())).arg("--set");
    command.arg(format!("ssl_verify_upstream_trusted_ca={}", root.file.display()));
    let started = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    let Ok(running) = started.map(Running) else {
        println!("mitmproxy is not this user's to start");
        return None;
    };
    let begun = Instant::now();
    while TcpStream::connect(MITMPROXY).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(60), "mitmproxy does not start");
        std::thread::sleep(Duration::from_millis(50));
    }
    Some((running, Road::new(MITMPROXY, &settings.join("mitmproxy-ca-cert.pem"), true)))
}
