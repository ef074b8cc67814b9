//! Where sockets of a session are: the places that their clients check, in the same order.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use jail_plan::{Access, JailPath, Service};
use rustix::fs::FileType;

use crate::caller::Caller;
use crate::failure::Problem;
use crate::inside::Launch;
use crate::inside::bind::{self, Source};
use crate::inside::session::{is_kind, socket};

/// Where D-Bus puts it (its specification, "Well-known Message Bus Instances").
const SYSTEM_BUS: &str = "/run/dbus/system_bus_socket";

/// A place on the host, and the one inside: a client inside finds it in the same way.
type Places = Vec<(String, String)>;

/// The possible places of the service's socket; the first that exists counts.
pub(super) fn candidates(service: Service, caller: &Caller<'_>) -> Places {
    match service {
        Service::Wayland => display(caller),
        Service::Pulse => same(in_folder(value(caller, "XDG_RUNTIME_DIR"), "pulse/native")),
        Service::Pipewire => pipewire(caller),
        Service::SshAgent => same(path(value(caller, "SSH_AUTH_SOCK"))),
        Service::GpgAgent => gnupg(caller),
        Service::NixDaemon => nix_daemon(caller),
        Service::SessionBus => session_bus(caller),
        Service::FilteredSessionBus => {
            let folder = value(caller, "XDG_RUNTIME_DIR").unwrap_or("/run/user/jail");
            proxied(caller, "JAILGEN_SESSION_BUS", in_folder(Some(folder), "bus"))
        }
        Service::FilteredSystemBus => {
            proxied(caller, "JAILGEN_SYSTEM_BUS", Some(SYSTEM_BUS.into()))
        }
        Service::SystemBus => same(Some(SYSTEM_BUS.into())),
        // It cannot be found by a path alone.
        Service::X11 | Service::Gpu | Service::Camera => Vec::new(),
    }
}

/// As in `wl_display_connect`: the variable is a name in the runtime folder, or a path.
fn display(caller: &Caller<'_>) -> Places {
    let name = value(caller, "WAYLAND_DISPLAY").unwrap_or("wayland-0");
    same(named(caller, name))
}

fn pipewire(caller: &Caller<'_>) -> Places {
    let name = value(caller, "PIPEWIRE_REMOTE").unwrap_or("pipewire-0");
    if let Some(folder) = value(caller, "PIPEWIRE_RUNTIME_DIR") {
        return same(in_folder(Some(folder), name));
    }
    same(named(caller, name))
}

/// The socket that GnuPG makes for machines to which the agent is forwarded: it signs and decrypts,
/// and reveals no key. Inside it is at the place of the ordinary one.
fn gnupg(caller: &Caller<'_>) -> Places {
    let home = caller.home_folder().ok().map(|home| format!("{}/.gnupg", home.as_str()));
    let folders = [
        in_folder(value(caller, "XDG_RUNTIME_DIR"), "gnupg"),
        Some(format!("/run/user/{}/gnupg", caller.uid)),
        home.clone(),
    ];
    let extra = folders.into_iter().flatten().map(|folder| format!("{folder}/S.gpg-agent.extra"));
    let login = format!("/run/user/{}", caller.uid);
    // GnuPG uses the folder of a login, if there is one, whatever the variable says.
    let to = match value(caller, "XDG_RUNTIME_DIR") {
        Some(folder) if folder == login => Some(format!("{login}/gnupg/S.gpg-agent")),
        Some(_) | None => home.map(|home| format!("{home}/S.gpg-agent")),
    };
    extra.filter_map(|from| to.clone().map(|to| (from, to))).collect()
}

/// Inside it is where every Nix looks.
fn nix_daemon(caller: &Caller<'_>) -> Places {
    const USUAL: &str = "/nix/var/nix/daemon-socket/socket";
    let from = path(value(caller, "NIX_DAEMON_SOCKET_PATH")).unwrap_or_else(|| USUAL.into());
    vec![(from, USUAL.into())]
}

/// The helper returns the path of the proxy's socket, which overrides the
/// launcher's variable of that name.
fn proxied(caller: &Caller<'_>, variable: &str, to: Option<String>) -> Places {
    path(value(caller, variable)).zip(to).into_iter().collect()
}

/// The D-Bus specification, "Server Addresses": several, divided by `;`, each with a list of keys.
fn session_bus(caller: &Caller<'_>) -> Places {
    let Some(addresses) = value(caller, "DBUS_SESSION_BUS_ADDRESS") else {
        return same(in_folder(value(caller, "XDG_RUNTIME_DIR"), "bus"));
    };
    let keys = addresses.split(';').filter_map(|address| address.strip_prefix("unix:"));
    keys.flat_map(|keys| keys.split(','))
        .filter_map(|key| path(key.strip_prefix("path=")))
        .map(|path| (path.clone(), path))
        .collect()
}

/// The X server's socket, and the cookie without which it accepts no client.
pub(super) fn x11(launch: &Launch<'_>) -> Result<Vec<Source>, Problem> {
    let Some(number) = value(launch.caller, "DISPLAY").and_then(display_number) else {
        return Ok(Vec::new());
    };
    let place = format!("/tmp/.X11-unix/X{number}");
    let mut found: Vec<Source> = socket(&place, &place, launch)?.into_iter().collect();
    let home = launch.caller.home_folder().ok();
    let cookie = path(value(launch.caller, "XAUTHORITY"))
        .or_else(|| home.map(|home| format!("{}/.Xauthority", home.as_str())));
    if let (Some(cookie), false) = (cookie, found.is_empty())
        && is_kind(&cookie, FileType::RegularFile, launch)?
    {
        let bytes = cookie.as_bytes();
        found.push(bind::source(bytes, bytes, Access::ReadOnly, launch)?);
    }
    Ok(found)
}

/// `:1`, `:1.0` and `unix:1` are on this machine; `host:1` is a connection to another one, which
/// the network rules decide.
fn display_number(display: &str) -> Option<&str> {
    let number = display.strip_prefix("unix:").or_else(|| display.strip_prefix(':'))?;
    let number = number.split('.').next()?;
    (!number.is_empty() && number.len() <= 5 && number.bytes().all(|byte| byte.is_ascii_digit()))
        .then_some(number)
}

fn same(place: Option<String>) -> Places {
    place.map_or_else(Vec::new, |place| vec![(place.clone(), place)])
}

/// A name in the runtime folder, or a path.
fn named(caller: &Caller<'_>, name: &str) -> Option<String> {
    if name.starts_with('/') {
        return path(Some(name));
    }
    in_folder(value(caller, "XDG_RUNTIME_DIR"), name)
}

fn in_folder(folder: Option<&str>, name: &str) -> Option<String> {
    path(folder.map(|folder| format!("{folder}/{name}")).as_deref())
}

fn path(text: Option<&str>) -> Option<String> {
    JailPath::parse(text?).ok().map(|path| path.as_str().to_string())
}

/// A variable that is set and not empty.
fn value<'a>(caller: &'a Caller<'_>, name: &str) -> Option<&'a str> {
    let value = core::str::from_utf8(caller.value(name)?).ok()?;
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::display_number;

    #[test]
    fn displays_of_this_machine_have_a_number() {
        for (display, number) in [
            (":0", Some("0")),
            (":12.1", Some("12")),
            ("unix:3", Some("3")),
            ("host:0", None),
            ("localhost:10.0", None),
            ("", None),
            (":", None),
            (":../x", None),
            (":123456", None),
        ] {
            assert_eq!(display_number(display), number, "{display}");
        }
    }
}
