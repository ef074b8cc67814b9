//! Completions in the shells themselves: each runs on a terminal, where a line is typed with a tab
//! in it, and says what became of the words.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::harness::Scratch;

/// A shell, and what makes it ready: the completions, and `show`, which says what it is given and
/// is completed as jailgen is.
struct Shell {
    name: &'static str,
    start: &'static str,
    set_up: &'static str,
}

const SHELLS: &[Shell] = &[
    Shell {
        name: "bash",
        start: "bash --noprofile --norc -i",
        set_up: r#"bind 'set enable-bracketed-paste off'; source <(jailgen completions bash); complete -F _jailgen show; show() { printf '<%s>' "$@"; echo; }"#,
    },
    Shell {
        name: "zsh",
        start: "zsh -f -i",
        set_up: r#"unset zle_bracketed_paste; autoload -U compinit && compinit -u -D; source <(jailgen completions zsh); compdef _jailgen show; show() { printf '<%s>' "$@"; echo; }"#,
    },
    Shell {
        name: "fish",
        start: "fish --no-config --interactive",
        set_up: r"jailgen completions fish | source; complete --command show --no-files --keep-order --arguments '(__jailgen_complete)'; function show; printf '<%s>' $argv; echo; end",
    },
];

/// What is typed after `show`, and the words that come of it.
const TYPED: &[(&str, &str)] = &[
    ("che\t", "<check>"),
    // Specs, and folders that they may be in.
    ("check tea\t", "<check><team.jail>"),
    ("check fol\tinn\t", "<check><folder/inner.jail>"),
    ("check spa\t", "<check><spaced name.jail>"),
    ("check 'spa\t", "<check><spaced name.jail>"),
    ("check team.jail fol\tinn\t", "<check><team.jail><folder/inner.jail>"),
    ("run ~/tea\t", "<run><HOME/team.jail>"),
    // Other files, and folders.
    ("import no\t", "<import><notes.txt>"),
    ("man --output fol\t", "<man><--output><folder/>"),
    ("man --output=fol\t", "<man><--output=folder/>"),
    // Values of options.
    ("check --message-format j\t", "<check><--message-format><json>"),
    ("check --message-f\tj\t", "<check><--message-format><json>"),
    ("check --message-format=j\t", "<check><--message-format=json>"),
    // The jails of the spec.
    ("run team.jail --jail jailed-r\t", "<run><team.jail><--jail><jailed-review>"),
    ("run team.jail --jail=jailed-r\t", "<run><team.jail><--jail=jailed-review>"),
    ("run --jail jailed-r\tteam.jail", "<run><--jail><jailed-rteam.jail>"),
    ("audit spaced\\ name.jail --jail al\t", "<audit><spaced name.jail><--jail><alone>"),
    // What can be looked up.
    ("doc readonly-r\t", "<doc><readonly-runtime-args>"),
    ("doc makeJailedCl\t", "<doc><makeJailedClaudeCode>"),
    ("init claude\t", "<init><claude-code>"),
    ("trust for\t", "<trust><forget>"),
    // What is hidden.
    ("sea\t", "<sea>"),
    ("add-k\t", "<add-k>"),
    ("compl\t", "<completions>"),
];

const SPEC: &str =
    r#"{ a = jail "jailed-build" pkgs.hello [ ]; b = jail "jailed-review" pkgs.hello [ ]; }"#;

#[test]
fn shells_complete_files_jails_and_names() {
    let mut wrong = Vec::new();
    for shell in SHELLS {
        if is_missing(shell.name) {
            continue;
        }
        let scratch = Scratch::with(&[
            ("team.jail", SPEC),
            ("spaced name.jail", "jail \"alone\" pkgs.hello [ ]"),
            ("folder/inner.jail", SPEC),
            ("team.txt", ""),
            ("notes.txt", ""),
        ]);
        let mut terminal = Terminal::start(shell, &scratch);
        for (typed, wanted) in TYPED {
            let wanted = wanted.replace("HOME", home(&scratch).to_str().unwrap());
            let said = terminal.type_line(typed);
            // Bash ends the completion of a file in an open quote with that quote.
            let said = said.trim();
            // Fish has a space after a folder, which is a word's end there too.
            if said.replace("/>", ">") != wanted.replace("/>", ">") {
                wrong.push(format!("{}: {typed:?}: {said}", shell.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A test that cannot run says so, and fails where the machine is declared to have the shell.
fn is_missing(shell: &str) -> bool {
    let has = |program: &str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    };
    let is_missing = !has(shell) || !has("script");
    if is_missing {
        println!("skipped: there is no {shell}, or no script(1) to run it on a terminal");
        let required = std::env::var("JAIL_TEST_REQUIRE").unwrap_or_default();
        assert!(
            !required.split(',').any(|name| name == "shells"),
            "{shell} is declared to be there"
        );
    }
    is_missing
}

/// The folder without a slash at its end.
fn home(scratch: &Scratch) -> PathBuf {
    scratch.path("").components().collect()
}

/// A shell on a terminal.
struct Terminal {
    script: Child,
    output: Receiver<Vec<u8>>,
}

/// What a line of output begins with that `show` printed.
const MARK: &str = "said:";

/// A hang is a failure, and ends the test.
const PATIENCE: Duration = Duration::from_secs(15);

impl Terminal {
    fn start(shell: &Shell, scratch: &Scratch) -> Self {
        let jailgen = assert_cmd::cargo::cargo_bin!("jailgen");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = [jailgen.parent().unwrap().to_owned()].into_iter();
        let path = std::env::join_paths(folders.chain(std::env::split_paths(&path))).unwrap();
        let mut script = Command::new("script")
            .args(["--quiet", "--return", "--command", shell.start, "/dev/null"])
            .env_clear()
            .env("PATH", path)
            .env("HOME", home(scratch))
            .env("TERM", "dumb")
            .env("LC_ALL", "C.UTF-8")
            .current_dir(scratch.path(""))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = script.stdout.take().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = stdout.read(&mut buffer) {
                let _ = sender.send(buffer[..length].to_vec());
            }
        });
        let mut terminal = Self { script, output };
        terminal.write(&format!("{}; echo rea''dy\r", shell.set_up));
        terminal.read_until("ready");
        terminal
    }

    /// Types a line, and returns the arguments of `show`.
    fn type_line(&mut self, typed: &str) -> String {
        self.write(&format!("show {typed}"));
        self.write(&format!("; echo {MARK}''end\r"));
        let text = self.read_until(&format!("{MARK}end"));
        let shown = text.lines().rev().find(|line| line.trim_start().starts_with('<'));
        shown.unwrap_or(&text).to_owned()
    }

    fn write(&mut self, text: &str) {
        let stdin = self.script.stdin.as_mut().unwrap();
        stdin.write_all(text.as_bytes()).and_then(|()| stdin.flush()).unwrap();
    }

    fn read_until(&mut self, end: &str) -> String {
        let mut text = Vec::new();
        let begin = Instant::now();
        while !String::from_utf8_lossy(&text).contains(end) {
            let left = PATIENCE.saturating_sub(begin.elapsed());
            match self.output.recv_timeout(left) {
                Ok(more) => text.extend(more),
                Err(_) => panic!("no `{end}` in {:?}", String::from_utf8_lossy(&text)),
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}

/// The scripts are read by shells alone, so only their users would see a mistake in one.
#[test]
fn scripts_are_sound_to_their_shells() {
    for (shell, option) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        if is_missing(shell) {
            continue;
        }
        let scratch = Scratch::new();
        let script = scratch.run(&["completions", shell]).assert_status(0).stdout.clone();
        scratch.write("script", script.as_bytes());
        let status =
            Command::new(shell).arg(option).arg(Path::new(&scratch.path("script"))).status();
        assert!(status.unwrap().success(), "{shell}");
    }
}
