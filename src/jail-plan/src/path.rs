//! Paths inside the jail: absolute and normal, so two spellings of one place cannot disagree.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

/// An absolute path without `.`, `..`, empty components or NUL; `/` itself is one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JailPath(String);

/// Why a text is not a [`JailPath`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathError {
    /// It does not begin with `/`.
    Relative,
    /// It has a component `..`, which would depend on what is mounted where.
    Parent,
    /// It contains a NUL byte, where the kernel would stop reading.
    Nul,
}

impl JailPath {
    /// Checks and normalises: repeated slashes, `.` components and a trailing slash are dropped.
    ///
    /// # Errors
    /// See [`PathError`].
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.contains('\0') {
            return Err(PathError::Nul);
        }
        let Some(rest) = text.strip_prefix('/') else { return Err(PathError::Relative) };
        let mut normal = String::with_capacity(text.len());
        for component in rest.split('/') {
            match component {
                "" | "." => {}
                ".." => return Err(PathError::Parent),
                name => {
                    normal.push('/');
                    normal.push_str(name);
                }
            }
        }
        if normal.is_empty() {
            normal.push('/');
        }
        Ok(Self(normal))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for JailPath {
    type Error = PathError;

    fn try_from(text: String) -> Result<Self, PathError> {
        Self::parse(&text)
    }
}

impl From<JailPath> for String {
    fn from(path: JailPath) -> Self {
        path.0
    }
}

impl fmt::Display for JailPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Relative => "it is not absolute",
            Self::Parent => "it has a `..` component",
            Self::Nul => "it contains a NUL byte",
        })
    }
}

impl From<&JailPath> for String {
    fn from(path: &JailPath) -> Self {
        path.0.to_owned()
    }
}
