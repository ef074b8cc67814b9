//! The folder that the wrapper was started in.
//!
//! The process keeps it as its working folder from the first instruction to the mount, so whatever
//! is renamed or replaced in between, what is checked here is what is bound (escapes.md C15).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use rustix::io::Errno;

use crate::caller::Caller;
use crate::failure::{About, Problem};
use crate::host::walk::Identity;
use crate::host::{OwnState, accounts, no_project};

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
            // The kernel writes `(unreachable)` before a folder that cannot
            // be reached from the root.
            return Err(Problem::new(&path, "the working folder cannot be reached from `/`"));
        }
        Ok(Self { path })
    }
}

/// Refuses `/`, the home folder (unless it is granted) and the folders above it, by name and by
/// identity, and folders that never contain a project.
pub(crate) fn refuse(
    caller: &Caller<'_>,
    home_allowed: bool,
    own_state: Option<&OwnState>,
) -> Result<(), Problem> {
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
        let known = own_state.and_then(|own| own.known(home.as_bytes()));
        let Ok(home_identity) = known.map_or_else(|| Identity::at(home.as_str()), first) else {
            // A home folder that does not exist cannot be the working folder, and only by name
            // can anything be above it.
            continue;
        };
        if home_identity == identity {
            if home_allowed {
                continue;
            }
            return Err(refusal(&folder, "it is your home folder", true));
        }
        let is_above = match known {
            Some(known) => known.iter().any(|(above, _)| *above == identity),
            None => is_above(&folder.path, identity, home.as_bytes())?,
        };
        if is_above {
            return Err(refusal(&folder, "your home folder lies in it", false));
        }
    }
    match no_project::reason(&folder.path, caller, &homes, own_state).about(&folder.path)? {
        Some(why) => Err(refusal(&folder, why, false)),
        None => Ok(()),
    }
}

fn first(known: &[(Identity, usize)]) -> Result<Identity, Errno> {
    known.first().map(|(identity, _)| *identity).ok_or(Errno::NOENT)
}

/// The home folder of the launcher's variable, and that of the user database.
pub(super) fn homes(caller: &Caller<'_>) -> Vec<String> {
    let mut homes: Vec<String> =
        caller.home_folder().map(|home| home.as_str().into()).into_iter().collect();
    homes.extend(
        accounts::home(caller)
            .filter(|home| home.starts_with('/') && home != "/" && !homes.contains(home)),
    );
    homes
}

/// Whether the folder is one of those above `home`: by its path, or by where it really is.
pub(super) fn is_above(path: &[u8], identity: Identity, home: &[u8]) -> Result<bool, Problem> {
    let below = home.strip_prefix(path);
    if below.is_some_and(|rest| rest.starts_with(b"/")) {
        return Ok(true);
    }
    let mut up = home.to_vec();
    let mut here = Identity::at(up.as_slice()).about(home)?;
    loop {
        up.extend_from_slice(b"/..");
        let above = Identity::at(up.as_slice()).about(home)?;
        if above == identity {
            return Ok(true);
        }
        if above == here {
            return Ok(false);
        }
        here = above;
    }
}

fn refusal(folder: &Folder, why: &str, can_be_granted: bool) -> Problem {
    let remedy = if can_be_granted { ", or grant it with `allow-home-cwd`" } else { "" };
    Problem::new(&folder.path, format!("the jail may not have this folder: {why}"))
        .help(format!("start it in the folder of your project{remedy}"))
}
