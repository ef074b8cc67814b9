//! `jailgen report`: the page and the picture of a spec, of a wrapper and of a change. How they
//! look, `make test-report` sees in a browser.

use std::fs;
use std::process::{Command, Stdio};

use crate::harness::{Scratch, project};
use crate::real_nix::{has_user_namespaces, setup};

const SPEC: &str = "jail \"demo\" pkgs.hello [
  mount-cwd
  (readonly \"/srv/<b>\")
  (network-allow [ \"example.org\" ])
]
";

#[test]
fn a_page_shows_each_grant_and_links_to_its_line() {
    let scratch = Scratch::with(&[("demo.jail", SPEC)]);
    let outcome = scratch.run(&["report", "demo.jail", "-o", "demo.html"]);
    outcome.assert_status(0);
    let page = fs::read_to_string(scratch.path("demo.html")).expect("a page");
    for part in
        ["&#x2f;srv&#x2f;&lt;b&gt;", "href=\"#f0-3\"", "id=\"f0-3\"", "example.org", "Can reach"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    // It loads nothing and runs nothing.
    assert!(page.contains("default-src 'none'"));
    assert!(!page.contains("<script") && !page.contains("http://") && !page.contains("src="));
    // The same on standard output.
    assert_eq!(scratch.run(&["report", "demo.jail"]).assert_status(0).stdout, page);
}

#[test]
fn a_change_is_drawn_against_a_revision_or_another_spec() {
    let wider = SPEC.replace("mount-cwd", "mount-cwd network");
    let wider = wider.replace("  (network-allow [ \"example.org\" ])\n", "");
    let scratch = Scratch::with(&[("demo.jail", SPEC), ("wider.jail", &wider)]);
    let outcome = scratch.run(&["report", "wider.jail", "--diff", "demo.jail", "--svg"]);
    let svg = &outcome.assert_status(0).stdout;
    for (class, text) in
        [("added", "+ network:"), ("removed", "− example.org"), ("kept", "&#x2f;srv")]
    {
        let is_there = svg.lines().any(|line| line.contains(class) && line.contains(text));
        assert!(is_there, "{text}: {svg}");
    }
}

#[test]
fn only_a_report_is_replaced() {
    let scratch = Scratch::with(&[("demo.jail", SPEC), ("notes.html", "mine\n")]);
    let outcome = scratch.run(&["report", "demo.jail", "-o", "notes.html"]);
    assert!(outcome.assert_status(1).stderr.contains("exists already"), "{}", outcome.all());
    assert_eq!(fs::read_to_string(scratch.path("notes.html")).expect("a file"), "mine\n");
    std::os::unix::fs::symlink("notes.html", scratch.path("link.html")).expect("a link");
    scratch.run(&["report", "demo.jail", "-o", "link.html"]).assert_status(1);
    // Pages and pictures of others.
    for (name, kind, text) in [
        ("page.html", "", "<!doctype html>\n<html>\n<p>mine\n"),
        ("picture.svg", "--svg", "<svg xmlns=\"http://www.w3.org/2000/svg\">\n</svg>\n"),
    ] {
        fs::write(scratch.path(name), text).expect("a file");
        let words = ["report", "demo.jail", "-o", name, kind];
        let words = words.iter().filter(|word| !word.is_empty()).copied().collect::<Vec<_>>();
        scratch.run(&words).assert_status(1);
        assert_eq!(fs::read_to_string(scratch.path(name)).expect("a file"), text);
    }
    for _ in 0..2 {
        scratch.run(&["report", "demo.jail", "-o", "demo.html"]).assert_status(0);
    }
    // A picture does not replace a page.
    scratch.run(&["report", "demo.jail", "--svg", "-o", "demo.html"]).assert_status(1);
    scratch.run(&["report", "demo.jail", "--jail", "other"]).assert_status(2);
    scratch.run(&["report", "absent.jail"]).assert_status(1);
}

#[test]
fn the_picture_in_the_documentation_is_that_of_the_example() {
    let scratch = Scratch::with(&[]);
    let example = project().join("examples/claude-code.jail");
    let outcome = scratch.run(&["report", example.to_str().expect("UTF-8"), "--svg"]);
    let drawn = &outcome.assert_status(0).stdout;
    expect_test::expect_file![project().join("docs/report.svg")].assert_eq(drawn);
}

/// A session's log, as its broker wrote it. The last line is about a session of another jail.
fn logged(scratch: &Scratch) {
    let line = |session: &str, number: u32, rest: &str| {
        format!(
            "{{\"time\":\"2026-01-31T12:00:0{number}.000Z\",\"session\":\"{session}\",\"number\":{number},{rest}}}\n"
        )
    };
    let text = [
        line(
            "1a2b3c4d",
            0,
            "\"verdict\":\"allowed\",\"host\":\"example.org\",\"port\":443,\"by\":\"network-allow#4\",\"place\":\"demo.jail:4:4\"",
        ),
        line(
            "1a2b3c4d",
            1,
            "\"verdict\":\"refused\",\"host\":\"evil<b>.example\",\"port\":443,\"reason\":\"no rule allows this host\\u001b[2J\"",
        ),
        line(
            "1a2b3c4d",
            2,
            "\"verdict\":\"refused\",\"host\":\"evil<b>.example\",\"port\":443,\"times\":8",
        ),
        line("99999999", 3, "\"verdict\":\"refused\",\"host\":\"other.example\",\"port\":443"),
    ];
    let folder = ".local/state/jailgen/log/demo";
    scratch.write(&format!("{folder}/1a2b3c4d.jsonl"), text.concat().as_bytes());
    for folder in [folder, ".local/state/jailgen/log", ".local/state/jailgen"] {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(scratch.path(folder), mode).expect("a folder");
    }
}

#[test]
fn what_a_session_did_is_a_part_of_the_page() {
    let scratch = Scratch::with(&[("demo.jail", SPEC)]);
    logged(&scratch);
    let outcome = scratch.run(&["report", "demo.jail", "--session", "1a2b3c4d"]);
    let page = &outcome.assert_status(0).stdout;
    for part in [
        "What session 1a2b3c4d did",
        "evil&lt;b&gt;.example:443",
        "9 times",
        "example.org:443",
        "network-allow#4",
        "href=\"#f0-4\"",
        "from 2026-01-31 12:00:00 to 2026-01-31 12:00:02",
        "What it left in the project is not known",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("other.example") && !page.contains('\u{1b}'), "{page}");
    // A page without a session says nothing of one.
    let plain = scratch.run(&["report", "demo.jail"]);
    assert!(!plain.assert_status(0).stdout.contains("What session"));
    let none = scratch.run(&["report", "demo.jail", "--session", "none"]);
    assert!(none.assert_status(1).stderr.contains("there is no session `none`"), "{}", none.all());
    // The session of a jail that this spec does not make.
    scratch.write("other.jail", SPEC.replace("\"demo\"", "\"other\"").as_bytes());
    let other = scratch.run(&["report", "other.jail", "--session", "1a2b3c4d"]);
    assert!(other.assert_status(2).stderr.contains("no jail `demo`"), "{}", other.all());
    scratch.run(&["report", "demo.jail", "--session", "1a2b3c4d", "--svg"]).assert_status(2);
}

const RUN: &str = "jail \"deeds\" pkgs.bashInteractive [
  mount-cwd
  (network-allow [ \"allowed.example\" ])
  (add-pkg-deps [ pkgs.coreutils ])
]
";

/// A real session, while it runs and when it has ended.
#[test]
fn the_deeds_of_a_session_are_those_that_it_did() {
    let Some(setup) = setup() else { return };
    if !has_user_namespaces() {
        return;
    }
    let scratch = Scratch::outside_of_tmp();
    scratch.write("deeds.jail", RUN.as_bytes());
    scratch.write("project/mine", b"mine\n");
    setup.build(&scratch, "deeds.jail");
    let script = "echo 'echo x' >.envrc; (exec 3<>/dev/tcp/evil.example/443); \
        echo; sleep 1000 & wait";
    let mut command = Command::new(scratch.path(".local/state/jailgen/bin/deeds"));
    command.args(["-c", script]).env("HOME", scratch.path(""));
    command.env_remove("XDG_STATE_HOME").current_dir(scratch.path("project"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("a jail");
    let out = child.stdout.as_mut().expect("its output");
    std::io::Read::read_exact(out, &mut [0]).expect("a line");

    let mut report = scratch.jailgen(&["report", "../deeds.jail", "--session", "deeds"]);
    let page = report.current_dir(scratch.path("project")).output().expect("a report");
    let page = String::from_utf8(page.stdout).expect("UTF-8");
    for part in ["It still runs", "<span class=\"text\">evil.example</span>", ".envrc", "direnv"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let id = page.split("What session ").nth(1).and_then(|rest| rest.split(' ').next());
    let id = id.expect("an id").to_owned();
    scratch.run(&["stop", &id]).assert_status(0);
    child.wait().expect("its end");

    let mut report = scratch.jailgen(&["report", "../deeds.jail", "--session", &id]);
    let page = report.current_dir(scratch.path("project")).output().expect("a report");
    let page = String::from_utf8(page.stdout).expect("UTF-8");
    for part in ["It has ended", "<span class=\"text\">evil.example</span>", ".envrc"] {
        assert!(page.contains(part), "{part}: {page}");
    }
}
