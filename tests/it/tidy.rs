//! The rules of the project that no compiler checks. A rule that is not a test is a wish.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use jail_registry::{Code, combinators};

use crate::harness::project;

/// The tracked files, by their path below the project's folder.
pub(crate) fn tracked() -> Vec<String> {
    let output = Command::new("git")
        .args(["-c", "safe.directory=*", "ls-files", "-z"])
        .current_dir(project())
        .output();
    let listed = match output {
        Ok(output) if output.status.success() => String::from_utf8(output.stdout).unwrap(),
        // A release without its history.
        _ => return walked(),
    };
    let exists = |path: &&str| project().join(path).is_file();
    listed.split('\0').filter(|path| !path.is_empty()).filter(exists).map(str::to_owned).collect()
}

fn walked() -> Vec<String> {
    let entries = walkdir::WalkDir::new(project())
        .into_iter()
        .filter_entry(|entry| !matches!(entry.file_name().to_str(), Some("target" | ".git")))
        .map(Result::unwrap);
    entries
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| entry.path().strip_prefix(project()).unwrap().to_str().unwrap().to_owned())
        .collect()
}

pub(crate) fn text(path: &str) -> String {
    let bytes = fs::read(project().join(path)).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(crate) fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// The crates of the workspace that `name` needs, and all that it needs, outside tests.
fn dependencies(name: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(project())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == name).unwrap();
    let needed = package["dependencies"].as_array().unwrap().iter();
    needed
        .filter(|dependency| dependency["kind"] != "dev")
        .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
        .collect()
}

fn own_crates() -> BTreeSet<String> {
    fs::read_dir(project().join("src"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn the_stub_shares_nothing_with_the_compiler_but_the_plan() {
    let own: Vec<_> = dependencies("jail-stub").intersection(&own_crates()).cloned().collect();
    assert_eq!(own, ["jail-plan"]);
}

#[test]
fn the_helper_shares_nothing_with_the_compiler_but_the_plan() {
    let own: Vec<_> = dependencies("jail-host").intersection(&own_crates()).cloned().collect();
    assert_eq!(own, ["jail-plan"]);
}

#[test]
fn the_plan_needs_serde_and_nothing_else() {
    let needed: Vec<_> = dependencies("jail-plan").into_iter().collect();
    assert_eq!(needed, ["serde", "serde_json"]);
}

#[test]
fn what_judges_needs_nothing_of_ours() {
    for name in ["jail-seccomp", "jail-egress"] {
        assert!(dependencies(name).is_disjoint(&own_crates()), "{name}");
    }
}

#[test]
fn crates_depend_one_way() {
    let order = [
        "jail-plan",
        "jail-probe",
        "jail-trace",
        "jail-seccomp",
        "jail-egress",
        "jail-broker",
        "jail-policy",
        "jail-registry",
        "jail-lang",
        "jailgen",
    ];
    for (index, name) in order.iter().enumerate() {
        let below: BTreeSet<String> = order.iter().take(index).map(|name| (*name).into()).collect();
        let own: BTreeSet<_> = dependencies(name).intersection(&own_crates()).cloned().collect();
        assert!(own.is_subset(&below), "{name} needs {own:?}");
    }
}

#[test]
fn the_plan_has_no_features() {
    assert!(!text("src/jail-plan/Cargo.toml").contains("[features]"));
}

/// Diagnostics that no single spec shows, with the reason.
const SHOWN_ELSEWHERE: &[(&str, &str)] = &[
    ("differs-in-nix", "only a builder says it, in tests/it/two_readings.rs"),
    ("not-imported", "only `jailgen import` says it, in tests/it/import.rs"),
    ("missing-package", "only a term of the Nix library comes without a package"),
    ("nul-byte", "no text of a spec can hold one; one that Nix evaluated is checked all the same"),
    ("no-main-program", "only the Nix library knows a package"),
    ("spec-writable", "it depends on where the spec is; tests/it/check.rs has it"),
    ("too-large", "the file would have megabytes; `check` has it"),
    ("unreadable-file", "it takes a folder without permissions, and root reads it all the same"),
];

#[test]
fn every_diagnostic_has_a_paragraph_and_a_file() {
    let docs = text("docs/diagnostics.md");
    let mut problems = Vec::new();
    for code in Code::ALL {
        let code = code.as_str();
        if !docs.contains(&format!("\n### `{code}`\n")) {
            problems.push(format!("docs/diagnostics.md has no paragraph for `{code}`"));
        }
        let elsewhere = SHOWN_ELSEWHERE.iter().any(|(known, _)| *known == code);
        let file = project().join(format!("tests/diagnostics/{code}.jail"));
        if !elsewhere && !file.is_file() {
            problems.push(format!("there is no tests/diagnostics/{code}.jail"));
        }
    }
    let known = |code: &str| Code::ALL.iter().any(|known| known.as_str() == code);
    for line in docs.lines() {
        let code = line.strip_prefix("### `").and_then(|rest| rest.strip_suffix('`'));
        if let Some(code) = code.filter(|code| !known(code)) {
            problems.push(format!("docs/diagnostics.md describes `{code}`, which is no code"));
        }
    }
    assert_none(&problems);
}

#[test]
fn no_source_file_is_forgotten() {
    let mut problems = Vec::new();
    for path in tracked() {
        let Some((folder, file)) = path.rsplit_once('/') else { continue };
        let is_source = path.starts_with("src/") && path.contains("/src/")
            || (path.starts_with("tests/") && !is_program(&path));
        if !is_source || !path.ends_with(".rs") || is_root(file) && !path.ends_with("/mod.rs") {
            continue;
        }
        let (folder, module) = if file == "mod.rs" {
            folder.rsplit_once('/').unwrap()
        } else {
            (folder, file.trim_end_matches(".rs"))
        };
        let parents = ["mod.rs", "lib.rs", "main.rs"].map(|root| format!("{folder}/{root}"));
        let mut parents = parents.iter().filter(|parent| project().join(parent).is_file());
        let is_declared = |parent: &String| text(parent).lines().any(|line| declares(line, module));
        if !parents.any(is_declared) {
            problems.push(format!("{path} is no module of anything"));
        }
    }
    assert_none(&problems);
}

/// Single files that tests compile to programs.
fn is_program(path: &str) -> bool {
    path.starts_with("tests/probes/")
}

fn is_root(file: &str) -> bool {
    matches!(file, "main.rs" | "lib.rs" | "mod.rs" | "build.rs")
}

fn declares(line: &str, module: &str) -> bool {
    let line = line.trim();
    let line = line.strip_prefix("pub").map_or(line, |rest| {
        let rest = rest.trim_start();
        rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).map_or(rest, |(_, rest)| rest)
    });
    line.trim().strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) == Some(module)
}

/// Files that may be longer than [`LINES_MAX`], with the reason.
const LONG: &[(&str, &str)] =
    &[("nixlib/generated/combinators.nix", "made from the table, which is in many files")];

const LINES_MAX: usize = 500;

#[test]
fn files_are_short() {
    let mut problems = Vec::new();
    for path in tracked() {
        let is_code = [".rs", ".nix", ".py", ".sh", ".j2"].iter().any(|end| path.ends_with(end));
        let lines = if is_code { text(&path).lines().count() } else { 0 };
        // What is generated from a table is not read; the table is.
        if path.contains("/generated/") {
            continue;
        }
        let exempt = LONG.iter().any(|(exempt, _)| *exempt == path);
        if lines > LINES_MAX && !exempt {
            problems.push(format!("{path} has {lines} lines"));
        }
        if exempt && lines <= LINES_MAX {
            problems.push(format!("{path} needs no exemption any more"));
        }
    }
    assert_none(&problems);
}

#[test]
fn every_source_file_says_what_it_is_for() {
    let mut problems = Vec::new();
    for path in tracked().iter().filter(|path| path.starts_with("src/") && path.ends_with(".rs")) {
        if !path.ends_with("/tests.rs") && !text(path).starts_with("//! ") {
            problems.push(format!("{path} has no `//!` head"));
        }
    }
    assert_none(&problems);
}

/// The parts outside the stub that print, read the environment or exit, with the reason.
const SPEAKS: &[(&str, &str)] = &[
    ("src/jailgen/src/cli/", "the command line"),
    ("src/jail-probe/", "a program that is started to try things and to tell"),
    (
        "src/jail-host/",
        "a program that runs on the host, where its caller's surroundings are its business",
    ),
    (
        "src/jail-broker/src/run.rs",
        "a program of its own, which is started with descriptors by number",
    ),
    ("src/xtask/", "a command line of its own, for developers"),
];

#[test]
fn only_the_command_line_prints_reads_the_environment_or_exits() {
    let words = ["println!", "print!(", "env::var", "env::args", "env::current", "process::exit"];
    let mut problems = Vec::new();
    for path in tracked() {
        let is_compiler = path.starts_with("src/") && !path.starts_with("src/jail-stub/");
        let speaks = SPEAKS.iter().any(|(folder, _)| path.starts_with(folder));
        let is_test =
            path.ends_with("tests.rs") || path.contains("/tests/") || path.contains("/examples/");
        if !is_compiler || speaks || is_test || !path.ends_with(".rs") {
            continue;
        }
        for (number, line) in text(&path).lines().enumerate() {
            if words.iter().any(|word| line.contains(word)) {
                problems.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert_none(&problems);
}

/// Hosts that packages come from, in two parts each, so that this file does not name them.
const PRIVATE: &[(&str, &str)] = &[
    ("static.crates", ".io"),
    ("index.crates", ".io"),
    ("registry.npmjs", ".org"),
    ("pypi", ".org"),
    ("pythonhosted", ".org"),
    ("deb.debian", ".org"),
    ("cache.nixos", ".org"),
];

/// The table of hosts that specs can name in groups, the page that is generated from it, and the
/// explanations of specs that name them.
const NAMES_HOSTS: &[&str] =
    &["docs/combinators.md", "src/jail-registry/src/hosts/data.rs", "tests/it/explain.rs"];

#[test]
fn no_file_names_registries_or_the_folder_of_a_checkout() {
    let checkout = project().canonicalize().unwrap();
    // A short name such as `/src`, or one in /tmp, says something in jails too.
    let is_telling = checkout.components().count() > 2 && !checkout.starts_with("/tmp");
    let checkout = checkout.display().to_string();
    let mut problems = Vec::new();
    for path in tracked().into_iter().filter(|path| !NAMES_HOSTS.contains(&path.as_str())) {
        let text = text(&path);
        // It makes a checkout, and may be running this.
        let is_named = is_telling && path != "scripts/in-fresh-debian" && text.contains(&checkout);
        if is_named {
            problems.push(format!("{path} names {checkout}"));
        }
        for (first, second) in PRIVATE {
            if text.contains(&format!("{first}{second}")) {
                problems.push(format!("{path} names {first}{second}"));
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn every_example_says_what_it_shows() {
    for entry in fs::read_dir(project().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension() == Some("jail".as_ref()) {
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.starts_with("# "), "{}", path.display());
        }
    }
}

/// Where combinators are known. What is beneath them, the plan and the
/// runtime, has words of its own.
const KNOWS_COMBINATORS: &[&str] =
    &["src/jail-policy/", "src/jail-registry/", "src/jail-lang/", "src/jailgen/", "src/xtask/"];

/// Words with another meaning at these places, though a combinator has the same name.
const OTHER_WORDS: &[(&str, &str, &str)] = &[
    ("src/jail-lang/src/library/mod.rs", "network", "a group of functions"),
    ("src/jail-policy/src/danger/granted.rs", "mount", "a namespace"),
    ("src/jail-policy/src/words/mod.rs", "seccomp", "what a sentence is about"),
    ("src/jail-registry/src/builders/", "workspace", "an argument of builders"),
    ("src/jail-registry/src/builders/cage.rs", "network", "an argument of builders"),
    ("src/jail-registry/src/lower/cage/", "network", "an argument of builders"),
    ("src/jail-registry/src/lower/cage/", "workspace", "an argument of builders"),
    ("src/jail-registry/src/table/filesystem.rs", "tmpfs", "a kind of file system"),
    ("src/jail-registry/src/term/json.rs", "noescape", "a tag of terms"),
    ("src/jailgen/src/audit/checks/", "mount", "what is tried"),
    ("src/jailgen/src/audit/checks/", "time-zone", "a check"),
    ("src/jailgen/src/audit/checks/files.rs", "tmpfs", "a kind of file system"),
    ("src/jailgen/src/doctor/", "landlock", "a check"),
    ("src/jailgen/src/import/tools/", "network", "a key of settings"),
    ("src/jailgen/src/doctor/", "seccomp", "a check"),
    ("src/jailgen/src/nix/mod.rs", "add-path", "a command of Nix"),
];

#[test]
fn a_combinators_name_is_written_once() {
    let names: BTreeSet<&str> = combinators().map(|combinator| combinator.name).collect();
    let (mut written, mut meant, mut problems) = (Vec::new(), BTreeSet::new(), Vec::new());
    for path in tracked().iter().filter(|path| is_compilers(path)) {
        let code = without_comments_and_tests(&text(path));
        for (before, word) in words(&code).filter(|(_, word)| names.contains(word)) {
            let other = |(at, what, _): &&(&str, &str, &str)| path.starts_with(at) && word == *what;
            if writes_a_name(path, before) {
                written.push(word.to_owned());
            } else if let Some(other) = OTHER_WORDS.iter().find(other) {
                meant.insert(*other);
            } else if !before.ends_with("example: ") {
                problems.push(format!("{path} writes \"{word}\": use `names` of the registry"));
            }
        }
    }
    written.sort_unstable();
    let twice = written.windows(2).filter(|pair| pair[0] == pair[1]);
    problems.extend(twice.map(|pair| format!("`{}` is written twice", pair[0])));
    let missing = names.iter().filter(|name| !written.iter().any(|written| written == *name));
    problems
        .extend(missing.map(|name| format!("`{name}` is not found: does this test still see?")));
    let unused = OTHER_WORDS.iter().filter(|other| !meant.contains(*other));
    problems.extend(unused.map(|(path, word, _)| format!("{path} does not write \"{word}\"")));
    assert_none(&problems);
}

fn is_compilers(path: &str) -> bool {
    let is_test = ["/tests/", "/tests.rs", "/testing.rs"].iter().any(|part| path.contains(part));
    path.ends_with(".rs") && !is_test && KNOWS_COMBINATORS.iter().any(|at| path.starts_with(at))
}

fn without_comments_and_tests(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// What looks like a name between quotes, each with the code before it.
fn words(code: &str) -> impl Iterator<Item = (&str, &str)> {
    code.match_indices('"').filter_map(|(at, _)| {
        let (before, rest) = (code.get(..at)?, code.get(at + 1..)?);
        let (word, _) = rest.split_once('"')?;
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        (!word.is_empty() && word.chars().all(is_name)).then_some((before, word))
    })
}

/// Whether a name at this place is that of an entry, or the constant for one.
fn writes_a_name(path: &str, before: &str) -> bool {
    let is_constant = before.ends_with(": &str = ");
    match path.strip_prefix("src/jail-registry/src/table/") {
        Some("names.rs") => is_constant,
        Some(_) => before.trim_end().ends_with("name:"),
        // What is beneath the registry needs this one.
        None => path == "src/jail-policy/src/policy.rs" && is_constant,
    }
}
