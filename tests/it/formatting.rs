//! Nix that we write or emit is laid out as nixfmt does it, so that a user who
//! formats it sees no difference.

use rnix::SyntaxKind;

use crate::harness::{Scratch, project};

/// Folders whose files are left as they are, with the reason.
const EXEMPT: [(&str, &str); 2] = [
    ("tests/import/", "flakes as users lay them out"),
    ("tests/oracle/", "expressions that test the parser"),
];

fn check(name: &str, nix: &str, problems: &mut Vec<String>) {
    match nixfmt_rs::format(nix) {
        Ok(formatted) if formatted == nix => {}
        Ok(_) => problems.push(format!("{name} is not formatted: `nixfmt {name}`")),
        Err(error) => problems.push(format!("{name}: {error}")),
    }
}

fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn the_nix_of_this_project_is_formatted() {
    let mut problems = Vec::new();
    let not_ours = |name: &str| matches!(name, "target" | ".git");
    let entries = walkdir::WalkDir::new(project())
        .into_iter()
        .filter_entry(|entry| !entry.file_name().to_str().is_some_and(not_ours))
        .map(Result::unwrap);
    for entry in entries.filter(|entry| entry.file_type().is_file()) {
        let name = entry.path().strip_prefix(project()).unwrap().to_str().unwrap();
        if name.ends_with(".nix") && !EXEMPT.iter().any(|(folder, _)| name.starts_with(folder)) {
            let nix = std::fs::read_to_string(entry.path()).unwrap();
            if std::env::var_os("UPDATE_EXPECT").is_some() {
                std::fs::write(entry.path(), nixfmt_rs::format(&nix).unwrap()).unwrap();
            } else {
                check(name, &nix, &mut problems);
            }
        }
    }
    assert_none(&problems);
}

/// The library that others put into their flakes, and what goes with it.
const OURS: [&str; 4] = ["flake.nix", "nixlib/", "packaging/", "templates/kit/"];

#[test]
fn where_a_name_comes_from_can_be_read() {
    let mut problems = Vec::new();
    let mut files = 0;
    for entry in walkdir::WalkDir::new(project()).max_depth(3).into_iter().map(Result::unwrap) {
        let name = entry.path().strip_prefix(project()).unwrap().to_str().unwrap();
        if !name.ends_with(".nix") || !OURS.iter().any(|ours| name.starts_with(ours)) {
            continue;
        }
        files += 1;
        let text = std::fs::read_to_string(entry.path()).unwrap();
        for node in rnix::Root::parse(&text).syntax().descendants_with_tokens() {
            if matches!(node.kind(), SyntaxKind::NODE_WITH | SyntaxKind::TOKEN_REC) {
                let line = text[..usize::from(node.text_range().start())].lines().count() + 1;
                problems.push(format!("{name}:{line}: no `with` and no `rec` here"));
            }
        }
    }
    assert!(files > 15, "{files}");
    assert_none(&problems);
}

#[test]
fn what_is_emitted_is_formatted() {
    let mut problems = Vec::new();
    for entry in std::fs::read_dir(project().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "jail") {
            continue;
        }
        let opened = jailgen::compile::SpecFolder::open(&path).unwrap();
        let emission = opened.emission(&opened.compile()).unwrap().unwrap();
        let lock = jailgen::backends::nix::lock::Lock::compiled_in().unwrap();
        let flake = jailgen::backends::nix::emit(&[emission], &kit(), lock).unwrap();
        for (name, file) in flake.folder.files.iter().filter(|(name, _)| name.ends_with(".nix")) {
            let jailgen::backends::File::Content(content, _) = file else { continue };
            check(name, std::str::from_utf8(content).unwrap(), &mut problems);
        }
    }
    // A known gap: an expression that a spec says of packages is written on one line, where
    // nixfmt breaks long ones.
    let is_gap = |problem: &String| problem.starts_with("jailed-python.nix");
    assert!(problems.iter().any(is_gap), "the gap is closed: remove it here");
    problems.retain(|problem| !is_gap(problem));
    assert_none(&problems);
}

/// The kit of a folder that looks like one.
fn kit() -> jailgen::kit::Kit {
    let scratch =
        Scratch::with(&[("flake.nix", ""), ("nixlib/default.nix", ""), ("tools/x/y", "")]);
    jailgen::kit::Kit::in_folder(&scratch.path(".")).unwrap()
}
