//! `unsafe-add-raw-args`: arguments of bubblewrap become the grants that other combinators make, so
//! `explain` and the checks see what they are.

use jail_plan::raw::{self, Raw, RawError, SplitError, parse, split};
use jail_plan::{ExpansionError, HostText, Namespace};
use jail_policy::{Grant, IdKind, Piece, Text, Writes};

use super::{Call, name, path};
use crate::diagnostic::{Code, Diagnostic};
use crate::table::names;

/// In between, a package is represented by a character that no text contains: the first of
/// a plane for private use.
const PACKAGE: u32 = 0xF_0000;

pub(super) fn add(call: &mut Call<'_, '_>) -> Option<()> {
    let text = call.contents(0)?;
    let (source, packages) = flattened(&text);
    let words = match split(&source) {
        Ok(words) => words,
        Err(error) => return unsplit(call, &error),
    };
    match parse(&words) {
        Ok(options) => {
            let mut adder = Adder { call, packages };
            // All of them are checked before the first bad one stops the combinator.
            let added: Vec<_> = options.into_iter().map(|option| adder.option(option)).collect();
            added.into_iter().collect()
        }
        Err(RawError { message, help }) => {
            call.error(Code::RawArgument, 0, message, &help);
            None
        }
    }
}

/// The text with a character for each package, and the packages.
fn flattened(text: &Text) -> (String, Vec<Piece>) {
    let mut packages = Vec::new();
    let mut source = String::new();
    for piece in text.pieces() {
        match piece {
            // The text that represents a package cannot occur in a spec, so its
            // place in the list is free.
            Piece::Literal(literal) => source.extend(literal.chars().filter(|c| !is_package(*c))),
            Piece::Package { .. } | Piece::Entry { .. } => {
                let index = u32::try_from(packages.len()).unwrap_or(0xFFFD);
                source.extend(char::from_u32(PACKAGE + index));
                packages.push(piece.clone());
            }
        }
    }
    (source, packages)
}

fn is_package(character: char) -> bool {
    (PACKAGE..=PACKAGE + 0xFFFD).contains(&u32::from(character))
}

fn unsplit(call: &mut Call<'_, '_>, error: &SplitError) -> Option<()> {
    let (code, help) = match error {
        SplitError::Expansion(ExpansionError::CommandSubstitution) => (
            Code::CommandSubstitution,
            "run it with `add-runtime`, and add what depends on it to RUNTIME_ARGS there",
        ),
        SplitError::Expansion(_) => (
            Code::BadExpansion,
            "these are expanded: `~`, `$NAME`, `${NAME}` and `${NAME:-default}`",
        ),
        SplitError::UnclosedQuote(_) => {
            (Code::RawArgument, "close it, or put a backslash before it")
        }
        SplitError::Shell(_) => (
            Code::RawArgument,
            "quote it if you mean it literally; put what needs a shell into `add-runtime`",
        ),
    };
    call.error(code, 0, format!("the arguments cannot be read: {error}"), help);
    None
}

struct Adder<'c, 'a, 'b> {
    call: &'c mut Call<'a, 'b>,
    packages: Vec<Piece>,
}

impl Adder<'_, '_, '_> {
    fn option(&mut self, option: Raw) -> Option<()> {
        let grant = match option {
            Raw::Bind { from, to, access, missing } => {
                let (from, to) = (self.source(&from), self.target(&to));
                Grant::Bind { from: from?, to: to?, access, missing }
            }
            Raw::Tmpfs { to, mode, size } => Grant::Tmpfs { to: self.target(&to)?, mode, size },
            Raw::Directory { to, mode } => Grant::Directory { to: self.target(&to)?, mode },
            Raw::Data { .. } => {
                return self.refuse(
                    "a descriptor does not exist when the jail is built",
                    "use `write-text`, or add it to RUNTIME_ARGS with `add-runtime`",
                );
            }
            Raw::Symlink { target, to } => {
                let (target, to) = (self.text(&target), self.target(&to)?);
                if target.expand {
                    return self.refuse(
                        "a link's target cannot depend on the launch",
                        "make the link with `add-runtime` and its RUNTIME_ARGS",
                    );
                }
                Grant::Symlink { to, target }
            }
            Raw::Proc { to } => Grant::Proc { to: self.target(&to)? },
            Raw::Dev { to } => Grant::Dev { to: self.target(&to)? },
            Raw::Queues { to } => Grant::Queues { to: self.target(&to)? },
            Raw::RemountReadOnly { to } => Grant::RemountReadOnly { to: self.target(&to)? },
            Raw::Overlay { lower, writes, to } => self.overlay(&lower, &writes, &to)?,
            Raw::StartIn { to } => Grant::StartIn { path: self.target(&to)? },
            Raw::Set { name, value } => {
                let value = self.text(&value);
                Grant::SetEnv { name: self.variable(name)?, value }
            }
            Raw::Unset { name } => Grant::UnsetEnv { name: self.variable(name)? },
            Raw::Clear => {
                for name in self.call.variables() {
                    self.call.grant(Grant::UnsetEnv { name });
                }
                return Some(());
            }
            Raw::Hostname { name } => {
                if !name::is_hostname(&name) {
                    let message = format!("`{}` is not a host name", jail_plan::one_line(&name));
                    self.call.error(
                        Code::BadHostname,
                        0,
                        message,
                        "letters, digits and hyphens, at most 64",
                    );
                    return None;
                }
                Grant::Hostname { name }
            }
            Raw::Share { namespace: Namespace::Net } => Grant::HostNetwork,
            Raw::Share { namespace } => Grant::ShareNamespace { namespace },
            Raw::Own { namespaces } => {
                self.call.unshare(&namespaces);
                return Some(());
            }
            Raw::Uid { id } => Grant::ShownId { kind: IdKind::User, id },
            Raw::Gid { id } => Grant::ShownId { kind: IdKind::Group, id },
            Raw::Given => return Some(()),
        };
        self.call.grant(grant);
        Some(())
    }

    fn overlay(
        &mut self,
        lower: &[HostText],
        writes: &raw::Writes,
        to: &HostText,
    ) -> Option<Grant> {
        let lower: Vec<_> = lower.iter().map(|folder| self.source(folder)).collect();
        let writes = match writes {
            raw::Writes::Refused => Writes::Refused,
            raw::Writes::Memory => Writes::Memory,
            raw::Writes::Kept { upper, work } => {
                let (upper, work) = (self.source(upper), self.source(work));
                Writes::Kept { upper: upper?, work: work? }
            }
        };
        let to = self.target(to);
        Some(Grant::Overlay { lower: lower.into_iter().collect::<Option<_>>()?, writes, to: to? })
    }

    fn refuse(&mut self, message: &str, help: &str) -> Option<()> {
        self.call.error(Code::RawArgument, 0, message.into(), help);
        None
    }

    fn source(&mut self, text: &HostText) -> Option<Text> {
        self.path(text, path::Role::Source)
    }

    fn target(&mut self, text: &HostText) -> Option<Text> {
        self.path(text, path::Role::Target)
    }

    fn path(&mut self, text: &HostText, role: path::Role) -> Option<Text> {
        let (text, place) = (self.text(text), self.call.place_of(0));
        let mut diagnostics: Vec<Diagnostic> = Vec::new();
        let checked = path::check(names::UNSAFE_ADD_RAW_ARGS, &text, role, place, &mut diagnostics);
        diagnostics.into_iter().for_each(|diagnostic| self.call.report(diagnostic));
        checked
    }

    fn variable(&mut self, name: String) -> Option<String> {
        if name::is_variable(&name) {
            return Some(name);
        }
        let message =
            format!("`{}` is not the name of an environment variable", jail_plan::one_line(&name));
        let help = "a name has letters, digits and `_`, and does not begin with a digit";
        self.call.error(Code::EnvironmentName, 0, message, help);
        None
    }

    /// The word with its packages inserted again.
    fn text(&self, word: &HostText) -> Text {
        let mut text = Text::new(matches!(word, HostText::Expand(_)), []);
        for character in word.source().chars() {
            let package = u32::from(character)
                .checked_sub(PACKAGE)
                .and_then(|index| self.packages.get(usize::try_from(index).ok()?));
            text.push(package.cloned().unwrap_or_else(|| Piece::Literal(character.into())));
        }
        text
    }
}
