//! Any text is an expression or an error.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = jail_lang::check_syntax(text);
});
