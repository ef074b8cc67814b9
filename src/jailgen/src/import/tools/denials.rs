//! What may not be read, or not be written: it is judged against all grants of the spec, wherever
//! they stand in the file.

use super::draft::{Draft, shown};
use super::node::TextRange;
use super::paths::{NamedPath, PathAccess, in_project, named, source};
use jail_registry::names;

/// A folder or a file that is granted.
pub(super) struct Mount {
    place: NamedPath,
    access: PathAccess,
    range: TextRange,
    /// As it is written in the spec.
    line: String,
}

/// A folder or a file that is denied.
pub(super) struct Denial {
    path: String,
    range: TextRange,
    access: PathAccess,
}

/// The relation of a denial to a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    /// It is this place, or it is around it.
    Covers,
    /// It lies in it.
    Within,
    /// It may be either.
    Perhaps,
    Elsewhere,
}

impl Draft {
    /// Grants a place.
    pub(super) fn mount(&mut self, place: NamedPath, range: &TextRange, access: PathAccess) {
        let Some(line) = mounted(&place, access) else { return };
        self.grant(line.clone());
        self.mounts.push(Mount { place, access, range: range.clone(), line });
    }

    /// A path that may not be read, or not be written.
    pub(super) fn denied(&mut self, path: &str, range: &TextRange, access: PathAccess) {
        self.denials.push(Denial { path: path.to_owned(), range: range.clone(), access });
    }

    /// Takes back, or makes smaller, what the denials of the file forbid.
    pub(super) fn judge(&mut self) {
        for denial in std::mem::take(&mut self.denials) {
            let place = match named(&denial.path) {
                NamedPath::Temporary => NamedPath::Host("/tmp".into()),
                NamedPath::Unclear => unclear(&denial.path),
                place => place,
            };
            let is_exact = !matches!(named(&denial.path), NamedPath::Unclear);
            let mut is_told = self.deny_project(&denial, &place, is_exact);
            let mut mounts = std::mem::take(&mut self.mounts);
            mounts.retain_mut(|mount| match position(&place, &mount.place) {
                Position::Elsewhere => true,
                position => {
                    let outcome = self.deny_mount(&denial, &place, is_exact, position, mount);
                    is_told |= outcome.is_told;
                    outcome.keeps
                }
            });
            self.mounts = mounts;
            if !is_told {
                let what = if denial.access == PathAccess::Read { "read" } else { "written" };
                self.holds(&format!("{} is not {what}", denial.path), "the spec grants it nowhere");
            }
        }
    }

    /// Judges the working folder. Whether that was said.
    fn deny_project(&mut self, denial: &Denial, place: &NamedPath, is_exact: bool) -> bool {
        let is_write = denial.access == PathAccess::Write;
        match place {
            NamedPath::Project if is_exact => {
                self.take_project(denial);
                true
            }
            NamedPath::InProject(place) if is_exact && is_write => {
                if self.writes_project {
                    self.grant(format!("(try-readonly {})", in_project(place)));
                }
                self.writes_project
            }
            NamedPath::Project | NamedPath::InProject(_) => {
                if is_write && !self.writes_project {
                    return false;
                }
                let message = format!("`{}` in the project stays open", shown(&denial.path));
                let help =
                    "keep it outside of the project, or cover what git does not track with `mask`";
                self.left_out(&denial.range, message, help);
                true
            }
            NamedPath::Host(host) if is_write && self.writes_project && may_hold_project(host) => {
                self.take_project(denial);
                true
            }
            NamedPath::Host(_) | NamedPath::Temporary | NamedPath::Unclear => false,
        }
    }

    /// The project may not be read, or not be written.
    fn take_project(&mut self, denial: &Denial) {
        let had = self.has(names::MOUNT_CWD);
        self.take_back(names::MOUNT_CWD);
        self.writes_project = false;
        let message = if denial.access == PathAccess::Write {
            if had {
                self.grant(names::MOUNT_CWD_READONLY);
            }
            "the project is mounted read-only: the file denies writing it or a folder around it"
        } else {
            self.take_back(names::MOUNT_CWD_READONLY);
            "the project is not mounted: the file denies reading it"
        };
        self.left_out(&denial.range, message.into(), "");
    }

    fn deny_mount(
        &mut self,
        denial: &Denial,
        place: &NamedPath,
        is_exact: bool,
        position: Position,
        mount: &mut Mount,
    ) -> Outcome {
        let is_write = denial.access == PathAccess::Write;
        if is_write && mount.access == PathAccess::Read {
            return Outcome { keeps: true, is_told: false };
        }
        let path = shown(&denial.path);
        if is_write
            && position == Position::Within
            && is_exact
            && let Some(line) = mounted(place, PathAccess::Read)
        {
            self.grant(line);
            return Outcome { keeps: true, is_told: true };
        }
        self.take_back(&mount.line);
        let readable = mounted(&mount.place, PathAccess::Read);
        if is_write
            && matches!(mount.place, NamedPath::Host(_))
            && let Some(line) = readable
        {
            let message = format!("this is granted read-only: the file denies writing `{path}`");
            self.left_out(&mount.range, message, "grant the folders that are written one by one");
            self.grant(line.clone());
            mount.line = line;
            mount.access = PathAccess::Read;
            return Outcome { keeps: true, is_told: true };
        }
        let message = format!("this is not granted: the file denies `{path}`");
        self.left_out(&mount.range, message, "grant what lies next to it, and not the folder");
        Outcome { keeps: false, is_told: true }
    }
}

struct Outcome {
    keeps: bool,
    is_told: bool,
}

/// How a place is written in the spec.
fn mounted(place: &NamedPath, access: PathAccess) -> Option<String> {
    let combinator = match access {
        PathAccess::Read => names::TRY_READONLY,
        PathAccess::Write => names::TRY_READWRITE,
    };
    let place = match place {
        NamedPath::Host(place) => source(place),
        NamedPath::InProject(place) => in_project(place),
        NamedPath::Project | NamedPath::Temporary | NamedPath::Unclear => return None,
    };
    Some(format!("({combinator} {place})"))
}

/// The folder that contains everything that a pattern matches.
fn unclear(path: &str) -> NamedPath {
    let is_pattern = |it: char| matches!(it, '*' | '?' | '[' | '{');
    let before = path.split(is_pattern).next().unwrap_or_default();
    if before.len() == path.len() {
        return NamedPath::Unclear;
    }
    named(
        before
            .rsplit_once('/')
            .map_or(".", |(folder, _)| if folder.is_empty() { "/" } else { folder }),
    )
}

fn position(denial: &NamedPath, mount: &NamedPath) -> Position {
    match (denial, mount) {
        (NamedPath::Host(denial), NamedPath::Host(mount)) => hosts(denial, mount),
        (NamedPath::InProject(denial), NamedPath::InProject(mount)) => within(denial, mount),
        (NamedPath::Project, NamedPath::InProject(_)) => Position::Covers,
        (NamedPath::Host(denial), NamedPath::InProject(_)) if may_hold_project(denial) => {
            Position::Covers
        }
        // The project may lie in any folder.
        (NamedPath::Project | NamedPath::InProject(_), NamedPath::Host(mount))
            if may_hold_project(mount) =>
        {
            Position::Within
        }
        (NamedPath::Unclear, _) => Position::Perhaps,
        _ => Position::Elsewhere,
    }
}

fn hosts(denial: &str, mount: &str) -> Position {
    match (denial.starts_with('~'), mount.starts_with('~')) {
        (true, true) | (false, false) => within(denial, mount),
        (true, false) if may_hold_home(mount) => Position::Perhaps,
        (false, true) if may_hold_home(denial) => Position::Perhaps,
        _ => Position::Elsewhere,
    }
}

fn within(denial: &str, mount: &str) -> Position {
    let lies_in = |inner: &str, outer: &str| {
        outer == "/"
            || inner.strip_prefix(outer).is_some_and(|it| it.is_empty() || it.starts_with('/'))
    };
    if lies_in(mount, denial) {
        Position::Covers
    } else if lies_in(denial, mount) {
        Position::Within
    } else {
        Position::Elsewhere
    }
}

/// Whether a home folder may be this, lie in it or be around it.
fn may_hold_home(path: &str) -> bool {
    path == "/"
        || ["/home", "/root", "/Users", "/var", "/mnt", "/data"].iter().any(|it| {
            path.strip_prefix(it).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
}

/// Whether the project is likely in this folder.
fn may_hold_project(path: &str) -> bool {
    let names = path.split('/').filter(|it| !it.is_empty()).count();
    path == "~" || may_hold_home(path) && names <= 2
}
