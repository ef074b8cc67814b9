//! The command line: the only part that prints, reads the environment or ends the process.

pub mod args;
mod commands;
mod console;
mod examples;
mod failure;
mod panic;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, Command, When};
use commands::Context;
use console::Console;
use failure::Failure;

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    panic::catch(|| {
        let cli = match Cli::try_parse() {
            Ok(cli) => cli,
            Err(error) => return usage(&error),
        };
        let console = Console::new(cli.color, cli.quiet);
        match dispatch(cli.command, Context { console }) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => report(console, &failure),
        }
    })
}

/// Help and versions come this way too.
fn usage(error: &clap::Error) -> ExitCode {
    Console::new(When::Auto, false).usage(error);
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
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
        Command::Audit(arguments) => commands::audit::run(&arguments, context),
        Command::Trace(arguments) => commands::trace::run(&arguments, context),
        Command::Doctor(arguments) => commands::doctor::run(&arguments, context),
        Command::Closure(arguments) => commands::closure::run(&arguments, context),
        Command::Init(arguments) => commands::init::run(&arguments, context),
        Command::Import(arguments) => commands::import::run(&arguments, context),
        Command::Trust(arguments) => commands::trust::run(&arguments, context),
        Command::Eval(arguments) => commands::eval::run(&arguments, context),
        Command::Lsp { stdio: _ } => commands::lsp::run(),
        Command::Completions { what } => commands::manual::completions(what, context),
        Command::Man { output } => commands::manual::pages(output.as_deref(), context),
        Command::AddKit { folder } => commands::kit::add(&folder, context),
        Command::DescribeKit { folder } => commands::kit::describe(&folder, context),
        Command::Seal => commands::seal::run(context),
    }
}

fn report(console: Console, failure: &Failure) -> ExitCode {
    match failure {
        Failure::Done | Failure::Findings | Failure::Ended(_) => {}
        Failure::Usage(message) => {
            console.error(message, Some("`jailgen --help` says more"));
        }
        Failure::Error { message, help } => console.error(message, help.as_deref()),
    }
    failure.status()
}
