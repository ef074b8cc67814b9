//! How connections end: in one direction, by a reset, by a peer that is silently
//! gone, and with the broker.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::clients::{Ended, read};
use crate::jail::{Jail, Spec, said};
use crate::servers::{echo, listen, serve};
use crate::world::{World, run};

const MUCH: usize = 32 << 20;

/// After so long a test has failed.
const LONG: Duration = Duration::from_secs(20);

/// A jail that reaches `a.example.com` on port 22, and a connection to there from inside.
fn connected(world: &World) -> (Jail, TcpStream) {
    world.records.add("a.example.com", &["11.0.0.2"]);
    let mut spec = Spec::new(&["a.example.com:22,80"]);
    spec.listeners = vec![("proxy", "127.0.0.1", 8118)];
    let jail = Jail::start(world, &spec);
    let to = format!("{}:22", jail.address("a.example.com"));
    let stream = jail.inside(|| TcpStream::connect(&to).unwrap());
    stream.set_read_timeout(Some(LONG)).unwrap();
    (jail, stream)
}

fn abort(stream: &TcpStream) {
    rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO)).unwrap();
}

#[test]
fn a_server_that_has_said_all_still_hears_the_client() {
    run(|world| {
        let (send, received) = mpsc::channel();
        serve(listen(world, "11.0.0.2:22"), move |mut stream| {
            stream.write_all(b"that is all").unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            let mut all = Vec::new();
            let ended = stream.read_to_end(&mut all).map(|_| all.len());
            send.send(ended.map_err(|error| error.kind())).unwrap();
        });
        let (jail, mut stream) = connected(world);
        assert_eq!(read(&mut stream), Ended::With("that is all".into()));
        // A half that is open is not a connection that has ended, however long nothing comes.
        std::thread::sleep(Duration::from_secs(2));
        assert_eq!(jail.order(&json!({"do": "status"}))["status"]["connections"], 1);
        stream.write_all(&vec![7; MUCH]).unwrap();
        assert!(received.try_recv().is_err(), "the server waits for more");
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(received.recv_timeout(LONG), Ok(Ok(MUCH)));
        let is_over = |_| {
            std::thread::sleep(Duration::from_millis(10));
            jail.order(&json!({"do": "status"}))["status"]["connections"] == 0
        };
        assert!((0..500).any(is_over));
    });
}

#[test]
fn a_transfer_that_is_reset_is_no_shorter_one() {
    run(|world| {
        serve(listen(world, "11.0.0.2:22"), |mut stream| {
            stream.write_all(&vec![7; MUCH]).unwrap();
            // All of it has arrived at the broker, and the client has it.
            stream.read_exact(&mut [0]).unwrap();
            abort(&stream);
        });
        let (jail, mut stream) = connected(world);
        stream.read_exact(&mut vec![0; MUCH]).unwrap();
        stream.write_all(b"x").unwrap();
        assert_eq!(read(&mut stream), Ended::Reset(String::new()));
        assert_eq!(jail.verdicts("a.example.com"), ["allowed 22", "failed 22"]);
    });
}

#[test]
fn a_client_that_resets_a_transfer_resets_it_at_the_server() {
    run(|world| {
        let (send, received) = mpsc::channel();
        serve(listen(world, "11.0.0.2:22"), move |mut stream| {
            stream.write_all(b"go").unwrap();
            let ended = stream.read_to_end(&mut Vec::new());
            send.send(ended.map_err(|error| error.kind())).unwrap();
        });
        let (_jail, mut stream) = connected(world);
        stream.read_exact(&mut [0; 2]).unwrap();
        stream.write_all(&vec![7; MUCH]).unwrap();
        abort(&stream);
        drop(stream);
        assert_eq!(received.recv_timeout(LONG), Ok(Err(std::io::ErrorKind::ConnectionReset)));
    });
}

#[test]
fn the_body_of_an_answer_that_breaks_off_is_known_to_be_cut() {
    run(|world| {
        serve(listen(world, "11.0.0.2:80"), |mut stream| {
            let mut head = [0; 4096];
            let count = stream.read(&mut head).unwrap();
            let is_chunked = String::from_utf8_lossy(&head[..count]).contains("/chunked");
            let (framing, begun) = if is_chunked {
                ("Transfer-Encoding: chunked", "5\r\nhello\r\n")
            } else {
                ("Content-Length: 1000", "hello")
            };
            let answer = format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n{begun}");
            stream.write_all(answer.as_bytes()).unwrap();
            if head[..count].windows(6).any(|word| word == b"/reset") {
                std::thread::sleep(Duration::from_millis(200));
                abort(&stream);
            }
        });
        let (jail, _) = connected(world);
        for path in ["plain", "chunked", "plain/reset", "chunked/reset"] {
            for proxy in [&["--noproxy", "*"][..], &["--proxy", "http://127.0.0.1:8118"]] {
                let mut curl = jail.command("curl");
                curl.args(["-sS", "--max-time", "10"]).args(proxy);
                let got = said(&curl.arg(format!("http://a.example.com/{path}")).output().unwrap());
                // CURLE_PARTIAL_FILE, CURLE_RECV_ERROR
                let is_known = ["exit Some(18): hello", "exit Some(56): hello"];
                assert!(is_known.iter().any(|known| got.starts_with(known)), "{path}: {got}");
            }
        }
    });
}

#[test]
fn a_broker_that_is_killed_in_a_transfer_ends_it_for_both_sides() {
    run(|world| {
        let (send, received) = mpsc::channel();
        serve(listen(world, "11.0.0.2:22"), move |mut stream| {
            let mut other = stream.try_clone().unwrap();
            let writing =
                std::thread::spawn(move || while other.write_all(&[7; 65_536]).is_ok() {});
            let mut buffer = vec![0; 65_536];
            while stream.read(&mut buffer).is_ok_and(|count| count > 0) {}
            writing.join().unwrap();
            send.send(()).unwrap();
        });
        let (mut jail, mut stream) = connected(world);
        let mut other = stream.try_clone().unwrap();
        let writing = std::thread::spawn(move || while other.write_all(&[7; 65_536]).is_ok() {});
        let mut buffer = vec![0; 65_536];
        (0..200).for_each(|_| stream.read_exact(&mut buffer).unwrap());
        jail.broker.kill().unwrap();
        let begun = Instant::now();
        while stream.read(&mut buffer).is_ok_and(|count| count > 0) {}
        writing.join().unwrap();
        received.recv_timeout(LONG).unwrap();
        assert!(begun.elapsed() < LONG);
    });
}

#[test]
fn a_peer_that_is_silently_gone_is_looked_for() {
    run(|world| {
        echo(world, "11.0.0.2:22", "hello");
        let (jail, mut stream) = connected(world);
        stream.read_exact(&mut [0; 5]).unwrap();
        // The broker's side of both connections. What a server or a client asks of its
        // own side is its own affair.
        let outside = std::process::Command::new("ss").args(SOCKETS).output().unwrap();
        let inside = jail.command("ss").args(SOCKETS).output().unwrap();
        for (output, at) in [(outside, "11.0.0.2:22 "), (inside, ":22 ")] {
            let text = said(&output);
            let all: Vec<&str> = text.lines().filter(|line| line.contains(at)).collect();
            assert!(all.iter().any(|line| line.contains("timer:(keepalive,")), "{text}");
        }
    });
}

const SOCKETS: [&str; 4] = ["-H", "-n", "-t", "-o"];

/// Two minutes: the time that the kernel waits, and then looks.
#[test]
#[ignore = "it takes two minutes"]
fn a_server_that_is_silently_gone_ends_the_connection_after_two_minutes() {
    run(|world| {
        echo(world, "11.0.0.2:22", "hello");
        let (jail, mut stream) = connected(world);
        stream.read_exact(&mut [0; 5]).unwrap();
        assert!(
            world.server("ip").args(["link", "set", "host", "down"]).status().unwrap().success()
        );
        stream.set_read_timeout(Some(Duration::from_secs(180))).unwrap();
        let begun = Instant::now();
        assert_eq!(read(&mut stream), Ended::Reset(String::new()));
        println!("after {:?}", begun.elapsed());
        assert_eq!(jail.verdicts("a.example.com"), ["allowed 22", "failed 22"]);
    });
}
