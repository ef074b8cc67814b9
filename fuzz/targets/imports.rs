//! Any file of another tool becomes a spec, or is reported, or both; the places of what is
//! reported lie in a file that was read, and an import that only a part of the text names reads
//! nothing outside the folder.
#![no_main]

use jail_lang::{Imported, MemorySources, check_syntax};
use jailgen::import::{InputKind, import_text};

const FILES: [(&str, &str); 3] = [
    ("lib/default.nix", "{ jail, pkgs, ... }: { a = jail \"a\" pkgs.hello (import ./list.nix); }"),
    ("lib/list.nix", "[ (import ../lib) ./list.nix ]"),
    ("more.nix", "{ more }: import ./more.nix { more = import ./lib; }"),
];

fn check(imported: &Imported) {
    assert!(imported.spec.is_some() || !imported.diagnostics.is_empty());
    for place in imported.diagnostics.iter().filter_map(|diagnostic| diagnostic.primary) {
        let Some(file) = imported.files.get(place.file) else { continue };
        assert!(file.text.get(place.start as usize..place.end as usize).is_some(), "{place:?}");
    }
}

libfuzzer_sys::fuzz_target!(|text: &str| {
    for (_, kind) in InputKind::ALL.iter().filter(|(_, kind)| *kind != InputKind::Nix) {
        let imported = import_text(*kind, "settings", text);
        check(&imported);
        // These are written from parts, not from the text, so they are Nix whatever the text is.
        let spec = imported.spec.as_deref().map(check_syntax);
        assert!(spec.is_none_or(|spec| spec.is_ok()), "{:?}", imported.spec);
    }
    let sources = MemorySources::new(FILES);
    for within in ["", "folder"] {
        check(&jail_lang::import("flake.nix", text, Some(&sources), within));
    }
});
