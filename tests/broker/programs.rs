//! Real programs that a machine may lack: Debian's, which `scripts/fetch-clients` fetches.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A program that ends with the test.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    /// Starts it, and waits until it listens.
    pub(crate) fn start(command: &mut Command, at: &str, reach: impl Fn() -> bool) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let running = Self(command.spawn().unwrap());
        let begun = Instant::now();
        while !reach() {
            assert!(begun.elapsed() < Duration::from_secs(60), "{command:?} is not at {at}");
            std::thread::sleep(Duration::from_millis(10));
        }
        running
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether something listens there.
pub(crate) fn listens(at: &str) -> bool {
    TcpStream::connect(at).is_ok()
}

/// A fetched program. `None`, with a line that says so, if it was not fetched.
pub(crate) fn fetched(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    let program = target.join("clients").join(name).join("bin").join(name);
    if !program.exists() {
        println!("skipped: `{name}` is missing: scripts/fetch-clients");
        return None;
    }
    Some(program)
}
