//! Compiles the floor: the same kernel calls without a launcher (`floor/program.rs`).

use std::path::{Path, PathBuf};
use std::process::Command;

/// Compiles it into `folder`, with the system call filter of the jail.
pub(crate) fn compile(folder: &Path, filter: &[u8]) -> PathBuf {
    let (program, instructions) = (folder.join("floor"), folder.join("filter"));
    std::fs::write(&instructions, filter).expect("the filter is written");
    let source =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches/launch/floor/program.rs");
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let status = Command::new(compiler)
        .args(["--edition=2024", "-Copt-level=2", "-Cpanic=abort", "-Cstrip=symbols"])
        .args(["-Crelocation-model=static", "-Clink-args=-nostartfiles -nostdlib -static -no-pie"])
        .arg("-o")
        .arg(&program)
        .arg(source)
        .env("FLOOR_FILTER", &instructions)
        .status()
        .expect("rustc runs");
    assert!(status.success(), "the floor is compiled");
    program
}
