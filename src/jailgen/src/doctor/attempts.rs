//! What is tried on the machine, in the words of `jail-probe`.

pub(super) const ALL: &str = "in user,mount,pid,net,ipc,uts,cgroup call getpid";
/// What a network by name is made in.
pub(super) const NET: &str = "in user,net call getpid";
/// A socket of IPv6: `AF_INET6`, `SOCK_STREAM`.
pub(super) const IPV6: &str = "call socket 10 1 0";
/// What the broker looks names up by.
pub(super) const RESOLV_CONF: &str = "read /etc/resolv.conf";
pub(super) const MOUNT: &str = "in user,mount call mount s:none s:/tmp s:tmpfs 0 0";
pub(super) const PROC: &str = "in user,mount,pid call mount s:proc s:/proc s:proc 0 0";
pub(super) const OVERLAY: &str =
    "in user,mount call mount s:overlay s:/tmp s:overlay 0 s:lowerdir=/usr:/etc";
pub(super) const MOUNT_SETATTR: &str = "call mount_setattr -1 s: 0 z:32 32";
pub(super) const LANDLOCK: &str = "call landlock_create_ruleset 0 0 1";
/// SECCOMP_GET_ACTION_AVAIL of SECCOMP_RET_KILL_PROCESS.
pub(super) const SECCOMP: &str = "call seccomp 2 0 b:00000080";
pub(super) const RELEASE: &str = "read /proc/sys/kernel/osrelease";
pub(super) const MAX_USER: &str = "read /proc/sys/user/max_user_namespaces";
pub(super) const USERNS_CLONE: &str = "read /proc/sys/kernel/unprivileged_userns_clone";
pub(super) const APPARMOR: &str = "read /proc/sys/kernel/apparmor_restrict_unprivileged_userns";
pub(super) const CONTROLLERS: &str = "read /sys/fs/cgroup/cgroup.controllers";
pub(super) const SUBUID: &str = "read /etc/subuid";
pub(super) const SUBGID: &str = "read /etc/subgid";
/// Where the daemon is, unless `NIX_DAEMON_SOCKET_PATH` says otherwise.
pub const DAEMON: &str = "/nix/var/nix/daemon-socket/socket";
pub(super) const STORE: &str = "stat /nix/store";
pub(super) const PASSWD: &str = "read /etc/passwd";
pub(super) const GROUP: &str = "read /etc/group";
/// Whether systemd runs the machine (sd_booted(3)).
pub(super) const SYSTEMD: &str = "stat /run/systemd/system";
pub(super) const DEBIAN: &str = "stat /etc/debian_version";
/// Where the daemon's unit is, as packages and as installers put it.
pub(super) const UNITS: [&str; 2] = [
    "stat /usr/lib/systemd/system/nix-daemon.socket",
    "stat /etc/systemd/system/nix-daemon.socket",
];

const FIXED: &[&str] = &[
    ALL,
    NET,
    IPV6,
    RESOLV_CONF,
    MOUNT,
    PROC,
    OVERLAY,
    MOUNT_SETATTR,
    LANDLOCK,
    SECCOMP,
    RELEASE,
    MAX_USER,
    USERNS_CLONE,
    APPARMOR,
    CONTROLLERS,
    SUBUID,
    SUBGID,
    STORE,
    PASSWD,
    GROUP,
    SYSTEMD,
    DEBIAN,
    UNITS[0],
    UNITS[1],
];

pub(super) fn delegated(cgroup: &str) -> [String; 2] {
    [
        format!("read /sys/fs/cgroup{cgroup}/cgroup.controllers"),
        format!("open-write /sys/fs/cgroup{cgroup}/cgroup.subtree_control"),
    ]
}

/// The socket of the service manager that can be asked for a scope.
pub(super) fn manager(uid: u32) -> String {
    if uid == 0 {
        return "connect unix /run/systemd/private".into();
    }
    format!("connect unix /run/user/{uid}/systemd/private")
}

/// All that is tried.
#[must_use]
pub fn attempts(uid: u32, cgroup: Option<&str>, daemon: &str) -> Vec<String> {
    let fixed = FIXED.iter().map(|words| (*words).to_owned());
    fixed
        .chain(cgroup.into_iter().flat_map(delegated))
        .chain([manager(uid), connect(daemon), folder_of(daemon)])
        .collect()
}

/// The users who may connect to the daemon's socket.
pub(super) fn folder_of(socket: &str) -> String {
    let folder = socket.rsplit_once('/').map_or(".", |(folder, _)| folder);
    format!("stat {folder}")
}

pub(super) fn connect(socket: &str) -> String {
    format!("connect unix {socket}")
}
