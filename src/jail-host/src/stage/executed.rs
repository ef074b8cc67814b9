//! Which paths a program of the host executes or believes, by the table of the hand-off ledger. They are asked about on their own.

use super::decide::Act;
use super::place::{Found, Kind};
use crate::handoff::names::{Names, Reach, fold};

/// Who executes it: the kind of the table, and the reason.
pub(super) type Reason = (&'static str, &'static str);

/// The table.
pub(super) struct Executed {
    names: Names,
}

impl Executed {
    pub(super) fn new() -> Self {
        Self { names: Names::new() }
    }

    /// The reason for a path that is to be made, changed or removed.
    pub(super) fn reason(
        &self,
        path: &[u8],
        ours: Option<&Found>,
        act: Act,
        leads_out: impl FnOnce() -> bool,
    ) -> Option<Reason> {
        let mut above: Vec<String> = path.split(|byte| *byte == b'/').map(fold).collect();
        let name = above.pop()?;
        if let Some(counted) = self.names.file(&above, &name).or_else(|| self.folder(&above)) {
            return Some((counted.kind, counted.reason));
        }
        let of_kind = |kind| {
            let counted = self.names.found(kind);
            Some((counted.kind, counted.reason))
        };
        match ours?.kind {
            // What is deleted executes nothing.
            _ if act == Act::Delete => None,
            Kind::Link if leads_out() => of_kind("link"),
            // A folder or a file that is looked for by its name can be reached by a link.
            Kind::Link | Kind::Folder => self
                .names
                .way(&name)
                .map(|row| (row.kind, row.reason))
                .filter(|_| ours.is_some_and(|ours| ours.kind == Kind::Link)),
            Kind::File if is_of_a_repository(&name) => of_kind("bare-repository"),
            Kind::File if ours.is_some_and(|ours| ours.mode & 0o111 != 0) => of_kind("executable"),
            Kind::File | Kind::Whiteout | Kind::Special(_) => None,
        }
    }

    /// The row of a folder in which everything counts.
    fn folder(&self, above: &[String]) -> Option<jail_plan::handoff::Counted> {
        let depth = above.len();
        (1..=depth).rev().find_map(|end| {
            let (last, before) = above.get(..end)?.split_last()?;
            let (counted, reach) = self.names.folder(before, last)?;
            let counts = reach == Reach::Below || end == depth;
            (counts && counted.kind != "build-output").then_some(counted)
        })
    }
}

/// Files by which git takes a folder for a repository, where it has others too.
fn is_of_a_repository(name: &str) -> bool {
    matches!(name, "head" | "commondir")
}

/// Whether a link at a path would lead out of the project.
pub(super) fn leads_out(path: &[u8], target: &[u8]) -> bool {
    if target.starts_with(b"/") {
        return true;
    }
    let mut depth = path.iter().filter(|byte| **byte == b'/').count();
    for name in target.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." if depth == 0 => return true,
            b".." => depth -= 1,
            _ => depth += 1,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(kind: Kind, mode: u32) -> Found {
        Found { kind, mode, inode: 1, size: 0, modified: (0, 0), changed: (0, 0), owner: (0, 0) }
    }

    #[test]
    fn what_host_programs_execute_is_found_by_name_by_bit_and_by_where_a_link_leads() {
        let executed = Executed::new();
        let kind = |path: &str, ours: Found, target: &str| {
            let out = || leads_out(path.as_bytes(), target.as_bytes());
            executed.reason(path.as_bytes(), Some(&ours), Act::New, out).map(|it| it.0)
        };
        let file = || found(Kind::File, 0o644);
        for (path, expected) in [
            (".envrc", Some("shell")),
            ("a/.vscode/tasks.json", Some("editor")),
            (".claude/hooks/deep/x.sh", Some("agent")),
            ("x/HEAD", Some("bare-repository")),
            ("src/main.rs", None),
        ] {
            assert_eq!(kind(path, file(), ""), expected, "{path}");
        }
        assert_eq!(kind("run", found(Kind::File, 0o755), ""), Some("executable"));
        let link = || found(Kind::Link, 0o777);
        for (path, target, expected) in [
            ("l", "a/b", None),
            ("l", "..", Some("link")),
            ("a/l", "../b", None),
            ("a/l", "../../b", Some("link")),
            ("l", "/etc/passwd", Some("link")),
            (".vscode", "elsewhere", Some("editor")),
        ] {
            assert_eq!(kind(path, link(), target), expected, "{path} {target}");
        }
    }
}
