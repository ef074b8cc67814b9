//! The desktop with real servers: a compositor and an X server without screens, and clients that
//! ask them what they have.

use super::row::{Example, Probe, ROW, Row};

/// A compositor without a screen, in the row's runtime folder. It is there when its socket answers.
macro_rules! weston {
    () => {
        "mkdir -m 700 ~/run; weston --backend=headless-backend.so --shell=kiosk-shell.so --no-config \
  --socket=\"$WAYLAND_DISPLAY\" >~/weston.log 2>&1 &
until [ -S \"$XDG_RUNTIME_DIR/$WAYLAND_DISPLAY\" ]; do kill -0 $! || { cat ~/weston.log >&2; exit 1; }; sleep 0.01; done"
    };
}

const WESTON_ENV: &[(&str, &str)] =
    &[("XDG_RUNTIME_DIR", "$HOME/run"), ("WAYLAND_DISPLAY", "wayland-7")];

/// An X server without a screen, which asks for the cookie that the home folder holds: a record of
/// the family that fits every host, without an address, for this display.
macro_rules! xvfb {
    () => {
        "python3 - \"${DISPLAY#:}\" <<'PYTHON'
import os, struct, sys
fields = b'', sys.argv[1].encode(), b'MIT-MAGIC-COOKIE-1', os.urandom(16)
with open(os.path.expanduser('~/.Xauthority'), 'wb') as file:
    file.write(struct.pack('>H', 0xffff) + b''.join(struct.pack('>H', len(it)) + it for it in fields))
PYTHON
mkfifo ~/ready
Xvfb \"$DISPLAY\" -auth ~/.Xauthority -nolisten tcp -nolisten local -displayfd 3 3>~/ready >~/xvfb.log 2>&1 &
read -r _ <~/ready || { cat ~/xvfb.log >&2; exit 1; }"
    };
}

/// Whether this machine has servers for a desktop, and their clients.
fn unable_without_servers() -> Option<(&'static str, String)> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |name: &&str| std::env::split_paths(&path).any(|it| it.join(name).exists());
    let wanted = ["weston", "wayland-info", "Xvfb", "Xwayland", "xdpyinfo", "xkbcomp"];
    let missing: Vec<_> = wanted.iter().filter(|name| !is_there(name)).copied().collect();
    (!missing.is_empty()).then(|| ("desktop", format!("`{}` is missing", missing.join("`, `"))))
}

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "unsafe-x11",
        case: "with-a-server",
        spec: "unsafe-x11 (add-pkg-deps [ pkgs.xdpyinfo pkgs.gnugrep ])",
        host: xvfb!(),
        env: &[("DISPLAY", ":$NUMBER")],
        probes: &[
            Probe::Works("xdpyinfo | grep 'name of display: *:'"),
            Probe::Denies("XAUTHORITY=/dev/null xdpyinfo"),
            Probe::Refuses("unlink ~/.Xauthority"),
        ],
        unable: unable_without_servers,
        ..ROW
    },
    Row {
        name: "unsafe-x11",
        case: "not-given",
        spec: "(add-pkg-deps [ pkgs.xdpyinfo ]) (fwd-env \"DISPLAY\") (readonly (noescape \"~/.Xauthority\"))",
        host: xvfb!(),
        env: &[("DISPLAY", ":$NUMBER")],
        probes: &[
            Probe::Works("command -v xdpyinfo && [ -s ~/.Xauthority ]"),
            Probe::Refuses("xdpyinfo"),
        ],
        unable: unable_without_servers,
        ..ROW
    },
    Row {
        name: "wayland",
        case: "with-a-compositor",
        spec: "wayland (add-pkg-deps [ pkgs.wayland-utils pkgs.gnugrep ])",
        host: weston!(),
        env: WESTON_ENV,
        probes: &[
            Probe::Works("wayland-info | grep wl_compositor"),
            Probe::Denies("WAYLAND_DISPLAY=wayland-8 wayland-info"),
            Probe::Refuses("ls ~/run/wayland-7.lock"),
        ],
        unable: unable_without_servers,
        ..ROW
    },
    Row {
        name: "wayland",
        case: "not-given",
        spec: "(add-pkg-deps [ pkgs.wayland-utils ]) (fwd-env \"WAYLAND_DISPLAY\") (fwd-env \"XDG_RUNTIME_DIR\")",
        host: weston!(),
        env: WESTON_ENV,
        probes: &[
            Probe::Works("command -v wayland-info && [ -n \"$WAYLAND_DISPLAY\" ]"),
            Probe::Refuses("wayland-info"),
        ],
        unable: unable_without_servers,
        ..ROW
    },
    Row {
        name: "xwayland",
        // Debian's Xwayland looks for these two at their own places.
        spec: "xwayland (add-pkg-deps [ pkgs.xdpyinfo pkgs.gnugrep pkgs.procps ]) (fwd-env \"OUTSIDE\")
          (ro-bind \"${pkgs.xkbcomp}/bin/xkbcomp\" \"/usr/bin/xkbcomp\")
          (ro-bind \"${pkgs.xkeyboard_config}/share/X11/xkb\" \"/usr/share/X11/xkb\")",
        host: concat!(weston!(), "\n", xvfb!()),
        env: &[
            ("XDG_RUNTIME_DIR", "$HOME/run"),
            ("WAYLAND_DISPLAY", "wayland-7"),
            ("DISPLAY", ":$NUMBER"),
            ("OUTSIDE", ":$NUMBER"),
        ],
        probes: &[
            Probe::Works("[ \"$DISPLAY\" = :42 ] && xdpyinfo | grep 'name of display: *:42'"),
            // The program has no child that it did not start, and the server no socket
            // that the network leads to.
            Probe::Works("! pgrep -P $$"),
            Probe::Works("grep -F ' /tmp/.X11-unix/X42' /proc/net/unix"),
            Probe::Denies("grep -F '@/tmp/.X11-unix/X42' /proc/net/unix"),
            Probe::Refuses("DISPLAY=$OUTSIDE xdpyinfo"),
            Probe::Refuses("[ -S /tmp/.X11-unix/X${OUTSIDE#:} ]"),
        ],
        example: Example::MayStop("xwayland: the X server did not start"),
        unable: unable_without_servers,
        ..ROW
    },
    Row {
        name: "xwayland",
        case: "where-its-number-is-taken",
        spec: "xwayland network (add-pkg-deps [ pkgs.xdpyinfo pkgs.gnugrep ])
          (ro-bind \"${pkgs.xkbcomp}/bin/xkbcomp\" \"/usr/bin/xkbcomp\")
          (ro-bind \"${pkgs.xkeyboard_config}/share/X11/xkb\" \"/usr/share/X11/xkb\")",
        // In another run of the tests it may be taken already.
        host: concat!(
            weston!(),
            "\npython3 -c 'import socket, time
try: s = socket.socket(socket.AF_UNIX); s.bind(\"\\0/tmp/.X11-unix/X42\"); s.listen()
except OSError: pass
print(\"taken\", flush=True)
time.sleep(600)' >~/taken &
until [ -s ~/taken ]; do sleep 0.01; done"
        ),
        env: WESTON_ENV,
        probes: &[
            Probe::Works("[ \"$DISPLAY\" != :42 ] && xdpyinfo | grep \"name of display: *$DISPLAY\""),
            Probe::Denies("grep -F \"@/tmp/.X11-unix/X${DISPLAY#:}\" /proc/net/unix"),
            Probe::Denies("DISPLAY=:42 xdpyinfo"),
        ],
        unable: unable_without_servers,
        ..ROW
    },
    Row {
        name: "xwayland",
        case: "without-a-screen",
        spec: "xwayland",
        probes: &[
            Probe::Says {
                script: "[ -z \"${DISPLAY:-}\" ]",
                says: "left out, because it is not here: Wayland",
            },
            Probe::Denies("[ -e /tmp/.X11-unix ]"),
        ],
        ..ROW
    },
];
