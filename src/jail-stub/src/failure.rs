//! A launch that stopped: what it was doing, to what, and why; and the one place that prints.
//!
//! Everything printed is sanitised here: names come from arguments, from plans and from
//! folders that a jail wrote.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Write};
use core::ops::{Deref, DerefMut};

use rustix::io::Errno;

use crate::errno;
use crate::sys::{Standard, standard};

/// Exit status of a launch that failed before the payload ran.
pub(crate) const EXIT_FAILED: u8 = 125;
/// Exit status when the payload cannot be executed.
pub(crate) const EXIT_NOT_EXECUTABLE: u8 = 126;
/// Exit status when the payload is not found.
pub(crate) const EXIT_NOT_FOUND: u8 = 127;

/// The origin of what every jail has and no spec asks for.
const EVERY_JAIL: &str = "jailgen";

/// Longer texts are cut, so a failure always fits one message.
const TEXT_MAX: usize = 1024;

/// What went wrong, without the step. Nearly every function returns one or none, so it is a
/// pointer: copying the whole value about would make up a quarter of the stub's code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem(Box<Details>);

/// What a [`Problem`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Details {
    /// The object: a path, a variable, an address.
    pub(crate) object: String,
    /// What went wrong.
    pub(crate) cause: Cause,
    /// What to do about it.
    pub(crate) help: Option<String>,
    /// The applied combinator that put the object there; empty if that is not known.
    pub(crate) lies_in: String,
    /// The exit status of the launch.
    pub(crate) exit: u8,
}

/// Why something went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The kernel said so.
    Errno(Errno),
    /// The launch itself found it, and describes it in words.
    Words(String),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Errno(error) => f.write_str(&errno::name(*error)),
            Self::Words(words) => f.write_str(words),
        }
    }
}

impl Problem {
    /// Something wrong in words: `cause` about `object`.
    #[cold]
    #[inline(never)]
    pub(crate) fn new(object: impl AsText, cause: impl Into<String>) -> Self {
        Self::from_cause(object.as_text(), Cause::Words(cause.into()))
    }

    #[cold]
    #[inline(never)]
    fn from_cause(object: String, cause: Cause) -> Self {
        let lies_in = String::new();
        Self(Box::new(Details { object, cause, help: None, lies_in, exit: EXIT_FAILED }))
    }

    /// A system call that failed on `object`.
    #[cold]
    #[inline(never)]
    pub(crate) fn errno(object: impl AsText, error: Errno) -> Self {
        Self::from_cause(object.as_text(), Cause::Errno(error))
    }

    /// Whether the error of the kernel is one of these.
    pub(crate) fn is(&self, errors: &[Errno]) -> bool {
        matches!(&self.cause, Cause::Errno(error) if errors.contains(error))
    }

    /// The same with a remedy.
    #[must_use]
    #[cold]
    #[inline(never)]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same, with the combinator whose mount contains the object.
    #[must_use]
    #[cold]
    #[inline(never)]
    pub(crate) fn lies_in(mut self, by: &str) -> Self {
        self.lies_in = by.into();
        self
    }

    /// The same with another exit status.
    #[must_use]
    pub(crate) fn exit(mut self, exit: u8) -> Self {
        self.exit = exit;
        self
    }
}

impl Deref for Problem {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

impl DerefMut for Problem {
    fn deref_mut(&mut self) -> &mut Details {
        &mut self.0
    }
}

/// Turns an error of a call into a [`Problem`] about an object.
pub(crate) trait About<T> {
    /// Adds what the call was about.
    fn about(self, object: impl AsText) -> Result<T, Problem>;
}

impl<T> About<T> for Result<T, Errno> {
    fn about(self, object: impl AsText) -> Result<T, Problem> {
        self.map_err(|error| Problem::errno(object, error))
    }
}

/// What can be the object of a message.
pub(crate) trait AsText {
    /// As text; bytes that are not UTF-8 become U+FFFD.
    fn as_text(&self) -> String;
}

impl AsText for &str {
    fn as_text(&self) -> String {
        (*self).into()
    }
}

impl AsText for &String {
    fn as_text(&self) -> String {
        (*self).clone()
    }
}

impl AsText for &[u8] {
    fn as_text(&self) -> String {
        String::from_utf8_lossy(self).into()
    }
}

impl AsText for &Vec<u8> {
    fn as_text(&self) -> String {
        String::from_utf8_lossy(self).into()
    }
}

impl AsText for &core::ffi::CStr {
    fn as_text(&self) -> String {
        String::from_utf8_lossy(self.to_bytes()).into()
    }
}

/// Where in the launch something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Counted from 1.
    pub(crate) number: usize,
    /// How many steps the launch has.
    pub(crate) of: usize,
}

/// A step that failed. It is a pointer, as is [`Problem`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure(Box<Failed>);

/// What a [`Failure`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    /// Which step; `None` before there was a plan.
    pub(crate) step: Option<Step>,
    /// The kind of step: `bind-ro`.
    pub(crate) name: String,
    /// The applied combinator that asked for it; empty for what every launch does.
    pub(crate) by: String,
    /// What went wrong.
    pub(crate) problem: Problem,
}

impl Deref for Failure {
    type Target = Failed;

    fn deref(&self) -> &Failed {
        &self.0
    }
}

impl Failure {
    /// A failure of a step.
    #[cold]
    #[inline(never)]
    pub(crate) fn new(step: Option<Step>, name: &str, by: &str, problem: Problem) -> Self {
        Self(Box::new(Failed { step, name: name.into(), by: by.into(), problem }))
    }

    /// A failure before any step.
    #[must_use]
    pub(crate) fn early(problem: Problem) -> Self {
        Self::new(None, "", "", problem)
    }

    /// The lines for the user. `place` returns the place of an applied combinator in the spec.
    #[must_use]
    pub(crate) fn text(&self, place: impl Fn(&str) -> Option<String>) -> String {
        let mut text = String::from("jail-stub: ");
        if let Some(Step { number, of }) = self.step {
            let _ = write!(text, "step {number} of {of} ({}): ", printable(&self.name));
        }
        let Details { object, cause, help, lies_in, .. } = &*self.problem;
        if !object.is_empty() {
            let _ = write!(text, "{}: ", printable(object));
        }
        let meaning = match cause {
            Cause::Errno(error) => errno::meaning(*error),
            Cause::Words(_) => "",
        };
        let _ = writeln!(text, "{}{meaning}", printable(&cause.to_string()));
        origin(&mut text, "wanted by", &self.by, &place);
        origin(&mut text, "in what is put there by", lies_in, &place);
        if let Some(help) = help {
            let _ = writeln!(text, "  help: {}", printable(help));
        }
        text
    }

    /// The failure as bytes, to be sent out of the jail.
    #[must_use]
    pub(crate) fn encode(&self) -> Vec<u8> {
        let (number, of) = self.step.map_or((0, 0), |step| (step.number, step.of));
        let Details { object, cause, help, lies_in, exit } = &*self.problem;
        let help = help.as_deref().unwrap_or_default();
        let (error, words) = match cause {
            Cause::Errno(error) => (error.raw_os_error(), ""),
            Cause::Words(words) => (0, words.as_str()),
        };
        let fields = [&self.name, &self.by, object, words, help, lies_in].map(clean);
        let numbers = [number.to_string(), of.to_string(), exit.to_string(), error.to_string()];
        format!("{}\0{}", numbers.join("\0"), fields.join("\0")).into_bytes()
    }

    /// Reads what [`Failure::encode`] wrote. `None` if it is not that.
    #[must_use]
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(bytes).ok()?;
        let mut fields = text.split('\0');
        let mut next = || fields.next();
        let (number, of) = (next()?.parse().ok()?, next()?.parse().ok()?);
        let (exit, error) = (next()?.parse().ok()?, next()?.parse().ok()?);
        let (name, by) = (next()?, next()?);
        let (object, words) = (next()?.into(), next()?.into());
        let cause = match error {
            0 => Cause::Words(words),
            error => Cause::Errno(Errno::from_raw_os_error(error)),
        };
        let help = Some(next()?).filter(|help| !help.is_empty()).map(Into::into);
        let lies_in = next()?.into();
        let step = (of > 0).then_some(Step { number, of });
        let problem = Problem(Box::new(Details { object, cause, help, lies_in, exit }));
        Some(Self::new(step, name, by, problem))
    }
}

/// The text, cut to a bounded length and without the separator of [`Failure::encode`].
fn clean(field: &str) -> String {
    let mut text = String::new();
    for c in field.chars() {
        if text.len() >= TEXT_MAX {
            text.push('…');
            break;
        }
        text.push(if c == '\0' { '\u{fffd}' } else { c });
    }
    text
}

/// The text with everything escaped that a terminal might interpret: control characters, and
/// characters that reorder text.
fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        let reorders = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
        if c.is_control() || reorders {
            safe.extend(c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Reports something that is not a failure, in one line. `wanted` is the combinator that it is
/// about, and its place in the spec.
pub(crate) fn say(words: &str, wanted: Option<(&str, &str)>) {
    let mut text = format!("jail-stub: {}", printable(words));
    if let Some((by, place)) = wanted {
        let _ = write!(text, " (`{}` at {})", printable(combinator(by)), printable(place));
    }
    text.push('\n');
    print(&text);
}

/// A line about an applied combinator. Without a place in a spec, its name is enough. What every
/// jail has comes from no combinator.
fn origin(text: &mut String, how: &str, by: &str, place: &impl Fn(&str) -> Option<String>) {
    let name = combinator(by);
    if name.is_empty() || name == EVERY_JAIL {
        return;
    }
    let _ = write!(text, "  {how} `{}`", printable(name));
    if let Some(place) = place(by) {
        let _ = write!(text, " at {}", printable(&place));
    }
    text.push('\n');
}

/// `mount-cwd#3` is for machines; the author wrote `mount-cwd`.
fn combinator(by: &str) -> &str {
    by.split('#').next().unwrap_or_default()
}

/// Writes to standard error; there is no other place to report that this fails.
pub(crate) fn print(text: &str) {
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        match rustix::io::write(standard(Standard::Error), rest) {
            Ok(written) if written > 0 => rest = rest.get(written..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Ok(_) | Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure() -> Failure {
        let problem = Problem::errno("/nix/store/x", Errno::ACCESS).help("try another");
        Failure::new(Some(Step { number: 7, of: 23 }), "bind-ro", "readonly#2", problem)
    }

    #[test]
    fn a_failure_is_one_line_with_its_place_and_a_help() {
        let place = |by: &str| (by == "readonly#2").then(|| "demo.jail:4:3".into());
        assert_eq!(
            failure().text(place),
            "jail-stub: step 7 of 23 (bind-ro): /nix/store/x: EACCES (you may not go there)\n  \
             wanted by `readonly` at demo.jail:4:3\n  help: try another\n"
        );
    }

    #[test]
    fn a_failure_names_both_combinators_and_without_a_spec_their_names_alone() {
        let problem = Problem::errno("/a/b", Errno::NOENT).lies_in("tmpfs#4");
        let failure = Failure::new(None, "", "readonly#2", problem);
        let of_spec = |by: &str| Some(format!("demo.jail:{by}"));
        assert_eq!(
            failure.text(of_spec),
            "jail-stub: /a/b: ENOENT (it does not exist)\n  \
             wanted by `readonly` at demo.jail:readonly#2\n  \
             in what is put there by `tmpfs` at demo.jail:tmpfs#4\n"
        );
        assert_eq!(
            failure.text(|_| None),
            "jail-stub: /a/b: ENOENT (it does not exist)\n  \
             wanted by `readonly`\n  in what is put there by `tmpfs`\n"
        );
        let of_every_jail = Failure::new(None, "", "jailgen#0", Problem::new("lo", "no"));
        assert_eq!(of_every_jail.text(|_| None), "jail-stub: lo: no\n");
        assert_eq!(Failure::decode(&failure.encode()), Some(failure));
    }

    #[test]
    fn a_failure_survives_its_way_out_of_the_jail() {
        assert_eq!(Failure::decode(&failure().encode()), Some(failure()));
        assert_eq!(Failure::decode(b"7\x0023"), None);
        assert_eq!(Failure::decode(b"\xff"), None);
    }

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        let early = Failure::early(Problem::new("/a\x1b]52;c;x\x07\nb\u{202e}", "no"));
        assert_eq!(early.text(|_| None), "jail-stub: /a\\u{1b}]52;c;x\\u{7}\\u{a}b\\u{202e}: no\n");
    }

    #[test]
    fn a_failure_about_a_huge_object_still_fits_a_message() {
        let early = Failure::early(Problem::new(&*"x".repeat(100_000), "no"));
        assert!(early.encode().len() < 2 * TEXT_MAX);
    }
}
