//! The result of a traced run: which calls there were, the answers of the default filter and
//! the strict one to each, and what a spec must say so the strict one allows them. It neither
//! runs nor prints anything.

pub mod files;
mod render;
mod wish;

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jail_plan::SeccompProgram;
use jail_policy::Policy;
use jail_trace::Call;
use serde::Serialize;

pub use render::render;

use crate::seal::SealError;
use crate::seal::filter;
use jail_seccomp::{Arch, Base, Fate, Folder, Question};
use wish::Wish;

/// The most programs that are named next to a call. The jail chooses their names, and how many
/// there are.
const PROGRAMS_MAX: usize = 32;

/// The two filters that calls are held against: the spec's own over the default list, and the same
/// over the strict one.
#[derive(Clone, Debug)]
pub struct Filters {
    arch: Arch,
    folder: Folder,
    agent: Option<String>,
    default: SeccompProgram,
    strict: SeccompProgram,
    wish: Wish,
}

impl Filters {
    /// Those of a policy, for a run in such a folder; `agent` is whose strict list counts where the
    /// policy names none.
    ///
    /// # Errors
    /// When the policy's rules are not rules, or are too many.
    pub fn for_run(
        policy: &Policy,
        agent: Option<&str>,
        arch: Arch,
        folder: Folder,
    ) -> Result<Self, SealError> {
        let said = filter::policy_from_grants(policy)?;
        let agent = match &said.base {
            Base::Strict { agent } => agent.clone(),
            Base::Default => agent.map(str::to_owned),
        };
        let granted = filter::working_folder(policy);
        let over =
            |base| filter::own(arch, &jail_seccomp::Policy { base, ..said.clone() }, granted);
        Ok(Self {
            arch,
            folder,
            default: over(Base::Default)?,
            strict: over(Base::Strict { agent: agent.clone() })?,
            agent,
            wish: Wish::from_policy(policy),
        })
    }

    /// What replaces a strict filter while a jail is traced.
    #[must_use]
    pub fn default(&self) -> SeccompProgram {
        self.default.clone()
    }
}

/// The calls of a run, as they come in.
#[derive(Clone, Debug)]
pub struct Trace {
    filters: Filters,
    names: BTreeMap<u32, &'static str>,
    default: Vec<Vec<u8>>,
    strict: Vec<Vec<u8>>,
    seen: BTreeMap<Option<u32>, Seen>,
}

#[derive(Clone, Debug, Default)]
struct Seen {
    count: u64,
    programs: BTreeSet<String>,
    default: BTreeMap<Fate, u64>,
    strict: BTreeMap<Fate, u64>,
    /// Calls that the default carries out, and the strict filter does not.
    missed: u64,
}

impl Trace {
    /// For a jail that runs under these filters, its own first.
    #[must_use]
    pub fn under_filters(loaded: &[SeccompProgram], filters: Filters) -> Self {
        let decode = |program: &SeccompProgram| {
            let text = match (filters.folder, &program.in_set_group_id_folder) {
                (Folder::SetGroupId, Some(there)) => there,
                (Folder::SetGroupId, None) | (Folder::Plain, _) => &program.program,
            };
            BASE64_STANDARD.decode(text).ok()
        };
        let default: Vec<Vec<u8>> = loaded.iter().filter_map(decode).collect();
        // A filter that a spec brings along, or the additional one of a cage, counts under either.
        let strict = decode(&filters.strict).into_iter().chain(default.iter().skip(1).cloned());
        let strict = strict.collect();
        let calls = jail_seccomp::calls(filters.arch, &jail_seccomp::Policy::DEFAULT);
        let names = calls.into_iter().map(|call| (call.number, call.name)).collect();
        Self { filters, names, default, strict, seen: BTreeMap::new() }
    }

    /// One more call.
    pub fn add(&mut self, call: &Call<'_>) {
        // The kernel looks at the low half of the register.
        let number = u32::try_from(call.number & 0xffff_ffff).unwrap_or_default();
        let question = Question { arch: call.arch, number, arguments: call.arguments };
        let fate =
            |filters: &[Vec<u8>]| jail_seccomp::fate(filters, &question).unwrap_or(Fate::Killed);
        let (default, strict) = (fate(&self.default), fate(&self.strict));
        let is_ours = call.arch == Question::new(self.filters.arch, 0, [0; 6]).arch;
        // All numbers without a call count as one, or a jail could cause an endless list.
        let known = Some(number).filter(|number| is_ours && self.names.contains_key(number));
        let seen = self.seen.entry(known).or_default();
        seen.count += 1;
        if seen.programs.len() < PROGRAMS_MAX && !seen.programs.contains(call.program) {
            seen.programs.insert(call.program.to_owned());
        }
        *seen.default.entry(default).or_default() += 1;
        *seen.strict.entry(strict).or_default() += 1;
        // What the default filter refuses, the strict one refuses in the same way.
        seen.missed += u64::from(default == Fate::CarriedOut && strict != Fate::CarriedOut);
    }

    /// What they come to. `name` is the command's.
    #[must_use]
    pub fn report(self, name: &str) -> Report {
        let missed = self.named(|seen| seen.missed > 0);
        let calls = self.seen.iter().map(|(number, seen)| OneCall {
            name: number.and_then(|number| self.names.get(&number)).map(|name| (*name).to_owned()),
            number: *number,
            count: seen.count,
            programs: seen.programs.iter().cloned().collect(),
            default: words(&seen.default),
            strict: words(&seen.strict),
        });
        Report {
            name: name.to_owned(),
            arch: self.filters.arch.name(),
            agent: self.filters.agent.clone(),
            calls: calls.collect(),
            add: self.filters.wish.with(&missed),
            missed,
        }
    }

    fn named(&self, wanted: impl Fn(&Seen) -> bool) -> Vec<String> {
        let numbers = self.seen.iter().filter(|(_, seen)| wanted(seen)).map(|(number, _)| *number);
        let mut names: Vec<String> = numbers
            .filter_map(|number| self.names.get(&number?).map(|name| (*name).to_owned()))
            .collect();
        names.sort();
        names
    }
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The command's name.
    pub name: String,
    /// The processor, whose numbers they are.
    pub arch: &'static str,
    /// The agent whose strict list was compared; the general one when absent.
    pub agent: Option<String>,
    /// Every call that was made, by number.
    pub calls: Vec<OneCall>,
    /// Calls that were carried out, and would not have been under `seccomp "strict"`.
    pub missed: Vec<String>,
    /// What the spec has to say next to `seccomp "strict"` for this run to go as it did.
    pub add: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OneCall {
    /// Its name; what is not a call of this processor has none.
    pub name: Option<String>,
    /// The number of the system call.
    pub number: Option<u32>,
    /// How often it was made.
    pub count: u64,
    /// The file names of the programs that made it. The jail chooses them.
    pub programs: Vec<String>,
    /// What became of it, and how often.
    pub default: BTreeMap<String, u64>,
    /// The answer to it under `seccomp "strict"`.
    pub strict: BTreeMap<String, u64>,
}

fn words(fates: &BTreeMap<Fate, u64>) -> BTreeMap<String, u64> {
    let word = |fate: &Fate| match fate {
        Fate::CarriedOut => "carried out".to_owned(),
        Fate::Killed => "killed".to_owned(),
        Fate::Fails(1) => "EPERM".to_owned(),
        Fate::Fails(38) => "ENOSYS".to_owned(),
        Fate::Fails(93) => "EPROTONOSUPPORT".to_owned(),
        Fate::Fails(97) => "EAFNOSUPPORT".to_owned(),
        Fate::Fails(other) => format!("errno {other}"),
    };
    fates.iter().map(|(fate, count)| (word(fate), *count)).collect()
}

#[cfg(test)]
mod tests;
