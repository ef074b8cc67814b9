//! The manual page of a command: what clap_mangen makes of its definition, with the values of
//! options in the synopsis and the examples under a heading of their own.

use std::io;

use clap::{Arg, Command};
use clap_mangen::Man;
use roff::{Roff, roman};

/// The page of one command, in the language of man(7).
pub(super) fn page(command: Command) -> io::Result<Vec<u8>> {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let usage = synopsis(&command);
    let has_subcommands = command.get_subcommands().any(|command| !command.is_hide_set());
    let name = command.get_display_name().unwrap_or("jailgen").to_owned();
    let man = Man::new(command.override_usage(usage));
    // clap_mangen leaves an empty date out, so that the version would appear in its place. The page
    // has no date: it is the same whenever it is made.
    let version = env!("CARGO_PKG_VERSION");
    let title = format!(".TH {name} 1 \"\" \"jailgen {version}\" \"User Commands\"\n");
    let mut page = title.into_bytes();
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if has_subcommands {
        man.render_subcommands_section(&mut page)?;
    }
    let mut rest = Roff::new();
    sections(&help, &mut rest);
    if name != "jailgen" {
        rest.control("SH", ["SEE ALSO"]);
        rest.text([roman("jailgen(1)")]);
    }
    rest.to_writer(&mut page)?;
    Ok(page)
}

/// `[--deny WHAT] SPEC...`
fn synopsis(command: &Command) -> String {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
    let shown =
        |arg: &&Arg| !arg.is_hide_set() && !matches!(arg.get_id().as_str(), "help" | "version");
    let arguments = || command.get_arguments().filter(shown);
    let options = arguments().filter(|arg| !arg.is_positional()).map(option);
    let last = |is_last| {
        arguments().filter(move |arg| arg.is_positional() && arg.is_last_set() == is_last)
    };
    let positionals =
        last(false).map(positional).chain(last(true).map(|arg| format!("[-- {}]", values(arg))));
    let subcommand = command.has_subcommands().then(|| "COMMAND".to_owned());
    let words = std::iter::once(name).chain(options).chain(positionals).chain(subcommand);
    words.collect::<Vec<_>>().join(" ")
}

fn option(arg: &Arg) -> String {
    let name = match (arg.get_short(), arg.get_long()) {
        (Some(short), Some(long)) => format!("-{short}|--{long}"),
        (Some(short), None) => format!("-{short}"),
        (None, Some(long)) => format!("--{long}"),
        (None, None) => String::new(),
    };
    let takes = arg.get_action().takes_values().then(|| format!(" {}", values(arg)));
    let written = name + &takes.unwrap_or_default();
    if arg.is_required_set() { written } else { format!("[{written}]") }
}

fn positional(arg: &Arg) -> String {
    let written = values(arg);
    if arg.is_required_set() { written } else { format!("[{written}]") }
}

fn values(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    let names: Vec<_> = names.iter().map(clap::builder::Str::as_str).collect();
    let several = arg.is_positional() && arg.get_num_args().is_some_and(|it| it.max_values() > 1);
    names.join(" ") + if several { "..." } else { "" }
}

/// The paragraphs at the end of `--help`, which say themselves what they are.
fn sections(help: &str, page: &mut Roff) {
    for paragraph in help.split("\n\n") {
        if let Some(examples) = paragraph.strip_prefix("Examples:\n") {
            page.control("SH", ["EXAMPLES"]);
            page.control("nf", []);
            examples.lines().for_each(|line| {
                page.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
            });
            page.control("fi", []);
        } else if let Some(status) = paragraph.strip_prefix("Exit status: ") {
            page.control("SH", ["EXIT STATUS"]);
            page.text([roman(status)]);
        } else if !paragraph.is_empty() {
            page.control("SH", ["NOTES"]);
            page.text([roman(paragraph)]);
        }
    }
}
