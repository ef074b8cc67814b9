//! From an emitted spec to linked commands. What was built before stays as it is until the new
//! build has succeeded.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use jail_policy::Policy;

use super::kept;
use super::record::Record;
use super::{BuildError, State, commands, name};
use crate::backends::nix::lock::{Lock, pin};
use crate::backends::nix::{Flake, emit, file_name, origin_at};
use crate::backends::{File, Spec, write};
use crate::files::{create_private, read_regular, write_atomically};
use crate::kit::Kit;
use crate::nix::{Nix, NixError, Progress};

/// How to build.
#[derive(Clone, Debug)]
pub struct Options {
    /// Inputs and what they are overridden with.
    pub overrides: Vec<(String, String)>,
    /// Another link, as `nix build -o` makes it.
    pub link: Option<PathBuf>,
    /// Which commands are linked.
    pub linking: Linking,
}

/// Which commands a build links in [`State::bin`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linking {
    /// None but those that lead to the spec's jails already.
    Own,
    /// All of the spec, unless one is another spec's.
    All,
    /// All of the spec.
    TakeOver,
}

/// What was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The emitted flake.
    pub folder: PathBuf,
    /// The commands, in the order of the spec.
    pub commands: Vec<Command>,
}

/// A command that was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The name that identifies it.
    pub name: String,
    /// Its store path.
    pub store_path: String,
    /// The link to it in [`State::bin`], where it is linked.
    pub link: Option<PathBuf>,
    /// The link of its second name, where it has one and no other command is called so.
    pub alias: Option<PathBuf>,
}

impl Command {
    /// The wrapper itself.
    #[must_use]
    pub fn wrapper(&self) -> PathBuf {
        Path::new(&self.store_path).join("bin").join(&self.name)
    }
}

/// The lock that an emission to `folder` starts from: that of the folder, else the one compiled in;
/// with these overrides.
///
/// # Errors
/// It cannot be read, or an override cannot be pinned.
pub fn lock(
    folder: &Path,
    overrides: &[(String, String)],
    nix: &dyn Fn() -> Result<Nix, NixError>,
    progress: Progress<'_>,
) -> Result<Lock, BuildError> {
    let mut lock = match Lock::of_folder(folder)? {
        Some(lock) => lock,
        None => Lock::compiled_in()?,
    };
    for (name, reference) in overrides {
        let pin = pin(reference, nix, progress).map_err(BuildError::Pin)?;
        lock.override_input(name, &pin)?;
    }
    Ok(lock)
}

/// The overrides of a build: those that were asked for, and the settings that the last build of the
/// spec did not have. What was pinned otherwise since then stays so, and what a build was given
/// that failed.
#[must_use]
pub fn due(state: &State, place: &Path, overrides: &[(String, String)]) -> Vec<(String, String)> {
    let record = Record::read(state, place);
    let given = state.failed(place).map_or_else(Vec::new, |failed| given(&failed));
    let is_new = |input: &&(String, String)| {
        !overrides.iter().any(|(name, _)| *name == input.0)
            && !given.contains(&input.0)
            && !record.as_ref().is_some_and(|record| record.knew(input))
    };
    let inputs = state.defaults.inputs.iter().filter(is_new);
    inputs.chain(overrides).cloned().collect()
}

/// Builds the jails of a spec and links their commands. Nothing of the spec is read again.
///
/// # Errors
/// See [`BuildError`].
pub fn build(
    state: &State,
    spec: &Spec,
    kit: &Kit,
    options: &Options,
    nix: &dyn Fn() -> Result<Nix, NixError>,
    progress: Progress<'_>,
) -> Result<Built, BuildError> {
    let folder = state.flake(&spec.place);
    let _alone = alone(&folder)?;
    let overrides = due(state, &spec.place, &options.overrides);
    let lock = lock(&state.pinned(&spec.place), &overrides, nix, progress)?;
    let emitted = emit(std::slice::from_ref(spec), kit, lock)?;
    if options.linking == Linking::All {
        // Again when the commands are linked; but the user does not wait for a build that fails
        // anyway.
        let mut names = spec.policies.iter().map(|policy| policy.name.as_str());
        names.try_for_each(|name| commands::refuse_taken(state, &spec.place, name))?;
    }
    let aside = folder.with_extension("new");
    let (nix, store_paths) = build_aside(nix, &emitted, &aside, spec, progress)
        .map_err(|error| failed(error, &emitted, &aside, spec, options))?;
    replace(&aside, &folder)?;
    // What it pinned is pinned now, or something else is.
    remove(&folder.with_extension(FAILED))?;
    let mut commands = keep(&nix, state, spec, store_paths, options.link.as_deref())?;
    remember(state, spec, kit, &commands)?;
    link_all(state, spec, options.linking, &mut commands)?;
    Ok(Built { folder, commands })
}

/// Waits until no other process builds this spec. The lock is held as long as the file is open.
fn alone(folder: &Path) -> Result<fs::File, BuildError> {
    lock_file(&folder.with_extension("lock"))
}

/// Waits for a lock. The process that holds it may remove its file, so the file that is locked must
/// be the one under this name.
pub(super) fn lock_file(file: &Path) -> Result<fs::File, BuildError> {
    let failed = |error| BuildError::Io { path: file.into(), error };
    file.parent().map_or(Ok(()), create_private).map_err(failed)?;
    loop {
        let lock = fs::File::create(file).map_err(failed)?;
        lock.lock().map_err(failed)?;
        if is_at(&lock, file).map_err(failed)? {
            return Ok(lock);
        }
    }
}

/// Whether an open file is the one at a path.
pub(super) fn is_at(file: &fs::File, path: &Path) -> io::Result<bool> {
    let open = file.metadata()?;
    match path.symlink_metadata() {
        Ok(there) => Ok((open.dev(), open.ino()) == (there.dev(), there.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The end of the name of a flake whose build failed.
const FAILED: &str = "failed";

impl State {
    /// The flake whose lock the next build starts from: that of the last build, whether or not it
    /// succeeded.
    #[must_use]
    pub fn pinned(&self, place: &Path) -> PathBuf {
        let folder = self.flake(place);
        self.failed(place).filter(|failed| failed.join("flake.lock").exists()).unwrap_or(folder)
    }

    /// The flake of the last build of the spec at a place, if that failed.
    #[must_use]
    pub fn failed(&self, place: &Path) -> Option<PathBuf> {
        Some(self.flake(place).with_extension(FAILED)).filter(|failed| failed.is_dir())
    }
}

/// Next to the flake of a build that failed: the names of the inputs that it was given. The
/// settings do not stand in for them.
const GIVEN: &str = "given.json";

fn given(failed: &Path) -> Vec<String> {
    let text = read_regular(&failed.join(GIVEN)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

fn remember_given(folder: &Path, names: BTreeSet<String>) -> Result<(), BuildError> {
    let file = folder.join(GIVEN);
    let written = serde_json::to_vec(&names).map_err(io::Error::from);
    written
        .and_then(|text| write_atomically(&file, &text))
        .map_err(|error| BuildError::Io { path: file, error })
}

/// Builds from a folder next to the one of the last build, which a failure must not touch.
fn build_aside(
    nix: &dyn Fn() -> Result<Nix, NixError>,
    emitted: &Flake,
    aside: &Path,
    spec: &Spec,
    progress: Progress<'_>,
) -> Result<(Nix, Vec<String>), BuildError> {
    remove(aside)?;
    write(&emitted.folder, aside, false)?;
    let nix = nix().map_err(BuildError::Nix)?;
    if !emitted.locked {
        nix.lock(aside, &emitted.references, progress).map_err(BuildError::Nix)?;
    }
    let names: Vec<&str> = spec.policies.iter().map(|policy| policy.name.as_str()).collect();
    let built = nix.build(aside, &names, progress).map_err(BuildError::Nix)?;
    let store_paths = in_order(&names, &built).ok_or(BuildError::Incomplete)?;
    Ok((nix, store_paths))
}

/// Keeps the flake of a build that failed, for inspection, and because the next
/// build starts from its lock.
fn failed(
    error: BuildError,
    emitted: &Flake,
    aside: &Path,
    spec: &Spec,
    options: &Options,
) -> BuildError {
    let BuildError::Nix(error) = error else { return error };
    let folder = aside.with_extension(FAILED);
    let pinned: Vec<String> = options.overrides.iter().map(|(name, _)| name.clone()).collect();
    let given = pinned.iter().cloned().chain(given(&folder)).collect();
    if let Err(error) = remember_given(aside, given).and_then(|()| replace(aside, &folder)) {
        return error;
    }
    let place = place(error.stderr(), emitted, spec);
    BuildError::Failed { error: Box::new(error), folder, place, pinned }
}

/// The store paths in the order of the jails. Nix has an order of its own, so each is found by its
/// name: the wrapper's derivation is called as the jail.
fn in_order(names: &[&str], store_paths: &[String]) -> Option<Vec<String>> {
    let of = |name: &&str| {
        let is_named = |path: &&String| {
            let base = path.rsplit('/').next().unwrap_or_default();
            base.split_once('-').is_some_and(|(_, rest)| rest == *name)
        };
        store_paths.iter().find(is_named).cloned()
    };
    names.iter().map(of).collect()
}

/// The place in the spec that Nix's message leads back to: it names lines of the emitted files.
fn place(stderr: &str, emitted: &Flake, spec: &Spec) -> Option<String> {
    spec.policies.iter().find_map(|policy| {
        let file = file_name(&policy.name);
        let Some(File::Content(content, _)) = emitted.folder.files.get(&file) else { return None };
        let (_, after) = stderr.rsplit_once(&format!("/{file}:"))?;
        let line = after.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
        let by = origin_at(str::from_utf8(content).ok()?, line)?;
        let place = policy.places.iter().find(|(origin, _)| origin.to_string() == by);
        place.map(|(origin, place)| format!("`{}` in {place}", origin.combinator))
    })
}

/// Puts a folder in the place of another.
fn replace(new: &Path, place: &Path) -> Result<(), BuildError> {
    let failed = |error| BuildError::Io { path: place.into(), error };
    let old = place.with_extension("old");
    remove(&old)?;
    if place.exists() {
        fs::rename(place, &old).map_err(failed)?;
    }
    fs::rename(new, place).map_err(failed)?;
    remove(&old)
}

fn remove(folder: &Path) -> Result<(), BuildError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(BuildError::Io { path: folder.into(), error })
        }
        _ => Ok(()),
    }
}

/// Keeps what was built from being collected, under the names of the jails. Commands that lead
/// there are new from then on.
fn keep(
    nix: &Nix,
    state: &State,
    spec: &Spec,
    store_paths: Vec<String>,
    extra: Option<&Path>,
) -> Result<Vec<Command>, BuildError> {
    let folder = state.roots_of(&spec.place);
    create_private(&folder).map_err(|error| BuildError::Io { path: folder.clone(), error })?;
    let mut commands = Vec::new();
    for (index, (policy, store_path)) in spec.policies.iter().zip(store_paths).enumerate() {
        let name = policy.name.clone();
        nix.add_root(&folder.join(&name), &store_path).map_err(BuildError::Nix)?;
        if let Some(extra) = extra {
            nix.add_root(&numbered(extra, index), &store_path).map_err(BuildError::Nix)?;
        }
        commands.push(Command { name, store_path, link: None, alias: None });
    }
    Ok(commands)
}

/// Links commands as it is wanted. A second name is there for convenience: a command of that name,
/// of this spec or of another one, stays as it is.
fn link_all(
    state: &State,
    spec: &Spec,
    linking: Linking,
    built: &mut [Command],
) -> Result<(), BuildError> {
    let _alone = lock_file(&state.roots().join(".lock"))?;
    for (policy, command) in spec.policies.iter().zip(built) {
        let link = |name: &str| -> Result<Option<PathBuf>, BuildError> {
            let link = commands::link(state, &spec.place, &command.name, name)?;
            Ok(Some(link))
        };
        if wanted(state, spec, linking, &policy.name)? {
            command.link = link(&policy.name)?;
        }
        let Some(alias) = policy.alias() else { continue };
        let is_own = spec.policies.iter().any(|other| other.name == alias);
        if !is_own && wanted(state, spec, linking, alias).unwrap_or(false) {
            command.alias = link(alias)?;
        }
    }
    Ok(())
}

/// Whether the command of this name is to lead to this spec's jail.
fn wanted(state: &State, spec: &Spec, linking: Linking, name: &str) -> Result<bool, BuildError> {
    match linking {
        Linking::Own => Ok(state.is_linked(&spec.place, name)),
        Linking::All => commands::refuse_taken(state, &spec.place, name).map(|()| true),
        Linking::TakeOver => Ok(true),
    }
}

/// `result`, `result-1`, `result-2`: as Nix numbers them.
fn numbered(link: &Path, index: usize) -> PathBuf {
    if index == 0 {
        return link.into();
    }
    let mut name = link.file_name().unwrap_or_default().to_os_string();
    name.push(format!("-{index}"));
    link.with_file_name(name)
}

/// Writes down what was built, and drops the commands of jails that the spec no longer has.
fn remember(state: &State, spec: &Spec, kit: &Kit, built: &[Command]) -> Result<(), BuildError> {
    let names: Vec<&str> = built.iter().map(|command| command.name.as_str()).collect();
    let aliases: Vec<&str> = spec.policies.iter().filter_map(Policy::alias).collect();
    let of = name(&spec.place);
    let is_there = |command: &str| names.contains(&command) || aliases.contains(&command);
    commands::unlink(state, &of, is_there)
        .and_then(|_| commands::drop_roots(state, &of, &names))
        .map_err(|error| BuildError::Io { path: state.bin(), error })?;
    let old = Record::read(state, &spec.place);
    Record::new(spec, kit, built, &state.defaults.inputs).write(state)?;
    let before = old.iter().flat_map(|old| &old.jails).map(|(name, _)| name.as_str());
    kept::keep(state, before.chain(names)).map_err(|(path, error)| BuildError::Io { path, error })
}
