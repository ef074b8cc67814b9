//! What the linker has to know of the released program, which has no C library.
//!
//! The tables for stack unwinding are left out: 40 kB that nothing reads. On aarch64 the
//! compiler's own library has constructors that ask the C library which atomic instructions there
//! are (getauxval(3)). No start-up code runs them, and without an answer it takes the instructions
//! that every processor has.

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
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "aarch64") {
        println!("cargo::rustc-link-arg-bins=-Wl,--defsym=getauxval=0");
    }
}

/// All that Cargo shows a build script of the profile is the folder that
/// it builds in: `stub/build/jail-stub-…/out`.
fn is_released() -> bool {
    let out = std::env::var("OUT_DIR").unwrap_or_default();
    Path::new(&out).ancestors().nth(3).is_some_and(|profile| profile.ends_with("stub"))
}
