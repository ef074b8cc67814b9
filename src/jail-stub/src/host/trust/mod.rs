//! What a jail could write on the host: the trees that this launch gives it, and what the trust
//! store knows of any other.
//!
//! In such a tree no link is followed and no pointer trusted, because a jail may have made
//! it (escapes.md E20, E3).

mod grants;
mod store;

use alloc::vec::Vec;
use core::cell::OnceCell;

use rustix::fs::{AtFlags, accessat, fstat};

pub(crate) use grants::{Grant, grants, record};
pub(crate) use store::{Recorded, Store};

use super::walk::{Identity, Level};

/// The trees that a jail could write.
#[derive(Default)]
pub(crate) struct WritableTrees<'a> {
    /// The trees that this launch grants.
    own: Vec<Vec<u8>>,
    identities: OnceCell<Vec<Identity>>,
    /// The record of all others. `None` while the record itself is made.
    store: Option<&'a Store>,
    /// The folder of the store paths, which every user can read and no jail can write.
    pub(super) closure: &'a str,
}

/// How it is known that a jail could write something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writer {
    /// This launch's own, now or earlier.
    This,
    /// One that the record knows of.
    Any,
    /// The record cannot be read, and other users than root can write there.
    Anybody,
}

impl<'a> WritableTrees<'a> {
    pub(crate) fn new(own: Vec<Vec<u8>>, store: &'a Store, closure: &'a str) -> Self {
        Self { own, identities: OnceCell::new(), store: Some(store), closure }
    }

    /// The first of these folders, each in the one before, that is such a tree. It is asked only if
    /// something was found that matters: an ordinary launch looks up nothing.
    pub(crate) fn first_in<'b>(&self, folders: &'b [Level]) -> Option<(&'b Level, Writer)> {
        folders.iter().find_map(|folder| Some((folder, self.writer_of(folder)?)))
    }

    fn writer_of(&self, folder: &Level) -> Option<Writer> {
        if self.is_own(folder) {
            return Some(Writer::This);
        }
        match self.store?.look_up(folder) {
            Recorded::Yes => Some(Writer::Any),
            Recorded::Unknown if others_can_write(folder) => Some(Writer::Anybody),
            Recorded::Unknown | Recorded::No => None,
        }
    }

    /// Whether it is the top of a tree that this launch gives the jail.
    pub(crate) fn is_own(&self, folder: &Level) -> bool {
        let tops = self.identities.get_or_init(|| {
            self.own.iter().filter_map(|path| Identity::at(path.as_slice()).ok()).collect()
        });
        tops.contains(&folder.identity)
    }

    pub(crate) fn store(&self) -> Option<&'a Store> {
        self.store
    }
}

/// Whether a user other than root could have made something in this folder;
/// yes if that is not known.
fn others_can_write(folder: &Level) -> bool {
    let caller = accessat(&folder.place, c".", rustix::fs::Access::WRITE_OK, AtFlags::EACCESS);
    caller.is_ok()
        || fstat(&folder.place).map_or(true, |stat| stat.st_uid != 0 || stat.st_mode & 0o022 != 0)
}
