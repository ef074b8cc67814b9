//! The reference graph that Nix gives to the build, and which of it a policy names.

use std::collections::{BTreeMap, BTreeSet};

use jail_policy::Policy;

use super::SealError;
use super::text::texts;

/// Characters of the hash in a store path's name.
const HASH_LENGTH: usize = 32;

/// What a store path is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathKind {
    Folder,
    File,
    /// A symbolic link, and what it points to.
    Link(String),
}

/// A store path of the graph.
#[derive(Clone, Debug)]
pub struct Node {
    /// The paths that it refers to.
    pub references: Vec<String>,
    /// What it is.
    pub kind: PathKind,
}

/// A reference graph: store paths by the hash in their name, which identifies them.
#[derive(Clone, Debug)]
pub struct Graph {
    store: String,
    nodes: BTreeMap<String, (String, Node)>,
}

impl Graph {
    /// A graph of store paths below `store`.
    ///
    /// # Errors
    /// A path that is not below `store`, or occurs twice.
    pub fn new(
        store: &str,
        paths: impl IntoIterator<Item = (String, Node)>,
    ) -> Result<Self, SealError> {
        let mut nodes = BTreeMap::new();
        for (path, node) in paths {
            let name = base_name(store, &path)?;
            let hash = name.get(..HASH_LENGTH).unwrap_or(name).to_owned();
            if nodes.insert(hash, (name.to_owned(), node)).is_some() {
                return Err(SealError::new(format!("`{path}` is in the reference graph twice")));
            }
        }
        Ok(Self { store: store.into(), nodes })
    }

    /// The store's folder.
    #[must_use]
    pub fn store(&self) -> &str {
        &self.store
    }

    /// The base names of everything that `roots` reach, sorted.
    pub(super) fn closure(
        &self,
        roots: BTreeSet<String>,
    ) -> Result<Vec<(String, PathKind)>, SealError> {
        let mut seen = BTreeMap::new();
        let mut open: Vec<String> = roots.into_iter().collect();
        while let Some(hash) = open.pop() {
            let Some((name, node)) = self.nodes.get(&hash) else { return Err(missing(&hash)) };
            if seen.insert(name.clone(), node.kind.clone()).is_some() {
                continue;
            }
            for reference in &node.references {
                let name = base_name(&self.store, reference)?;
                open.push(name.get(..HASH_LENGTH).unwrap_or(name).to_owned());
            }
        }
        Ok(seen.into_iter().collect())
    }
}

fn missing(hash: &str) -> SealError {
    SealError::new(format!("the reference graph is incomplete: it lacks the store path `{hash}-…`"))
}

fn base_name<'p>(store: &str, path: &'p str) -> Result<&'p str, SealError> {
    path.strip_prefix(store)
        .and_then(|rest| rest.strip_prefix('/'))
        .filter(|name| !name.is_empty() && !name.contains('/'))
        .ok_or_else(|| SealError::new(format!("`{path}` is not a path of the store `{store}`")))
}

/// The hashes of the store paths that the grants of `policy` name.
pub(super) fn roots(policy: &Policy, graph: &Graph) -> Result<BTreeSet<String>, SealError> {
    let mut roots = BTreeSet::new();
    for entry in &policy.grants {
        for text in texts(&entry.grant) {
            for hash in hashes(&graph.store, text.as_str().unwrap_or_default()) {
                if !graph.nodes.contains_key(hash) {
                    let store = &graph.store;
                    return Err(SealError::at(
                        policy,
                        entry,
                        format!("`{store}/{hash}-…` is not in the reference graph of this build"),
                    )
                    .help("name the package, as in \"${pkgs.git}/bin\": Nix does not see a store path that is written out"));
                }
                roots.insert(hash.to_owned());
            }
        }
    }
    Ok(roots)
}

/// The hashes of all store paths in a text. As in Nix itself the hash alone counts, so that a full
/// stop behind a path, which could belong to its name, does no harm.
fn hashes<'t>(store: &str, text: &'t str) -> Vec<&'t str> {
    text.match_indices(store)
        .filter_map(|(at, _)| text.get(at + store.len()..)?.strip_prefix('/'))
        .filter_map(|rest| {
            let hash = rest.get(..HASH_LENGTH)?;
            let is_name = rest.as_bytes().get(HASH_LENGTH) == Some(&b'-');
            (is_name && hash.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(hash)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn store_paths_are_found_wherever_they_stand_in_a_text() {
        let text = "PATH=/nix/store/0c1q2w3e4r5t6y7u8i9o0p1a2s3d4f5g-git-2.40/bin:/nix/store/\
                    1c1q2w3e4r5t6y7u8i9o0p1a2s3d4f5g-bash. /nix/store/short /nix/store";
        assert_eq!(
            hashes("/nix/store", text),
            ["0c1q2w3e4r5t6y7u8i9o0p1a2s3d4f5g", "1c1q2w3e4r5t6y7u8i9o0p1a2s3d4f5g"]
        );
    }
}
