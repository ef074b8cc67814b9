//! What a run missed, in groups: each with what to write in the spec, and what that risks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jail_plan::star::is_like;
use jail_policy::Access as Granted;
use jail_registry::names;
use rustix::fs::Access;
use serde::Serialize;

use super::calls::Want;
use super::grants::{is_broad, package, path_grant};
use super::mounts::Launcher;
use super::outside::{Outside, look, may};
use super::record::{Missed, Record, Why, program_in};
use super::secret::{Never, never};
use super::tables::{NOISE, PURPOSES, Purpose};

/// As many names of a group are listed.
const WANTED_MAX: usize = 20;

/// As many grants are proposed one by one where a folder is too much.
const ONE_BY_ONE_MAX: usize = 8;

/// How much a grant gives away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// Nothing that matters to most.
    Low,
    /// More than the jail had.
    Medium,
    /// A way out of the jail, or to what is valuable.
    High,
}

impl Risk {
    /// In a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// What belongs together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// What it is.
    pub title: String,
    /// What was looked for, and by whom. The jail chooses these names.
    pub wanted: Vec<Wanted>,
    /// How many more there were.
    pub more: usize,
    /// What to write in the list of the spec; empty where nothing is proposed.
    pub grants: Vec<String>,
    /// How much that gives away.
    pub risk: Risk,
    /// In words.
    pub because: String,
}

/// Something that was looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wanted {
    /// A path, the name of a program, or a host.
    pub name: String,
    /// What became of it.
    pub result: String,
    /// The programs that looked.
    pub programs: Vec<String>,
}

/// Names that are left out, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Who looks there.
    pub reason: &'static str,
    /// How many.
    pub count: usize,
}

/// What a run missed.
pub(super) struct Advice {
    pub(super) groups: Vec<Group>,
    pub(super) left_out: Vec<LeftOut>,
}

/// Where a program is outside, by its name.
pub(super) type Programs<'a> = &'a dyn Fn(&str) -> Option<PathBuf>;

pub(super) fn advise(record: &Record, launcher: &Launcher, programs: Programs<'_>) -> Advice {
    let mut sorting = Sorting {
        record,
        launcher,
        programs,
        written: record.mounts.writable(),
        noise: BTreeMap::new(),
        groups: BTreeMap::new(),
    };
    for (path, missed) in &record.missed {
        sorting.sort(path, missed);
    }
    let groups = sorting.groups.into_iter().map(|(key, found)| key.group(found, launcher));
    let left_out = sorting.noise.into_iter().map(|(reason, count)| LeftOut { reason, count });
    Advice { groups: groups.collect(), left_out: left_out.collect() }
}

/// What a group is about. The order is that of the report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    WorkingFolder,
    Program(String),
    Purpose(usize),
    Cache(&'static str),
    Folder(PathBuf),
    Socket(PathBuf),
    Device(PathBuf),
    Store,
    /// It is in a folder that the jail may write, and is kept from it all the same.
    Kept,
    Secret(Never),
}

/// What was found of a group.
#[derive(Default)]
struct Found {
    wanted: Vec<Wanted>,
    paths: Vec<(PathBuf, bool)>,
    is_written: bool,
}

struct Sorting<'a> {
    record: &'a Record,
    launcher: &'a Launcher,
    programs: Programs<'a>,
    written: Vec<PathBuf>,
    noise: BTreeMap<&'static str, usize>,
    groups: BTreeMap<Key, Found>,
}

impl Sorting<'_> {
    fn sort(&mut self, path: &Path, missed: &Missed) {
        if let Some(name) = program_in(path) {
            return self.program(name, path, missed);
        }
        let shown = self.launcher.shown(path);
        if let Some(noise) =
            NOISE.iter().find(|noise| is_like(noise.place.as_bytes(), shown.as_bytes()))
        {
            *self.noise.entry(noise.reason).or_default() += 1;
            return;
        }
        let Some((want, why)) = missed.wants.iter().max().copied() else { return };
        let Some(outside) = self.outside(path, want, why) else { return };
        let is_written = want == Want::Write;
        let key = self.key(path, &shown, want, &outside);
        // What does not exist yet is made in a folder that does.
        let place = if outside.exists { path.to_path_buf() } else { outside.real };
        let found = self.groups.entry(key).or_default();
        found.is_written |= is_written;
        found.paths.push((place, outside.is_folder));
        found.wanted.push(wanted(shown, want, why, &missed.programs));
    }

    /// A program is looked for in every folder of PATH, and was not found if it was in none.
    fn program(&mut self, name: &str, path: &Path, missed: &Missed) {
        let is_outside = || (self.programs)(name).is_some() || look(path, &self.written).is_some();
        if self.record.found.contains(name) || !is_outside() {
            return;
        }
        let found = self.groups.entry(Key::Program(name.to_owned())).or_default();
        match found.wanted.first_mut() {
            Some(one) => {
                let all = one.programs.iter().chain(&missed.programs).cloned();
                one.programs = all.collect::<BTreeSet<_>>().into_iter().collect();
            }
            None => {
                let result = "not in the jail".to_owned();
                let programs = missed.programs.iter().cloned().collect();
                found.wanted.push(Wanted { name: name.to_owned(), result, programs });
            }
        }
    }

    /// What is outside in the place of something that was not to be had inside, if the jail is what
    /// stood in the way.
    fn outside(&self, path: &Path, want: Want, why: Why) -> Option<Outside> {
        let mount = self.record.mounts.covering(path);
        // What is the host's own is missing there too.
        if why == Why::Missing && mount.is_some_and(|mount| mount.from == mount.to) {
            return None;
        }
        let there = look(path, &self.written);
        let there = match want {
            Want::Write => there.or_else(|| {
                let around = look(path.parent()?, &self.written)?;
                Some(Outside { exists: false, ..around })
            })?,
            Want::Read | Want::Execute | Want::Connect => there?,
        };
        let access = match want {
            Want::Write | Want::Connect => Access::WRITE_OK,
            Want::Execute => Access::EXEC_OK,
            Want::Read => Access::READ_OK,
        };
        let is_above = self.launcher.home().is_some_and(|home| home.starts_with(&there.real));
        (may(&there.real, access) && !is_above).then_some(there)
    }

    fn key(&self, path: &Path, shown: &str, want: Want, outside: &Outside) -> Key {
        let is_purpose = |purpose: &Purpose| {
            purpose.places.iter().any(|place| is_like(place.as_bytes(), shown.as_bytes()))
        };
        if let Some(at) = PURPOSES.iter().position(is_purpose) {
            return Key::Purpose(at);
        }
        if let Some(cache) = jail_registry::cache_at(shown) {
            return Key::Cache(cache);
        }
        let access = if want == Want::Write { Granted::ReadWrite } else { Granted::ReadOnly };
        let home = self.launcher.home();
        let real = match (outside.exists, path.file_name()) {
            (false, Some(name)) => outside.real.join(name),
            (_, _) => outside.real.clone(),
        };
        let secret = never(path, home, access).or_else(|| never(&real, home, access));
        if path.starts_with("/nix/store") {
            return Key::Store;
        }
        if let Some(secret) = secret {
            return Key::Secret(secret);
        }
        let mount = self.record.mounts.covering(path);
        if want == Want::Write && mount.is_some_and(|mount| mount.is_writable) {
            return Key::Kept;
        }
        // What may be read only, is to be written where it is.
        if let Some(mount) = mount.filter(|mount| want == Want::Write && mount.from == mount.to) {
            return Key::Folder(mount.from.clone());
        }
        let is_around_home = home.is_some_and(|home| home.starts_with(&self.launcher.folder));
        if !is_around_home && path.starts_with(&self.launcher.folder) {
            return Key::WorkingFolder;
        }
        match (want, path.starts_with("/dev")) {
            (_, true) => Key::Device(path.into()),
            (Want::Connect, false) => Key::Socket(path.into()),
            (_, false) => Key::Folder(self.launcher.folder_of(path, outside.is_folder)),
        }
    }
}

fn wanted(name: String, want: Want, why: Why, programs: &BTreeSet<String>) -> Wanted {
    let result = match (why, want) {
        (Why::Missing, _) => "not there",
        (Why::Refused, Want::Write) => "not writable",
        (Why::Refused, Want::Read) => "not readable",
        (Why::Refused, Want::Execute) => "not executable",
        (Why::Refused, Want::Connect) => "no connection",
    };
    Wanted { name, result: result.into(), programs: programs.iter().cloned().collect() }
}

impl Key {
    fn group(self, found: Found, launcher: &Launcher) -> Group {
        let Found { mut wanted, paths, is_written } = found;
        let more = wanted.len().saturating_sub(WANTED_MAX);
        wanted.truncate(WANTED_MAX);
        let (title, grants, risk, because) = self.advice(&paths, is_written, launcher);
        Group { title, wanted, more, grants, risk, because }
    }

    fn advice(
        self,
        paths: &[(PathBuf, bool)],
        is_written: bool,
        launcher: &Launcher,
    ) -> (String, Vec<String>, Risk, String) {
        let one = |grant: String| vec![grant];
        match self {
            Self::WorkingFolder => {
                let (grant, risk) = match is_written {
                    true => (names::MOUNT_CWD, "the jail changes the folder that you start it in"),
                    false => (names::MOUNT_CWD_READONLY, "the jail reads the folder that you start it in"),
                };
                ("the working folder".into(), one(grant.into()), Risk::Medium, risk.into())
            }
            Self::Program(name) => {
                let grant = package(&name).map(|package| format!("({} [ pkgs.{package} ])", names::ADD_PKG_DEPS));
                let because = "the program has no rights but those of the jail; the package may have another name in nixpkgs";
                (format!("the program {name}"), grant.into_iter().collect(), Risk::Low, because.into())
            }
            Self::Purpose(at) => match PURPOSES.get(at) {
                Some(Purpose { title, grant, risk, because, .. }) => {
                    ((*title).into(), one((*grant).into()), *risk, (*because).into())
                }
                None => (String::new(), Vec::new(), Risk::High, String::new()),
            },
            Self::Cache(name) => (
                format!("the cache of {name}"),
                one(format!("({} [ \"{name}\" ])", names::CACHES)),
                Risk::Low,
                "the jail gets a cache of its own, and yours stays as it is".into(),
            ),
            Self::Folder(folder) => of_folder(&folder, paths, is_written, launcher),
            Self::Socket(path) => (
                format!("the socket {}", launcher.shown(&path)),
                path_grant(names::READWRITE, &path, launcher).into_iter().collect(),
                Risk::High,
                "a service acts with its own rights for every client".into(),
            ),
            Self::Device(path) => (
                format!("the device {}", launcher.shown(&path)),
                path_grant(names::BIND_DEVICE, &path, launcher).into_iter().collect(),
                Risk::High,
                "the driver in the kernel answers whatever the jail asks of it".into(),
            ),
            Self::Store => (
                "store paths that are not in the closure".into(),
                Vec::new(),
                Risk::Low,
                "name the package they belong to with `add-pkg-deps`".into(),
            ),
            Self::Kept => (
                "files that are kept as they are".into(),
                Vec::new(),
                Risk::High,
                "the folder is writable, but the host executes or trusts these (docs/project-folder.md)"
                    .into(),
            ),
            Self::Secret(never) => (
                "secrets and services".into(),
                Vec::new(),
                Risk::High,
                format!("it holds {}; {}", never.holds, never.fix),
            ),
        }
    }
}

/// A folder, or what was looked for in it, if all of the folder is too much.
fn of_folder(
    folder: &Path,
    paths: &[(PathBuf, bool)],
    is_written: bool,
    launcher: &Launcher,
) -> (String, Vec<String>, Risk, String) {
    let (word, access) = match is_written {
        true => (names::READWRITE, Granted::ReadWrite),
        false => (names::READONLY, Granted::ReadOnly),
    };
    let is_too_much =
        is_broad(folder, launcher) || never(folder, launcher.home(), access).is_some();
    let grants: Vec<String> = match paths {
        [(only, _)] if !is_broad(only, launcher) => {
            path_grant(word, only, launcher).into_iter().collect()
        }
        _ if !is_too_much => path_grant(word, folder, launcher).into_iter().collect(),
        several => {
            let several = several.iter().map(|(path, _)| path).filter(|path| {
                !is_broad(path, launcher) && never(path, launcher.home(), access).is_none()
            });
            several
                .filter_map(|path| path_grant(word, path, launcher))
                .take(ONE_BY_ONE_MAX)
                .collect()
        }
    };
    let because = match (grants.is_empty(), is_written) {
        (true, _) => {
            "nothing is proposed: the folder is that of many programs, or a name is not plain"
        }
        (false, true) => "what the jail writes there, your own programs read",
        (false, false) => "the jail reads it, and can send it to every host that it reaches",
    };
    (launcher.shown(folder), grants, Risk::Medium, because.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::files::grants::tests::launcher;

    #[test]
    fn a_broad_folder_is_never_proposed_as_a_whole() {
        let paths =
            [("/home/me/.config/a.json".into(), false), ("/home/me/.config/b.json".into(), false)];
        let (_, grants, ..) = of_folder(Path::new("/home/me/.config"), &paths, false, &launcher());
        assert_eq!(
            grants,
            [
                "(readonly (noescape \"~/.config/a.json\"))",
                "(readonly (noescape \"~/.config/b.json\"))"
            ]
        );
    }
}
