//! Git's objects, read here, because git itself runs what a repository's configuration says. A jail
//! of an earlier session may have written each of them, and the indexes of packs, too: everything
//! is read within bounds, and only content that has been compared is trusted.

pub(crate) mod index;
pub(crate) mod packed;

use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// The length of a name in bytes, which depends on the repository's hash.
pub(crate) const SHA1: usize = 20;
pub(crate) const SHA256: usize = 32;

/// A name as git prints it.
pub(crate) fn hexadecimal(name: &[u8]) -> String {
    name.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The path of an object that is in no pack, below the folder `objects`.
pub(crate) fn loose(name: &[u8]) -> String {
    let text = hexadecimal(name);
    let (folder, rest) = text.split_at(2.min(text.len()));
    format!("{folder}/{rest}")
}

/// The header before the content of a file in its object.
pub(crate) fn header(content: &[u8]) -> String {
    format!("blob {}\0", content.len())
}

/// The name of the object for the content of a file, with names of this many bytes.
pub(crate) fn name(content: &[u8], length: usize) -> Vec<u8> {
    let header = header(content);
    let parts = [header.as_bytes(), content];
    match length {
        SHA1 => parts.iter().fold(Sha1::new(), Sha1::chain_update).finalize().to_vec(),
        _ => parts.iter().fold(Sha256::new(), Sha256::chain_update).finalize().to_vec(),
    }
}
