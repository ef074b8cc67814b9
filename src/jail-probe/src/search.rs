//! Where texts, or files, can be read: variables, files, and what the kernel shows of every
//! process, its memory included.
//!
//! Texts are passed backwards, so the search itself does not put them anywhere.

#![expect(clippy::disallowed_methods, reason = "a probe looks for secrets in all variables")]

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use crate::answer::Answer;
use crate::files::{below, text};

/// The most that is read of all files together, and of the memory of one process.
const BYTES_MAX: u64 = 256 << 20;

/// How much is read at once.
const PIECE: usize = 1 << 20;

/// Neither waits for a pipe's other end nor takes a terminal (open(2): `O_NONBLOCK`, `O_NOCTTY`).
const QUIETLY: i32 = 0o4000 | 0o400;

/// What the kernel shows of a process by name, next to its memory and open files.
const SHOWN: [&str; 6] = ["environ", "cmdline", "comm", "stat", "status", "mountinfo"];

/// The first line says how much was searched; each other one has the number of a word and a
/// place where it was found.
pub(crate) fn search(words: &[&str]) -> Answer {
    let Some(wanted) = words.iter().map(|word| Wanted::parse(word)).collect::<Option<Vec<_>>>()
    else {
        return Answer::Unknown("search takes texts that are not empty, and =DEVICE:INODE".into());
    };
    let mut search = Search { wanted, left: BYTES_MAX, ..Search::default() };
    search.variables();
    below(&["/"], |path, kind| {
        if kind.is_file() {
            search.file(path);
        }
    });
    search.processes();
    let Search { files, processes, found, .. } = search;
    let others = match processes {
        1 => "one other process".into(),
        count => format!("{count} other processes"),
    };
    let seen = format!("{files} files, the memory of {others}");
    let found = found.into_iter().map(|(number, place)| format!("{number} {place}"));
    Answer::List(std::iter::once(seen).chain(found).collect())
}

/// What is looked for.
enum Wanted {
    Text(Vec<u8>),
    /// A file by its device and inode (stat(2)).
    File(u64, u64),
}

impl Wanted {
    fn parse(word: &str) -> Option<Self> {
        match word.strip_prefix('=') {
            Some(file) => {
                let (device, inode) = file.split_once(':')?;
                Some(Self::File(device.parse().ok()?, inode.parse().ok()?))
            }
            None if word.is_empty() => None,
            None => Some(Self::Text(word.bytes().rev().collect())),
        }
    }
}

#[derive(Default)]
struct Search {
    wanted: Vec<Wanted>,
    /// How many bytes of files may still be read.
    left: u64,
    files: usize,
    processes: usize,
    found: BTreeSet<(usize, String)>,
}

impl Search {
    fn variables(&mut self) {
        for (name, value) in std::env::vars_os() {
            let place = format!("the variable {}", text(name.as_bytes()));
            self.look(value.as_bytes(), &place);
            self.look(name.as_bytes(), &place);
        }
    }

    fn file(&mut self, path: &Path) {
        let name = path.file_name().map(OsStr::as_bytes).unwrap_or_default();
        let place = text(path.as_os_str().as_bytes());
        self.look(name, &place);
        let opened = OpenOptions::new().read(true).custom_flags(QUIETLY).open(path);
        let Ok(file) = opened else { return };
        let Ok(meta) = file.metadata() else { return };
        if !meta.is_file() {
            return;
        }
        self.files += 1;
        let is_it = |wanted: &Wanted| match wanted {
            Wanted::File(device, inode) => (meta.dev(), meta.ino()) == (*device, *inode),
            Wanted::Text(_) => false,
        };
        let numbers: Vec<usize> = self.numbers(is_it);
        self.found.extend(numbers.into_iter().map(|number| (number, place.clone())));
        self.left = self.left.saturating_sub(self.stream(file.take(self.left), &place));
    }

    /// Searches everything that comes, and returns how much that was.
    fn stream(&mut self, mut reader: impl Read, place: &str) -> u64 {
        let longest = self.wanted.iter().map(Wanted::length).max().unwrap_or_default();
        let (mut piece, mut kept, mut count) = (vec![0; PIECE], 0, 0);
        while let Some(read) = piece.get_mut(kept..).and_then(|rest| reader.read(rest).ok()) {
            if read == 0 {
                break;
            }
            count += read as u64;
            let end = kept + read;
            self.look(piece.get(..end).unwrap_or_default(), place);
            // The start of a text may be at the end of this piece.
            kept = longest.saturating_sub(1).min(end);
            piece.copy_within(end - kept..end, 0);
        }
        count
    }

    fn processes(&mut self) {
        let own = std::process::id().to_string();
        let Ok(all) = fs::read_dir("/proc") else { return };
        let all = all.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let is_number = |name: &String| name.bytes().all(|byte| byte.is_ascii_digit());
        for process in all.filter(is_number).collect::<Vec<_>>() {
            let folder = Path::new("/proc").join(&process);
            for name in SHOWN {
                let path = folder.join(name);
                if let Ok(file) = File::open(&path) {
                    self.stream(file, &path.display().to_string());
                }
            }
            for open in fs::read_dir(folder.join("fd")).into_iter().flatten().flatten() {
                if fs::metadata(open.path()).is_ok_and(|meta| meta.is_file()) {
                    self.file(&open.path());
                }
            }
            // This one has the texts itself.
            if process != own && self.memory(&folder) {
                self.processes += 1;
            }
        }
    }

    /// Whether any of it can be read.
    fn memory(&mut self, process: &Path) -> bool {
        let Ok(maps) = fs::read_to_string(process.join("maps")) else { return false };
        let Ok(mut memory) = File::open(process.join("mem")) else { return false };
        let number = process.file_name().unwrap_or_default().to_string_lossy();
        let place = format!("the memory of process {number}");
        let mut left = BYTES_MAX;
        for line in maps.lines() {
            let Some((begin, end)) = range(line) else { continue };
            if memory.seek(SeekFrom::Start(begin)).is_ok() {
                let part = memory.by_ref().take((end - begin).min(left));
                left -= self.stream(part, &place);
            }
        }
        left < BYTES_MAX
    }

    fn look(&mut self, bytes: &[u8], place: &str) {
        let is_in = |wanted: &Wanted| match wanted {
            Wanted::Text(text) => contains(bytes, text),
            Wanted::File(..) => false,
        };
        let numbers = self.numbers(is_in);
        self.found.extend(numbers.into_iter().map(|number| (number, place.to_owned())));
    }

    fn numbers(&self, is_it: impl Fn(&Wanted) -> bool) -> Vec<usize> {
        let all = self.wanted.iter().enumerate();
        all.filter(|(_, wanted)| is_it(wanted)).map(|(number, _)| number).collect()
    }
}

impl Wanted {
    fn length(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::File(..) => 0,
        }
    }
}

/// `7f00-7f10 r--p …` (proc_pid_maps(5)).
fn range(line: &str) -> Option<(u64, u64)> {
    let (begin, rest) = line.split_once('-')?;
    let end = rest.split(' ').next()?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    number(begin).zip(number(end)).filter(|(begin, end)| begin < end)
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    let Some(first) = text.first() else { return false };
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        rest = rest.get(at..).unwrap_or_default();
        if rest.starts_with(text) {
            return true;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backwards(text: &str) -> String {
        text.chars().rev().collect()
    }

    fn finds(words: &[&str], look: impl FnOnce(&mut Search)) -> Vec<(usize, String)> {
        let wanted = words.iter().map(|word| Wanted::parse(word).unwrap()).collect();
        let mut search = Search { wanted, left: BYTES_MAX, ..Search::default() };
        look(&mut search);
        search.found.into_iter().collect()
    }

    #[test]
    fn a_text_is_found_across_the_border_of_two_pieces() {
        let word = backwards("a-canary");
        for before in [0, PIECE - 4, PIECE, 2 * PIECE - 1] {
            let text = [vec![b'a'; before], b"a-canary".to_vec()].concat();
            let found = finds(&["x", &word], |search| {
                assert_eq!(search.stream(&text[..], "here"), text.len() as u64);
            });
            assert_eq!(found, [(1, "here".to_owned())], "{before}");
        }
        let part = finds(&[&word], |search| {
            search.stream(&b"a-canar"[..], "here");
        });
        assert_eq!(part, []);
    }

    #[test]
    fn a_file_is_found_by_what_is_in_it_and_by_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "a-canary").unwrap();
        let meta = fs::metadata(&path).unwrap();
        let file = format!("={}:{}", meta.dev(), meta.ino());
        let found = finds(&[&backwards("a-canary"), &file, "x"], |search| search.file(&path));
        let place = path.display().to_string();
        assert_eq!(found, [(0, place.clone()), (1, place)]);
    }

    #[test]
    fn a_text_is_found_in_the_memory_of_another_process() {
        let script = "read -r line; echo; read -r end";
        let mut child = std::process::Command::new("sh")
            .args(["-c", script])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut line, b"a-canary-in-memory\n").unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        let folder = Path::new("/proc").join(child.id().to_string());
        let word = backwards("a-canary-in-memory");
        let mut is_readable = false;
        let found = finds(&[&word, "x-nowhere"], |search| is_readable = search.memory(&folder));
        let place = format!("the memory of process {}", child.id());
        // Where ptrace(2) is restricted to descendants (Yama) this process may: it started the
        // other one.
        assert_eq!((is_readable, found), (true, vec![(0, place)]));
        drop(line);
        child.wait().unwrap();
    }

    #[test]
    fn a_word_that_is_not_one_is_no_search() {
        for words in [&[""][..], &["=1"], &["=a:b"]] {
            assert!(matches!(search(words), Answer::Unknown(_)), "{words:?}");
        }
    }
}
