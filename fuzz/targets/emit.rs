//! What is emitted of any spec parses as a whole, though its grants were parsed one by one; and
//! what a spec's names and strings hold stays in them.
#![no_main]

use std::path::Path;

use jail_lang::MemorySources;
use jailgen::compile::compile_from;
use jailgen::backends::File;
use jailgen::backends::nix::{emit, lock::Lock};
use jailgen::kit::Kit;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let sources = MemorySources::new([("spec.jail", text)]);
    let compiled = compile_from(&sources, Path::new("spec.jail"));
    let Some(spec) = compiled.emission_without_copies() else { return };
    // Copied files are read from the disk, and there are none.
    if !spec.copied.is_empty() {
        return;
    }
    let locked = serde_json::json!({ "type": "path", "path": "/nix/store/k-source", "narHash": "sha256-x" });
    let kit = Kit {
        url: "path:/nix/store/k-source".into(),
        original: locked.clone(),
        locked,
        follows: Vec::new(),
        version: "0".into(),
    };
    let Ok(flake) = emit(&[spec], &kit, Lock::compiled_in().unwrap()) else { return };
    for (name, file) in &flake.folder.files {
        let File::Content(content, _) = file else { continue };
        if name.ends_with(".nix") {
            let nix = std::str::from_utf8(content).unwrap();
            jail_lang::check_syntax(nix).unwrap_or_else(|error| panic!("{name}: {error}\n{nix}"));
        }
    }
});
