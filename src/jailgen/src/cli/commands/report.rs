//! `report`: draws what a spec, or a wrapper, grants, and what changes from another one.

use std::fs;
use std::path::Path;

use super::explained::Explained;
use super::{Context, closure, shown};
use crate::cli::args;
use crate::cli::failure::Failure;
use crate::files::{read_regular, write_atomically};
use crate::report::Drawing;

pub(in crate::cli) fn run(arguments: &args::Report, context: Context) -> Result<(), Failure> {
    let drawing = drawing(arguments, context)?;
    let drawn = if arguments.svg { drawing.svg() } else { drawing.page() };
    let drawn =
        drawn.map_err(|error| Failure::new(format!("the picture cannot be drawn: {error:#}")))?;
    let Some(file) = &arguments.output else { return context.console.result(&drawn) };
    write(file, &drawn)?;
    context.console.note("report", &shown(file));
    Ok(())
}

fn drawing(arguments: &args::Report, context: Context) -> Result<Drawing, Failure> {
    let jail = arguments.jail.as_deref();
    let explained = Explained::load(&arguments.target, jail, context)?;
    let (title, jails) = (name(&arguments.target), explained.explanations());
    let files = explained.files.as_ref();
    if let Some(other) = &arguments.diff {
        let before = Explained::load_side(other, context)?.explanations();
        return Ok(Drawing::of_difference((&title, &jails), (&name(other), &before), files));
    }
    let drawing = Drawing::new(&title, &jails, files);
    // Sizes are known of what was built.
    let Some(wrapper) = &explained.wrapper else { return Ok(drawing) };
    let roots = closure::inside(wrapper)?;
    if roots.is_empty() {
        return Ok(drawing);
    }
    Ok(drawing.with_closure(&closure::of_roots(&roots, context)?))
}

fn name(target: &Path) -> String {
    target.file_name().unwrap_or(target.as_os_str()).to_string_lossy().into_owned()
}

/// Replaces an earlier report, and nothing else.
fn write(file: &Path, drawn: &str) -> Result<(), Failure> {
    let is_report = |data: fs::Metadata| {
        let is_same = |old: Vec<u8>| {
            let old = String::from_utf8_lossy(&old);
            mark(&old).is_some_and(|old| mark(drawn) == Some(old))
        };
        data.is_file() && read_regular(file).is_ok_and(is_same)
    };
    if fs::symlink_metadata(file).is_ok_and(|data| !is_report(data)) {
        let message = format!("`{}` exists already, and is no report of this kind", shown(file));
        return Err(Failure::with_help(message, "name another file, or remove this one"));
    }
    write_atomically(file, drawn.as_bytes())
        .map_err(|error| Failure::new(format!("`{}` cannot be written: {error}", shown(file))))
}

/// What a report says of its kind and of where it comes from, near its beginning.
fn mark(text: &str) -> Option<(&str, &str)> {
    const MARKS: [&str; 2] = ["<meta name=\"generator\" content=\"jailgen\">", "<!-- jailgen -->"];
    const LINES_MAX: usize = 8;
    let kind = text.split([' ', '\n']).next()?;
    let mark = text.lines().take(LINES_MAX).find(|line| MARKS.contains(line))?;
    Some((kind, mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_page_or_picture_is_no_report() {
        let page =
            |head: &str| format!("<!doctype html>\n<html>\n<head>\n{head}\n<title>x</title>\n");
        let own = page("<meta name=\"generator\" content=\"jailgen\">");
        let picture = "<svg width=\"1\">\n<!-- jailgen -->\n</svg>";
        assert!(mark(&own).is_some() && mark(picture).is_some() && mark(&own) != mark(picture));
        for other in [
            &*page("<meta name=\"generator\" content=\"other\">"),
            &page("").replace("x<", "<meta name=\"generator\" content=\"jailgen\"><"),
            "<svg width=\"1\">\n</svg>",
            "",
        ] {
            assert_eq!(mark(other), None, "{other}");
        }
    }
}
