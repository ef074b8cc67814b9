//! The verdict on a request of HTTP: its method and its path, by rules of which one must match it
//! whole. No I/O.

mod path;

#[cfg(test)]
mod tests;

use std::fmt;

use super::name::Name;
use super::pattern::{Pattern, PatternError};

pub use path::{NormalPath, PathFault, PathPattern, PathPatternError};

/// The longest method that a rule may name.
const METHOD_MAX: usize = 32;

/// Which requests hosts may get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRule {
    /// The hosts that the rule is about.
    pub host: Pattern,
    /// Methods as they are sent; empty: all.
    pub methods: Vec<String>,
    /// Paths; empty: all.
    pub paths: Vec<PathPattern>,
    /// The grant that it comes from.
    pub by: String,
}

/// Why something is not a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestRuleError {
    /// The host is not one.
    Host(PatternError),
    /// A method that is not one, or that no server behind the broker gets.
    Method(String),
    /// A path that is not one, with the path.
    Path(String, PathPatternError),
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestVerdict<'a> {
    /// It goes on, by this rule. `None`: no rule is about the host.
    Allowed(Option<&'a RequestRule>),
    /// It does not.
    Refused(RequestRefusal),
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestRefusal {
    /// TRACE would say back what the broker adds, and CONNECT would hide what follows. No rule
    /// allows them.
    Method,
    /// No rule for the host allows this method with this path.
    NoRule,
    /// The path can be read in more than one way.
    Path(PathFault),
}

impl fmt::Display for RequestRuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(error) => error.fmt(f),
            Self::Method(method) => write!(
                f,
                "`{method}` is not a method that can be allowed: `GET`, `POST` and so on, in upper case, but not `CONNECT` and `TRACE`"
            ),
            Self::Path(path, error) => write!(f, "the path `{path}`: {error}"),
        }
    }
}

impl fmt::Display for RequestRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method => f.write_str("requests with this method are always refused"),
            Self::NoRule => f.write_str("no rule for this host allows this method and path"),
            Self::Path(fault) => write!(f, "the path is ambiguous: {fault}"),
        }
    }
}

impl RequestRule {
    /// Reads a rule as the plan has it.
    ///
    /// # Errors
    /// What in it is not as it must be.
    pub fn parse(
        host: &str,
        methods: &[String],
        paths: &[String],
        by: impl Into<String>,
    ) -> Result<Self, RequestRuleError> {
        let host = Pattern::parse(host).map_err(RequestRuleError::Host)?;
        if let Some(method) = methods.iter().find(|method| !is_method(method)) {
            return Err(RequestRuleError::Method(method.clone()));
        }
        let path = |text: &String| {
            PathPattern::parse(text).map_err(|error| RequestRuleError::Path(text.clone(), error))
        };
        let paths = paths.iter().map(path).collect::<Result<_, _>>()?;
        Ok(Self { host, methods: methods.to_vec(), paths, by: by.into() })
    }

    fn takes(&self, method: &str) -> bool {
        self.methods.is_empty() || self.methods.iter().any(|own| own == method)
    }
}

fn is_method(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_uppercase() || byte == b'-';
    (1..=METHOD_MAX).contains(&text.len()) && text.bytes().all(is_letter) && !is_never(text)
}

/// Whether a method is never carried. Case does not count: a server may not look at it either.
fn is_never(method: &str) -> bool {
    ["CONNECT", "TRACE"].iter().any(|never| never.eq_ignore_ascii_case(method))
}

/// Judges a request to a host. `path` is what stands before the `?` in its target.
#[must_use]
pub fn decide_request<'a>(
    rules: &'a [RequestRule],
    host: &Name,
    method: &str,
    path: &str,
) -> RequestVerdict<'a> {
    if is_never(method) {
        return RequestVerdict::Refused(RequestRefusal::Method);
    }
    let about: Vec<&RequestRule> = rules.iter().filter(|rule| rule.host.matches(host)).collect();
    if about.is_empty() {
        return RequestVerdict::Allowed(None);
    }
    let fitting: Vec<&RequestRule> = about.into_iter().filter(|rule| rule.takes(method)).collect();
    // Whatever the path means, such a rule allows it.
    if let Some(rule) = fitting.iter().find(|rule| rule.paths.is_empty()) {
        return RequestVerdict::Allowed(Some(rule));
    }
    if fitting.is_empty() {
        return RequestVerdict::Refused(RequestRefusal::NoRule);
    }
    let path = match NormalPath::parse(path) {
        Ok(path) => path,
        Err(fault) => return RequestVerdict::Refused(RequestRefusal::Path(fault)),
    };
    let matches = |rule: &&&RequestRule| rule.paths.iter().any(|own| own.matches(&path));
    match fitting.iter().find(matches) {
        Some(rule) => RequestVerdict::Allowed(Some(rule)),
        None => RequestVerdict::Refused(RequestRefusal::NoRule),
    }
}
