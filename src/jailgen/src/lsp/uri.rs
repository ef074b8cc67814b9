//! Files as URIs.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use gen_lsp_types::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

/// The characters to be encoded: all except the unreserved ones and the slash.
const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The path of a `file:` URI of this machine.
pub(super) fn path(uri: &Uri) -> Option<PathBuf> {
    let rest = uri.as_ref().strip_prefix("file://")?;
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    let path = OsString::from_vec(percent_decode_str(path).collect());
    Some(PathBuf::from(path)).filter(|path| path.is_absolute())
}

/// The URI of an absolute path.
pub(super) fn uri(path: &Path) -> Uri {
    let path = percent_encode(path.as_os_str().as_bytes(), ESCAPED);
    Uri::from(format!("file://{path}"))
}
