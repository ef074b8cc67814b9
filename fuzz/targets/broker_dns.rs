//! Any datagram is a question, an answer of its own, or silence; and a question that is read is one
//! that a client can have asked.
#![no_main]

use jail_broker::dns::{Answer, read};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| match read(bytes) {
    Answer::Question(question) => {
        let answered = question.refused();
        assert!(answered.len() <= 1232);
        assert_eq!(answered.first_chunk::<2>(), bytes.first_chunk::<2>());
        // What we answer is not a question to us: two such servers cannot keep each other busy.
        assert!(matches!(read(&answered), Answer::None));
    }
    Answer::Ready(answered) => assert!(matches!(read(&answered), Answer::None)),
    Answer::None => {}
});
