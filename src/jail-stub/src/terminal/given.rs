//! Which of standard input, output and error are terminals of the
//! launcher's, and how they are used.

use jail_plan::{Plan, Terminal};
use rustix::fs::{FileType, fstat};
use rustix::termios::isatty;

use crate::sys::{self, Standard};

/// What the launcher has passed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given {
    terminals: [Option<Standard>; 3],
    /// Whether the jail has a terminal of its own in their place.
    pub(crate) is_replaced: bool,
    /// Whether the payload reads from the launcher's terminal whenever its job may. In
    /// `jailed-x | less` that is `less`, until the payload asks.
    pub(crate) is_reader: bool,
    /// Whether the job may read now.
    pub(crate) takes: bool,
    /// Whether others of the job write to the terminal, too: it then keeps
    /// starting lines where they start.
    pub(crate) has_company: bool,
}

impl Given {
    /// Checks what the launcher has passed.
    pub(crate) fn from_plan(plan: &Plan) -> Self {
        let terminals = Standard::ALL.map(|one| isatty(sys::standard(one)).then_some(one));
        let group =
            terminals.map(|one| one.and_then(|one| sys::foreground_group(sys::standard(one)).ok()));
        let is_reader = match (plan.terminal, group) {
            (Terminal::Keep | Terminal::Shared, [Some(_), Some(_), _])
            | (Terminal::NewSession, [Some(_), ..]) => true,
            (Terminal::Keep | Terminal::Shared | Terminal::NewSession, _) => false,
        };
        let [group, ..] = group;
        let any = terminals.iter().any(Option::is_some);
        Self {
            terminals,
            is_replaced: any && plan.terminal != Terminal::Shared,
            is_reader,
            takes: is_reader && group == Some(sys::own_group()),
            has_company: any && Standard::ALL.into_iter().any(is_pipe),
        }
    }

    /// Those that are terminals.
    pub(crate) fn terminals(&self) -> impl DoubleEndedIterator<Item = Standard> + Clone {
        self.terminals.into_iter().flatten()
    }
}

fn is_pipe(one: Standard) -> bool {
    let kind = fstat(sys::standard(one)).map(|stat| FileType::from_raw_mode(stat.st_mode));
    matches!(kind, Ok(FileType::Fifo | FileType::Socket))
}
