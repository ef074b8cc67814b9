//! Gives the owner rights to what is in the project, or takes all of them away. The owner is the
//! user who runs this process.

use rustix::fs::{AtFlags, CWD, FileType, Mode, chmodat, fstat};
use rustix::io::Errno;

use super::place::Place;
use crate::sys::name_of;

impl Place {
    /// Gives these rights as well.
    pub(super) fn grant(&self, path: &[u8], rights: Mode) -> Result<(), Errno> {
        self.change_mode(path, |mode| mode | rights)
    }

    /// Takes all rights away.
    pub(super) fn shut(&self, path: &[u8]) -> Result<(), Errno> {
        self.change_mode(path, |_| Mode::empty())
    }

    /// By a descriptor that needs no right to be read, and not by the name: something else may be
    /// there by now, such as a link that leads out.
    fn change_mode(&self, path: &[u8], change: impl Fn(Mode) -> Mode) -> Result<(), Errno> {
        let found = self.open_path(path)?;
        let mode = fstat(&found)?.st_mode;
        let kind = FileType::from_raw_mode(mode);
        if kind != FileType::RegularFile && kind != FileType::Directory {
            return Err(Errno::INVAL);
        }
        chmodat(CWD, name_of(&found), change(Mode::from_raw_mode(mode)), AtFlags::empty())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File, Permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_link_is_not_followed_and_nothing_outside_loses_its_rights() {
        let folder = tempfile::tempdir().expect("a folder");
        let (project, outside) = (folder.path().join("project"), folder.path().join("outside"));
        fs::create_dir(&project).expect("a folder");
        fs::write(&outside, "x").expect("a file");
        fs::write(project.join("own"), "x").expect("a file");
        symlink("../outside", project.join("link")).expect("a link");
        symlink("..", project.join("way")).expect("a link");
        let mode = |path| fs::metadata(path).expect("a file").permissions().mode() & 0o7777;
        let before = mode(outside.clone());
        let place = Place::new(File::open(&project).expect("a folder").into(), Vec::new());
        for path in [b"link".as_slice(), b"way/outside", b"../outside"] {
            assert!(place.shut(path).is_err());
            assert_eq!(mode(outside.clone()), before);
        }
        let own = project.join("own");
        fs::set_permissions(&own, Permissions::from_mode(0o111)).expect("its owner");
        place.grant(b"own", Mode::RUSR).expect("its owner");
        assert_eq!(mode(own.clone()), 0o511);
        place.shut(b"own").expect("its owner");
        assert_eq!(mode(own), 0);
    }
}
