//! Shared namespaces.

use super::row::{Probe, ROW, Row};

pub(super) const ROWS: &[Row] = &[Row {
    name: "share-ns",
    spec: "(share-ns \"ipc\") (readonly (noescape \"~/ns\"))",
    host: "mkdir -p ~/ns; for name in ipc net pid uts; do readlink /proc/self/ns/$name >~/ns/$name; done",
    probes: &[
        Probe::Grants("[ \"$(readlink /proc/self/ns/ipc)\" = \"$(cat ~/ns/ipc)\" ]"),
        Probe::Refuses("[ \"$(readlink /proc/self/ns/net)\" = \"$(cat ~/ns/net)\" ]"),
        Probe::Refuses("[ \"$(readlink /proc/self/ns/pid)\" = \"$(cat ~/ns/pid)\" ]"),
        Probe::Refuses("[ \"$(readlink /proc/self/ns/uts)\" = \"$(cat ~/ns/uts)\" ]"),
    ],
    ..ROW
}];
