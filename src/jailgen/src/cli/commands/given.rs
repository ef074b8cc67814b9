//! Looks at a file that a command is given, so that what is not a spec is called what it is. It
//! decides nothing: what is read for the command is read and judged afterwards.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use jail_plan::Wrapper;
use jail_registry::nearest;

use crate::cli::failure::Failure;
use crate::files::{folder_of, read_regular};

/// What a command can do something with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A spec, and nothing else.
    Spec,
    /// A spec, or the command that was built from one.
    SpecOrCommand,
    /// A file in the Nix language.
    Nix,
    /// A file that a spec can be made of.
    Import,
}

impl Wanted {
    const fn words(self) -> &'static str {
        match self {
            Self::Spec => "a spec",
            Self::SpecOrCommand => "a spec or a jail's command",
            Self::Nix => "a Nix file",
            Self::Import => "a file to import",
        }
    }
}

/// How many names of a folder are considered for a suggestion.
const NAMES_MAX: usize = 10_000;

/// Says what the file is, where it is nothing that is wanted.
pub(super) fn check(path: &Path, wanted: Wanted) -> Result<(), Failure> {
    let shown = super::shown(path);
    let (is, help) = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return missing(path, &shown, wanted),
        Err(error) => return Err(unreadable(&shown, &error)),
        Ok(data) if data.is_dir() => ("a folder", in_folder(path, wanted)),
        Ok(data) if data.file_type().is_fifo() => ("a pipe", None),
        Ok(data) if data.file_type().is_socket() => ("a socket", None),
        Ok(data) if !data.is_file() => ("a device", None),
        Ok(_) => {
            let bytes = read_regular(path).map_err(|error| unreadable(&shown, &error))?;
            match contents(&bytes, wanted) {
                None => return Ok(()),
                Some(found) => found,
            }
        }
    };
    let message = format!("`{shown}` is {is}, not {}", wanted.words());
    Err(Failure::from_parts(message, help))
}

fn missing(path: &Path, shown: &str, wanted: Wanted) -> Result<(), Failure> {
    if path == Path::new("-") {
        let message =
            format!("`-` is not a file, and {} is not read from standard input", wanted.words());
        return Err(Failure::with_help(message, "name a file"));
    }
    if fs::symlink_metadata(path).is_ok() {
        return Err(Failure::new(format!("`{shown}` is a link to a file that does not exist")));
    }
    let message = format!("`{shown}` does not exist");
    let help = match (near(path), wanted) {
        (Some(near), _) => Some(format!("did you mean `{near}`?")),
        (None, Wanted::Nix | Wanted::Import) => None,
        (None, Wanted::Spec | Wanted::SpecOrCommand) => {
            Some("`jailgen init` writes a spec to start from".into())
        }
    };
    Err(Failure::from_parts(message, help))
}

/// The file of the same folder that was probably meant: `demo.jail` for `demo`.
fn near(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let names = names_in(folder_of(path));
    let with_ending = format!("{name}.jail");
    let found = names.iter().find(|known| **known == with_ending).map(String::as_str);
    let found = found.or_else(|| nearest(name, names.iter().map(String::as_str)))?;
    let near = path.with_file_name(found);
    near.is_file().then(|| super::shown(&near))
}

fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let names =
        entries.take(NAMES_MAX).filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// The file in a folder that was probably meant: a spec, or in what Nix has built a command.
fn in_folder(folder: &Path, wanted: Wanted) -> Option<String> {
    let specs = names_in(folder).into_iter().filter(|name| name.ends_with(".jail"));
    let bin = folder.join("bin");
    let commands = match wanted {
        Wanted::SpecOrCommand => names_in(&bin),
        Wanted::Spec | Wanted::Nix | Wanted::Import => Vec::new(),
    };
    let files = specs.map(|name| folder.join(name));
    let mut files = files.chain(commands.iter().map(|name| bin.join(name)));
    let file = files.find(|path| path.is_file())?;
    Some(format!("name a file in it, such as `{}`", super::shown(&file)))
}

fn unreadable(shown: &str, error: &std::io::Error) -> Failure {
    Failure::new(format!("`{shown}` cannot be read: {error}"))
}

/// What a regular file is, if it is not text or a command of ours.
fn contents(bytes: &[u8], wanted: Wanted) -> Option<(&'static str, Option<String>)> {
    let is_command = bytes.starts_with(b"#!") && Wrapper::parse(bytes).is_ok();
    if is_command {
        let help = "name the spec that it was built from; `jailgen audit` and `jailgen closure` take commands too";
        return (wanted != Wanted::SpecOrCommand)
            .then(|| ("the command of a jail", Some(help.into())));
    }
    let help = match wanted {
        Wanted::Spec | Wanted::Nix | Wanted::Import => None,
        Wanted::SpecOrCommand => {
            Some("name a spec, or a command that `jailgen build` made of one".into())
        }
    };
    let is_text = std::str::from_utf8(bytes).is_ok();
    if bytes.starts_with(b"\x7fELF") {
        Some(("a program", help))
    } else if !is_text && bytes.contains(&0) {
        Some(("a binary file", help))
    } else {
        None
    }
}
