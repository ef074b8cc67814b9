//! Any expression has a value or an error; what has JSON is JSON, and shown as
//! Nix it has no line break.
#![no_main]

use jail_lang::{Expression, Form, Limits, MemorySources, eval_expression};

const LIMITS: Limits = Limits { steps: 100_000, calls: 1_000, bytes: 64 << 20 };

libfuzzer_sys::fuzz_target!(|text: &str| {
    let sources = MemorySources::new([("data.nix", "1"), ("folder/default.nix", "{ a = ./data.nix; }")]);
    let write = |form| eval_expression(&sources, Expression::Text(text), form, LIMITS);
    let json = write(Form::Json);
    assert_eq!(json.text.is_some(), json.diagnostics.is_empty());
    if let Some(json) = json.text {
        if let Err(error) = serde_json::from_str::<serde_json::Value>(&json) {
            assert!(error.to_string().contains("recursion limit"), "{error}: {json}");
        }
    }
    let shown = write(Form::Nix);
    assert!(shown.text.is_none_or(|shown| !shown.contains('\n')));
});
