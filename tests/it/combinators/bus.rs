//! Message buses: a real daemon with two services, and the real proxy between it and the jail.

use super::row::{Example, Probe, ROW, Row};

/// A session bus with two services, in the row's home folder.
const BUS: &str = concat!(
    "mkdir -p ~/run; cat >~/bus.py <<'PYTHON'\n",
    include_str!("bus.py"),
    "PYTHON\n",
    "export DBUS_SESSION_BUS_ADDRESS=unix:path=$HOME/run/bus\n",
    "dbus-daemon --session --nofork --nopidfile --address=\"$DBUS_SESSION_BUS_ADDRESS\" 2>/dev/null &\n",
    "until [ -S ~/run/bus ]; do sleep 0.01; done\n",
    "for name in org.example.Row org.example.Other org.freedesktop.Notifications; do\n",
    "  mkfifo ~/$name; python3 ~/bus.py serve $name >~/$name & read -r _ <~/$name\n",
    "done\n",
);

const ENV: &[(&str, &str)] =
    &[("XDG_RUNTIME_DIR", "$HOME/run"), ("DBUS_SESSION_BUS_ADDRESS", "unix:path=$HOME/run/bus")];

/// Nothing of the proxy's is left when the jail has ended.
const NOTHING_LEFT: Probe = Probe::Left("! compgen -G \"$HOME/run/jailgen-*\"");

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "dbus",
        spec:
            "(add-pkg-deps [ pkgs.python3 ]) (readonly (noescape \"~/bus.py\"))
               (dbus { see = [ \"org.example.Row\" ]; }) (dbus { talk = [ \"org.example.Row\" ]; })",
        host: BUS,
        env: ENV,
        probes: &[
            Probe::Grants(
                "python3 ~/bus.py owned org.example.Row && python3 ~/bus.py call org.example.Row",
            ),
            Probe::Refuses("python3 ~/bus.py call org.example.Other"),
            Probe::Refuses("python3 ~/bus.py owned org.example.Other"),
            Probe::Refuses("python3 ~/bus.py own org.example.Third"),
            NOTHING_LEFT,
        ],
        ..ROW
    },
    Row {
        name: "dbus",
        case: "without-a-runtime-folder",
        spec: "(add-pkg-deps [ pkgs.python3 ]) (readonly (noescape \"~/bus.py\")) (dbus { talk = [ \"org.example.Row\" ]; })",
        host: BUS,
        env: &[("DBUS_SESSION_BUS_ADDRESS", "unix:path=$HOME/run/bus")],
        probes: &[
            Probe::Grants("python3 ~/bus.py call org.example.Row"),
            Probe::Refuses("python3 ~/bus.py call org.example.Other"),
            // The proxy was in jailgen's own folder, and not below /tmp, where others may write.
            Probe::Left(
                "[ -d ~/.local/state/jailgen/buses ] && ! compgen -G \"$HOME/.local/state/jailgen/buses/*\"",
            ),
        ],
        ..ROW
    },
    Row {
        name: "dbus",
        case: "without-a-bus",
        spec: "(dbus { own = [ \"org.example.Row\" ]; }) (dbus-system { })",
        env: &[("DBUS_SESSION_BUS_ADDRESS", "unix:path=$HOME/no-bus")],
        probes: &[
            Probe::Says {
                script: "! [ -S \"$XDG_RUNTIME_DIR/bus\" ]",
                says: "left out, because it is not here: a session bus",
            },
            Probe::Denies("[ -S \"$XDG_RUNTIME_DIR/bus\" ]"),
        ],
        ..ROW
    },
    Row {
        name: "dbus-system",
        spec: "(dbus-system { talk = [ \"org.freedesktop.login1\" ]; }) (readonly (noescape \"~/here\"))",
        host: "if [ -S /run/dbus/system_bus_socket ]; then echo yes; else echo no; fi >~/here",
        probes: &[
            Probe::Works(
                "if [ -S /run/dbus/system_bus_socket ]; then echo yes; else echo no; fi | { read -r a; read -r b <~/here; [ $a = $b ]; }",
            ),
            Probe::Denies("ls /run/user || ls /run/systemd"),
        ],
        example: Example::Runs,
        ..ROW
    },
    Row {
        name: "notifications",
        spec: "notifications (add-pkg-deps [ pkgs.python3 ]) (readonly (noescape \"~/bus.py\"))",
        host: BUS,
        env: ENV,
        probes: &[
            Probe::Grants("python3 ~/bus.py call org.freedesktop.Notifications"),
            Probe::Refuses("python3 ~/bus.py call org.example.Row"),
            NOTHING_LEFT,
        ],
        ..ROW
    },
];
