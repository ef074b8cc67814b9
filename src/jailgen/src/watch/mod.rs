//! Running jails over time: what each uses, and which hosts it was refused. Everything that a jail
//! can choose or make grow has a bound here; nothing here prints.

mod model;
mod source;
mod usage;
mod view;

pub use model::{Event, Host, HostState, Model, Seen};
pub use source::{Snapshot, Source};
pub use usage::Usage;
pub use view::{Action, Key, View};

#[cfg(test)]
mod tests;
