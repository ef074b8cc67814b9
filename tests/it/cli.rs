//! The command line itself: usage, help, colour, exit codes, completions and manual pages.

use expect_test::expect;

use crate::harness::Scratch;

#[test]
fn without_a_command_the_help_is_shown() {
    let outcome = Scratch::new().run(&[]);
    outcome.assert_status(2);
    assert!(outcome.stderr.contains("Usage: jailgen"), "{}", outcome.all());
}

#[test]
fn a_misspelt_command_is_a_usage_error_that_offers_the_nearest() {
    let outcome = Scratch::new().run(&["chekc", "a.jail"]);
    outcome.assert_status(2);
    assert!(outcome.stderr.contains("'check'"), "{}", outcome.all());
}

#[test]
fn every_command_has_examples_in_its_help() {
    let scratch = Scratch::new();
    let help = scratch.run(&["--help"]);
    let commands: Vec<&str> = help
        .assert_status(0)
        .stdout
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.len() > 1, "{}", help.all());
    for command in commands {
        let outcome = scratch.run(&[command, "--help"]);
        let text = &outcome.assert_status(0).stdout;
        assert!(text.contains("Examples:\n  jailgen "), "{command}: {text}");
    }
}

#[test]
fn the_seal_is_hidden() {
    let outcome = Scratch::new().run(&["--help"]);
    assert!(!outcome.stdout.contains("seal"), "{}", outcome.all());
}

#[test]
fn completions_are_made_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let outcome = Scratch::new().run(&["completions", shell]);
        let script = &outcome.assert_status(0).stdout;
        assert!(script.contains("jailgen"), "{shell}");
        for hidden in ["add-kit", "seal"] {
            assert!(!script.contains(hidden), "{shell} offers {hidden}");
        }
    }
}

/// What the scripts ask. tests/it/completions.rs has the shells.
#[test]
fn a_word_is_completed_by_what_can_stand_there() {
    let scratch = Scratch::with(&[("a.jail", "jail \"one\" pkgs.hello [ ]"), ("b.jail", "1 +")]);
    let offered = |words: &[&str]| {
        let index = (words.len() - 1).to_string();
        let arguments = [&["complete", index.as_str(), "--"], words].concat();
        let lines = scratch.run(&arguments).assert_status(0).stdout.clone();
        let first = |line: &str| line.split('\t').next().unwrap_or_default().to_owned();
        lines.lines().map(first).collect::<Vec<_>>().join(" ")
    };
    assert!(offered(&["jailgen", ""]).contains("check explain"));
    assert_eq!(offered(&["jailgen", "seal"]), "");
    assert_eq!(offered(&["jailgen", "add-kit"]), "");
    assert_eq!(offered(&["jailgen", "complete"]), "");
    assert_eq!(offered(&["jailgen", "doc", "share-"]), "share-terminal share-ns");
    assert_eq!(offered(&["jailgen", "hosts", "cl"]), "claude-code");
    assert_eq!(offered(&["jailgen", "run", "a.jail", "--jail", ""]), "one");
    assert_eq!(offered(&["jailgen", "run", "b.jail", "--jail", ""]), "");
    assert_eq!(offered(&["jailgen", "trace", "-o", ""]), ":files");
    assert_eq!(offered(&["jailgen", "emit", "--output="]), ":folders");
    assert_eq!(offered(&["jailgen", "run", "a.jail", "--", ""]), ":files");
    assert!(offered(&["jailgen", "check", ""]).starts_with(":files .jail"));
    assert!(offered(&["jailgen", "check", "--"]).starts_with("--message-format"));
}

#[test]
fn snippets_are_printed_for_all_that_a_spec_can_call() {
    let outcome = Scratch::new().run(&["completions", "snippets"]);
    let snippets: serde_json::Value =
        serde_json::from_str(&outcome.assert_status(0).stdout).unwrap();
    let combinators = jail_registry::combinators().map(|it| it.name);
    for name in combinators.chain(jail_registry::BUILDERS.iter().map(|it| it.name)).chain(["jail"])
    {
        let body = snippets[name]["body"][0].as_str().unwrap_or_else(|| panic!("no `{name}`"));
        assert!(body.starts_with(name) && snippets[name]["prefix"] == name, "{name}: {body}");
    }
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let scratch = Scratch::new();
    scratch.run(&["man", "-o", "pages"]).assert_status(0);
    let pages = std::fs::read_dir(scratch.path("pages")).unwrap();
    let mut names: Vec<_> = pages.map(|page| page.unwrap().file_name()).collect();
    names.sort();
    expect!["jailgen-allow.1 jailgen-apply.1 jailgen-approve.1 jailgen-audit.1 jailgen-build.1 jailgen-changes.1 jailgen-check.1 jailgen-closure.1 jailgen-completions.1 jailgen-config-path.1 jailgen-config-set.1 jailgen-config-unset.1 jailgen-config.1 jailgen-deny.1 jailgen-diff.1 jailgen-doc.1 jailgen-doctor.1 jailgen-drop.1 jailgen-emit.1 jailgen-eval.1 jailgen-explain.1 jailgen-gc.1 jailgen-handoff-approve.1 jailgen-handoff-restore.1 jailgen-handoff.1 jailgen-hosts.1 jailgen-import.1 jailgen-init.1 jailgen-list.1 jailgen-log.1 jailgen-lsp.1 jailgen-man.1 jailgen-remove.1 jailgen-report.1 jailgen-run.1 jailgen-sessions.1 jailgen-shell.1 jailgen-stages.1 jailgen-stop.1 jailgen-trace.1 jailgen-trust-forget.1 jailgen-trust-list.1 jailgen-trust.1 jailgen-update.1 jailgen-watch.1 jailgen-worktree-add.1 jailgen-worktree-list.1 jailgen-worktree-remove.1 jailgen-worktree.1 jailgen.1"]
        .assert_eq(&names.iter().map(|name| name.to_string_lossy()).collect::<Vec<_>>().join(" "));
    assert!(scratch.read("pages/jailgen.1").contains(".TH jailgen 1"));
}

#[test]
fn a_manual_page_has_the_values_of_options_and_the_examples() {
    let scratch = Scratch::new();
    scratch.run(&["man", "-o", "pages"]).assert_status(0);
    let page = scratch.read("pages/jailgen-check.1");
    for part in
        ["[\\-\\-deny WHAT]", "SPEC...", "warnings: Warnings", ".SH EXAMPLES", ".SH \"SEE ALSO\""]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(scratch.read("pages/jailgen.1").contains(".SH \"EXIT STATUS\""));
    assert!(!page.contains(".SH EXTRA"));
}

/// Each line that a shell runs, with what the command says.
fn in_shell(scratch: &Scratch, line: &str) -> (i32, String) {
    let jailgen = assert_cmd::cargo::cargo_bin!("jailgen");
    let line = format!("\"$0\" {line}");
    let output = std::process::Command::new("bash")
        .args(["-c", &line])
        .arg(jailgen)
        .current_dir(scratch.path(""))
        .env("HOME", scratch.path(""))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap_or(-1), said)
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let scratch = Scratch::with(&[("a.jail", "jail \"a\" pkgs.hello [ ]")]);
    for command in [
        "check a.jail",
        "check --message-format json a.jail",
        "explain a.jail",
        "eval -E 1",
        "doc",
        "hosts",
        "man",
        "completions zsh",
        "--help",
        "--version",
        "check --help",
    ] {
        let (status, said) = in_shell(&scratch, &format!("{command} >&-"));
        assert_eq!((status, said.contains("standard output is closed")), (1, true), "{said}");
        assert_eq!(in_shell(&scratch, &format!("{command} >/dev/null")).0, 0, "{command}");
        // Without a result there is nothing to write.
        if command != "check a.jail" && !command.contains("json") {
            let (status, said) = in_shell(&scratch, &format!("{command} >/dev/full"));
            assert_eq!((status, said.contains("No space left")), (1, true), "{command}: {said}");
        }
    }
    // A shell that gives the other two away takes nothing from the output.
    assert_eq!(in_shell(&scratch, "eval -E 1 <&- 2>&-").0, 0);
}

#[test]
fn a_page_is_printed_for_each_name() {
    let scratch = Scratch::new();
    let page = scratch.run(&["doc", "readwrite"]);
    assert!(page.assert_status(0).stdout.starts_with("readwrite PATH : String"), "{}", page.all());
    assert!(!page.stdout.contains('\u{1b}'));
    assert!(scratch.run(&["--color", "always", "doc", "readwrite"]).stdout.contains('\u{1b}'));
    let all = scratch.run(&["doc", "--json"]);
    let all: serde_json::Value = serde_json::from_str(&all.assert_status(0).stdout).unwrap();
    let names = jail_registry::combinators().map(|it| it.name);
    for name in names.chain(jail_registry::BUILDERS.iter().map(|it| it.name)) {
        assert!(all["entries"].as_array().unwrap().iter().any(|entry| entry["name"] == name));
        scratch.run(&["doc", name]).assert_status(0);
    }
    let unknown = scratch.run(&["doc", "makeJailedClaude"]);
    let said = &unknown.assert_status(1).stderr;
    assert!(said.contains("did you mean `makeJailedClaudeCode`?"), "{said}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let jailgen = assert_cmd::cargo::cargo_bin!("jailgen");
    let script = "trap '' PIPE; (\"$0\" completions bash; echo \"status $?\" >&2) | true";
    let output =
        std::process::Command::new("bash").args(["-c", script]).arg(jailgen).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "status 0\n");
}

/// A name that a jail can give to a file, and that would write to the clipboard
/// and turn the line around.
const OBEYED: &str = "a\u{1b}]52;c;eA==\u{7}\u{9b}31m\u{202e}b";

/// Whether something of that name is printed as it is. Colours are left out of
/// account: they are jailgen's own.
fn is_raw(scratch: &Scratch, arguments: &[&str]) -> bool {
    let outcome = scratch.run(&[&["--color", "always"], arguments].concat());
    let printed = outcome.stdout + &outcome.stderr;
    let mut parts = printed.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';'));
    let plain = first + &rest.collect::<Vec<_>>().join("");
    let is_obeyed = |c: char| c == '\u{202e}' || (c.is_control() && !matches!(c, '\n' | '\t'));
    plain.contains(is_obeyed)
}

/// Of a grant and of a file that is copied: what follows the line break would
/// look like a line of ours.
#[test]
fn no_name_in_a_question_goes_on_in_another_line() {
    let spec = r#"jail "x" pkgs.hello [
      (readwrite "/srv/a\n  approved x: fine")
      (ro-bind "${./. + "/b\n  approved c"}" "/c")
    ]"#;
    let scratch = Scratch::with(&[("x.jail", spec), ("b\n  approved c", "")]);
    let output = scratch.jailgen(&["approve", "x.jail"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains(r"/srv/a\n  approved x: fine"), "{said}");
    assert!(said.contains(r"it copies `b\n  approved c`"), "{said}");
    assert!(said.contains(r"Writes /srv/a\n  approved x: fine"), "{said}");
    // What it writes, reads and reaches; the grant; the copy; that it is approved.
    assert_eq!(said.lines().count(), 6, "{said}");
}

/// `${inputs.x}` alone does not tell that it is a place of this machine.
#[test]
fn an_input_is_shown_before_it_is_read() {
    let spec = r#"{ inputs.x = { url = "path:/home/u/.ssh"; flake = false; };
      outputs = { pkgs, inputs, ... }: jail "x" pkgs.hello [ (ro-bind "${inputs.x}" "/x") ]; }"#;
    let scratch = Scratch::with(&[("x.jail", spec)]);
    for (arguments, word) in [
        (&["explain", "x.jail"][..], "Inputs, which Nix reads"),
        (&["explain", "--json", "x.jail"], "\"inputs\""),
        (&["run", "x.jail"], "is not approved yet"),
        (&["approve", "x.jail"], "approved the input `x`"),
    ] {
        let output = scratch.jailgen(arguments).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(said.contains(word) && said.contains("path:/home/u/.ssh"), "{said}");
    }
    let plain = Scratch::with(&[("x.jail", "jail \"x\" pkgs.hello [ ]")]);
    assert!(!plain.run(&["explain", "x.jail"]).stdout.contains("Inputs"));
}

#[test]
fn no_name_of_a_file_reaches_the_terminal_raw() {
    let spec = format!("{OBEYED}.jail");
    let missing = format!("{OBEYED}.other");
    let unknown = format!("--{OBEYED}");
    let broken = "jail \"x\" pkgs.hello [ (readonyl 1) ]";
    let scratch = Scratch::with(&[(&spec, broken), ("project/flake.nix", "{ }")]);
    let mut raw = Vec::new();
    for command in [
        "build", "approve", "run", "shell", "update", "check", "emit", "explain", "audit", "trace",
        "closure", "import", "init", "eval", "remove", "doc", "hosts", "log", "stop", "watch",
    ] {
        for file in [&spec, &missing, &unknown] {
            let arguments = match command {
                "emit" => vec![command, file, "-o", OBEYED],
                _ => vec![command, file],
            };
            if is_raw(&scratch, &arguments) {
                raw.push(format!("{command} {file:?}"));
            }
        }
    }
    for arguments in [
        &["trust", "forget", &spec][..],
        &[OBEYED],
        &["build", "--nixpkgs", OBEYED, "x.jail"],
        &["build", "--kit", &format!("/{OBEYED}"), &spec],
        &["check", "--message-format", OBEYED, "x.jail"],
        &["completions", OBEYED],
        &["man", "-o", &format!("/proc/{OBEYED}")],
    ] {
        if is_raw(&scratch, arguments) {
            raw.push(format!("{arguments:?}"));
        }
    }
    assert!(raw.is_empty(), "{raw:#?}");
}
