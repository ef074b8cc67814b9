//! `init`: writes a spec to start from, and never over anything.

use std::path::{Path, PathBuf};

use super::{Context, shown, write_new};
use crate::cli::args::Init;
use crate::cli::failure::Failure;
use crate::init::Needs;
use crate::{init, render};

pub(in crate::cli) fn run(arguments: &Init, context: Context) -> Result<(), Failure> {
    let program = arguments.program.as_str();
    let needs = match &arguments.from {
        Some(folder) => look(folder, context)?,
        None => Needs::default(),
    };
    let Some(spec) = init::spec(program, &needs) else {
        return Err(Failure::Usage(format!("there is no starter spec for `{program}`")));
    };
    let path = arguments.output.clone().unwrap_or_else(|| PathBuf::from(format!("{program}.jail")));
    if path == Path::new("-") {
        return context.console.result(&spec);
    }
    write_new(&path, &spec)?;
    let shown = path.display().to_string();
    let shown = render::sanitise(&shown);
    context.console.note("wrote", &format!("{shown}: read it, then `jailgen run {shown}`"));
    Ok(())
}

/// What a project needs; each of it is a line of the spec, which says why.
fn look(folder: &Path, context: Context) -> Result<Needs, Failure> {
    let needs = Needs::of_project(folder).map_err(|error| {
        Failure::new(format!("`{}` cannot be looked at: {error}", shown(folder)))
    })?;
    if needs.is_empty() {
        let text = format!("no file in `{}` says what it is built with", shown(folder));
        context.console.note("note", &text);
    }
    Ok(needs)
}
