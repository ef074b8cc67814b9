//! Checks our compiler against another one: for every policy, the tree and seccompiler's linear
//! program give the same answers, on both processors.
//!
//! seccompiler's filters have only two answers. So a policy is compared answer by answer, each with
//! a filter that matches exactly where ours must give that answer.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

use crate::bpf::value;
use crate::simulate::answer;
use crate::{
    Answer, Arch, Base, Call, Condition, Decision, Errno, Folder, Match, OnDeny, Policy, Question,
    Sockets, Test, cage_calls, cage_program, calls, default_program, program,
};

/// What seccompiler's filters answer where they match; it is not an answer of ours.
const HERE: u32 = 0x0005_0000 | 77;

type Rules = BTreeMap<i64, Vec<SeccompRule>>;
/// All of them must hold.
type All = Vec<One>;

/// A condition on the low half of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct One {
    argument: u8,
    mask: u32,
    value: u32,
    equal: bool,
}

fn linear(arch: Arch, rules: Rules) -> Vec<u8> {
    let arch = match arch {
        Arch::X86_64 => TargetArch::x86_64,
        Arch::Aarch64 => TargetArch::aarch64,
    };
    let (allow, here) = (SeccompAction::Allow, SeccompAction::Errno(HERE & 0xffff));
    let program: BpfProgram =
        SeccompFilter::new(rules, allow, here, arch).unwrap().try_into().unwrap();
    let instruction = |one: &seccompiler::sock_filter| {
        let [a, b] = one.code.to_le_bytes();
        let [c, d, e, f] = one.k.to_le_bytes();
        [a, b, one.jt, one.jf, c, d, e, f]
    };
    program.iter().flat_map(instruction).collect()
}

fn is(argument: u8, mask: u32, value: u32) -> One {
    One { argument, mask, value, equal: true }
}

fn is_not(argument: u8, value: u32) -> One {
    One { argument, mask: u32::MAX, value, equal: false }
}

fn rule(all: All) -> SeccompRule {
    let condition = |one: One| {
        let operator = match one.equal {
            true => SeccompCmpOp::MaskedEq(one.mask.into()),
            false => SeccompCmpOp::Ne,
        };
        let length = SeccompCmpArgLen::Dword;
        SeccompCondition::new(one.argument, length, operator, one.value.into()).unwrap()
    };
    SeccompRule::new(all.into_iter().map(condition).collect()).unwrap()
}

/// Both, unless they contradict each other: there are many such paths, and no call can take them.
fn both(first: &All, second: &All) -> Option<All> {
    let mut all = first.clone();
    for one in second {
        let contradicts = |other: &One| {
            let same = other.argument == one.argument && other.mask == one.mask;
            same && other.equal && one.equal && other.value != one.value
        };
        if all.iter().any(contradicts) {
            return None;
        }
        if !all.contains(one) {
            all.push(*one);
        }
    }
    Some(all)
}

fn each_with_each(first: &[All], second: &[All]) -> Vec<All> {
    first.iter().flat_map(|one| second.iter().filter_map(move |other| both(one, other))).collect()
}

/// The ways in which a condition has this result; any of them suffices.
fn ways(Condition { argument, mask, test }: &Condition, holds: bool) -> Vec<All> {
    match test {
        Test::OneOf(values) => among(*argument, *mask, values, holds),
        Test::NoneOf(values) => among(*argument, *mask, values, !holds),
        Test::AnyBit(looked_at) => bits(*argument, *looked_at & *mask, holds),
    }
}

fn among(argument: u8, mask: u32, values: &[u32], inside: bool) -> Vec<All> {
    match (inside, mask) {
        (true, _) => values.iter().map(|value| vec![is(argument, mask, *value)]).collect(),
        (false, u32::MAX) => vec![values.iter().map(|value| is_not(argument, *value)).collect()],
        // There is no masked inequality, but such a mask leaves only a few values.
        (false, _) => (0..=mask)
            .filter(|value| value & !mask == 0 && !values.contains(value))
            .map(|value| vec![is(argument, mask, value)])
            .collect(),
    }
}

fn bits(argument: u8, bits: u32, any: bool) -> Vec<All> {
    let each = (0..32).map(|bit| 1 << bit).filter(|bit| bits & bit != 0);
    match any {
        true => each.map(|bit| vec![is(argument, bit, bit)]).collect(),
        false => vec![vec![is(argument, bits, 0)]],
    }
}

/// The ways in which a decision comes to an answer.
fn leading_to(decision: &Decision, wanted: Answer) -> Vec<All> {
    let then = |ways: Vec<All>, rest: &Decision| each_with_each(&ways, &leading_to(rest, wanted));
    match decision {
        Decision::Always(answer) if *answer == wanted => vec![Vec::new()],
        Decision::Always(_) => Vec::new(),
        Decision::If { condition, yes, no } => {
            [then(ways(condition, true), yes), then(ways(condition, false), no)].concat()
        }
    }
}

fn rules(calls: &[Call], wanted: Answer) -> Rules {
    let mut rules = Rules::new();
    for call in calls {
        let ways = leading_to(&call.decision, wanted);
        if ways.iter().any(Vec::is_empty) {
            // seccompiler's form of every use.
            rules.insert(call.number.into(), Vec::new());
        } else if !ways.is_empty() {
            rules.insert(call.number.into(), ways.into_iter().map(rule).collect());
        }
    }
    rules
}

fn answers(decision: &Decision, into: &mut Vec<Answer>) {
    match decision {
        Decision::Always(answer) if into.contains(answer) => {}
        Decision::Always(answer) => into.push(*answer),
        Decision::If { yes, no, .. } => {
            answers(yes, into);
            answers(no, into);
        }
    }
}

/// Arguments around everything that a decision looks at.
fn around(decision: &Decision, into: &mut BTreeSet<u64>) {
    let near = |value: u32| [value.wrapping_sub(1), value, value.wrapping_add(1), !value];
    match decision {
        Decision::Always(_) => {}
        Decision::If { condition, yes, no } => {
            match &condition.test {
                Test::OneOf(values) | Test::NoneOf(values) => {
                    into.extend(values.iter().flat_map(|value| near(*value)).map(u64::from));
                }
                Test::AnyBit(bits) => {
                    into.extend(near(*bits).map(u64::from));
                    into.extend((0..32).map(|bit| 1 << bit));
                }
            }
            around(yes, into);
            around(no, into);
        }
    }
}

/// Compares our program with one of seccompiler's for each answer of the table.
fn agree(arch: Arch, calls: &[Call], ours: &[u8], seed: u64) {
    let mut all = Vec::new();
    calls.iter().for_each(|call| answers(&call.decision, &mut all));
    for wanted in all {
        let theirs = linear(arch, rules(calls, wanted));
        let asked = value(wanted);
        for call in calls {
            let mut values = BTreeSet::from([0, u64::MAX, seed]);
            around(&call.decision, &mut values);
            let values: Vec<u64> = values.into_iter().collect();
            for (index, value) in values.iter().enumerate() {
                // The high half does not count, whatever stands there.
                let other = |step| values[(index * 7 + step) % values.len()] | seed << 32;
                let arguments = [other(1), *value, other(2), other(3), other(4), other(5)];
                let swapped = [*value, other(1), other(2), other(3), other(4), other(5)];
                for arguments in [arguments, swapped] {
                    let question = Question::new(arch, call.number, arguments);
                    let found = answer(ours, &question).unwrap() == asked;
                    let expected = answer(&theirs, &question).unwrap() == HERE;
                    assert_eq!(found, expected, "{arch:?} {} {arguments:x?} {wanted:?}", call.name);
                }
            }
        }
    }
}

fn agrees(policy: &Policy, seed: u64) {
    for arch in Arch::ALL {
        // A policy that is too long for the kernel is refused before.
        let Some(ours) = program(arch, policy) else { continue };
        agree(arch, &calls(arch, policy), &ours, seed);
    }
}

#[test]
fn the_filters_that_jails_have_answer_as_seccompilers() {
    let strict = |agent: Option<&str>| Policy {
        base: Base::Strict { agent: agent.map(str::to_owned) },
        ..Policy::DEFAULT
    };
    let nested = Policy { nested_sandbox: true, ..Policy::DEFAULT };
    let shared = Policy { folder: Folder::SetGroupId, ..Policy::DEFAULT };
    for policy in [Policy::DEFAULT, nested, shared, strict(None), strict(Some("codex"))] {
        agrees(&policy, 0x1234_5678);
    }
    for (arch, sockets) in
        Arch::ALL.iter().flat_map(|arch| [Sockets::Tcp, Sockets::TcpAndUdp].map(|of| (*arch, of)))
    {
        agree(arch, &cage_calls(arch, sockets), &cage_program(arch, sockets), 99);
    }
}

#[test]
fn programs_of_another_processor_are_killed_by_both() {
    for (arch, other) in [(Arch::X86_64, Arch::Aarch64), (Arch::Aarch64, Arch::X86_64)] {
        let kill = |filter: &[u8]| answer(filter, &Question::new(other, 0, [0; 6]));
        assert_eq!(kill(&default_program(arch)), Some(0x8000_0000));
        assert_eq!(kill(&linear(arch, Rules::from([(0, Vec::new())]))), Some(0x8000_0000));
    }
}

/// Calls that the default filter always allows, and that no strict list has: what becomes of them
/// is a spec's alone.
const PLAIN: &[&str] = &["mlockall", "semget", "sync", "vmsplice", "msgget", "fsync", "getpid"];
const STRICT_REST: usize = 5;

fn test() -> impl Strategy<Value = Test> {
    let few = select(vec![0_u32, 1, 2, 0x10, 0x5412, 0x8000_0000, u32::MAX]);
    let values = prop::collection::vec(prop_oneof![few, any::<u32>()], 1..4);
    (0..3, values).prop_map(|(kind, values)| match kind {
        0 => Test::OneOf(values),
        1 => Test::NoneOf(values),
        // Few bits: seccompiler needs a rule for each, and its list must not be longer than the
        // kernel takes.
        _ => Test::AnyBit(values.into_iter().fold(0, |all, one| all | 1 << (one % 32))),
    })
}

fn matches() -> impl Strategy<Value = Vec<Match>> {
    let condition = (0_u8..6, test()).prop_map(|(argument, test)| Condition::new(argument, test));
    let conditions = prop::collection::vec(condition, 0..3);
    let one = (select(PLAIN), conditions)
        .prop_map(|(call, conditions)| Match { call: call.into(), conditions });
    prop::collection::vec(one, 0..4)
}

/// Straight from what a spec says, without our decisions in between.
fn said(arch: Arch, matches: &[Match], among: &[&str]) -> Rules {
    let mut rules = Rules::new();
    let mut always = BTreeSet::new();
    for call in calls(arch, &Policy::DEFAULT).iter().filter(|call| among.contains(&call.name)) {
        for one in matches.iter().filter(|one| one.call == call.name) {
            let mut ways_of = vec![All::new()];
            for condition in &one.conditions {
                ways_of = each_with_each(&ways_of, &ways(condition, true));
            }
            if one.conditions.is_empty() {
                always.insert(i64::from(call.number));
            }
            // An empty list must not be used if there is no way at all:
            // seccompiler takes it for every use.
            for way in ways_of.into_iter().filter(|way| !way.is_empty()) {
                rules.entry(call.number.into()).or_default().push(rule(way));
            }
        }
    }
    rules.extend(always.into_iter().map(|number| (number, Vec::new())));
    rules
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_tree_answers_as_seccompilers_list_whatever_a_spec_says(
        allow in matches(),
        deny in matches(),
        strict in any::<bool>(),
        nested_sandbox in any::<bool>(),
        on_deny in select(vec![None, Some(OnDeny::Errno), Some(OnDeny::Kill), Some(OnDeny::Log)]),
        seed in any::<u64>(),
    ) {
        let base = if strict { Base::Strict { agent: None } } else { Base::Default };
        agrees(&Policy { base, nested_sandbox, allow, deny, on_deny, ..Policy::DEFAULT }, seed);
    }

    #[test]
    fn what_a_spec_refuses_is_what_seccompiler_would_refuse(
        deny in matches(),
        arguments in prop::collection::vec(select(vec![0, 1, 2, 0x10, 0x5412, u64::MAX, 1 << 31]), 6),
        among in subsequence(PLAIN, 1..PLAIN.len()),
    ) {
        let deny: Vec<Match> = deny.into_iter().filter(|one| among.contains(&&*one.call)).collect();
        for arch in Arch::ALL {
            let policy = Policy { deny: deny.clone(), ..Policy::DEFAULT };
            let (ours, theirs) = (program(arch, &policy).unwrap(), linear(arch, said(arch, &deny, &among)));
            let all: [u64; 6] = arguments.clone().try_into().unwrap();
            for call in calls(arch, &policy).iter().filter(|call| PLAIN.contains(&call.name)) {
                let question = Question::new(arch, call.number, all);
                let refused = answer(&ours, &question).unwrap() == value(Answer::Errno(Errno::Perm));
                prop_assert_eq!(refused, answer(&theirs, &question).unwrap() == HERE, "{}", call.name);
            }
        }
    }

    #[test]
    fn what_a_strict_spec_adds_is_what_seccompiler_would_allow(
        allow in matches(),
        arguments in prop::collection::vec(select(vec![0, 1, 2, 0x10, 0x5412, u64::MAX, 1 << 31]), 6),
    ) {
        let rest = &PLAIN[..STRICT_REST];
        for arch in Arch::ALL {
            let base = Base::Strict { agent: None };
            let policy = Policy { base, allow: allow.clone(), ..Policy::DEFAULT };
            let (ours, theirs) = (program(arch, &policy).unwrap(), linear(arch, said(arch, &allow, rest)));
            let all: [u64; 6] = arguments.clone().try_into().unwrap();
            for call in calls(arch, &policy).iter().filter(|call| rest.contains(&call.name)) {
                let question = Question::new(arch, call.number, all);
                let allowed = answer(&ours, &question).unwrap() == value(Answer::Allow);
                prop_assert_eq!(allowed, answer(&theirs, &question).unwrap() == HERE, "{}", call.name);
            }
        }
    }
}
