//! A bench, for `make bench`: what the broker costs compared with a connection
//! without it, and with tinyproxy.
//!
//! In each round every way is measured once, in an order of the round's own; differences and
//! ratios are of one round, and the middle one of all rounds is printed. `JAIL_BENCH_ROUNDS` takes
//! another number of rounds.

mod judged;
mod memory;

use std::hash::{BuildHasher, RandomState};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::bounds::{memory_of_idle, middle, trip};
use crate::jail::{Jail, Spec};
use crate::programs::{Running, fetched, listens};
use crate::servers::{listen, serve};
use crate::world::{World, run};

/// What is carried at once.
const MUCH: usize = 64 << 20;

/// How many requests of HTTP a round has, and how many clients share them.
const REQUESTS: usize = 400;
const CLIENTS: usize = 4;

const HOST: &str = "a.example.com";
const SERVER: &str = "11.0.0.2";
const OUR_PROXY: &str = "127.0.0.1:8118";
const TINYPROXY: &str = "127.0.0.1:8888";

fn rounds() -> usize {
    std::env::var("JAIL_BENCH_ROUNDS").map_or(21, |text| text.parse().unwrap())
}

/// The numbers below `count` in an order of chance.
fn shuffled(count: usize) -> Vec<usize> {
    let mut all: Vec<usize> = (0..count).collect();
    let chance = RandomState::new();
    all.sort_by_key(|number| chance.hash_one(number));
    all
}

/// What is measured in one way: a row for each round.
struct Way<'a, const N: usize> {
    name: &'a str,
    measure: Box<dyn Fn() -> [f64; N] + 'a>,
    rows: Vec<[f64; N]>,
}

impl<'a, const N: usize> Way<'a, N> {
    fn new(name: &'a str, measure: impl Fn() -> [f64; N] + 'a) -> Self {
        Self { name, measure: Box::new(measure), rows: Vec::new() }
    }

    fn middle(&self, column: usize) -> f64 {
        middle(self.rows.iter().map(|row| row[column]).collect())
    }

    /// The middle one of what `compare` says of a column in each round, ours first.
    fn to(&self, other: &Self, column: usize, compare: impl Fn(f64, f64) -> f64) -> f64 {
        let pairs = self.rows.iter().zip(&other.rows);
        middle(pairs.map(|(ours, theirs)| compare(ours[column], theirs[column])).collect())
    }
}

/// Every way once in each round; a round before them is for the caches.
fn measure_all<const N: usize>(ways: &mut [Way<'_, N>]) {
    for round in 0..=rounds() {
        for number in shuffled(ways.len()) {
            let row = (ways[number].measure)();
            if round > 0 {
                ways[number].rows.push(row);
            }
        }
    }
}

#[test]
#[ignore = "a bench, which says nothing next to other tests"]
fn speed_of_the_relay() {
    run(|world| {
        world.bind("/etc/hosts", &format!("{SERVER} {HOST}\n"));
        serve(listen(world, "11.0.0.2:22"), answer);
        let jail = Jail::start(world, &Spec::new(&["a.example.com:22"]));
        let inside: SocketAddr = format!("{}:22", jail.address(HOST)).parse().unwrap();
        let server: SocketAddr = "11.0.0.2:22".parse().unwrap();
        let mut ways = [
            Way::new("broker", || jail.inside(|| carried(inside))),
            Way::new("direct", || carried(server)),
            Way::new("loopback", || world.among_servers(|| carried(server))),
        ];
        measure_all(&mut ways);
        let [broker, others @ ..] = &ways;
        println!("                   down MB/s  up MB/s  first byte µs  round trip µs");
        for way in &ways {
            let [down, up, first, later] = std::array::from_fn(|column| way.middle(column));
            println!("{:<18} {down:>9.0} {up:>8.0} {first:>14.1} {later:>14.1}", way.name);
        }
        for other in others {
            let [down, up] = [0, 1].map(|column| broker.to(other, column, |a, b| a / b));
            let [first, later] = [2, 3].map(|column| broker.to(other, column, |a, b| a - b));
            let name = format!("broker to {}", other.name);
            println!("{name:<18} {down:>9.2} {up:>8.2} {first:>+14.1} {later:>+14.1}");
        }
    });
}

/// The server's side: one byte for `s`, much for `m`, and one byte after much for `u`.
fn answer(mut stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut buffer = vec![0; 1 << 20];
    let mut order = [0];
    while stream.read_exact(&mut order).is_ok() {
        let times = if order == *b"s" { 0 } else { MUCH / buffer.len() };
        let done = (0..times).try_for_each(|_| match &order {
            b"m" => stream.write_all(&buffer),
            _ => stream.read_exact(&mut buffer),
        });
        if done.is_err() || (order != *b"m" && stream.write_all(b"x").is_err()) {
            return;
        }
    }
}

/// MB/s to the client and from it; microseconds for a connection with its first byte,
/// and for a later round trip.
fn carried(to: SocketAddr) -> [f64; 4] {
    let first = times(50, || trip(&mut TcpStream::connect(to).unwrap()));
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_nodelay(true).unwrap();
    let later = times(200, || trip(&mut stream));
    let mut buffer = vec![0; 1 << 20];
    let begun = Instant::now();
    stream.write_all(b"m").unwrap();
    let mut left = MUCH;
    while left > 0 {
        left -= stream.read(&mut buffer).unwrap();
    }
    let down = begun.elapsed();
    let begun = Instant::now();
    stream.write_all(b"u").unwrap();
    (0..MUCH / buffer.len()).for_each(|_| stream.write_all(&buffer).unwrap());
    stream.read_exact(&mut [0]).unwrap();
    let rate = |time: Duration| MUCH as f64 / time.as_secs_f64() / 1e6;
    [rate(down), rate(begun.elapsed()), first, later]
}

/// The middle one of some runs, in microseconds.
fn times(count: usize, mut run: impl FnMut()) -> f64 {
    let time = |_| {
        let begun = Instant::now();
        run();
        begun.elapsed()
    };
    middle((0..count).map(time).collect()).as_secs_f64() * 1e6
}

#[test]
#[ignore = "a bench, which says nothing next to other tests"]
fn speed_of_requests() {
    run(|world| {
        world.bind("/etc/hosts", &format!("{SERVER} {HOST}\n"));
        answer_all(&listen(world, "11.0.0.2:80"));
        answer_all(&listen(world, "11.0.0.2:7000"));
        let Some(_tinyproxy) = tinyproxy(world) else { return };
        let mut spec = Spec::new(&["a.example.com:80,7000"]);
        spec.listeners = vec![("proxy", "127.0.0.1", 8118)];
        let jail = Jail::start(world, &spec);
        let address = jail.address(HOST);
        let (port_80, port_7000) = (format!("{address}:80"), format!("{address}:7000"));
        let inside = |to: &str, kind| jail.inside(|| requests(to, kind));
        let mut ways = [
            Way::new("direct", || requests("11.0.0.2:80", Kind::Plain)),
            Way::new("tinyproxy, http://", || requests(TINYPROXY, Kind::Absolute)),
            Way::new("tinyproxy, CONNECT", || requests(TINYPROXY, Kind::Connect)),
            Way::new("broker, http://", || inside(OUR_PROXY, Kind::Absolute)),
            Way::new("broker, CONNECT", || inside(OUR_PROXY, Kind::Connect)),
            Way::new("broker, HTTP", || inside(&port_80, Kind::Plain)),
            Way::new("broker, TCP", || inside(&port_7000, Kind::Plain)),
        ];
        measure_all(&mut ways);
        println!("                    requests/s  to http://  to CONNECT of tinyproxy");
        for way in &ways {
            let [absolute, connect] =
                [1, 2].map(|other: usize| way.to(&ways[other], 0, |a, b| a / b));
            let rate = way.middle(0);
            println!("{:<20} {rate:>9.0} {absolute:>11.2} {connect:>11.2}", way.name);
        }
    });
}

/// A server that costs little compared with what is measured: its threads are
/// there before the clients.
fn answer_all(listener: &TcpListener) {
    for _ in 0..2 * CLIENTS {
        let listener = listener.try_clone().unwrap();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                head(&mut stream);
                let answer =
                    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
                let _ = stream.write_all(answer.as_bytes());
            }
        });
    }
}

/// How a client asks.
#[derive(Clone, Copy)]
enum Kind {
    Plain,
    Absolute,
    Connect,
}

/// Requests a second, of some clients at once, each request on a connection of its
/// own as tinyproxy has it.
fn requests(to: &str, kind: Kind) -> [f64; 1] {
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| (0..REQUESTS / CLIENTS).for_each(|_| request(to, kind)));
        }
    });
    [REQUESTS as f64 / begun.elapsed().as_secs_f64()]
}

fn request(to: &str, kind: Kind) {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    if matches!(kind, Kind::Connect) {
        let order = format!("CONNECT {HOST}:7000 HTTP/1.1\r\nHost: {HOST}:7000\r\n\r\n");
        stream.write_all(order.as_bytes()).unwrap();
        assert_eq!(status(&head(&mut stream).0), "200");
    }
    let target = if matches!(kind, Kind::Absolute) { "http://a.example.com/" } else { "/" };
    let order = format!("GET {target} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
    stream.write_all(order.as_bytes()).unwrap();
    let (head, more) = head(&mut stream);
    assert_eq!(status(&head), "200", "{head}");
    let lower = head.to_ascii_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut rest = vec![0; length.parse::<usize>().unwrap() - more];
    stream.read_exact(&mut rest).unwrap();
}

/// The head of an answer, and how many bytes came behind it.
fn head(stream: &mut TcpStream) -> (String, usize) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).unwrap();
        assert_ne!(count, 0, "{:?}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&bytes);
        if let Some(end) = text.find("\r\n\r\n") {
            return (text[..end].into(), bytes.len() - end - 4);
        }
    }
}

fn status(head: &str) -> &str {
    head.split(' ').nth(1).unwrap_or_default()
}

/// Debian's, on the host's loopback; none where it was not fetched.
fn tinyproxy(world: &World) -> Option<Running> {
    let program = fetched("tinyproxy")?;
    let settings = "Port 8888\nListen 127.0.0.1\nTimeout 60\nMaxClients 100\nLogLevel Critical\n";
    let settings = world.file("tinyproxy.conf", settings);
    let mut command = Command::new(program);
    command.arg("-d").arg("-c").arg(settings);
    Some(Running::start(&mut command, TINYPROXY, || listens(TINYPROXY)))
}

#[test]
#[ignore = "a bench, which says nothing next to other tests"]
fn memory_at_rest_and_in_use() {
    run(|world| {
        let (at_rest, many, full) = memory_of_idle(world);
        println!("at rest {at_rest} kB, with {many} idle connections {full} kB");
    });
}
