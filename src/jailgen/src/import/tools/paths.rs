//! Paths of other tools, as a spec says them.

use jail_registry::nix_text::quoted;

use super::draft::Draft;
use super::draft::shown;
use super::node::TextRange;

/// What a path of a settings file is to a jail.
#[derive(Debug, PartialEq)]
pub(super) enum NamedPath {
    /// The folder that the jail is started in.
    Project,
    /// Something in it, by its path there.
    InProject(String),
    /// A folder that every jail has of its own.
    Temporary,
    /// A place of the machine, as the source of a text.
    Host(String),
    /// A pattern, or a path that is not known here.
    Unclear,
}

/// What may be done with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PathAccess {
    Read,
    Write,
}

/// The variables that a launch expands to something that is known in a spec.
const FOLDERS: [(&str, &str); 5] = [
    ("$HOME", "~"),
    ("$XDG_CONFIG_HOME", "~/.config"),
    ("$XDG_DATA_HOME", "~/.local/share"),
    ("$XDG_STATE_HOME", "~/.local/state"),
    ("$XDG_CACHE_HOME", "~/.cache"),
];

const PROJECT: [&str; 4] = ["$WORKDIR", "$PWD", "$(pwd)", "$CLAUDE_PROJECT_DIR"];

/// What a path is.
pub(super) fn named(path: &str) -> NamedPath {
    let path = path.trim();
    let path = path.strip_suffix("/**").unwrap_or(path);
    let path = if path.len() > 1 { path.trim_end_matches('/') } else { path };
    if path.contains(['*', '?', '[', '{', '`']) || path.contains(char::is_control) {
        return NamedPath::Unclear;
    }
    for project in PROJECT {
        match path.strip_prefix(project) {
            Some("") => return NamedPath::Project,
            Some(rest) if rest.starts_with('/') => return in_folder(rest),
            _ => {}
        }
    }
    for (variable, folder) in FOLDERS {
        match path.strip_prefix(variable) {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                return host(&format!("{folder}{rest}"));
            }
            _ => {}
        }
    }
    match path {
        "." | "./" | "" => NamedPath::Project,
        "/tmp" | "/var/tmp" | "$TMPDIR" | "/private/tmp" => NamedPath::Temporary,
        path if path.contains('$') => NamedPath::Unclear,
        path if path.starts_with("~/") || path == "~" || path.starts_with('/') => host(path),
        path => in_folder(path),
    }
}

/// A path below the project.
fn in_folder(path: &str) -> NamedPath {
    if path.contains('$') {
        return NamedPath::Unclear;
    }
    match steps(path) {
        None => NamedPath::Unclear,
        Some(steps) if steps.is_empty() => NamedPath::Project,
        Some(steps) => NamedPath::InProject(steps.join("/")),
    }
}

fn host(path: &str) -> NamedPath {
    if path.contains('$') {
        return NamedPath::Unclear;
    }
    match steps(path) {
        None => NamedPath::Unclear,
        Some(steps) if path.starts_with('/') => NamedPath::Host(format!("/{}", steps.join("/"))),
        Some(steps) => NamedPath::Host(steps.join("/")),
    }
}

/// The names of a path; `None` where it goes up.
fn steps(path: &str) -> Option<Vec<&str>> {
    let steps: Vec<&str> =
        path.split('/').filter(|name| !name.is_empty() && *name != ".").collect();
    (!steps.contains(&"..")).then_some(steps)
}

/// The source of a path of the machine.
pub(super) fn source(path: &str) -> String {
    if path.starts_with('~') {
        format!("(noescape {})", quoted(&path.replace('\\', "\\\\")))
    } else {
        quoted(path)
    }
}

/// The source of a path in the project.
pub(super) fn in_project(path: &str) -> String {
    format!("(noescape {})", quoted(&format!("$PWD/{}", path.replace('\\', "\\\\"))))
}

impl Draft {
    /// Grants a path, or says why not. Whether it was the project as a whole.
    pub(super) fn path(&mut self, path: &str, range: &TextRange, access: PathAccess) -> bool {
        match (named(path), access) {
            (NamedPath::Project, _) => return true,
            (NamedPath::Temporary, _) => {
                self.holds(path, "the jail has a folder of its own there");
            }
            (NamedPath::Host(place), _) => self.mount(NamedPath::Host(place), range, access),
            (NamedPath::InProject(_), PathAccess::Read) => {
                self.holds(path, "the project can be read");
            }
            (NamedPath::InProject(_), PathAccess::Write) if self.writes_project => {
                self.holds(path, "the project can be written");
            }
            (NamedPath::InProject(place), PathAccess::Write) => {
                self.mount(NamedPath::InProject(place), range, access);
            }
            (NamedPath::Unclear, _) => {
                let message = format!("`{}` is not one place", shown(path));
                self.left_out(range, message, "name each folder: a mount has no patterns");
            }
        }
        false
    }
}
