//! `stages`: what stages there are, and how large they are.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::Path;
use std::time::SystemTime;

use jail_plan::stage::{FOLDER, UPPER};
use jail_plan::{folder_name, folder_of_name};
use serde::Serialize;

use super::run;
use crate::cli::commands::Context;
use crate::cli::failure::Failure;
use crate::cli::staged;
use crate::render::sanitise;

/// A stage as it is listed.
#[derive(Debug, Serialize)]
struct Listing {
    jail: String,
    name: String,
    project: String,
    /// Whether the project is still there.
    there: bool,
    files: u64,
    bytes: u64,
    /// Since it began, in seconds.
    age: Option<u64>,
}

pub(in crate::cli) fn list_all(
    arguments: &staged::Stages,
    context: Context,
) -> Result<(), Failure> {
    let all = context.state_folder().unwrap_or_default().join(FOLDER);
    let mut found = Vec::new();
    for jail in names(&all) {
        for name in names(&all.join(&jail)) {
            let folder = all.join(&jail).join(&name);
            for project in names(&folder.join(UPPER)) {
                found.push(listing(&folder, [&jail, &name, &project], context)?);
            }
        }
    }
    // The folders of an empty one stay, for the next launch.
    found.retain(|listing| listing.files > 0);
    if arguments.json {
        let text = serde_json::to_string_pretty(&found)
            .map_err(|error| Failure::new(error.to_string()))?;
        return context.console.result(&(crate::render::sanitise_json(&text).into_owned() + "\n"));
    }
    if found.is_empty() {
        context.console.note("nothing", "is staged");
    }
    let mut text = String::new();
    for Listing { jail, name, project, there, files, bytes, age } in &found {
        let gone = if *there { "" } else { " (gone)" };
        let age = age.map_or_else(String::new, |seconds| format!(", {}", old(seconds)));
        let _ = writeln!(
            text,
            "{jail} {name}: {files} files, {}{age}, over {project}{gone}",
            size(*bytes)
        );
    }
    context.console.result(&sanitise(&text))
}

/// How many files the stage `name` of a jail has for a project, and how many bytes; none where
/// there is no such stage.
pub(in crate::cli::commands) fn size_of(
    jail: &str,
    name: &str,
    project: &Path,
    context: Context,
) -> Result<Option<(u64, u64)>, Failure> {
    let folder = context.state_folder().unwrap_or_default().join(FOLDER).join(jail).join(name);
    match project.to_str().and_then(folder_name) {
        Some(project) if folder.join(UPPER).join(&project).is_dir() => {
            sizes(&folder, &project, context).map(Some)
        }
        Some(_) | None => Ok(None),
    }
}

/// Whether there is such a stage, and anything in it.
pub(in crate::cli::commands) fn has_something(
    jail: &str,
    name: &str,
    project: &Path,
    context: Context,
) -> bool {
    let folder = context.state_folder().unwrap_or_default().join(FOLDER).join(jail).join(name);
    let project = project.to_str().and_then(folder_name);
    let upper = project.map(|project| folder.join(UPPER).join(project));
    upper.and_then(|upper| upper.read_dir().ok()).is_some_and(|mut all| all.next().is_some())
}

fn sizes(folder: &Path, project: &str, context: Context) -> Result<(u64, u64), Failure> {
    let said = run(
        context,
        &[
            OsStr::new("size"),
            folder.as_os_str(),
            project.as_ref(),
            OsStr::new("/"),
            OsStr::new(""),
        ],
        &[],
    )?;
    let mut numbers = said.split_whitespace().map(|number| number.parse().unwrap_or_default());
    Ok((numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default()))
}

fn listing(
    folder: &Path,
    [jail, name, project]: [&String; 3],
    context: Context,
) -> Result<Listing, Failure> {
    let (files, bytes) = sizes(folder, project, context)?;
    let path = folder_of_name(project).unwrap_or_else(|| project.clone());
    // The folder of the record is made with the stage.
    let began = std::fs::metadata(folder.join(jail_plan::stage::BASE).join(project))
        .and_then(|data| data.created().or_else(|_| data.modified()));
    let age = began.ok().and_then(|began| SystemTime::now().duration_since(began).ok());
    Ok(Listing {
        jail: jail.clone(),
        name: name.clone(),
        there: Path::new(&path).is_dir(),
        project: path,
        files,
        bytes,
        age: age.map(|age| age.as_secs()),
    })
}

/// The names of the folders in a folder, in order.
fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let is_folder = |entry: &std::fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let entries = entries.filter_map(Result::ok).filter(is_folder);
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

fn size(bytes: u64) -> String {
    match bytes {
        0..=1023 => format!("{bytes} bytes"),
        1024..=1_048_575 => format!("{} KiB", bytes.div_ceil(1024)),
        1_048_576.. => format!("{} MiB", bytes.div_ceil(1_048_576)),
    }
}

fn old(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s old"),
        120..=7199 => format!("{} min old", seconds / 60),
        7200..=172_799 => format!("{} h old", seconds / 3600),
        172_800.. => format!("{} days old", seconds / 86_400),
    }
}
