//! A jail as a picture: nested boxes for the machine, the jail and what the jail can do, as a page
//! that needs nothing else, or as SVG. It shows what [`explain`](crate::explain) says, and decides
//! nothing.

mod deeds;
mod picture;
mod sources;
mod treemap;
mod zones;

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use jail_lang::Files;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use serde::Serialize;

use crate::closure::Closure;
use crate::explain::Explanation;
use crate::findings::Finding;
use crate::render::sanitise;
pub use deeds::{Deeds, Ledger};
use sources::Source;
use treemap::Tile;
use zones::ZoneBox;

/// What is drawn.
#[derive(Clone, Debug, Serialize)]
pub struct Drawing {
    /// What the page is about: the name of the spec or of the wrapper.
    title: String,
    /// What it is compared with, in a drawing of two.
    before: Option<String>,
    jails: Vec<JailDrawing>,
    /// What a session did.
    deeds: Option<deeds::Section>,
    /// The files of the spec, which the boxes link to.
    sources: Vec<Source>,
}

/// A jail, or what changes about it.
#[derive(Clone, Debug, Serialize)]
struct JailDrawing {
    name: String,
    /// The three lines that say most: `Writes`, and what.
    summary: Vec<(&'static str, String)>,
    zones: Vec<ZoneBox>,
    findings: Vec<Finding>,
    absent: Vec<&'static str>,
    /// The store paths that the jail has, the largest first, where they are known.
    tiles: Vec<Tile>,
    /// Their sizes together, in words.
    total: Option<String>,
}

impl Drawing {
    /// A drawing of these jails.
    #[must_use]
    pub fn new(title: &str, jails: &[Explanation], files: Option<&Files>) -> Self {
        let sources = sources::sources(files);
        let jails = jails.iter().map(|it| JailDrawing::new(None, it, &sources)).collect();
        Self { title: sanitise(title).into_owned(), before: None, jails, deeds: None, sources }
    }

    /// A drawing of what changes from the jails of `before` to those of `after`. Jails are known by
    /// their names, unless there is one on each side.
    #[must_use]
    pub fn of_difference(
        (title, after): (&str, &[Explanation]),
        (old_title, before): (&str, &[Explanation]),
        files: Option<&Files>,
    ) -> Self {
        let sources = sources::sources(files);
        let is_pair = before.len() == 1 && after.len() == 1;
        let old = |name: &str| before.iter().find(|it| is_pair || it.name == name);
        let mut jails: Vec<_> =
            after.iter().map(|new| JailDrawing::new(Some(old(&new.name)), new, &sources)).collect();
        let is_gone = |old: &&Explanation| !is_pair && after.iter().all(|new| new.name != old.name);
        jails.extend(before.iter().filter(is_gone).map(JailDrawing::of_gone));
        let before = Some(sanitise(old_title).into_owned());
        Self { title: sanitise(title).into_owned(), before, jails, deeds: None, sources }
    }

    /// Adds the store paths of the only jail.
    #[must_use]
    pub fn with_closure(mut self, closure: &Closure) -> Self {
        if let [jail] = self.jails.as_mut_slice() {
            jail.tiles = treemap::tiles(closure);
            jail.total = Some(treemap::total(closure));
        }
        self
    }

    /// Adds what a session did.
    #[must_use]
    pub fn with_deeds(mut self, deeds: &Deeds) -> Self {
        self.deeds = Some(deeds.section(&self.sources));
        self
    }

    /// The page: HTML with its styles, which loads nothing and runs nothing.
    ///
    /// # Errors
    /// The template has a fault.
    pub fn page(&self) -> Result<String, minijinja::Error> {
        let styles = include_str!("../../../../templates/report/page.css");
        render(PAGE, context! { drawing => Value::from(Serde(self)), styles => styles })
    }

    /// The picture alone.
    ///
    /// # Errors
    /// The template has a fault.
    pub fn svg(&self) -> Result<String, minijinja::Error> {
        render(PICTURE, context! { picture => Value::from(Serde(picture::picture(self))) })
    }
}

impl JailDrawing {
    /// `before` is there in a drawing of two: the same jail in the other spec, if it has one.
    fn new(before: Option<Option<&Explanation>>, jail: &Explanation, sources: &[Source]) -> Self {
        let summary = jail.summary.lines();
        Self {
            name: sanitise(&jail.name).into_owned(),
            summary: summary.map(|(word, text)| (word, sanitise(&text).into_owned())).into(),
            zones: zones::zones(before, Some(jail), sources),
            findings: jail.findings.iter().map(shown).collect(),
            absent: jail.absent.clone(),
            tiles: Vec::new(),
            total: None,
        }
    }

    fn of_gone(jail: &Explanation) -> Self {
        Self {
            name: sanitise(&jail.name).into_owned(),
            summary: Vec::new(),
            zones: zones::zones(Some(Some(jail)), None, &[]),
            findings: Vec::new(),
            absent: Vec::new(),
            tiles: Vec::new(),
            total: None,
        }
    }
}

fn shown(finding: &Finding) -> Finding {
    let what = sanitise(&finding.what).into_owned();
    let place = finding.place.as_deref().map(|place| sanitise(place).into_owned());
    Finding { what, place, ..finding.clone() }
}

const PAGE: &str = "page.html.jinja";
const PICTURE: &str = "picture.svg.jinja";

/// The templates, parsed once. All that goes in is escaped.
static TEMPLATES: LazyLock<Result<Environment<'static>, minijinja::Error>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?;
    environment.set_syntax(syntax);
    let page = include_str!("../../../../templates/report/page.html.jinja");
    environment.add_template(PAGE, page)?;
    let picture = include_str!("../../../../templates/report/picture.svg.jinja");
    environment.add_template(PICTURE, picture)?;
    Ok(environment)
});

fn render(name: &str, values: Value) -> Result<String, minijinja::Error> {
    let failed =
        |error: &minijinja::Error| minijinja::Error::new(error.kind(), format!("{error:#}"));
    TEMPLATES.as_ref().map_err(failed)?.get_template(name)?.render(values)
}
