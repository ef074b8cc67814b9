//! Checks of paths: on the host, in the jail, of programs.

use jail_plan::{JailPath, PathError};
use jail_policy::{Piece, Text};

use super::text;
use crate::check;
use crate::diagnostic::{Code, Diagnostic};
use crate::nix_text::quoted;
use crate::term::Place;

/// What a path is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Something of the host.
    Source,
    /// A place in the jail.
    Target,
    /// A folder of PATH.
    Folder,
    /// The program of the jail.
    Program,
}

impl Role {
    fn noun(self) -> &'static str {
        match self {
            Self::Source => "path on the host",
            Self::Target => "mount target",
            Self::Folder => "folder",
            Self::Program => "program",
        }
    }

    fn relative(self) -> Code {
        match self {
            Self::Target => Code::RelativeTarget,
            Self::Source | Self::Folder | Self::Program => Code::RelativePath,
        }
    }
}

/// The path, normalised if it is known, or `None` after a diagnostic.
pub(super) fn check(
    combinator: &str,
    path: &Text,
    role: Role,
    place: Option<Place>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Text> {
    let path = text::contents(path, place, diagnostics)?;
    if path.expand && !text::expansion(&path, place, diagnostics) {
        return None;
    }
    if let Some(fault) = fault(&path) {
        diagnostics.push(explain(combinator, &path, role, fault, place));
        return None;
    }
    if !path.expand && text::looks_expanded(&path) {
        text::value(&path, place, diagnostics);
    }
    Some(normal(path))
}

/// The program of a jail that is given by its path.
pub(super) fn program(
    path: &Text,
    place: Option<Place>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Text> {
    check("jail", path, Role::Program, place, diagnostics)
}

/// What is wrong with a path, if that is known before the launch.
fn fault(path: &Text) -> Option<PathError> {
    if let (Some(literal), false) = (path.as_str(), path.expand) {
        return JailPath::parse(literal).err();
    }
    if let Some(Piece::Literal(first)) = path.pieces().first() {
        let first = first.trim_start_matches('"');
        let known = !(path.expand && first.starts_with(['~', '$']));
        if known && !first.starts_with('/') {
            return Some(PathError::Relative);
        }
    }
    has_parent(path).then_some(PathError::Parent)
}

/// Whether a component is `..`, also in a default (`${A:-..}`). Package parts never contain that.
fn has_parent(path: &Text) -> bool {
    let pieces = path.pieces().iter().map(|piece| match piece {
        Piece::Literal(literal) => literal.as_str(),
        Piece::Package { .. } | Piece::Entry { .. } => "p",
    });
    let joined: String = pieces.collect();
    let joined = joined.replace(":-", "/").replace(['}', '"'], "");
    joined.split('/').any(|component| component == "..")
}

fn explain(
    combinator: &str,
    path: &Text,
    role: Role,
    fault: PathError,
    place: Option<Place>,
) -> Diagnostic {
    let (noun, why) = (role.noun(), fault.to_string());
    let message = match fault {
        PathError::Relative => format!("{noun} `{path}` of `{combinator}` is not absolute"),
        PathError::Parent | PathError::Nul => {
            format!("{noun} `{path}` of `{combinator}` cannot be used: {why}")
        }
    };
    match fault {
        PathError::Relative => {
            let help = relative_help(role, &path.to_string());
            Diagnostic::error(role.relative(), place, message).label("not absolute").help(help)
        }
        PathError::Parent => Diagnostic::error(Code::ParentComponent, place, message)
            .label("`..` depends on what is mounted where")
            .help("write the resulting path"),
        PathError::Nul => Diagnostic::error(Code::NulByte, place, message),
    }
}

fn relative_help(role: Role, path: &str) -> String {
    if path == "~" || path.starts_with("~/") {
        return format!("write `(noescape {})`: then `~` is your home folder", quoted(path));
    }
    if path.starts_with('$') {
        let path = quoted(path);
        return format!("write `(noescape {path})`: then the variable is read at launch");
    }
    if path.is_empty() {
        return "write an absolute path, such as `/srv/data`".into();
    }
    let below = path.trim_start_matches("./");
    match role {
        Role::Program if check::is_attribute(path) => {
            format!("write `pkgs.{path}` for the package, or the whole path of the program")
        }
        Role::Source if !begins_at_root(below) => relative_source(below),
        Role::Source | Role::Target | Role::Folder | Role::Program => {
            format!("write `\"/{below}\"`")
        }
    }
}

/// Whether it looks like an absolute path that lost its first character.
fn begins_at_root(path: &str) -> bool {
    const FOLDERS: &[&str] = &[
        "dev", "etc", "home", "mnt", "nix", "opt", "proc", "root", "run", "srv", "sys", "tmp",
        "usr", "var",
    ];
    path.split_once('/').is_some_and(|(first, _)| FOLDERS.contains(&first))
}

/// A jail starts in a folder of the host, which its author may mean.
fn relative_source(below: &str) -> String {
    if matches!(below, "." | "") {
        return "write `(noescape \"$PWD\")` for the folder that the jail is started in, or put `mount-cwd` in place of the whole combinator".into();
    }
    let from = |start: &str| quoted(&format!("{start}/{below}"));
    format!(
        "write `(noescape {})` for what is in the folder that the jail is started in, `(noescape {})` for your home folder, or the whole path",
        from("$PWD"),
        from("~"),
    )
}

/// The same path without repeated slashes and the like, if all of it is known.
fn normal(path: Text) -> Text {
    let known = if path.expand { None } else { path.as_str() };
    match known.and_then(|literal| JailPath::parse(literal).ok()) {
        Some(parsed) => Text::literal(parsed.as_str()),
        None => path,
    }
}
