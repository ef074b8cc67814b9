//! A launcher that is killed at any moment, from before there is a jail until after its end:
//! nothing of the host's is lost, nothing is left that was not there, and no process runs on.
//! `cargo test -p jail-stub --test stub -- --ignored killed_a_thousand_times` takes three minutes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jail_plan::git::COPIES;
use jail_plan::{
    Access, Git, GitChanges, HandOff, Host, HostOp, InsideOp, Places, PrivateCopies, Step, encode,
};

use crate::jail::{Caller, Jail, bind, by, callers, expand, literal, wall};
use crate::programs::{host, stub};

/// Programs of its own, so that what runs of them belongs to this jail.
fn jail(caller: Caller) -> (Jail, PathBuf) {
    let jail = Jail::new(caller);
    let programs = jail.folder.path().join("programs");
    fs::create_dir(&programs).expect("a folder");
    for program in [stub(), host()] {
        let copy = programs.join(program.file_name().expect("a name"));
        // By another process: a file that is open for writing cannot be executed.
        assert!(Command::new("cp").args([&program, &copy]).status().expect("cp").success());
    }
    jail.file("home/.agent/settings.json", "{\"a\": 1}\n");
    jail.file("home/.agent/hooks/start", "echo start\n");
    jail.file("home/.agent/login", "");
    let made = jail.outside_sh("git init -q . && echo 1 >f && git add f && git -c user.name=n -c user.email=e commit -qm one");
    let has_git = made.code == Some(0);
    for folder in ["home/.agent", "home/.agent/hooks"] {
        let folder = jail.folder.path().join(folder);
        std::os::unix::fs::chown(folder, caller.uid, caller.uid).expect("for the caller");
    }
    let (to, home) = (literal(COPIES), jail.home());
    let names = ["settings.json", "absent.json", "hooks/", "absent/", "a/b/c.toml"];
    let names = names.map(String::from).to_vec();
    let copies = PrivateCopies { to: to.clone(), folder: expand("~/.agent"), names };
    let mut jail = jail
        .op(bind(home.join(".agent"), Access::ReadWrite))
        .set("HOME", &home.display().to_string())
        .op(InsideOp::PrivateCopies(copies));
    if has_git {
        jail = jail.op(InsideOp::Git(Git { to, changes: GitChanges::Reported }));
    }
    let jail = jail.op(InsideOp::RemountReadOnly(literal("/"))).change(|plan| {
        let program = programs.join("jail-host").to_str().expect("UTF-8").to_owned();
        plan.host = Some(Host { program, shell: None });
        plan.before.push(Step::new(by(), HostOp::HandOff(HandOff { quarantine: false })));
    });
    let mut plan = jail.plan.clone();
    wall(&mut plan);
    let stub = programs.join("jail-stub");
    let text = encode(stub.to_str().expect("UTF-8"), &plan, &Places::new()).expect("a plan");
    let wrapper = jail.raw_wrapper(&text);
    (jail, wrapper)
}

/// What a session does: it changes its copies, and writes what is shared.
const SESSION: &str = "printf '[core]\\n\\tfsmonitor = evil\\n' >>.git/config; echo evil >.git/hooks/pre-commit
    cd ~/.agent; for file in settings.json absent.json hooks/start absent/new a/b/c.toml; do echo evil >$file; done; echo run >>login";

/// What may not change.
fn kept(jail: &Jail) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    all(&jail.home(), &mut found);
    all(&jail.project(), &mut found);
    found.retain(|path, _| !path.ends_with("login"));
    found
}

fn all(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    // What is made for the time of a launch can end between two looks.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            true => {
                all(&path, found);
                found.insert(path, b"folder".to_vec());
            }
            false => drop(found.insert(path.clone(), fs::read(&path).unwrap_or_default())),
        }
    }
}

/// The processes whose program lies in this folder. An ordinary user may not read the links of one
/// that is protected from being traced, but its arguments.
fn processes(folder: &Path) -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    let numbers =
        processes.filter(|one| one.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit));
    let programs = numbers.filter_map(|one| {
        let words = fs::read(one.path().join("cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).replace('\0', " ");
        let is_here = |path: &Path| path.starts_with(folder);
        let is_one = fs::read_link(one.path().join("exe")).is_ok_and(|path| is_here(&path));
        (is_one || is_here(Path::new(&words))).then_some(words)
    });
    programs.collect()
}

/// A process that ends is still there for a moment when its memory, by which it is known, is not.
fn wait_until_all_is_as(before: &BTreeMap<PathBuf, Vec<u8>>, jail: &Jail, when: &str) {
    let begin = Instant::now();
    loop {
        let left = processes(jail.folder.path());
        if left.is_empty() && kept(jail) == *before {
            return;
        }
        if begin.elapsed() > Duration::from_secs(30) {
            assert_eq!(left, Vec::<String>::new(), "{when}");
            assert_eq!(kept(jail), *before, "{when}");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn killed(caller: Caller, times: u32) {
    let (jail, wrapper) = jail(caller);
    let launch = || {
        let mut command = jail.command(&wrapper);
        command.args(["-c", SESSION]).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("it starts")
    };
    let whole = || {
        let begin = Instant::now();
        assert!(launch().wait().expect("its end").success());
        begin.elapsed()
    };
    let before = kept(&jail);
    whole();
    let length = whole().max(whole());
    assert_eq!(kept(&jail), before, "without a kill");
    let login = jail.home().join(".agent/login");
    let mut runs = 3;
    let mut ended = 0;
    for time in 0..times {
        // From the first moment to a little after the last one.
        let delay = length * 5 / 4 * time / times;
        let mut launch = launch();
        std::thread::sleep(delay);
        launch.kill().expect("SIGKILL");
        ended += u32::from(launch.wait().expect("its end").success());
        let when = format!("killed after {delay:?} of {length:?}");
        wait_until_all_is_as(&before, &jail, &when);
        // What was written to what is shared is there.
        let lines = fs::read_to_string(&login).expect("it").lines().count();
        assert!(lines == runs || lines == runs + 1, "{when}: {lines} after {runs}");
        runs = lines;
    }
    assert!(ended < times, "none was killed");
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mounts");
    assert!(!mounts.contains(jail.folder.path().to_str().expect("UTF-8")), "{mounts}");
    // The next one works, and finds its way.
    whole();
    assert_eq!(kept(&jail), before);
    assert_eq!(fs::read_to_string(&login).expect("it").lines().count(), runs + 1);
}

#[test]
fn killed_at_sixty_moments_it_leaves_nothing_and_loses_nothing() {
    for caller in callers() {
        killed(caller, 60);
    }
}

#[test]
#[ignore = "it takes three minutes"]
fn killed_a_thousand_times_it_leaves_nothing_and_loses_nothing() {
    for caller in callers() {
        killed(caller, 1000);
    }
}
