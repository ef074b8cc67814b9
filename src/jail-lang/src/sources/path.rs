//! Paths of a spec as Nix keeps them: absolute, and normalised as text.

/// An absolute path without `.`, `..` and double slashes, as Nix keeps path values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SpecPath(pub(crate) Box<str>);

impl SpecPath {
    /// `path`, normalised. A relative one is resolved in `base`.
    pub(crate) fn new(base: &str, path: &str) -> Self {
        let joined = if path.starts_with('/') { path.to_owned() } else { format!("{base}/{path}") };
        let mut parts: Vec<&str> = Vec::new();
        for part in joined.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        Self(format!("/{}", parts.join("/")).into())
    }

    /// The folder around it.
    pub(crate) fn parent(&self) -> &str {
        match self.0.rfind('/') {
            Some(0) | None => "/",
            Some(at) => self.0.get(..at).unwrap_or("/"),
        }
    }

    /// The path below `root`, or `.` for the root itself. `None` if it is outside.
    pub(crate) fn below<'a>(&'a self, root: &str) -> Option<&'a str> {
        let rest = self.0.strip_prefix(root.trim_end_matches('/'))?;
        match rest.strip_prefix('/') {
            Some(rest) => Some(rest),
            None if rest.is_empty() => Some("."),
            None => None,
        }
    }
}
