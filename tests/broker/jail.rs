//! A jail without anything but its network, made as the stub makes it; and the broker.

use std::fs::{self, File};
use std::io::{IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, Shutdown,
    SocketFlags, SocketType, bind, listen, recv, sendmsg, shutdown, socket_with, socketpair,
    sockopt,
};
use serde_json::{Value, json};

use crate::world::{World, in_network, namespace, text};

/// What a jail may reach.
pub(crate) struct Spec {
    pub(crate) rules: Vec<Value>,
    /// Listening sockets other than those for DNS: purpose, address and port.
    pub(crate) listeners: Vec<(&'static str, &'static str, u16)>,
    /// Prefixes that are local, other than the synthetic ones.
    pub(crate) local: Vec<&'static str>,
    /// What the broker gives: content, and the name of a file of the world's or a variable.
    pub(crate) given: Vec<(Value, GivenTo)>,
    /// What the plan's `egress` has else.
    pub(crate) egress: Value,
    pub(crate) variables: Value,
    /// For each secret that is in a file the file.
    pub(crate) secret_files: Value,
    /// How many files the broker may have open; none: as many as this process.
    pub(crate) files: Option<u32>,
}

impl Spec {
    /// Hosts by rules: `example.com`, or an object.
    pub(crate) fn new(rules: &[&str]) -> Self {
        Self {
            rules: rules.iter().map(|rule| rule_of(rule)).collect(),
            listeners: Vec::new(),
            local: Vec::new(),
            given: Vec::new(),
            egress: json!({}),
            variables: json!({}),
            secret_files: json!({}),
            files: None,
        }
    }
}

/// Where something that is given goes.
#[derive(Clone, Copy)]
pub(crate) enum GivenTo {
    File(&'static str),
    Variable(&'static str),
    /// A Unix socket of the world's that listens.
    Socket(&'static str),
}

/// What becomes of a launch.
enum Fate {
    HandedOver,
    Abandoned,
}

/// A rule of the plan, from `host` or `host:port,port`.
pub(crate) fn rule_of(text: &str) -> Value {
    let (host, ports) = match text.rsplit_once(':') {
        Some((host, ports)) => (host, ports.split(',').map(|port| port.parse().unwrap()).collect()),
        None => (text, vec![443_u16, 80]),
    };
    json!({
        "host": host, "ports": ports, "protocol": null, "any_sni": false, "txt": false,
        "by": format!("network-allow#{text}"),
    })
}

/// A running jail.
pub(crate) struct Jail {
    anchor: Child,
    pub(crate) broker: Child,
    life: UnixStream,
    state: PathBuf,
    /// What the jail can read about refusals.
    pub(crate) refused: PathBuf,
    pub(crate) name: String,
    channel: OwnedFd,
}

const V4: &str = "198.18.0.0/15";
const V6: &str = "fd6a:6169:6c00::/64";

impl Jail {
    /// Starts one, with a broker that is ready.
    #[track_caller]
    pub(crate) fn start(world: &World, spec: &Spec) -> Self {
        let mut jail = Self::launch(world, spec);
        let mut word = [0; 6];
        if jail.life.read_exact(&mut word).is_err() || &word != b"ready\n" {
            panic!("{}", jail.end());
        }
        jail
    }

    /// Starts one. The broker may have found something wrong.
    pub(crate) fn launch(world: &World, spec: &Spec) -> Self {
        Self::made(world, spec, Fate::HandedOver)
    }

    /// Starts one whose launch fails before anything was handed over.
    pub(crate) fn abandoned(world: &World, spec: &Spec) -> Self {
        Self::made(world, spec, Fate::Abandoned)
    }

    fn made(world: &World, spec: &Spec, fate: Fate) -> Self {
        let resolv_conf = world.file("resolv.conf.jail", "nameserver 127.0.0.1\n");
        let routes: String = spec
            .local
            .iter()
            .chain(&[V4, V6])
            .map(|prefix| {
                let family = if prefix.contains(':') { "-6" } else { "-4" };
                format!("ip {family} route add local {prefix} dev lo; ")
            })
            .collect();
        let script = format!(
            "mount --make-rprivate /; ip link set lo up; {routes} ip addr add 198.18.0.1/32 dev lo; \
             ip addr add fd6a:6169:6c00::1/128 dev lo nodad; mount --bind {} /etc/resolv.conf",
            resolv_conf.display()
        );
        let unshare = ["unshare", "--user", "--map-root-user", "--net", "--mount"];
        let anchor = namespace(&unshare, &script);
        let mut listeners =
            vec![("dns", "udp", "127.0.0.1", 53_u16), ("dns", "tcp", "127.0.0.1", 53)];
        listeners
            .extend(spec.listeners.iter().map(|(purpose, at, port)| (*purpose, "tcp", *at, *port)));
        let sockets = in_network(anchor.id(), || {
            listeners.iter().map(|(_, kind, at, port)| socket(kind, at, *port)).collect::<Vec<_>>()
        });
        let state = world.folder.join("state");
        let start = start(spec, &listeners, state.to_str().unwrap());
        let (channel, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
                .unwrap();
        let (life, other) = UnixStream::pair().unwrap();
        life.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let broker = broker([&theirs, &start, &OwnedFd::from(other)], world, spec);
        drop(theirs);
        let refused = world.file("refused", "");
        match fate {
            Fate::HandedOver => {
                let files = spec.given.iter().filter_map(|(_, to)| match to {
                    GivenTo::File(name) => {
                        Some(File::create(world.folder.join(name)).unwrap().into())
                    }
                    GivenTo::Socket(name) => {
                        Some(UnixListener::bind(world.folder.join(name)).unwrap().into())
                    }
                    GivenTo::Variable(_) => None,
                });
                let sockets: Vec<OwnedFd> = sockets.into_iter().chain(files).collect();
                hand_over(&channel, anchor.id(), &sockets, &refused);
            }
            Fate::Abandoned => {
                shutdown(&channel, Shutdown::Both).unwrap();
            }
        }
        Self { anchor, broker, life, state, refused, name: "jailed-test".into(), channel }
    }

    /// What the broker answers the launch when everything is given; nothing where it has ended.
    pub(crate) fn given(&self) -> String {
        let mut answer = vec![0; 70_000];
        let (count, _) = recv(&self.channel, &mut answer[..], RecvFlags::empty()).unwrap();
        answer.truncate(count);
        String::from_utf8(answer).unwrap()
    }

    /// A program in the jail.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        let number = self.anchor.id().to_string();
        command.args(["--target", &number, "--user", "--net", "--mount", "--preserve-credentials"]);
        command.arg("--").arg(program).stdin(Stdio::null());
        command
    }

    /// What a program in the jail says: its output, or `exit N` and its errors.
    pub(crate) fn says(&self, line: &str) -> String {
        let words: Vec<&str> = line.split(' ').collect();
        said(&self.command(words[0]).args(&words[1..]).output().unwrap())
    }

    /// Runs something in a thread that is in the jail's network.
    pub(crate) fn inside<T: Send>(&self, run: impl FnOnce() -> T + Send) -> T {
        in_network(self.anchor.id(), run)
    }

    /// The lines of the log so far.
    pub(crate) fn log(&self) -> Vec<Value> {
        let text = text(&self.state.join("log").join(&self.name).join("s1.jsonl"));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The verdicts in the log on a host: `refused 443`.
    pub(crate) fn verdicts(&self, host: &str) -> Vec<String> {
        let about = self.log().into_iter().filter(|line| line["host"] == host);
        about
            .map(|line| format!("{} {}", line["verdict"].as_str().unwrap(), line["port"]))
            .collect()
    }

    /// The session's control socket.
    pub(crate) fn control(&self) -> PathBuf {
        self.state.join("sessions/s1/control")
    }

    /// An answer of the control socket.
    pub(crate) fn order(&self, order: &Value) -> Value {
        let mut stream = UnixStream::connect(self.control()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(format!("{order}\n").as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    /// How much memory the broker has, in kB.
    pub(crate) fn memory(&self) -> u64 {
        self.kilobytes("VmRSS:")
    }

    /// The most that it had so far.
    pub(crate) fn most_memory(&self) -> u64 {
        self.kilobytes("VmHWM:")
    }

    fn kilobytes(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.broker.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(field)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// How many files the broker has open.
    pub(crate) fn files(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.broker.id())).unwrap().count()
    }

    /// The payload ends; what the broker says then.
    pub(crate) fn end(mut self) -> String {
        let _ = self.life.write_all(b"e");
        let mut told = String::new();
        self.broker.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        self.await_end();
        told
    }

    /// The supervisor ends without a word; the log then.
    pub(crate) fn abandon(mut self) -> Vec<Value> {
        self.life.shutdown(std::net::Shutdown::Both).unwrap();
        self.await_end();
        self.log()
    }

    fn await_end(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(5);
        while self.broker.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "the broker does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Jail {
    fn drop(&mut self) {
        let _ = self.anchor.kill();
        let _ = self.broker.kill();
        let _ = self.broker.wait();
    }
}

pub(crate) fn said(output: &Output) -> String {
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    match output.status.code() {
        Some(0) => out,
        code => format!("exit {code:?}: {out}{}", String::from_utf8_lossy(&output.stderr)),
    }
}

fn start(spec: &Spec, listeners: &[(&str, &str, &str, u16)], state: &str) -> OwnedFd {
    let listeners: Vec<Value> = listeners
        .iter()
        .map(|(purpose, transport, address, port)| {
            json!({"purpose": purpose, "transport": transport, "address": address, "port": port})
        })
        .collect();
    let mut egress = json!({
        "rules": spec.rules, "internet": [], "resolvers": [], "upstream": null, "exposed": [],
        "host_ports": [], "ask": null, "requests": [], "secrets": [], "sockets": [],
    });
    for (key, value) in spec.egress.as_object().unwrap() {
        egress[key] = value.clone();
    }
    let places: serde_json::Map<String, Value> = spec
        .rules
        .iter()
        .chain(
            ["requests", "secrets", "sockets"]
                .iter()
                .flat_map(|key| egress[*key].as_array().unwrap()),
        )
        .map(|rule| (rule["by"].as_str().unwrap().to_owned(), json!("test.jail:4:3")))
        .collect();
    let given = spec.given.iter().map(|(content, to)| {
        let to = match to {
            GivenTo::File(name) | GivenTo::Socket(name) => json!({"file": format!("/{name}")}),
            GivenTo::Variable(name) => json!({"variable": name}),
        };
        json!({"content": content, "to": to, "by": "network-allow"})
    });
    let given: Vec<Value> = given.collect();
    let local: Vec<&str> = [V4, V6].iter().chain(&spec.local).copied().collect();
    let start = json!({
        "wrapper": "/nix/store/x/bin/jailed-test", "name": "jailed-test", "state": state,
        "session": "s1", "variables": spec.variables, "files": spec.secret_files, "places": places,
        "plan_network": {
            "broker": "/x", "local": local, "unreachable": [],
            "addresses": ["198.18.0.1", "fd6a:6169:6c00::1"],
            "listeners": listeners, "egress": egress, "given": given, "by": "network-allow",
        },
    });
    let mut file = File::from(memfd_create("start", MemfdFlags::CLOEXEC).unwrap());
    file.write_all(start.to_string().as_bytes()).unwrap();
    file.into()
}

fn broker(descriptors: [&OwnedFd; 3], world: &World, spec: &Spec) -> Child {
    for descriptor in descriptors {
        fcntl_setfd(descriptor, FdFlags::empty()).unwrap();
    }
    // The test process is the only one that starts programs meanwhile, and each test has its own.
    let program = broker_program().into_os_string();
    let mut command =
        Command::new(if spec.files.is_some() { "prlimit".into() } else { program.clone() });
    if let Some(files) = spec.files {
        command.arg(format!("--nofile={files}")).arg(program);
    }
    let child = command
        .arg("run")
        .args(descriptors.map(|descriptor| descriptor.as_raw_fd().to_string()))
        .env_clear()
        .current_dir(&world.folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    for descriptor in descriptors {
        fcntl_setfd(descriptor, FdFlags::CLOEXEC).unwrap();
    }
    child
}

/// The one message of the launch.
fn hand_over(channel: &OwnedFd, jail: u32, sockets: &[OwnedFd], refused: &Path) {
    let namespace =
        |kind: &str| OwnedFd::from(File::open(format!("/proc/{jail}/ns/{kind}")).unwrap());
    let namespaces = [namespace("user"), namespace("net")];
    let refused = OwnedFd::from(File::options().append(true).open(refused).unwrap());
    let all = namespaces.iter().chain(sockets).chain([&refused]);
    let all: Vec<_> = all.map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(64))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    assert!(ancillary.push(SendAncillaryMessage::ScmRights(&all)));
    // A broker that has found something wrong is gone.
    let _ = sendmsg(channel, &[IoSlice::new(b"1")], &mut ancillary, SendFlags::NOSIGNAL);
}

fn socket(kind: &str, at: &str, port: u16) -> OwnedFd {
    let at = SocketAddr::new(at.parse().unwrap(), port);
    if kind == "udp" {
        return UdpSocket::bind(at).unwrap().into();
    }
    let family = if at.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None).unwrap();
    sockopt::set_socket_reuseaddr(&socket, true).unwrap();
    if at.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true).unwrap();
        sockopt::set_ipv6_freebind(&socket, true).unwrap();
    }
    bind(&socket, &at).unwrap();
    listen(&socket, 128).unwrap();
    socket
}

/// The program under test.
pub(crate) fn broker_program() -> std::path::PathBuf {
    let program = std::env::var_os("JAIL_BROKER");
    program.unwrap_or_else(|| env!("CARGO_BIN_EXE_jail-broker").into()).into()
}
