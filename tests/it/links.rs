//! Links in documents: each leads to a file that is there, and to a heading that it has. The site
//! has each page of docs/, and the extension for VS Code the version of the program.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use crate::harness::project;
use crate::tidy::{assert_none, text, tracked};

#[test]
fn links_in_documents_lead_somewhere() {
    let mut problems = Vec::new();
    let mut headings = BTreeMap::new();
    for path in tracked().iter().filter(|path| path.ends_with(".md")) {
        let folder = Path::new(path).parent().unwrap();
        for target in link_targets(&text(path)) {
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            if file.contains("://") || file.starts_with("mailto:") {
                continue;
            }
            let led = if file.is_empty() { path.clone() } else { normal(&folder.join(file)) };
            if !project().join(&led).exists() {
                problems.push(format!("{path}: {target}"));
            } else if !anchor.is_empty() && led.ends_with(".md") {
                let known = headings.entry(led.clone()).or_insert_with(|| anchors(&text(&led)));
                if !known.contains(anchor) {
                    problems.push(format!("{path}: {target}: there is no such heading"));
                }
            }
        }
    }
    assert_none(&problems);
}

fn link_targets(markdown: &str) -> Vec<String> {
    let after = prose(markdown);
    let after = after.split("](").skip(1);
    after.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.to_owned()).collect()
}

/// The lines that are not code.
fn prose(markdown: &str) -> String {
    let mut is_fenced = false;
    let lines = markdown.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_fenced ^= is_fence;
        !is_fenced && !is_fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A path without `..`, below the project.
fn normal(path: &Path) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                parts.pop();
            }
            Component::Normal(part) => parts.push(part.to_str().unwrap()),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    parts.join("/")
}

/// The names that a page's headings have in links, as GitHub and mdBook make them.
fn anchors(markdown: &str) -> BTreeSet<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let prose = prose(markdown);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| {
        let words = line.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|c| c.is_alphanumeric() || " _-".contains(*c));
        let name: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let count = seen.entry(name.clone()).or_default();
        *count += 1;
        if *count == 1 { name } else { format!("{name}-{}", *count - 1) }
    };
    headings.map(anchor).collect()
}

#[test]
fn the_extension_has_the_version_of_the_program() {
    for file in ["package.json", "package-lock.json"] {
        let text = text(&format!("packaging/vscode/{file}"));
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["version"], env!("CARGO_PKG_VERSION"), "{file}");
    }
}

#[test]
fn the_site_has_every_page_once() {
    let summary = link_targets(&text("docs/SUMMARY.md"));
    let pages = tracked().into_iter().filter_map(|path| {
        let name = path.strip_prefix("docs/")?.strip_suffix(".md")?;
        (name != "SUMMARY").then(|| format!("{name}.md"))
    });
    let missing = pages.filter(|page| summary.iter().filter(|it| *it == page).count() != 1);
    assert_none(&missing.map(|page| format!("docs/SUMMARY.md: {page}")).collect::<Vec<_>>());
}
