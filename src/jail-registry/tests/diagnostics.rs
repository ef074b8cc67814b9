//! `tests/diagnostics/<code>.jail`: the spec contains its diagnostics, each on the line that is
//! underlined: `# error: [code] "message" at `text``. Every diagnostic needs a comment, and
//! every comment a diagnostic.
//!
//! `tests/diagnostics/<code>.<case>.jail` shows a case that people meet, with its help; what
//! the help says to write must fix the spec if it is put in place of the underlined text, or of
//! the parentheses around that.

#![expect(
    clippy::disallowed_methods,
    reason = "a variable says whether expectations are written anew"
)]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use jail_lang::{Limits, MemorySources, evaluate};
use jail_registry::{Code, Diagnostic, Severity, Symbolic, lower};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/diagnostics")
}

fn specs() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).unwrap();
    let mut specs: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    specs.sort();
    specs
}

/// All diagnostics of a spec.
fn diagnose(spec: &str) -> Vec<Diagnostic> {
    let sources = MemorySources::new([("spec.jail", spec)]);
    let outcome = evaluate(&sources, "spec.jail", Limits::SPEC);
    let mut said = outcome.diagnostics;
    for jail in outcome.spec.iter().flat_map(|spec| &spec.jails) {
        match lower(jail, &Symbolic, &|_| String::new()) {
            Ok(lowered) => said.extend(lowered.warnings),
            Err(faults) => said.extend(faults),
        }
    }
    said
}

/// The spec without its comments on diagnostics.
fn bare(spec: &str) -> String {
    let line = |line: &str| match line.find("  # error: ").or(line.find("  # warning: ")) {
        Some(at) => format!("{}\n", &line[..at]),
        None => format!("{line}\n"),
    };
    spec.lines().map(line).collect()
}

/// The spec with the comments that it should have.
fn commented(spec: &str, said: &[Diagnostic], is_case: bool) -> String {
    let mut text = String::new();
    let mut start = 0;
    for line in spec.lines() {
        let end = start + line.len() + 1;
        text.push_str(line);
        for diagnostic in said.iter().filter(|it| (start..end).contains(&at(it))) {
            let place = diagnostic.primary.unwrap();
            let underlined = &spec[place.start as usize..place.end as usize];
            let underlined = underlined.lines().next().unwrap_or_default();
            let severity = match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            let (code, message) = (diagnostic.code.as_str(), &diagnostic.message);
            write!(text, "  # {severity}: [{code}] \"{message}\" at `{underlined}`").unwrap();
            if is_case {
                write!(text, "; help: {}", help(diagnostic)).unwrap();
            }
        }
        text.push('\n');
        start = end;
    }
    text
}

fn at(diagnostic: &Diagnostic) -> usize {
    diagnostic.primary.expect("a spec has places").start as usize
}

fn help(diagnostic: &Diagnostic) -> &str {
    diagnostic.help.as_deref().unwrap_or_default()
}

#[test]
fn what_is_said_of_a_spec_is_what_it_says() {
    for path in specs() {
        let spec = std::fs::read_to_string(&path).unwrap();
        let bare = bare(&spec);
        let is_case = check_name(&path, &spec);
        let wanted = commented(&bare, &diagnose(&bare), is_case);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&path, &wanted).unwrap();
        } else {
            assert_eq!(spec, wanted, "{}", path.display());
        }
        if is_case {
            fix(&path, bare);
        }
    }
}

/// A file shows the code that it is named after, and starts with a comment on what it shows.
/// Returns whether it is a case of the code.
fn check_name(path: &Path, spec: &str) -> bool {
    let name = path.file_stem().unwrap().to_str().unwrap();
    let code = name.split('.').next().unwrap_or_default();
    assert!(Code::ALL.iter().any(|known| known.as_str() == code), "`{code}` is no code");
    let is_updated = std::env::var_os("UPDATE_EXPECT").is_some();
    assert!(is_updated || spec.contains(&format!("[{code}]")), "{name}.jail does not show it");
    assert!(spec.starts_with("# "), "{name}.jail does not say what it shows");
    name != code
}

/// Follows the helps, one after the other, until nothing is wrong any more.
fn fix(path: &Path, mut spec: String) {
    let mut said = diagnose(&spec);
    while let Some(first) = said.first() {
        let written = help(first).split('`').nth(1).expect("a help says what to write");
        let place = first.primary.unwrap();
        let underlined = (place.start as usize, place.end as usize);
        let spans = [Some(underlined), parentheses(&spec, underlined)];
        let fixed = spans.into_iter().flatten().find_map(|(start, end)| {
            let fixed = [&spec[..start], written, &spec[end..]].concat();
            let left = diagnose(&fixed);
            (left.len() < said.len()).then_some((fixed, left))
        });
        assert!(fixed.is_some(), "{}: `{written}` fixes nothing", path.display());
        (spec, said) = fixed.unwrap();
    }
}

/// The innermost parentheses around a part of the text, themselves included.
fn parentheses(spec: &str, (start, end): (usize, usize)) -> Option<(usize, usize)> {
    let mut depth = 0;
    let open = spec[..start].char_indices().rev().find(|(_, c)| match c {
        ')' => {
            depth += 1;
            false
        }
        '(' if depth > 0 => {
            depth -= 1;
            false
        }
        c => *c == '(',
    })?;
    let mut depth = 0;
    let close = spec[end..].char_indices().find(|(_, c)| match c {
        '(' => {
            depth += 1;
            false
        }
        ')' if depth > 0 => {
            depth -= 1;
            false
        }
        c => *c == ')',
    })?;
    Some((open.0, end + close.0 + 1))
}
