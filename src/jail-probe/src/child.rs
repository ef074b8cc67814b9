//! An attempt in a process of its own.

use std::io::{Read, Write};

use crate::ANSWER_MAX;
use crate::answer::Answer;
use crate::sys;

/// The result of a process that only makes this attempt.
pub(crate) fn answer(attempt: impl FnOnce() -> Answer) -> Answer {
    let (mut reader, mut writer) = match std::io::pipe() {
        Ok(pair) => pair,
        Err(error) => return Answer::failed(&error),
    };
    let child = match sys::fork() {
        0 => {
            drop(reader);
            let answer = serde_json::to_vec(&attempt()).unwrap_or_default();
            let written = writer.write_all(&answer);
            sys::exit(u8::from(written.is_err()))
        }
        child => child,
    };
    drop(writer);
    let Ok(child) = usize::try_from(child) else { return Answer::of_register(child) };
    let mut text = Vec::new();
    // JSON of the longest text is a few times as long.
    let _ = reader.by_ref().take(8 * ANSWER_MAX as u64).read_to_end(&mut text);
    drop(reader);
    let status = match sys::wait(child) {
        Ok(status) => status,
        Err(register) => return Answer::of_register(register),
    };
    // A call that makes another process returns twice; the first return shows that it was allowed.
    let mut answers = serde_json::Deserializer::from_slice(&text).into_iter::<Answer>();
    match answers.next() {
        Some(Ok(answer)) => answer,
        Some(Err(_)) | None => match status & 0x7f {
            0 => Answer::Unknown(format!("it ended with {} and gave no answer", status >> 8)),
            signal => Answer::Killed(signal.cast_signed()),
        },
    }
}
