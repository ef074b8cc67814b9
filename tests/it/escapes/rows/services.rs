//! A: services of the host that are reached through sockets.

use super::Columns;

/// No such file.
const ABSENT: &str = "errno 2";

pub(super) const ROWS: &[Columns] = &[
    ("A1", "connect unix {run-user}/bus", ABSENT, "ok 0"),
    ("A1", "connect unix {run-user}/systemd/private", ABSENT, "ok 0"),
    ("A2", "connect unix /run/dbus/system_bus_socket", ABSENT, "ok 0"),
    ("A2", "connect unix /var/run/dbus/system_bus_socket", ABSENT, "ok 0|errno 2"),
    ("A2", "connect unix /run/systemd/private", ABSENT, "ok 0"),
    ("A3", "connect unix {run-user}/gvfsd/socket", ABSENT, "ok 0"),
    ("A3", "list {run-user}", ABSENT, "bus…"),
    ("A4", "connect unix {run-user}/keyring/control", ABSENT, "ok 0"),
    ("A5", "connect unix /run/docker.sock", ABSENT, "ok 0"),
    ("A5", "connect unix {run-user}/docker.sock", ABSENT, "ok 0"),
    ("A5", "connect unix /run/podman/podman.sock", ABSENT, "ok 0"),
    ("A5", "connect unix /run/containerd/containerd.sock", ABSENT, "ok 0"),
    ("A5", "connect unix /run/libvirt/libvirt-sock", ABSENT, "ok 0"),
    ("A7", "connect abstract {abstract}", "errno 111|errno 1", "ok 0"),
    ("A8", "connect unix /tmp/.X11-unix/X0", ABSENT, "ok 0"),
    ("A8", "connect tcp 127.0.0.1:{port}", "errno 111", "ok 0"),
    ("A8", "connect unix {run-user}/wayland-0", ABSENT, "ok 0"),
    ("A8", "connect unix {run-user}/pipewire-0", ABSENT, "ok 0"),
    ("A8", "connect unix {run-user}/pulse/native", ABSENT, "ok 0"),
    ("A9", "connect unix /tmp/ssh-agent/agent.1", ABSENT, "ok 0"),
    ("A9", "connect unix {run-user}/gnupg/S.gpg-agent", ABSENT, "ok 0"),
    ("A9", "variable SSH_AUTH_SOCK", ABSENT, "/tmp/ssh-agent/agent.1"),
    ("A10", "connect unix /tmp/tmux/default", ABSENT, "ok 0"),
    ("A10", "connect unix /run/screen/S-user", ABSENT, "ok 0"),
    ("A10", "connect unix {run-user}/emacs/server", ABSENT, "ok 0"),
    ("A11", "connect unix /nix/var/nix/daemon-socket/socket", ABSENT, "ok 0|errno 2"),
    ("A11", "stat /nix/var", ABSENT, "folder…"),
    ("A12", "send unix /run/systemd/journal/socket", ABSENT, "ok 0"),
    ("A12", "send unix /run/systemd/notify", ABSENT, "ok 0"),
    ("A12", "connect unix-datagram /run/systemd/journal/socket", ABSENT, "ok 0"),
    ("A14", "call io_uring_setup 1 z:120", "errno 1", "ok…"),
    ("A15", "stat /proc/self/fd/{socket-fd}", ABSENT, "link…"),
    ("A15", "call getpeername {socket-fd} z:128 b:80000000", "errno 9", "ok 0"),
    // A kernel without a family answers as the filter does; packets every kernel has.
    ("A16", "call socket 40 1 0", "errno 97", "ok…|errno 97"),
    ("A16", "call socket 38 5 0", "errno 97", "ok…|errno 97"),
    ("A16", "call socket 17 3 0", "errno 97", "ok…|errno 1"),
];
