//! What the hand-off ledger takes of a project with 20,000 files, of which 100 change: the time
//! that it works, from the launch until its record is written and from the jail's end until it has
//! reported, and the processor's time of both.
//!
//! `cargo bench -p jail-host --bench handoff`. The times go to docs/performance.md by hand.
#![expect(clippy::disallowed_methods, reason = "a bench starts what it measures")]
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench fails by panicking, and prints"
)]

use std::fs;
use std::io::Write as _;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jail_plan::handoff::{ENDED, HAND_OFF};
use rustix::io::{FdFlags, fcntl_setfd};

const FOLDERS: usize = 2000;
const FILES: usize = 10;
const CHANGED: usize = 100;
const ROUNDS: usize = 10;

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let (project, state) = (folder.path().join("project"), folder.path().join("state"));
    make(&project);
    fs::create_dir(&state).expect("a folder");
    let mut rounds: Vec<[Duration; 3]> =
        (0..ROUNDS).map(|round| measure(&project, &state, round)).collect();
    // The first one knows nothing yet.
    let first = rounds.remove(0);
    let median = |at: usize| {
        let mut all: Vec<Duration> =
            rounds.iter().filter_map(|round| round.get(at).copied()).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied().unwrap_or_default()
    };
    println!(
        "first session: record {:?}, comparison {:?}, processor {:?}",
        first[0], first[1], first[2]
    );
    println!(
        "later ones:    record {:?}, comparison {:?}, processor {:?}",
        median(0),
        median(1),
        median(2)
    );
}

fn make(project: &Path) {
    for folder in 0..FOLDERS {
        let path = project.join(format!("d{}/e{folder}", folder % 50));
        fs::create_dir_all(&path).expect("a folder");
        for file in 0..FILES {
            fs::write(path.join(format!("f{file}.rs")), [b'x'; 2000]).expect("a file");
        }
        if folder < CHANGED {
            let script = path.join("run.sh");
            fs::write(&script, "#!/bin/sh\n").expect("a file");
            fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("a mode");
        }
    }
}

fn measure(project: &Path, state: &Path, round: usize) -> [Duration; 3] {
    let (mut ours, theirs) = UnixStream::pair().expect("a socket");
    let folder = fs::File::open(project).expect("a folder");
    for descriptor in [theirs.as_raw_fd(), folder.as_raw_fd()] {
        assert!(descriptor > 2, "the standard ones are open");
    }
    fcntl_setfd(&theirs, FdFlags::empty()).expect("passed on");
    fcntl_setfd(&folder, FdFlags::empty()).expect("passed on");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time");
    let begin = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_jail-host"))
        .arg(HAND_OFF)
        .args([theirs.as_raw_fd(), folder.as_raw_fd()].map(|number| number.to_string()))
        .arg(format!("{}.{}", now.as_secs(), now.subsec_nanos()))
        .arg(state)
        .stderr(Stdio::null())
        .spawn()
        .expect("the helper");
    while !is_recorded(state) {
        std::thread::sleep(Duration::from_micros(200));
    }
    let record = begin.elapsed();
    for folder in 0..CHANGED {
        let path = project.join(format!("d{}/e{folder}/run.sh", folder % 50));
        fs::write(path, format!("#!/bin/sh\n: {round}\n")).expect("a file");
    }
    let begin = Instant::now();
    ours.write_all(&[ENDED]).expect("sent");
    let processor = wait(&mut child);
    [record, begin.elapsed(), processor]
}

/// The record is whole when the session is written down as one that runs.
fn is_recorded(state: &Path) -> bool {
    let mut projects = fs::read_dir(state).expect("the state").filter_map(Result::ok);
    projects.any(|project| project.path().join("open").exists())
}

/// Waits for the end; the processor's time that it took in all.
fn wait(child: &mut Child) -> Duration {
    let ticks = || -> Option<u64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
    };
    // It is looked at while it is there to be looked at: the kernel keeps the
    // sum until it is waited for.
    let mut last = 0;
    while let Some(now) = ticks() {
        last = now;
        let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap_or_default();
        if stat.rsplit_once(')').is_none_or(|(_, rest)| rest.trim_start().starts_with('Z')) {
            break;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    child.wait().expect("its end");
    Duration::from_millis(last * 10)
}
