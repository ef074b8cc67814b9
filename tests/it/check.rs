//! `jailgen check`: the examples are clean, and every kind of bad input is reported so
//! that its author can fix it.

use crate::harness::{BadInput, Outcome, Scratch, check_bad_input, project};

fn bad(what: &'static str, spec: impl Into<Vec<u8>>, says: &'static [&'static str]) -> BadInput {
    BadInput { what, spec: spec.into(), says }
}

/// A jail with these permissions.
fn jail(permissions: &str) -> String {
    format!("jail \"demo\" pkgs.hello [\n  {permissions}\n]\n")
}

#[test]
fn what_is_no_text_of_the_language() {
    check_bad_input(&[
        bad(
            "not UTF-8",
            b"jail \"d\xe9mo\" pkgs.hello [ ]".to_vec(),
            &["error[encoding]", "bad.jail:1:8"],
        ),
        bad("an empty file", "", &["error[syntax]", "the file is empty"]),
        bad("only a comment", "# nothing\n", &["error[syntax]", "bad.jail:1:"]),
        bad("10 MB", "[ ".repeat(5 << 20), &["error[too-large]", "4 MB"]),
        bad(
            "a bracket that is not closed",
            "jail \"demo\" pkgs.hello [",
            &["error[syntax]", "bad.jail:1:"],
        ),
        bad(
            "a string that is not closed",
            "jail \"demo pkgs.hello [ ]",
            &["error[syntax]", "bad.jail:1:"],
        ),
        bad("two expressions", "let a = 1; in a; b", &["error[syntax]", "bad.jail:1:"]),
        bad("control characters", "\u{1b}]0;title\u{7}", &["error[syntax]", "␛]0;title␇"]),
    ]);
}

#[test]
fn what_is_nested_or_chained_beyond_reason() {
    check_bad_input(&[
        bad("100,000 brackets", "[".repeat(100_000), &["error[too-nested]", "bad.jail:1:"]),
        bad("100,000 parentheses", "(".repeat(100_000), &["error[too-nested]"]),
        bad("100,000 braces", "{a=".repeat(100_000), &["error[too-nested]"]),
        bad("200 kB of a selection", format!("a{}", ".b".repeat(100_000)), &["error[too-nested]"]),
        bad("200 kB of a sum", format!("a{}", "+a".repeat(100_000)), &["error[too-nested]"]),
        bad("200 kB of a list sum", format!("a{}", "++a".repeat(66_000)), &["error[too-nested]"]),
        bad("200 kB of negations", "!".repeat(200_000), &["error[too-nested]"]),
        bad("200 kB of applications", "f ".repeat(100_000), &["error[too-nested]"]),
        bad("200 kB of lambdas", "x: ".repeat(66_000), &["error[too-nested]"]),
        bad("200 kB of interpolations", "\"${".repeat(66_000), &["error[too-nested]"]),
    ]);
}

#[test]
fn what_never_ends() {
    check_bad_input(&[
        bad("a value that needs itself", "let x = x; in x", &["error[infinite-recursion]"]),
        bad("a function that calls itself", "let f = x: f x; in f 1", &["error[", "bad.jail:1:"]),
        bad("a growing recursion", "let f = x: 1 + f (x + 1); in f 1", &["error[recursion-limit]"]),
        bad(
            "two values that need each other",
            "let a = b; b = a; in jail \"demo\" pkgs.hello a",
            &["error[infinite-recursion]"],
        ),
        bad("a file that imports itself", "import ./bad.jail", &["error[infinite-recursion]"]),
    ]);
}

#[test]
fn what_names_something_that_is_not_there() {
    check_bad_input(&[
        bad(
            "a misspelt combinator",
            jail("(readonyl \"/src\")"),
            &[
                "error[unknown-combinator]",
                "`readonyl`",
                "did you mean `readonly`?",
                "bad.jail:2:4",
            ],
        ),
        bad(
            "a misspelt builder",
            "makeJailedOpencod { }",
            &["error[", "`makeJailedOpencod`", "did you mean `makeJailedOpencode`?"],
        ),
        bad(
            "a misspelt argument of a builder",
            "makeJailedOpencode { extraPkg = [ ]; }",
            &[
                "error[unknown-argument]",
                "`extraPkg`",
                "did you mean `extraPkgs`?",
                "bad.jail:1:22",
            ],
        ),
        bad(
            "a file that is missing",
            "import ./common.nix",
            &["error[missing-file]", "common.nix"],
        ),
        bad("a file outside", "import /etc/hostname", &["error[outside-folder]"]),
        bad(
            "an unknown namespace",
            jail("(share-ns \"nte\")"),
            &["error[unknown-namespace]", "`nte`"],
        ),
        bad(
            "an undefined variable",
            "let pkg = 1; in pkgz",
            &["error[undefined-variable]", "`pkgz`"],
        ),
    ]);
}

#[test]
fn what_has_the_wrong_type_or_count() {
    check_bad_input(&[
        bad(
            "a number for a path",
            jail("(readonly 1)"),
            &["error[param-type]", "`readonly`", "bad.jail:2:13"],
        ),
        bad(
            "too many arguments",
            jail("(readonly \"/a\" \"/b\")"),
            &["error[", "`readonly`", "bad.jail:2:"],
        ),
        bad("too few arguments", jail("(ro-bind \"/a\")"), &["error[", "`ro-bind`", "bad.jail:2:"]),
        bad(
            "a list element without its parentheses",
            jail("readonly \"/a\""),
            &["error[", "`readonly`", "parentheses"],
        ),
        bad("no list of permissions", "jail \"demo\" pkgs.hello mount-cwd 1", &["error["]),
        bad(
            "a string for a package",
            jail("(add-pkg-deps [ \"git\" ])"),
            &["error[param-type]", "bad.jail:2:"],
        ),
        bad("no jail", "{ a = 1; }", &["error[no-jail]", "`a`"]),
        bad(
            "a builder without what it needs",
            "makeJailedAgent { name = \"a\"; }",
            &["error[missing-argument]"],
        ),
    ]);
}

#[test]
fn what_is_no_place_or_name() {
    check_bad_input(&[
        bad(
            "a relative path",
            jail("(readonly \"src\")"),
            &["error[relative-", "`src`", "bad.jail:2:13"],
        ),
        bad(
            "a path with `..`",
            jail("(readonly \"/a/../b\")"),
            &["error[parent-component]", "/a/../b"],
        ),
        bad(
            "a name with a slash",
            "jail \"a/b\" pkgs.hello [ ]",
            &["error[jail-name]", "`a/b`", "bad.jail:1:"],
        ),
        bad("an empty name", "jail \"\" pkgs.hello [ ]", &["error[jail-name]"]),
        bad("a name that is a folder", "jail \"..\" pkgs.hello [ ]", &["error[jail-name]"]),
        bad(
            "a long name",
            format!("jail \"{}\" pkgs.hello [ ]", "a".repeat(300)),
            &["error[jail-name]"],
        ),
        bad(
            "two jails of one name",
            "let j = jail \"demo\" pkgs.hello; in { a = j [ ]; b = j [ mount-cwd ]; }",
            &["error[duplicate-jail]", "`demo`", "the first", "1 spec: 1 error"],
        ),
        bad(
            "two builders of one name",
            "{ a = makeJailedPi { }; b = makeJailedPi { extraPkgs = [ ]; }; }",
            &["error[duplicate-jail]", "`jailed-pi`", "1 spec: 1 error"],
        ),
        bad(
            "a variable that does not exist",
            jail("(set-env \"A=B\" \"1\")"),
            &["error[environment-name]", "`A=B`"],
        ),
        bad(
            "a NUL byte",
            jail("(set-env \"A\" (builtins.fromJSON \"\\\"\\\\u0000\\\"\"))"),
            &["error["],
        ),
        bad(
            "a command to be run",
            jail("(readonly (noescape \"$(pwd)\"))"),
            &["error[command-substitution]"],
        ),
        bad(
            "a text that cannot be expanded",
            jail("(readonly (noescape \"\\${A\"))"),
            &["error[bad-expansion]"],
        ),
    ]);
}

#[test]
fn what_only_nixpkgs_knows() {
    check_bad_input(&[
        bad(
            "a decision by the platform",
            "if pkgs.stdenv.isLinux then makeJailedPi { } else 1",
            &["error[symbolic-condition]"],
        ),
        bad("a combinator for a package", jail("(add-pkg-deps [ network ])"), &["error["]),
    ]);
}

#[test]
fn a_spec_that_is_not_there() {
    let scratch = Scratch::new();
    let outcome = scratch.run(&["check", "nowhere.jail"]);
    outcome.assert_status(1);
    assert!(outcome.stderr.contains("nowhere.jail` does not exist"), "{}", outcome.all());
    let outcome = scratch.run(&["check", "no/folder/x.jail"]);
    outcome.assert_status(1);
    assert!(outcome.stderr.contains("no/folder/x.jail"), "{}", outcome.all());
}

#[test]
fn what_is_no_spec_is_called_what_it_is() {
    let scratch = Scratch::with(&[
        ("folder.jail/x", ""),
        ("specs/demo.jail", "jail \"demo\" pkgs.hello [ ]"),
        ("two\nlines.jail", ""),
    ]);
    scratch.write("program", b"\x7fELF\x02\x01\0\xff");
    scratch.write("image", b"\x89PNG\r\n\x1a\n\0\0\0\x0d");
    std::os::unix::fs::symlink("nowhere", scratch.path("dangling.jail")).unwrap();
    for (file, is, help) in [
        ("nothing.jail", "`nothing.jail` does not exist", "`jailgen init` writes a spec"),
        ("specs/dmeo.jail", "`specs/dmeo.jail` does not exist", "did you mean `specs/demo.jail`?"),
        ("specs/demo", "`specs/demo` does not exist", "did you mean `specs/demo.jail`?"),
        ("no/folder/x.jail", "`no/folder/x.jail` does not exist", ""),
        ("folder.jail", "`folder.jail` is a folder, not a spec", ""),
        ("specs", "`specs` is a folder, not a spec", "such as `specs/demo.jail`"),
        ("program", "`program` is a program, not a spec", ""),
        ("image", "`image` is a binary file, not a spec", ""),
        ("/dev/null", "`/dev/null` is a device, not a spec", ""),
        ("dangling.jail", "`dangling.jail` is a link to a file that does not exist", ""),
        ("-", "`-` is not a file", "name a file"),
        ("two\nline.jail", r"`two\nline.jail` does not exist", r"did you mean `two\nlines.jail`?"),
    ] {
        for command in ["check", "explain", "build", "run", "closure", "audit", "update"] {
            let outcome = scratch.run(&[command, file]);
            // `audit` takes other things too, and says so.
            let is = is.split(", not").next().unwrap_or_default();
            let said = &outcome.assert_status(1).stderr;
            assert!(said.contains(is) && said.contains(help), "{command} {file}: {said}");
        }
    }
}

#[test]
fn a_file_that_is_missing_leaves_the_others_to_be_checked() {
    let scratch = Scratch::with(&[("b.jail", "jail \"b\" pkgs.hello [ (readonyl 1) ]")]);
    let outcome = scratch.run(&["check", "a.jail", "b.jail"]);
    outcome.assert_status(1);
    assert!(outcome.stderr.contains("`readonyl`"), "{}", outcome.all());
    assert!(outcome.stderr.contains("2 specs: 2 errors"), "{}", outcome.all());
}

/// Names are looked up before anything is evaluated, and everything is evaluated before anything is
/// lowered, so faults of different stages are not reported together.
#[test]
fn all_faults_of_a_spec_are_told_at_once() {
    let spec = r#"{
      misspelt = jail "a" pkgs.hello [ (readonyl "/a") (tmpsf "/b") ];
      typed = jail "b" pkgs.hello [ (readonly 1) (add-pkg-deps [ "git" ]) ];
      lowered = jail "c" pkgs.hello [ (tmpfs "b") (share-ns "nte") ];
      thrown = throw "d";
    }"#;
    let scratch =
        Scratch::with(&[("all.jail", spec), ("syntax.jail", "{ a = 1 +; b = [ 1, 2 ]; }")]);
    let outcome = scratch.run(&["check", "all.jail", "syntax.jail"]);
    for fault in [
        "`readonyl`",
        "`tmpsf`",
        "`readonly`",
        "`add-pkg-deps`",
        "`b`",
        "`nte`",
        "error[thrown]",
        "syntax.jail:1:10",
        "syntax.jail:1:19",
    ] {
        assert!(outcome.stderr.contains(fault), "{fault}: {}", outcome.all());
    }
    assert!(outcome.stderr.contains("2 specs: 9 errors, 0 warnings"), "{}", outcome.all());
}

#[test]
fn warnings_count_when_they_are_denied() {
    let scratch = Scratch::with(&[("a.jail", &jail("(set-env \"CACHE\" \"~/x\")"))]);
    let outcome = scratch.run(&["check", "a.jail"]);
    let message = &outcome.assert_status(0).stderr;
    assert!(message.contains("warning[literal-expansion]"), "{}", outcome.all());
    scratch.run(&["check", "--deny", "warnings", "a.jail"]).assert_status(1);
}

#[test]
fn what_is_dangerous_is_warned_of_with_its_code_severity_and_line() {
    for (grant, code, severity) in [
        ("(readwrite (noescape \"~\"))", "grants-home", "critical"),
        ("(readonly (noescape \"~/.ssh\"))", "grants-credentials", "high"),
        ("(readwrite \"/var/run/docker.sock\")", "grants-host-services", "critical"),
        ("(set-env \"PATH\" \"/usr/bin\")", "breaks-path", "medium"),
        ("(set-env \"HOME\" \"/work\")", "breaks-home", "medium"),
        ("whole-nix-store", "whole-store", "medium"),
    ] {
        let scratch = Scratch::with(&[("a.jail", &jail(grant))]);
        let outcome = scratch.run(&["check", "a.jail"]);
        let message = &outcome.assert_status(0).stderr;
        assert!(message.contains(&format!("warning[{code}]")), "{}", outcome.all());
        assert!(message.contains(&format!("{severity} severity")), "{}", outcome.all());
        assert!(message.contains("--> a.jail:2:"), "{}", outcome.all());
        scratch.run(&["check", "--deny", "warnings", "a.jail"]).assert_status(1);
        let json = scratch.run(&["check", "--message-format", "json", "a.jail"]).stdout;
        let lines =
            json.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let found = lines.into_iter().find(|line| line["code"] == code).unwrap();
        assert_eq!(found["danger"], severity);
        // What is meant is left out, and nothing else.
        let allowed = scratch.run(&["check", "--allow", code, "a.jail"]);
        assert!(!allowed.assert_status(0).stderr.contains(&format!("[{code}]")), "{code}");
        let other = ["check", "--deny", "warnings", "--allow", "grants-kernel", "a.jail"];
        scratch.run(&other).assert_status(1);
    }
    let faulty = Scratch::with(&[("a.jail", &jail("nte"))]);
    let error = ["check", "--allow", "undefined-variable", "a.jail"];
    faulty.run(&error).assert_status(1);
    faulty.run(&["check", "--allow", "no-such-code", "a.jail"]).assert_status(2);
}

/// The spec itself and what it imports are read-only in its jail; in a cage nothing is.
#[test]
fn what_decides_on_the_next_build_is_found_where_the_jail_could_write_it() {
    let reading = |more: &str| {
        let read = "builtins.seq (builtins.readFile ./data.json)";
        format!("{read} (jail \"demo\" pkgs.hello [ mount-cwd {more} ])")
    };
    let cage = r#"cage { name = "c"; argv = [ "${pkgs.hello}/bin/hello" ]; }"#;
    let scratch = Scratch::with(&[
        ("p/data.json", "{}"),
        ("p/cfg/x", ""),
        ("p/own.jail", "import ./jails/b.nix"),
        ("p/jails/b.nix", &jail("mount-cwd")),
        ("p/read.jail", &reading("")),
        ("p/kept.jail", &reading("(try-readonly (noescape \"$PWD/data.json\"))")),
        ("p/copy.jail", &jail("mount-cwd (ro-bind \"${./cfg}\" \"/cfg\")")),
        ("p/closed.jail", &reading("").replace("mount-cwd", "mount-cwd-readonly")),
        ("p/cage.jail", cage),
        ("specs/data.json", "{}"),
        ("specs/read.jail", &reading("")),
        ("specs/state.jail", &reading("(state-dir (noescape \"~/specs\"))")),
    ]);
    let from = |folder: &str, spec: &str, home: Option<&str>| {
        let mut command = scratch.jailgen(&["check", "--deny", "warnings", spec]);
        command.current_dir(scratch.path(folder)).env_remove("HOME");
        home.map(|home| command.env("HOME", scratch.path(home)));
        Outcome::of(&command.assert())
    };
    for (spec, written, by) in [
        ("read.jail", "data.json", "mount-cwd"),
        ("copy.jail", "cfg", "mount-cwd"),
        ("cage.jail", "cage.jail", "cage"),
    ] {
        let found = from("p", spec, Some("."));
        let message = &found.assert_status(1).stderr;
        assert!(message.contains("warning[spec-writable]"), "{}", found.all());
        assert!(message.contains(&format!("can write `{written}`")), "{}", found.all());
        assert!(message.contains(by) && message.contains("high severity"), "{}", found.all());
        let paste = format!("`(try-readonly (noescape \"$PWD/{written}\"))`");
        assert_eq!(message.contains(&paste), spec != "cage.jail", "{}", found.all());
    }
    // Without a home folder what is known is known.
    from("p", "read.jail", None).assert_status(1);
    for (folder, spec, home) in [
        ("p", "own.jail", "."),
        ("p", "kept.jail", "."),
        ("p", "closed.jail", "."),
        ("p", "../specs/read.jail", "."),
        ("p/jails", "../read.jail", "."),
        // No jail is started in the home folder.
        ("p", "read.jail", "p"),
    ] {
        from(folder, spec, Some(home)).assert_status(0);
    }
    let state = from("p", "../specs/state.jail", Some("."));
    assert!(state.assert_status(1).stderr.contains("state-dir"), "{}", state.all());
    let mut explain = scratch.jailgen(&["explain", "read.jail"]);
    explain.env("HOME", scratch.path(".")).current_dir(scratch.path("p"));
    let explained = Outcome::of(&explain.assert());
    let line = explained.stdout.lines().find(|line| line.contains("spec-writable: "));
    assert!(line.is_some_and(|line| line.contains("  high ")), "{}", explained.all());
}

#[test]
fn json_is_one_object_a_line_and_nothing_else() {
    let scratch = Scratch::with(&[("a.jail", &jail("(tmpfs \"b\")\n  (share-ns \"nte\")"))]);
    let outcome = scratch.run(&["check", "--message-format", "json", "a.jail"]);
    outcome.assert_status(1);
    assert_eq!(outcome.stderr, "");
    let lines: Vec<serde_json::Value> =
        outcome.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let codes: Vec<_> = lines.iter().map(|line| line["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["relative-target", "unknown-namespace"]);
    assert_eq!(lines[0]["place"]["file"], "a.jail");
    assert_eq!(lines[0]["place"]["line"], 2);
}

#[test]
fn a_place_is_named_from_where_the_command_was_started() {
    let scratch = Scratch::with(&[("specs/a.jail", "import ./b.nix"), ("specs/b.nix", "nothing")]);
    let outcome = scratch.run(&["check", "specs/a.jail"]);
    outcome.assert_status(1);
    assert!(outcome.stderr.contains("--> specs/b.nix:1:1"), "{}", outcome.all());
}

#[test]
fn colour_is_for_terminals() {
    let scratch = Scratch::with(&[("a.jail", "nothing")]);
    assert!(!scratch.run(&["check", "a.jail"]).stderr.contains('\u{1b}'));
    assert!(scratch.run(&["check", "--color", "always", "a.jail"]).stderr.contains('\u{1b}'));
}

#[test]
fn quiet_leaves_out_notes_only() {
    let scratch = Scratch::with(&[("a.jail", "nothing")]);
    let outcome = scratch.run(&["check", "--quiet", "a.jail"]);
    assert!(outcome.assert_status(1).stderr.starts_with("error["), "{}", outcome.all());
    assert!(!outcome.stderr.contains("checked"), "{}", outcome.all());
}

#[test]
fn the_examples_are_clean() {
    let folder = project().join("examples");
    let mut specs: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().into_os_string().into_string().unwrap())
        .filter(|path| path.ends_with(".jail"))
        .collect();
    specs.sort();
    assert!(specs.len() >= 7, "{specs:?}");
    let (warned, clean): (Vec<&str>, Vec<&str>) =
        specs.iter().map(String::as_str).partition(|spec| spec.ends_with("/nix.jail"));
    let arguments = [&["check", "--deny", "warnings"][..], &clean].concat();
    Scratch::new().run(&arguments).assert_status(0);
    // The daemon is a way out, and the example says so; it is warned of nothing else.
    let outcome =
        Scratch::new().run(&[&["check", "--message-format", "json"][..], &warned].concat());
    let said = outcome.assert_status(0).all();
    let codes = ["grants-nix-daemon", "whole-store"];
    let all = said.matches("\"code\":").count();
    assert!(all == 2 && codes.iter().all(|code| said.contains(code)), "{said}");
}
