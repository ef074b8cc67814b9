//! Many runs of one jail on one machine: the list of items, the record of what is done, and the
//! processes. It prints nothing, and shows nothing that a jail has written.

mod items;
mod record;
mod run;

pub use items::{Item, ListError, fill, has_mark, items};
pub use record::{Batch, BatchError, Done};
pub use run::{Memory, Outcome, Run, Runner, Work};
