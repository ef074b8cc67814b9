//! Ctrl-C: no run begins any more, those that run are asked to end, and after a while ended. Once
//! more means at once.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use rustix::process::Signal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::cli::failure::Failure;
use crate::many::Runner;

/// How long a jail may take to end when it is asked to, as with `jailgen stop`.
const PATIENCE: Duration = Duration::from_secs(5);

/// The signals that have come.
pub(super) struct Interrupt {
    flags: Vec<(u8, Arc<AtomicBool>)>,
    first: Cell<Option<(u8, Instant)>>,
    is_killed: Cell<bool>,
}

impl Interrupt {
    pub(super) fn listen() -> Result<Self, Failure> {
        let failed = |error| Failure::new(format!("signals cannot be waited for: {error}"));
        let mut flags = Vec::new();
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            let has_come = Arc::new(AtomicBool::new(false));
            flag::register(signal, Arc::clone(&has_come)).map_err(failed)?;
            flags.push((u8::try_from(signal).unwrap_or_default(), has_come));
        }
        Ok(Self { flags, first: Cell::new(None), is_killed: Cell::new(false) })
    }

    /// The first signal that has come.
    pub(super) fn signal(&self) -> Option<u8> {
        self.first.get().map(|(signal, _)| signal)
    }

    /// Does what a signal wants that has come since the last look.
    pub(super) fn look(&self, runner: &Runner, bar: &ProgressBar) {
        let has_come = |(_, flag): &&(u8, Arc<AtomicBool>)| flag.swap(false, Ordering::Relaxed);
        let new = self.flags.iter().find(has_come).map(|(signal, _)| *signal);
        let is_late = match (self.first.get(), new) {
            (None, None) => return,
            (None, Some(signal)) => {
                self.first.set(Some((signal, Instant::now())));
                runner.stop(Signal::TERM);
                bar.set_message("ending what runs; Ctrl-C again ends it at once");
                return;
            }
            (Some((_, since)), new) => new.is_some() || since.elapsed() > PATIENCE,
        };
        if is_late && !self.is_killed.replace(true) {
            runner.stop(Signal::KILL);
        }
    }
}
