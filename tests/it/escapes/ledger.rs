//! docs/escapes.md and the tests say the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::rows::ROWS;
use crate::harness::project;

/// Every line there is to answer. Numbers that are left out are answered
/// elsewhere, or were given up.
const IDS: &[(&str, &[u32])] = &[
    ("A", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 19]),
    (
        "B",
        &[
            1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
            27, 28, 29, 31, 32, 33, 34, 35, 36, 37, 38, 39,
        ],
    ),
    (
        "C",
        &[
            1, 3, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29,
            32, 34, 35, 36,
        ],
    ),
    ("D", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 14, 16, 17, 18, 19, 20, 22]),
    (
        "E",
        &[
            1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
            26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 60, 61, 62, 63, 64, 65, 66,
        ],
    ),
];

/// A line of the ledger.
struct Line {
    id: String,
    tests: Vec<String>,
    answer: String,
}

fn ledger() -> Vec<Line> {
    let text = fs::read_to_string(project().join("docs/escapes.md")).unwrap();
    let cells = |line: &str| -> Option<Vec<String>> {
        let cells = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ");
        Some(cells.map(str::to_owned).collect())
    };
    let lines = text.lines().filter_map(cells).filter_map(|cells| match cells.as_slice() {
        [id, _, answer, tests] if id.ends_with(|c: char| c.is_ascii_digit()) => Some(Line {
            id: id.clone(),
            answer: answer.clone(),
            tests: tests.split(", ").map(|test| test.trim_matches('`').to_owned()).collect(),
        }),
        _ => None,
    });
    lines.collect()
}

#[test]
fn every_line_is_answered_once() {
    let wanted: BTreeSet<String> = IDS
        .iter()
        .flat_map(|(letter, numbers)| numbers.iter().map(move |number| format!("{letter}{number}")))
        .collect();
    let lines = ledger();
    let answered: BTreeSet<String> = lines.iter().map(|line| line.id.clone()).collect();
    assert_eq!(answered, wanted);
    assert_eq!(lines.len(), wanted.len(), "a line stands twice");
}

#[test]
fn what_the_ledger_names_exists_and_rows_are_in_the_ledger() {
    let sources = sources();
    let rows: BTreeSet<&str> = ROWS.iter().map(|row| row.id).collect();
    let mut problems = Vec::new();
    for line in ledger() {
        let id = &line.id;
        let says_row = line.tests.iter().any(|test| test == "rows");
        if says_row != rows.contains(id.as_str()) {
            problems.push(format!("{id}: has rows or says so, but not both"));
        }
        for test in line.tests.iter().filter(|test| !matches!(test.as_str(), "rows" | "none")) {
            let (file, name) = test.rsplit_once("::").unwrap_or(("", test));
            let known =
                sources.get(file).is_some_and(|text| text.contains(&format!("fn {name}()")));
            if !known {
                problems.push(format!("{id}: there is no test `{test}`"));
            }
        }
        let reason = ["cannot apply", "known gap"].iter().any(|why| line.answer.contains(why));
        if line.tests == ["none"] && !reason {
            problems.push(format!("{id}: without a test, and without a reason"));
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// The files of tests, by their path without the end: `tests/stub/process`.
fn sources() -> BTreeMap<String, String> {
    let folders = [project().join("tests"), project().join("src")];
    let files = folders.iter().flat_map(walkdir::WalkDir::new).map(Result::unwrap);
    files
        .filter(|file| file.path().extension() == Some("rs".as_ref()))
        .map(|file| {
            let below = file.path().strip_prefix(project()).unwrap().with_extension("");
            (below.display().to_string(), fs::read_to_string(file.path()).unwrap())
        })
        .collect()
}
