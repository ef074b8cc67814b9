//! `jailgen explain`: what the examples grant, in words.

use expect_test::{Expect, expect};

use crate::harness::{Outcome, Scratch, project};

fn explain(arguments: &[&str]) -> Outcome {
    let mut all = vec!["explain"];
    all.extend(arguments);
    let scratch = Scratch::new();
    std::os::unix::fs::symlink(project().join("examples"), scratch.path("examples")).unwrap();
    scratch.run(&all)
}

fn check(example: &str, expected: &Expect) {
    let outcome = explain(&[&format!("examples/{example}.jail")]);
    expected.assert_eq(&outcome.assert_status(0).stdout);
    let here = "      here this kernel's Landlock does not check ";
    assert!(outcome.stderr.is_empty() || outcome.stderr.starts_with(here), "{}", outcome.stderr);
}

#[test]
fn the_shell() {
    check(
        "shell",
        &expect![[r#"
            jailed-shell
            Writes   this folder
            Reads    ~/.bash_aliases; nothing else of yours
            Reaches  no network

            Program
              runs        pkgs.bashInteractive                                    shell.jail:5:1  jail

            Files
              read-write  the folder that it is started in (a plain bind: all in  shell.jail:6:3  mount-cwd
                          it can be changed)
              read-only   ~/.bash_aliases (if it is there)                        shell.jail:26:4  try-readonly
              its own     git's configuration and hooks (copies)                  shell.jail:6:3  mount-cwd
              read-only   of /nix/store what this jail needs at run time          by default
              its own     /proc, /dev (minimal), /bin/sh, /bin/bash,              by default
                          /usr/bin/env, /etc/hostname, /etc/hosts,
                          /etc/passwd and /etc/group (root and the caller)
              in memory   /tmp, /var/tmp, ~                                       by default

            Surroundings
              terminal    its own, with keys in the foreground                    shell.jail:7:3  no-new-session
              host name   jailed-shell                                            by default
              ends with   its launcher                                            by default
              time zone   UTC                                                     by default
              Landlock    checks reads, writes, devices, signals, abstract        by default
                          sockets (where the kernel can)
              seccomp     default deny list: system calls used in known sandbox   by default
                          escapes

            Environment
              passed on   COLORTERM (if it is set)                                shell.jail:27:4  try-fwd-env
              passed on   LANG, TERM, USER (if it is set)                         by default
              set         HOME=~, SHELL                                           by default

            Commands
              from        coreutils, curl, diffutils, findutils, gawk, git,       shell.jail:8:4  add-pkg-deps
                          gnugrep, gnused, gnutar, gzip, jq, less, ps, which
              from        /bin                                                    by default

            Not there
              other files of the host, the rest of the home folder, any network, the host's loopback included,
              other processes (own numbers begin at random), capabilities and setuid programs,
              the system calls that the default filter refuses, the launcher's other variables and open files
        "#]],
    );
}

#[test]
fn an_agent_from_a_builder() {
    check(
        "opencode",
        &expect![[r#"
            jailed-opencode
            Writes   this folder, ~/.config/opencode, ~/.local/share/opencode, ~/.local/state/opencode,
                     ~/.cache/jailgen/jailed-opencode/opencode
            Reads    ~/notes/house-style, ~/.config/git/config, your name and e-mail address from git's
                     configuration; nothing else of yours
            Reaches  api.anthropic.com, api.deepseek.com, api.groq.com, 11 more hosts

            Program
              runs        agents.opencode                                  opencode.jail:5:1  makeJailedOpencode

            Files
              read-write  the folder that it is started in (a plain bind:  opencode.jail:5:1  mount-cwd
                          all in it can be changed)
              read-write  ~/.config/opencode, ~/.local/share/opencode,     opencode.jail:5:1  state-dir
                          ~/.local/state/opencode (created if missing)
              read-write  ${XDG_CACHE_HOME:-~/.cache}/jailgen/jailed-opencode/opencode  opencode.jail:5:1  caches
                          as ~/.cache/opencode (created if missing)
              read-only   ~/notes/house-style (if it is there)             opencode.jail:20:6  try-readonly
              read-only   ~/.config/git/config (if it is there)            opencode.jail:21:6  try-readonly
              its own     git's configuration and hooks (copies)           opencode.jail:5:1  mount-cwd
              masked      known credentials (if git does not track them)   opencode.jail:5:1  mask
              copied      user.name and user.email of your git             opencode.jail:5:1  git-identity
                          configuration as /etc/gitconfig
              its own     /etc/resolv.conf, /etc/ssl/certs/ca-bundle.crt,  opencode.jail:12:18  network-allow
                          /etc/ssl/certs/ca-certificates.crt,
                          /etc/pki/tls/certs/ca-bundle.crt
              copied      /etc/services (if it is there)                   opencode.jail:12:18  network-allow
              its own     `opencode.json`, `opencode.jsonc` and 19 more    opencode.jail:5:1  private-copies
                          in ~/.config/opencode (copies), `bin/`,
                          `snapshot/` in ~/.local/share/opencode (copies)
              read-only   of /nix/store what this jail needs at run time   by default
              its own     /proc, /dev (minimal), /bin/sh, /bin/bash,       by default
                          /usr/bin/env, /etc/hostname, /etc/hosts,
                          /etc/passwd and /etc/group (root and the
                          caller)
              in memory   /tmp, /var/tmp, ~                                by default

            Network
              by name     api.anthropic.com, api.deepseek.com,             opencode.jail:12:18  network-allow
                          api.groq.com, api.mistral.ai, api.openai.com,
                          api.x.ai, files.pythonhosted.org,
                          generativelanguage.googleapis.com, models.dev,
                          models.opencode.ai, opencode.ai, openrouter.ai,
                          pypi.org, registry.npmjs.org (TCP ports 443 and
                          80 unless others are named; no UDP)

            Surroundings
              terminal    its own, with keys in the foreground             opencode.jail:5:1  no-new-session
              time zone   the host's                                       opencode.jail:5:1  time-zone
              host name   jailed-opencode                                  by default
              ends with   its launcher                                     by default
              Landlock    checks reads, writes, devices, signals,          by default
                          abstract sockets (where the kernel can)
              seccomp     default deny list: system calls used in known    by default
                          sandbox escapes

            Environment
              set         CURL_CA_BUNDLE, GIT_SSL_CAINFO, 3 more           opencode.jail:12:18  network-allow
              set         TZDIR                                            opencode.jail:5:1  time-zone
              passed on   COLORTERM, LANG, TERM, USER (if it is set)       by default
              set         HOME=~, SHELL                                    by default

            Commands
              from        bashInteractive, curl, wget, jq, git, which,     opencode.jail:5:1  add-pkg-deps
                          ripgrep, gnugrep, gnused, gawkInteractive, ps,
                          findutils, gzip, unzip, 10 more
              from        nodejs, python3                                  opencode.jail:6:15  add-pkg-deps
              from        /bin, coreutils                                  by default

            Not there
              other files of the host, the rest of the home folder,
              other hosts, the local network and the host's loopback among them, and UDP,
              other processes (own numbers begin at random), capabilities and setuid programs,
              the system calls that the default filter refuses, the launcher's other variables and open files
        "#]],
    );
}

#[test]
fn an_explanation_fits_on_a_screen() {
    for example in ["shell", "opencode", "crush", "claude-code", "go", "python"] {
        let outcome = explain(&[&format!("examples/{example}.jail")]);
        let lines = outcome.assert_status(0).stdout.lines().count();
        assert!(lines <= 74, "{example}: {lines} lines");
    }
}

#[test]
fn the_working_folder_is_honestly_described() {
    let text = explain(&["examples/shell.jail"]).stdout;
    assert!(text.contains("a plain bind"), "{text}");
}

#[test]
fn the_repository_of_a_linked_worktree_is_named_where_a_jail_would_have_it() {
    let granted = "jail \"a\" pkgs.hello [ mount-cwd git-worktree ]";
    let pointer = "gitdir: /srv/repository/.git/worktrees/here\n";
    let here = |files: &[(&str, &str)]| Scratch::with(files).run(&["explain", "a.jail"]).stderr;
    let named = here(&[("a.jail", granted), (".git", pointer)]);
    assert!(named.contains("here `git-worktree` would grant `/srv/repository/.git`"), "{named}");
    let unnamed = [
        here(&[("a.jail", granted)]),
        here(&[("a.jail", "jail \"a\" pkgs.hello [ mount-cwd ]"), (".git", pointer)]),
    ];
    assert!(unnamed.iter().all(|text| !text.contains("repository")), "{unnamed:?}");
}

#[test]
fn json_says_the_same() {
    let outcome = explain(&["--json", "examples/team.jail"]);
    let report: serde_json::Value = serde_json::from_str(&outcome.assert_status(0).stdout).unwrap();
    let jails = report["jails"].as_array().unwrap();
    let names: Vec<_> = jails.iter().map(|jail| jail["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["jailed-review", "jailed-try", "jailed-write"]);
    let text = report.to_string();
    assert!(text.contains("team.jail:"), "{text}");
    assert!(text.contains("team/common.nix:"), "{text}");
}

#[test]
fn three_lines_stand_first_and_alone_where_it_is_to_be_brief() {
    let whole = explain(&["examples/claude-code.jail"]).stdout;
    let brief = explain(&["--brief", "examples/claude-code.jail"]);
    let brief = &brief.assert_status(0).stdout;
    assert_eq!(brief.lines().count(), 3, "{brief}");
    let name = whole.lines().next().unwrap();
    assert!(whole.starts_with(&format!("{name}\n{brief}\nProgram\n")), "{whole}");
    let words: Vec<_> = brief.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(words, ["Writes", "Reads", "Reaches"]);
    let team = explain(&["--brief", "examples/team.jail"]).stdout;
    assert_eq!(team.matches("Writes ").count(), 3, "{team}");
    assert!(team.contains("jailed-review\nWrites "), "{team}");
}

#[test]
fn what_is_dangerous_stands_with_its_code_severity_and_line() {
    let spec = r#"jail "a" pkgs.hello [
        (readonly (noescape "~/.ssh"))
        (readwrite "/var/run/docker.sock")
        network
    ]"#;
    let scratch = Scratch::with(&[("a.jail", spec)]);
    let outcome = scratch.run(&["explain", "a.jail"]);
    let text = &outcome.assert_status(0).stdout;
    let findings = &text[text.find("\nFindings\n").unwrap()..text.find("\nProgram\n").unwrap()];
    let line = |what: &str| findings.lines().find(|line| line.contains(what)).unwrap_or_default();
    let (socket, keys) = (line("grants-host-services: "), line("grants-credentials: "));
    assert!(
        socket.starts_with("  critical ") && socket.contains("a.jail:3:10  readwrite"),
        "{text}"
    );
    assert!(keys.starts_with("  high ") && keys.contains("a.jail:2:10  readonly"), "{text}");
    assert!(findings.find("critical") < findings.find("high"), "{text}");
    // It is printed once, and not before the explanation.
    assert!(!outcome.stderr.contains("warning["), "{}", outcome.stderr);
    assert!(!findings.contains("whole-network"), "{text}");
    let json = scratch.run(&["explain", "--json", "a.jail"]).stdout;
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    let codes: Vec<_> = report["jails"][0]["findings"].as_array().unwrap().iter().collect();
    let codes: Vec<_> = codes.iter().map(|it| it["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["grants-host-services", "grants-credentials", "whole-network"]);
    assert_eq!(report["jails"][0]["summary"]["reaches"][0], "all networks");
}

#[test]
fn a_grant_of_a_builder_points_at_the_argument_that_made_it() {
    let spec = r#"makeJailedOpencode {
        pkg = pkgs.hello;
        extraPkgs = [ pkgs.jq ];
        extraReadwriteDirs = [ "~/a" ];
        env.CI = "1";
        enableNix = true;
        limits = { bestEffort = true; pids = 9; };
        extraJailOptions = [ camera ];
    }"#;
    let text = Scratch::with(&[("a.jail", spec)]).run(&["explain", "a.jail"]).stdout;
    for (what, line) in [
        ("runs ", 2),
        ("jq", 3),
        ("~/a", 4),
        ("CI=1", 5),
        ("NIX_REMOTE=daemon", 6),
        ("processes ", 7),
        ("best effort ", 7),
        ("the cameras", 8),
    ] {
        let told = text.lines().find(|told| told.contains(what) && told.contains("a.jail:"));
        let place = format!("a.jail:{line}:");
        assert!(told.is_some_and(|told| told.contains(&place)), "{what}: {text}");
    }
}

#[test]
fn one_jail_of_several_is_explained_and_another_is_not_known() {
    let one = explain(&["examples/team.jail", "--jail", "jailed-review"]);
    let text = &one.assert_status(0).stdout;
    assert!(text.starts_with("jailed-review\n") && !text.contains("jailed-try\n"), "{text}");
    let none = explain(&["examples/team.jail", "--jail", "jailed-revue"]);
    let told = &none.assert_status(2).stderr;
    assert!(told.contains("there is no jail `jailed-revue` in the spec; there are"), "{told}");
    assert!(told.contains("`jailed-review`, `jailed-try`, `jailed-write`"), "{told}");
}

#[test]
fn what_is_neither_a_spec_nor_a_wrapper_is_called_that() {
    let command = explain(&["true"]);
    let told = &command.assert_status(1).stderr;
    assert!(told.contains("which does not run in a jail"), "{told}");
    let scratch = Scratch::with(&[
        ("f/a", ""),
        ("cut", "#!/x\nexit 125 # a plan, not a script\n{\"version\": 1"),
    ]);
    let folder = scratch.run(&["explain", "f"]);
    assert!(folder.assert_status(1).stderr.contains("`f` is a folder"), "{}", folder.all());
    let cut = scratch.run(&["explain", "cut"]);
    assert!(cut.assert_status(1).stderr.contains("`cut` cannot be read"), "{}", cut.all());
    let program = scratch.run(&["explain", "/proc/self/exe"]);
    let told = &program.assert_status(1).stderr;
    assert!(told.contains("is a program, not a spec or a jail's command"), "{told}");
    let nothing = scratch.run(&["explain", "no-such-command-anywhere"]);
    assert!(
        nothing.assert_status(1).stderr.contains("no-such-command-anywhere"),
        "{}",
        nothing.all()
    );
}

#[test]
fn a_spec_with_faults_is_not_explained() {
    let scratch = Scratch::with(&[("a.jail", "jail \"a\" pkgs.hello [ readonyl ]")]);
    let outcome = scratch.run(&["explain", "a.jail"]);
    assert_eq!(outcome.assert_status(1).stdout, "");
    assert!(outcome.stderr.contains("error[unknown-combinator]"), "{}", outcome.all());
}
