//! The wrapper's file format: two lines that make it a program, the plan, and a
//! line of places for messages.
//!
//! ```text
//! #!/nix/store/…-jail-stub/bin/jail-stub
//! exit 125 # a plan, not a script
//! {"version": 3, …}
//! {"mount-cwd#3": "opencode.jail:4:3", …}
//! ```
//! The second line is for shells: if the kernel cannot start the stub, they would take the file for
//! a script and run it outside the jail. The last line is separate because it is not part of what
//! is enforced.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::helper::{has_work, is_helped};
use crate::json::{self, Parser};
use crate::order::sort;
use crate::plan::{Plan, VERSION};
use crate::terminal::is_filter;

/// The line that makes a shell exit.
pub const EXIT_LINE: &str = "exit 125 # a plan, not a script";

/// The largest wrapper that is read. 1,500 store paths take about 100 kB.
pub const PLAN_BYTES_MAX: usize = 8 * 1024 * 1024;

/// For each origin, the place in the spec: `opencode.jail:4:3`.
pub type Places = BTreeMap<String, String>;

/// A wrapper that was read: the plan, and the line of places, which is parsed only
/// when a message needs it.
pub struct Wrapper<'a> {
    /// The plan, completely read.
    pub plan: Plan,
    /// The parts of its text that are passed on unchanged.
    pub text: WrapperText<'a>,
}

/// Parts of a wrapper's text.
#[derive(Clone, Copy)]
pub struct WrapperText<'a> {
    /// The plan's `network`, as JSON; `null` where it has none.
    pub network: &'a [u8],
    places: &'a [u8],
}

/// Why a file is not a wrapper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WrapperError {
    /// It is larger than [`PLAN_BYTES_MAX`].
    TooLarge,
    /// The first two lines are not those of a wrapper.
    Head,
    /// Another version than [`VERSION`] (or none).
    Version(Option<u32>),
    /// The plan cannot be decoded: cut short, an unknown operation or field, a duplicate key.
    Plan(String),
    /// It can be decoded, but contradicts itself.
    Inconsistent(String),
}

impl<'a> Wrapper<'a> {
    /// Reads a wrapper.
    ///
    /// # Errors
    /// See [`WrapperError`]; nothing is guessed.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WrapperError> {
        if bytes.len() > PLAN_BYTES_MAX {
            return Err(WrapperError::TooLarge);
        }
        let body = body(bytes)?;
        let mut parser = Parser::new(body);
        let read = parser.value().and_then(|value| {
            Ok((json::from_value(&value)?, json::text_of(body, value.member("network"))))
        });
        let (plan, network) = read.map_err(|error| decoding_error(body, error.text(body)))?;
        check(&plan)?;
        Ok(Self { plan, text: WrapperText { network, places: parser.rest() } })
    }

    /// The place of `origin` in the spec, if the wrapper contains it.
    #[must_use]
    pub fn place(&self, origin: &str) -> Option<String> {
        self.text.place(origin)
    }
}

impl WrapperText<'_> {
    /// The place of `origin` in the spec, if the wrapper contains it.
    #[must_use]
    pub fn place(&self, origin: &str) -> Option<String> {
        json::text_in(self.places, origin)
    }
}

/// The text after the two lines of the head.
fn body(bytes: &[u8]) -> Result<&[u8], WrapperError> {
    let mut lines = bytes.splitn(3, |byte| *byte == b'\n');
    match (lines.next(), lines.next(), lines.next()) {
        (Some(first), Some(second), Some(body))
            if first.starts_with(b"#!") && second == EXIT_LINE.as_bytes() =>
        {
            Ok(body)
        }
        _ => Err(WrapperError::Head),
    }
}

/// A plan of another version usually fails to decode first, but the version
/// is the message that helps.
fn decoding_error(body: &[u8], why: String) -> WrapperError {
    match version(body) {
        Some(found) if found != VERSION => WrapperError::Version(Some(found)),
        Some(_) | None => WrapperError::Plan(why),
    }
}

/// The version, which is the first field of every plan. It is read by hand, because the rest of the
/// text may not be readable.
fn version(body: &[u8]) -> Option<u32> {
    let mut rest = body.trim_ascii_start();
    for part in [b"{".as_slice(), b"\"version\"", b":"] {
        rest = rest.strip_prefix(part)?.trim_ascii_start();
    }
    let digits = rest.iter().position(|byte| !byte.is_ascii_digit())?;
    core::str::from_utf8(rest.get(..digits)?).ok()?.parse().ok()
}

fn check(plan: &Plan) -> Result<(), WrapperError> {
    if plan.version != VERSION {
        return Err(WrapperError::Version(Some(plan.version)));
    }
    if plan.seccomp.is_empty() {
        return Err(WrapperError::Inconsistent("it has no system call filter".into()));
    }
    if plan.argv.is_empty() {
        return Err(WrapperError::Inconsistent("it names no program".into()));
    }
    if plan.host.is_none()
        && (has_work(plan)
            || plan.before.iter().any(|step| is_filter(&step.op))
            || plan.inside.iter().any(|step| is_helped(&step.op)))
    {
        return Err(WrapperError::Inconsistent(
            "it has work for a helper and names no helper".into(),
        ));
    }
    let mut names: Vec<&str> = plan.env.iter().map(|step| step.op.name()).collect();
    if names.iter().any(|name| name.is_empty() || name.contains(['=', '\0'])) {
        return Err(WrapperError::Inconsistent("the name of a variable is not valid".into()));
    }
    sort(&mut names);
    if names.iter().zip(names.iter().skip(1)).any(|(name, next)| name == next) {
        return Err(WrapperError::Inconsistent("a variable is given twice".into()));
    }
    if !plan.closure.names.iter().all(|name| is_plain_name(name)) {
        return Err(WrapperError::Inconsistent("the name of a store path is not valid".into()));
    }
    Ok(())
}

/// A name in a folder. It is checked byte by byte: a launch may have a thousand of them, and
/// characters take ten times as long.
fn is_plain_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte != b'/' && byte != 0;
    !name.starts_with('.') && !name.is_empty() && name.bytes().all(is_plain)
}

/// Writes the wrapper of `plan`, whose stub is at `stub`. Each operation, variable or store path
/// is on a line of its own.
///
/// # Errors
/// Only if the plan cannot be written as JSON, which no plan built from these types is.
pub fn encode(stub: &str, plan: &Plan, places: &Places) -> Result<String, serde_json::Error> {
    let plan = break_lines(&serde_json::to_string(plan)?);
    let places = serde_json::to_string(places)?;
    Ok(alloc::format!("#!{stub}\n{EXIT_LINE}\n{plan}\n{places}\n"))
}

/// Breaks the lines of compact JSON between the fields of the plan and between
/// the elements of every list.
fn break_lines(json: &str) -> String {
    let mut lines = String::with_capacity(json.len() + json.len() / 8);
    let mut open = Vec::new();
    let (mut in_string, mut escaped) = (false, false);
    for c in json.chars() {
        lines.push(c);
        match c {
            '"' if !escaped => in_string = !in_string,
            _ if in_string => {}
            '{' | '[' => open.push(c),
            '}' | ']' => drop(open.pop()),
            ',' if open.len() == 1 || open.last() == Some(&'[') => lines.push('\n'),
            _ => {}
        }
        escaped = in_string && c == '\\' && !escaped;
    }
    lines
}

impl fmt::Display for WrapperError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "the plan is larger than {PLAN_BYTES_MAX} bytes"),
            Self::Head => {
                f.write_str("this is not a wrapper: its first two lines are not those of a plan")
            }
            Self::Version(Some(found)) => {
                write!(f, "the plan has version {found}, and this stub reads version {VERSION}")
            }
            Self::Version(None) => f.write_str("the plan has no version"),
            Self::Plan(why) => write!(f, "the plan cannot be read: {why}"),
            Self::Inconsistent(why) => write!(f, "the plan contradicts itself: {why}"),
        }
    }
}
