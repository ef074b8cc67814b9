//! Devices by their names in /dev, and what the kernel says about graphics cards in /sys.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use jail_plan::{Access, Service};
use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::failure::{About, Problem};
use crate::inside::Launch;
use crate::inside::bind::{self, Source};
use crate::inside::listing;
use crate::inside::session::is_absent;

/// The most devices; no machine has more of them.
const NAMES_MAX: usize = 16 * 1024;

/// DRM and its render nodes, NVIDIA's, AMD's for computing, Intel's and others' accelerators,
/// those of WSL and of ARM.
const GRAPHICS: &[&str] = &["dri", "nvidia", "kfd", "accel", "dxg", "mali"];
const CAMERAS: &[&str] = &["video", "media", "v4l"];

/// Folders of links to the devices' own folders, which programs follow; AMD's has
/// the layout of its cards.
const DIRECTORIES: &[&str] =
    &["/sys/class/drm", "/sys/dev/char", "/sys/class/kfd", "/sys/devices/virtual/kfd"];

/// The nodes of graphics cards, and the cards' own folders in /sys; of other devices nothing.
pub(super) fn graphics(launch: &Launch<'_>) -> Result<Vec<Source>, Problem> {
    let mut found = bound(Service::Gpu, launch)?;
    if found.is_empty() {
        return Ok(found);
    }
    for folder in card_folders().iter().map(String::as_str).chain(DIRECTORIES.iter().copied()) {
        found.extend(there(folder, Access::ReadOnly, launch)?);
    }
    Ok(found)
}

/// The nodes of the cameras that exist at launch.
pub(super) fn cameras(launch: &Launch<'_>) -> Result<Vec<Source>, Problem> {
    bound(Service::Camera, launch)
}

fn bound(service: Service, launch: &Launch<'_>) -> Result<Vec<Source>, Problem> {
    let mut found = Vec::new();
    for node in nodes(service)? {
        found.extend(there(&node, Access::Device, launch)?);
    }
    Ok(found)
}

/// The devices of this kind in /dev.
pub(super) fn nodes(service: Service) -> Result<Vec<String>, Problem> {
    let kinds = if service == Service::Gpu { GRAPHICS } else { CAMERAS };
    let names = in_folder("/dev").about("/dev")?;
    let of_kind = |name: &String| kinds.iter().any(|kind| is_of(name, kind));
    Ok(names.into_iter().filter(of_kind).map(|name| format!("/dev/{name}")).collect())
}

/// `nvidia0`, `nvidiactl`, `nvidia-uvm` and `nvidia-caps` are all NVIDIA's, and no other device
/// starts like that. For the others, only a number may follow.
fn is_of(name: &str, kind: &str) -> bool {
    let Some(rest) = name.strip_prefix(kind) else { return false };
    kind == "nvidia" || rest.bytes().all(|byte| byte.is_ascii_digit())
}

/// The folders of the devices that the links in /sys/class/drm lead to.
fn card_folders() -> Vec<String> {
    let mut folders = Vec::new();
    for name in in_folder("/sys/class/drm").unwrap_or_default() {
        let link = format!("/sys/class/drm/{name}");
        let Ok(target) = rustix::fs::readlinkat(CWD, link.as_str(), Vec::new()) else { continue };
        folders.extend(core::str::from_utf8(target.to_bytes()).ok().and_then(card_folder));
    }
    jail_plan::sort(&mut folders);
    folders.dedup();
    folders
}

/// `/sys/devices/pci0000:00/0000:00:02.0` of `../../devices/pci0000:00/0000:00:02.0/drm/card0`.
fn card_folder(target: &str) -> Option<String> {
    let mut folder = String::from("/sys/devices");
    for name in target.strip_prefix("../../devices/")?.split('/') {
        match name {
            "drm" => return Some(folder),
            ".." => return None,
            _ => folder.extend(["/", name]),
        }
    }
    None
}

fn in_folder(path: &str) -> Result<Vec<String>, rustix::io::Errno> {
    let place = openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let names = listing::names(place, NAMES_MAX)?;
    Ok(names.into_iter().filter_map(|name| String::from_utf8(name).ok()).collect())
}

fn there(path: &str, access: Access, launch: &Launch<'_>) -> Result<Option<Source>, Problem> {
    match bind::source(path.as_bytes(), path.as_bytes(), access, launch) {
        Ok(source) => Ok(Some(source)),
        Err(problem) if is_absent(&problem) => Ok(None),
        Err(problem) => Err(problem),
    }
}

#[cfg(test)]
mod tests {
    use super::{card_folder, is_of};

    #[test]
    fn nodes_are_told_from_others_that_begin_alike() {
        for (name, kind, expected) in [
            ("nvidia0", "nvidia", true),
            ("nvidia-uvm-tools", "nvidia", true),
            ("dri", "dri", true),
            ("drivers", "dri", false),
            ("video0", "video", true),
            ("videodev", "video", false),
            ("kfd", "kfd", true),
            ("sda", "dri", false),
        ] {
            assert_eq!(is_of(name, kind), expected, "{name}");
        }
    }

    #[test]
    fn a_cards_folder_is_that_of_its_device() {
        for (target, expected) in [
            (
                "../../devices/pci0000:00/0000:00:02.0/drm/card0",
                Some("/sys/devices/pci0000:00/0000:00:02.0"),
            ),
            ("../../devices/platform/gpu/drm/renderD128", Some("/sys/devices/platform/gpu")),
            ("../../devices/virtual/x", None),
            ("../../devices/../../etc/drm/x", None),
            ("/etc/drm/x", None),
        ] {
            assert_eq!(card_folder(target).as_deref(), expected, "{target}");
        }
    }
}
