//! The process that carries a state file over: what it may do, what it costs, and what
//! becomes of a launch without it.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use jail_plan::{HostOp, HostText, InsideOp, SharedFile, StateFile, Step};

use crate::jail::{Caller, Jail, Ran, by, callers, expand, literal, tmpfs};
use crate::landlock::without_landlock;

fn shared(to: HostText) -> InsideOp {
    InsideOp::SharedFile(SharedFile { from: expand("~/.agent.json"), to })
}

/// With a home in memory and the jail's own file at /h/agent.
fn jail(caller: Caller) -> Jail {
    Jail::new(caller).op(tmpfs("/h")).op(shared(literal("/h/agent")))
}

fn held(jail: &Jail) -> PathBuf {
    jail.home().join(".agent.json")
}

/// A launch under way, killed at the latest when the test ends.
struct Running(Child);

impl Running {
    fn start(jail: &Jail, script: &str) -> Self {
        let mut command = jail.command(jail.wrapper());
        command.args(["-c", script]).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().expect("it starts"))
    }

    /// The supervisor's child of this name.
    fn child(&self, name: &str) -> PathBuf {
        let supervisor = self.0.id();
        wait_for(|| {
            let children = format!("/proc/{supervisor}/task/{supervisor}/children");
            let children = std::fs::read_to_string(children).expect("its children");
            let mut children = children.split_whitespace().map(|pid| Path::new("/proc").join(pid));
            children.find(|child| {
                std::fs::read_to_string(child.join("comm")).is_ok_and(|comm| comm.trim() == name)
            })
        })
    }

    fn end(mut self) -> Ran {
        let child = std::mem::replace(
            &mut self.0,
            std::process::Command::new("true").spawn().expect("true"),
        );
        let output = child.wait_with_output().expect("its end");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ran {
            code: output.status.code(),
            signal: output.status.signal(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait_for<T>(mut found: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "it never came");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A line of /proc/PID/status.
fn status(process: &Path, field: &str) -> String {
    let status = std::fs::read_to_string(process.join("status")).expect("its status");
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {field} in {status}")).trim().to_owned()
}

fn kilobytes(process: &Path, field: &str) -> u64 {
    let value = status(process, field);
    value.trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn it_is_confined_and_has_nothing_of_the_launchers() {
    for caller in callers() {
        let jail = jail(caller).outside("SECRET", "of the launcher's");
        jail.file("home/.agent.json", "old");
        let running = Running::start(&jail, "cat /h/agent; touch ready; sleep 3");
        wait_for(|| jail.project().join("ready").exists().then_some(()));
        let process = running.child("jail-host");
        assert_eq!(status(&process, "NoNewPrivs"), "1");
        assert_eq!(status(&process, "Seccomp"), "2", "a filter");
        assert_eq!(status(&process, "Threads"), "1");
        let capabilities = u64::from_str_radix(&status(&process, "CapPrm"), 16).expect("a number");
        // CAP_DAC_OVERRIDE, which root writes by what belongs to others.
        assert_eq!(capabilities, if caller.is_root() { 1 << 1 } else { 0 });
        assert_eq!(status(&process, "CapInh"), "0000000000000000");
        let owner = std::os::unix::fs::MetadataExt::uid(
            &std::fs::metadata(process.join("environ")).expect("it is there"),
        );
        assert_eq!(owner, 0, "not dumpable: what there is of it in /proc is root's");
        if rustix::process::geteuid().is_root() {
            assert_eq!(std::fs::read(process.join("environ")).expect("its variables"), b"");
            assert_eq!(
                std::fs::read_link(process.join("cwd")).expect("its folder"),
                Path::new("/")
            );
            let mut open: Vec<_> = std::fs::read_dir(process.join("fd"))
                .expect("its descriptors")
                .filter_map(|entry| std::fs::read_link(entry.expect("one").path()).ok())
                .map(|link| link.display().to_string())
                .collect();
            open.sort();
            let home = jail.home().display().to_string();
            for link in &open {
                let is_known = ["/dev/null", home.as_str(), "/h", "/"].contains(&link.as_str())
                    || link.starts_with("socket:")
                    || link == "anon_inode:inotify";
                assert!(is_known, "{link} of {open:?}");
            }
            assert_eq!(open.len(), 7, "{open:?}");
        }
        running.end().prints("old");
    }
}

#[test]
fn a_large_file_that_is_rewritten_all_the_time_takes_no_memory_outside() {
    for caller in callers() {
        let jail = jail(caller);
        jail.file("home/.agent.json", "old");
        let write = "head -c 40M /dev/zero | tr '\\0' x >/h/t; mv -T /h/t /h/agent";
        let script = format!(
            "for i in 1 2 3 4 5 6 7 8; do {write}; sleep 0.3; done; touch done; sleep 1; tail -c 1 /h/agent"
        );
        let running = Running::start(&jail, &script);
        let supervisor = Path::new("/proc").join(running.0.id().to_string());
        let process = running.child("jail-host");
        wait_for(|| jail.project().join("done").exists().then_some(()));
        for process in [&supervisor, &process] {
            // Pages of the program itself are not what it takes.
            let most = kilobytes(process, "VmHWM").saturating_sub(kilobytes(process, "RssFile"));
            assert!(most < 4 * 1024, "{process:?} has had {most} kB");
        }
        running.end().prints("x");
        let arrived = std::fs::metadata(held(&jail)).expect("a file").len();
        assert_eq!(arrived, 40 * 1024 * 1024);
    }
}

#[test]
fn that_it_was_killed_is_told_and_the_payload_goes_on() {
    for caller in callers() {
        let jail = jail(caller);
        jail.file("home/.agent.json", "old");
        let script = "echo one >/h/agent; until [ -e gone ]; do sleep 0.05; done; echo two >/h/agent; exit 7";
        let running = Running::start(&jail, script);
        wait_for(|| (std::fs::read(held(&jail)).ok()? == b"one\n").then_some(()));
        let process = running.child("jail-host");
        let pid = process.file_name().expect("a name").to_str().expect("a number").to_owned();
        jail.outside_sh(&format!("kill -9 {pid}; touch gone")).prints("");
        let ran = running.end();
        assert_eq!(ran.code, Some(7), "{ran:?}");
        for words in ["is lost", "was ended", ".agent.json", "demo.jail:4:3"] {
            assert!(ran.stderr.contains(words), "no `{words}` in {ran:?}");
        }
        assert_eq!(std::fs::read(held(&jail)).expect("a file"), b"one\n");
    }
}

#[test]
fn one_that_hangs_does_not_keep_a_launch_that_is_to_end() {
    for caller in callers() {
        let jail = jail(caller);
        jail.file("home/.agent.json", "old");
        let running = Running::start(&jail, "touch ready; sleep 1; exit 0");
        wait_for(|| jail.project().join("ready").exists().then_some(()));
        let process = running.child("jail-host");
        let pid = process.file_name().expect("a name").to_str().expect("a number").to_owned();
        jail.outside_sh(&format!("kill -STOP {pid}")).prints("");
        std::thread::sleep(Duration::from_millis(1500));
        jail.outside_sh(&format!("kill -TERM {}", running.0.id())).prints("");
        let ran = running.end();
        assert!(ran.stderr.contains("was ended"), "{ran:?}");
        wait_for(|| (!process.exists()).then_some(()));
    }
}

#[test]
fn where_it_cannot_be_confined_nothing_runs() {
    for caller in callers() {
        for (errno, name) in [(38, "ENOSYS"), (95, "EOPNOTSUPP")] {
            let jail = jail(caller);
            jail.file("home/.agent.json", "old");
            let mut command = jail.command(jail.wrapper());
            let ran = Ran::of(without_landlock(&mut command, errno).args(["-c", "echo ran"]));
            ran.stopped(&["(shared-file)", name, "Landlock", "state-dir", "demo.jail:4:3"]);
            assert_eq!(std::fs::read(held(&jail)).expect("a file"), b"old");
            // The control: a jail that has no such file asks for less.
            let jail = Jail::new(caller);
            let mut command = jail.command(jail.wrapper());
            Ran::of(without_landlock(&mut command, errno).args(["-c", "echo ran"])).prints("ran");
        }
    }
}

#[test]
fn a_file_that_is_not_there_is_made_by_its_program_alone() {
    for caller in callers() {
        let jail = jail(caller);
        let state = StateFile { path: expand("~/.agent.json") };
        let jail = jail.change(|plan| plan.before.push(Step::new(by(), HostOp::StateFile(state))));
        jail.sh("ls -A /h").prints("");
        assert!(!held(&jail).exists(), "nothing has made it");
        jail.sh("cd /h; umask 022; echo new >t; mv t agent").prints("");
        let meta = std::fs::metadata(held(&jail)).expect("it has arrived");
        assert_eq!(meta.permissions().mode() & 0o777, 0o600);
        jail.sh("cat /h/agent").prints("new");
        // And while it runs, in the other direction.
        std::fs::remove_file(held(&jail)).expect("a file");
        let running = Running::start(
            &jail,
            "touch ready; until cat /h/agent; do sleep 0.05; done 2>/dev/null",
        );
        wait_for(|| jail.project().join("ready").exists().then_some(()));
        jail.file("home/.agent.json", "from outside");
        running.end().prints("from outside");
    }
}
