//! The logs of brokers: `log/NAME/SESSION.jsonl` in the state folder, a line of JSON for each
//! verdict.
//!
//! The oldest half of a file goes when it is full, so what was read is known by its number and not
//! by its place.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::files::check;

/// A file is not larger, by far.
const FILE_MAX: u64 = 16 << 20;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When, in UTC (RFC 3339).
    #[serde(default)]
    pub time: String,
    /// The jail's name: that of the folder.
    #[serde(default)]
    pub name: String,
    /// The id of the session.
    #[serde(default)]
    pub session: String,
    /// Which line of the session it is.
    #[serde(default)]
    pub number: u64,
    /// `allowed`, `refused`, `failed`, `used`, `changed` or `trouble`.
    #[serde(default)]
    pub verdict: String,
    /// The host that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The TCP port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The address that was connected to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Why, where it was not allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The line of a spec that would allow it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// The grant that allows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The place of that in the spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// How often the same happened again, if the line is about that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// The secret that went to the host, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// In how many requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// When the last one was, in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
}

/// The names of jails that have logs, in order.
///
/// # Errors
/// The folder cannot be read.
pub fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let names: io::Result<Vec<_>> = entries.map(|entry| Ok(entry?.file_name())).collect();
    let mut names: Vec<String> =
        names?.into_iter().filter_map(|name| name.into_string().ok()).collect();
    names.sort();
    Ok(names)
}

/// The logs of some jails, read as they grow.
#[derive(Debug)]
pub struct Log {
    folders: Vec<(String, PathBuf)>,
    /// For each file how it was when it was last read, and the number after the last line.
    read: BTreeMap<PathBuf, (u64, i64, i64, u64)>,
}

impl Log {
    /// The logs of these jails, in the folder of all logs.
    #[must_use]
    pub fn for_jails(folder: &Path, names: &[String]) -> Self {
        let folders = names.iter().map(|name| (name.clone(), folder.join(name)));
        Self { folders: folders.collect(), read: BTreeMap::new() }
    }

    /// Reads further jails too. Those that it reads already go on where they are.
    pub fn add(&mut self, folder: &Path, names: &[String]) {
        for name in names {
            if !self.folders.iter().any(|(known, _)| known == name) {
                self.folders.push((name.clone(), folder.join(name)));
            }
        }
    }

    /// The lines that are new since it was last asked, the oldest first.
    ///
    /// # Errors
    /// A log cannot be read, or others may write it.
    pub fn new_lines(&mut self) -> io::Result<Vec<Line>> {
        let mut lines = Vec::new();
        for (name, folder) in &self.folders {
            check(folder)?;
            if folder.is_file() {
                continue;
            }
            for file in names(folder)? {
                let path = folder.join(&file);
                if path.extension().is_some_and(|end| end == "jsonl") {
                    read(name, &path, &mut self.read, &mut lines)?;
                }
            }
        }
        lines.sort_by(|a: &Line, b: &Line| {
            (&a.time, &a.session, a.number).cmp(&(&b.time, &b.session, b.number))
        });
        Ok(lines)
    }
}

/// The lines of the log of an item's run (`jailgen run --each`): of the last one that was written
/// to since then.
///
/// # Errors
/// A log cannot be read, or others may write it.
pub fn lines_of_item(
    folder: &Path,
    jail: &str,
    item: &str,
    since: SystemTime,
) -> io::Result<Vec<Line>> {
    let folder = folder.join(jail);
    check(&folder)?;
    let end = format!("{}{item}.jsonl", jail_plan::stage::ITEM);
    let files = names(&folder)?.into_iter().filter(|name| name.ends_with(&end));
    let written = |name: String| {
        let path = folder.join(name);
        Some((path.symlink_metadata().ok()?.modified().ok()?, path))
    };
    let last = files.filter_map(written).filter(|(time, _)| *time >= since).max();
    let mut lines = Vec::new();
    if let Some((_, path)) = last {
        read(jail, &path, &mut BTreeMap::new(), &mut lines)?;
    }
    Ok(lines)
}

fn read(
    name: &str,
    path: &Path,
    known: &mut BTreeMap<PathBuf, (u64, i64, i64, u64)>,
    lines: &mut Vec<Line>,
) -> io::Result<()> {
    // A pipe is not waited for.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        // The oldest go when there are many.
        Err(Errno::NOENT) => return Ok(()),
        file => fs::File::from(file?),
    };
    let data = file.metadata()?;
    if !data.is_file() {
        return Ok(());
    }
    let now = (data.len(), data.mtime(), data.mtime_nsec());
    let next = match known.get(path) {
        Some((length, seconds, nanos, _)) if (*length, *seconds, *nanos) == now => return Ok(()),
        Some((.., next)) => *next,
        None => 0,
    };
    let mut bytes = Vec::new();
    file.take(FILE_MAX).read_to_end(&mut bytes)?;
    // A line that is being written is read next time.
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let text = String::from_utf8_lossy(bytes.get(..whole).unwrap_or_default()).into_owned();
    let mut after = next;
    for text in text.lines() {
        let Ok(mut line) = serde_json::from_str::<Line>(text) else { continue };
        if line.number < next {
            continue;
        }
        after = after.max(line.number.saturating_add(1));
        name.clone_into(&mut line.name);
        lines.push(line);
    }
    known.insert(path.to_owned(), (now.0, now.1, now.2, after));
    Ok(())
}
