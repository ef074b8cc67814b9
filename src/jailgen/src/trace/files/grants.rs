//! How a place is shown and granted: the folder that it is listed under, and what to write.

use std::path::{Path, PathBuf};

use super::mounts::Launcher;

/// Folders that hold those of many programs: what is in them is granted one by one.
const BROAD: &[&str] = &[
    "/",
    "/dev",
    "/etc",
    "/home",
    "/media",
    "/mnt",
    "/opt",
    "/run",
    "/srv",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/usr/local/lib",
    "/usr/local/share",
    "/usr/share",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/tmp",
    "~",
    "~/.cache",
    "~/.config",
    "~/.local",
    "~/.local/share",
    "~/.local/state",
    "$XDG_RUNTIME_DIR",
];

pub(super) fn is_broad(path: &Path, launcher: &Launcher) -> bool {
    BROAD.contains(&launcher.shown(path).as_str())
}

impl Launcher {
    /// A path as people write it.
    pub(super) fn shown(&self, path: &Path) -> String {
        let runtime = self.variables.get("XDG_RUNTIME_DIR").map(Path::new);
        for (folder, name) in [(runtime, "$XDG_RUNTIME_DIR"), (self.home(), "~")] {
            let below =
                folder.filter(|it| it.is_absolute()).and_then(|it| path.strip_prefix(it).ok());
            if let Some(below) = below {
                let below = below.to_string_lossy();
                return if below.is_empty() { name.into() } else { format!("{name}/{below}") };
            }
        }
        path.to_string_lossy().into_owned()
    }

    /// The folder that a path is listed under: that of one program, where there is such a one.
    pub(super) fn folder_of(&self, path: &Path, is_folder: bool) -> PathBuf {
        let own = |at: &&Path| {
            let is_dotted =
                at.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            let parent = at.parent();
            let of_home = parent.is_some() && parent == self.home();
            parent.is_some_and(|parent| parent != Path::new("/") && is_broad(parent, self))
                && !is_broad(at, self)
                && (!of_home || is_dotted)
        };
        let found = path.ancestors().find(own).map(Path::to_path_buf);
        let around = || if is_folder { Some(path) } else { path.parent() };
        found.or_else(|| around().map(Path::to_path_buf)).unwrap_or_else(|| path.to_path_buf())
    }
}

/// A grant of a path, if a spec can name it without quoting anything.
pub(super) fn path_grant(word: &str, path: &Path, launcher: &Launcher) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@:,=".contains(c);
    if !path.to_str()?.chars().all(is_plain) {
        return None;
    }
    let shown = launcher.shown(path);
    Some(match shown.starts_with(['~', '$']) {
        true => format!("({word} (noescape \"{shown}\"))"),
        false => format!("({word} \"{shown}\")"),
    })
}

/// What nixpkgs calls the package of a program, if its name can be one.
pub(super) fn package(program: &str) -> Option<&str> {
    const OTHERWISE: &[(&str, &str)] = &[
        ("awk", "gawk"),
        ("bc", "bc"),
        ("cc", "gcc"),
        ("find", "findutils"),
        ("g++", "gcc"),
        ("grep", "gnugrep"),
        ("make", "gnumake"),
        ("node", "nodejs"),
        ("npm", "nodejs"),
        ("npx", "nodejs"),
        ("patch", "gnupatch"),
        ("pip3", "python3Packages.pip"),
        ("ps", "procps"),
        ("python", "python3"),
        ("rg", "ripgrep"),
        ("sed", "gnused"),
        ("ssh", "openssh"),
        ("tar", "gnutar"),
        ("xargs", "findutils"),
        ("xz", "xz"),
    ];
    let known = OTHERWISE.iter().find(|(name, _)| *name == program).map(|(_, package)| *package);
    let is_name = program.starts_with(|c: char| c.is_ascii_alphabetic())
        && program.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    known.or_else(|| is_name.then_some(program))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::trace::files) fn launcher() -> Launcher {
        let variables = [("HOME", "/home/me"), ("XDG_RUNTIME_DIR", "/run/user/7")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Launcher { variables: variables.into(), folder: "/home/me/src/demo".into() }
    }

    #[test]
    fn a_path_is_listed_under_the_folder_of_one_program() {
        for (path, folder) in [
            ("/home/me/.config/demo/a/b.json", "/home/me/.config/demo"),
            ("/home/me/.config/demo.json", "/home/me/.config/demo.json"),
            ("/home/me/.demo/a", "/home/me/.demo"),
            ("/home/me/src/other/a/b", "/home/me/src/other/a"),
            ("/etc/demo/a.conf", "/etc/demo"),
            ("/usr/share/demo/x/y", "/usr/share/demo"),
            ("/data/demo/x/y", "/data/demo/x"),
        ] {
            assert_eq!(launcher().folder_of(Path::new(path), false), Path::new(folder), "{path}");
        }
    }

    #[test]
    fn a_grant_can_be_pasted_or_there_is_none() {
        let grant =
            |path: &str| path_grant(jail_registry::names::READONLY, Path::new(path), &launcher());
        assert_eq!(grant("/etc/x").as_deref(), Some("(readonly \"/etc/x\")"));
        assert_eq!(grant("/home/me/.x").as_deref(), Some("(readonly (noescape \"~/.x\"))"));
        for hostile in ["/a\"]; evil [\"", "/a${x}", "/a\n", "/a b", "/a\\b", "/\u{1b}[2J", "/~x"] {
            assert_eq!(grant(hostile), None, "{hostile}");
        }
        assert_eq!(package("g++"), Some("gcc"));
        assert_eq!(package("git"), Some("git"));
        assert_eq!(package("a]; evil"), None);
    }
}
