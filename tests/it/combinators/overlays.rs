//! Overlays.

use super::row::{Example, Probe, ROW, Row};

const FOLDERS: &str = "mkdir -p ~/base ~/more; echo base | tee ~/base/both >~/base/one; echo more >~/more/both; echo private >~/other";

/// What the folders are made of is as it was.
const UNTOUCHED: &str = "[ \"$(cat ~/base/both ~/base/one ~/more/both)\" = $'base\\nbase\\nmore' ] && ! [ -e ~/base/new ] && ! [ -e ~/more/new ]";

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "overlay-ro",
        spec: "(overlay-ro [ (noescape \"~/base\") (noescape \"~/more\") ] \"/merged\")",
        host: FOLDERS,
        probes: &[
            Probe::Grants("[ \"$(cat /merged/both /merged/one)\" = $'more\\nbase' ]"),
            Probe::Denies("echo x >/merged/new || echo x >>/merged/one || rm /merged/one"),
            Probe::Refuses("cat ~/base/one || cat ~/other"),
            Probe::Left(UNTOUCHED),
        ],
        example: Example::MayStop("/srv/base"),
        ..ROW
    },
    Row {
        name: "overlay-rw",
        spec: "(overlay-rw [ (noescape \"~/base\") (noescape \"~/more\") ] (noescape \"~/changes\") (noescape \"~/work\") \"/merged\")",
        host: FOLDERS,
        probes: &[
            Probe::Works("cd /merged && echo new >new && echo changed >both && rm one"),
            Probe::Grants(
                "cd /merged && [ \"$(cat new both)\" = $'new\\nchanged' ] && ! [ -e one ]",
            ),
            Probe::Refuses("cat ~/changes/new || cat ~/base/both || cat ~/other"),
            Probe::Left(UNTOUCHED),
            Probe::Left(
                "[ \"$(cat ~/changes/new ~/changes/both)\" = $'new\\nchanged' ] && [ -c ~/changes/one ]",
            ),
            Probe::Left("[ \"$(stat -c %a ~/changes ~/work)\" = $'700\\n700' ]"),
        ],
        example: Example::MayStop("/srv/base"),
        ..ROW
    },
    Row {
        name: "overlay-tmp",
        spec: "(overlay-tmp [ (noescape \"~/base\") (noescape \"~/more\") ] (noescape \"~/base\"))",
        host: FOLDERS,
        probes: &[
            Probe::Grants(
                "cd ~/base && [ \"$(cat both one)\" = $'more\\nbase' ] && echo new >new && rm one && mkdir d && mv both d",
            ),
            Probe::Denies("[ -e ~/base/new ]"),
            Probe::Refuses("cat ~/more/both || cat ~/other"),
            Probe::Left(UNTOUCHED),
        ],
        example: Example::MayStop(".cargo/registry"),
        ..ROW
    },
    Row {
        name: "overlay-tmp",
        case: "raw",
        spec: "(unsafe-add-raw-args \"--overlay-src ~/base --overlay-src ~/more --tmp-overlay /merged\") (add-runtime ''RUNTIME_ARGS+=(--overlay-src ~/base --overlay-src ~/more --ro-overlay /later)'')",
        host: FOLDERS,
        probes: &[
            Probe::Grants(
                "[ \"$(cat /merged/both /merged/one)\" = $'more\\nbase' ] && echo x >/merged/new",
            ),
            Probe::Grants("[ \"$(cat /later/both /later/one)\" = $'more\\nbase' ]"),
            Probe::Denies("echo x >/later/new"),
            Probe::Left(UNTOUCHED),
        ],
        ..ROW
    },
];
