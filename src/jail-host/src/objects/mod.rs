//! Git's objects, read here, because git runs what a repository's configuration says. A jail of an earlier session may have
//! written each of them, and the indexes of packs, too: everything is read in bounds, and nothing is believed but a content that
//! is compared.

pub(crate) mod index;
pub(crate) mod packed;

use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// How long a name is in bytes, by the hash that the repository has.
pub(crate) const SHA1: usize = 20;
pub(crate) const SHA256: usize = 32;

/// A name as git prints it.
pub(crate) fn hexadecimal(name: &[u8]) -> String {
    name.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where an object that is in no pack lies, below the folder `objects`.
pub(crate) fn loose(name: &[u8]) -> String {
    let text = hexadecimal(name);
    let (folder, rest) = text.split_at(2.min(text.len()));
    format!("{folder}/{rest}")
}

/// What stands before the content of a file in its object.
pub(crate) fn header(content: &[u8]) -> String {
    format!("blob {}\0", content.len())
}

/// The name of the object that the content of a file is, in so many bytes.
pub(crate) fn name(content: &[u8], length: usize) -> Vec<u8> {
    let header = header(content);
    let parts = [header.as_bytes(), content];
    match length {
        SHA1 => parts.iter().fold(Sha1::new(), Sha1::chain_update).finalize().to_vec(),
        _ => parts.iter().fold(Sha256::new(), Sha256::chain_update).finalize().to_vec(),
    }
}
