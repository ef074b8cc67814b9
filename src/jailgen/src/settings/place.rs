//! Where the file is, and whether it is trusted: it must belong to its user or to root, and neither
//! another user nor a jail can have written it.
//!
//! A jail that is given `~/.config` has an empty folder in the place of `~/.config/jailgen`
//! (`src/jail-stub/src/host/own_state.rs`), so a path to there is trusted although the jail may
//! write around it. If a link or XDG_CONFIG_HOME leads elsewhere, that place must be outside of
//! everything that a jail could write.

use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use jail_plan::search;

pub const FILE: &str = "config.toml";

const STICKY: u32 = 0o1000;

/// Reads the file at `file`, an absolute path; `None` if it does not exist. `covered` is the folder
/// that no jail is given, and `is_outside` says whether a place is in no tree that a jail could
/// write.
///
/// # Errors
/// It cannot be read, or is not believed.
pub fn read(
    file: &Path,
    covered: Option<&Path>,
    is_outside: &dyn Fn(&Path) -> bool,
) -> io::Result<Option<String>> {
    if let Err(error) = fs::metadata(file) {
        let is_there = fs::symlink_metadata(file).is_ok();
        return if error.kind() == io::ErrorKind::NotFound && !is_there {
            Ok(None)
        } else {
            Err(error)
        };
    }
    let passed = passed(file)?;
    let covered = covered.map_or(Ok(Vec::new()), self::passed)?;
    let last = passed.len().saturating_sub(2);
    for (index, place) in passed.iter().enumerate() {
        // The file and its folder, as with the state folder: a home folder may be a group's.
        only_ours(place, index >= last)?;
        let is_covered = covered.contains(place)
            || covered.last().is_some_and(|folder| place.starts_with(folder));
        if !is_covered && !is_outside(place) {
            return Err(io::Error::other(
                "a jail could write it, or replace a link on the way to it",
            ));
        }
    }
    let real = passed.last().map_or(file, PathBuf::as_path);
    let text = crate::files::read_regular(real)?;
    String::from_utf8(text).map(Some).map_err(|_| io::Error::other("it is not UTF-8"))
}

/// Every place on the way to `path`, links and what they lead to, the last one without links.
fn passed(path: &Path) -> io::Result<Vec<PathBuf>> {
    let link = |place: &[u8]| match fs::read_link(Path::new(std::ffi::OsStr::from_bytes(place))) {
        Ok(target) => Ok(Some(target.into_os_string().into_vec())),
        Err(error)
            if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotFound) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    };
    let places = search::passed(path.as_os_str().as_bytes(), link)?;
    let places = places.ok_or_else(|| io::Error::other("it leads through too many links"))?;
    Ok(places.into_iter().map(|place| PathBuf::from(std::ffi::OsString::from_vec(place))).collect())
}

fn only_ours(place: &Path, alone: bool) -> io::Result<()> {
    let data = fs::symlink_metadata(place)?;
    let own = rustix::process::geteuid().as_raw();
    let shown = place.display();
    if ![0, own].contains(&data.uid()) {
        return Err(io::Error::other(format!("`{shown}` belongs to another user")));
    }
    // In a folder with this bit no user can rename another's files: so is the store of Nix, where
    // home-manager has the file.
    let is_shared = data.mode() & 0o022 != 0 && data.mode() & STICKY == 0;
    if alone && is_shared && !data.is_symlink() {
        return Err(io::Error::other(format!(
            "others may write `{shown}` (`chmod go-w` fixes that)"
        )));
    }
    Ok(())
}
