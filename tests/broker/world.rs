//! A small internet: a network namespace that is the host's, and behind it one with
//! servers. Each test has its own.
//!
//! A test starts itself anew in namespaces of its own, as this user and, where this user is
//! root, as an ordinary one too.

use std::env;
use std::fs;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use rustix::process::geteuid;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::servers::Records;

/// Set in the process that a test starts itself in.
const INSIDE: &str = "JAIL_BROKER_TEST_WORLD";

/// Where the servers are, as public addresses: of `api`, `other` and so on in [`Records`].
const SERVERS: &[&str] = &[
    "11.0.0.2/24",
    "11.0.0.3/24",
    "11.0.0.53/24",
    "2606:4700:0:1::2/64",
    "10.9.9.9/24",
    "169.254.169.254/24",
];

/// The host's own.
pub(crate) const HOST: &[&str] = &["11.0.0.1/24", "2606:4700:0:1::1/64", "10.9.9.1/24"];

/// What is around the broker.
pub(crate) struct World {
    /// A process in the servers' namespace.
    servers: Child,
    /// The names that the DNS server has, and what it was asked.
    pub(crate) records: Records,
    /// A folder of the test's.
    pub(crate) folder: PathBuf,
}

/// Runs a test in a world of its own.
#[track_caller]
pub(crate) fn run(test: impl FnOnce(&World)) {
    if env::var_os(INSIDE).is_some() {
        return test(&World::new());
    }
    again(&[], geteuid().is_root());
    if geteuid().is_root() {
        again(&["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"], false);
    }
}

/// Starts this test again, in namespaces.
#[track_caller]
fn again(before: &[&str], is_root: bool) {
    let name = thread::current().name().unwrap().to_owned();
    let mut words: Vec<&str> = before.to_vec();
    words.extend(["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"]);
    if !is_root {
        words.extend(["--user", "--map-root-user"]);
    }
    let folder = tempfile::tempdir().unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::set_permissions(folder.path(), open).unwrap();
    // Another user may not enter the folder that they were built in, such as one in /root.
    let reachable = |program: PathBuf, name: &str| {
        let place = folder.path().join(name);
        fs::hard_link(&program, &place).or_else(|_| fs::copy(&program, &place).map(drop)).unwrap();
        place
    };
    let test = reachable(env::current_exe().unwrap(), "test");
    let broker = reachable(crate::jail::broker_program(), "jail-broker");
    let output = Command::new(words[0])
        .args(&words[1..])
        .arg("--")
        .arg(test)
        .env("JAIL_BROKER", broker)
        .args([&name, "--exact", "--nocapture", "--include-ignored", "--test-threads=1"])
        .env(INSIDE, folder.path())
        .current_dir(folder.path())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    println!("{}", text(&output.stdout));
    assert!(
        output.status.success() && text(&output.stdout).contains("1 passed"),
        "{words:?}:\n{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
}

impl World {
    fn new() -> Self {
        let folder = PathBuf::from(env::var_os(INSIDE).unwrap());
        let folder = folder.join("world");
        fs::create_dir(&folder).unwrap();
        // The servers' processes are seen below /proc under the numbers that this process knows.
        run_command("mount", &["-t", "proc", "proc", "/proc"]);
        run_command("mount", &["--make-rprivate", "/"]);
        let servers = namespace(&["unshare", "--net"], "ip link set lo up");
        let number = servers.id().to_string();
        ip("link set lo up");
        ip(&format!("link add world type veth peer name host netns {number}"));
        HOST.iter().for_each(|address| ip(&format!("address add {address} dev world nodad")));
        ip("link set world up");
        let there = |words: &str| {
            let words: Vec<&str> = words.split(' ').collect();
            run_command("nsenter", &[&["--target", &number, "--net", "ip"], &words[..]].concat());
        };
        for address in SERVERS {
            there(&format!("address add {address} dev host nodad"));
        }
        there("link set host up");
        ip("route add 169.254.169.254 via 11.0.0.2");
        let world = Self { servers, records: Records::default(), folder };
        world.bind("/etc/resolv.conf", "nameserver 11.0.0.53\noptions timeout:1 attempts:2\n");
        world.bind("/etc/hosts", "127.0.0.1 localhost\n");
        world.records.serve(&world);
        world
    }

    /// Another text at the place of a file of the machine's, for the broker.
    pub(crate) fn bind(&self, path: &str, text: &str) {
        let file = self.file(&path.replace('/', "-"), text);
        if !Path::new(path).exists() {
            self.copy_etc();
            fs::write(path, "").unwrap();
        }
        run_command("mount", &["--bind", file.to_str().unwrap(), path]);
    }

    /// A machine may lack such a file, and it is not the test's to make there. What the user
    /// cannot read, the copy lacks.
    fn copy_etc(&self) {
        let copy = self.folder.join("etc");
        let copy = copy.to_str().unwrap();
        let _ = Command::new("cp").args(["-a", "/etc", copy]).stderr(Stdio::null()).status();
        run_command("mount", &["--rbind", copy, "/etc"]);
    }

    /// A file of the test's.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let file = self.folder.join(name);
        fs::write(&file, text).unwrap();
        file
    }

    /// Runs something in the servers' namespace, in a thread of its own, and waits for it.
    pub(crate) fn among_servers<T: Send>(&self, run: impl FnOnce() -> T + Send) -> T {
        in_network(self.servers.id(), run)
    }

    /// A program in the servers' namespace.
    pub(crate) fn server(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.servers.id().to_string(), "--net", program]);
        command.stdin(Stdio::null());
        command
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.servers.kill();
    }
}

/// Runs something in a thread that is in the network namespace of a process.
pub(crate) fn in_network<T: Send>(process: u32, run: impl FnOnce() -> T + Send) -> T {
    let namespace = fs::File::open(format!("/proc/{process}/ns/net")).unwrap();
    thread::scope(|scope| {
        let inside = scope.spawn(move || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            run()
        });
        inside.join().unwrap()
    })
}

/// A process in namespaces of its own, after a script has run there.
pub(crate) fn namespace(unshare: &[&str], script: &str) -> Child {
    let mut child = Command::new(unshare[0])
        .args(&unshare[1..])
        .args(["--", "sh", "-ec", &format!("{script}; echo; exec sleep 600")])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut byte = [0];
    let read = child.stdout.as_mut().unwrap().read_exact(&mut byte);
    read.unwrap_or_else(|_| panic!("{unshare:?}: {script}"));
    child
}

fn ip(words: &str) {
    run_command("ip", &words.split(' ').collect::<Vec<_>>());
}

#[track_caller]
pub(crate) fn run_command(program: &str, words: &[&str]) {
    let output = Command::new(program).args(words).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {words:?}: {error}");
}

/// The text of a file, or nothing.
pub(crate) fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}
