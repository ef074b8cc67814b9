//! What combines permissions and texts.

use super::row::{Example, Probe, ROW, Row};

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "unsafe-add-raw-args",
        case: "ids",
        spec: "mount-cwd (unsafe-add-raw-args \"--uid 0 --gid 4242\") (add-runtime ''RUNTIME_ARGS+=(--uid 1717)'') (state-file (noescape \"~/.row.json\"))",
        probes: &[
            Probe::Grants("[ \"$(id -u) $(id -g)\" = '1717 4242' ]"),
            Probe::Works(
                "echo x >made && [ -O made ] && [ -G made ] && echo new >~/n && mv -T ~/n ~/.row.json",
            ),
            Probe::Denies("[ \"$(id -u)\" = 0 ]"),
            Probe::Left("[ -O made ] && [ -G made ] && [ \"$(cat ~/.row.json)\" = new ]"),
        ],
        ..ROW
    },
    Row {
        name: "compose",
        spec: "(compose [ (readonly (noescape \"~/a\")) (set-env \"B\" \"1\") ])",
        host: "echo a >~/a",
        probes: &[Probe::Grants("cat ~/a && [ \"$B\" = 1 ]"), Probe::Refuses("echo x >>~/a")],
        ..ROW
    },
    Row {
        name: "defer",
        spec: "(defer (write-text \"/etc/which\" \"deferred\")) (write-text \"/etc/which\" \"in its place\")",
        probes: &[
            Probe::Works("[ \"$(cat /etc/which)\" = deferred ]"),
            Probe::Denies("[ \"$(cat /etc/which)\" = 'in its place' ]"),
        ],
        ..ROW
    },
    Row {
        name: "escape",
        spec: "(set-env \"TEXT\" (escape \"it's \\\\$ROW\"))",
        env: &[("ROW", "expanded")],
        probes: &[
            Probe::Works("[ \"$TEXT\" = \"it's \\\\\\$ROW\" ]"),
            Probe::Denies("[ \"${TEXT#*expanded}\" != \"$TEXT\" ]"),
        ],
        ..ROW
    },
    Row {
        name: "include-once",
        spec: "(include-once \"key\" (set-env \"ONE\" \"1\")) (include-once \"key\" (set-env \"TWO\" \"2\"))",
        probes: &[Probe::Grants("[ \"$ONE\" = 1 ]"), Probe::Denies("[ \"$TWO\" = 2 ]")],
        ..ROW
    },
    Row {
        name: "noescape",
        spec: "(set-env \"TEXT\" (noescape \"$ROW and \\${ROW_OTHER:-nothing}\"))",
        env: &[("ROW", "$(touch ~/made)")],
        probes: &[
            Probe::Works("[ \"$TEXT\" = '$(touch ~/made) and nothing' ]"),
            Probe::Stops { env: &[("ROW", "")], says: "ROW" },
            Probe::Refuses("[ \"$ROW\" ]"),
            Probe::Left("! [ -e ~/made ]"),
        ],
        example: Example::MayStop(".config/git"),
        ..ROW
    },
    Row {
        name: "reset",
        spec: "(readonly (noescape \"~/a\")) network reset base bind-nix-store-runtime-closure",
        host: "echo a >~/a",
        probes: &[
            Probe::Works("[ -x /bin/sh ]"),
            Probe::Refuses("cat ~/a"),
            Probe::Refuses("cat /etc/passwd"),
        ],
        ..ROW
    },
    Row {
        name: "unsafe-add-raw-args",
        spec: "(unsafe-add-raw-args \"--ro-bind ~/given '/a place' --perms 0700 --tmpfs /scratch --setenv ROW \\\"$ROW_VALUE b\\\" --chdir /scratch --mqueue /mq\")",
        host: "mkdir -p ~/given ~/other; echo given >~/given/file; echo other >~/other/file",
        env: &[("ROW_VALUE", "a"), ("ROW_OTHER", "1")],
        probes: &[
            Probe::Grants(
                "[ \"$(cat '/a place/file')\" = given ] && [ \"$PWD\" = /scratch ] && echo x >x && [ \"$ROW\" = 'a b' ] && [ -d /mq ]",
            ),
            Probe::Refuses("cat ~/other/file"),
            Probe::Denies("echo x >'/a place/file'"),
            Probe::Refuses("[ \"$ROW_OTHER\" ]"),
        ],
        ..ROW
    },
];
