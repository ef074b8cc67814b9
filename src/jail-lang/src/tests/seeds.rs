//! The seeds of the fuzzers, which cover what they have found of the parser and the evaluator. Each
//! ends with a value, or with a fault whose place is in the text.

use std::fs;
use std::path::Path;

use super::outcome;
use crate::{Expression, Form, Limits, MemorySources, check_syntax, eval_expression};

const LIMITS: Limits = Limits { steps: 100_000, calls: 1_000, bytes: 64 << 20 };

fn seeds(target: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let files = fs::read_dir(folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    files.filter_map(|bytes| String::from_utf8(bytes).ok()).collect()
}

#[test]
fn specs_that_the_fuzzers_found_are_specs_or_faulty() {
    let mut specs = seeds("compile");
    specs.extend(seeds("emit"));
    assert!(specs.len() > 50, "{}", specs.len());
    for spec in specs {
        let outcome = outcome(&spec);
        assert!(outcome.spec.is_some() || !outcome.diagnostics.is_empty(), "{spec}");
        for place in outcome.diagnostics.iter().filter_map(|fault| fault.primary) {
            let file = outcome.files.get(place.file);
            let text = file
                .map_or(Some(""), |file| file.text.get(place.start as usize..place.end as usize));
            assert!(text.is_some(), "{spec}: {place:?}");
        }
    }
}

#[test]
fn expressions_that_the_fuzzers_found_have_a_value_or_a_fault() {
    let mut expressions = seeds("expression");
    expressions.extend(seeds("parse"));
    assert!(expressions.len() > 50, "{}", expressions.len());
    for text in expressions {
        let _ = check_syntax(&text);
        let sources = MemorySources::default();
        let found = eval_expression(&sources, Expression::Text(&text), Form::Json, LIMITS);
        assert_eq!(found.text.is_some(), found.diagnostics.is_empty(), "{text}");
    }
}
