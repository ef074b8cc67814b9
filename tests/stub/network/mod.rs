//! The network by name, from the launch's side: what is made in the jail's namespace, what the
//! broker is given, and how both end. The broker is a stand-in here (`tests/stub/broker`), which
//! follows the test's script.

mod ending;
mod given;
mod namespace;
pub(crate) mod no_v6;
mod start;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use jail_plan::{Egress, Listener, Network, Purpose, Transport};
use serde_json::Value;

use crate::jail::{Caller, Jail, broker, by};

/// Nothing is near so slow, on a machine that runs other builds at the same time too.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn listener(transport: Transport, address: &str, port: u16) -> Listener {
    Listener { purpose: Purpose::Address, transport, address: address.into(), port }
}

/// What a spec with a few names has.
pub(crate) fn network(listeners: Vec<Listener>) -> Network {
    Network {
        broker: broker().to_str().expect("UTF-8").into(),
        local: vec!["198.18.0.0/15".into(), "fd6a:6169:6c00::/64".into(), "10.1.2.3/32".into()],
        unreachable: vec!["198.19.255.0/24".into(), "fd6a:6169:6c00:0:1::/80".into()],
        addresses: vec!["198.18.0.1".into(), "fd6a:6169:6c00::1".into()],
        listeners,
        egress: Egress::default(),
        given: Vec::new(),
        by: by(),
    }
}

/// A jail with these sockets.
pub(super) fn jail(caller: Caller, listeners: Vec<Listener>) -> Jail {
    Jail::new(caller).change(|plan| plan.network = Some(network(listeners)))
}

/// A jail whose broker behaves in this way.
pub(super) fn behaving(caller: Caller, mode: &str, listeners: Vec<Listener>) -> Jail {
    let mut network = network(listeners);
    network.egress.resolvers.push(mode.into());
    Jail::new(caller).change(|plan| plan.network = Some(network))
}

/// What the stand-in has written down.
pub(super) fn noted(jail: &Jail, name: &str) -> Value {
    let path = jail.folder.path().join("state/jailgen").join(name);
    let found = wait_for(|| std::fs::read(&path).ok());
    serde_json::from_slice(&found).expect("JSON")
}

/// What comes of it in time.
#[track_caller]
pub(crate) fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begin.elapsed() < PATIENCE, "it does not come");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Whether there is a process of this number that has not ended.
pub(super) fn is_running(process: u64) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

/// A server on the host's loopback that answers each line with itself and more: its port.
pub(crate) fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    thread::spawn(move || {
        while let Ok((client, _)) = listener.accept() {
            thread::spawn(move || answer(client));
        }
    });
    port
}

fn answer(mut client: TcpStream) {
    let mut bytes = [0; 512];
    while let Ok(read @ 1..) = client.read(&mut bytes) {
        let sent = client.write_all(b"got ").and_then(|()| client.write_all(&bytes[..read]));
        if sent.is_err() {
            return;
        }
    }
}

/// A script for bash that says a word to an address and prints the answer.
pub(crate) fn say(address: &str, port: u16) -> String {
    format!(
        "bash -c 'exec 3<>/dev/tcp/{address}/{port}; echo word >&3; read -r answer <&3; echo \"$answer\"'"
    )
}
