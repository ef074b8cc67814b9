//! The hash of a file tree as Nix computes it: SHA-256 over its Nix archive (NAR), which is a simple serialisation.

use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

/// The hash of what is at `path`, in the form of flake.lock: `sha256-…`.
///
/// # Errors
/// Something cannot be read, or is neither a folder, a file nor a symbolic link.
pub fn hash(path: &Path) -> io::Result<String> {
    let mut sink = Sink(Sha256::new());
    write_nar(path, &mut sink)?;
    Ok(format!("sha256-{}", BASE64_STANDARD.encode(sink.0.finalize())))
}

/// The hash of bytes in the same form.
#[must_use]
pub fn hash_bytes(bytes: &[u8]) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(bytes)))
}

struct Sink(Sha256);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_nar(path: &Path, out: &mut dyn Write) -> io::Result<()> {
    text(out, b"nix-archive-1")?;
    node(path, out)
}

fn node(path: &Path, out: &mut dyn Write) -> io::Result<()> {
    let data = fs::symlink_metadata(path)?;
    text(out, b"(")?;
    text(out, b"type")?;
    if data.is_symlink() {
        text(out, b"symlink")?;
        text(out, b"target")?;
        text(out, fs::read_link(path)?.as_os_str().as_bytes())?;
    } else if data.is_dir() {
        text(out, b"directory")?;
        folder(path, out)?;
    } else if data.is_file() {
        text(out, b"regular")?;
        if data.permissions().mode() & 0o100 != 0 {
            text(out, b"executable")?;
            text(out, b"")?;
        }
        text(out, b"contents")?;
        contents(path, data.len(), out)?;
    } else {
        let message =
            format!("`{}` is neither a folder, a file nor a symbolic link", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    text(out, b")")
}

fn folder(path: &Path, out: &mut dyn Write) -> io::Result<()> {
    let mut names = fs::read_dir(path)?
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    for name in names {
        text(out, b"entry")?;
        text(out, b"(")?;
        text(out, b"name")?;
        text(out, name.as_bytes())?;
        text(out, b"node")?;
        node(&path.join(&name), out)?;
        text(out, b")")?;
    }
    Ok(())
}

fn contents(path: &Path, length: u64, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(&length.to_le_bytes())?;
    let copied = io::copy(&mut fs::File::open(path)?, out)?;
    if copied != length {
        return Err(io::Error::other(format!("`{}` changed while it was read", path.display())));
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
