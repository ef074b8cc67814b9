//! What the host's side of an audit knows, and what it sets up for attempts to reach.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::canaries::Canary;

/// The namespaces, by their names in /proc/self/ns.
pub(super) const NAMESPACES: &[&str] = &["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];

/// The host's side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// The caller's home folder.
    pub home: String,
    /// Where the jail is started.
    pub folder: String,
    /// The identity of each of the host's namespaces.
    pub namespaces: BTreeMap<&'static str, String>,
    /// A port of 127.0.0.1 at which the audit listens.
    pub port: u16,
    /// An abstract socket at which the audit listens.
    pub abstract_socket: String,
    /// The router of the local network.
    pub router: Option<String>,
    /// Existing sockets of services that act for every client.
    pub sockets: Vec<String>,
    /// What decides on the next build or launch: the spec, the emitted flake, the link to the
    /// command.
    pub deciding: Vec<PathBuf>,
    /// What the broker has in the place of secrets' values.
    pub canaries: Vec<Canary>,
}

impl Host {
    /// What can be read of this machine; the rest is the caller's to fill in.
    #[must_use]
    pub fn read() -> Self {
        let identity = |name: &&'static str| {
            let link = fs::read_link(format!("/proc/self/ns/{name}")).ok()?;
            Some((*name, link.display().to_string()))
        };
        let routes = fs::read_to_string("/proc/net/route").unwrap_or_default();
        Self {
            namespaces: NAMESPACES.iter().filter_map(identity).collect(),
            router: router(&routes),
            sockets: sockets(),
            ..Self::default()
        }
    }
}

/// Sockets of services by whose help one gets out of what has no mounts of its own.
fn sockets() -> Vec<String> {
    let user = rustix::process::getuid().as_raw();
    let of_the_user = ["bus", "systemd/private", "docker.sock", "podman/podman.sock"]
        .map(|name| format!("/run/user/{user}/{name}"));
    let of_the_machine = [
        "/run/dbus/system_bus_socket",
        "/run/docker.sock",
        "/run/podman/podman.sock",
        "/run/containerd/containerd.sock",
        "/nix/var/nix/daemon-socket/socket",
        "/tmp/.X11-unix/X0",
    ];
    let all = of_the_user.into_iter().chain(of_the_machine.map(str::to_owned));
    all.filter(|path| Path::new(path).exists()).collect()
}

/// The gateway of the default route, from the kernel's table: hexadecimal, in the processor's order
/// of bytes.
fn router(table: &str) -> Option<String> {
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, "00000000", gateway, ..] = fields.as_slice() else { return None };
        let number = u32::from_str_radix(gateway, 16).ok().filter(|number| *number != 0)?;
        let [a, b, c, d] = number.to_ne_bytes();
        Some(format!("{a}.{b}.{c}.{d}"))
    })
}
