//! `config`: shows the settings and where each comes from, and changes the file.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Context, shown};
use crate::cli::args::{Config, ConfigCommand};
use crate::cli::failure::Failure;
use crate::cli::settings::{file, home, text, wrong};
use crate::files::Private;
use crate::render::{sanitise, sanitise_json};
use crate::settings::{self, FILE};

pub(in crate::cli) fn run(arguments: &Config, context: Context) -> Result<(), Failure> {
    let Some(file) = file() else {
        let help = "set HOME, or XDG_CONFIG_HOME, to an absolute path";
        return Err(Failure::with_help("there is no home folder to keep settings in", help));
    };
    match &arguments.command {
        None => show(&file, arguments.json, context),
        Some(ConfigCommand::Path) => context.console.result(&format!("{}\n", shown(&file))),
        Some(ConfigCommand::Set { key, value }) => {
            let before = text(&file, context)?.unwrap_or_default();
            let after = settings::set(&before, key, value, home().as_deref());
            let after = after.map_err(|fault| match settings::parse(&before, home().as_deref()) {
                // What was given is wrong, and has no place in the file.
                Ok(_) => Failure::from_parts(fault.message, fault.help),
                Err(_) => wrong(&file, fault),
            });
            write(&file, &after?)?;
            context.console.note("set", &format!("{key} = {value}, in {}", shown(&file)));
            Ok(())
        }
        Some(ConfigCommand::Unset { key }) => {
            let before = text(&file, context)?.unwrap_or_default();
            match settings::unset(&before, key).map_err(|fault| wrong(&file, fault))? {
                Some(after) => write(&file, &after)?,
                None => {
                    return Err(Failure::with_help(
                        format!("`{key}` is not set"),
                        "`jailgen config` shows the settings",
                    ));
                }
            }
            context.console.note("unset", &format!("{key}, in {}", shown(&file)));
            Ok(())
        }
    }
}

/// One line of the listing.
struct Line {
    key: String,
    value: String,
    from: From,
}

/// Where a value comes from.
enum From {
    File { line: usize },
    Default,
}

fn show(file: &Path, as_json: bool, context: Context) -> Result<(), Failure> {
    let lines = lines(context);
    if as_json {
        let settings = lines.iter().map(|line| {
            let from = match line.from {
                From::File { line } => json!({ "file": line }),
                From::Default => json!("default"),
            };
            json!({ "key": line.key, "value": line.value, "from": from })
        });
        let all = json!({ "file": file, "settings": settings.collect::<Vec<_>>() });
        return context.console.result(&sanitise_json(&format!("{all:#}\n")));
    }
    let is_there = if file.exists() { "" } else { "  (not there: nothing is set)" };
    let mut text = format!("{}{is_there}\n", shown(file));
    let width = lines.iter().map(|line| line.key.len()).max().unwrap_or_default();
    for Line { key, value, from } in &lines {
        let from = match from {
            From::File { line } => format!("line {line}"),
            From::Default => "default".into(),
        };
        let value = if value.is_empty() { "\"\"" } else { value };
        text.push_str(&format!("  {key:width$}  {}  ({from})\n", sanitise(value)));
    }
    context.console.result(&text)
}

/// What holds where no option is given.
fn lines(context: Context) -> Vec<Line> {
    let settings = context.settings;
    let set =
        |key: &str, value: String, line| Line { key: key.into(), value, from: From::File { line } };
    let default = |key: &str, value: String| Line { key: key.into(), value, from: From::Default };
    let mut lines = vec![match &settings.color {
        Some(color) => set("color", color.value.as_str().into(), color.line),
        None => default("color", "auto".into()),
    }];
    lines.push(match &settings.commands {
        Some(folder) => set("commands", folder.value.display().to_string(), folder.line),
        None => default("commands", commands(context)),
    });
    lines.push(match &settings.kit {
        Some(kit) => set("kit", kit.value.clone(), kit.line),
        None => default("kit", kit(context)),
    });
    for (table, entries) in [("override-input", &settings.inputs), ("nix", &settings.nix)] {
        let entries = entries.iter();
        lines.extend(
            entries.map(|(name, of)| set(&format!("{table}.{name}"), of.value.clone(), of.line)),
        );
    }
    lines
}

fn commands(context: Context) -> String {
    let state = context.state();
    state.map_or_else(
        |_| "none: there is no usable state folder".into(),
        |state| state.bin().display().to_string(),
    )
}

fn kit(context: Context) -> String {
    context.find_kit(None).map_or_else(|error| format!("none: {error}"), |kit| kit.url)
}

/// Writes the file for its user alone. A link stays: what it leads to is another program's to
/// write.
fn write(file: &Path, text: &str) -> Result<(), Failure> {
    if let Ok(to) = file.read_link() {
        let message = format!("`{}` is a link to `{}`", shown(file), shown(&to));
        return Err(Failure::with_help(message, "change that file, or the program that writes it"));
    }
    let folder = file.parent().map(PathBuf::from).unwrap_or_default();
    let written =
        Private::create(&folder).and_then(|folder| folder.write(OsStr::new(FILE), text.as_bytes()));
    written.map_err(|error| Failure::new(format!("`{}` cannot be written: {error}", shown(file))))
}
