//! `eval`: evaluates an expression and prints its value, or parses it and prints its code.

use std::borrow::Cow;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use jail_lang::{
    Evaluated, Expression, FileSources, Files, Form, Limits, eval_expression, parse_expression,
};
use jail_registry::FileId;

use super::{Context, given};
use crate::cli::args::Eval;
use crate::cli::console::width;
use crate::cli::failure::Failure;
use crate::files::behind_link;
use crate::render::{self, Sources, sanitise, sanitise_json};

pub(in crate::cli) fn run(arguments: &Eval, context: Context) -> Result<(), Failure> {
    let Evaluation { evaluated, folder } = evaluate(arguments)?;
    for trace in &evaluated.traces {
        context.console.diagnostic(&format!("trace: {}", sanitise(trace)));
    }
    let sources = Read { files: &evaluated.files, folder };
    for diagnostic in &evaluated.diagnostics {
        context.console.diagnostic(&render::human(diagnostic, &sources, width()));
    }
    let Some(text) = &evaluated.text else { return Err(Failure::Findings) };
    let text = if arguments.json { sanitise_json(text) } else { sanitise(text) };
    context.console.result(&format!("{text}\n"))
}

struct Evaluation {
    evaluated: Evaluated,
    /// Where the files stand, as the user names it.
    folder: PathBuf,
}

fn evaluate(arguments: &Eval) -> Result<Evaluation, Failure> {
    let (input, real);
    let (folder, expression) = match (&arguments.expression, &arguments.file) {
        (Some(text), _) => (Path::new(""), Expression::Text(text)),
        (None, Some(file)) if file.as_os_str() == "-" => {
            input = standard_input()?;
            (Path::new(""), Expression::Text(&input))
        }
        (None, Some(file)) => {
            given::check(file, given::Wanted::Nix)?;
            real = behind_link(file).map_err(|error| unreadable(file, &error))?;
            input = real.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (real.parent().unwrap_or(Path::new("")), Expression::File(&input))
        }
        (None, None) => return Err(Failure::Usage("an expression or a file is missing".into())),
    };
    let opened = if folder == Path::new("") { Path::new(".") } else { folder };
    let sources = FileSources::new(opened).map_err(|error| unreadable(opened, &error))?;
    let form = if arguments.json { Form::Json } else { Form::Nix };
    let evaluated = match arguments.parse {
        true => parse_expression(&sources, expression),
        false => eval_expression(&sources, expression, form, Limits::EXPRESSION),
    };
    Ok(Evaluation { evaluated, folder: folder.to_path_buf() })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    let shown = path.display().to_string();
    Failure::new(format!("`{}` cannot be read: {error}", sanitise(&shown)))
}

fn standard_input() -> Result<String, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(jail_lang::FILE_BYTES_MAX).read_to_string(&mut text);
    read.map_err(|error| Failure::new(format!("standard input cannot be read: {error}")))?;
    Ok(text)
}

/// The files that were read, named as the user would.
struct Read<'a> {
    files: &'a Files,
    folder: PathBuf,
}

impl Sources for Read<'_> {
    fn source(&self, file: FileId) -> Option<(Cow<'_, str>, &str)> {
        let file = self.files.get(file)?;
        let name = self.folder.join(&file.name);
        Some((name.to_string_lossy().into_owned().into(), &file.text))
    }
}
