//! The size of the stub, in lines that have to be trusted and in bytes that every launch loads.
//! ARCHITECTURE.md lists its parts, and what would have to leave it to make it smaller.

use std::fs;
use std::path::{Path, PathBuf};

use jailgen::kit::Kit;

use crate::harness::project;

/// Lines of code: without comments, blank lines and unit tests. The bound only goes down: if you
/// add a line to the stub, take another one out, or move work to the helper.
const LINES_MAX: usize = 13_340;

/// Bytes of the released program, with room for what another compiler makes of it.
const BYTES_MAX: u64 = 430_000;

/// So much less is a new bound to be written down.
const LINES_SLACK: usize = 100;
const BYTES_SLACK: u64 = 32_768;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// Unit tests are at the end of a file, or in a file of their own.
fn lines_of_code(text: &str) -> usize {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

#[test]
fn lines_of_code_are_counted_as_they_are_said_to_be() {
    let text = "//! Head.\n\nfn a() {\n    // Why.\n    b(); // what\n}\n\n#[cfg(test)]\nmod tests {\n    fn c() {}\n}\n";
    assert_eq!(lines_of_code(text), 3);
}

#[test]
fn the_stub_has_no_more_lines_than_it_had() {
    let mut found = Vec::new();
    sources(&project().join("src/jail-stub/src"), &mut found);
    let lines: usize =
        found.iter().map(|path| lines_of_code(&fs::read_to_string(path).unwrap())).sum();
    assert!(lines <= LINES_MAX, "the stub has {lines} lines of code, and may have {LINES_MAX}");
    assert!(lines + LINES_SLACK > LINES_MAX, "it has {lines} by now: write that down as the bound");
}

#[test]
fn the_released_stub_is_no_larger_than_it_was() {
    let record = assert_cmd::cargo::cargo_bin!("jailgen").with_file_name("jailgen-kit.json");
    let Ok(record) = fs::read_to_string(&record) else {
        println!("skipped: `{}` is missing: run `make kit PROFILE=dev`", record.display());
        return;
    };
    // The bound is one of the processor on which most run it.
    if !cfg!(target_arch = "x86_64") {
        return;
    }
    let kit: Kit = serde_json::from_str(&record).unwrap();
    let kit = PathBuf::from(kit.locked["path"].as_str().unwrap());
    let stub = kit.join("tools/x86_64-linux/jail-stub/bin/jail-stub");
    let bytes = fs::metadata(&stub).unwrap().len();
    assert!(bytes <= BYTES_MAX, "the stub has {bytes} bytes, and may have {BYTES_MAX}");
    assert!(bytes + BYTES_SLACK > BYTES_MAX, "it has {bytes} by now: write that down as the bound");
}
