//! A compiled pattern. The `regex` crate finds where a match begins, and of two alternatives takes
//! the first; POSIX wants the longer one, which an automaton over all of them finds.

use std::cell::RefCell;
use std::ops::Range;

use regex::bytes::{Captures, Regex, RegexBuilder};
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax::Config;
use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::hir::{Hir, HirKind};

use super::syntax::translate;

/// The largest compiled pattern.
const SIZE_MAX: usize = 1 << 20;

/// Finds where the whole match and each group are.
pub(super) type Groups = Vec<Option<Range<usize>>>;

/// A compiled pattern.
pub(crate) struct Pattern {
    leftmost: Regex,
    whole: Regex,
    /// Finds the longest match, where the pattern has alternatives.
    longest: Option<Longest>,
    /// The states of its automaton. Each byte of a text may visit all of them.
    states: usize,
}

/// The cost of a state for each byte, in bytes copied.
const STATE_COST: usize = 4;

fn states(pattern: &str) -> Result<usize, String> {
    let nfa = thompson::Compiler::new()
        .configure(thompson::Config::new().utf8(false).nfa_size_limit(Some(SIZE_MAX)))
        .syntax(syntax())
        .build(pattern)
        .map_err(|error| reason(&error.to_string()))?;
    Ok(nfa.states().len())
}

fn parsed(pattern: &str) -> Result<Hir, String> {
    let parsed = regex_automata::util::syntax::parse_with(pattern, &syntax());
    parsed.map_err(|error| reason(&error.to_string()))
}

/// Whether a repetition contains a group and may match nothing. Libraries disagree on
/// what the group then holds.
fn repeats_nothing(pattern: &Hir) -> bool {
    match pattern.kind() {
        HirKind::Repetition(repetition) => {
            let inside = repetition.sub.properties();
            (repetition.max != Some(1)
                && inside.explicit_captures_len() > 0
                && inside.minimum_len() == Some(0))
                || repeats_nothing(&repetition.sub)
        }
        HirKind::Capture(capture) => repeats_nothing(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(repeats_nothing),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => false,
    }
}

fn syntax() -> Config {
    Config::new().unicode(false).utf8(false).dot_matches_new_line(true)
}

struct Longest {
    automaton: DFA,
    cache: RefCell<Cache>,
}

impl Pattern {
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        let translated = translate(pattern)?;
        if repeats_nothing(&parsed(&translated)?) {
            return Err("a group that may be empty is repeated, and versions of Nix differ on what it holds then".into());
        }
        let build = |pattern: &str| {
            let mut builder = RegexBuilder::new(pattern);
            let builder = builder.unicode(false).dot_matches_new_line(true).size_limit(SIZE_MAX);
            builder.build().map_err(|error| reason(&error.to_string()))
        };
        let longest = pattern.contains('|').then(|| Longest::new(&translated)).transpose()?;
        Ok(Self {
            leftmost: build(&translated)?,
            whole: build(&format!("^(?:{translated})$"))?,
            longest,
            states: states(&translated)?,
        })
    }

    /// The approximate cost of matching a text of this many bytes, in bytes copied.
    pub(super) const fn cost(&self, bytes: usize) -> usize {
        bytes.saturating_mul(self.states).saturating_mul(STATE_COST)
    }

    /// The groups, if the pattern matches all of `text`.
    pub(super) fn whole(&self, text: &[u8]) -> Option<Groups> {
        self.whole.captures(text).map(|captures| ranges(&captures, 0))
    }

    /// The first match at or after a byte.
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<Groups> {
        let captures = self.leftmost.captures_at(text, from)?;
        let first = captures.get(0)?;
        let end = self.longest.as_ref().and_then(|longest| longest.end(text, first.start()));
        if let Some(end) = end.filter(|end| *end > first.end())
            && let Some(captures) = self.whole.captures(text.get(first.start()..end)?)
        {
            return Some(ranges(&captures, first.start()));
        }
        Some(ranges(&captures, 0))
    }
}

impl Longest {
    fn new(pattern: &str) -> Result<Self, String> {
        let automaton = DFA::builder()
            .configure(DFA::config().match_kind(MatchKind::All))
            .syntax(syntax())
            .thompson(thompson::Config::new().utf8(false).nfa_size_limit(Some(SIZE_MAX)))
            .build(pattern)
            .map_err(|error| reason(&error.to_string()))?;
        let cache = RefCell::new(automaton.create_cache());
        Ok(Self { automaton, cache })
    }

    /// The end of the longest match that starts at a byte.
    fn end(&self, text: &[u8], start: usize) -> Option<usize> {
        let input = Input::new(text).range(start..).anchored(Anchored::Yes);
        let found = self.automaton.try_search_fwd(&mut self.cache.borrow_mut(), &input);
        found.ok().flatten().map(|end| end.offset())
    }
}

fn ranges(captures: &Captures<'_>, offset: usize) -> Groups {
    let range = |found: regex::bytes::Match<'_>| found.start() + offset..found.end() + offset;
    captures.iter().map(|group| group.map(range)).collect()
}

fn reason(message: &str) -> String {
    message.lines().next_back().unwrap_or("").trim_start_matches("error: ").to_owned()
}
