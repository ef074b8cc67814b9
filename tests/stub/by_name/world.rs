//! A small internet: a network namespace that is the host's, and behind it one with servers. Each
//! test has its own, and starts itself anew there.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::jail::{remove_older, shared_folder, skipped};

/// Set in the process that a test starts itself in.
const INSIDE: &str = "JAIL_STUB_TEST_WORLD";

/// Where the servers are. To the broker the first ones are public.
const SERVERS: [&str; 6] = [
    "11.0.0.2/24",
    "11.0.0.3/24",
    "11.0.0.53/24",
    "2606:4700:0:1::2/64",
    "10.9.9.9/24",
    "169.254.169.254/32",
];
const HOST: [&str; 3] = ["11.0.0.1/24", "2606:4700:0:1::1/64", "10.9.9.1/24"];

/// The DNS server of the host.
pub(super) const RESOLVER: &str = "11.0.0.53";

/// Where no server is until a test starts one: `real.test`.
pub(super) const REAL: &str = "11.0.0.4";

/// The names that there are.
const NAMES: [(&str, &[&str]); 10] = [
    ("api.test", &["11.0.0.2", "2606:4700:0:1::2"]),
    ("other.test", &["11.0.0.3"]),
    ("deep.in.wild.test", &["11.0.0.3"]),
    ("wild.test", &["11.0.0.3"]),
    ("evilapi.test", &["11.0.0.3"]),
    ("private.test", &["10.9.9.9"]),
    ("metadata.test", &["169.254.169.254"]),
    ("host.test", &["11.0.0.1"]),
    ("real.test", &[REAL]),
    ("mixed.test", &["127.0.0.1", "10.9.9.9", "11.0.0.2"]),
];

/// What is around the launch.
pub(super) struct World {
    servers: Child,
    folder: PathBuf,
}

/// Where programs of Debian find the authorities that the machine trusts.
const ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Runs a test in a world of its own.
#[track_caller]
pub(super) fn run(test: impl FnOnce(&World)) {
    if env::var_os(INSIDE).is_some() {
        return test(&World::new());
    }
    start_again(&[]);
}

/// The same where the machine trusts the servers.
#[track_caller]
pub(super) fn run_where_it_is_trusted(test: impl FnOnce(&World)) {
    if !Path::new(ROOTS).exists() {
        return skipped("roots", &format!("there is no {ROOTS}"));
    }
    if env::var_os(INSIDE).is_some() {
        let world = World::new();
        run_in(&world.folder, "mount", &format!("--bind cert {ROOTS}"));
        return test(&world);
    }
    start_again(&["--mount"]);
}

#[track_caller]
fn start_again(more: &[&str]) {
    let mut command = Command::new("unshare");
    command.args(more);
    if rustix::process::geteuid().is_root() {
        command.arg("--net");
    } else {
        command.args(["--net", "--user", "--map-root-user"]);
    }
    if !command.arg("true").status().is_ok_and(|status| status.success()) {
        return skipped("userns", "network namespaces cannot be made here");
    }
    let args: Vec<_> = command.get_args().filter(|word| *word != "true").map(Into::into).collect();
    again(&args);
}

#[track_caller]
fn again(unshare: &[std::ffi::OsString]) {
    let (folder, current) = (shared_folder(), thread::current());
    let name = current.name().expect("the test's name");
    let output = Command::new("unshare")
        .args(unshare)
        .arg(env::current_exe().expect("this program"))
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(INSIDE, folder.path())
        .output()
        .expect("it starts");
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}{stderr}");
}

impl World {
    fn new() -> Self {
        let folder = PathBuf::from(env::var_os(INSIDE).expect("a folder"));
        let names: Vec<_> = NAMES.iter().map(|(name, _)| format!("DNS:{name}")).collect();
        let certificate = format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test \
             -addext basicConstraints=critical,CA:FALSE -addext subjectAltName={} -keyout key -out cert",
            names.join(",")
        );
        run_in(&folder, "openssl", &certificate);
        let path = |name: &str| folder.join(name).display().to_string();
        let servers = json!({
            "addresses": SERVERS,
            "names": std::collections::BTreeMap::from(NAMES),
            "asked": path("asked"),
            "folder": folder,
            "cert": path("cert"),
            "key": path("key"),
        });
        let servers = Command::new("unshare")
            .args(["--net", "python3", "-c", include_str!("upstream.py"), &servers.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut world = Self { servers, folder };
        world.connect();
        let mut line = String::new();
        let output = world.servers.stdout.take().expect("a pipe");
        BufReader::new(output).read_line(&mut line).expect("a line");
        assert_eq!(line, "ready\n");
        world
    }

    /// Joins the two namespaces.
    fn connect(&self) {
        let number = self.servers.id();
        let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/net"));
        while namespace(&number.to_string()).expect("it runs") == namespace("self").expect("ours") {
            thread::sleep(Duration::from_millis(1));
        }
        let ip = |words: &str| run_in(&self.folder, "ip", words);
        ip("link set lo up");
        ip(&format!("link add h0 type veth peer name n0 netns {number}"));
        for address in HOST {
            let nodad = if address.contains(':') { " nodad" } else { "" };
            ip(&format!("address add {address} dev h0{nodad}"));
        }
        ip("link set h0 up");
        ip("route add 169.254.169.254 dev h0");
    }

    /// A folder that everybody can enter.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The process in whose network namespace the servers are.
    pub(super) fn servers(&self) -> u32 {
        self.servers.id()
    }

    /// The certificate that clients are to trust.
    pub(super) fn certificate(&self) -> PathBuf {
        self.folder.join("cert")
    }

    /// Has the servers show a repository of git as `/repo.git`.
    pub(super) fn repository(&self) {
        let made = "git init -q w && cd w && echo text >file && git add file && \
            git -c user.name=t -c user.email=t@t commit -qm first && cd .. && \
            git clone -q --bare w repo.git && git -C repo.git update-server-info";
        let mut shell = Command::new("sh");
        shell.args(["-ec", made]).current_dir(&self.folder).env("HOME", &self.folder);
        assert!(shell.status().is_ok_and(|status| status.success()), "a repository");
    }

    /// The names that the DNS server was asked for.
    pub(super) fn asked(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.join("asked")).expect("a file");
        text.lines().map(str::to_owned).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.servers.kill();
        let _ = self.servers.wait();
    }
}

#[track_caller]
fn run_in(folder: &Path, program: &str, words: &str) {
    let mut command = Command::new(program);
    let output =
        command.args(words.split_whitespace()).current_dir(folder).output().expect(program);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {words}: {error}");
}

/// The real broker, copied to where every user can execute it.
pub(super) fn broker() -> PathBuf {
    let test = env::current_exe().expect("the test");
    let target = test.ancestors().nth(3).expect("the target folder");
    let built =
        env::var_os("JAIL_BROKER").map_or_else(|| target.join("debug/jail-broker"), PathBuf::from);
    if !built.exists() {
        build(target);
    }
    let meta = fs::metadata(&built).unwrap_or_else(|error| panic!("{}: {error}", built.display()));
    let place = target.metadata().expect("the target folder").ino();
    let prefix = format!("jail-broker-tests-{}-{place}-", rustix::process::geteuid().as_raw());
    let folder = PathBuf::from(format!("/tmp/{prefix}{}-{}", meta.ino(), meta.mtime_nsec()));
    if !folder.exists() {
        remove_older(&prefix);
        let new = shared_folder();
        fs::copy(&built, new.path().join("jail-broker")).expect("a copy");
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(new.path().join("jail-broker"), mode).expect("executable");
        // Another test may be first; that makes no difference.
        let _ = fs::rename(new.keep(), &folder);
    }
    folder.join("jail-broker")
}

fn build(target: &Path) {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--quiet", "--offline", "-p", "jail-broker", "--target-dir"])
        .arg(target);
    let built = command.current_dir(env!("CARGO_MANIFEST_DIR")).status();
    assert!(built.is_ok_and(|status| status.success()), "cargo build -p jail-broker");
}
