//! What jailgen runs on the host has around it: programs are found, and lists of places lead, only
//! where no jail could write.
//!
//! The stub does the same for what a launch runs (`src/jail-stub/src/host/surroundings.rs`).

#![expect(
    clippy::disallowed_methods,
    reason = "`Surroundings::command` clears the environment of what it starts"
)]

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use jail_plan::search;

use crate::state::trust::Trees;

/// Settings of git that win over a repository's own, for what runs git: the two by which a mere
/// look at one runs a program.
const GIT: [(&str, &str); 2] = [("core.fsmonitor", "false"), ("core.hooksPath", "/dev/null")];

/// Whatever a spec has Nix evaluate can name a repository of this machine, in which Nix would run
/// git or Mercurial: a filter of its configuration is then a program of the host. With the first
/// Nix fetches what is committed, as it does from another machine, and looks at no configuration;
/// with the second Mercurial reads none of a repository.
const REPOSITORIES: [(&str, &str); 2] = [("_NIX_FORCE_HTTP", "1"), ("HGRCSKIPREPO", "1")];

/// Settings of Nix, a line for each (nix(1)).
const NIX_CONFIG: &str = "NIX_CONFIG";

/// The variables of what jailgen runs, and where it finds it.
#[derive(Clone, Debug)]
pub struct Surroundings {
    variables: BTreeMap<OsString, OsString>,
    /// The folders that a jail could write, without links.
    writable: Vec<PathBuf>,
    /// PATH as it was.
    path: Option<OsString>,
    /// What is known of the trees that they are of.
    trees: Trees,
}

impl Surroundings {
    /// Those of a command that was started in `folder` with these variables. `trees` are those that
    /// jails were given.
    pub fn new(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        folder: Option<&Path>,
        trees: Trees,
    ) -> Self {
        let variables: BTreeMap<OsString, OsString> = variables.into_iter().collect();
        let home = variables.get(OsStr::new("HOME")).map(PathBuf::from);
        let home = home.and_then(|home| home.canonicalize().ok());
        let holds_home = |folder: &Path| home.as_ref().is_some_and(|home| home.starts_with(folder));
        // One that holds the home folder is not a project, nor is the root.
        let project = folder.and_then(|folder| folder.canonicalize().ok());
        let project = project.filter(|folder| !holds_home(folder) && folder.parent().is_some());
        let known = trees.known.iter().map(|tree| &tree.path);
        let known = known.map(|tree| tree.canonicalize().unwrap_or_else(|_| tree.clone()));
        let writable = known.chain(project).collect();
        let path = variables.get(OsStr::new(search::PATH)).cloned();
        let mut surroundings = Self { variables, writable, path, trees };
        surroundings.clean();
        surroundings
    }

    fn clean(&mut self) {
        let mut variables = std::mem::take(&mut self.variables);
        variables.retain(|name, value| {
            if !search::is_list(name.as_bytes()) {
                return true;
            }
            let trusted = |entry: &[u8]| self.trusts(Path::new(OsStr::from_bytes(entry)));
            let cleaned = search::clean(value.as_bytes(), trusted).map(OsString::from_vec);
            cleaned.map(|list| *value = list).is_some()
        });
        configure_git(&mut variables);
        variables.extend(REPOSITORIES.map(|(name, value)| (name.into(), value.into())));
        self.variables = variables;
    }

    /// Whether no jail can change what is found at `path`: not there, and in no folder that it
    /// leads through.
    #[must_use]
    pub fn trusts(&self, path: &Path) -> bool {
        let outside = |place: &Vec<u8>| self.is_outside(Path::new(OsStr::from_bytes(place)));
        let passed = search::passed(path.as_os_str().as_bytes(), link);
        path.is_absolute()
            && passed.is_ok_and(|places| places.is_some_and(|places| places.iter().all(outside)))
    }

    /// Whether a place, a path without links, is in no folder that a jail could write.
    #[must_use]
    pub fn is_outside(&self, place: &Path) -> bool {
        !self.writable.iter().any(|tree| place.starts_with(tree)) && !self.trees.hold_unread(place)
    }

    /// The same with settings for Nix, in the form of nix.conf(5). Those of the caller's own come
    /// last, and win.
    #[must_use]
    pub fn with_nix_config(mut self, settings: &str) -> Self {
        if !settings.is_empty() {
            let own = self.variables.entry(NIX_CONFIG.into()).or_default();
            let mut all = OsString::from(settings);
            all.push(&*own);
            *own = all;
        }
        self
    }

    /// The program of this name in PATH, by the path that it really has.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        let path = self.variables.get(OsStr::new(search::PATH))?;
        let found = std::env::split_paths(path).map(|folder| folder.join(name));
        let found = found
            .filter(|file| is_program(file) && self.trusts(file))
            .find_map(|file| file.canonicalize().ok());
        found.filter(|real| self.trusts(real))
    }

    /// The program of this name that PATH leads to, and that is not run.
    #[must_use]
    pub fn distrusted(&self, name: &str) -> Option<PathBuf> {
        let mut found = std::env::split_paths(self.path.as_ref()?).map(|folder| folder.join(name));
        found.find(|file| is_program(file) && !self.trusts(file))
    }

    /// The recorded tree because of which a program is not run, as it is written down.
    #[must_use]
    pub fn tree_of(&self, program: &Path) -> Option<PathBuf> {
        let passed = search::passed(program.as_os_str().as_bytes(), link).ok()??;
        let holds = |tree: &Path| {
            let real = tree.canonicalize().unwrap_or_else(|_| tree.to_owned());
            passed.iter().any(|place| Path::new(OsStr::from_bytes(place)).starts_with(&real))
        };
        self.trees.known.iter().map(|tree| &tree.path).find(|tree| holds(tree)).cloned()
    }

    /// A command with these variables, under the name `name`: some programs are several in one, and
    /// select by this name.
    #[must_use]
    pub fn command(&self, program: &Path, name: &str) -> Command {
        let mut command = Command::new(program);
        command.arg0(name).env_clear().envs(&self.variables);
        command
    }
}

/// Adds the settings to those that the caller gives git by variables (git-config(1),
/// `GIT_CONFIG_COUNT`).
fn configure_git(variables: &mut BTreeMap<OsString, OsString>) {
    let count = variables.get(OsStr::new("GIT_CONFIG_COUNT")).and_then(|count| count.to_str());
    let count: usize = count.and_then(|count| count.parse().ok()).unwrap_or(0);
    for (index, (key, value)) in (count..).zip(GIT) {
        variables.insert(format!("GIT_CONFIG_KEY_{index}").into(), key.into());
        variables.insert(format!("GIT_CONFIG_VALUE_{index}").into(), value.into());
    }
    variables.insert("GIT_CONFIG_COUNT".into(), (count + GIT.len()).to_string().into());
}

/// Where the link at a place leads.
fn link(place: &[u8]) -> io::Result<Option<Vec<u8>>> {
    match Path::new(OsStr::from_bytes(place)).read_link() {
        Ok(target) => Ok(Some(target.into_os_string().into_vec())),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use jail_plan::trust::path_name;

    use super::*;
    use crate::state::trust::Tree;

    struct Scratch(tempfile::TempDir);

    impl Scratch {
        fn new() -> Self {
            let scratch = Self(tempfile::tempdir().unwrap());
            for folder in ["project/bin", "tree/bin", "unread/bin", "bin"] {
                fs::create_dir_all(scratch.path(folder)).unwrap();
                let tool = scratch.path(folder).join("nix");
                fs::write(&tool, "").unwrap();
                fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
            }
            scratch
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().canonicalize().unwrap().join(name)
        }

        fn surroundings(&self, variables: &[(&str, &str)]) -> Surroundings {
            let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
            let tree = |name| Tree { path: self.path(name), jail: "jailed-x".into() };
            let unreadable = path_name(self.path("unread").as_os_str().as_bytes());
            let trees = Trees {
                known: vec![tree("tree")],
                unreadable: vec!["h-0".into(), unreadable.into()],
            };
            Surroundings::new(variables, Some(&self.path("project")), trees)
        }
    }

    #[test]
    fn a_program_is_found_where_no_jail_writes() {
        let scratch = Scratch::new();
        let genuine = scratch.path("bin/nix");
        symlink(scratch.path("project/bin"), scratch.path("link")).unwrap();
        symlink(scratch.path("bin"), scratch.path("project/out")).unwrap();
        fs::create_dir(scratch.path("links")).unwrap();
        symlink(scratch.path("tree/bin/nix"), scratch.path("links/nix")).unwrap();
        symlink(scratch.path("project/out"), scratch.path("chain")).unwrap();
        for first in [
            "project/bin",
            "tree/bin",
            "unread/bin",
            "link",
            "project/out",
            "chain",
            "project/bin/../../bin",
            "links",
            "gone",
        ] {
            let bin = scratch.path("bin").display().to_string();
            let path = format!("{}:{bin}", scratch.path(first).display());
            let surroundings = scratch.surroundings(&[("PATH", &path)]);
            assert_eq!(surroundings.program("nix"), Some(genuine.clone()), "{first}");
            let kept = surroundings.variables[OsStr::new("PATH")].to_str().unwrap();
            // Of `links`, only its own entries lead away.
            let all = if first == "links" { &path } else { &bin };
            assert_eq!(kept, all, "{first}");
        }
        let relative = scratch.surroundings(&[("PATH", "bin:.:")]);
        assert_eq!(relative.program("nix"), None);
        assert_eq!(scratch.surroundings(&[]).program("nix"), None);
    }

    #[test]
    fn the_settings_of_git_stand_behind_those_of_the_caller() {
        let scratch = Scratch::new();
        let own =
            [("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "a.b"), ("GIT_CONFIG_VALUE_0", "c")];
        let surroundings = scratch.surroundings(&own);
        let get =
            |name: &str| surroundings.variables[OsStr::new(name)].to_str().unwrap().to_owned();
        assert_eq!((get("GIT_CONFIG_COUNT"), get("GIT_CONFIG_KEY_0")), ("3".into(), "a.b".into()));
        assert_eq!(
            (get("GIT_CONFIG_KEY_1"), get("GIT_CONFIG_VALUE_1")),
            (GIT[0].0.into(), GIT[0].1.into())
        );
    }
}
