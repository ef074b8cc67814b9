//! Any bytes are a wrapper or an error, and a wrapper that was read is written
//! and read again as itself.
#![no_main]

use jail_plan::{Places, Wrapper, encode};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(wrapper) = Wrapper::parse(bytes) else { return };
    let text = encode("/stub", &wrapper.plan, &Places::new()).unwrap();
    let again = Wrapper::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(wrapper.plan, again.plan);
});
