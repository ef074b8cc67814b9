//! What programs need of the user's session to open windows, play sound or use the desktop.

use jail_policy::{Grant, Missing, Output, Service, Text};

use super::{Chapter, Combinator, Lower, OURS, inside, names};
use crate::lower::Call;
use crate::packages::Brought;

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Desktop",
    intro: "For programs that open windows, play sound or talk to the desktop. What the machine does not have is left out, and the launch
reports it in one line, so one spec works with and without a screen. A jail never gets all of `/run/user/UID` or
`/tmp/.X11-unix`, only the sockets that the spec names. [desktop.md](desktop.md) says what each of them allows.",
    combinators: &[
        Combinator {
            name: names::CAMERA,
            in_jail_nix: true,
            summary: "The cameras that exist at launch",
            docs: "Programs that ask PipeWire for cameras need `pipewire` instead.",
            example: "camera",
            lower: Lower::Permission(|call| {
                session(call, Service::Camera)
            }),
            ..OURS
        },
        Combinator {
            name: names::GPU,
            in_jail_nix: true,
            summary: "The graphics cards, for drawing and for computing",
            docs: "The nodes of DRM (Intel, AMD and others), NVIDIA's, `/dev/kfd` for ROCm, accelerators and those of WSL, with the cards' own
folders in `/sys`. NixOS's drivers in `/run/opengl-driver` are included; if they need store paths that the jail does not have,
name the driver's package in the spec.",
            example: "gpu",
            lower: Lower::Permission(|call| {
                session(call, Service::Gpu)?;
                deep_if_there(call, "/run/opengl-driver")
            }),
            ..OURS
        },
        Combinator {
            name: "gui",
            in_jail_nix: true,
            summary: "What programs with windows need: `wayland`, `pulse`, `pipewire`, fonts, cursors, icons and dconf's settings to read",
            docs: "`wl-paste` and `wl-copy` are on PATH: agents read images from the clipboard with them. For `xclip`, add `unsafe-x11` or
`xwayland`, and `pkgs.xclip`.",
            example: "gui",
            brings: &[inside(Brought::WlClipboard)],
            lower: Lower::Permission(gui),
            ..OURS
        },
        Combinator {
            name: names::PIPEWIRE,
            in_jail_nix: true,
            summary: "PipeWire's socket: sound, and what else PipeWire provides",
            docs: "This includes the microphone, and cameras and screens that PipeWire gives to any client.",
            example: "pipewire",
            lower: Lower::Permission(|call| {
                runtime_folder(call);
                forward(call, "PIPEWIRE_REMOTE");
                session(call, Service::Pipewire)
            }),
            ..OURS
        },
        Combinator {
            name: names::PULSE,
            in_jail_nix: true,
            summary: "The PulseAudio server's socket: sound",
            docs: "This includes the microphone: PulseAudio does not ask.",
            example: "pulse",
            lower: Lower::Permission(|call| {
                runtime_folder(call);
                if_there(call, Text::expanded("~/.config/pulse/cookie"));
                session(call, Service::Pulse)
            }),
            ..OURS
        },
        Combinator {
            name: "unsafe-dbus",
            in_jail_nix: true,
            summary: "The session's message bus, unfiltered",
            docs: "**Not safe.** Through it programs outside can be started and controlled. `dbus` allows only what is named.",
            example: "unsafe-dbus",
            lower: Lower::Permission(|call| {
                runtime_folder(call);
                forward(call, "DBUS_SESSION_BUS_ADDRESS");
                session(call, Service::SessionBus)
            }),
            ..OURS
        },
        Combinator {
            name: "unsafe-x11",
            in_jail_nix: true,
            summary: "The X server's socket and cookie",
            docs: "**Not safe.** A client of an X server reads every key that is pressed and every window that is shown, and types into them. A
display of another machine (`DISPLAY=host:0`) is a matter of the network and is left out.",
            example: "unsafe-x11",
            lower: Lower::Permission(|call| {
                forward(call, "DISPLAY");
                forward(call, "XAUTHORITY");
                session(call, Service::X11)
            }),
            ..OURS
        },
        Combinator {
            name: names::WAYLAND,
            in_jail_nix: true,
            summary: "The Wayland compositor's socket",
            docs: "The compositor isolates its clients from each other. It decides what else it offers, such as screen copies.",
            example: "wayland",
            lower: Lower::Permission(wayland),
            ..OURS
        },
        super::xwayland::XWAYLAND,
    ],
};

/// Where a session's sockets are, also on a machine that has no session.
const RUNTIME_FOLDER: &str = "${XDG_RUNTIME_DIR:-/run/user/jail}";

/// A runtime folder of the jail's own, at the host's path. Sockets appear in it, and
/// programs may write there.
pub(super) fn runtime_folder(call: &mut Call<'_, '_>) {
    if call.once("runtime-folder") {
        let place = Text::expanded(RUNTIME_FOLDER);
        call.grant_beneath(Grant::Tmpfs { to: place.clone(), mode: 0o700, size: None });
        call.grant(Grant::SetEnv { name: "XDG_RUNTIME_DIR".into(), value: place });
    }
}

/// A place in the runtime folder.
pub(super) fn in_runtime_folder(name: &str) -> Text {
    Text::expanded(format!("{RUNTIME_FOLDER}/{name}"))
}

/// A part of the session. It may be in the home folder or in the runtime folder, so it covers both.
pub(super) fn session(call: &mut Call<'_, '_>, service: Service) -> Option<()> {
    call.grant(Grant::Session { service });
    Some(())
}

pub(super) fn forward(call: &mut Call<'_, '_>, name: &str) {
    call.grant(Grant::ForwardEnv { name: name.into(), missing: Missing::Skip });
}

/// A file of the host that may be missing, read-only.
pub(super) fn if_there(call: &mut Call<'_, '_>, path: Text) {
    let (from, access, missing) = (path.clone(), jail_policy::Access::ReadOnly, Missing::Skip);
    call.grant(Grant::Bind { from, to: path, access, missing });
}

fn deep_if_there(call: &mut Call<'_, '_>, path: &str) -> Option<()> {
    call.grant(Grant::DeepBind { from: Text::literal(path), missing: Missing::Skip });
    Some(())
}

fn wayland(call: &mut Call<'_, '_>) -> Option<()> {
    runtime_folder(call);
    forward(call, "WAYLAND_DISPLAY");
    forward(call, "XDG_SESSION_TYPE");
    session(call, Service::Wayland)
}

fn gui(call: &mut Call<'_, '_>) -> Option<()> {
    for part in [names::WAYLAND, names::PULSE, names::PIPEWIRE] {
        call.apply_named(part);
    }
    deep_if_there(call, "/etc/fonts")?;
    for place in ["~/.config/dconf", "~/.config/fontconfig", "~/.icons", "~/.local/share/icons"] {
        if_there(call, Text::expanded(place));
    }
    for place in ["/usr/share/fonts", "/usr/share/icons"] {
        if_there(call, Text::literal(place));
    }
    for name in ["XCURSOR_THEME", "XCURSOR_PATH", "XCURSOR_SIZE", "XDG_DATA_DIRS"] {
        forward(call, name);
    }
    let (variable, separator) = ("XDG_DATA_DIRS".into(), ":".into());
    let access = jail_policy::Access::ReadOnly;
    call.grant(Grant::BindVariable { variable, separator, access });
    let mut clipboard = Text::package(call.brought(Brought::WlClipboard)?, Output::Bin);
    clipboard.extend(&Text::literal("/bin"));
    call.grant(Grant::AddPath { folder: clipboard });
    Some(())
}
