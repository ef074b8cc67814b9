//! Inserts the files that a file imports where it imports them. The importer then follows one text.
//!
//! Only files below the first file's folder are read, and nothing of them is evaluated.

use jail_registry::{FileId, Place};
use rnix::SyntaxKind;

use crate::files::Files;
use crate::sources::{EntryKind, FILE_BYTES_MAX, Sources};
use crate::syntax;

/// How deeply imports are followed: a file may import itself.
const DEPTH_MAX: usize = 16;

/// A text with the files that it imports.
pub(super) struct Expanded {
    pub(super) text: String,
    parts: Vec<Part>,
}

/// A part of the text, and where it comes from.
struct Part {
    /// Where it starts in the whole text.
    at: usize,
    file: FileId,
    /// Where it starts in its file.
    from: usize,
    /// Whether it is copied from its file unchanged. Brackets and rewritten paths are not.
    is_verbatim: bool,
}

impl Expanded {
    /// The place in its file of a place in the whole text.
    pub(super) fn origin(&self, place: Place) -> Place {
        let (file, start) = self.origin_of(place.start as usize);
        let (last_file, last) = self.origin_of((place.end as usize).saturating_sub(1));
        let end = if last_file == file { last.saturating_add(1).max(start) } else { start };
        let narrow = |at| u32::try_from(at).unwrap_or(u32::MAX);
        Place { file, start: narrow(start), end: narrow(end) }
    }

    fn origin_of(&self, at: usize) -> (FileId, usize) {
        let index = self.parts.partition_point(|part| part.at <= at).saturating_sub(1);
        self.parts.get(index).map_or((FileId(0), at), |part| {
            let offset = if part.is_verbatim { at.saturating_sub(part.at) } else { 0 };
            (part.file, part.from + offset)
        })
    }
}

/// Writes `text`, which is the file `file` in the folder of `sources`, with what it imports. Its
/// paths are written relative to the spec's folder, in which that folder is called `within`.
pub(super) fn expand(
    text: &str,
    file: FileId,
    sources: Option<&dyn Sources>,
    within: &str,
    files: &mut Files,
) -> Expanded {
    let expanded = Expanded { text: String::with_capacity(text.len()), parts: Vec::new() };
    let mut expander = Expander { sources, within, files, expanded, open: Vec::new() };
    expander.file(text, file, "");
    expander.expanded
}

struct Expander<'a> {
    sources: Option<&'a dyn Sources>,
    within: &'a str,
    files: &'a mut Files,
    expanded: Expanded,
    /// The imported files that are being written.
    open: Vec<String>,
}

impl Expander<'_> {
    /// Writes a file that is in `folder`, below the first file's folder.
    fn file(&mut self, text: &str, file: FileId, folder: &str) {
        let mut position = Position::default();
        let mut at = 0;
        let mut tokens = rnix::tokenize(text).peekable();
        while let Some((kind, token)) = tokens.next() {
            let next = tokens.peek().map(|(kind, _)| *kind);
            let is_path = kind == SyntaxKind::TOKEN_PATH_REL && !position.is_in_path();
            if !(is_path && self.path(token, (file, at), folder, position.reads(next))) {
                self.push(token, file, at, true);
            }
            position.take(kind, token);
            at += token.len();
        }
    }

    /// Writes a path, or the content of the file that it names if that
    /// `is_imported`. Returns whether it did.
    fn path(
        &mut self,
        token: &str,
        (file, at): (FileId, usize),
        folder: &str,
        is_imported: bool,
    ) -> bool {
        if is_imported
            && let Some(path) = below(folder, token)
            && let Some((path, text)) = self.imported(&path)
        {
            let inner = path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
            let id = self.files.add(path.as_str(), text.as_str());
            self.push("(", file, at, false);
            self.open.push(path);
            self.file(&text, id, &inner);
            self.open.pop();
            // The file may end in a comment.
            self.push("\n)", file, at, false);
            return true;
        }
        let from = format!("{}/{folder}", self.within);
        if from == "/" {
            return false;
        }
        self.push(&from_spec(&from, token), file, at, false);
        true
    }

    /// The file that is imported by a path below the first file's folder.
    fn imported(&self, path: &str) -> Option<(String, String)> {
        let sources = self.sources?;
        let full = |path: &str| format!("{}/{path}", sources.root());
        let path = match sources.kind(&full(path)).ok()?? {
            EntryKind::Regular if path.ends_with(".nix") => path.to_owned(),
            EntryKind::Directory if path.is_empty() => "default.nix".to_owned(),
            EntryKind::Directory => format!("{path}/default.nix"),
            EntryKind::Regular | EntryKind::Symlink | EntryKind::Unknown => return None,
        };
        if self.open.contains(&path) || self.open.len() >= DEPTH_MAX {
            return None;
        }
        let text = String::from_utf8(sources.read(&full(&path)).ok()?).ok()?;
        let most = usize::try_from(FILE_BYTES_MAX).unwrap_or(usize::MAX);
        let fits = self.expanded.text.len() + text.len() < most;
        // If the file is not Nix, the fault is reported where the import is looked at.
        (fits && syntax::check(&text).is_ok()).then_some((path, text))
    }

    fn push(&mut self, text: &str, file: FileId, from: usize, is_verbatim: bool) {
        let at = self.expanded.text.len();
        let goes_on = self.expanded.parts.last().is_some_and(|last| {
            is_verbatim && last.is_verbatim && last.file == file && at - last.at == from - last.from
        });
        if !goes_on {
            self.expanded.parts.push(Part { at, file, from, is_verbatim });
        }
        self.expanded.text.push_str(text);
    }
}

/// The tokens before the current one.
#[derive(Default)]
struct Position {
    before: Option<SyntaxKind>,
    /// The last name.
    word: String,
    /// The open brackets of a list of modules.
    modules: usize,
}

/// The functions whose argument is a file that they read.
const READERS: [&str; 3] = ["import", "callPackage", "callPackages"];

/// The attributes that list modules.
const MODULES: [&str; 2] = ["imports", "modules"];

impl Position {
    /// Whether a path at this place is a file that is read. `next` is the token behind it.
    fn reads(&self, next: Option<SyntaxKind>) -> bool {
        let is_read = match self.before {
            Some(SyntaxKind::TOKEN_IDENT) => READERS.contains(&self.word.as_str()),
            _ => self.modules == 1,
        };
        is_read && next != Some(SyntaxKind::TOKEN_INTERPOL_START)
    }

    /// Whether the path continues here: `./a${b}/c`.
    fn is_in_path(&self) -> bool {
        self.before == Some(SyntaxKind::TOKEN_INTERPOL_END)
    }

    fn take(&mut self, kind: SyntaxKind, token: &str) {
        match kind {
            SyntaxKind::TOKEN_WHITESPACE | SyntaxKind::TOKEN_COMMENT => return,
            SyntaxKind::TOKEN_IDENT => token.clone_into(&mut self.word),
            SyntaxKind::TOKEN_L_BRACK if self.modules > 0 => self.modules += 1,
            SyntaxKind::TOKEN_L_BRACK
                if self.before == Some(SyntaxKind::TOKEN_ASSIGN)
                    && MODULES.contains(&self.word.as_str()) =>
            {
                self.modules = 1;
            }
            SyntaxKind::TOKEN_L_PAREN | SyntaxKind::TOKEN_L_BRACE if self.modules > 0 => {
                self.modules += 1;
            }
            SyntaxKind::TOKEN_R_BRACK | SyntaxKind::TOKEN_R_PAREN | SyntaxKind::TOKEN_R_BRACE => {
                self.modules = self.modules.saturating_sub(1);
            }
            _ => {}
        }
        self.before = Some(kind);
    }
}

/// `path`, which is relative to `folder`, relative to the first file's folder. `None`
/// where it leads out of that.
fn below(folder: &str, path: &str) -> Option<String> {
    let (names, ups) = steps(folder, path);
    (ups == 0).then(|| names.join("/"))
}

/// `path`, which is relative to `folder`, as a spec writes it that calls that folder `within`.
fn from_spec(folder: &str, path: &str) -> String {
    let (names, ups) = steps(folder, path);
    let begin = if ups == 0 { "./".to_owned() } else { "../".repeat(ups) };
    match (names.is_empty(), path.ends_with('/')) {
        (true, true) => begin,
        (true, false) => format!("{begin}."),
        (false, is_folder) => {
            format!("{begin}{}{}", names.join("/"), if is_folder { "/" } else { "" })
        }
    }
}

/// The names that lead from `folder` to a path in it, and the folders to leave before them.
fn steps<'a>(folder: &'a str, path: &'a str) -> (Vec<&'a str>, usize) {
    let (mut names, mut ups) = (Vec::new(), 0);
    for name in folder.split('/').chain(path.split('/')) {
        match name {
            "" | "." => {}
            ".." => ups += usize::from(names.pop().is_none()),
            name => names.push(name),
        }
    }
    (names, ups)
}

/// The first path of a spec that is relative to its folder.
pub(super) fn relative_path(spec: &str) -> Option<&str> {
    let mut tokens = rnix::tokenize(spec);
    let is_relative = |(kind, token): &(SyntaxKind, &str)| {
        *kind == SyntaxKind::TOKEN_PATH_REL && token.starts_with('.')
    };
    tokens.find(is_relative).map(|(_, token)| token)
}
