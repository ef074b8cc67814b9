//! What a jail may reach of the network, by name: a policy, and the verdict on each request.
//!
//! No I/O: the broker looks names up and opens connections. It asks [`decide()`] before each step,
//! and passes the answer on. A name has one canonical form ([`Name`]), under which it is matched,
//! looked up, compared with what a client says in TLS or HTTP, and logged. An address that an
//! answer of DNS brings is judged too ([`objection`]): a name that is allowed must not lead to the
//! host's own services, its network or its cloud.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod address;
mod authority;
mod decide;
mod name;
mod pattern;
mod policy;
mod requests;
mod rule;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use address::{Objection, objection, special_ranges};
pub use authority::{Authority, AuthorityError, Host};
pub use decide::{INTERNET, Refusal, Request, Verdict, decide};
pub use name::{Name, NameError};
pub use pattern::{Pattern, PatternError};
pub use policy::{Change, Conflict, Policy, Reach};
pub use requests::{
    NormalPath, PathFault, PathPattern, PathPatternError, RequestRefusal, RequestRule,
    RequestRuleError, RequestVerdict, decide_request,
};
pub use rule::{Destination, Protocol, Rule, RuleError, Sni};
