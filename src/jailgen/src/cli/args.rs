//! What the command line accepts. Completions, man pages and `--help` are all made from these
//! types.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use jail_registry::Code;

use super::examples;
pub use super::intake::{Import, Init};
pub use super::live::Live;
pub use super::many::{Each, Worktree, WorktreeAdd, WorktreeList, WorktreeRemove};
pub use super::review::{Diff, Report};
pub use super::upkeep::{Gc, List, Remove, Trust, TrustForget, TrustList};

/// Compiles a spec (`.jail` file) to a command that runs a program in a jail: what the spec does
/// not grant does not exist inside.
#[derive(Debug, Parser)]
#[command(name = "jailgen", version, after_help = examples::JAILGEN, max_term_width = 100)]
#[command(disable_help_subcommand = true, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Colour the output: `auto` decides by the terminal, unless the settings say otherwise.
    #[arg(long, global = true, value_name = "WHEN")]
    pub color: Option<When>,
    /// Print results and errors only: no progress, no notes.
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build the jails of specs with Nix and link their commands.
    Build(Build),
    /// Write the flake of a spec, without building it.
    Emit(Emit),
    /// Look for faults in specs; writes nothing.
    Check(Check),
    /// Show what a jail writes, reads and reaches, and everything that it grants.
    Explain(Explain),
    /// Show what one spec grants that another does not, or did not in another revision.
    Diff(Diff),
    /// Draw what a jail can write, read, reach and run, as a page or as SVG.
    Report(Report),
    /// Agree to what specs do outside the working folder, without building them.
    #[command(after_help = examples::APPROVE)]
    Approve(Specs),
    /// Try from inside a jail what it must refuse, and list dangerous grants.
    Audit(Audit),
    /// Run a jail once, and report which system calls it made, or what it did not find.
    Trace(Trace),
    /// Report what this machine can enforce, and how to fix what it cannot.
    Doctor(Doctor),
    /// List the store paths that exist inside a jail, with their sizes.
    Closure(Closure),
    /// Build a jail if it is stale, and run it: once, or for each item of a list.
    Run(Run),
    /// Build a jail if it is stale, and open a shell in it.
    Shell(Shell),
    /// List what was built of which spec, and which commands are linked.
    List(List),
    /// Remove what was built of a spec: its commands, its flake and its approval.
    Remove(Remove),
    /// Remove what is no longer needed: of specs that are gone, and of builds that failed.
    Gc(Gc),
    /// Make, list and remove worktrees of git in which jails work.
    #[command(subcommand, after_help = examples::WORKTREE)]
    Worktree(Worktree),
    #[command(flatten)]
    Live(Live),
    /// Write a commented spec to start from.
    Init(Init),
    /// Convert a flake, or the settings of another sandbox, to a spec.
    Import(Import),
    /// Move the pinned inputs (nixpkgs, agents) of a built spec forward, and build it again.
    Update(Update),
    /// List or forget what was approved, and what a jail could write.
    #[command(subcommand, after_help = examples::TRUST)]
    Trust(Trust),
    /// Show your settings and where each comes from; set or unset one.
    #[command(after_help = examples::CONFIG)]
    Config(Config),
    /// Describe a combinator or builder, or list all of them.
    #[command(after_help = examples::DOC)]
    Doc {
        /// The name that identifies it.
        #[arg(value_name = "NAME")]
        name: Option<String>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Evaluate an expression of the spec language, completely, and print its value.
    Eval(Eval),
    /// Serve an editor: diagnostics while typing, completion, documentation.
    #[command(after_help = examples::LSP)]
    Lsp {
        /// Use standard input and output, which is the default anyway: editors like to pass this.
        #[arg(long, hide = true)]
        stdio: bool,
    },
    /// Print completions for a shell, or snippets for an editor.
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// For what.
        #[arg(value_name = "SHELL")]
        what: Completions,
    },
    /// Print the manual page, or write all of them to a folder.
    #[command(after_help = examples::MAN)]
    Man {
        /// Write one page per command to this folder.
        #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        output: Option<PathBuf>,
    },
    /// List the possible words at a place of a command line: the completion scripts use this.
    #[command(hide = true)]
    Complete {
        /// Which word, counted from zero.
        index: usize,
        /// The command line.
        #[arg(last = true)]
        words: Vec<std::ffi::OsString>,
    },
    /// Add a kit to the store and record it next to this program: the last step of `make kit`.
    #[command(hide = true)]
    AddKit {
        /// The kit's folder.
        folder: PathBuf,
    },
    /// Print the manifest of a kit, with its hash: what is installed next to it.
    #[command(hide = true)]
    DescribeKit {
        /// The kit's folder.
        folder: PathBuf,
    },
    /// Seal a policy into a wrapper: the builder of the derivations that jailgen emits.
    #[command(hide = true)]
    Seal,
}

/// What completions are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Completions {
    /// GNU bash.
    Bash,
    /// Elvish.
    Elvish,
    /// fish.
    Fish,
    /// PowerShell.
    Powershell,
    /// Zsh.
    Zsh,
    /// The combinators and builders with places for their arguments, in the format of VS Code.
    Snippets,
}

/// Specs, one or more.
#[derive(Debug, Args)]
pub struct Specs {
    /// Spec files.
    #[arg(required = true, value_name = "SPEC", value_hint = ValueHint::FilePath)]
    pub specs: Vec<PathBuf>,
}

/// Where the inputs of the emitted flake come from.
#[derive(Clone, Debug, Default, Args)]
pub struct Inputs {
    /// Take an input from elsewhere, and pin that.
    #[arg(long, num_args = 2, value_names = ["NAME", "REF"], action = clap::ArgAction::Append)]
    pub override_input: Vec<String>,
    /// Short for `--override-input nixpkgs REF`.
    #[arg(long, value_name = "REF")]
    pub nixpkgs: Option<String>,
    /// Take jailgen's own library and tools from this flake.
    #[arg(long, value_name = "REF")]
    pub kit: Option<String>,
}

impl Inputs {
    /// The overridden inputs and what they are overridden with, in order.
    pub fn overrides(&self) -> impl Iterator<Item = (&str, &str)> {
        let named = self.override_input.chunks_exact(2).filter_map(|pair| match pair {
            [name, reference] => Some((name.as_str(), reference.as_str())),
            _ => None,
        });
        named.chain(self.nixpkgs.as_deref().map(|reference| ("nixpkgs", reference)))
    }

    /// The same, to keep.
    pub fn owned(&self) -> Vec<(String, String)> {
        self.overrides().map(|(name, reference)| (name.to_owned(), reference.to_owned())).collect()
    }
}

/// See [`Command::Build`].
#[derive(Debug, Args)]
#[command(after_help = examples::BUILD)]
pub struct Build {
    #[command(flatten)]
    pub specs: Specs,
    #[command(flatten)]
    pub inputs: Inputs,
    /// Also link what was built here, as `nix build -o` does.
    #[arg(short, long, value_name = "LINK", value_hint = ValueHint::AnyPath)]
    pub output: Option<PathBuf>,
    /// Build nothing; fail if the emitted flake is out of date.
    #[arg(long, conflicts_with_all = ["output", "force"])]
    pub check: bool,
    /// Take over commands that are linked to jails of another spec.
    #[arg(long)]
    pub force: bool,
    /// Link a jail of this name although there is a command of that name in PATH.
    #[arg(long, value_name = "NAME", conflicts_with = "check")]
    pub shadow: Vec<String>,
}

/// See [`Command::Emit`].
#[derive(Debug, Args)]
#[command(after_help = examples::EMIT)]
pub struct Emit {
    #[command(flatten)]
    pub specs: Specs,
    #[command(flatten)]
    pub inputs: Inputs,
    /// The folder to write.
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub output: PathBuf,
    /// Write nothing; fail if the folder is out of date.
    #[arg(long, conflicts_with = "force")]
    pub check: bool,
    /// Write to a folder that holds other things.
    #[arg(long)]
    pub force: bool,
}

/// How diagnostics are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MessageFormat {
    /// With the line of the spec, underlined.
    Human,
    /// One JSON object per line (docs/diagnostics.md).
    Json,
}

/// What `--deny` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Deny {
    /// Warnings count as errors.
    Warnings,
}

/// See [`Command::Check`].
#[derive(Debug, Args)]
#[command(after_help = examples::CHECK)]
pub struct Check {
    #[command(flatten)]
    pub specs: Specs,
    /// For people or for programs.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub message_format: MessageFormat,
    /// What else makes the command fail.
    #[arg(long, value_name = "WHAT")]
    pub deny: Option<Deny>,
    /// Leave out warnings of this code, because what it is about is intended.
    #[arg(
        long,
        value_name = "CODE",
        value_parser = PossibleValuesParser::new(Code::ALL.iter().map(|code| code.as_str())),
        hide_possible_values = true
    )]
    pub allow: Vec<String>,
}

/// See [`Command::Explain`].
#[derive(Debug, Args)]
#[command(after_help = examples::EXPLAIN)]
pub struct Explain {
    /// A spec, a wrapper, or a command that is one.
    #[arg(value_name = "SPEC|WRAPPER", value_hint = ValueHint::FilePath)]
    #[arg(required_unless_present_any = ["protected", "masked"])]
    #[arg(conflicts_with_all = ["protected", "masked"])]
    pub target: Option<PathBuf>,
    /// Instead, list what programs outside execute or trust of a project, and why.
    #[arg(long, conflicts_with_all = ["jail", "brief", "syscalls"])]
    pub protected: bool,
    /// Instead, list the names of files that `mask [ "@credentials" ]` masks, and why.
    #[arg(long, conflicts_with_all = ["jail", "brief", "syscalls", "protected"])]
    pub masked: bool,
    /// Which jail, if the spec makes several; all of them by default.
    #[arg(long, value_name = "NAME")]
    pub jail: Option<String>,
    /// Only what it writes, reads and reaches: a line for each.
    #[arg(long, conflicts_with_all = ["syscalls", "json"])]
    pub brief: bool,
    /// Instead, show what happens at each system call.
    #[arg(long)]
    pub syscalls: bool,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// See [`Command::Closure`].
#[derive(Debug, Args)]
#[command(after_help = examples::CLOSURE)]
pub struct Closure {
    /// A spec, a wrapper or a store path.
    #[arg(value_name = "SPEC|WRAPPER|PATH", value_hint = ValueHint::FilePath)]
    pub target: PathBuf,
    #[command(flatten)]
    pub inputs: Inputs,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// See [`Command::Audit`].
#[derive(Debug, Args)]
#[command(after_help = examples::AUDIT)]
pub struct Audit {
    /// A spec or a wrapper.
    #[arg(value_name = "SPEC|WRAPPER", value_hint = ValueHint::FilePath)]
    pub target: PathBuf,
    /// Which jail, if the spec makes several; all of them by default.
    #[arg(long, value_name = "NAME")]
    pub jail: Option<String>,
    #[command(flatten)]
    pub inputs: Inputs,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// See [`Command::Trace`].
#[derive(Debug, Args)]
#[command(after_help = examples::TRACE)]
pub struct Trace {
    #[command(flatten)]
    pub jail: OneJail,
    /// Instead, list files, programs and hosts that it did not find or was refused, and how to
    /// grant each.
    #[arg(long)]
    pub files: bool,
    /// Write a spec that grants what the run used and no more, and show how it differs.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "files")]
    pub write_spec: Option<PathBuf>,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
    /// Write the report to this file instead of standard error.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Arguments of the program inside.
    #[arg(last = true, value_name = "ARGS")]
    pub arguments: Vec<std::ffi::OsString>,
}

/// See [`Command::Doctor`].
#[derive(Debug, Args)]
#[command(after_help = examples::DOCTOR)]
pub struct Doctor {
    /// As JSON.
    #[arg(long)]
    pub json: bool,
    /// Print the AppArmor profile that Ubuntu needs, and nothing else.
    #[arg(long, conflicts_with = "json")]
    pub apparmor: bool,
    /// Do what needs no root, shown first, and print the rest as commands.
    #[arg(long, conflicts_with_all = ["json", "apparmor"])]
    pub fix: bool,
    /// Take the stub and the probe from this kit.
    #[arg(long, value_name = "REF")]
    pub kit: Option<String>,
}

/// Which jail of which spec.
#[derive(Debug, Args)]
pub struct OneJail {
    /// The spec file.
    #[arg(value_name = "SPEC", value_hint = ValueHint::FilePath)]
    pub spec: PathBuf,
    /// Which jail, if the spec makes several.
    #[arg(long, value_name = "NAME")]
    pub jail: Option<String>,
    #[command(flatten)]
    pub inputs: Inputs,
}

/// See [`Command::Run`].
#[derive(Debug, Args)]
#[command(after_help = examples::RUN)]
pub struct Run {
    #[command(flatten)]
    pub jail: OneJail,
    #[command(flatten)]
    pub each: Each,
    /// Arguments of the program inside; with `--each`, `{}` in them is the item.
    #[arg(last = true, value_name = "ARGS")]
    pub arguments: Vec<std::ffi::OsString>,
}

/// See [`Command::Shell`].
#[derive(Debug, Args)]
#[command(after_help = examples::SHELL)]
pub struct Shell {
    #[command(flatten)]
    pub jail: OneJail,
    /// A command for the shell, instead of an interactive one.
    #[arg(short, long, value_name = "COMMAND")]
    pub command: Option<String>,
    /// In the stage of the working folder, or the nearest above it that has one: what the jail has
    /// written there is seen, and stays apart. Of a jail without a stage no shell is opened.
    #[arg(long)]
    pub staged: bool,
}

/// See [`Command::Update`].
#[derive(Debug, Args)]
#[command(after_help = examples::UPDATE)]
pub struct Update {
    /// The spec file.
    #[arg(value_name = "SPEC", value_hint = ValueHint::FilePath)]
    pub spec: PathBuf,
    /// Which input; all of them by default.
    #[arg(value_name = "INPUT")]
    pub input: Option<String>,
}

/// See [`Command::Eval`].
#[derive(Debug, Args)]
#[command(after_help = examples::EVAL)]
pub struct Eval {
    /// The file with the expression; `-` is standard input.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(required_unless_present = "expression", conflicts_with = "expression")]
    pub file: Option<PathBuf>,
    /// An expression. Its files are those of the current folder.
    #[arg(short = 'E', long = "expr", value_name = "EXPR", allow_hyphen_values = true)]
    pub expression: Option<String>,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
    /// Print the code instead of its value, as `nix-instantiate --parse` does; evaluate nothing.
    #[arg(long, conflicts_with = "json")]
    pub parse: bool,
}

/// See [`Command::Config`].
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Config {
    /// What to change; without it, all settings are shown.
    #[command(subcommand)]
    pub command: Option<ConfigCommand>,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// See [`Command::Config`].
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Change a setting; the rest of the file stays the same, including comments.
    #[command(after_help = examples::CONFIG)]
    Set {
        /// `color`, `commands`, `kit`, `override-input.NAME` or `nix.NAME`.
        #[arg(value_name = "KEY")]
        key: String,
        /// The value to set.
        #[arg(value_name = "VALUE", allow_hyphen_values = true)]
        value: String,
    },
    /// Remove a setting, so its default applies again.
    #[command(after_help = examples::CONFIG)]
    Unset {
        /// As for `set`.
        #[arg(value_name = "KEY")]
        key: String,
    },
    /// Print the path of the file, whether it exists or not.
    #[command(after_help = examples::CONFIG)]
    Path,
}
