//! The hash of a file tree as Nix computes it: SHA-256 over its Nix archive (NAR), which is a
//! simple serialisation.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jail_lang::Tree;
use sha2::{Digest, Sha256};

/// The hash of what is at `path`, in the form of flake.lock: `sha256-…`.
///
/// # Errors
/// Something cannot be read, or is neither a folder, a file nor a symbolic link.
pub fn hash(path: &Path) -> io::Result<String> {
    let mut sink = Sink(Sha256::new());
    write_nar(&path.to_path_buf(), &mut sink)?;
    Ok(sink.finish())
}

/// The same of a tree in memory.
#[must_use]
pub fn hash_tree(tree: &Tree) -> String {
    let mut sink = Sink(Sha256::new());
    // Neither memory nor a hash can fail.
    let _ = write_nar(&tree, &mut sink);
    sink.finish()
}

/// The hash of bytes in the same form.
#[must_use]
pub fn hash_bytes(bytes: &[u8]) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(bytes)))
}

/// The first letters and digits of the same hash, for a name on disk.
pub(crate) fn short_hash(bytes: &[u8], length: usize) -> String {
    let hash = hash_bytes(bytes);
    let plain = hash.chars().skip("sha256-".len()).filter(char::is_ascii_alphanumeric);
    plain.take(length).collect()
}

struct Sink(Sha256);

impl Sink {
    fn finish(self) -> String {
        format!("sha256-{}", BASE64_STANDARD.encode(self.0.finalize()))
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A place of a tree, on disk or in memory.
trait Node: Sized {
    fn look(&self) -> io::Result<Entry<'_, Self>>;
}

/// What is at a place.
enum Entry<'a, N> {
    Link(PathBuf),
    File { executable: bool, length: u64, content: Box<dyn Read + 'a> },
    Folder(Vec<(OsString, N)>),
}

impl Node for PathBuf {
    fn look(&self) -> io::Result<Entry<'_, Self>> {
        let data = fs::symlink_metadata(self)?;
        if data.is_symlink() {
            return fs::read_link(self).map(Entry::Link);
        }
        if data.is_dir() {
            let entries = fs::read_dir(self)?.map(|entry| {
                let name = entry?.file_name();
                let path = self.join(&name);
                Ok((name, path))
            });
            return entries.collect::<io::Result<_>>().map(Entry::Folder);
        }
        if data.is_file() {
            let executable = data.permissions().mode() & 0o100 != 0;
            let content = Box::new(fs::File::open(self)?);
            return Ok(Entry::File { executable, length: data.len(), content });
        }
        let message =
            format!("`{}` is neither a folder, a file nor a symbolic link", self.display());
        Err(io::Error::new(io::ErrorKind::InvalidInput, message))
    }
}

impl Node for &Tree {
    fn look(&self) -> io::Result<Entry<'_, Self>> {
        Ok(match self {
            Tree::Link(target) => Entry::Link(target.clone()),
            Tree::File { bytes, executable } => Entry::File {
                executable: *executable,
                length: bytes.len() as u64,
                content: Box::new(bytes.as_slice()),
            },
            Tree::Folder(entries) => {
                Entry::Folder(entries.iter().map(|(name, entry)| (name.clone(), entry)).collect())
            }
        })
    }
}

fn write_nar(root: &impl Node, out: &mut dyn Write) -> io::Result<()> {
    text(out, b"nix-archive-1")?;
    node(root, out)
}

fn node(at: &impl Node, out: &mut dyn Write) -> io::Result<()> {
    text(out, b"(")?;
    text(out, b"type")?;
    match at.look()? {
        Entry::Link(target) => {
            text(out, b"symlink")?;
            text(out, b"target")?;
            text(out, target.as_os_str().as_bytes())?;
        }
        Entry::Folder(entries) => {
            text(out, b"directory")?;
            folder(entries, out)?;
        }
        Entry::File { executable, length, content } => {
            text(out, b"regular")?;
            if executable {
                text(out, b"executable")?;
                text(out, b"")?;
            }
            text(out, b"contents")?;
            contents(content, length, out)?;
        }
    }
    text(out, b")")
}

fn folder(mut entries: Vec<(OsString, impl Node)>, out: &mut dyn Write) -> io::Result<()> {
    entries.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
    for (name, entry) in entries {
        text(out, b"entry")?;
        text(out, b"(")?;
        text(out, b"name")?;
        text(out, name.as_bytes())?;
        text(out, b"node")?;
        node(&entry, out)?;
        text(out, b")")?;
    }
    Ok(())
}

fn contents(mut content: impl Read, length: u64, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(&length.to_le_bytes())?;
    if io::copy(&mut content, out)? != length {
        return Err(io::Error::other("a file changed while it was read"));
    }
    pad(out, length)
}

fn text(out: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
    let length = bytes.len() as u64;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(bytes)?;
    pad(out, length)
}

/// Everything is padded to a multiple of eight bytes.
fn pad(out: &mut dyn Write, length: u64) -> io::Result<()> {
    for _ in 0..(8 - length % 8) % 8 {
        out.write_all(&[0])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use jail_lang::{Bounds, FileSources};

    use super::*;

    #[test]
    fn a_tree_has_one_hash_on_disk_and_in_memory() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("tree");
        fs::create_dir_all(folder.join("a/empty")).unwrap();
        fs::write(folder.join("a/script"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(folder.join("a/script"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.join("a-b"), "").unwrap();
        symlink("a/script", folder.join("link")).unwrap();
        let sources = FileSources::new(outer.path()).unwrap();
        let path = fs::canonicalize(&folder).unwrap();
        let tree = sources.tree(path.to_str().unwrap(), &mut Bounds::of_a_spec()).unwrap();
        assert_eq!(hash_tree(&tree), hash(&folder).unwrap());
    }
}
