//! System calls by name, with arguments as words.

use syscalls::Sysno;

use crate::answer::Answer;
use crate::sys;

/// The bit that marks a number of the x32 numbering.
#[cfg(target_arch = "x86_64")]
const X32: usize = 0x4000_0000;

pub(crate) fn by_name(name: &str, arguments: &[&str]) -> Answer {
    let number =
        name.parse::<Sysno>().map_or_else(|_| number(name), |call| usize::try_from(call.id()).ok());
    match number {
        Some(number) => by_number(number, arguments),
        None => Answer::Unknown(name.into()),
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) fn x32(name: &str, arguments: &[&str]) -> Answer {
    match number(name) {
        Some(number) => by_number(number | X32, arguments),
        None => Answer::Unknown(name.into()),
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) fn gate() -> Answer {
    Answer::of_register(sys::getpid_by_gate())
}

#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn x32(_: &str, _: &[&str]) -> Answer {
    Answer::Unknown("this processor has no x32 calls".into())
}

#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn gate() -> Answer {
    Answer::Unknown("this processor has no gate of 32-bit programs".into())
}

/// One argument of a call.
enum Argument {
    Number(usize),
    /// Memory of our own, whose address is the argument.
    Bytes(Vec<u8>),
}

fn by_number(number: usize, words: &[&str]) -> Answer {
    let parsed: Option<Vec<Argument>> = words.iter().map(|word| argument(word)).collect();
    let Some(mut arguments) = parsed.filter(|arguments| arguments.len() <= 6) else {
        return Answer::Unknown(words.join(" "));
    };
    let mut registers = [0; 6];
    for (register, argument) in registers.iter_mut().zip(&mut arguments) {
        *register = match argument {
            Argument::Number(number) => *number,
            Argument::Bytes(bytes) => bytes.as_mut_ptr().expose_provenance(),
        };
    }
    Answer::of_register(sys::try_call(number, registers))
}

fn argument(word: &str) -> Option<Argument> {
    match word.split_once(':') {
        Some(("s", text)) => Some(Argument::Bytes([text.as_bytes(), &[0]].concat())),
        Some(("b", hexadecimal)) => bytes(hexadecimal).map(Argument::Bytes),
        Some(("z", size)) => number(size).map(|size| Argument::Bytes(vec![0; size.min(65_536)])),
        Some(_) => None,
        None => number(word).map(Argument::Number),
    }
}

fn bytes(hexadecimal: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = hexadecimal
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok()))
        .collect();
    let pairs = digits?;
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some(high * 16 + low),
        _ => None,
    };
    pairs.chunks(2).map(byte).collect()
}

fn number(text: &str) -> Option<usize> {
    match text.strip_prefix("0x") {
        Some(hexadecimal) => usize::from_str_radix(hexadecimal, 16).ok(),
        None => text.parse::<isize>().ok().map(isize::cast_unsigned),
    }
}
