//! Any text is a spec or a list of diagnostics whose places lie in it; what is a spec
//! is lowered the same way.
#![no_main]

use jail_lang::{Limits, MemorySources, evaluate};
use jail_registry::{Symbolic, lower};

const LIMITS: Limits = Limits { steps: 100_000, calls: 1_000, bytes: 64 << 20 };

libfuzzer_sys::fuzz_target!(|text: &str| {
    let sources = MemorySources::new([("spec.jail", text)]);
    let outcome = evaluate(&sources, "spec.jail", LIMITS);
    assert!(outcome.spec.is_some() || !outcome.diagnostics.is_empty());
    let mut diagnostics = outcome.diagnostics;
    for jail in outcome.spec.iter().flat_map(|spec| &spec.jails) {
        match lower(jail, &Symbolic, &|place| outcome.files.display(place)) {
            Ok(lowered) => diagnostics.extend(lowered.warnings),
            Err(faults) => diagnostics.extend(faults),
        }
    }
    for place in diagnostics.iter().filter_map(|diagnostic| diagnostic.primary) {
        let Some(file) = outcome.files.get(place.file) else { continue };
        assert!(file.text.get(place.start as usize..place.end as usize).is_some(), "{place:?}");
    }
});
