//! Processes, and what they know of the machine.

use super::row::{Example, Probe, ROW, Row, is_root};

/// The sixth field of /proc/PID/stat is the session.
const OWN_SESSION: &str = "read -r _ _ _ _ _ session _ </proc/self/stat; [ \"$session\" != 0 ]";

/// One that is not in the jail has no number there.
const LAUNCHERS_SESSION: &str =
    "read -r _ _ _ _ _ session _ </proc/self/stat; [ \"$session\" = 0 ]";

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "dedicated-user",
        // Root can run it as any system user, others under a subordinate id.
        spec: "(dedicated-user \"daemon\") mount-cwd",
        host: "echo mine >file; mkdir folder",
        probes: &[
            Probe::Grants("[ \"$(id -un)\" = daemon ]"),
            Probe::Works("echo theirs >>file && echo theirs >folder/file"),
            Probe::Left(
                "[ \"$(cat file folder/file)\" = \"mine\ntheirs\ntheirs\" ] && rm -r folder",
            ),
            Probe::Refuses("chmod 600 file"),
        ],
        example: Example::MayStop("there is no such system user"),
        unable: || (!is_root()).then(|| ("root", "only root can run it as a system user".into())),
        ..ROW
    },
    Row {
        name: "machine-id",
        spec: "machine-id",
        probes: &[
            Probe::Grants("[[ \"$(cat /etc/machine-id)\" =~ ^[0-9a-f]{32}$ ]]"),
            Probe::Denies("echo x >/etc/machine-id || rm /etc/machine-id"),
        ],
        ..ROW
    },
    Row {
        name: "new-session",
        spec: "new-session",
        probes: &[Probe::Works(OWN_SESSION), Probe::Denies(": </dev/tty")],
        ..ROW
    },
    Row {
        name: "no-die-with-parent",
        spec: "no-die-with-parent",
        probes: &[Probe::Works("true"), Probe::Denies("kill -0 $PPID && [ \"$PPID\" -gt 3 ]")],
        ..ROW
    },
    Row {
        name: "no-new-session",
        spec: "no-new-session",
        probes: &[Probe::Works(OWN_SESSION), Probe::Denies("kill -0 $PPID && [ \"$PPID\" -gt 3 ]")],
        ..ROW
    },
    Row {
        name: "set-hostname",
        spec: "(set-hostname \"workbench\")",
        probes: &[
            Probe::Grants(
                "[ \"$(uname -n)\" = workbench ] && [ \"$(cat /etc/hostname)\" = workbench ]",
            ),
            Probe::Denies("echo other >/proc/sys/kernel/hostname || echo other >/etc/hostname"),
            Probe::Left("[ \"$(uname -n)\" != workbench ]"),
        ],
        ..ROW
    },
    Row {
        name: "share-terminal",
        spec: "share-terminal",
        // Whether it can be read in the background, tests/stub shows on a real one.
        probes: &[
            Probe::Grants(LAUNCHERS_SESSION),
            Probe::Denies("kill -0 $PPID && [ \"$PPID\" -gt 3 ]"),
        ],
        ..ROW
    },
    Row {
        name: "terminal-filter",
        spec: "terminal-filter",
        // The clipboard, and the window's title read back; tests/stub has the others.
        probes: &[
            Probe::Filters(
                "printf '<a\\033]52;c;aGk=\\007\\033[21tz>'",
                "<az>",
                "<a\x1b]52;c;aGk=\x07\x1b[21tz>",
            ),
            Probe::Shows(
                "printf '<a\\033[1;31m\\033]0;title\\007z>'",
                "<a\x1b[1;31m\x1b]0;title\x07z>",
            ),
        ],
        ..ROW
    },
    Row {
        name: "time-zone",
        spec: "time-zone",
        probes: &[
            Probe::Grants("[ -z \"$TZ\" ] && [ \"$(TZ=Asia/Tokyo date -d @0 +%H)\" = 09 ]"),
            Probe::Denies("echo x >/etc/localtime"),
        ],
        ..ROW
    },
    Row {
        name: "utc",
        spec: "time-zone utc",
        env: &[("TZ", "Asia/Tokyo")],
        probes: &[
            Probe::Works("[ \"$TZ\" = UTC ] && [ \"$(date -d @0 +%H)\" = 00 ]"),
            Probe::Refuses("[ \"$(date -d @0 +%H)\" = 09 ]"),
        ],
        ..ROW
    },
];
