//! Paths of a spec (`"${./cfg}"`) become part of the emitted folder, so that it stands alone.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use walkdir::WalkDir;

use super::{Copied, EmitError, File, Spec};

/// All that one emission copies. A spec that names its home folder by mistake must not fill the store.
const BYTES_MAX: u64 = 32 * 1024 * 1024;

pub(super) fn collect(specs: &[Spec], files: &mut BTreeMap<String, File>) -> Result<(), EmitError> {
    let mut left = BYTES_MAX;
    for copied in specs.iter().flat_map(|spec| &spec.copied) {
        copy(copied, files, &mut left)?;
    }
    Ok(())
}

fn copy(
    copied: &Copied,
    files: &mut BTreeMap<String, File>,
    left: &mut u64,
) -> Result<(), EmitError> {
    for entry in WalkDir::new(&copied.from).sort_by_file_name() {
        let entry = entry.map_err(|error| EmitError::Io {
            path: error.path().unwrap_or(&copied.from).into(),
            error: error.into(),
        })?;
        let below = entry.path().strip_prefix(&copied.from).unwrap_or(Path::new(""));
        let name =
            Path::new(&copied.to).join(below).to_string_lossy().trim_end_matches('/').to_owned();
        let failed = |error| EmitError::Io { path: entry.path().into(), error };
        let kind = entry.file_type();
        if kind.is_symlink() {
            files.insert(name, File::Link(fs::read_link(entry.path()).map_err(failed)?));
        } else if kind.is_file() {
            let data = fs::metadata(entry.path()).map_err(failed)?;
            *left = left.checked_sub(data.len()).ok_or_else(|| EmitError::TooLarge {
                path: copied.from.clone(),
                limit: BYTES_MAX,
            })?;
            let executable = data.permissions().mode() & 0o100 != 0;
            files.insert(name, File::Content(fs::read(entry.path()).map_err(failed)?, executable));
        }
    }
    Ok(())
}
