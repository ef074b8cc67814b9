//! `init`: writes a spec to start from, and never over anything.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::Context;
use crate::cli::args::Init;
use crate::cli::failure::Failure;
use crate::{init, render};

pub(in crate::cli) fn run(arguments: &Init, context: Context) -> Result<(), Failure> {
    let program = arguments.program.as_str();
    let Some(spec) = init::spec(program) else {
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

fn write_new(path: &Path, spec: &str) -> Result<(), Failure> {
    let shown = path.display();
    let written = File::create_new(path).and_then(|mut file| file.write_all(spec.as_bytes()));
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::with_help(
            format!("`{shown}` exists, and is left as it is"),
            "name another file with `-o FILE`, or print the spec with `-o -`",
        ),
        _ => Failure::new(format!("`{shown}` cannot be written: {error}")),
    })
}
