//! Limits. Where no control group can be made, `best-effort` shows what it says, and the
//! launch stops without it.

use super::row::{Example, Probe, ROW, Row, is_root};

/// The message of a launch that can make no control group.
const NO_GROUP: Example = Example::MayStop("no control group (cgroup v2) can be made");

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "best-effort",
        spec: "best-effort (limit-memory \"1G\") (limit-pids 64) (limit-cpu 2)",
        probes: &[
            Probe::Works("true"),
            Probe::Denies("ulimit -d unlimited && ulimit -u unlimited"),
        ],
        ..ROW
    },
    Row {
        name: "limit-cpu",
        spec: "best-effort (limit-cpu \"150%\")",
        probes: &[Probe::Works("true"), Probe::Denies(": >/sys/fs/cgroup/cpu.max")],
        example: NO_GROUP,
        ..ROW
    },
    Row {
        name: "limit-file-size",
        spec: "(limit-file-size \"1M\")",
        probes: &[
            Probe::Grants("[ \"$(ulimit -f) $(ulimit -Hf)\" = '1024 1024' ]"),
            Probe::Refuses("trap '' XFSZ; head -c 1048577 /dev/zero >file"),
        ],
        ..ROW
    },
    Row {
        name: "limit-files",
        spec: "(limit-files 64)",
        probes: &[
            Probe::Grants("[ \"$(ulimit -n) $(ulimit -Hn)\" = '64 64' ]"),
            Probe::Refuses("for i in {10..80}; do eval \"exec $i</dev/null\" || exit; done"),
        ],
        ..ROW
    },
    Row {
        name: "limit-memory",
        spec: "best-effort (limit-memory \"64M\")",
        probes: &[
            Probe::Works("true"),
            // 128 MiB at the end, should nothing hold it.
            Probe::Refuses("x=xxxxxxxx; for i in {1..24}; do x=$x$x; done; [ ${#x} = 134217728 ]"),
        ],
        example: NO_GROUP,
        ..ROW
    },
    Row {
        name: "limit-pids",
        spec: "best-effort (limit-pids 8)",
        probes: &[
            Probe::Works("(true)"),
            Probe::Refuses(
                "for i in {1..20}; do sleep 2 & done; wait; [ \"$(jobs -p | wc -l)\" = 0 ]",
            ),
        ],
        example: NO_GROUP,
        // The kernel exempts root from the limit that replaces the group's.
        unable: || {
            is_root().then(|| ("cgroup", "no limit of processes is claimed for root here".into()))
        },
        ..ROW
    },
    Row {
        name: "limit-time",
        spec: "(limit-time \"1s\")",
        probes: &[Probe::Works("true"), Probe::Refuses("sleep 3")],
        ..ROW
    },
];
