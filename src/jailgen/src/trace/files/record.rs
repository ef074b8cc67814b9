//! What a run looked for, as its calls come in. Everything in it is chosen by the jail, so all of
//! it has a bound; what is beyond that is counted.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use jail_plan::Closure;
use jail_seccomp::{Arch, Question};
use jail_trace::{Call, Interest, Process, Watcher};

use super::calls::{CALLS, FileCall, PathAt, Says, Want, of_flags, of_mode};
use super::mounts::Mounts;
use crate::state::trust::written;

/// The most paths that are kept, and their bytes together.
const PATHS_MAX: usize = 20_000;
const BYTES_MAX: usize = 4 << 20;

/// The most programs that are named of one path.
const PROGRAMS_MAX: usize = 8;

/// The number by which a path starts from the working folder (openat(2)).
const WORKING_FOLDER: i32 = -100;

/// The program that starts the payload.
const STUB: &str = "jail-stub";

/// Why a program did not get what it wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// ENOENT.
    Missing,
    /// EACCES, EPERM or EROFS.
    Refused,
}

/// A path that a program did not get.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Missed {
    pub(super) wants: BTreeSet<(Want, Why)>,
    pub(super) programs: BTreeSet<String>,
}

/// See the module.
pub(super) struct Record {
    calls: HashMap<u32, &'static FileCall>,
    arch: u32,
    under_way: HashMap<i32, UnderWay>,
    pub(super) mounts: Mounts,
    /// The store, and the base names of the paths that are inside.
    store: PathBuf,
    closure: HashSet<OsString>,
    pub(super) missed: BTreeMap<PathBuf, Missed>,
    /// Programs that were found by name, so looking elsewhere first was no failure.
    pub(super) found: BTreeSet<String>,
    /// How many paths were not kept.
    pub(super) over: u64,
    bytes: usize,
    /// The process of the supervisor.
    pub(super) supervisor: i32,
    /// Is called now and then while the jail runs.
    pub(super) meanwhile: Box<dyn FnMut(i32)>,
    count: u64,
}

struct UnderWay {
    paths: Vec<PathBuf>,
    want: Want,
    program: String,
}

impl Record {
    pub(super) fn new(
        arch: Arch,
        mounts: Mounts,
        closure: &Closure,
        meanwhile: Box<dyn FnMut(i32)>,
    ) -> Self {
        let calls =
            CALLS.iter().filter_map(|call| Some((jail_seccomp::number(arch, call.name)?, call)));
        Self {
            calls: calls.collect(),
            arch: Question::new(arch, 0, [0; 6]).arch,
            under_way: HashMap::new(),
            mounts,
            store: PathBuf::from(&closure.store),
            closure: closure.names.iter().map(OsString::from).collect(),
            missed: BTreeMap::new(),
            found: BTreeSet::new(),
            over: 0,
            bytes: 0,
            supervisor: 0,
            meanwhile,
            count: 0,
        }
    }

    fn missed(&mut self, path: PathBuf, want: Want, why: Why, program: &str) {
        if !self.missed.contains_key(&path) {
            let bytes = path.as_os_str().len();
            if self.missed.len() >= PATHS_MAX || self.bytes + bytes > BYTES_MAX {
                self.over += 1;
                return;
            }
            self.bytes += bytes;
        }
        let missed = self.missed.entry(path).or_default();
        missed.wants.insert((want, why));
        if missed.programs.len() < PROGRAMS_MAX && !missed.programs.contains(program) {
            missed.programs.insert(program.to_owned());
        }
    }

    /// Whether it does not matter what becomes of a call: most calls are of this kind.
    fn is_settled(&self, path: &Path, want: Want) -> bool {
        if let Some(name) = program_in(path) {
            return self.found.contains(name);
        }
        if let Ok(below) = path.strip_prefix(&self.store)
            && let Some(first) = below.components().next()
        {
            return self.closure.contains(first.as_os_str());
        }
        // The jail has its own of both.
        let is_kernels = path.starts_with("/proc") || path.starts_with("/sys");
        is_kernels || self.mounts.is_settled(path, want)
    }

    /// A path that a program got.
    fn got(&mut self, path: &Path, want: Want) {
        self.mounts.used(path, want);
        if let Some(name) = program_in(path)
            && self.found.len() < PATHS_MAX
            && !self.found.contains(name)
        {
            self.found.insert(name.to_owned());
        }
    }
}

/// The name of a program, if a path is one of a folder of programs.
pub(super) fn program_in(path: &Path) -> Option<&str> {
    let folder = path.parent()?.file_name()?;
    matches!(folder.to_str()?, "bin" | "sbin").then(|| path.file_name()?.to_str()).flatten()
}

impl Watcher for Record {
    fn started(&mut self, supervisor: i32) {
        self.supervisor = supervisor;
    }

    fn entered(&mut self, process: Process, call: &Call<'_>) -> Interest {
        self.count += 1;
        if self.count.is_power_of_two() || self.count.is_multiple_of(4096) {
            (self.meanwhile)(self.supervisor);
        }
        let number = u32::try_from(call.number & 0xffff_ffff).unwrap_or_default();
        let known = self.calls.get(&number).filter(|_| call.arch == self.arch);
        let Some(known) = known.copied() else { return Interest::Nothing };
        // What starts the payload is the stub, and what it looks for is not the payload's.
        if call.program == STUB && known.says != Says::Always(Want::Execute) {
            return Interest::Nothing;
        }
        let paths = match known.says {
            Says::Address(at) => address(process, call, at),
            Says::Always(_) | Says::Flags(_) | Says::Mode(_) | Says::How(_) => {
                paths(process, call, known.paths)
            }
        };
        let want = match known.says {
            Says::Always(want) => want,
            Says::Flags(at) => of_flags(argument(call, at)),
            Says::Mode(at) => of_mode(argument(call, at)),
            Says::How(at) => {
                let flags = process.memory(argument(call, at), 8);
                of_flags(flags.try_into().map_or(0, u64::from_le_bytes))
            }
            Says::Address(_) => Want::Connect,
        };
        let paths = paths.iter().filter_map(|(from, path)| whole(process, *from, path));
        let paths: Vec<PathBuf> = paths.filter(|path| !self.is_settled(path, want)).collect();
        if paths.is_empty() {
            return Interest::Nothing;
        }
        let program = call.program.to_owned();
        self.under_way.insert(process.number(), UnderWay { paths, want, program });
        Interest::Result
    }

    fn left(&mut self, process: Process, result: i64) {
        let Some(UnderWay { paths, want, program }) = self.under_way.remove(&process.number())
        else {
            return;
        };
        // errno(3), the same on both processors.
        let why = match result {
            -2 => Some(Why::Missing),
            -1 | -13 | -30 => Some(Why::Refused),
            0.. => None,
            _ => return,
        };
        for path in paths {
            match why {
                Some(why) => self.missed(path, want, why, &program),
                None => self.got(&path, want),
            }
        }
    }

    fn gone(&mut self, process: i32) {
        self.under_way.remove(&process);
    }
}

fn argument(call: &Call<'_>, index: usize) -> u64 {
    call.arguments.get(index).copied().unwrap_or_default()
}

fn paths(process: Process, call: &Call<'_>, at: &[PathAt]) -> Vec<(Option<i32>, Vec<u8>)> {
    let one = |(from, at): &PathAt| {
        let path = process.text(argument(call, *at)).filter(|path| !path.is_empty())?;
        // A descriptor is the low half of the register.
        let low = |index| argument(call, index) & 0xffff_ffff;
        let from = from.and_then(|index| u32::try_from(low(index)).ok()).map(u32::cast_signed);
        Some((from, path))
    };
    at.iter().filter_map(one).collect()
}

/// The path of a socket's address, if it has one (unix(7)).
fn address(process: Process, call: &Call<'_>, at: usize) -> Vec<(Option<i32>, Vec<u8>)> {
    const UNIX: [u8; 2] = 1_u16.to_le_bytes();
    let length = usize::try_from(argument(call, at + 1)).unwrap_or(0).min(110);
    let bytes = process.memory(argument(call, at), length);
    let Some(path) = bytes.strip_prefix(&UNIX) else { return Vec::new() };
    let path = path.split(|byte| *byte == 0).next().unwrap_or_default();
    if path.is_empty() { Vec::new() } else { vec![(None, path.to_vec())] }
}

/// The absolute path, as far as it is known without looking at the jail's links.
fn whole(process: Process, from: Option<i32>, path: &[u8]) -> Option<PathBuf> {
    let path = Path::new(OsStr::from_bytes(path));
    let start = match (path.is_absolute(), from) {
        (true, _) => PathBuf::new(),
        (false, None | Some(WORKING_FOLDER)) => process.folder()?,
        (false, Some(number)) => process.descriptor(number)?,
    };
    let whole = start.join(path);
    whole.is_absolute().then(|| written(&whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let (store, skeleton, names) = ("/nix/store".into(), String::new(), vec!["a-b".into()]);
        let closure = Closure { store, skeleton, names };
        Record::new(Arch::X86_64, Mounts::default(), &closure, Box::new(|_| {}))
    }

    #[test]
    fn a_jail_cannot_make_the_record_grow_without_end() {
        let mut record = record();
        for number in 0..PATHS_MAX + 7 {
            record.missed(format!("/{number}").into(), Want::Read, Why::Missing, "x");
        }
        for number in 0..100 {
            record.missed("/0".into(), Want::Read, Why::Missing, &number.to_string());
        }
        assert_eq!((record.missed.len(), record.over), (PATHS_MAX, 7));
        assert_eq!(record.missed[Path::new("/0")].programs.len(), PROGRAMS_MAX);
        let mut record = self::record();
        let long = "x".repeat(4000);
        for number in 0..2000 {
            record.missed(format!("/{number}{long}").into(), Want::Read, Why::Missing, "x");
        }
        assert!(record.bytes <= BYTES_MAX && record.over > 0);
    }

    #[test]
    fn results_that_change_nothing_are_not_waited_for() {
        let mut record = record();
        let settled = |record: &Record, path: &str| record.is_settled(Path::new(path), Want::Read);
        for path in ["/nix/store/a-b/lib/x", "/nix/store/a-b", "/proc/self/maps", "/sys/x"] {
            assert!(settled(&record, path), "{path}");
        }
        for path in ["/nix/store/c-d/lib", "/nix/store/a-b/bin/git", "/home/me/x", "/etc/x"] {
            assert!(!settled(&record, path), "{path}");
        }
        record.got(Path::new("/nix/store/a-b/bin/git"), Want::Execute);
        assert!(settled(&record, "/nix/store/other/bin/git"));
    }

    #[test]
    fn paths_have_one_form() {
        assert_eq!(written(Path::new("/a/./b/../c//d/")), Path::new("/a/c/d"));
        assert_eq!(written(Path::new("/../..")), Path::new("/"));
        assert_eq!(program_in(Path::new("/nix/store/x/bin/git")), Some("git"));
        assert_eq!(program_in(Path::new("/nix/store/x/lib/git")), None);
    }
}
