//! How the process was started, looked at before the standard library is: where a standard
//! descriptor is closed, that opens /dev/null in its place, and from then on the two look the same.

use std::sync::atomic::{AtomicBool, Ordering};

use syscalls::Sysno;

use super::{enter, id};

/// Of fcntl(2).
const F_GETFD: usize = 1;

const STANDARD_OUTPUT: usize = 1;

static CLOSED: AtomicBool = AtomicBool::new(false);

/// Whether the process was started without a standard output.
pub(crate) fn is_output_closed() -> bool {
    CLOSED.load(Ordering::Relaxed)
}

extern "C" fn look() {
    // SAFETY: with F_GETFD the call takes no address and changes nothing.
    let flags = unsafe { enter(id(Sysno::fcntl), [STANDARD_OUTPUT, F_GETFD, 0, 0, 0, 0]) };
    CLOSED.store(flags < 0, Ordering::Relaxed);
}

// SAFETY: the section holds pointers to functions of C, which are called once each before `main`
// (elf(5)); this one needs nothing of the library that is not there yet.
#[used]
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;
