//! Folders that only the caller can write: what stands there is believed. Nothing is read or written through a link.

use std::ffi::{OsStr, OsString};
use std::fs::{DirBuilder, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, fstat, openat, renameat, unlinkat,
};
use rustix::io::Errno;

/// Nothing that is kept is larger.
const BYTES_MAX: u64 = 16 << 20;

/// Makes a folder, and what it lies in, for the caller alone. One that is there stays as it is.
///
/// # Errors
/// It cannot be made.
pub fn create_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Says why a folder is not one that only the caller can write. Nothing where it is, or is not there yet.
///
/// # Errors
/// It belongs to somebody else, or others may write it.
pub fn check(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        // A link of one's own may lead to another disk; where it leads is looked at all the same.
        Ok(data) if data.is_symlink() => only_ours(std::os::unix::fs::MetadataExt::uid(&data))?,
        data => data.map(drop)?,
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    believed(&fstat(openat(CWD, path, flags, Mode::empty())?)?)
}

/// An open folder that only the caller can write.
#[derive(Debug)]
pub struct Private {
    folder: OwnedFd,
}

impl Private {
    /// Opens one; nothing where there is none.
    ///
    /// # Errors
    /// It cannot be opened, is a link, belongs to somebody else, or others may write it.
    pub fn open(path: &Path) -> io::Result<Option<Self>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = match openat(CWD, path, flags, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(None),
            folder => folder?,
        };
        believed(&fstat(&folder)?)?;
        Ok(Some(Self { folder }))
    }

    /// Opens one, and makes it first where it is missing.
    ///
    /// # Errors
    /// As [`Private::open`].
    pub fn create(path: &Path) -> io::Result<Self> {
        create_private(path)?;
        Self::open(path)?.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The content of a file; nothing where there is none.
    ///
    /// # Errors
    /// It cannot be read, is no regular file, belongs to somebody else, or others may write it.
    pub fn read(&self, name: &OsStr) -> io::Result<Option<Vec<u8>>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(&self.folder, name, flags, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(None),
            file => file?,
        };
        let data = fstat(&file)?;
        believed(&data)?;
        if FileType::from_raw_mode(data.st_mode) != FileType::RegularFile {
            return Err(io::Error::other("it is not a regular file"));
        }
        let mut bytes = Vec::new();
        File::from(file).take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > BYTES_MAX {
            return Err(io::Error::other("it is too large"));
        }
        Ok(Some(bytes))
    }

    /// Writes a file for the caller alone, whole or not at all.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, name: &OsStr, bytes: &[u8]) -> io::Result<()> {
        let mut aside = OsString::from(format!(".{}.", std::process::id()));
        aside.push(name);
        self.remove(&aside)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mut file = File::from(openat(&self.folder, &aside, flags, Mode::RUSR | Mode::WUSR)?);
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        let written =
            written.and_then(|()| Ok(renameat(&self.folder, &aside, &self.folder, name)?));
        if written.is_err() {
            // The error that is reported is that of the write.
            let _ = self.remove(&aside);
        }
        written
    }

    /// Removes a file. One that is gone is removed.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove(&self, name: &OsStr) -> io::Result<()> {
        match unlinkat(&self.folder, name, AtFlags::empty()) {
            Err(Errno::NOENT) => Ok(()),
            removed => Ok(removed?),
        }
    }

    /// The names of its files, in the order of their bytes. Those that begin with a dot are being written.
    ///
    /// # Errors
    /// It cannot be listed.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.folder)? {
            let name = OsString::from_vec(entry?.file_name().to_bytes().to_vec());
            if !name.as_bytes().starts_with(b".") {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }
}

fn believed(data: &Stat) -> io::Result<()> {
    only_ours(data.st_uid)?;
    if data.st_mode & 0o022 != 0 {
        return Err(io::Error::other("others may write it (`chmod go-w` takes that away)"));
    }
    Ok(())
}

fn only_ours(owner: u32) -> io::Result<()> {
    if owner == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    Err(io::Error::other("it belongs to another user"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn what_is_written_is_for_the_caller_alone() {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("a/b");
        let folder = Private::create(&path).unwrap();
        let name = OsStr::new("x");
        assert_eq!(folder.read(name).unwrap(), None);
        folder.write(name, b"1").unwrap();
        folder.write(name, b"2").unwrap();
        assert_eq!(folder.read(name).unwrap().unwrap(), b"2");
        assert_eq!((mode(&path), mode(&path.join("x"))), (0o700, 0o600));
        assert_eq!(folder.names().unwrap(), [name]);
        folder.remove(name).unwrap();
        assert_eq!(folder.names().unwrap(), [""; 0]);
    }

    #[test]
    fn what_others_may_write_and_links_are_not_believed() {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("a");
        let folder = Private::create(&path).unwrap();
        let name = OsStr::new("x");
        folder.write(name, b"1").unwrap();
        fs::set_permissions(path.join("x"), fs::Permissions::from_mode(0o666)).unwrap();
        assert!(folder.read(name).unwrap_err().to_string().contains("others may write it"));
        // A link is replaced and not written through.
        fs::rename(path.join("x"), outer.path().join("y")).unwrap();
        symlink(outer.path().join("y"), path.join("x")).unwrap();
        assert!(folder.read(name).is_err());
        folder.write(name, b"2").unwrap();
        assert_eq!(fs::read(outer.path().join("y")).unwrap(), b"1");
        // Nor is the folder itself.
        symlink(&path, outer.path().join("link")).unwrap();
        assert!(Private::open(&outer.path().join("link")).is_err());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o770)).unwrap();
        assert!(Private::open(&path).is_err() && check(&path).is_err());
        assert!(check(&outer.path().join("link")).is_err());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(check(&path).is_ok() && check(&outer.path().join("link")).is_ok());
        assert!(check(&outer.path().join("nothing")).is_ok());
        assert!(Private::open(&outer.path().join("nothing")).unwrap().is_none());
    }

    #[test]
    fn what_belongs_to_another_user_is_not_believed() {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("a");
        let folder = Private::create(&path).unwrap();
        folder.write(OsStr::new("x"), b"1").unwrap();
        if std::os::unix::fs::chown(path.join("x"), Some(54321), None).is_err() {
            return println!("skipped: only root gives files away");
        }
        let error = folder.read(OsStr::new("x")).unwrap_err();
        assert_eq!(error.to_string(), "it belongs to another user");
        std::os::unix::fs::chown(&path, Some(54321), None).unwrap();
        assert!(Private::open(&path).is_err() && check(&path).is_err());
    }
}
