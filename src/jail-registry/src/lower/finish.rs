//! The end of the fold: what depends on the whole spec, and two places of a spec that conflict.

use std::collections::BTreeMap;

use jail_policy::{Access, Entry, Grant, Namespace, Terminal, Text};

use super::{Granted, Lowering, name};
use crate::diagnostic::{Code, Diagnostic};
use crate::table::names;
use crate::term::Place;

pub(super) fn finish(state: &mut Lowering<'_>) {
    settle_hostname(state);
    super::folder::settle(state);
    settle_entries(state);
    contradict_each_other(state);
    super::by_name::settle(state);
    compare_targets(state);
    super::danger::warn(state);
}

/// The place of the first grant whose target the author wrote, or that only the launch knows.
pub(super) fn first_of_the_authors(grants: &[Granted]) -> usize {
    let is_authors = |granted: &Granted| {
        let unknown_place = matches!(
            granted.entry.grant,
            Grant::Folder { .. }
                | Grant::BindArguments { .. }
                | Grant::BindVariable { .. }
                | Grant::Session { .. }
                | Grant::Bus { .. }
        );
        unknown_place || granted.named.is_some()
    };
    grants.iter().position(is_authors).unwrap_or(grants.len())
}

/// The scripts around the program come last, so no mount of the spec hides them.
fn settle_entries(state: &mut Lowering<'_>) {
    let (scripts, mut grants): (Vec<_>, Vec<_>) =
        std::mem::take(&mut state.grants).into_iter().partition(is_script);
    grants.extend(scripts);
    state.grants = grants;
}

fn is_script(granted: &Granted) -> bool {
    match &granted.entry.grant {
        Grant::File { to, .. } => granted.named.is_none() && super::entry::is_place_of_script(to),
        _ => false,
    }
}

/// The files with the host name come where the name was first set, so what the spec
/// itself puts there covers them.
fn settle_hostname(state: &mut Lowering<'_>) {
    let mut name = None;
    for granted in &state.grants {
        if let Grant::Hostname { name: last } = &granted.entry.grant {
            name = Some((last.clone(), granted.entry.by.clone()));
        }
    }
    let Some((name, by)) = name else { return };
    if let Some(shared) = shares_uts(state) {
        return contradict_hostname(state, by.combinator == names::SET_HOSTNAME, shared);
    }
    let Some(first) = state.grants.iter().position(is_hostname) else { return };
    let first = first.min(first_of_the_authors(&state.grants));
    let file = |to: &str, content: String| Granted {
        entry: Entry {
            by: by.clone(),
            grant: Grant::File {
                to: Text::literal(to),
                content: Text::literal(content),
                mode: 0o444,
            },
        },
        named: None,
    };
    let hosts = format!("127.0.0.1 localhost {name}\n::1 localhost {name}\n");
    let own = format!("127.0.0.1 {name}\n::1 {name}\n");
    for granted in &mut state.grants {
        // A copy of the host's file would cover the jail's own and hide its name.
        if let Grant::Copy { to, append, .. } = &mut granted.entry.grant
            && *to == Text::literal("/etc/hosts")
        {
            *append = Some(own.clone());
        }
    }
    let files = [file("/etc/hostname", format!("{name}\n")), file("/etc/hosts", hosts)];
    state.grants.splice(first..first, files);
}

fn is_hostname(granted: &Granted) -> bool {
    matches!(granted.entry.grant, Grant::Hostname { .. })
}

fn shares_uts(state: &Lowering<'_>) -> Option<Option<Place>> {
    let uts = Grant::ShareNamespace { namespace: Namespace::Uts };
    let shared = state.grants.iter().find(|granted| granted.entry.grant == uts)?;
    Some(state.places.get(&shared.entry.by).copied())
}

/// Grants that contradict each other, wherever they come from.
fn contradict_each_other(state: &mut Lowering<'_>) {
    let wall = |grant: &Grant| matches!(grant, Grant::Wall { .. });
    let nested = |grant: &Grant| matches!(grant, Grant::NestedSandbox);
    // A nested sandbox is made of mounts.
    contradict(
        state,
        wall,
        nested,
        "`landlock` and `allow-nested-sandbox` contradict each other: under Landlock rules about files, nothing can be mounted",
    );
    let number = |grant: &Grant| matches!(grant, Grant::ShownId { .. });
    let dedicated = |grant: &Grant| matches!(grant, Grant::DedicatedUser { .. });
    contradict(
        state,
        number,
        dedicated,
        "`--uid` and `--gid` contradict `dedicated-user`: its ids are the same as on the host",
    );
    let shared = |grant: &Grant| *grant == Grant::ShareNamespace { namespace: Namespace::User };
    contradict(
        state,
        number,
        shared,
        "`--uid` and `--gid` contradict `share-ns \"user\"`: ids are then the same as on the host",
    );
    let terminal = |grant: &Grant| *grant == Grant::Terminal { terminal: Terminal::Shared };
    let filtered = |grant: &Grant| matches!(grant, Grant::TerminalFilter);
    contradict(
        state,
        terminal,
        filtered,
        "`share-terminal` contradicts `terminal-filter`: nothing can filter a terminal that the program has itself",
    );
}

fn contradict(
    state: &mut Lowering<'_>,
    one: fn(&Grant) -> bool,
    other: fn(&Grant) -> bool,
    message: &str,
) {
    let find = |wanted: fn(&Grant) -> bool| {
        let granted = state.grants.iter().rfind(|granted| wanted(&granted.entry.grant))?;
        Some(state.places.get(&granted.entry.by).copied())
    };
    let (Some(one), Some(other)) = (find(one), find(other)) else { return };
    let fault = Diagnostic::error(Code::Contradiction, one, message).help("remove one of them");
    state.diagnostics.push(with_first(fault, other));
}

/// With the host's UTS namespace a new name would be the host's.
fn contradict_hostname(state: &mut Lowering<'_>, explicit: bool, shared: Option<Place>) {
    if explicit {
        let named = state.grants.iter().rfind(|granted| is_hostname(granted));
        let place = named.and_then(|named| state.places.get(&named.entry.by).copied());
        let message = "`set-hostname` and `share-ns \"uts\"` contradict each other: the name would change on the host";
        let fault =
            Diagnostic::error(Code::Contradiction, place, message).help("remove one of them");
        state.diagnostics.push(match shared {
            Some(place) => fault.secondary(place, "shared here"),
            None => fault,
        });
    }
    state.grants.retain(|granted| !is_hostname(granted));
}

/// A target in a form that can be compared.
type Key = (bool, String);

/// Reports two grants at one place, and grants that a later one covers.
fn compare_targets(state: &mut Lowering<'_>) {
    let mut seen: BTreeMap<Key, usize> = BTreeMap::new();
    let mut warnings = Vec::new();
    for (index, granted) in state.grants.iter().enumerate() {
        let Some((target, key)) = named_target(granted) else { continue };
        let covered = seen.iter().filter(|(earlier, _)| lies_below(earlier, &key));
        let covered = covered.filter_map(|(_, index)| state.grants.get(*index));
        warnings.extend(covered.filter_map(|earlier| hidden(earlier, granted, &target)));
        if let Some(earlier) = seen.get(&key).and_then(|index| state.grants.get(*index)) {
            warnings.extend(conflict(earlier, granted, &target));
        }
        seen.insert(key, index);
    }
    state.diagnostics.extend(warnings);
}

fn named_target(granted: &Granted) -> Option<(String, Key)> {
    granted.named.as_ref()?;
    let target = granted.entry.grant.target()?;
    let text = target.to_string();
    let mut plain = text.trim_matches('"').trim_end_matches('/').to_owned();
    for home in ["$HOME", "${HOME}"] {
        if let (true, Some(rest)) = (target.expand, plain.strip_prefix(home)) {
            plain = format!("~{rest}");
        }
    }
    Some((text, (target.expand, plain)))
}

fn lies_below(inner: &Key, outer: &Key) -> bool {
    inner.0 == outer.0 && inner.1.strip_prefix(&outer.1).is_some_and(|rest| rest.starts_with('/'))
}

pub(super) fn conflict(earlier: &Granted, later: &Granted, target: &str) -> Option<Diagnostic> {
    let same = match (gives(&earlier.entry.grant), gives(&later.entry.grant)) {
        (Some(first), Some(now)) => first == now,
        (Some(_), None) | (None, Some(_) | None) => earlier.entry.grant == later.entry.grant,
    };
    if same {
        return None;
    }
    let (first, now) = (&earlier.named.as_ref()?.combinator, later.named.as_ref()?);
    let message =
        format!("`{target}` is granted twice, first by `{first}`, now by `{}`", now.combinator);
    let warning = Diagnostic::warning(Code::ConflictingGrants, now.place, message)
        .label("this one counts")
        .help("remove one of them");
    Some(with_first(warning, earlier.named.as_ref()?.place))
}

/// What of the host a grant gives, and how: the same folder may be granted
/// as state and as a folder.
fn gives(grant: &Grant) -> Option<(&Text, Access)> {
    match grant {
        Grant::Bind { from, access, .. } => Some((from, *access)),
        Grant::StateDirectory { path, .. } | Grant::StateFile { path, .. } => {
            Some((path, Access::ReadWrite))
        }
        _ => None,
    }
}

fn hidden(earlier: &Granted, later: &Granted, target: &str) -> Option<Diagnostic> {
    let (first, now) = (earlier.named.as_ref()?, later.named.as_ref()?);
    let below = earlier.entry.grant.target()?;
    let message =
        format!("`{}` at `{target}` covers `{below}`, which was granted before", now.combinator);
    let warning = Diagnostic::warning(Code::HiddenGrant, now.place, message)
        .label("later grants cover earlier ones")
        .help(format!("put `{}` after it", first.combinator));
    Some(with_first(warning, first.place))
}

pub(super) fn with_first(warning: Diagnostic, place: Option<Place>) -> Diagnostic {
    match place {
        Some(place) => warning.secondary(place, "first granted here"),
        None => warning,
    }
}

/// The default host name of a jail.
pub(crate) fn default_hostname(jail: &str) -> String {
    name::hostname(jail)
}
