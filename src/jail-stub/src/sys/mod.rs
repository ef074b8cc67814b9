//! The system calls that rustix does not have, one in each function. All unsafe code of the library
//! is in this folder, except calls of its functions whose rules the callers must keep.
//!
//! Numbers and layouts are those of the kernel's headers (`asm/unistd.h` and `linux/*.h`).

mod call;
mod futex;
mod handle;
pub mod landlock;
mod mount;
mod process;
mod signal;
mod terminal;
mod title;

pub use futex::{Futex, Handover};
pub use handle::{FileHandle, file_handle};
pub use mount::{Attributes, bring_up, set_attributes};
pub use process::{
    Cloned, NewNamespaces, Standard, StringList, clone, close_all_but, close_descriptors, exit,
    join_new_keyring, load_filter, replace, spawn, spawn_in, spawn_sharing_memory, standard,
    unshare,
};
pub use signal::{
    SignalSet, Signalled, default_action, kill, read_signal, set_mask, signal_descriptor,
    signal_everything, signal_group, signal_process, unblock,
};
pub use terminal::{foreground_group, leave_terminal, own_group, set_foreground_group};
pub use title::CommandLine;
