//! The layers other than mounts and namespaces.

use super::row::{Example, Probe, ROW, Row};

/// A new namespace of one's own. Root, who has no capability to map himself
/// again, gets one without a map.
const UNSHARE: &str = "unshare -U true";
/// The kernel's own counting.
const TWO_FILTERS: &str = "while read -r name value; do [ \"$name $value\" = 'Seccomp_filters: 2' ] && exit 0; done </proc/self/status; exit 1";

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "add-seccomp",
        // `return SECCOMP_RET_ALLOW`.
        spec: "(add-seccomp (pkgs.writeShellScript \"filter\" \"printf '\\\\006\\\\000\\\\000\\\\000\\\\000\\\\000\\\\377\\\\177'\"))",
        probes: &[Probe::Grants(TWO_FILTERS), Probe::Denies("mknod /tmp/x b 1 0")],
        ..ROW
    },
    Row {
        name: "allow-nested-sandbox",
        spec: "allow-nested-sandbox (add-pkg-deps [ pkgs.util-linux ])",
        probes: &[
            Probe::Grants(UNSHARE),
            Probe::Works("unshare -Um true"),
            Probe::Denies("echo 1 >/proc/sys/kernel/panic_on_warn"),
        ],
        ..ROW
    },
    Row {
        name: "landlock",
        spec: "(landlock \"full\")",
        probes: &[
            Probe::Works("echo x >file && cat file && ls /tmp && cat /etc/passwd"),
            Probe::Refuses("ls /"),
        ],
        example: Example::Runs,
        ..ROW
    },
    Row {
        name: "landlock",
        case: "default",
        spec: "(landlock \"default\") (landlock { abi = 2; })",
        probes: &[
            Probe::Works(
                "ls / && echo x >/tmp/x && echo x >file && mkdir a b && mv file a && mv a/file b",
            ),
            Probe::Denies("echo x >/etc/passwd"),
        ],
        ..ROW
    },
    Row {
        name: "seccomp",
        spec: "(seccomp { deny = [ \"setpriority\" \"unlinkat(2&0x200)\" ]; onDeny = \"errno\"; })",
        probes: &[
            Probe::Works("nice true; mkdir d; touch f; rm f"),
            Probe::Refuses("rm -d d || { mkdir -p e; rm -r e; }"),
        ],
        example: Example::Runs,
        ..ROW
    },
    Row {
        name: "seccomp",
        case: "strict",
        spec: "(seccomp \"strict\") (add-pkg-deps [ pkgs.git pkgs.util-linux ])",
        probes: &[
            Probe::Works(
                "git init -q r && cd r && git -c user.name=n -c user.email=e commit -q --allow-empty -m x && [ -n \"$(git log)\" ]",
            ),
            // Not on the list, and killed: 128 and the number of SIGSYS.
            Probe::Denies("ipcmk -S 1"),
            Probe::Works("ipcmk -S 1; [ $? = 159 ]"),
            // What the default filter refuses is refused in the same way.
            Probe::Denies("unshare --user true"),
            Probe::Works("unshare --user true; [ $? = 1 ]"),
        ],
        ..ROW
    },
];
