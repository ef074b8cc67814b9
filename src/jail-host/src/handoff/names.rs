//! Which names of a project count, by the table ([`jail_plan::handoff::counted`]).

use std::collections::BTreeMap;

use jail_plan::handoff::{Counted, counted};
use jail_plan::star::is_like;

/// The table, so that most names are looked up once and match nothing.
pub(crate) struct Names {
    /// By the last name, where that is written out.
    plain: BTreeMap<String, Vec<Named>>,
    /// The others, whose last name has a star.
    starred: Vec<Named>,
    /// Folders whose content counts, by their last name.
    folders: BTreeMap<String, Vec<Named>>,
    starred_folders: Vec<Named>,
    /// Names of folders that what counts is looked for in.
    ways: BTreeMap<String, Counted>,
    found: BTreeMap<&'static str, Counted>,
}

/// A line of the table, its names in order.
struct Named {
    names: Vec<String>,
    counted: Counted,
    reach: Reach,
}

/// How far a folder's content counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Its files.
    Files,
    /// Everything below it.
    Below,
}

impl Names {
    pub(crate) fn new() -> Self {
        let mut names = Self {
            plain: BTreeMap::new(),
            starred: Vec::new(),
            folders: BTreeMap::new(),
            starred_folders: Vec::new(),
            ways: BTreeMap::new(),
            found: BTreeMap::new(),
        };
        counted().for_each(|line| names.add(line));
        names
    }

    fn add(&mut self, counted: Counted) {
        if !counted.is_named() {
            self.found.insert(counted.kind, counted);
            return;
        }
        let (pattern, reach) = match counted.pattern {
            pattern if pattern.ends_with("/**") => (pattern.trim_end_matches("/**"), Reach::Below),
            pattern if pattern.ends_with("/*") => (pattern.trim_end_matches("/*"), Reach::Files),
            pattern => (pattern, Reach::Files),
        };
        let is_folder = pattern.len() != counted.pattern.len();
        let names: Vec<String> = pattern.split('/').map(|name| fold(name.as_bytes())).collect();
        let Some((last, before)) = names.split_last() else { return };
        let last = last.clone();
        for name in before {
            self.ways.entry(name.clone()).or_insert(counted);
        }
        let named = Named { names, counted, reach };
        let (plain, starred) = match is_folder {
            true => (&mut self.folders, &mut self.starred_folders),
            false => (&mut self.plain, &mut self.starred),
        };
        match last.contains('*') {
            true => starred.push(named),
            false => plain.entry(last).or_default().push(named),
        }
    }

    /// So many names at the end of a path decide whether a line fits.
    pub(crate) fn longest(&self) -> usize {
        let files = self.plain.values().flatten().chain(&self.starred);
        let folders = self.folders.values().flatten().chain(&self.starred_folders);
        files.chain(folders).map(|named| named.names.len()).max().unwrap_or(1)
    }

    /// The line for what is found by what it is.
    pub(crate) fn found(&self, kind: &'static str) -> Counted {
        let unknown = Counted { kind, pattern: "()", reason: "" };
        self.found.get(kind).copied().unwrap_or(unknown)
    }

    /// A line for what is looked for in a folder of this name.
    pub(crate) fn way(&self, name: &str) -> Option<Counted> {
        self.ways.get(name).copied()
    }

    /// The line that a file's name falls under. `above` are the names of the folders that it is in,
    /// folded.
    pub(crate) fn file(&self, above: &[String], name: &str) -> Option<Counted> {
        find(&self.plain, &self.starred, above, name).map(|named| named.counted)
    }

    /// The line that everything in this folder falls under.
    pub(crate) fn folder(&self, above: &[String], name: &str) -> Option<(Counted, Reach)> {
        find(&self.folders, &self.starred_folders, above, name)
            .map(|named| (named.counted, named.reach))
    }

    /// The line that everything in one of these folders falls under, the innermost that `counts`.
    pub(crate) fn around(
        &self,
        above: &[String],
        counts: impl Fn(&Counted) -> bool,
    ) -> Option<Counted> {
        let depth = above.len();
        (1..=depth).rev().find_map(|end| {
            let (last, before) = above.get(..end)?.split_last()?;
            let (counted, reach) = self.folder(before, last)?;
            let is_reached = reach == Reach::Below || end == depth;
            (is_reached && counts(&counted)).then_some(counted)
        })
    }

    /// The line that a path falls under, as the walk finds it.
    pub(crate) fn path(&self, path: &[u8]) -> Option<Counted> {
        let names: Vec<String> = path.split(|byte| *byte == b'/').map(fold).collect();
        let (name, above) = names.split_last()?;
        self.file(above, name).or_else(|| self.around(above, |_| true))
    }
}

fn find<'a>(
    plain: &'a BTreeMap<String, Vec<Named>>,
    starred: &'a [Named],
    above: &[String],
    name: &str,
) -> Option<&'a Named> {
    let plain = plain.get(name).into_iter().flatten();
    plain.chain(starred).find(|named| {
        let Some((last, before)) = named.names.split_last() else { return false };
        above.ends_with(before) && is_like(last.as_bytes(), name.as_bytes())
    })
}

/// A name as file systems compare it that know no case: ext4 passes over characters that nothing is
/// seen of, too.
pub(crate) fn fold(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    let seen = name.chars().filter(|character| !is_unseen(*character));
    seen.flat_map(char::to_lowercase)
        .map(|character| if character == 'ſ' { 's' } else { character })
        .collect()
}

/// Unicode's default ignorable code points.
fn is_unseen(character: char) -> bool {
    matches!(
        u32::from(character),
        0xad | 0x34f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f
            | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f
            | 0xfeff | 0xffa0 | 0xfff0..=0xfff8 | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a
            | 0xe0000..=0xe0fff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(path: &str) -> Option<&'static str> {
        Names::new().path(path.as_bytes()).map(|counted| counted.kind)
    }

    #[test]
    fn names_count_anywhere_and_whatever_their_case() {
        for (path, expected) in [
            (".envrc", Some("shell")),
            ("a/b/.ENVRC", Some("shell")),
            (".vscode/tasks.json", Some("editor")),
            ("sub/.VSCode/Tasks.json", Some("editor")),
            (".vs\u{200d}code/tasks.json", Some("editor")),
            ("tasks.json", None),
            (".vscode/other.json", None),
            (".github/workflows/x.yml", Some("ci")),
            (".github/workflows/deep/x.yml", None),
            (".claude/hooks/deep/x.sh", Some("agent")),
            (".idea/runConfigurations/a.xml", Some("editor")),
            ("Dockerfile", Some("container")),
            ("Dockerfile.dev", Some("container")),
            ("compose.yaml", Some("container")),
            ("my.jail", Some("nix")),
            ("src/main.rs", None),
            ("Makefile", None),
            ("x/target/debug/y", Some("build-output")),
            ("docs/package.json.md", None),
            (".github/hooks/start.json", Some("agent")),
            (".github/CODEOWNERS", None),
            (".agents/skills/a/run.sh", Some("agent")),
            (".factory/settings.json", Some("agent")),
            (".junie/mcp/mcp.json", Some("agent")),
            (".shadowenv.d/500_default.lisp", Some("shell")),
            ("a/.envrc.local", Some("shell")),
            ("mise.local.toml", Some("shell")),
            ("lefthook-local.yml", Some("git-hook")),
            (".clinerules", Some("instructions")),
            (".clinerules/hooks/x", Some("agent")),
        ] {
            assert_eq!(kind(path), expected, "{path}");
        }
    }
}
