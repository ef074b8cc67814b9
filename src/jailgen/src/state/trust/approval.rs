//! Whether a spec may be built unasked: the first time, and when it has changed (escapes.md C29,
//! E18).
//!
//! A checked-out spec could run programs on the host, and an agent that can write the spec of its
//! jail could have its next launch grant what it likes. Content is compared that was read once;
//! what is built is made of the same bytes.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::changes::{changes, concerns};
use super::{Content, key, place, written};
use crate::backends::Spec;
use crate::files::Private;
use crate::state::State;

/// The version of the form. A reader refuses every other one.
const VERSION: u32 = 1;

/// What was approved of a spec.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    version: u32,
    /// Where the spec is.
    pub spec: PathBuf,
    /// The hash of its content.
    pub hash: String,
    content: Content,
}

/// Whether a spec may be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is what was approved.
    Approved,
    /// It was never approved, and grants nothing that is worth a question.
    Unremarkable,
    /// Its user is to be asked.
    Ask(Question),
}

/// What the user is to be asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Why the calls are refused.
    pub why: Why,
    /// What saying yes would approve, a line each. They hold text of the spec, and are not fit for
    /// a terminal yet.
    pub lines: Vec<String>,
}

/// Why the user is to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It was never approved here.
    First,
    /// It is not what was approved.
    Changed,
    /// The path led to another spec.
    Elsewhere(PathBuf),
    /// What was approved cannot be read.
    Unreadable(String),
}

/// Judges the spec that the user calls `path`.
#[must_use]
pub fn judge(state: &State, path: &Path, spec: &Spec) -> Verdict {
    let content = Content::from_spec(spec);
    let unreadable = |error: io::Error| {
        let lines = concerns(&content);
        Verdict::Ask(Question { why: Why::Unreadable(error.to_string()), lines })
    };
    let leads = match leads_to(state, path) {
        Ok(leads) => leads,
        Err(error) => return unreadable(error),
    };
    let is_new_path = leads.is_none() && written(path) != spec.place;
    let before = leads.unwrap_or_else(|| spec.place.clone());
    match read(state, &before) {
        Err(error) => unreadable(error),
        Ok(approved) if before != spec.place => elsewhere(before, approved.as_ref(), &content),
        Ok(None) => first(&content),
        Ok(Some(approved)) => match changed(&approved, &content) {
            // What was approved was approved where it is, and not wherever a link makes it appear.
            Verdict::Approved if is_new_path => first(&content),
            verdict => verdict,
        },
    }
}

fn first(content: &Content) -> Verdict {
    let lines = concerns(content);
    if lines.is_empty() {
        return Verdict::Unremarkable;
    }
    Verdict::Ask(Question { why: Why::First, lines })
}

fn changed(approved: &Approval, content: &Content) -> Verdict {
    if approved.hash == content.hash() {
        return Verdict::Approved;
    }
    Verdict::Ask(Question { why: Why::Changed, lines: changes(&approved.content, content) })
}

/// A jail can make a link of a folder, to a spec of its own or to one of the user's that grants
/// more.
fn elsewhere(before: PathBuf, approved: Option<&Approval>, content: &Content) -> Verdict {
    let lines = approved.map_or_else(|| concerns(content), |old| changes(&old.content, content));
    Verdict::Ask(Question { why: Why::Elsewhere(before), lines })
}

/// Writes down that the spec that the user calls `path` is approved as it is.
///
/// # Errors
/// It cannot be written.
pub fn approve(state: &State, path: &Path, spec: &Spec) -> io::Result<()> {
    let content = Content::from_spec(spec);
    let approval =
        Approval { version: VERSION, spec: spec.place.clone(), hash: content.hash(), content };
    let text = serde_json::to_vec(&approval)?;
    Private::create(&state.approvals())?.write(&file(&spec.place), &text)?;
    let paths = Private::create(&state.trust_paths())?;
    paths.write(&key(&written(path)), spec.place.as_os_str().as_bytes())
}

/// The hash of what was approved of the spec at a place; nothing where that is not known.
pub(in crate::state) fn content_of(state: &State, place: &Path) -> Option<String> {
    read(state, place).ok().flatten().map(|approval| approval.hash)
}

/// Where a path led when its spec was approved.
pub(in crate::state) fn leads_to(state: &State, path: &Path) -> io::Result<Option<PathBuf>> {
    let Some(paths) = Private::open(&state.trust_paths())? else { return Ok(None) };
    let place = paths.read(&key(&written(path)))?;
    Ok(place.map(|place| OsString::from_vec(place).into()))
}

fn read(state: &State, place: &Path) -> io::Result<Option<Approval>> {
    let Some(approvals) = Private::open(&state.approvals())? else { return Ok(None) };
    let Some(approval) = approvals.read(&file(place))?.map(|text| parse(&text)).transpose()? else {
        return Ok(None);
    };
    if approval.spec == place {
        return Ok(Some(approval));
    }
    Err(io::Error::other("it is that of another spec"))
}

fn parse(text: &[u8]) -> io::Result<Approval> {
    let approval: Approval = serde_json::from_slice(text)?;
    if approval.version == VERSION && approval.content.hash() == approval.hash {
        return Ok(approval);
    }
    Err(io::Error::other("it is not in the format of this version of jailgen"))
}

pub(super) fn file(place: &Path) -> OsString {
    let mut name = key(place);
    name.push(".json");
    name
}

/// All approvals, by the places of their specs, and the names of those that cannot be read.
///
/// # Errors
/// The folder cannot be read.
pub fn approvals(state: &State) -> io::Result<(Vec<Approval>, Vec<OsString>)> {
    let (mut found, mut unreadable) = (Vec::new(), Vec::new());
    let Some(folder) = Private::open(&state.approvals())? else { return Ok((found, unreadable)) };
    for name in folder.names()? {
        match folder.read(&name).ok().flatten().and_then(|text| parse(&text).ok()) {
            Some(approval) => found.push(approval),
            None => unreadable.push(name),
        }
    }
    found.sort_by(|a, b| a.spec.cmp(&b.spec));
    Ok((found, unreadable))
}

/// Forgets what was approved of the spec that the user calls `path`: whether there was something.
///
/// # Errors
/// It cannot be removed.
pub fn forget_approval(state: &State, path: &Path) -> io::Result<bool> {
    let Some(approvals) = Private::open(&state.approvals())? else { return Ok(false) };
    let mut forgotten = false;
    for place in [place(path), written(path)] {
        let name = file(&place);
        forgotten |= approvals.names()?.contains(&name);
        approvals.remove(&name)?;
    }
    if let Some(paths) = Private::open(&state.trust_paths())? {
        paths.remove(&key(&written(path)))?;
    }
    Ok(forgotten)
}
