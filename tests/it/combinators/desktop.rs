//! The desktop: sockets of a session that a script stands in for, and the devices of this machine.

use super::row::{Probe, ROW, Row};

/// A session with a runtime folder in the row's home folder: `listen NAME` makes a socket there.
macro_rules! session {
    ($script:literal) => {
        concat!(
            "mkdir -p ~/run; echo private >~/run/file\n",
            "listen() { mkdir -p \"$(dirname \"$1\")\"; python3 -c 'import socket, sys\n",
            "s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()\n",
            "while True:\n",
            "  c = s.accept()[0]\n",
            "  try: c.sendall(b\"hello\\n\")\n",
            "  except OSError: pass\n",
            "  c.close()' \"$1\" & until [ -S \"$1\" ]; do sleep 0.01; done; }\n",
            "listen ~/run/other\n",
            $script
        )
    };
}
pub(super) use session;

/// Asks the server at a socket.
macro_rules! asks {
    ($socket:literal) => {
        concat!("socat -u UNIX-CONNECT:\"", $socket, "\" - | grep -qx hello")
    };
}

const RUNTIME: &[(&str, &str)] = &[("XDG_RUNTIME_DIR", "$HOME/run")];

/// Of the runtime folder nothing else is there, and what is written stays inside.
const OTHER_SOCKET: Probe = Probe::Refuses("[ -S ~/run/other ]");
const OTHER_FILE: Probe = Probe::Refuses("cat ~/run/file");
const NOTHING_LEFT: Probe = Probe::Left("! [ -e ~/run/made ]");

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "camera",
        spec: "camera (readonly (noescape \"~/devices\"))",
        host: "(cd /dev; compgen -G 'video[0-9]*' || true) >~/devices",
        probes: &[
            Probe::Works("[ \"$(cd /dev; compgen -G 'video[0-9]*')\" = \"$(cat ~/devices)\" ]"),
            Probe::Denies(
                "[ -e /dev/kmsg ] || [ -e /dev/mem ] || [ -e /dev/fuse ] || [ -e /dev/dri ]",
            ),
        ],
        ..ROW
    },
    Row {
        name: "gpu",
        spec: "gpu (readonly (noescape \"~/devices\"))",
        host: "(cd /dev; compgen -G 'dri/*' || true) >~/devices",
        probes: &[
            Probe::Works("[ \"$(cd /dev; compgen -G 'dri/*')\" = \"$(cat ~/devices)\" ]"),
            Probe::Denies(
                "[ -e /dev/kmsg ] || [ -e /dev/mem ] || [ -e /dev/fuse ] || [ -e /sys/kernel ]",
            ),
            Probe::Denies("ls /dev/video* /dev/sd* /dev/nvme*"),
        ],
        ..ROW
    },
    Row {
        name: "gui",
        spec: "gui",
        host: session!(
            "listen ~/run/wayland-7; listen ~/run/pulse/native; listen ~/run/pipewire-0; mkdir -p ~/share/fonts; echo f >~/share/fonts/f; mkdir -p ~/.config/dconf; echo d >~/.config/dconf/user"
        ),
        env: &[
            ("XDG_RUNTIME_DIR", "$HOME/run"),
            ("WAYLAND_DISPLAY", "wayland-7"),
            ("XDG_DATA_DIRS", "$HOME/share:/usr/share/nothing-here"),
            ("XCURSOR_SIZE", "48"),
        ],
        probes: &[
            Probe::Grants(
                "[ -S \"$XDG_RUNTIME_DIR/$WAYLAND_DISPLAY\" ] && [ -S ~/run/pulse/native ] && [ -S ~/run/pipewire-0 ]",
            ),
            Probe::Grants(
                "[ \"$XCURSOR_SIZE\" = 48 ] && cat \"${XDG_DATA_DIRS%%:*}\"/fonts/f ~/.config/dconf/user",
            ),
            Probe::Grants("wl-paste --version && wl-copy --version"),
            Probe::Refuses("echo x >>~/.config/dconf/user"),
            OTHER_SOCKET,
            OTHER_FILE,
        ],
        ..ROW
    },
    Row {
        name: "gui",
        case: "without-a-screen",
        spec: "gui gpu camera unsafe-x11 unsafe-dbus ssh-agent",
        probes: &[
            Probe::Says {
                script: "[ -d \"$XDG_RUNTIME_DIR\" ] && echo x >\"$XDG_RUNTIME_DIR/x\"",
                says: "jail-stub: left out, because it is not here: Wayland, PulseAudio, PipeWire",
            },
            Probe::Denies("[ -e /tmp/.X11-unix ]"),
        ],
        ..ROW
    },
    Row {
        name: "pipewire",
        spec: "pipewire (add-pkg-deps [ pkgs.socat pkgs.gnugrep ])",
        host: session!("listen ~/run/pipewire-0"),
        env: RUNTIME,
        probes: &[
            Probe::Grants("[ -S ~/run/pipewire-0 ]"),
            Probe::Works(asks!("$XDG_RUNTIME_DIR/pipewire-0")),
            Probe::Refuses(asks!("$XDG_RUNTIME_DIR/other")),
            OTHER_SOCKET,
            OTHER_FILE,
        ],
        ..ROW
    },
    Row {
        name: "pulse",
        spec: "pulse (add-pkg-deps [ pkgs.socat pkgs.gnugrep ])",
        host: session!(
            "listen ~/run/pulse/native; mkdir -p ~/.config/pulse; echo c >~/.config/pulse/cookie"
        ),
        env: RUNTIME,
        probes: &[
            Probe::Grants("[ -S ~/run/pulse/native ] && cat ~/.config/pulse/cookie"),
            Probe::Works(asks!("$XDG_RUNTIME_DIR/pulse/native")),
            Probe::Refuses(asks!("$XDG_RUNTIME_DIR/other")),
            Probe::Refuses("echo x >>~/.config/pulse/cookie"),
            OTHER_SOCKET,
        ],
        ..ROW
    },
    Row {
        name: "unsafe-dbus",
        spec: "unsafe-dbus",
        host: session!("listen ~/run/the-bus"),
        env: &[
            ("XDG_RUNTIME_DIR", "$HOME/run"),
            ("DBUS_SESSION_BUS_ADDRESS", "unix:path=$HOME/run/the-bus,guid=0123"),
        ],
        probes: &[
            Probe::Grants("[ -S ~/run/the-bus ] && [ -n \"$DBUS_SESSION_BUS_ADDRESS\" ]"),
            OTHER_SOCKET,
            OTHER_FILE,
        ],
        ..ROW
    },
    Row {
        name: "unsafe-x11",
        spec: "unsafe-x11",
        // A number that no server has. The socket stays behind: others may run the same test.
        host: "mkdir -p -m 1777 /tmp/.X11-unix; python3 -c 'import socket, os
for name in \"X7123\", \"X7124\":
    path = \"/tmp/.X11-unix/\" + name
    if not os.path.exists(path): socket.socket(socket.AF_UNIX).bind(path)
'; echo cookie >~/.Xauthority; echo private >~/notes",
        env: &[("DISPLAY", ":7123.0")],
        probes: &[
            Probe::Grants(
                "[ -S /tmp/.X11-unix/X7123 ] && [ \"$DISPLAY\" = :7123.0 ] && cat ~/.Xauthority",
            ),
            Probe::Refuses("[ -S /tmp/.X11-unix/X7124 ]"),
            Probe::Refuses("echo x >>~/.Xauthority"),
            Probe::Refuses("cat ~/notes"),
        ],
        ..ROW
    },
    Row {
        name: "wayland",
        spec: "wayland (add-pkg-deps [ pkgs.socat ])",
        host: session!("listen ~/run/wayland-7"),
        env: &[("XDG_RUNTIME_DIR", "$HOME/run"), ("WAYLAND_DISPLAY", "wayland-7")],
        probes: &[
            Probe::Grants("[ -S \"$XDG_RUNTIME_DIR/$WAYLAND_DISPLAY\" ]"),
            Probe::Works(
                "socat -u OPEN:/dev/null UNIX-CONNECT:\"$XDG_RUNTIME_DIR/$WAYLAND_DISPLAY\"",
            ),
            Probe::Works("echo x >~/run/made"),
            Probe::Refuses("rm ~/run/wayland-7 && listen=1"),
            OTHER_SOCKET,
            OTHER_FILE,
            NOTHING_LEFT,
        ],
        ..ROW
    },
    Row {
        name: "wayland",
        case: "at-a-path-that-is-a-folder",
        spec: "wayland",
        host: session!("true"),
        env: &[("XDG_RUNTIME_DIR", "$HOME/run"), ("WAYLAND_DISPLAY", "$HOME/run")],
        probes: &[
            Probe::Says { script: "true", says: "left out, because it is not here: Wayland" },
            OTHER_SOCKET,
            OTHER_FILE,
        ],
        ..ROW
    },
];
