//! Grants in words, written only here: `explain`, the audit and messages all describe
//! a grant in the same way.

mod cage;
mod git;
mod network;
mod packages;
mod parts;
mod root;
mod secret;
mod session;
mod within;

use std::fmt;

use jail_plan::{Bytes, Seconds};

use crate::grant::{Argument, Grant, IdKind, Limited, Scope, Wall, Writes};
use crate::text::Text;
use crate::{Access, Missing};
use crate::{CallBase, OnDeny};
pub use cage::sentence_among;
use cage::{ports, reach_word};
use packages::{commands, program, variable};
use parts::{
    excerpt, lifetime_words, namespace_words, phase_words, terminal_words, wall_words, zone_words,
};
pub use root::is_hosts_root;
use session::session;

/// What a grant is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Subject {
    /// What is started.
    Program,
    /// The files that there are.
    Files,
    /// Which commands are found.
    Path,
    /// Which variables there are.
    Environment,
    /// What can be reached.
    Network,
    /// The terminal, the time, the machine's name, the namespaces, and what the kernel checks in
    /// addition to them.
    Surroundings,
    /// How much may be used.
    Limits,
    /// What runs outside the jail.
    Host,
}

impl Subject {
    /// All of them, in the order of their numbers.
    pub const ALL: &'static [Self] = &[
        Self::Program,
        Self::Files,
        Self::Path,
        Self::Environment,
        Self::Network,
        Self::Surroundings,
        Self::Limits,
        Self::Host,
    ];

    /// The heading that `explain` prints above the group.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Program => "Program",
            Self::Files => "Files",
            Self::Path => "Commands",
            Self::Environment => "Environment",
            Self::Network => "Network",
            Self::Surroundings => "Surroundings",
            Self::Limits => "Limits",
            Self::Host => "On the host, outside the jail, with your rights",
        }
    }
}

/// A grant in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// What it is about.
    pub subject: Subject,
    /// How it is granted: `read-write`.
    pub how: &'static str,
    /// What is granted.
    pub what: String,
    /// A remark about it.
    pub note: Option<&'static str>,
}

/// `read-only ~/.gitconfig (if it is there)`. It contains text from the spec: the code that prints
/// it must escape control characters.
impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.how, self.what)?;
        self.note.map_or(Ok(()), |note| write!(f, " ({note})"))
    }
}

impl Sentence {
    fn new(subject: Subject, how: &'static str, what: impl Into<String>) -> Self {
        // A text that continues in another line could imitate a grant there.
        let what = what.into().replace('\r', "\\r").replace('\n', "\\n");
        Self { subject, how, what, note: None }
    }

    fn note(mut self, note: &'static str) -> Self {
        self.note = Some(note);
        self
    }

    fn note_if_skipped(mut self, missing: Missing, note: &'static str) -> Self {
        match missing {
            Missing::Fail => {}
            Missing::Skip => self.note = Some(note),
        }
        self
    }
}

/// The function that makes a file with the environment of a development shell, in emitted files.
pub const DEV_SHELL: &str = "inputs.jailgen.lib.devShellEnvironment";

/// The function that makes one package of a list that only Nix knows, in emitted files.
pub const PACKAGES_OF: &str = "inputs.jailgen.lib.packagesOf pkgs";

const SKIPPED: &str = "if it is there";
const CREATED: &str = "created if missing";
/// For a file that its program makes, unless it must be there to be bound.
const MAY_BE_MISSING: &str = "need not exist yet";
const PLAIN_BIND: &str = "a plain bind: all in it can be changed";
const STAGED: &str =
    "nothing in the folder changes before you say so: `jailgen changes`, `jailgen apply`";
/// What is made for the jail and for nothing else.
const OWN: &str = "its own";

/// Says a grant in words.
#[must_use]
pub fn sentence(grant: &Grant) -> Sentence {
    let said = plain(grant);
    match root::note(grant) {
        Some(note) => said.note(note),
        None => said,
    }
}

/// The `match` is complete: a new kind of grant does not compile until it is explained.
fn plain(grant: &Grant) -> Sentence {
    use Subject::{Environment, Files, Host, Limits, Network, Path, Program, Surroundings};
    match grant {
        Grant::Program { path } => Sentence::new(Program, "runs", program(path)),
        Grant::Arguments { words } => Sentence::new(Program, "arguments", arguments(words)),
        Grant::Bind { from, to, access, missing } => {
            Sentence::new(Files, access_word(*access), bound(from, to))
                .note_if_skipped(*missing, SKIPPED)
        }
        Grant::Folder { access, to, stage } => folder(*access, to.as_ref(), stage.as_deref()),
        Grant::Worktree => {
            let what = "the common `.git` of the repository, at its own place, if it is started in a linked worktree";
            Sentence::new(Files, "read-write", what)
                .note("if the repository names it too, and no jail could have written both")
        }
        Grant::Project => {
            let what = "the root of the repository in place of the folder in which it is started";
            Sentence::new(Files, "the working folder", what)
        }
        Grant::Git { settings } => git::settings(*settings),
        Grant::Mask { globs } => git::masked(globs),
        Grant::PrivateCopies { folder, names } => git::private(folder, names),
        Grant::FollowLinks => {
            let what = "programs of the Nix store that links and settings among its copies lead to";
            Sentence::new(Files, "read-only, and executable", what)
        }
        Grant::HomeAsFolder => {
            Sentence::new(Files, "allowed", "to be started in the home folder itself")
        }
        Grant::BindArguments { access } => {
            Sentence::new(Files, access_word(*access), "every argument that is an existing path")
        }
        Grant::BindVariable { variable, separator, access } => {
            let what = format!("every path in ${variable}, split at `{separator}`");
            Sentence::new(Files, access_word(*access), what)
        }
        Grant::StateDirectory { path, to } => {
            Sentence::new(Files, "read-write", bound(path, to)).note(CREATED)
        }
        Grant::StateFile { path, to } => {
            Sentence::new(Files, "read-write", bound(path, to)).note(MAY_BE_MISSING)
        }
        Grant::FolderState { path, to } => {
            let what = format!("{path}, a folder for each working folder, as {to}");
            Sentence::new(Files, "read-write", what).note(CREATED)
        }
        Grant::DeepBind { from, missing } => {
            let what = format!("{from}, and what its symbolic links lead to");
            Sentence::new(Files, "read-only", what).note_if_skipped(*missing, SKIPPED)
        }
        Grant::Overlay { lower, writes, to } => overlay(lower, writes, to),
        Grant::Bus { service, rules, proxy: _ } => {
            let Sentence { what, .. } = session(*service);
            let rules = if rules.is_empty() { "nothing".to_owned() } else { rules.join(" ") };
            Sentence::new(Surroundings, "connected", format!("{what}: {rules}"))
        }
        Grant::Session { service } => session(*service),
        Grant::Store { scope } => Sentence::new(Files, "read-only", store(*scope)),
        Grant::Tmpfs { to, size, mode: _ } => {
            Sentence::new(Files, "in memory", format!("{to}{}", at_most(*size)))
        }
        Grant::Proc { to } => Sentence::new(Files, OWN, to.to_string()),
        Grant::Dev { to } => Sentence::new(Files, OWN, format!("{to} (minimal)")),
        Grant::Directory { to, mode: _ }
        | Grant::File { to, content: _, mode: _ }
        | Grant::Symlink { to, target: _ } => Sentence::new(Files, OWN, to.to_string()),
        Grant::Copy { from, to, append, missing } => {
            let more = if append.is_some() { ", with the jail's own lines after it" } else { "" };
            let object = format!("{}{more}", bound(from, to));
            Sentence::new(Files, "copied", object).note_if_skipped(*missing, SKIPPED)
        }
        Grant::Accounts { shell: _ } => {
            Sentence::new(Files, OWN, "/etc/passwd and /etc/group (root and the caller)")
        }
        Grant::GitIdentity { to } => {
            let what = format!("user.name and user.email of your git configuration as {to}");
            Sentence::new(Files, "copied", what)
        }
        Grant::LoginProfile { to } => {
            Sentence::new(Files, OWN, format!("{to} (PATH, for login shells)"))
        }
        Grant::MachineId { to } => {
            Sentence::new(Files, OWN, format!("{to} (another one at each launch)"))
        }
        Grant::RemountReadOnly { to } => Sentence::new(Files, "made read-only", to.to_string()),
        Grant::Queues { to } => Sentence::new(Files, OWN, format!("{to} (POSIX message queues)")),
        Grant::HostScript { phase, script, shell: _ } => {
            Sentence::new(Host, phase_words(*phase), excerpt(script))
        }
        Grant::Channel { name, script, shell: _ } => {
            let what = format!("for `{name}` inside: {}", excerpt(script));
            Sentence::new(Host, "whenever asked", what).note(ASKED)
        }
        Grant::OpenUrls => {
            Sentence::new(Host, "whenever asked", "your browser, with http and https addresses")
                .note(ASKED)
        }
        Grant::StartIn { path } => Sentence::new(Program, "starts in", path.to_string()),
        Grant::SetEnv { name, value } => Sentence::new(Environment, "set", variable(name, value)),
        Grant::DevShell { environment } => {
            let shell = environment.to_string().replace(DEV_SHELL, "");
            Sentence::new(Environment, "as in", format!("the development shell {}", shell.trim()))
        }
        Grant::ForwardEnv { name, missing } => {
            Sentence::new(Environment, "passed on", name).note_if_skipped(*missing, "if it is set")
        }
        Grant::UnsetEnv { name } => Sentence::new(Environment, "without", name),
        Grant::AddPath { folder } => Sentence::new(Path, "from", commands(folder)),
        Grant::Hostname { name } => Sentence::new(Surroundings, "host name", name),
        Grant::TimeZone { zone } => Sentence::new(Surroundings, "time zone", zone_words(*zone)),
        Grant::ShareNamespace { namespace } => {
            Sentence::new(Surroundings, "shared", namespace_words(*namespace))
        }
        Grant::HostNetwork => {
            Sentence::new(Network, "the host's", "network: internet, local network, loopback")
        }
        Grant::Network(grant) => network::network(grant),
        Grant::Cage { datagrams, .. } => cage::cage(*datagrams),
        Grant::Reach { path, reach, missing } => {
            Sentence::new(Files, reach_word(*reach), path.to_string())
                .note_if_skipped(*missing, SKIPPED)
        }
        Grant::StateLink { path, to } => {
            Sentence::new(Files, "linked", format!("{path} to {to}")).note(CREATED)
        }
        Grant::Ports { connect, bind } => {
            let what = format!("to {}; listening on {}", ports(connect), ports(bind));
            Sentence::new(Network, "TCP", what)
        }
        Grant::SystemCalls { base } => Sentence::new(Surroundings, "seccomp", base_words(base)),
        Grant::CallRules { allow, deny, on_deny } => {
            Sentence::new(Surroundings, "seccomp", rules_words(allow, deny, *on_deny))
        }
        Grant::Filter { path } => {
            Sentence::new(Surroundings, "seccomp", format!("also filtered by {path}"))
        }
        Grant::NestedSandbox => {
            Sentence::new(Surroundings, "allowed", "namespaces and mounts of its own inside")
        }
        Grant::Wall { wall } => Sentence::new(Surroundings, "Landlock", wall_words(*wall)),
        Grant::LandlockAbi { least } => {
            Sentence::new(Surroundings, "Landlock", format!("at least ABI {least}"))
        }
        Grant::Terminal { terminal } => {
            Sentence::new(Surroundings, "terminal", terminal_words(*terminal))
        }
        Grant::TerminalFilter => Sentence::new(
            Surroundings,
            "terminal",
            "without what reaches beyond the screen: the clipboard, titles read back, files",
        ),
        Grant::Quarantine => Sentence::new(
            Surroundings,
            "afterwards",
            "what programs outside would execute is moved aside until it is approved",
        ),
        Grant::Protect { globs } => git::protect(globs),
        Grant::Lifetime { lifetime } => {
            Sentence::new(Surroundings, "ends with", lifetime_words(*lifetime))
        }
        Grant::Limit { resource, value } => limit(*resource, *value),
        Grant::ShownId { kind, id } => {
            let what = match kind {
                IdKind::User => format!("user id {id}"),
                IdKind::Group => format!("group id {id}"),
            };
            Sentence::new(Surroundings, "seen inside as", what).note("on the host it stays yours")
        }
        Grant::DedicatedUser { name } => Sentence::new(
            Surroundings,
            "runs as",
            format!("the user {name}, on the host too"),
        )
        .note(
            "the working folder and what is read-write are shared with it by access control lists",
        ),
        Grant::BestEffort => Sentence::new(
            Limits,
            "best effort",
            "where the machine cannot enforce this, it is enforced as far as possible",
        )
        .note("each launch reports which limits are enforced"),
    }
}

const ASKED: &str = "the jail decides when, and with which arguments and input";

fn limit(resource: Limited, value: u64) -> Sentence {
    let (how, what, note) = match resource {
        Limited::Memory => {
            ("memory", Bytes(value).to_string(), "for the whole jail; above it the jail is ended")
        }
        Limited::Pids => {
            ("processes", value.to_string(), "for the whole jail; no more are started")
        }
        Limited::Cpu => ("processors", hundredths(value), "for the whole jail"),
        Limited::Files => ("open files", value.to_string(), "each process"),
        Limited::FileSize => ("file size", Bytes(value).to_string(), "each file"),
        Limited::Time => ("time", Seconds(value).to_string(), "then it is ended"),
    };
    Sentence::new(Subject::Limits, how, what).note(note)
}

/// A number of hundredths: `1`, `1.5`, `0.25`.
fn hundredths(value: u64) -> String {
    let written = format!("{}.{:02}", value / 100, value % 100);
    written.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What every jail has of a layer that none of its grants is about.
#[must_use]
pub fn default_layers(grants: &[&Grant]) -> Vec<Sentence> {
    if grants.iter().any(|grant| matches!(grant, Grant::Cage { .. })) {
        return vec![cage::not_stopped()];
    }
    let names_wall = grants.iter().any(|grant| matches!(grant, Grant::Wall { .. }));
    let wall = Sentence::new(Subject::Surroundings, "Landlock", wall_words(Wall::Writes));
    let names_calls = grants.iter().any(|grant| matches!(grant, Grant::SystemCalls { .. }));
    let calls = Sentence::new(Subject::Surroundings, "seccomp", DEFAULT_CALLS);
    [(names_wall, wall.note("where the kernel can")), (names_calls, calls)]
        .into_iter()
        .filter_map(|(named, sentence)| (!named).then_some(sentence))
        .collect()
}

fn access_word(access: Access) -> &'static str {
    match access {
        Access::ReadOnly => "read-only",
        Access::ReadWrite => "read-write",
        Access::Device => "device",
    }
}

fn folder(access: Access, to: Option<&Text>, stage: Option<&str>) -> Sentence {
    let what = to.map_or_else(
        || "the folder that it is started in".to_owned(),
        |to| format!("the folder that it is started in, as {to}"),
    );
    if let Some(stage) = stage {
        let what = format!("{what}; changes are kept apart, in the stage `{stage}`");
        return Sentence::new(Subject::Files, "staged", what).note(STAGED);
    }
    let sentence = Sentence::new(Subject::Files, access_word(access), what);
    match access {
        Access::ReadOnly => sentence,
        Access::ReadWrite | Access::Device => sentence.note(PLAIN_BIND),
    }
}

fn overlay(lower: &[Text], writes: &Writes, to: &Text) -> Sentence {
    let lower: Vec<String> = lower.iter().map(Text::to_string).collect();
    let what = format!("{} as {to}", lower.join(", and over it "));
    let (how, what) = match writes {
        Writes::Refused => ("read-only", what),
        Writes::Memory => ("overlay", format!("{what}; changes stay in memory")),
        Writes::Kept { upper, work: _ } => ("overlay", format!("{what}; changes go to {upper}")),
    };
    let sentence = Sentence::new(Subject::Files, how, what);
    match writes {
        Writes::Refused | Writes::Memory => sentence,
        Writes::Kept { .. } => sentence.note(CREATED),
    }
}

fn bound(from: &Text, to: &Text) -> String {
    if from == to { from.to_string() } else { format!("{from} as {to}") }
}

fn store(scope: Scope) -> &'static str {
    match scope {
        Scope::Closure => "of /nix/store what this jail needs at run time",
        Scope::Whole => "all of /nix/store",
    }
}

fn at_most(size: Option<u64>) -> String {
    size.map_or_else(String::new, |bytes| format!(" (at most {})", Bytes(bytes)))
}

fn arguments(words: &[Argument]) -> String {
    let words: Vec<String> = words.iter().map(argument).collect();
    words.join(" ")
}

fn argument(word: &Argument) -> String {
    match word {
        Argument::Text(text) => text.to_string(),
        Argument::All => "(every argument of the command)".into(),
    }
}

fn base_words(base: &CallBase) -> String {
    match base {
        CallBase::Default => DEFAULT_CALLS.into(),
        CallBase::Strict { agent: Some(agent) } => {
            format!("the system calls that {agent} was seen to use; any other kills the program")
        }
        CallBase::Strict { agent: None } => {
            "the system calls that agents and common commands use; any other kills the program"
                .into()
        }
    }
}

fn rules_words(allow: &[String], deny: &[String], on_deny: Option<OnDeny>) -> String {
    let list = |what: &str, calls: &[String]| match calls {
        [] => None,
        calls => Some(format!("{what} {}", calls.join(", "))),
    };
    let answer = on_deny.map(|answer| match answer {
        OnDeny::Errno => "a refused call fails".to_owned(),
        OnDeny::Kill => "a refused call kills the program".to_owned(),
        OnDeny::Log => "a refused call is carried out and logged".to_owned(),
    });
    if allow.is_empty() && deny.is_empty() && answer.is_none() {
        // For a wrapper, in which they are compiled.
        return "changed by rules of the spec's own".into();
    }
    let parts = [list("also", allow), list("without", deny), answer];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

const DEFAULT_CALLS: &str = "default deny list: system calls used in known sandbox escapes";

#[cfg(test)]
mod tests;
