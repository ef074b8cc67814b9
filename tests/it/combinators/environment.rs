//! The environment and the program.

use super::row::{Example, Probe, ROW, Row};

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "add-dev-shell",
        spec: "(set-env \"ROW_BEFORE\" \"1\")
               (add-dev-shell (pkgs.mkShell { packages = [ pkgs.jq ]; ROW_BEFORE = \"2\"; ROW_AFTER = \"2\"; ROW_VALUE = \"from the shell\"; }))
               (set-env \"ROW_AFTER\" \"3\")",
        env: &[("ROW_OTHER", "1")],
        probes: &[
            Probe::Grants("[ \"$ROW_VALUE\" = 'from the shell' ] && [ $ROW_BEFORE$ROW_AFTER = 23 ] && jq --version"),
            Probe::Refuses("command -v git"),
            Probe::Refuses("[ -n \"$ROW_OTHER$NIX_BUILD_TOP\" ] || [ \"$HOME\" = /homeless-shelter ]"),
        ],
        ..ROW
    },
    Row {
        name: "add-path",
        spec: "(readonly (noescape \"~/tools\")) (add-path (noescape \"~/tools\"))",
        host: "mkdir -p ~/tools; printf '#!/bin/sh\\necho mine\\n' >~/tools/ls; chmod +x ~/tools/ls",
        probes: &[
            Probe::Grants("[ \"$(ls)\" = mine ]"),
            Probe::Refuses("PATH=/usr/bin:/bin; command -v cat"),
        ],
        ..ROW
    },
    Row {
        name: "add-pkg-deps",
        spec: "(add-pkg-deps [ pkgs.jq ])",
        probes: &[
            Probe::Grants("[ \"$(echo '{\"a\":1}' | jq .a)\" = 1 ]"),
            Probe::Refuses("command -v git"),
        ],
        ..ROW
    },
    Row {
        name: "fwd-env",
        spec: "(fwd-env \"ROW_VALUE\")",
        env: &[("ROW_VALUE", "from outside"), ("ROW_OTHER", "1")],
        probes: &[
            Probe::Grants("[ \"$ROW_VALUE\" = 'from outside' ]"),
            Probe::Refuses("[ -n \"$ROW_OTHER\" ]"),
            Probe::Stops { env: &[("ROW_VALUE", "")], says: "ROW_VALUE" },
        ],
        example: Example::MayStop("EDITOR"),
        ..ROW
    },
    Row {
        name: "set-argv",
        spec: "(set-argv [ \"-c\" \"[ $1 = fixed ] && eval $3\" \"probe\" \"fixed\" (noescape \"\\\"$@\\\"\") ])",
        probes: &[Probe::Works("true"), Probe::Denies("false")],
        ..ROW
    },
    Row {
        name: "set-env",
        spec: "(set-env \"ROW_PLACE\" (noescape \"~/go\")) (set-env \"ROW_VALUE\" \"inside\")",
        env: &[("ROW_VALUE", "outside")],
        probes: &[
            Probe::Grants("[ \"$ROW_PLACE\" = ~/go ] && [ \"$ROW_VALUE\" = inside ]"),
            Probe::Refuses("[ \"$ROW_VALUE\" = outside ]"),
        ],
        ..ROW
    },
    Row {
        name: "try-fwd-env",
        spec: "(try-fwd-env \"ROW_VALUE\") (try-fwd-env \"ROW_MISSING\")",
        env: &[("ROW_VALUE", "from outside"), ("ROW_OTHER", "1")],
        probes: &[
            Probe::Grants("[ \"$ROW_VALUE\" = 'from outside' ] && [ -z \"${ROW_MISSING+set}\" ]"),
            Probe::Refuses("[ -n \"$ROW_OTHER\" ]"),
        ],
        ..ROW
    },
    Row {
        name: "unset-env",
        spec: "(set-env \"ROW_VALUE\" \"1\") (unset-env \"ROW_VALUE\") (unset-env \"USER\")",
        env: &[("ROW_VALUE", "1")],
        probes: &[Probe::Works("[ -n \"$HOME\" ]"), Probe::Refuses("[ -n \"$ROW_VALUE$USER\" ]")],
        ..ROW
    },
    Row {
        name: "wrap-entry",
        spec: "(wrap-entry (entry: ''\n  export ROW_VALUE=inner\n  ${entry} \"$@\"\n''))
               (wrap-entry (entry: ''\n  export ROW_OUTER=outer\n  ${entry} \"$@\"\n''))",
        probes: &[
            Probe::Grants("[ \"$ROW_VALUE$ROW_OUTER\" = innerouter ]"),
            Probe::Denies("exit 3"),
            Probe::Denies("for file in /run/jailgen/*; do echo x >$file; done 2>/dev/null"),
        ],
        ..ROW
    },
];
