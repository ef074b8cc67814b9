//! Removes what was built: all of one spec, or what is no longer needed. What a running jail needs
//! stays.
//!
//! A root is removed last of what is of a build, and the record before it: a removal that is broken
//! off leaves what the next one finds.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::build::is_at;
use super::commands::{Owner, names, owner};
use super::inventory::{ASIDE, BuiltJail, Holding, holdings, size};
use super::record::Record;
use super::running::Running;
use super::{DERIVED, State, kept, name};

/// Whether something is removed, or only reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is removed.
    Remove,
    /// What would be removed is reported.
    DryRun,
}

/// What was removed, or would be.
#[derive(Debug, Default)]
pub struct Removed {
    /// What it was, where, and how many bytes.
    pub things: Vec<(&'static str, PathBuf, u64)>,
    /// The store paths that the removed roots kept.
    pub store_paths: Vec<String>,
    /// What stays although its spec is gone, and why.
    pub kept: Vec<(PathBuf, Busy)>,
}

/// Why something cannot be removed now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Busy {
    /// A jail of it runs.
    Runs {
        /// The name of the jail.
        jail: String,
        /// The number of its init outside.
        process: u32,
    },
    /// It is being built.
    Built,
}

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runs { jail, process } => write!(f, "its jail `{jail}` runs (process {process})"),
            Self::Built => f.write_str("it is being built"),
        }
    }
}

/// Removes what there is of a spec: commands, record, flakes, derived plans, and what keeps its
/// builds from being collected.
///
/// # Errors
/// Something cannot be removed.
pub fn remove(state: &State, holding: &Holding) -> io::Result<Result<Removed, Busy>> {
    let mut broom = Broom::new(state, Mode::Remove)?;
    Ok(broom.spec(holding)?.map_or(Ok(broom.removed), Err))
}

/// Removes what is no longer needed: builds of specs that are gone, flakes of builds that
/// failed or were broken off, roots of jails that are no longer built, derived plans, and
/// links that lead nowhere.
///
/// # Errors
/// Something cannot be read or removed.
pub fn collect(state: &State, mode: Mode) -> io::Result<Removed> {
    let mut broom = Broom::new(state, mode)?;
    for holding in holdings(state)? {
        let busy =
            if holding.is_current() { broom.leftovers(&holding)? } else { broom.spec(&holding)? };
        if let Some(busy) = busy {
            let shown = holding.spec.clone().unwrap_or_else(|| state.flakes().join(&holding.name));
            broom.removed.kept.push((shown, busy));
        }
    }
    broom.old_roots()?;
    broom.derived()?;
    broom.dangling()?;
    Ok(broom.removed)
}

struct Broom<'s> {
    state: &'s State,
    mode: Mode,
    running: Running,
    /// What there was at the beginning.
    all: Vec<Holding>,
    removed: Removed,
}

impl<'s> Broom<'s> {
    fn new(state: &'s State, mode: Mode) -> io::Result<Self> {
        let (running, all) = (Running::read(), holdings(state)?);
        Ok(Self { state, mode, running, all, removed: Removed::default() })
    }

    /// Removes a file, a link or a folder with all that is in it; it is not an error that it is not
    /// there.
    fn sweep(&mut self, what: &'static str, path: &Path) -> io::Result<()> {
        let data = match path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            data => data?,
        };
        // In a dry run it is still there when another reason to remove it comes up.
        if self.removed.things.iter().any(|(_, listed, _)| listed == path) {
            return Ok(());
        }
        let bytes = size(path);
        if self.mode == Mode::Remove {
            if data.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
        }
        self.removed.things.push((what, path.into(), bytes));
        Ok(())
    }

    /// All that is of a spec, unless it is busy.
    fn spec(&mut self, holding: &Holding) -> io::Result<Option<Busy>> {
        let lock = self.aside(holding, "lock");
        let _alone = match locked(&lock)? {
            Locked::Taken => return Ok(Some(Busy::Built)),
            held => held,
        };
        // Anew for each: a jail may have been started meanwhile.
        self.running = Running::read();
        if let Some(busy) = self.runs(holding)? {
            return Ok(Some(busy));
        }
        for command in &holding.commands {
            self.sweep("command", command)?;
        }
        self.sweep("record", &self.state.records().join(format!("{}.json", holding.name)))?;
        if self.mode == Mode::Remove {
            let jails = holding.jails.iter().map(|jail| jail.name.as_str());
            kept::keep(self.state, jails).map_err(|(_, error)| error)?;
        }
        self.sweep("flake", &self.state.flakes().join(&holding.name))?;
        for end in ASIDE.into_iter().filter(|end| *end != "lock") {
            self.sweep("flake", &self.aside(holding, end))?;
        }
        for jail in &holding.jails {
            for folder in DERIVED {
                let plan = self.state.root.join(folder).join(name(&jail.wrapper()));
                self.sweep("plan", &plan)?;
            }
        }
        self.roots(holding, &[])?;
        let folder = self.state.roots().join(&holding.name);
        if self.mode == Mode::Remove {
            // It is not empty where a build was broken off, and then it is found again.
            let _ = fs::remove_dir(&folder);
        }
        // Last: a process that waits for it then sees that it is gone.
        if self.mode == Mode::Remove && lock.exists() {
            fs::remove_file(&lock)?;
        }
        Ok(None)
    }

    /// What builds of a spec have left behind that failed, or were broken off.
    fn leftovers(&mut self, holding: &Holding) -> io::Result<Option<Busy>> {
        let lock = self.aside(holding, "lock");
        let _alone = match locked(&lock)? {
            Locked::Taken => return Ok(Some(Busy::Built)),
            held => held,
        };
        for end in ASIDE.into_iter().filter(|end| *end != "lock") {
            self.sweep("flake", &self.aside(holding, end))?;
        }
        let built: Vec<&str> = holding.jails.iter().map(|jail| jail.name.as_str()).collect();
        self.roots(holding, &built)?;
        Ok(None)
    }

    /// The roots of a spec but for those of these jails.
    fn roots(&mut self, holding: &Holding, keep: &[&str]) -> io::Result<()> {
        let folder = self.state.roots().join(&holding.name);
        for root in names(&folder)? {
            if !keep.contains(&root.as_str()) {
                self.root(&folder.join(root), &holding.name)?;
            }
        }
        Ok(())
    }

    /// A root of the spec that is called `of`, unless a running jail needs it.
    fn root(&mut self, root: &Path, of: &str) -> io::Result<()> {
        let jail = kept_by(root);
        if let Some(busy) = jail.as_ref().and_then(|jail| self.needs(jail, of)) {
            self.removed.kept.push((root.into(), busy));
            return Ok(());
        }
        self.sweep("root", root)?;
        self.removed.store_paths.extend(jail.map(|jail| jail.store_path));
        Ok(())
    }

    /// A jail of the spec that runs. Its record may be gone, and its roots are there.
    fn runs(&self, holding: &Holding) -> io::Result<Option<Busy>> {
        let folder = self.state.roots().join(&holding.name);
        let kept = names(&folder)?.into_iter().filter_map(|root| kept_by(&folder.join(root)));
        let mut all = kept.chain(holding.jails.clone());
        Ok(all.find_map(|jail| self.needs(&jail, &holding.name)))
    }

    /// The process that needs a jail of the spec that is called `of`: nothing of another spec keeps
    /// the same in the store.
    fn needs(&self, jail: &BuiltJail, of: &str) -> Option<Busy> {
        let others = self.all.iter().filter(|other| other.name != of && other.is_current());
        if others.flat_map(|other| &other.jails).any(|it| it.store_path == jail.store_path) {
            return None;
        }
        let process = self.running.process_of(self.state, &jail.wrapper())?;
        Some(Busy::Runs { jail: jail.name.clone(), process })
    }

    /// Roots as jailgen's first versions made them: next to those folders instead of in one, unless
    /// a command still needs it.
    fn old_roots(&mut self) -> io::Result<()> {
        for root in names(&self.state.roots())? {
            let root = self.state.roots().join(root);
            let Ok(kept) = root.read_link() else { continue };
            let mut commands = names(&self.state.bin())?.into_iter();
            let leads_there = |command: String| {
                self.state.command(&command).read_link().is_ok_and(|it| it.starts_with(&kept))
            };
            if !commands.any(leads_there) {
                self.root(&root, "")?;
            }
        }
        Ok(())
    }

    /// Plans are derived anew each time, and are read when they are started.
    fn derived(&mut self) -> io::Result<()> {
        for folder in DERIVED {
            let folder = self.state.root.join(folder);
            for plan in names(&folder)? {
                let plan = folder.join(plan);
                if !self.running.has(&plan) {
                    self.sweep("plan", &plan)?;
                }
            }
        }
        Ok(())
    }

    /// Commands that lead nowhere, and will not lead anywhere. Those that jailgen has not made
    /// stay.
    fn dangling(&mut self) -> io::Result<()> {
        for command in names(&self.state.bin())? {
            let link = self.state.command(&command);
            let leads_nowhere = match owner(self.state, &command) {
                Owner::Spec(of) => Record::named(self.state, &of).is_none(),
                Owner::Unused | Owner::Unknown => false,
            };
            if leads_nowhere {
                self.sweep("command", &link)?;
            }
        }
        Ok(())
    }

    fn aside(&self, holding: &Holding, end: &str) -> PathBuf {
        self.state.flakes().join(format!("{}.{end}", holding.name))
    }
}

/// The jail that a root keeps in the store.
fn kept_by(root: &Path) -> Option<BuiltJail> {
    let store_path = root.read_link().ok()?.to_str()?.to_owned();
    Some(BuiltJail { name: root.file_name()?.to_str()?.to_owned(), store_path })
}

/// A lock that a build holds while it works.
enum Locked {
    /// It is ours now, as long as this lives.
    Held(#[expect(dead_code, reason = "closing it unlocks it")] File),
    /// There is no lock, so nothing is being built.
    Absent,
    /// A build has it.
    Taken,
}

fn locked(path: &Path) -> io::Result<Locked> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Locked::Absent),
        file => file?,
    };
    match file.try_lock() {
        Ok(()) if is_at(&file, path)? => Ok(Locked::Held(file)),
        // Another process has just removed it, or made another one.
        Ok(()) | Err(TryLockError::WouldBlock) => Ok(Locked::Taken),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
