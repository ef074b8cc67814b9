//! A panic is a bug in jailgen, and is reported as one: exit status 70, with the text to report.

use std::panic::{self, PanicHookInfo};
use std::process::ExitCode;

/// `EX_SOFTWARE` of sysexits(3).
const BUG: u8 = 70;

/// Runs `body`. A panic in it ends with the message of [`report`], not with a backtrace.
pub(super) fn catch(body: impl FnOnce() -> ExitCode + panic::UnwindSafe) -> ExitCode {
    panic::set_hook(Box::new(report));
    panic::catch_unwind(body).unwrap_or_else(|_| ExitCode::from(BUG))
}

fn report(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let what = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message");
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let version = env!("CARGO_PKG_VERSION");
    let text = format!(
        "jailgen: this is a bug in jailgen, not in your spec. Please report these lines and, if you can, the spec:\n  \
         jailgen {version}, {what} ({place})\n  arguments: {arguments:?}\n"
    );
    // Nothing is left to be done where even this cannot be written.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
}
