//! `jailgen watch` on a real terminal, with a jail that runs and a host that it is refused.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::harness::Scratch;
use crate::real_nix::{Setup, has_user_namespaces, setup};
use crate::terminal::{side_of, terminal};

/// A jail that asks for a host again and again. Each test has one of another name: all that run on
/// this machine are shown.
struct Running {
    name: &'static str,
    /// It ends before its folder is removed.
    _jail: Guarded,
    scratch: Scratch,
}

impl Running {
    fn start(setup: &Setup, name: &'static str) -> Self {
        let spec = format!(
            "jail \"{name}\" pkgs.bashInteractive [ (add-pkg-deps [ pkgs.coreutils ]) (network-allow [ \"a.test.example\" ]) ]"
        );
        let scratch = Scratch::with(&[("net.jail", &spec)]);
        setup.build(&scratch, "net.jail");
        let mut command = Command::new(scratch.path(".local/state/jailgen/bin").join(name));
        command
            .args(["-c", "while :; do (: </dev/tcp/evil.example/443) 2>/dev/null; sleep 1; done"]);
        command.env("HOME", scratch.path("")).env_remove("XDG_STATE_HOME");
        command.current_dir(scratch.path("")).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let _jail = Guarded(command.spawn().unwrap());
        let running = Self { name, _jail, scratch };
        let logs = running.logs();
        let deadline = Instant::now() + Duration::from_secs(60);
        while fs::read_dir(&logs).map_or(0, Iterator::count) == 0 {
            assert!(Instant::now() < deadline, "the jail was refused nothing");
            std::thread::sleep(Duration::from_millis(20));
        }
        running
    }

    fn logs(&self) -> PathBuf {
        self.scratch.path(".local/state/jailgen/log").join(self.name)
    }

    /// Adds a line to the log of the session, as a broker would that does not judge names.
    fn log(&self, host: &str) {
        let file = fs::read_dir(self.logs()).unwrap().next().unwrap().unwrap().path();
        let line = serde_json::json!({
            "time": "2026-01-31T12:00:00.000Z", "session": file.file_stem().unwrap().to_str(),
            "verdict": "refused", "host": host, "port": 443, "reason": "no rule allows this host",
        });
        // The broker writes its own file where it was.
        fs::write(self.logs().join("added.jsonl"), format!("{line}\n")).unwrap();
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("jailgen"));
        command.arg("watch").args(words).env("HOME", self.scratch.path(""));
        command.env("TERM", "xterm-256color").env_remove("XDG_STATE_HOME");
        command.current_dir(self.scratch.path(""));
        command
    }
}

/// A process that does not outlive its test.
struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Guarded {
    #[track_caller]
    fn ends(&mut self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.0.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
        self.0.wait().unwrap().success()
    }
}

/// `jailgen watch` on a terminal of its own.
struct Watch {
    master: File,
    side: OwnedFd,
    child: Guarded,
    output: Receiver<Vec<u8>>,
    seen: Vec<u8>,
}

impl Watch {
    fn start(running: &Running) -> Self {
        let (name, master) = terminal();
        let side = side_of(&name);
        let size = Winsize { ws_row: 30, ws_col: 140, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size).unwrap();
        let end = || Stdio::from(side.try_clone().unwrap());
        let mut command = running.command(&[running.name]);
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        let master = File::from(master);
        let (sender, output) = channel();
        let mut reader = master.try_clone().unwrap();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { master, side, child: Guarded(child), output, seen: Vec::new() }
    }

    /// Waits for a text on the screen. What was seen before does not count.
    #[track_caller]
    fn expect(&mut self, text: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !String::from_utf8_lossy(&self.seen).contains(text) {
            let rest = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(rest) {
                Ok(bytes) => self.seen.extend(bytes),
                Err(_) => panic!("no `{text}` in {:?}", String::from_utf8_lossy(&self.seen)),
            }
        }
    }

    fn keys(&mut self, keys: &[u8]) {
        self.seen.clear();
        self.master.write_all(keys).unwrap();
    }

    fn kill(&self, signal: &str) {
        let id = self.child.0.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Whether keys arrive one by one, and are not shown.
    fn is_raw(&self) -> bool {
        !tcgetattr(&self.side).unwrap().local_modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }

    /// Closes the terminal, and waits for the end.
    fn close(self) {
        let Self { master, side, mut child, output, .. } = self;
        // The thread that reads has the terminal open too, and ends when its channel is closed.
        drop((master, side, output));
        child.ends();
    }

    /// Waits for the end, with the terminal as it was.
    #[track_caller]
    fn ends(mut self) {
        self.expect("\u{1b}[?1049l");
        assert!(self.child.ends());
        assert!(!self.is_raw(), "the terminal is as it was");
    }
}

#[test]
fn a_refused_host_appears_and_is_allowed_with_a_key() {
    let Some(setup) = setup().filter(|_| has_user_namespaces()) else { return };
    let running = Running::start(&setup, "watched-keys");
    let mut watch = Watch::start(&running);
    watch.expect("watched-keys");
    watch.expect("evil.example");
    assert!(watch.is_raw());
    watch.keys(b"a");
    watch.expect("y allows it");
    // Any other key is no.
    watch.keys(b"x");
    watch.keys(b"ay");
    watch.expect("evil.example is allowed");
    watch.keys(b"d");
    // What is the same on the line is not written again.
    watch.expect("denied");
    watch.keys(b"q");
    watch.ends();
}

#[test]
fn a_terminal_that_is_closed_ends_it() {
    let Some(setup) = setup().filter(|_| has_user_namespaces()) else { return };
    let running = Running::start(&setup, "watched-end");
    let mut watch = Watch::start(&running);
    watch.expect("watched-end");
    watch.close();
}

#[test]
fn a_hostile_name_is_escaped_and_another_size_and_a_signal_are_heard() {
    let Some(setup) = setup().filter(|_| has_user_namespaces()) else { return };
    let running = Running::start(&setup, "watched-names");
    running.log("own\u{1b}]0;owned\u{7}\u{1b}[31med.example");
    let mut watch = Watch::start(&running);
    watch.expect("own\\u{1b}]0;owned\\u{7}");
    let seen = String::from_utf8_lossy(&watch.seen).into_owned();
    assert!(!seen.contains("\u{1b}]0;") && !seen.contains('\u{7}'), "{seen:?}");
    watch.seen.clear();
    let size = Winsize { ws_row: 40, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&watch.master, size).unwrap();
    // The terminal is not its controlling one, so the kernel tells it nothing.
    watch.kill("-WINCH");
    // What is drawn anew reaches the last lines of the new size.
    watch.expect("\u{1b}[39;1H");
    watch.seen.clear();
    watch.kill("-TERM");
    watch.ends();
}

#[test]
fn events_are_lines_and_without_a_terminal_there_is_nothing_else() {
    let Some(setup) = setup().filter(|_| has_user_namespaces()) else { return };
    let running = Running::start(&setup, "watched-lines");
    running.log("own\u{1b}[31med.example");
    let output = running.command(&[]).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && said.contains("jailgen watch --json"), "{said}");
    let output = running.command(&["nothing", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let mut child =
        running.command(&[running.name, "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let mut events = Vec::new();
    for line in lines.map(Result::unwrap) {
        assert!(!line.contains('\u{1b}'), "{line:?}");
        events.push(serde_json::from_str::<serde_json::Value>(&line).unwrap());
        if events.iter().filter(|event| event["event"] == "network").count() >= 2 {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(events[0]["event"], "session");
    assert_eq!(events[0]["session"]["name"], running.name);
    let usage = events.iter().find(|event| event["event"] == "usage").unwrap();
    assert!(usage["processes"].as_u64().unwrap() >= 2 && usage["memory"].as_u64().unwrap() > 0);
    let hosts: Vec<&str> = events.iter().filter_map(|event| event["host"].as_str()).collect();
    assert!(hosts.contains(&"own\u{1b}[31med.example"), "{hosts:?}");
}
