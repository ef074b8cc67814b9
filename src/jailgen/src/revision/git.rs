//! git as a reader of objects: `git cat-file` in a repository of our own, which has no
//! configuration, no hooks, no remotes and no replaced objects, and borrows the objects and the
//! references of another one.

#![expect(clippy::disallowed_methods, reason = "git reads revisions, with an environment of ours")]

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use jail_lang::EntryKind;
use tempfile::TempDir;

use super::RevisionError;
use crate::files::read_regular;

/// A repository that borrows another one's objects.
pub(super) struct Git {
    program: PathBuf,
    folder: TempDir,
    /// So long an answer is waited for.
    pub(super) patience: Duration,
}

/// Of a large repository on a slow disk it takes a second.
const PATIENCE: Duration = Duration::from_secs(20);

/// The object that a name refers to.
pub(super) enum Object {
    Blob(Vec<u8>),
    Tree(Vec<(String, EntryKind)>),
    /// It is larger than what is read.
    Large,
}

impl Git {
    /// For the repository that contains `folder`. It also gives the root of its files.
    pub(super) fn borrow(program: &Path, folder: &Path) -> Result<(Self, PathBuf), RevisionError> {
        let missing = || RevisionError::NoRepository(folder.into());
        let root = folder.ancestors().find(|root| root.join(".git").symlink_metadata().is_ok());
        let root = root.ok_or_else(missing)?;
        let own = administrative(root).ok_or_else(missing)?;
        let common = match read_regular(&own.join("commondir")) {
            Ok(bytes) => own.join(line(&bytes)),
            Err(_) => own.clone(),
        };
        let common = common.canonicalize()?;
        if common.join("reftable").is_dir() {
            return Err(RevisionError::Reftable);
        }
        let borrowed = tempfile::tempdir()?;
        let at = borrowed.path();
        fs::create_dir_all(at.join("objects/info"))?;
        let mut objects = common.join("objects").into_os_string();
        objects.push("\n");
        fs::write(at.join("objects/info/alternates"), objects.as_encoded_bytes())?;
        fs::write(at.join("HEAD"), read_regular(&own.join("HEAD"))?)?;
        symlink(common.join("refs"), at.join("refs"))?;
        if let Ok(packed) = read_regular(&common.join("packed-refs")) {
            fs::write(at.join("packed-refs"), packed)?;
        }
        fs::write(at.join("config"), configuration(&common))?;
        let git = Self { program: program.into(), folder: borrowed, patience: PATIENCE };
        Ok((git, root.to_owned()))
    }

    /// The name of the tree of a revision; `None` if there is no such revision.
    pub(super) fn tree(&self, revision: &str) -> io::Result<Option<String>> {
        let answer = self.ask(&format!("{revision}^{{tree}}"), 0)?;
        Ok(answer.map(|answer| answer.name))
    }

    /// The object that a name refers to, unless it is larger than `most` bytes.
    pub(super) fn object(&self, name: &str, most: u64) -> io::Result<Option<Object>> {
        let Some(Answer { name, kind, bytes }) = self.ask(name, most)? else { return Ok(None) };
        let Some(bytes) = bytes else { return Ok(Some(Object::Large)) };
        match kind.as_str() {
            "blob" => Ok(Some(Object::Blob(bytes))),
            "tree" => Ok(entries(&bytes, name.len() / 2).map(Object::Tree)),
            _ => Ok(None),
        }
    }

    /// One question is one process: a spec has a few files.
    fn ask(&self, name: &str, most: u64) -> io::Result<Option<Answer>> {
        if name.contains(['\n', '\0']) {
            return Ok(None);
        }
        let mut child = self.command().args(["cat-file", "--batch"]).spawn()?;
        let mut input = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        // It reads one line and needs no other; it reports what it cannot read by ending.
        let _ = writeln!(input, "{name}");
        drop(input);
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let (sender, receiver) = mpsc::channel();
        // A pipe in the place of a reference or an object has git wait for as long as no process
        // writes to it.
        let reader = thread::spawn(move || {
            let _ = sender.send(answer(&mut BufReader::new(output), most));
        });
        let answer = receiver.recv_timeout(self.patience);
        let _ = child.kill();
        child.wait()?;
        // Its end of the pipe is closed by now.
        let _ = reader.join();
        answer.unwrap_or_else(|_| Err(io::Error::other("git does not answer")))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().current_dir("/").env("GIT_DIR", self.folder.path());
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.env("GIT_NO_REPLACE_OBJECTS", "1").env("GIT_OPTIONAL_LOCKS", "0");
        // It has no remote to fetch missing objects from; these settings make sure of that.
        command.env("GIT_NO_LAZY_FETCH", "1").env("GIT_ALLOW_PROTOCOL", "none");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        command
    }
}

/// For a repository with another hash, git must know the hash.
fn configuration(common: &Path) -> &'static str {
    let text = read_regular(&common.join("config")).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).to_lowercase();
    match text.lines().any(|line| line.contains("objectformat") && line.contains("sha256")) {
        true => "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectFormat = sha256\n",
        false => "[core]\n\trepositoryformatversion = 0\n",
    }
}

/// The folder that git keeps its own in: `.git`, or where the file of that name points.
fn administrative(root: &Path) -> Option<PathBuf> {
    let git = root.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    let bytes = read_regular(&git).ok()?;
    Some(root.join(line(bytes.strip_prefix(b"gitdir: ")?)))
}

fn line(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    let line = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    PathBuf::from(std::ffi::OsStr::from_bytes(line))
}

struct Answer {
    name: String,
    kind: String,
    /// Nothing where it is too large.
    bytes: Option<Vec<u8>>,
}

/// `NAME TYPE SIZE`, a line, and the content; or `… missing`.
fn answer(output: &mut impl io::BufRead, most: u64) -> io::Result<Option<Answer>> {
    let mut header = String::new();
    output.by_ref().take(8192).read_line(&mut header)?;
    let words: Vec<&str> = header.trim_end().split(' ').collect();
    let [name, kind, size] = words.as_slice() else { return Ok(None) };
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let Some(size) = size.parse::<u64>().ok().filter(|_| is_name) else { return Ok(None) };
    let mut answer = Answer { name: (*name).to_owned(), kind: (*kind).to_owned(), bytes: None };
    if size <= most {
        let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
        output.read_exact(&mut bytes)?;
        answer.bytes = Some(bytes);
    }
    Ok(Some(answer))
}

/// The entries of a tree: `MODE NAME`, a NUL, and a hash of so many bytes each. Names that are not
/// UTF-8 are nothing that a spec names.
fn entries(mut bytes: &[u8], hash: usize) -> Option<Vec<(String, EntryKind)>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let end = bytes.iter().position(|byte| *byte == 0)?;
        let (entry, rest) = bytes.split_at_checked(end)?;
        bytes = rest.get(1 + hash..)?;
        let blank = entry.iter().position(|byte| *byte == b' ')?;
        let (mode, name) = entry.split_at_checked(blank)?;
        let kind = match mode {
            b"40000" => EntryKind::Directory,
            b"120000" => EntryKind::Symlink,
            mode if mode.starts_with(b"100") => EntryKind::Regular,
            _ => EntryKind::Unknown,
        };
        if let Some(name) = name.get(1..).and_then(|name| std::str::from_utf8(name).ok()) {
            entries.push((name.to_owned(), kind));
        }
    }
    Some(entries)
}
