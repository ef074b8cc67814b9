//! Arguments of builders that represent several permissions.

use jail_plan::mask::CREDENTIALS;

use super::expand::{Expansion, expandable};
use crate::table::names;
use crate::term::{Applied, Placed, Value};

/// `mask`: globs of files that the agent does not see. Without it, the preset globs apply.
pub(super) fn masked_files(expansion: &Expansion<'_>, permissions: &mut Vec<Applied>) {
    let globs = expansion.list(names::MASK).unwrap_or_else(|| {
        let known = Value::Text(jail_policy::Text::literal(CREDENTIALS));
        let known = expansion.of_builder(known);
        expansion.of_builder(Value::List(vec![known]))
    });
    if !matches!(&globs.value, Value::List(globs) if globs.is_empty()) {
        permissions.push(expansion.apply(names::MASK, [globs]));
    }
}

/// `enableGitWorktrees`: a boolean, or a set that says more.
pub(super) fn git_worktrees(expansion: &Expansion<'_>, permissions: &mut Vec<Applied>) {
    let Some(given) = expansion.list("enableGitWorktrees") else { return };
    let field = |name| field(&given, name);
    let enabled = match &given.value {
        Value::Bool(enabled) => *enabled,
        _ => is_true(field("enable").as_ref()),
    };
    if !enabled {
        return;
    }
    // It has no argument whose place it could use.
    permissions.push(Applied { place: given.place, ..expansion.apply(names::GIT_WORKTREE, []) });
    if let Some(folder) = field("dir") {
        permissions.push(expansion.apply(names::READWRITE, [expandable(folder)]));
    }
    if let Some(wanted) = field("mountGitConfig").filter(|it| is_true(Some(it))) {
        let path = Value::Text(jail_policy::Text::expanded("~/.gitconfig"));
        let path = Placed { value: path, place: wanted.place };
        permissions.push(expansion.apply(names::TRY_READONLY, [path]));
    }
}

/// The packages that `enableNix` puts on PATH.
pub(super) const NIX_PACKAGE: &str = "nix";

/// `enableNix`: the daemon, and the command that speaks to it.
pub(super) fn nix_daemon(expansion: &mut Expansion<'_>, permissions: &mut Vec<Applied>) {
    let Some(wanted) = expansion.list("enableNix").filter(|it| is_true(Some(it))) else { return };
    let place = wanted.place;
    permissions.push(Applied { place, ..expansion.apply(names::NIX_DAEMON, []) });
    let package = expansion.packages.nixpkgs(NIX_PACKAGE);
    let Some(package) = expansion.found(package, NIX_PACKAGE) else { return };
    let list = Value::List(vec![Placed { value: Value::Package(package), place }]);
    permissions.push(expansion.apply(names::ADD_PKG_DEPS, [Placed { value: list, place }]));
}

/// `enableOpenUrls`: addresses appear in the host's browser.
pub(super) fn open_urls(expansion: &Expansion<'_>, permissions: &mut Vec<Applied>) {
    if let Some(wanted) = expansion.list("enableOpenUrls").filter(|it| is_true(Some(it))) {
        let place = wanted.place;
        permissions.push(Applied { place, ..expansion.apply(names::OPEN_URLS_IN_BROWSER, []) });
    }
}

/// `nixConfigDir`: nothing, a path, or a set that says whether it can be written.
pub(super) fn nix_config(expansion: &Expansion<'_>, permissions: &mut Vec<Applied>) {
    let Some(given) = expansion.list("nixConfigDir") else { return };
    let (path, is_writable) = match &given.value {
        Value::Null => return,
        Value::Attributes(_) => {
            let Some(path) = field(&given, "path") else { return };
            (path, is_true(field(&given, "writable").as_ref()))
        }
        _ => (given, false),
    };
    let combinator = if is_writable { names::READWRITE } else { names::READONLY };
    permissions.push(expansion.apply(combinator, [expandable(path)]));
}

/// The combinators that `limits` applies, by the field with their amount.
const AMOUNTS: &[(&str, &str)] = &[
    ("cpu", names::LIMIT_CPU),
    ("fileSize", names::LIMIT_FILE_SIZE),
    ("files", names::LIMIT_FILES),
    ("memory", names::LIMIT_MEMORY),
    ("pids", names::LIMIT_PIDS),
    ("time", names::LIMIT_TIME),
];

/// All combinators that `limits` may apply.
pub(super) const LIMITS: &[&str] = &[
    names::BEST_EFFORT,
    names::LIMIT_CPU,
    names::LIMIT_FILE_SIZE,
    names::LIMIT_FILES,
    names::LIMIT_MEMORY,
    names::LIMIT_PIDS,
    names::LIMIT_TIME,
];

/// `limits`: a set of amounts.
pub(super) fn limits(expansion: &Expansion<'_>, permissions: &mut Vec<Applied>) {
    let Some(given) = expansion.list("limits") else { return };
    for (name, combinator) in AMOUNTS {
        let amount = field(&given, name).map(|amount| expansion.apply(combinator, [amount]));
        permissions.extend(amount);
    }
    if let Some(wanted) = field(&given, "bestEffort").filter(|it| is_true(Some(it))) {
        permissions
            .push(Applied { place: wanted.place, ..expansion.apply(names::BEST_EFFORT, []) });
    }
}

/// A field of a set. Its place is the set's, unless it has one of its own.
fn field(given: &Placed, name: &str) -> Option<Placed> {
    let Value::Attributes(fields) = &given.value else { return None };
    let field = fields.get(name)?;
    Some(Placed { value: field.value.clone(), place: field.place.or(given.place) })
}

fn is_true(given: Option<&Placed>) -> bool {
    matches!(given, Some(Placed { value: Value::Bool(true), .. }))
}
