//! Real servers at `real.test`, and real clients that know of no proxy:
//! Debian's, which `scripts/fetch-clients` fetches.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::world::{REAL, World};
use crate::jail::skipped;
use crate::network::wait_for;

/// A server that ends with the test.
pub(super) struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl World {
    /// The folder of a package of `scripts/fetch-clients` that every user can read. `None`, with a
    /// line that says so, if it was not fetched.
    pub(super) fn package(&self, name: &str) -> Option<PathBuf> {
        let test = std::env::current_exe().expect("the test");
        let fetched =
            test.ancestors().nth(3).expect("the target folder").join("clients").join(name);
        if !fetched.exists() {
            skipped("clients", &format!("`{name}` was not fetched: scripts/fetch-clients"));
            return None;
        }
        let place = self.folder().join(name);
        if !place.exists() {
            let copied = Command::new("cp").args(["-r", "--"]).arg(fetched).arg(&place).status();
            assert!(copied.is_ok_and(|status| status.success()), "a copy of {name}");
        }
        Some(place)
    }

    /// Starts a server in the servers' namespace, and waits until it listens there.
    pub(super) fn serve(&self, port: u16, words: &[String]) -> Server {
        let namespace = format!("--net=/proc/{}/ns/net", self.servers());
        let ready = format!(
            "ip address add {REAL}/24 dev n0 2>/dev/null; echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start; exec \"$@\""
        );
        let mut command = Command::new("nsenter");
        command.args([&namespace, "sh", "-c", &ready, "sh"]).args(words);
        command.current_dir(self.folder()).stdin(Stdio::null()).stdout(Stdio::null());
        let server = Server(command.spawn().expect("it starts"));
        wait_for(|| TcpStream::connect((REAL, port)).ok());
        server
    }
}

/// What starts a program of a package, wherever that lies.
pub(super) fn started(package: &Path) -> Vec<String> {
    let name = package.file_name().expect("a name");
    let libraries = package.join("lib");
    let entries = std::fs::read_dir(&libraries).expect("libraries").filter_map(Result::ok);
    let loader = entries
        .map(|entry| entry.path())
        .find(|path| path.to_string_lossy().contains("/ld-linux"))
        .expect("a loader");
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let program = package.join("bin").join(name);
    vec![text(&loader), "--library-path".into(), text(&libraries), text(&program)]
}

/// Words of a command line.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}
