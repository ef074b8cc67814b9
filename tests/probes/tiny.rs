//! The smallest payload: a static program that writes one byte to its standard
//! output and exits with 0.
//!
//! It is an ELF file put together here, so that nothing has to be compiled for it and nothing
//! but the kernel starts it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// `write(1, ".", 1); exit(0)`; the byte is the last one of the code.
#[cfg(target_arch = "x86_64")]
const CODE: &[u8] = &[
    0xb8, 1, 0, 0, 0, // mov eax, 1
    0xbf, 1, 0, 0, 0, // mov edi, 1
    0x48, 0x8d, 0x35, 0x10, 0, 0, 0, // lea rsi, [rip + 16]
    0xba, 1, 0, 0, 0, // mov edx, 1
    0x0f, 0x05, // syscall
    0xb8, 60, 0, 0, 0, // mov eax, 60
    0x31, 0xff, // xor edi, edi
    0x0f, 0x05, // syscall
    b'.',
];

/// The same for the other processor.
#[cfg(target_arch = "aarch64")]
const CODE: &[u8] = &[
    0x20, 0x00, 0x80, 0xd2, // mov x0, 1
    0xe1, 0x00, 0x00, 0x10, // adr x1, +28
    0x22, 0x00, 0x80, 0xd2, // mov x2, 1
    0x08, 0x08, 0x80, 0xd2, // mov x8, 64
    0x01, 0x00, 0x00, 0xd4, // svc 0
    0x00, 0x00, 0x80, 0xd2, // mov x0, 0
    0xa8, 0x0b, 0x80, 0xd2, // mov x8, 93
    0x01, 0x00, 0x00, 0xd4, // svc 0
    b'.',
];

const MACHINE: u16 = if cfg!(target_arch = "aarch64") { 183 } else { 62 };
const BASE: u64 = 0x40_0000;
const HEADERS: u64 = 64 + 56;

/// Writes the program into `folder`; its path.
pub(crate) fn write(folder: &Path) -> PathBuf {
    let path = folder.join("tiny");
    std::fs::write(&path, program()).expect("the probe is written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))
        .expect("and executable");
    path
}

fn program() -> Vec<u8> {
    let size = HEADERS + CODE.len() as u64;
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let half = |file: &mut Vec<u8>, value: u16| file.extend(value.to_le_bytes());
    let word = |file: &mut Vec<u8>, value: u32| file.extend(value.to_le_bytes());
    let long = |file: &mut Vec<u8>, value: u64| file.extend(value.to_le_bytes());
    half(&mut file, 2); // an executable
    half(&mut file, MACHINE);
    word(&mut file, 1);
    long(&mut file, BASE + HEADERS); // the entry point
    long(&mut file, 64); // one program header, right here
    long(&mut file, 0);
    word(&mut file, 0);
    for value in [64, 56, 1, 0, 0, 0] {
        half(&mut file, value);
    }
    word(&mut file, 1); // PT_LOAD
    word(&mut file, 5); // read and execute
    for value in [0, BASE, BASE, size, size, 0x1000] {
        long(&mut file, value);
    }
    file.extend(CODE);
    file
}
