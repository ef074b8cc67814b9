//! Whether the repository that git finds is that of the folder. Where there was none, a jail can
//! have written a `.git` that names another one; that counts only if git's folder there names this
//! one, too. (`src/jail-host/src/git/identity.rs` does the same for the user's identities.)

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use jail_plan::git::settings;

use crate::files::read_regular;
use crate::state::trust::written;

/// Whether `common`, the shared folder that git has found, belongs to `folder`. Both are without
/// links.
pub(super) fn is_mutual(folder: &Path, common: &Path) -> bool {
    let git = folder.ancestors().map(|folder| folder.join(".git"));
    let Some(git) = git.into_iter().find(|git| git.symlink_metadata().is_ok()) else {
        // The folder of a bare repository, or one in it.
        return folder.starts_with(common);
    };
    match git.symlink_metadata() {
        Ok(data) if data.is_dir() => git == common,
        Ok(data) if data.is_file() => names_back(&git, common).unwrap_or(false),
        Ok(_) | Err(_) => false,
    }
}

fn names_back(git: &Path, common: &Path) -> io::Result<bool> {
    let line = |path: &Path| read_regular(path).map(|text| text.trim_ascii_end().to_vec());
    let named = line(git)?;
    let (Some(named), Some(top)) = (named.strip_prefix(b"gitdir: "), git.parent()) else {
        return Ok(false);
    };
    let target = top.join(OsStr::from_bytes(named)).canonicalize()?;
    let is = |text: &[u8], wanted: &Path| written(&target.join(OsStr::from_bytes(text))) == wanted;
    if target == common {
        // That of a submodule.
        let config = read_regular(&target.join("config"))?;
        let tree = settings(&config).into_iter().rfind(|setting| {
            (setting.section.as_slice(), setting.about.as_deref(), setting.key.as_slice())
                == (b"core", None, b"worktree")
        });
        return Ok(tree.is_some_and(|tree| is(&tree.value, top)));
    }
    // That of a linked worktree. An entry elsewhere is not one of this repository.
    let is_entry = target.parent() == Some(&common.join("worktrees"));
    Ok(is_entry && is(&line(&target.join("gitdir"))?, git))
}
