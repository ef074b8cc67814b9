//! Leaves the tables for stack unwinding out of the released program: 40 kB that nothing reads.

#![expect(clippy::disallowed_methods, reason = "Cargo describes the build by variables")]

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=discard.ld");
    if !is_released() {
        return;
    }
    let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    println!("cargo::rustc-link-arg-bins=-Wl,--no-eh-frame-hdr");
    println!("cargo::rustc-link-arg-bins=-Wl,-T,{folder}/discard.ld");
}

/// All that Cargo shows a build script of the profile is the folder that it builds in: `stub/build/jail-stub-…/out`.
fn is_released() -> bool {
    let out = std::env::var("OUT_DIR").unwrap_or_default();
    Path::new(&out).ancestors().nth(3).is_some_and(|profile| profile.ends_with("stub"))
}
