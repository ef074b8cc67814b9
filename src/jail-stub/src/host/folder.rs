//! The folder that the wrapper was started in.
//!
//! The process keeps it as its working folder from the first instruction to the mount, so whatever is renamed or replaced
//! in between, what is checked here is what is bound (escapes.md C15).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

use crate::caller::Caller;
use crate::failure::{About, Problem};
use crate::host::walk::Identity;
use crate::host::{Accounts, accounts, no_project};

/// Where the wrapper was started.
pub(crate) struct Folder {
    /// Its path, absolute and without symlinks.
    pub(crate) path: Vec<u8>,
}

impl Folder {
    /// The working folder now.
    pub(crate) fn current() -> Result<Self, Problem> {
        let path = match rustix::process::getcwd(Vec::new()) {
            Ok(path) => path.into_bytes(),
            Err(Errno::NOENT) => {
                return Err(Problem::new(".", "the working folder was deleted")
                    .help("change to a folder that exists, and start again"));
            }
            Err(error) => return Err(Problem::errno(".", error)),
        };
        if !path.starts_with(b"/") {
            // The kernel writes `(unreachable)` before a folder that cannot be reached from the root.
            return Err(Problem::new(&path, "the working folder cannot be reached from `/`"));
        }
        Ok(Self { path })
    }
}

/// Refuses `/`, the home folder (unless it is granted) and the folders above it, by name and by identity, and those folders
/// that no project lies in.
pub(crate) fn refuse(caller: &Caller<'_>, home_allowed: bool) -> Result<(), Problem> {
    let folder = Folder::current()?;
    let identity = Identity::at(".").about(&folder.path)?;
    if folder.path == b"/" || Identity::at("/").about("/")? == identity {
        return Err(refusal(&folder, "it is the root folder", false));
    }
    if let Some(why) = no_project::of_the_kernel().about(&folder.path)? {
        return Err(refusal(&folder, why, false));
    }
    let homes = homes(caller);
    for home in &homes {
        let Ok(home_identity) = Identity::at(home.as_str()) else {
            // A home folder that does not exist cannot be the working folder, nor can anything be above it but by name.
            continue;
        };
        if home_identity == identity {
            if home_allowed {
                continue;
            }
            return Err(refusal(&folder, "it is your home folder", true));
        }
        if is_above(&folder.path, identity, home.as_bytes())? {
            return Err(refusal(&folder, "your home folder lies in it", false));
        }
    }
    match no_project::reason(&folder.path, caller, &homes).about(&folder.path)? {
        Some(why) => Err(refusal(&folder, why, false)),
        None => Ok(()),
    }
}

/// The home folder as the launcher's variable says, and as the user database says.
pub(super) fn homes(caller: &Caller<'_>) -> Vec<String> {
    let mut homes: Vec<String> =
        caller.home_folder().map(|home| home.as_str().into()).into_iter().collect();
    let Accounts { home, .. } = accounts(caller);
    homes.extend(home.filter(|home| home.starts_with('/') && home != "/" && !homes.contains(home)));
    homes
}

/// Whether the folder is one of the folders above `home`: those of its path, and those it really lies in.
pub(super) fn is_above(path: &[u8], identity: Identity, home: &[u8]) -> Result<bool, Problem> {
    let below = home.strip_prefix(path);
    if below.is_some_and(|rest| rest.starts_with(b"/")) {
        return Ok(true);
    }
    let mut place = openat(CWD, home, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).about(home)?;
    let mut here = Identity::of(&place).about(home)?;
    loop {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let parent = openat(&place, c"..", flags, Mode::empty()).about(home)?;
        let above = Identity::of(&parent).about(home)?;
        if above == identity {
            return Ok(true);
        }
        if above == here {
            return Ok(false);
        }
        (place, here) = (parent, above);
    }
}

fn refusal(folder: &Folder, why: &str, can_be_granted: bool) -> Problem {
    let remedy = if can_be_granted { ", or grant it with `allow-home-cwd`" } else { "" };
    Problem::new(&folder.path, format!("the jail may not have this folder: {why}"))
        .help(format!("start it in the folder of your project{remedy}"))
}
