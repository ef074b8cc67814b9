//! What happens at each system call in a jail: the table that its filter is
//! compiled from, in words.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::builder::styling::Style;
use jail_policy::Policy;
use serde::Serialize;

use crate::render::sanitise;
use crate::seal::SealError;
use crate::seal::filter;
use jail_seccomp::{Answer, Arch, Condition, Decision, Errno, Test};

const TITLE: Style = Style::new().bold();
const INDENT: usize = 2;

/// The system calls of a jail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// The command's name.
    pub name: String,
    /// The processor, whose calls they are.
    pub arch: &'static str,
    /// Every call that is known, by number. Calls that are not known fail as on a kernel that lacks
    /// them.
    pub calls: Vec<OneCall>,
}

/// One system call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OneCall {
    /// The name that identifies it.
    pub name: &'static str,
    /// The number of the system call.
    pub number: u32,
    /// What happens at it, in words.
    pub becomes: String,
}

/// The system calls of a policy.
///
/// # Errors
/// When the policy's rules are not rules.
pub fn calls(policy: &Policy, arch: Arch) -> Result<Calls, SealError> {
    let rules = filter::policy_from_grants(policy)?;
    let added = filter::sockets_of(policy).map(|sockets| jail_seccomp::cage_calls(arch, sockets));
    let calls = jail_seccomp::calls(arch, &rules).into_iter().enumerate().map(|(index, call)| {
        let added = added.as_ref().and_then(|calls| calls.get(index));
        let becomes = both(&call.decision, added.map(|call| &call.decision));
        OneCall { name: call.name, number: call.number, becomes }
    });
    Ok(Calls { name: policy.name.clone(), arch: arch.name(), calls: calls.collect() })
}

/// What two filters decide, of which a cage has the second: both must allow a call.
fn both(own: &Decision, added: Option<&Decision>) -> String {
    const ALLOWED: Decision = Decision::Always(Answer::Allow);
    match added {
        None | Some(&ALLOWED) => words(own),
        Some(added) if *own == ALLOWED => words(added),
        Some(_) if matches!(own, Decision::Always(_)) => words(own),
        Some(added) => format!("{}; and {}", words(added), words(own)),
    }
}

/// The table as text: calls with the same decision together, those with conditions first.
#[must_use]
pub fn render_calls(calls: &Calls, width: usize) -> String {
    let mut fates: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for call in &calls.calls {
        fates.entry(&call.becomes).or_default().push(call.name);
    }
    let mut fates: Vec<_> = fates.into_iter().collect();
    fates.sort_by_key(|(becomes, names)| (!becomes.contains(' '), names.len(), *becomes));
    let mut text = format!("{TITLE}{} ({}){TITLE:#}\n", sanitise(&calls.name), calls.arch);
    for (becomes, names) in fates {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n{TITLE}{becomes}{TITLE:#} ({})", names.len());
        let mut line = String::new();
        for name in names {
            if !line.is_empty() && INDENT + line.len() + 1 + name.len() > width {
                let _ = writeln!(text, "{:INDENT$}{line}", "");
                line.clear();
            }
            line += if line.is_empty() { "" } else { " " };
            line += name;
        }
        let _ = writeln!(text, "{:INDENT$}{line}", "");
    }
    text
}

/// A decision in words: `allowed`, or `if argument 1 is 0x5412 or 0x541c: EPERM; else: allowed`.
fn words(decision: &Decision) -> String {
    match decision {
        Decision::Always(answer) => answer_words(*answer).into(),
        Decision::If { condition, yes, no } => {
            format!("if {}: {}; else: {}", condition_words(condition), words(yes), words(no))
        }
    }
}

fn condition_words(Condition { argument, mask, test }: &Condition) -> String {
    let of = if *mask == u32::MAX { String::new() } else { format!(" & {mask:#x}") };
    let listed =
        |values: &[u32]| values.iter().map(|value| number(*value)).collect::<Vec<_>>().join(" or ");
    match test {
        Test::OneOf(values) => format!("argument {argument}{of} is {}", listed(values)),
        Test::NoneOf(values) => format!("argument {argument}{of} is not {}", listed(values)),
        Test::AnyBit(bits) => format!("argument {argument}{of} has a bit of {bits:#x}"),
    }
}

fn number(value: u32) -> String {
    if value < 10 { value.to_string() } else { format!("{value:#x}") }
}

fn answer_words(answer: Answer) -> &'static str {
    match answer {
        Answer::Allow => "allowed",
        Answer::Log => "logged",
        Answer::Kill => "killed",
        Answer::Errno(Errno::Perm) => "EPERM",
        Answer::Errno(Errno::NoSys) => "ENOSYS",
        Answer::Errno(Errno::ProtoNoSupport) => "EPROTONOSUPPORT",
        Answer::Errno(Errno::AfNoSupport) => "EAFNOSUPPORT",
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use jail_policy::{CallBase, Entry, Grant, Origin, VERSION};

    use super::*;

    fn table(grants: Vec<Grant>) -> Calls {
        let by = Origin { combinator: "seccomp".into(), index: 0 };
        let grants = grants.into_iter().map(|grant| Entry { by: by.clone(), grant }).collect();
        let policy = Policy { version: VERSION, name: "demo".into(), grants, places: [].into() };
        calls(&policy, Arch::X86_64).unwrap()
    }

    fn becomes(calls: &Calls, name: &str) -> String {
        calls.calls.iter().find(|call| call.name == name).unwrap().becomes.clone()
    }

    #[test]
    fn every_call_is_told_with_its_conditions() {
        let default = table(Vec::new());
        assert_eq!(becomes(&default, "read"), "allowed");
        assert_eq!(becomes(&default, "clone3"), "ENOSYS");
        expect!["if argument 1 is 0x5412 or 0x541c or 0x540c or 0x5423: EPERM; else: allowed"]
            .assert_eq(&becomes(&default, "ioctl"));
        expect!["if argument 0 has a bit of 0x7e020000: EPERM; else: allowed"]
            .assert_eq(&becomes(&default, "clone"));
        let strict = table(vec![
            Grant::SystemCalls { base: CallBase::Strict { agent: None } },
            Grant::CallRules { allow: vec!["ptrace(0=0)".into()], deny: Vec::new(), on_deny: None },
        ]);
        assert_eq!(becomes(&strict, "mlockall"), "killed");
        expect!["if argument 0 is 0: allowed; else: EPERM"].assert_eq(&becomes(&strict, "ptrace"));
    }

    #[test]
    fn calls_of_one_fate_stand_together_and_every_call_once() {
        let calls = table(Vec::new());
        let text = anstream::adapter::strip_str(&render_calls(&calls, 80)).to_string();
        assert!(text.starts_with("demo (x86_64)\n\nif argument"), "{text}");
        assert!(text.lines().filter(|line| line.starts_with("  ")).all(|line| line.len() <= 80));
        let names =
            text.lines().filter(|line| line.starts_with("  ")).flat_map(|line| line.split(' '));
        assert_eq!(names.filter(|name| !name.is_empty()).count(), calls.calls.len());
    }
}
