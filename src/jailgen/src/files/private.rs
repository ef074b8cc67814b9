//! Folders that only the caller can write: their content is trusted.

use std::ffi::{OsStr, OsString};
use std::fs::DirBuilder;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;

use super::below::Below;

/// Makes a folder, and the folders that contain it, for the caller alone. An
/// existing one stays the same.
///
/// # Errors
/// It cannot be made.
pub fn create_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Says why a folder is not one that only the caller can write. Nothing where it is, or is not
/// there yet.
///
/// # Errors
/// It belongs to another user, or others may write it.
pub fn check(path: &Path) -> io::Result<()> {
    let data = match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        data => data?,
    };
    if !data.is_symlink() {
        return believed(data.uid(), data.mode());
    }
    // A link of the user's own may lead to another disk; its target is checked all the same.
    only_ours(data.uid())?;
    let data = path.metadata()?;
    believed(data.uid(), data.mode())
}

/// An open folder that only the caller can write.
#[derive(Debug)]
pub struct Private {
    folder: Below,
}

impl Private {
    /// Opens a file; `None` if it does not exist.
    ///
    /// # Errors
    /// It cannot be opened, is a link, belongs to another user, or others may write it.
    pub fn open(path: &Path) -> io::Result<Option<Self>> {
        let Some(folder) = Below::open(path)? else { return Ok(None) };
        let data = folder.data()?;
        believed(data.st_uid, data.st_mode)?;
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

    /// The content of a file; `None` if it does not exist.
    ///
    /// # Errors
    /// It cannot be read, is not a regular file, belongs to another user, or others may write it.
    pub fn read(&self, name: &OsStr) -> io::Result<Option<Vec<u8>>> {
        let Some((bytes, data)) = self.folder.read(name)? else { return Ok(None) };
        believed(data.st_uid, data.st_mode)?;
        Ok(Some(bytes))
    }

    /// Writes a file for the caller alone, whole or not at all.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, name: &OsStr, bytes: &[u8]) -> io::Result<()> {
        self.folder.write(name, bytes, 0o600)
    }

    /// Removes a file. One that is gone is removed.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove(&self, name: &OsStr) -> io::Result<()> {
        self.folder.remove(name)
    }

    /// The names of its files, in the order of their bytes, without those that are being written.
    ///
    /// # Errors
    /// It cannot be listed.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = self.folder.names()?;
        names.retain(|name| !name.as_bytes().starts_with(b"."));
        Ok(names)
    }
}

fn believed(owner: u32, mode: u32) -> io::Result<()> {
    only_ours(owner)?;
    if mode & 0o022 != 0 {
        return Err(io::Error::other("others may write it (`chmod go-w` fixes that)"));
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
        // Only root gives files away; others have those of root.
        if std::os::unix::fs::chown(path.join("x"), Some(54321), None).is_err() {
            assert!(check(Path::new("/etc")).unwrap_err().to_string().contains("another user"));
            return;
        }
        let error = folder.read(OsStr::new("x")).unwrap_err();
        assert_eq!(error.to_string(), "it belongs to another user");
        std::os::unix::fs::chown(&path, Some(54321), None).unwrap();
        assert!(Private::open(&path).is_err() && check(&path).is_err());
    }
}
