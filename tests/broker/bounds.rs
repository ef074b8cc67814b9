//! Bounds: many connections, many names, and how much memory they take; and
//! how fast bytes go through.

use std::io::{IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use crate::clients::{Ended, Resolver};
use crate::jail::{Jail, Spec};
use crate::servers::{echo, listen, serve};
use crate::world::{World, run};

#[test]
fn ten_thousand_names_leave_a_table_that_still_works() {
    run(|world| {
        world.records.add("a.example.com", &["11.0.0.2"]);
        world.records.add("n0.example.org", &["11.0.0.2"]);
        world.records.add("last.example.org", &["11.0.0.2"]);
        echo(world, "11.0.0.2:22", "hello");
        let jail = Jail::start(world, &Spec::new(&["a.example.com:22", "*.example.org:22"]));
        let first = jail.look_up("n0.example.org", RecordType::A).1[0].clone();
        let mut kept = jail.inside(|| TcpStream::connect(format!("{first}:22")).unwrap());
        kept.read_exact(&mut [0; 5]).unwrap();
        let mut codes = std::collections::BTreeMap::<String, u32>::new();
        jail.inside(|| {
            let resolver = Resolver::new();
            for number in 1..10_000 {
                let name = format!("n{number}.example.org");
                let (code, found) = resolver.look_up(&name, RecordType::A);
                assert_eq!(code == ResponseCode::NoError, found.len() == 1);
                assert_ne!(found.first(), Some(&first), "n0 has a connection");
                *codes.entry(code.to_string()).or_default() += 1;
            }
        });
        // When all addresses were given out within the last seconds, none is free, and
        // the broker reports that.
        assert!(codes.len() <= 2 && codes.values().max() > Some(&1000), "{codes:?}");
        kept.write_all(b"again").unwrap();
        let mut again = [0; 5];
        kept.read_exact(&mut again).unwrap();
        assert_eq!(&again, b"again");
        let to = format!("{}:22", jail.address("a.example.com"));
        assert_eq!(jail.talk(&to, b""), Ended::Open("hello".into()));
        std::thread::sleep(Duration::from_millis(5500));
        let to = format!("{}:22", jail.address("last.example.org"));
        assert_eq!(jail.talk(&to, b""), Ended::Open("hello".into()));
    });
}

/// How many connections the test may hold: each end is open here, and the broker has two more.
fn many() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let most = limit.maximum.unwrap_or(65_536).min(65_536);
    let raised = rustix::process::Rlimit { current: Some(most), maximum: limit.maximum };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).unwrap();
    usize::try_from(most / 5).unwrap().min(10_000)
}

#[test]
fn over_its_bound_connections_are_reset_and_afterwards_all_is_well() {
    run(|world| {
        world.records.add("a.example.com", &["11.0.0.2"]);
        echo(world, "11.0.0.2:22", "hello");
        let mut spec = Spec::new(&["a.example.com:22"]);
        spec.files = Some(512);
        let jail = Jail::start(world, &spec);
        let to: SocketAddr = format!("{}:22", jail.address("a.example.com")).parse().unwrap();
        let mut all: Vec<TcpStream> =
            jail.inside(|| (0..300).map(|_| TcpStream::connect(to).unwrap()).collect());
        let is_greeted = |stream: &mut TcpStream| {
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            stream.read_exact(&mut [0; 5]).is_ok()
        };
        let greeted = all.iter_mut().filter_map(|stream| is_greeted(stream).then_some(())).count();
        assert_eq!(greeted, 128, "a quarter of the files");
        drop(all);
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(jail.talk(&to.to_string(), b""), Ended::Open("hello".into()));
    });
}

#[test]
fn names_with_many_ports_leave_files_for_everything_else() {
    run(|world| {
        world.records.add("a.example.com", &["11.0.0.2"]);
        echo(world, "11.0.0.2:22", "hello");
        let ports: Vec<String> = (7000..7020).map(|port: u16| port.to_string()).collect();
        let many = format!("*.example.org:{}", ports.join(","));
        let mut spec = Spec::new(&["a.example.com:22", &many]);
        spec.files = Some(512);
        let jail = Jail::start(world, &spec);
        let a = format!("{}:22", jail.address("a.example.com"));
        jail.inside(|| {
            let resolver = Resolver::new();
            for number in 0..100 {
                resolver.look_up(&format!("n{number}.example.org"), RecordType::A);
            }
        });
        assert!(jail.files() < 384, "{} of 512", jail.files());
        assert_eq!(jail.talk(&a, b""), Ended::Open("hello".into()));
        assert_eq!(jail.order(&serde_json::json!({"do": "status"}))["ok"], true);
        // A table that is full of unused names makes room for one that is allowed by hand.
        std::thread::sleep(Duration::from_millis(5500));
        world.records.add("b.example.com", &["11.0.0.2"]);
        let answer = jail.order(&serde_json::json!({"do": "allow", "host": "b.example.com:22"}));
        assert_eq!(answer["ok"], true, "{answer}");
        let b = format!("{}:22", jail.address("b.example.com"));
        assert_eq!(jail.talk(&b, b""), Ended::Open("hello".into()));
    });
}

#[test]
fn an_order_is_obeyed_while_connections_have_all_files() {
    run(|world| {
        // These addresses do not exist, and each connection tries them in parallel.
        let nowhere: Vec<String> = (100..116).map(|last| format!("11.0.0.{last}")).collect();
        let nowhere: Vec<&str> = nowhere.iter().map(String::as_str).collect();
        world.records.add("many.example.com", &nowhere);
        let mut spec = Spec::new(&["many.example.com:22"]);
        spec.files = Some(512);
        let jail = Jail::start(world, &spec);
        let to: SocketAddr = format!("{}:22", jail.address("many.example.com")).parse().unwrap();
        let all: Vec<TcpStream> =
            jail.inside(|| (0..120).map(|_| TcpStream::connect(to).unwrap()).collect());
        let begun = Instant::now();
        while jail.files() < 511 {
            assert!(begun.elapsed() < Duration::from_secs(5), "{} of 512", jail.files());
            std::thread::sleep(Duration::from_millis(10));
        }
        let begun = Instant::now();
        for order in ["status", "log", "status"] {
            assert_eq!(jail.order(&serde_json::json!({"do": order}))["ok"], true);
        }
        let deny = serde_json::json!({"do": "deny", "host": "many.example.com"});
        assert_eq!(jail.order(&deny)["ok"], true);
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        std::thread::sleep(Duration::from_millis(300));
        assert!(jail.files() < 100, "{} for {} that were denied", jail.files(), all.len());
    });
}

#[test]
fn files_that_are_under_way_between_processes_end_no_process_of_the_broker() {
    run(|world| {
        world.records.add("a.example.com", &["11.0.0.2"]);
        world.records.add("n1.example.org", &["11.0.0.2"]);
        echo(world, "11.0.0.2:22", "hello");
        let mut spec = Spec::new(&["a.example.com:22", "*.example.org:22"]);
        // So few that no other test of this user is disturbed.
        spec.files = Some(128);
        let jail = Jail::start(world, &spec);
        let a = format!("{}:22", jail.address("a.example.com"));
        assert_eq!(jail.talk(&a, b""), Ended::Open("hello".into()));
        // They count for all processes of a user, so every process of this user can do it,
        // in the jail and elsewhere.
        let under_way = under_way();
        std::thread::sleep(Duration::from_millis(1100));
        assert_eq!(jail.look_up("n1.example.org", RecordType::A).0, ResponseCode::ServFail);
        let why =
            "n1.example.org has no address: this user's processes have as many files on the way";
        let is_said = |line: &serde_json::Value| line["reason"].to_string().contains(why);
        assert!(jail.log().iter().any(is_said), "{:?}", jail.log());
        assert_eq!(jail.talk(&a, b""), Ended::Open("hello".into()));
        assert_eq!(jail.order(&serde_json::json!({"do": "status"}))["ok"], true);
        drop(under_way);
        let n1 = format!("{}:22", jail.address("n1.example.org"));
        assert_eq!(jail.talk(&n1, b""), Ended::Open("hello".into()));
    });
}

/// Two hundred files that were sent and not taken.
fn under_way() -> (UnixDatagram, UnixDatagram) {
    let (one, other) = UnixDatagram::pair().unwrap();
    let files = [one.as_fd(); 200];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(200))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    assert!(ancillary.push(SendAncillaryMessage::ScmRights(&files)));
    sendmsg(&one, &[IoSlice::new(b"x")], &mut ancillary, SendFlags::empty()).unwrap();
    (one, other)
}

#[test]
fn ten_thousand_idle_connections_take_little_memory() {
    run(|world| {
        let (at_rest, many, full) = memory_of_idle(world);
        println!("at rest {at_rest} kB, with {many} connections {full} kB");
        // Of a program that is not optimised, the code alone is larger by some megabytes.
        let at_rest_max = if cfg!(debug_assertions) { 20_000 } else { 12_000 };
        assert!(at_rest < at_rest_max, "{at_rest} kB at rest");
        assert!(full < 200_000, "{full} kB with {many} connections");
    });
}

/// The broker's memory at rest, in kB; how many connections there are then,
/// and its memory with them.
pub(crate) fn memory_of_idle(world: &World) -> (u64, usize, u64) {
    world.records.add("a.example.com", &["11.0.0.2"]);
    let listener = listen(world, "11.0.0.2:22");
    std::thread::spawn(move || {
        let mut all = Vec::new();
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.write_all(b"x");
            all.push(stream);
        }
    });
    let many = many();
    let jail = Jail::start(world, &Spec::new(&["a.example.com:22"]));
    let at_rest = jail.memory();
    let to: SocketAddr = format!("{}:22", jail.address("a.example.com")).parse().unwrap();
    let all: Vec<TcpStream> = jail.inside(|| {
        let connect = |_| {
            let mut stream = TcpStream::connect(to).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            stream.read_exact(&mut [0]).unwrap();
            stream
        };
        (0..many).map(connect).collect()
    });
    (at_rest, all.len(), jail.memory())
}

#[test]
fn a_client_that_takes_nothing_holds_no_memory_without_bound() {
    run(|world| {
        world.records.add("a.example.com", &["11.0.0.2"]);
        serve(
            listen(world, "11.0.0.2:22"),
            |mut stream| {
                while stream.write_all(&[7; 65_536]).is_ok() {}
            },
        );
        let jail = Jail::start(world, &Spec::new(&["a.example.com:22"]));
        let to: SocketAddr = format!("{}:22", jail.address("a.example.com")).parse().unwrap();
        let all: Vec<_> =
            jail.inside(|| (0..400).map(|_| TcpStream::connect(to).unwrap()).collect());
        std::thread::sleep(Duration::from_secs(2));
        let held = jail.memory();
        assert!(held < 100_000, "{held} kB for {} clients", all.len());
    });
}

#[test]
fn what_goes_through_is_fast_enough() {
    run(|world| {
        // Answers of the tests' DNS server are used once, which is not what is measured here.
        std::fs::write("/etc/hosts", "11.0.0.2 a.example.com\n").unwrap();
        serve(listen(world, "11.0.0.2:22"), |mut stream| {
            let mut order = [0];
            while stream.read_exact(&mut order).is_ok() {
                let answer = if order == *b"m" { vec![0; 256 << 20] } else { vec![0] };
                if stream.write_all(&answer).is_err() {
                    return;
                }
            }
        });
        let jail = Jail::start(world, &Spec::new(&["a.example.com:22"]));
        let to: SocketAddr = format!("{}:22", jail.address("a.example.com")).parse().unwrap();
        let (through, first, later) = jail.inside(|| measure(to));
        let (direct, direct_first, direct_later) = measure("11.0.0.2:22".parse().unwrap());
        println!(
            "256 MiB: {through:?} through, {direct:?} direct; connect and first byte {first:?} and \
             {direct_first:?}; later {later:?} and {direct_later:?}"
        );
        // The bench holds the targets. This is a debug build next to other tests: it must only
        // not be of another order.
        assert!(first < Duration::from_millis(50) && through < Duration::from_secs(20));
    });
}

/// The middle one.
pub(crate) fn middle<T: PartialOrd + Copy>(mut all: Vec<T>) -> T {
    all.sort_by(|one, other| one.partial_cmp(other).unwrap());
    all[all.len() / 2]
}

/// A byte there, and one back.
pub(crate) fn trip(stream: &mut TcpStream) {
    stream.write_all(b"s").unwrap();
    stream.read_exact(&mut [0]).unwrap();
}

/// The time for 256 MiB; the middle one of connections with a first byte, and of later round trips.
fn measure(to: SocketAddr) -> (Duration, Duration, Duration) {
    let mut firsts = Vec::new();
    for _ in 0..200 {
        let begun = Instant::now();
        let mut stream = TcpStream::connect(to).unwrap();
        trip(&mut stream);
        firsts.push(begun.elapsed());
    }
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut laters = Vec::new();
    for _ in 0..500 {
        let begun = Instant::now();
        trip(&mut stream);
        laters.push(begun.elapsed());
    }
    let begun = Instant::now();
    stream.write_all(b"m").unwrap();
    let mut left = 256 << 20;
    let mut buffer = vec![0; 1 << 20];
    while left > 0 {
        left -= stream.read(&mut buffer).unwrap();
    }
    (begun.elapsed(), middle(firsts), middle(laters))
}
