//! Shows what a spec or an expression evaluates to, for people who work on the language.
#![allow(clippy::print_stdout, reason = "it is a program for the terminal")]

use std::path::Path;

use jail_lang::{Expression, FileSources, Limits, MemorySources, eval_expression, evaluate};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (diagnostics, files) = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice()
    {
        ["-E", text] => {
            let sources = MemorySources::default();
            let evaluated = eval_expression(&sources, Expression::Text(text), Limits::EXPRESSION);
            println!("{:?}", evaluated.json);
            (evaluated.diagnostics, evaluated.files)
        }
        [file] => {
            let path = Path::new(file);
            let folder = path.parent().filter(|path| !path.as_os_str().is_empty());
            let Ok(sources) = FileSources::new(folder.unwrap_or(Path::new("."))) else { return };
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            let outcome = evaluate(&sources, &name.unwrap_or_default(), Limits::SPEC);
            println!("{:#?}", outcome.spec);
            (outcome.diagnostics, outcome.files)
        }
        _ => return println!("look -E EXPRESSION | look FILE"),
    };
    for diagnostic in diagnostics {
        let place =
            diagnostic.primary.map(|place| (files.display(place), files.text(place).to_owned()));
        println!("{}: {} {place:?}", diagnostic.code.as_str(), diagnostic.message);
        println!("  label: {}\n  help: {:?}", diagnostic.label, diagnostic.help);
        for (place, what) in diagnostic.stack {
            println!("  {what} at {}", files.display(place));
        }
    }
}
