//! All output goes through here: colour, quietness and broken pipes are handled here, and plain
//! text is sanitised. Text with colours of its own ([`Console::result`], [`Console::diagnostic`])
//! must be sanitised already.

use std::borrow::Cow;
use std::io::{self, BufRead as _, ErrorKind, IsTerminal as _, Read as _, Write as _};
use std::time::Duration;

use anstream::ColorChoice;
use clap::builder::styling::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};

use super::args::When;
use super::failure::Failure;
use crate::render::sanitise;

/// The two output streams.
#[derive(Clone, Copy, Debug)]
pub(super) struct Console {
    quiet: bool,
}

/// An answer is a word.
const ANSWER_MAX: u64 = 64;

const NOTE: Style = AnsiColor::Green.on_default().bold();
const ERROR: Style = AnsiColor::Red.on_default().bold();
const HELP: Style = AnsiColor::Cyan.on_default().bold();

impl Console {
    /// The streams of this process. Colour is decided once, for everything.
    pub(super) fn new(color: When, quiet: bool) -> Self {
        match color {
            // anstream asks NO_COLOR, CLICOLOR, TERM and whether the stream is a terminal.
            When::Auto => ColorChoice::Auto,
            When::Always => ColorChoice::Always,
            When::Never => ColorChoice::Never,
        }
        .write_global();
        Self { quiet }
    }

    /// Prints a result.
    ///
    /// # Errors Standard output cannot be written. A reader that is gone is not an error, but the
    /// caller has nothing left to do: [`Failure::Done`].
    pub(super) fn result(self, text: &str) -> Result<(), Failure> {
        let mut out = anstream::stdout().lock();
        written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
    }

    /// Says what was done.
    pub(super) fn note(self, verb: &str, object: &str) {
        if !self.quiet {
            self.line(&format!("{NOTE}{verb:>10}{NOTE:#} {}", sanitise(object)));
        }
    }

    /// Prints a result next to the output of the program that was run.
    pub(super) fn aside(self, text: &str) {
        let _ = anstream::stderr().lock().write_all(text.as_bytes());
    }

    /// Prints what went wrong.
    pub(super) fn error(self, message: &str, help: Option<&str>) {
        self.line(&format!("{ERROR}error{ERROR:#}: {}", sanitise(message)));
        if let Some(help) = help {
            let indented = sanitise(help.trim_end()).replace('\n', "\n        ");
            self.line(&format!("  {HELP}help{HELP:#}: {indented}"));
        }
    }

    /// Says something and asks about it: whether the answer was yes. `None` without a terminal on
    /// both sides, where no user could answer.
    pub(super) fn ask(self, statement: &str, question: &str) -> Option<bool> {
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return None;
        }
        let mut err = anstream::stderr().lock();
        let statement = sanitise(statement);
        let asked = write!(err, "{statement}\n{question} [y/N] ").and_then(|()| err.flush());
        let mut answer = String::new();
        let read = asked.and_then(|()| io::stdin().lock().take(ANSWER_MAX).read_line(&mut answer));
        Some(read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes"))
    }

    /// Prints what is wrong with a command line, in clap's own words, or the help that was asked
    /// for.
    ///
    /// # Errors
    /// As of [`Console::result`].
    pub(super) fn usage(self, error: &clap::Error) -> Result<(), Failure> {
        let rendered = error.render();
        let plain = rendered.to_string();
        match sanitise(&plain) {
            // A file that is named like an option is among them.
            Cow::Owned(safe) => self.line(safe.trim_end()),
            Cow::Borrowed(_) if error.use_stderr() => drop(error.print()),
            Cow::Borrowed(_) => written(error.print().and_then(|()| io::stdout().flush()))?,
        }
        Ok(())
    }

    /// Prints a rendered diagnostic.
    pub(super) fn diagnostic(self, rendered: &str) {
        self.line(rendered);
    }

    /// A spinner for a step that may take long; it is there only on a terminal.
    pub(super) fn progress(self, message: String) -> ProgressBar {
        if self.quiet || !io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new_spinner().with_message(sanitise(&message).into_owned());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        bar
    }

    /// A bar for so many steps; it is there only on a terminal.
    pub(super) fn bar(self, steps: u64) -> ProgressBar {
        if self.quiet || !io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new(steps);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(250));
        bar
    }

    /// An error of writing to standard error is ignored: there is no place left to report it.
    fn line(self, text: &str) {
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    }
}

/// What writing to standard output came to.
fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::Done),
        Err(error) => Err(Failure::new(format!("standard output cannot be written: {error}"))),
    }
}

/// How wide what is printed may be: as the terminal, within reason.
pub(super) fn width() -> usize {
    let terminal = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    terminal.unwrap_or(100).clamp(60, 140)
}
