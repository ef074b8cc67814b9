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
    let path = path.strip_suffix("/**").or_else(|| path.strip_suffix("/*")).unwrap_or(path);
    let path = if path.len() > 1 { path.trim_end_matches('/') } else { path };
    if path.contains(['*', '?', '[', '{', '`']) || path.contains(char::is_control) {
        return NamedPath::Unclear;
    }
    for project in PROJECT {
        match path.strip_prefix(project) {
            Some("") => return NamedPath::Project,
            Some(rest) if rest.starts_with('/') => {
                return NamedPath::InProject(rest.trim_start_matches('/').into());
            }
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
        path if path.split('/').any(|name| name == "..") => NamedPath::Unclear,
        path => NamedPath::InProject(path.trim_start_matches("./").into()),
    }
}

fn host(path: &str) -> NamedPath {
    if path.split('/').any(|name| name == "..") {
        return NamedPath::Unclear;
    }
    NamedPath::Host(path.to_owned())
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
fn in_project(path: &str) -> String {
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
            (NamedPath::Host(place), PathAccess::Read) => {
                self.grant(format!("(try-readonly {})", source(&place)));
            }
            (NamedPath::Host(place), PathAccess::Write) => {
                self.grant(format!("(try-readwrite {})", source(&place)));
                self.written.push(place);
            }
            (NamedPath::InProject(_), PathAccess::Read) => {
                self.holds(path, "the project can be read");
            }
            (NamedPath::InProject(_), PathAccess::Write) if self.writes_project => {
                self.holds(path, "the project can be written");
            }
            (NamedPath::InProject(place), PathAccess::Write) => {
                self.grant(format!("(try-readwrite {})", in_project(&place)));
            }
            (NamedPath::Unclear, _) => {
                let message = format!("`{}` is not one place", shown(path));
                self.left_out(range, message, "name each folder: a mount has no patterns");
            }
        }
        false
    }

    /// A path that may not be read, or not be written.
    pub(super) fn denied(&mut self, path: &str, range: &TextRange, access: PathAccess) {
        let what = if access == PathAccess::Read { "not read" } else { "not written" };
        match named(path) {
            NamedPath::Host(place) if self.is_below_written(&place) => match access {
                PathAccess::Write => self.grant(format!("(try-readonly {})", source(&place))),
                PathAccess::Read => {
                    let message = format!("`{}` lies in a folder that is granted", shown(path));
                    self.left_out(
                        range,
                        message,
                        "cover it with `(tmpfs …)`, or grant less than the folder",
                    );
                }
            },
            NamedPath::Host(_) | NamedPath::Temporary => {
                self.holds(&format!("{path} is {what}"), "the jail does not have it");
            }
            NamedPath::InProject(place) if access == PathAccess::Write => {
                if self.writes_project {
                    self.grant(format!("(try-readonly {})", in_project(&place)));
                } else {
                    self.holds(&format!("{path} is {what}"), "the project cannot be written");
                }
            }
            NamedPath::Project | NamedPath::InProject(_) | NamedPath::Unclear => {
                let message = format!("`{}` in the project stays open", shown(path));
                self.left_out(
                    range,
                    message,
                    "keep it outside of the project: a jail has the project as a whole",
                );
            }
        }
    }

    fn is_below_written(&self, place: &str) -> bool {
        self.written.iter().any(|folder| {
            place == folder
                || place.strip_prefix(folder.as_str()).is_some_and(|it| it.starts_with('/'))
        })
    }
}
