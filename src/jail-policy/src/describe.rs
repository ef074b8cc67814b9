//! Grants in words, one line each: for lists, comparisons and tests. What a grant holds of the spec stays in backquotes.

use std::fmt;

use crate::grant::{Argument, Grant, Scope, Zone};
use crate::text::{Output, Package, Piece, Text};
use crate::{Access, Lifetime, Missing, Mode, Namespace, Terminal};

/// A grant in words.
#[must_use]
pub fn describe(grant: &Grant) -> String {
    match grant {
        Grant::Program { path } => format!("starts {}", Quoted(path)),
        Grant::Arguments { words } => format!("with the arguments{}", arguments(words)),
        Grant::Bind { from, to, access, missing } => {
            format!("{}, {}{}", at(from, to), access_words(*access), if_there(*missing))
        }
        Grant::Folder { access, to } => {
            let place = to.as_ref().map_or_else(String::new, |to| format!(" at {}", Quoted(to)));
            format!("the folder you start it in{place}, {}", access_words(*access))
        }
        Grant::HomeAsFolder => "may be started in the home folder itself".into(),
        Grant::BindArguments { access } => {
            format!("every argument that is an existing path, {}", access_words(*access))
        }
        Grant::BindVariable { variable, separator, access } => format!(
            "every path in `${variable}`, divided by `{}`, {}",
            separator.escape_debug(),
            access_words(*access)
        ),
        Grant::StateDirectory { path, to } => {
            format!("{}, created when missing, read and write", at(path, to))
        }
        Grant::StateFile { path, to } => {
            format!("{}, a file created when missing, read and write", at(path, to))
        }
        Grant::Store { scope } => store_words(*scope).into(),
        Grant::Tmpfs { to, mode, size } => {
            format!("an empty folder in memory at {}{}{}", Quoted(to), Octal(*mode), at_most(*size))
        }
        Grant::Proc { to } => format!("its own processes at {}", Quoted(to)),
        Grant::Dev { to } => format!("a minimal /dev at {}", Quoted(to)),
        Grant::Directory { to, mode } => format!("the folder {}{}", Quoted(to), Octal(*mode)),
        Grant::File { to, content, mode } => {
            let bytes = content.to_string().len();
            format!("the file {}{}, {bytes} bytes", Quoted(to), Octal(*mode))
        }
        Grant::Copy { from, to, missing } => {
            format!("the contents of {}{}", at(from, to), if_there(*missing))
        }
        Grant::Symlink { to, target } => format!("{} points to {}", Quoted(to), Quoted(target)),
        Grant::Accounts { shell } => {
            format!("an account of the caller, with the shell {}", Quoted(shell))
        }
        Grant::SetEnv { name, value } => format!("`{name}` is {}", Quoted(value)),
        Grant::ForwardEnv { name, missing } => {
            format!("`{name}` as the launcher has it{}", if_there(*missing))
        }
        Grant::UnsetEnv { name } => format!("no `{name}`"),
        Grant::AddPath { folder } => format!("{} in PATH", Quoted(folder)),
        Grant::Hostname { name } => format!("the host name `{name}`"),
        Grant::TimeZone { zone } => zone_words(*zone).into(),
        Grant::ShareNamespace { namespace } => {
            format!("the host's {} namespace", namespace_name(*namespace))
        }
        Grant::HostNetwork => "the host's network".into(),
        Grant::Terminal { terminal } => terminal_words(*terminal).into(),
        Grant::Lifetime { lifetime } => lifetime_words(*lifetime).into(),
    }
}

fn at(from: &Text, to: &Text) -> String {
    match (from == to, from.expand && from.to_string().starts_with('~')) {
        (true, true) => format!("your `{from}`"),
        (true, false) => Quoted(from).to_string(),
        (false, _) => format!("{} at {}", Quoted(from), Quoted(to)),
    }
}

fn access_words(access: Access) -> &'static str {
    match access {
        Access::ReadOnly => "read only",
        Access::ReadWrite => "read and write",
        Access::Device => "read, write and use as a device",
    }
}

fn if_there(missing: Missing) -> &'static str {
    match missing {
        Missing::Fail => "",
        Missing::Skip => ", if it is there",
    }
}

fn arguments(words: &[Argument]) -> String {
    let word = |word: &Argument| match word {
        Argument::Text(text) => format!(" {}", Quoted(text)),
        Argument::All => " of the command".into(),
    };
    words.iter().map(word).collect()
}

fn store_words(scope: Scope) -> &'static str {
    match scope {
        Scope::Closure => "the store paths that it needs, read only",
        Scope::Whole => "all of the Nix store, read only",
    }
}

fn at_most(size: Option<u64>) -> String {
    size.map_or_else(String::new, |bytes| format!(", at most {bytes} bytes"))
}

fn zone_words(zone: Zone) -> &'static str {
    match zone {
        Zone::Utc => "the time zone UTC",
        Zone::Host => "the host's time zone",
    }
}

fn namespace_name(namespace: Namespace) -> &'static str {
    match namespace {
        Namespace::Cgroup => "cgroup",
        Namespace::Ipc => "ipc",
        Namespace::Mount => "mount",
        Namespace::Net => "net",
        Namespace::Pid => "pid",
        Namespace::User => "user",
        Namespace::Uts => "uts",
    }
}

fn terminal_words(terminal: Terminal) -> &'static str {
    match terminal {
        Terminal::Keep => "the terminal, without typing into it",
        Terminal::NewSession => "a terminal session of its own",
    }
}

fn lifetime_words(lifetime: Lifetime) -> &'static str {
    match lifetime {
        Lifetime::Launcher => "ends with whoever started it",
        Lifetime::Payload => "ends with its program",
    }
}

/// A text in backquotes, which says whether it is expanded and which output of a package it names.
struct Quoted<'a>(&'a Text);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`")?;
        for piece in self.0.pieces() {
            match piece {
                Piece::Literal(literal) => write!(f, "{}", literal.escape_debug())?,
                Piece::Entry { .. } => f.write_str("${entry}")?,
                Piece::Package { package, output } => write_package(f, package, *output)?,
            }
        }
        f.write_str(if self.0.expand { "` (expanded)" } else { "`" })
    }
}

fn write_package(f: &mut fmt::Formatter<'_>, package: &Package, output: Output) -> fmt::Result {
    match (package, output) {
        (Package::Symbolic { nix }, Output::Out) => write!(f, "${{{nix}}}"),
        (Package::Symbolic { nix }, Output::Bin) => write!(f, "${{lib.getBin {nix}}}"),
        (Package::Symbolic { nix }, Output::Program) => write!(f, "${{lib.getExe {nix}}}"),
        (Package::Resolved { paths }, Output::Out) => f.write_str(&paths.out),
        (Package::Resolved { paths }, Output::Bin) => f.write_str(&paths.bin),
        (Package::Resolved { paths }, Output::Program) => {
            f.write_str(paths.program.as_deref().unwrap_or(&paths.out))
        }
    }
}

/// Permission bits, where they are not those that one expects.
struct Octal(Mode);

impl fmt::Display for Octal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0o755 { Ok(()) } else { write!(f, " ({:04o})", self.0) }
    }
}
