//! What the launcher reports of private copies when the jail has ended. Contents are not printed,
//! and names only escaped.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use jail_plan::one_line;
use jail_plan::private::FILLED;
use rustix::fs::{Dir, FileType};

use super::copies::{Copies, Layer, Signature, identity, open_folder, signature};
use super::familiar::Familiar;
use super::find::FoundRepository;
use super::news::News;
use super::private::Folder;
use super::programs::NextTo;
use super::report::listed;
use super::reported::{Changed, Reported};

/// Of a folder so many files are looked at, and so deep.
const FILES_MAX: usize = 256;
/// At most this many are compared with what was there before.
const COUNTED_MAX: usize = 8192;
const DEPTH_MAX: usize = 8;

/// What the jail changed in its private copies, a line for each folder.
pub(super) fn lines(found: &FoundRepository, copies: &Copies, familiar: &Familiar) -> Vec<String> {
    let all = found.private.iter();
    all.flat_map(|folder| of_folder(folder, found, copies, familiar)).collect()
}

/// What the launch says of links that are not followed.
pub(super) fn unfollowed(found: &FoundRepository, copies: &Copies) -> Vec<String> {
    let shown = |path: &Path| shown(path, &found.home);
    let all = found.unfollowed.iter().chain(&copies.unfollowed);
    let links: Vec<_> = all.map(|(link, to)| format!("{} to {}", shown(link), shown(to))).collect();
    let mut lines = Vec::new();
    if let Some((first, more)) = links.split_first() {
        let more = match more.len() {
            0 => String::new(),
            1 => ", and one more".to_owned(),
            more => format!(", and {more} more"),
        };
        lines.push(format!(
            "a symbolic link leads out of the state that the jail shares, so it works in the jail only if the spec grants what it leads to: {first}{more}"
        ));
    }
    if !found.squeezed.is_empty() {
        let names: Vec<_> = found.squeezed.iter().map(|path| short(path, &found.home)).collect();
        lines.push(format!(
            "there is more than one launch copies (64 MiB, 4,096 files) of what settings name and what lies next to it; read-only in the jail: {}; remove there what is not needed",
            listed(&names)
        ));
    }
    if let Some(paths) = first_of(&found.unasked) {
        lines.push(format!(
            "what the jail's copies lead to in the Nix store is missing in it, because Nix does not say what that needs: {paths}"
        ));
    }
    if let Some(paths) = first_of(&found.withheld) {
        lines.push(format!(
            "paths of the Nix store that state needs are missing in the jail, because they are links that lead out of it or to nothing, or cannot be read: {paths}"
        ));
    }
    if found.is_cut {
        lines.push(
            "state leads to more of the Nix store than one launch mounts (1,024 paths), so some of it is missing in the jail".into(),
        );
    }
    if copies.is_cut {
        lines.push(
            "symbolic links in the shared state lead to more of the Nix store than is copied, so some of it is missing in the jail".into(),
        );
    }
    lines
}

/// The first of these paths of the store, and how many more there are.
fn first_of(paths: &[PathBuf]) -> Option<String> {
    let (first, more) = paths.split_first()?;
    let first = shown(first, Path::new(""));
    Some(match more.len() {
        0 => first,
        more => format!("{first} and {more} more"),
    })
}

fn of_folder(
    folder: &Folder,
    found: &FoundRepository,
    copies: &Copies,
    familiar: &Familiar,
) -> Vec<String> {
    let mut lines = Vec::new();
    let news = News::new(folder, &found.home, familiar);
    let shown = |path: &Path| shown(path, &found.home);
    let of_this = |path: &Path| path.starts_with(&folder.held.path);
    let named: Vec<_> =
        folder.missing.iter().filter(|path| path.symlink_metadata().is_ok()).collect();
    for path in named {
        lines.push(format!(
            "{} was made in the session, and settings on the host name it: look at it before the next session outside of a jail",
            shown(path)
        ));
    }
    let new = folder.next_to.iter().flat_map(NextTo::made);
    let new: Vec<String> = new.map(|path| short(&path, &found.home)).collect();
    if !new.is_empty() {
        lines.push(format!(
            "new in the session, next to programs that settings on the host name: {}; look at it before the next session outside of a jail",
            listed(&new)
        ));
    }
    let files = copies.files.iter().filter(|file| of_this(&file.path));
    let layers = copies.layers.iter().filter(|layer| of_this(&layer.path));
    let all = files.clone().map(|file| (&file.path, file.identity));
    let replaced = all.chain(layers.clone().map(|layer| (&layer.path, layer.identity)));
    for (path, _) in replaced.filter(|(path, before)| identity(path) != *before) {
        lines.push(format!(
            "{} was replaced on the host meanwhile, and could be written in the jail from then on: look at it",
            shown(path)
        ));
    }
    lines.extend(folder.reported.iter().flat_map(|file| of_shared(file, &shown(&file.path))));
    let followed: Vec<String> =
        folder.followed.iter().flat_map(|one| one.changed(&folder.held)).collect();
    if !followed.is_empty() {
        lines.push(format!(
            "files in {} that sessions share, and that later sessions follow, were changed in the session: {}; look at them before the next session outside of a jail",
            shown(&folder.named),
            listed(&followed)
        ));
    }
    let mut changed: Vec<String> =
        files.filter_map(|file| news.of_file(file, &copies.folder)).collect();
    changed.extend(layers.flat_map(|layer| of_layer(layer, &news, &folder.held.path)));
    // What an agent writes in each session does not push other names out of the line.
    changed.sort_by_key(|name| news.is_rewritten(Path::new(name)));
    if !changed.is_empty() {
        lines.push(format!(
            "changes that the jail made in its copies of what is in {} stay out of it, and are gone with it: {}",
            shown(&folder.named),
            listed(&changed)
        ));
    }
    lines
}

/// What is others in a file that sessions share.
fn of_shared(file: &Reported, shown: &str) -> Vec<String> {
    let Some(Changed { other, gone }) = file.changed() else {
        return vec![format!(
            "{shown} is shared, and cannot be looked at: programs outside of the jail believe what it says"
        )];
    };
    let line = |what: &str, names: &[String]| {
        let line = format!("{shown} is shared, and settings in it {what} in the session: ");
        (!names.is_empty()).then(|| line + &listed(names))
    };
    let other = line("that run programs were changed", &other);
    let gone = line("that run programs, or keep some from running, were taken away", &gone);
    other.into_iter().chain(gone).collect()
}

/// A path below the home folder begins with `~`.
fn shown(path: &Path, home: &Path) -> String {
    format!("`{}`", one_line(&short(path, home)))
}

fn short(path: &Path, home: &Path) -> String {
    match path.strip_prefix(home) {
        Ok(below) if home.is_absolute() => format!("~/{}", below.to_string_lossy()),
        Ok(_) | Err(_) => path.to_string_lossy().into_owned(),
    }
}

/// The files that were changed in a folder; nothing where programs and what a session keeps for
/// itself lie in it.
fn of_layer(layer: &Layer, news: &News<'_>, root: &Path) -> Vec<String> {
    let is_filled = |part: &OsStr| FILLED.iter().any(|filled| part == *filled);
    let name = layer.path.strip_prefix(root).unwrap_or(&layer.path);
    if name.iter().any(is_filled) {
        return Vec::new();
    }
    let files = files(&layer.changes);
    // Nothing is hidden behind more files than are looked at.
    let is_cut = files.len() >= COUNTED_MAX;
    let is_other = |file: &&(PathBuf, Signature)| is_cut || news.is_in_layer(layer, &file.0);
    let was_before = |file: &&(PathBuf, Signature)| !layer.before.contains(file);
    let changed = files.iter().filter(was_before).filter(is_other).take(FILES_MAX);
    changed.map(|(path, _)| name.join(path).to_string_lossy().into_owned()).collect()
}

/// The files in a folder, in order, each with what shows that it was changed.
pub(super) fn files(folder: &OwnedFd) -> Vec<(PathBuf, Signature)> {
    let mut found = Vec::new();
    walk(folder, PathBuf::new(), DEPTH_MAX, &mut found);
    found.sort();
    found
}

fn walk(folder: &OwnedFd, path: PathBuf, depth: usize, found: &mut Vec<(PathBuf, Signature)>) {
    let (Some(depth), Ok(entries)) = (depth.checked_sub(1), Dir::read_from(folder)) else { return };
    for entry in entries.flatten() {
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if found.len() >= COUNTED_MAX {
            return;
        }
        if name == "." || name == ".." {
            continue;
        }
        let path = path.join(name);
        let inner = match entry.file_type() {
            FileType::Directory => open_folder(folder, name).ok(),
            FileType::RegularFile
            | FileType::Symlink
            | FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Unknown => None,
        };
        match inner {
            Some(inner) => walk(&inner, path, depth, found),
            None => found.extend(signature(folder, name).map(|signature| (path, signature))),
        }
    }
}
