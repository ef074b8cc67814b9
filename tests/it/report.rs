//! `jailgen report`: the page and the picture of a spec, of a wrapper and of a change. How they
//! look, `make test-report` sees in a browser.

use std::fs;

use crate::harness::{Scratch, project};

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
