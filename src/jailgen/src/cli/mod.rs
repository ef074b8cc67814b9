//! The command line: the only part that prints, reads the environment or ends the process.

pub mod args;
mod commands;
mod complete;
mod console;
mod examples;
mod failure;
mod intake;
mod live;
mod many;
mod page;
mod panic;
mod review;
mod settings;
mod staged;
mod upkeep;

use std::process::ExitCode;

use clap::Parser as _;

use crate::settings::Settings;
use args::{Cli, Command, When};
use commands::Context;
use console::Console;
use failure::Failure;

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    panic::catch(|| {
        let plain = Console::new(When::Auto, false);
        if jail_probe::is_output_closed() {
            return report(plain, &closed());
        }
        let cli = match Cli::try_parse() {
            Ok(cli) => cli,
            Err(error) => return usage(plain, &error),
        };
        let console = Console::new(cli.color.unwrap_or(When::Auto), cli.quiet);
        let before = Context { console, settings: &NOTHING_SET };
        let done = settings(&cli, before).and_then(|settings| {
            let console = Console::new(settings::color(&cli, settings), cli.quiet);
            dispatch(cli.command, Context { console, settings })
        });
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => report(console, &failure),
        }
    })
}

/// Before the settings are read.
static NOTHING_SET: Settings = Settings::none();

/// The user's settings. Commands that print a fixed text, run as a builder, or repair the file work
/// without them.
fn settings(cli: &Cli, context: Context) -> Result<&'static Settings, Failure> {
    let read = match &cli.command {
        Command::Config(config) if config.command.is_some() => Settings::default(),
        Command::Lsp { .. }
        | Command::Completions { .. }
        | Command::Complete { .. }
        | Command::Man { .. }
        | Command::AddKit { .. }
        | Command::DescribeKit { .. }
        | Command::Seal => Settings::default(),
        _ => settings::load(context)?,
    };
    // Every command has them at hand for as long as the process lives.
    Ok(Box::leak(Box::new(read)))
}

/// Help and versions come this way too: they are results.
fn usage(console: Console, error: &clap::Error) -> ExitCode {
    if let Err(failure) = console.usage(error) {
        return report(console, &failure);
    }
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// What is written would go to whatever file is opened first.
fn closed() -> Failure {
    Failure::with_help("standard output is closed", "use `>/dev/null` to discard the output")
}

fn dispatch(command: Command, context: Context) -> Result<(), Failure> {
    match command {
        Command::Build(arguments) => commands::build::build(&arguments, context),
        Command::Approve(arguments) => commands::approve::run(&arguments, context),
        Command::Run(arguments) => commands::build::run(&arguments, context),
        Command::Shell(arguments) => commands::build::shell(&arguments, context),
        Command::Update(arguments) => commands::build::update(&arguments, context),
        Command::Check(arguments) => commands::check::run(&arguments, context),
        Command::Emit(arguments) => commands::emit::run(&arguments, context),
        Command::Explain(arguments) => commands::explain::run(&arguments, context),
        Command::Diff(arguments) => commands::diff::run(&arguments, context),
        Command::Report(arguments) => commands::report::run(&arguments, context),
        Command::Audit(arguments) => commands::audit::run(&arguments, context),
        Command::Trace(arguments) => commands::trace::run(&arguments, context),
        Command::Doctor(arguments) => commands::doctor::run(&arguments, context),
        Command::Doc { name, json } => commands::doc::run(name.as_deref(), json, context),
        Command::Closure(arguments) => commands::closure::run(&arguments, context),
        Command::List(arguments) => commands::list::run(&arguments, context),
        Command::Remove(arguments) => commands::remove::run(&arguments, context),
        Command::Gc(arguments) => commands::gc::run(&arguments, context),
        Command::Worktree(arguments) => commands::worktree::run(&arguments, context),
        Command::Live(command) => live(&command, context),
        Command::Init(arguments) => commands::init::run(&arguments, context),
        Command::Import(arguments) => commands::import::run(&arguments, context),
        Command::Trust(arguments) => commands::trust::run(&arguments, context),
        Command::Config(arguments) => commands::config::run(&arguments, context),
        Command::Eval(arguments) => commands::eval::run(&arguments, context),
        Command::Lsp { stdio: _ } => commands::lsp::run(),
        Command::Completions { what } => commands::manual::completions(what, context),
        Command::Man { output } => commands::manual::pages(output.as_deref(), context),
        Command::Complete { index, words } => complete::run(index, words, context.console),
        Command::AddKit { folder } => commands::kit::add(&folder, context),
        Command::DescribeKit { folder } => commands::kit::describe(&folder, context),
        Command::Seal => commands::seal::run(context),
    }
}

fn live(command: &args::Live, context: Context) -> Result<(), Failure> {
    match command {
        args::Live::Handoff(arguments) => commands::handoff::run(arguments, context),
        args::Live::Stages(arguments) => commands::stages::list_all(arguments, context),
        args::Live::Changes(arguments) => commands::stages::changes(arguments, context),
        args::Live::Apply(arguments) => commands::stages::apply(arguments, context),
        args::Live::Drop(arguments) => commands::stages::drop(arguments, context),
        args::Live::Hosts(arguments) => commands::hosts::run(arguments, context),
        args::Live::Log(arguments) => commands::log::run(arguments, context),
        args::Live::Sessions(arguments) => commands::sessions::list(arguments, context),
        args::Live::Watch(arguments) => commands::watch::run(arguments, context),
        args::Live::Stop(arguments) => commands::sessions::stop(arguments, context),
        args::Live::Allow(arguments) => commands::sessions::allow(arguments, context),
        args::Live::Deny(arguments) => commands::sessions::deny(arguments, context),
    }
}

fn report(console: Console, failure: &Failure) -> ExitCode {
    match failure {
        Failure::Done | Failure::Findings | Failure::Ended(_) => {}
        Failure::Usage(message) => console.error(message, None),
        Failure::Error { message, help } => console.error(message, help.as_deref()),
    }
    failure.status()
}
