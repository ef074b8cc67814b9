//! `report`: draws what a spec, or a wrapper, grants, and what changes from another one.

use std::fs;
use std::path::Path;

use super::explained::Explained;
use super::{Context, closure, handoff, of_state, shown};
use crate::cli::args;
use crate::cli::failure::Failure;
use crate::files::{read_regular, write_atomically};
use crate::report::{Deeds, Drawing};
use crate::session::{self, Log, log_names};

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
    let deeds = arguments.session.as_ref().map(|session| deeds(session, context)).transpose()?;
    let of_session = deeds.as_ref().map(|(jail, _)| jail.as_str());
    let jail = arguments.jail.as_deref().or(of_session);
    let explained = Explained::load(&arguments.target, jail, context)?;
    let (title, jails) = (name(&arguments.target), explained.explanations());
    let files = explained.files.as_ref();
    if let Some(other) = &arguments.diff {
        let before = Explained::load_side(other, context)?.explanations();
        return Ok(Drawing::of_difference((&title, &jails), (&name(other), &before), files));
    }
    let mut drawing = Drawing::new(&title, &jails, files);
    if let Some((_, deeds)) = &deeds {
        drawing = drawing.with_deeds(deeds);
    }
    // Sizes are known of what was built.
    let Some(wrapper) = &explained.wrapper else { return Ok(drawing) };
    let roots = closure::inside(wrapper)?;
    if roots.is_empty() {
        return Ok(drawing);
    }
    Ok(drawing.with_closure(&closure::of_roots(&roots, context)?))
}

/// What is known of a session, with the name of its jail.
fn deeds(word: &str, context: Context) -> Result<(String, Deeds), Failure> {
    let state = context.state()?;
    let running = session::sessions(&state).map_err(of_state)?;
    let running = running.into_iter().find(|session| session.is_called(word));
    let id = running.as_ref().map_or(word, |session| session.id.as_str());
    let names = log_names(&state.logs()).map_err(of_state)?;
    let lines = Log::for_jails(&state.logs(), &names).new_lines();
    let lines = lines.map_err(|error| Failure::new(format!("the log cannot be read: {error}")))?;
    let lines: Vec<_> = lines.into_iter().filter(|line| line.session == id).collect();
    let jail = running.as_ref().map(|session| session.name.clone());
    let jail = jail.or_else(|| Some(lines.first()?.name.clone())).ok_or_else(|| {
        Failure::with_help(
            format!("there is no session `{}`", shown(Path::new(word))),
            "`jailgen sessions` lists those that run, `jailgen log` those that had a network by name",
        )
    })?;
    let folder = running.as_ref().and_then(|session| session.folder.clone());
    let folder = folder.map_or_else(handoff::current, Ok)?;
    let left = handoff::of_project(&folder, context).map_err(Failure::into_message);
    let deeds = Deeds {
        session: id.to_owned(),
        is_running: running.is_some(),
        lines,
        left: left.and_then(|json| serde_json::from_str(&json).map_err(|it| it.to_string())),
        limits: running.and_then(|session| session.limits_met()),
    };
    Ok((jail, deeds))
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
