//! `init`: writes a spec to start from, and never over anything.

use std::path::{Path, PathBuf};

use super::{Context, write_new};
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
