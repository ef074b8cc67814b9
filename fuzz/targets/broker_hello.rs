//! Any bytes are a ClientHello, the beginning of one, or none; in whatever pieces they
//! come, and no byte is lost.
#![no_main]

use jail_broker::tls::{Hello, HelloReader};

fn read(bytes: &[u8], size: usize) -> Option<Hello> {
    let mut reader = HelloReader::default();
    bytes.chunks(size).find_map(|piece| reader.read(piece).transpose())?.ok()
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let [size, bytes @ ..] = bytes else { return };
    let whole = read(bytes, bytes.len().max(1));
    let pieces = read(bytes, usize::from(*size) + 1);
    if let Some(pieces) = &pieces {
        assert!(bytes.starts_with(&pieces.bytes));
        let name = |hello: &Hello| hello.server_name.clone();
        assert_eq!(whole.as_ref().map(name), Some(name(pieces)));
    }
});
