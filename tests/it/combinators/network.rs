//! The network.

use super::row::{Probe, ROW, Row};

pub(super) const ROWS: &[Row] = &[Row {
    name: "network",
    spec: "network (readonly (noescape \"~/ns\"))",
    host: "mkdir -p ~/ns; readlink /proc/self/ns/net >~/ns/net; readlink /proc/self/ns/pid >~/ns/pid",
    probes: &[
        Probe::Grants("[ \"$(readlink /proc/self/ns/net)\" = \"$(cat ~/ns/net)\" ]"),
        Probe::Grants("[ -s \"$SSL_CERT_FILE\" ] && [ -s /etc/ssl/certs/ca-certificates.crt ]"),
        Probe::Refuses("[ \"$(readlink /proc/self/ns/pid)\" = \"$(cat ~/ns/pid)\" ]"),
        Probe::Denies("echo x >/etc/resolv.conf || echo x >/etc/hosts"),
    ],
    ..ROW
}];
