//! `cargo xtask generate [--check]`: writes what is made from the registry, or says that it is
//! stale.
#![expect(clippy::print_stderr, reason = "a command for developers: it talks to them")]

mod nixlib;
mod snippets;

use std::path::Path;
use std::process::ExitCode;
use std::{fs, io};

const USAGE: &str = "usage: cargo xtask generate [--check]";

/// Every generated file: where it lies in the project, and what makes it.
const GENERATED: &[Generated] = &[
    Generated { path: "docs/combinators.md", make: || Ok(jail_registry::combinators_page()) },
    Generated { path: "nixlib/generated/combinators.nix", make: nixlib::page },
    Generated { path: "src/jailgen/src/data/snippets.json", make: snippets::file },
];

struct Generated {
    path: &'static str,
    make: fn() -> Result<String, String>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["generate"] => generate(write),
        ["generate", "--check"] => generate(check),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn generate(each: fn(&Path, &str) -> io::Result<()>) -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for Generated { path, make } in GENERATED {
        make()
            .map_err(io::Error::other)
            .and_then(|content| each(&root.join(path), &content))
            .map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))?;
    }
    Ok(())
}

fn write(path: &Path, content: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, content)
}

fn check(path: &Path, content: &str) -> io::Result<()> {
    if fs::read_to_string(path)? == content {
        return Ok(());
    }
    Err(io::Error::other("stale; run `cargo xtask generate`"))
}
