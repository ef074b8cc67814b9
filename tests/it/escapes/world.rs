//! The host's side: everything that a jail must not reach, really there.

use std::fs::{self, Permissions};
use std::io::Write;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{getpid, getpriority_process, getuid};
use tempfile::TempDir;

use super::subjects::Subject;
use crate::terminal::terminal;

/// What the launcher has in its environment, and a jail must not.
const VARIABLES: &[(&str, &str)] = &[
    ("AWS_SECRET_ACCESS_KEY", "secret"),
    ("GITHUB_TOKEN", "secret"),
    ("BASH_ENV", "/nowhere"),
    ("GIT_SSH_COMMAND", "false"),
    ("NODE_OPTIONS", "--require=/nowhere"),
    ("PYTHONPATH", "/nowhere"),
    ("SSH_AUTH_SOCK", "/tmp/ssh-agent/agent.1"),
    ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere"),
    // Switches that somebody might look for. There are none.
    ("JAIL_DISABLE", "1"),
    ("JAIL_STUB", "/nowhere"),
    ("JAILGEN_SANDBOX", "off"),
];

/// Stream sockets, below the world's root: `run` is /run, `tmp` is /tmp.
const STREAMS: &[&str] = &[
    "run/user/{uid}/bus",
    "run/user/{uid}/systemd/private",
    "run/user/{uid}/gvfsd/socket",
    "run/user/{uid}/keyring/control",
    "run/user/{uid}/docker.sock",
    "run/user/{uid}/wayland-0",
    "run/user/{uid}/pipewire-0",
    "run/user/{uid}/pulse/native",
    "run/user/{uid}/gnupg/S.gpg-agent",
    "run/user/{uid}/emacs/server",
    "run/dbus/system_bus_socket",
    "run/systemd/private",
    "run/docker.sock",
    "run/podman/podman.sock",
    "run/containerd/containerd.sock",
    "run/libvirt/libvirt-sock",
    "run/screen/S-user",
    "tmp/.X11-unix/X0",
    "tmp/ssh-agent/agent.1",
    "tmp/tmux/default",
    "daemon/socket",
];

const DATAGRAMS: &[&str] = &["run/systemd/journal/socket", "run/systemd/notify"];

/// Puts the world's folders in their places, in a mount namespace of its own, and starts
/// a command there with the root folder as descriptor 7. `mount` itself refuses every
/// user who is not called root.
const ENTER: &str = r#"
bind() { "$probe" call mount "s:$1" "s:$2" 0 4096 0 >/dev/null; }
probe=$1/project/jail-probe
bind "$1/run" /run && bind "$1/tmp" /tmp || exit 99
test ! -d /nix/var/nix/daemon-socket || bind "$1/daemon" /nix/var/nix/daemon-socket || exit 99
cd "$1/project" && exec 7</ && shift && exec "$@"
"#;

pub(crate) struct World {
    root: TempDir,
    pub(crate) marker: String,
    port: u16,
    terminal: String,
    socket: OwnedFd,
    /// What only has to stay open.
    _open: Vec<OwnedFd>,
}

impl World {
    pub(crate) fn new() -> Self {
        let root =
            tempfile::Builder::new().prefix("jailgen-escapes").tempdir_in("/var/tmp").unwrap();
        fs::set_permissions(root.path(), Permissions::from_mode(0o755)).unwrap();
        // Tests of this program run in parallel, and two programs may too.
        let marker = root.path().file_name().unwrap().to_str().unwrap().to_owned();
        for folder in ["run", "tmp", "home", "project", "daemon"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        let mut open = listen(root.path(), &marker);
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = tcp.local_addr().unwrap().port();
        open.push(tcp.into());
        let (terminal, master) = terminal();
        open.push(master);
        let (socket, peer) = UnixStream::pair().unwrap();
        open.push(peer.into());
        let world = Self { root, marker, port, terminal, socket: socket.into(), _open: open };
        world.furnish();
        world
    }

    fn furnish(&self) {
        // Copied by another process: a file that is open for writing, in a child that another test
        // has just forked too, cannot be executed.
        let copied = Command::new("cp").args([probe(), self.probe()]).status().unwrap();
        assert!(copied.success());
        fs::write(self.path("outside"), "outside").unwrap();
        fs::write(self.path("project/mine"), "mine").unwrap();
        fs::write(Path::new("/dev/shm").join(&self.marker), "shared").unwrap();
        let memory = self.run_probe(&format!("call shmget {} 4096 0x3ff", self.key()));
        assert!(memory.starts_with("ok"), "shared memory: {memory}");
        let queue = self.run_probe(&format!("call mq_open s:{} 0x42 0x1ff 0", self.marker));
        assert!(queue.starts_with("ok"), "a message queue: {queue}");
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    fn probe(&self) -> PathBuf {
        self.path("project/jail-probe")
    }

    fn run_probe(&self, words: &str) -> String {
        let output = Command::new(self.probe()).args(words.split(' ')).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A key of System V shared memory that no other test has.
    fn key(&self) -> u32 {
        self.marker.bytes().fold(7, |key: u32, byte| key.wrapping_mul(31) ^ u32::from(byte)) | 1
    }

    /// The words of an attempt, with the world's places put in.
    pub(crate) fn words(&self, attempt: &str) -> Vec<String> {
        let uid = getuid().as_raw();
        let places = [
            ("{run-user}", format!("/run/user/{uid}")),
            ("{abstract}", self.marker.clone()),
            ("{marker}", self.marker.clone()),
            ("{port}", self.port.to_string()),
            ("{socket-fd}", self.socket.as_raw_fd().to_string()),
            // Whichever it is inside: all that PID 1 has open are these.
            ("{init-fd}", "6".into()),
            ("{project}", self.path("project").display().to_string()),
            ("{outside-file}", self.path("outside").display().to_string()),
            // The tests may run under nice(1), and only root may take less of it.
            ("{priority}", getpriority_process(None).unwrap().to_string()),
            ("{pid}", getpid().as_raw_nonzero().to_string()),
            ("{terminal}", self.terminal.clone()),
            ("{shm-key}", self.key().to_string()),
            ("{stub}", stub().display().to_string()),
        ];
        let mut text = attempt.to_owned();
        for (name, place) in places {
            text = text.replace(name, &place);
        }
        text.split(' ').map(str::to_owned).collect()
    }

    /// A command of the caller in the world: its variables, its descriptors, in the project.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("unshare");
        let is_root = getuid().is_root();
        if is_root {
            command.args(["--mount", "--propagation", "private"]);
        } else {
            command.args(["--user", "--map-current-user", "--keep-caps", "--mount"]);
        }
        command.args(["sh", "-c", ENTER, "sh"]).arg(self.root.path());
        if !is_root {
            command.args(["setpriv", "--inh-caps=-all", "--ambient-caps=-all"]);
        }
        command.arg(program).current_dir("/").env_clear().envs(VARIABLES.iter().copied());
        command.env("HOME", self.path("home")).env("JAIL_PROBE", self.probe());
        command.env("PATH", std::env::var_os("PATH").unwrap());
        command
    }

    pub(crate) fn outside(&self, attempts: &[Vec<String>]) -> Vec<String> {
        answers(self.command(&self.probe()).arg("--many"), attempts, &self.socket)
    }

    pub(crate) fn inside(&self, subject: &Subject, attempts: &[Vec<String>]) -> Vec<String> {
        let mut command = self.command(&subject.wrapper);
        answers(command.args(["-c", "exec ./jail-probe --many"]), attempts, &self.socket)
    }

    /// Runs a script inside.
    pub(crate) fn sh(&self, subject: &Subject, script: &str) -> Output {
        self.command(&subject.wrapper).args(["-c", script]).stdin(Stdio::null()).output().unwrap()
    }
}

impl Drop for World {
    /// What is not below the world's root and would stay.
    fn drop(&mut self) {
        let _ = fs::remove_file(Path::new("/dev/shm").join(&self.marker));
        let id = self.run_probe(&format!("call shmget {} 0 0", self.key()));
        self.run_probe(&format!("call shmctl {} 0 0", id.trim_start_matches("ok ")));
        self.run_probe(&format!("call mq_unlink s:{}", self.marker));
    }
}

fn listen(root: &Path, marker: &str) -> Vec<OwnedFd> {
    let uid = getuid().as_raw().to_string();
    let place = |path: &str| {
        let path = root.join(path.replace("{uid}", &uid));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    };
    let mut open: Vec<OwnedFd> = Vec::new();
    // A long path is no socket's address: it is made in its folder by a short one.
    for path in STREAMS {
        open.push(UnixListener::bind(place(path)).unwrap().into());
    }
    for path in DATAGRAMS {
        open.push(UnixDatagram::bind(place(path)).unwrap().into());
    }
    let address = SocketAddr::from_abstract_name(marker).unwrap();
    open.push(UnixListener::bind_addr(&address).unwrap().into());
    open
}

/// Sends attempts, one a line, and reads the answers.
fn answers(command: &mut Command, attempts: &[Vec<String>], socket: &OwnedFd) -> Vec<String> {
    let lines: Vec<String> =
        attempts.iter().map(|words| serde_json::to_string(words).unwrap() + "\n").collect();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // The one descriptor that is left open on purpose.
    fcntl_setfd(socket, FdFlags::empty()).unwrap();
    let mut child = command.spawn().unwrap();
    fcntl_setfd(socket, FdFlags::CLOEXEC).unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.concat().as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {stderr}", output.status);
    let answer = |line: &str| serde_json::from_str::<jail_probe::Answer>(line).unwrap().to_string();
    String::from_utf8(output.stdout).unwrap().lines().map(answer).collect()
}

/// The static probe of the kit.
pub(crate) fn probe() -> PathBuf {
    let program = assert_cmd::cargo::cargo_bin!("jailgen");
    jailgen::kit::find(None, program).unwrap().tool("jail-probe").unwrap()
}

fn stub() -> PathBuf {
    let program = assert_cmd::cargo::cargo_bin!("jailgen");
    jailgen::kit::find(None, program).unwrap().tool("jail-stub").unwrap().join("bin/jail-stub")
}
