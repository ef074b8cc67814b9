//! Real Nix as the judge: each expression of the tables gives the same JSON through
//! `nix-instantiate` and through ours, or an error through both.
//!
//! A table is a `.cases` file; a case is a paragraph, and lines that begin with `#` are comments. A
//! case whose comment begins with `# only newer:` is one that the Nix of this machine may not know:
//! it is compared where it does. One whose comment begins with `# only older:` is compared with Nix
//! 2.8 alone, because newer versions differ from it. One whose comment begins with `# gap:` is
//! known to differ, for the reason that the comment gives.

#![expect(clippy::disallowed_methods, reason = "tests start programs, and variables say how")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops at the first surprise, and says when it is skipped"
)]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex};
use std::thread;

use jail_lang::{Expression, FileSources, Form, Limits, eval_expression};
use serde_json::Value;

mod choices;
mod library;
mod parsed;
mod random;
mod residual;

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Where the tables stand, and the files that their cases read.
fn tables() -> PathBuf {
    project().join("tests/oracle")
}

/// The settings that keep Nix away from the network.
const NIX_CONFIG: &str = "experimental-features = nix-command flakes\nsubstituters =\nflake-registry =\nbuild-users-group =\nsandbox = false\n";

struct Case {
    table: String,
    expression: String,
    newer: bool,
    older: bool,
    gap: bool,
}

/// The cases that are compared as JSON.
fn cases() -> Vec<Case> {
    let compared = |case: &Case| case.table != PRINTED && case.table != REFUSED;
    all_cases().into_iter().filter(compared).collect()
}

/// The table of the cases that are compared as Nix shows them.
const PRINTED: &str = "printed";

/// The table of the cases that are errors here, because evaluators do not agree on them.
const REFUSED: &str = "refused";

fn all_cases() -> Vec<Case> {
    let mut files: Vec<_> =
        fs::read_dir(tables()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "cases"));
    files.iter().flat_map(|path| cases_of(path)).collect()
}

fn cases_of(path: &Path) -> Vec<Case> {
    let table = path.file_stem().unwrap().to_str().unwrap().to_owned();
    let text = fs::read_to_string(path).unwrap();
    let paragraphs = text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    let case = |paragraph: &str| {
        let (comments, lines): (Vec<_>, Vec<_>) =
            paragraph.lines().partition(|line| line.starts_with('#'));
        let is_marked = |mark: &str| comments.iter().any(|line| line.starts_with(mark));
        Case {
            table: table.clone(),
            expression: lines.join("\n"),
            newer: is_marked("# only newer:"),
            older: is_marked("# only older:"),
            gap: is_marked("# gap:"),
        }
    };
    let is_compared = |case: &Case| !case.older || is_old();
    let cases = paragraphs.map(case).filter(|case| !case.expression.trim().is_empty());
    cases.filter(is_compared).collect()
}

/// Whether the machine's Nix is 2.8, whose choices are ours where versions differ. Without Nix the
/// answer does not matter.
pub(crate) fn is_old() -> bool {
    static OLD: LazyLock<bool> = LazyLock::new(|| {
        let output = Command::new("nix-instantiate").arg("--version").output();
        output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(" 2.8."))
    });
    *OLD
}

/// What an expression gives: its JSON, or the error in words.
type Answer = Result<Value, String>;

pub(crate) fn nix(expression: &str) -> Answer {
    let text = run_nix(&["--json"], expression)?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

fn run_nix(form: &[&str], expression: &str) -> Result<String, String> {
    let mut command = Command::new("nix-instantiate");
    command.args(["--eval", "--strict"]).args(form).arg("-").current_dir(tables());
    command.env("NIX_CONFIG", NIX_CONFIG).env_remove("NIX_PATH");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(expression.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    String::from_utf8(output.stdout).map_err(|error| error.to_string())
}

pub(crate) fn ours(expression: &str) -> Answer {
    run_ours(Form::Json, expression).map(|text| serde_json::from_str(&text).unwrap())
}

fn run_ours(form: Form, expression: &str) -> Result<String, String> {
    let sources = FileSources::new(&tables()).unwrap();
    let evaluated =
        eval_expression(&sources, Expression::Text(expression), form, Limits::EXPRESSION);
    match evaluated.text {
        Some(text) => Ok(text),
        None => {
            let words = evaluated.diagnostics.iter().map(|fault| fault.message.clone());
            Err(words.collect::<Vec<_>>().join("; "))
        }
    }
}

/// Numbers are compared as numbers: how many digits of a float are written
/// is the printer's business.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            let (x, y) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            a == b || (x - y).abs() <= 1e-5 * x.abs().max(y.abs()) && (a.is_f64() || b.is_f64())
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((k, a), (l, b))| k == l && same(a, b))
        }
        (a, b) => a == b,
    }
}

fn disagreement(case: &Case) -> Option<String> {
    let (nix, ours) = (nix(&case.expression), ours(&case.expression));
    let agree = match (&nix, &ours) {
        (Ok(nix), Ok(ours)) => same(nix, ours),
        (Err(_), Err(_)) => true,
        (Err(error), Ok(_)) if case.newer => {
            error.contains("missing")
                || error.contains("syntax error")
                || error.contains("undefined")
        }
        _ => false,
    };
    let agree = agree != case.gap;
    let shown = |answer: &Answer| match answer {
        Ok(value) => value.to_string(),
        Err(error) => format!(
            "error: {}",
            error.lines().find(|line| line.contains("error:")).unwrap_or(error)
        ),
    };
    (!agree).then(|| {
        format!(
            "{}: {}\n  nix:  {}\n  ours: {}",
            case.table,
            case.expression,
            shown(&nix),
            shown(&ours)
        )
    })
}

/// Whether the machine has Nix. Where it is declared to have it, a missing one is a failure.
pub(crate) fn has_nix() -> bool {
    if Command::new("nix-instantiate").arg("--version").output().is_ok() {
        return true;
    }
    let required = std::env::var("JAIL_TEST_REQUIRE").unwrap_or_default();
    assert!(
        !required.split(',').any(|needed| needed == "nix"),
        "nix is required, and nix-instantiate is not there"
    );
    println!("skipped: nix-instantiate is not there");
    false
}

#[test]
fn every_case_gives_what_nix_gives() {
    if !has_nix() {
        return;
    }
    let cases = cases();
    let found = disagreements(&cases, disagreement);
    assert!(
        found.is_empty(),
        "{} of {} cases disagree:\n\n{}",
        found.len(),
        cases.len(),
        found.join("\n\n")
    );
}

/// What does not agree, looked for by all processors: most of the time goes into starting Nix.
fn disagreements(cases: &[Case], look: fn(&Case) -> Option<String>) -> Vec<String> {
    let next = Mutex::new(cases.iter());
    let found = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let case = next.lock().unwrap().next();
                    let Some(case) = case else { break };
                    found.lock().unwrap().extend(look(case));
                }
            });
        }
    });
    found.into_inner().unwrap()
}

/// Newer versions of Nix say which function it is, and where it stands.
fn without_names(shown: &str) -> String {
    let mut text = shown.trim().to_owned();
    for (begin, plain) in [
        ("«lambda", "<LAMBDA>"),
        ("«primop", "<PRIMOP>"),
        ("«partially applied primop", "<PRIMOP-APP>"),
    ] {
        while let Some(at) = text.find(begin) {
            let end = text[at..].find('»').unwrap() + at + '»'.len_utf8();
            text.replace_range(at..end, plain);
        }
    }
    text
}

#[test]
fn values_are_shown_as_nix_shows_them() {
    if !has_nix() {
        return;
    }
    let cases: Vec<_> = all_cases().into_iter().filter(|case| case.table == PRINTED).collect();
    assert!(cases.len() > 30, "{} cases", cases.len());
    let found = disagreements(&cases, |case| {
        let nix = run_nix(&[], &case.expression).map(|text| without_names(&text));
        let ours = run_ours(Form::Nix, &case.expression);
        let agree = match (&nix, &ours) {
            (Ok(nix), Ok(ours)) => nix == ours,
            (Err(_), Err(_)) => true,
            _ => false,
        };
        (!agree).then(|| format!("{}\n  nix:  {nix:?}\n  ours: {ours:?}", case.expression))
    });
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}

#[test]
fn what_evaluators_do_not_agree_on_is_refused() {
    let cases = all_cases().into_iter().filter(|case| case.table == REFUSED);
    let given: Vec<_> = cases
        .filter_map(|case| Some(format!("{}: {}", case.expression, ours(&case.expression).ok()?)))
        .collect();
    assert!(given.is_empty(), "{}", given.join("\n"));
}

#[test]
fn there_are_enough_cases() {
    assert!(cases().len() >= 400, "{} cases", cases().len());
}
