//! One program for all probes: makes a system call by name and says how it was answered.
//!
//! `probe call socket 40 1 0` prints `ok 3` and exits with 0, or `errno 97` and exits with 1. An argument is a number
//! (`0x…` too), or `s:text` for the address of a text. `probe x32 41 …` calls by the x32 numbering, `probe 32bit` by the
//! 32-bit gate. What a probe shows inside a jail counts only beside the same probe outside.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a probe prints its answer, and fails by panicking"
)]

use std::ffi::CString;

use syscalls::Sysno;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["call", name, rest @ ..] => call(
            name.parse::<Sysno>()
                .map_or_else(|_| number(name), |call| call.id().cast_unsigned() as usize),
            rest,
        ),
        #[cfg(target_arch = "x86_64")]
        ["x32", number, rest @ ..] => call(self::number(number) | 0x4000_0000, rest),
        #[cfg(target_arch = "x86_64")]
        ["32bit"] => gate(),
        other => panic!("no such probe: {other:?}"),
    };
    match result {
        0.. => println!("ok {result}"),
        -4095..=-1 => {
            println!("errno {}", -result);
            std::process::exit(1);
        }
        ..-4095 => println!("ok {result:#x}"),
    }
}

fn number(text: &str) -> usize {
    match text.strip_prefix("0x") {
        Some(hexadecimal) => usize::from_str_radix(hexadecimal, 16).expect("a number"),
        None => text.parse::<isize>().expect("a number").cast_unsigned(),
    }
}

fn call(call: usize, words: &[&str]) -> isize {
    let texts: Vec<CString> = words
        .iter()
        .map(|word| CString::new(word.strip_prefix("s:").unwrap_or_default()).expect("a text"))
        .collect();
    let mut values = [0; 6];
    for ((value, word), text) in values.iter_mut().zip(words).zip(&texts) {
        *value = if word.starts_with("s:") { text.as_ptr() as usize } else { number(word) };
    }
    let [a, b, c, d, e, f] = values;
    // SAFETY: a probe makes the call that it was told to make; the texts live until it is over. It runs in a process of
    // its own, which ends right after it.
    unsafe { enter(call, a, b, c, d, e, f) }
}

#[cfg(target_arch = "x86_64")]
unsafe fn enter(call: usize, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> isize {
    let result;
    // SAFETY: see `call`.
    unsafe {
        std::arch::asm!("syscall", inlateout("rax") call => result, in("rdi") a, in("rsi") b, in("rdx") c,
            in("r10") d, in("r8") e, in("r9") f, lateout("rcx") _, lateout("r11") _);
    }
    result
}

#[cfg(target_arch = "aarch64")]
unsafe fn enter(call: usize, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> isize {
    let result;
    // SAFETY: see `call`.
    unsafe {
        std::arch::asm!("svc 0", in("x8") call, inlateout("x0") a => result, in("x1") b, in("x2") c, in("x3") d,
            in("x4") e, in("x5") f);
    }
    result
}

/// getpid by the gate of 32-bit programs.
#[cfg(target_arch = "x86_64")]
fn gate() -> isize {
    let result: isize;
    // SAFETY: getpid takes no argument and touches no memory.
    unsafe {
        std::arch::asm!("int 0x80", inlateout("rax") 20isize => result, lateout("r8") _, lateout("r9") _,
            lateout("r10") _, lateout("r11") _);
    }
    result
}
