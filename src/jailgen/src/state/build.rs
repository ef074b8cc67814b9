//! From an emitted spec to linked commands. What was built before stays as it is until the new build has succeeded.

use std::fs;
use std::path::{Path, PathBuf};

use jail_policy::Policy;

use super::kept::keep;
use super::record::{Linked, Record, owner};
use super::{BuildError, State};
use crate::emit::lock::{Lock, pin};
use crate::emit::{self, File, Folder, Spec, origin_at};
use crate::files::{create_private, link_atomically};
use crate::kit::Kit;
use crate::nix::{Nix, NixError, Progress};

/// Where wrappers are.
const STORE: &str = "/nix/store";

/// How to build.
#[derive(Clone, Debug)]
pub struct Options {
    /// Inputs and what they are overridden with.
    pub overrides: Vec<(String, String)>,
    /// Another link, as `nix build -o` makes it.
    pub link: Option<PathBuf>,
    /// Take over the commands of other specs.
    pub force: bool,
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
    /// Its name.
    pub name: String,
    /// Its store path.
    pub store_path: String,
    /// The link to it in [`State::bin`].
    pub link: PathBuf,
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

/// The lock that an emission to `folder` starts from: that of the folder, else the one compiled in; with these overrides.
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

/// The overrides of a build: those that were asked for, and the settings that the last build of the spec did not have. What was
/// pinned otherwise since then stays so.
#[must_use]
pub fn due(state: &State, place: &Path, overrides: &[(String, String)]) -> Vec<(String, String)> {
    let record = Record::read(state, place);
    let is_new = |input: &&(String, String)| {
        !overrides.iter().any(|(name, _)| *name == input.0)
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
    let lock = lock(&folder, &overrides, nix, progress)?;
    let emitted = emit::emit(std::slice::from_ref(spec), kit, lock)?;
    if !options.force {
        refuse_taken(state, spec)?;
    }
    let nix = nix().map_err(BuildError::Nix)?;
    let aside = folder.with_extension("new");
    let store_paths = build_aside(&nix, &emitted, &aside, spec, progress)?;
    replace(&aside, &folder)?;
    let mut commands = link(&nix, state, spec, store_paths, options.link.as_deref())?;
    link_aliases(state, spec, options, &mut commands)?;
    remember(state, spec, kit, &commands)?;
    Ok(Built { folder, commands })
}

/// Waits until no other process builds this spec. The lock is held as long as the file is open.
fn alone(folder: &Path) -> Result<fs::File, BuildError> {
    let file = folder.with_extension("lock");
    let failed = |error| BuildError::Io { path: file.clone(), error };
    file.parent().map_or(Ok(()), create_private).map_err(failed)?;
    let lock = fs::File::create(&file).map_err(failed)?;
    lock.lock().map_err(failed)?;
    Ok(lock)
}

fn refuse_taken(state: &State, spec: &Spec) -> Result<(), BuildError> {
    for Policy { name, .. } in &spec.policies {
        if let Some(spec) = owner(state, &spec.place, name) {
            return Err(BuildError::Taken { name: name.clone(), spec });
        }
        // A folder of the user's own has links of others in it.
        let link = state.command(name);
        let is_ours =
            |to: &Path| to.starts_with(STORE) && to.ends_with(Path::new("bin").join(name));
        if let Ok(to) = fs::read_link(&link)
            && !is_ours(&to)
        {
            return Err(BuildError::Foreign { link, to });
        }
    }
    Ok(())
}

/// Builds from a folder beside the one of the last build, which a failure must not touch.
fn build_aside(
    nix: &Nix,
    emitted: &Folder,
    aside: &Path,
    spec: &Spec,
    progress: Progress<'_>,
) -> Result<Vec<String>, BuildError> {
    remove(aside)?;
    emit::write(emitted, aside, false)?;
    let names: Vec<&str> = spec.policies.iter().map(|policy| policy.name.as_str()).collect();
    let locked =
        if emitted.locked { Ok(()) } else { nix.lock(aside, &emitted.references, progress) };
    let built = locked.and_then(|()| nix.build(aside, &names, progress));
    match built {
        Ok(store_paths) => in_order(&names, &store_paths).ok_or(BuildError::Incomplete),
        Err(error) => {
            let kept = aside.with_extension("failed");
            replace(aside, &kept)?;
            let place = place(error.stderr(), emitted, spec);
            Err(BuildError::Failed { error, folder: kept, place })
        }
    }
}

/// The store paths in the order of the jails. Nix has an order of its own, so each is found by its name: the wrapper's
/// derivation is called as the jail.
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
fn place(stderr: &str, emitted: &Folder, spec: &Spec) -> Option<String> {
    spec.policies.iter().find_map(|policy| {
        let file = emit::file_name(&policy.name);
        let Some(File::Content(content, _)) = emitted.files.get(&file) else { return None };
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

fn link(
    nix: &Nix,
    state: &State,
    spec: &Spec,
    store_paths: Vec<String>,
    extra: Option<&Path>,
) -> Result<Vec<Command>, BuildError> {
    let mut commands = Vec::new();
    for (index, (policy, store_path)) in spec.policies.iter().zip(store_paths).enumerate() {
        let name = policy.name.clone();
        let command = Command { link: state.command(&name), name, store_path, alias: None };
        let root = state.root_of(&command.name);
        for folder in [root.parent(), command.link.parent()].into_iter().flatten() {
            create_private(folder)
                .map_err(|error| BuildError::Io { path: folder.into(), error })?;
        }
        nix.add_root(&root, &command.store_path).map_err(BuildError::Nix)?;
        link_atomically(&command.wrapper(), &command.link)
            .map_err(|error| BuildError::Io { path: command.link.clone(), error })?;
        if let Some(extra) = extra {
            nix.add_root(&numbered(extra, index), &command.store_path).map_err(BuildError::Nix)?;
        }
        commands.push(command);
    }
    Ok(commands)
}

/// Links second names. They are there for convenience: a command of that name, of this spec or of another one, stays as it is.
fn link_aliases(
    state: &State,
    spec: &Spec,
    options: &Options,
    commands: &mut [Command],
) -> Result<(), BuildError> {
    for (policy, command) in spec.policies.iter().zip(commands) {
        let Some(alias) = policy.alias() else { continue };
        let is_own = spec.policies.iter().any(|other| other.name == alias);
        if is_own || (!options.force && owner(state, &spec.place, alias).is_some()) {
            continue;
        }
        let link = state.command(alias);
        let target = Path::new(&command.store_path).join("bin").join(alias);
        link_atomically(&target, &link)
            .map_err(|error| BuildError::Io { path: link.clone(), error })?;
        command.alias = Some(link);
    }
    Ok(())
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
fn remember(state: &State, spec: &Spec, kit: &Kit, commands: &[Command]) -> Result<(), BuildError> {
    let record = Record::new(spec, kit, commands, &state.defaults.inputs);
    let old = Record::read(state, &spec.place);
    let of_old = |of: fn(&Record) -> &[Linked]| old.iter().flat_map(of);
    for gone in of_old(|old| &old.jails).filter(|gone| !record.has(&gone.0)) {
        unlink(&state.command(&gone.0), &gone.1);
        unlink(&state.root_of(&gone.0), &gone.1);
    }
    for gone in of_old(|old| &old.aliases).filter(|gone| !record.has(&gone.0)) {
        unlink(&state.command(&gone.0), &gone.1);
    }
    record.write(state)?;
    let gone = of_old(|old| &old.jails);
    let names =
        gone.map(|(name, _)| name.as_str()).chain(commands.iter().map(|it| it.name.as_str()));
    keep(state, names).map_err(|(path, error)| BuildError::Io { path, error })
}

/// Removes a link of ours. One that is gone, or that leads elsewhere because another spec has taken the name over, is left alone.
fn unlink(link: &Path, store_path: &str) {
    if fs::read_link(link).is_ok_and(|target| target.starts_with(store_path)) {
        let _ = fs::remove_file(link);
    }
}
