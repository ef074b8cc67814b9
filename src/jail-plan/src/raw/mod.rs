//! The argument grammar of bubblewrap, for what specs of jail.nix pass on to it: as one text at
//! build time, as words at launch. An option that is not here is an error; nothing is ignored.

mod split;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::expand::HostText;
use crate::ops::{Access, Missing, Mode};
use crate::plan::Namespace;

pub use split::{SplitError, split};

/// One option, with the modifiers before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Raw {
    /// `--bind`, `--ro-bind`, `--dev-bind` and their `-try`.
    Bind {
        /// What, on the host.
        from: HostText,
        /// Where, in the jail.
        to: HostText,
        /// With which access.
        access: Access,
        /// What to do when it is missing.
        missing: Missing,
    },
    /// `--tmpfs`, with `--perms` and `--size`.
    Tmpfs {
        /// The place inside the jail.
        to: HostText,
        /// Its permission bits.
        mode: Mode,
        /// Its size in bytes.
        size: Option<u64>,
    },
    /// `--dir`, with `--perms`.
    Directory {
        /// The place inside the jail.
        to: HostText,
        /// Its permission bits.
        mode: Mode,
    },
    /// `--file`, `--bind-data`, `--ro-bind-data`, with `--perms`: what is read from a descriptor.
    Data {
        /// The descriptor's number.
        descriptor: u32,
        /// The place inside the jail.
        to: HostText,
        /// Its permission bits.
        mode: Mode,
    },
    /// `--symlink`.
    Symlink {
        /// What it points to.
        target: HostText,
        /// The place inside the jail.
        to: HostText,
    },
    /// `--proc`.
    Proc {
        /// The place inside the jail.
        to: HostText,
    },
    /// `--dev`.
    Dev {
        /// The place inside the jail.
        to: HostText,
    },
    /// `--mqueue`.
    Queues {
        /// The place inside the jail.
        to: HostText,
    },
    /// `--remount-ro`.
    RemountReadOnly {
        /// The place inside the jail.
        to: HostText,
    },
    /// `--overlay-src` (once or more) before `--overlay`, `--tmp-overlay` or `--ro-overlay`.
    Overlay {
        /// The lower folders, from the lowest up.
        lower: Vec<HostText>,
        /// What is written.
        writes: Writes,
        /// The place inside the jail.
        to: HostText,
    },
    /// `--chdir`.
    StartIn {
        /// The place inside the jail.
        to: HostText,
    },
    /// `--setenv`.
    Set {
        /// The name of the variable.
        name: String,
        /// The value to set.
        value: HostText,
    },
    /// `--unsetenv`.
    Unset {
        /// The name of the variable.
        name: String,
    },
    /// `--clearenv`.
    Clear,
    /// `--hostname`.
    Hostname {
        /// The name to give it.
        name: String,
    },
    /// `--share-net`.
    Share {
        /// The namespace that is shared with the host.
        namespace: Namespace,
    },
    /// `--unshare-…`.
    Own {
        /// The namespaces that the jail has of its own.
        namespaces: Vec<Namespace>,
    },
    /// `--uid`.
    Uid {
        /// The number that the caller's user id has inside.
        id: u32,
    },
    /// `--gid`.
    Gid {
        /// The number that the caller's group id has inside.
        id: u32,
    },
    /// What every jail has anyway: `--cap-drop` (it has no capability), `--as-pid-1`
    /// (its init is jailgen's).
    Given,
}

/// Where an overlay's writes go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Writes {
    /// Nowhere: it is read-only.
    Refused,
    /// To memory, gone with the jail.
    Memory,
    /// To a folder of the host.
    Kept {
        /// The folder with the changes.
        upper: HostText,
        /// A folder next to it that the kernel needs.
        work: HostText,
    },
}

/// What is wrong with an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawError {
    /// What, in words.
    pub message: String,
    /// What to do.
    pub help: String,
}

fn error(message: impl Into<String>, help: impl Into<String>) -> RawError {
    RawError { message: message.into(), help: help.into() }
}

/// The options that `words` are.
///
/// # Errors
/// The first word that is not an option available here, or lacks its argument.
pub fn parse(words: &[HostText]) -> Result<Vec<Raw>, RawError> {
    let mut parser = Parser { words: words.iter(), mode: None, size: None, lower: Vec::new() };
    let mut options = Vec::new();
    while let Some(word) = parser.words.next() {
        options.extend(parser.option(word)?);
    }
    parser.leftover()?;
    Ok(options)
}

struct Parser<'a> {
    words: core::slice::Iter<'a, HostText>,
    mode: Option<Mode>,
    size: Option<u64>,
    lower: Vec<HostText>,
}

impl Parser<'_> {
    fn option(&mut self, word: &HostText) -> Result<Option<Raw>, RawError> {
        let HostText::Literal(name) = word else {
            return Err(error(
                format!("expected an option, got `{}`", word.source()),
                "write options out; put what depends on the launch into RUNTIME_ARGS with `add-runtime`",
            ));
        };
        let name = name.as_str();
        match name {
            "--perms" => {
                once(name, self.mode)?;
                let text = self.literal(name)?;
                let mode = u32::from_str_radix(&text, 8).ok().filter(|mode| *mode <= 0o7777);
                self.mode = Some(mode.ok_or_else(|| {
                    error(
                        format!("`--perms {text}` is not a mode"),
                        "write it in octal digits: `--perms 0700`",
                    )
                })?);
                return Ok(None);
            }
            "--size" => {
                once(name, self.size)?;
                let text = self.literal(name)?;
                let size = text.parse().ok().filter(|size| *size > 0);
                self.size = Some(size.ok_or_else(|| {
                    error(
                        format!("`--size {text}` is not a number of bytes"),
                        "write it in digits: `--size 1048576`",
                    )
                })?);
                return Ok(None);
            }
            "--overlay-src" => {
                let lower = self.next(name)?;
                self.lower.push(lower);
                return Ok(None);
            }
            _ => {}
        }
        let option = self.plain(name)?;
        self.leftover()?;
        Ok(Some(option))
    }

    fn plain(&mut self, name: &str) -> Result<Raw, RawError> {
        Ok(match name {
            "--bind" => self.bind(name, Access::ReadWrite, Missing::Fail)?,
            "--bind-try" => self.bind(name, Access::ReadWrite, Missing::Skip)?,
            "--ro-bind" => self.bind(name, Access::ReadOnly, Missing::Fail)?,
            "--ro-bind-try" => self.bind(name, Access::ReadOnly, Missing::Skip)?,
            "--dev-bind" => self.bind(name, Access::Device, Missing::Fail)?,
            "--dev-bind-try" => self.bind(name, Access::Device, Missing::Skip)?,
            "--tmpfs" => {
                Raw::Tmpfs { to: self.next(name)?, mode: self.mode(0o755), size: self.size.take() }
            }
            "--dir" => Raw::Directory { to: self.next(name)?, mode: self.mode(0o755) },
            "--file" => self.data(name, 0o666)?,
            "--bind-data" => self.data(name, 0o600)?,
            "--ro-bind-data" => self.data(name, 0o400)?,
            "--symlink" => Raw::Symlink { target: self.next(name)?, to: self.next(name)? },
            "--proc" => Raw::Proc { to: self.next(name)? },
            "--dev" => Raw::Dev { to: self.next(name)? },
            "--mqueue" => Raw::Queues { to: self.next(name)? },
            "--remount-ro" => Raw::RemountReadOnly { to: self.next(name)? },
            "--overlay" => {
                let (upper, work) = (self.next(name)?, self.next(name)?);
                self.overlay(name, Writes::Kept { upper, work })?
            }
            "--tmp-overlay" => self.overlay(name, Writes::Memory)?,
            "--ro-overlay" => self.overlay(name, Writes::Refused)?,
            "--chdir" => Raw::StartIn { to: self.next(name)? },
            "--setenv" => Raw::Set { name: self.variable(name)?, value: self.next(name)? },
            "--unsetenv" => Raw::Unset { name: self.variable(name)? },
            "--clearenv" => Raw::Clear,
            "--hostname" => Raw::Hostname { name: self.literal(name)? },
            "--uid" => Raw::Uid { id: self.id(name)? },
            "--gid" => Raw::Gid { id: self.id(name)? },
            "--cap-drop" => {
                self.literal(name)?;
                Raw::Given
            }
            "--as-pid-1" => Raw::Given,
            other => return namespaces(other),
        })
    }

    fn bind(&mut self, name: &str, access: Access, missing: Missing) -> Result<Raw, RawError> {
        Ok(Raw::Bind { from: self.next(name)?, to: self.next(name)?, access, missing })
    }

    fn data(&mut self, name: &str, mode: Mode) -> Result<Raw, RawError> {
        let text = self.literal(name)?;
        let descriptor = text.parse().map_err(|_| {
            error(
                format!("`{name} {text}` is not a descriptor"),
                "its first argument is the number of a descriptor",
            )
        })?;
        Ok(Raw::Data { descriptor, to: self.next(name)?, mode: self.mode(mode) })
    }

    fn overlay(&mut self, name: &str, writes: Writes) -> Result<Raw, RawError> {
        let lower = core::mem::take(&mut self.lower);
        let least = if writes == Writes::Refused { 2 } else { 1 };
        if lower.len() < least {
            return Err(error(
                format!("`{name}` has too few lower folders"),
                format!("write `--overlay-src FOLDER` before it, {least} of them at least"),
            ));
        }
        Ok(Raw::Overlay { lower, writes, to: self.next(name)? })
    }

    /// The argument of an option.
    fn next(&mut self, name: &str) -> Result<HostText, RawError> {
        self.words.next().cloned().ok_or_else(|| {
            error(format!("`{name}` lacks an argument"), "bwrap(1) says what each option takes")
        })
    }

    fn literal(&mut self, name: &str) -> Result<String, RawError> {
        match self.next(name)? {
            HostText::Literal(text) => Ok(text),
            HostText::Expand(text) | HostText::PerFolder(text) => Err(error(
                format!(
                    "the argument of `{name}` must be known when the jail is built, got `{}`",
                    text.source()
                ),
                "put it into RUNTIME_ARGS with `add-runtime`",
            )),
        }
    }

    fn variable(&mut self, name: &str) -> Result<String, RawError> {
        let text = self.literal(name)?;
        if text.is_empty() || text.contains(['=', '\0']) {
            let message = format!("`{name}` names no variable: `{text}`");
            return Err(error(message, "a name is not empty and has no `=`"));
        }
        Ok(text)
    }

    /// A valid id: the highest number means none (setreuid(2)).
    fn id(&mut self, name: &str) -> Result<u32, RawError> {
        let text = self.literal(name)?;
        text.parse().ok().filter(|id| *id != u32::MAX).ok_or_else(|| {
            error(format!("`{name} {text}` is not an id"), "write it in digits: `--uid 1000`")
        })
    }

    fn mode(&mut self, default: Mode) -> Mode {
        self.mode.take().unwrap_or(default)
    }

    /// No modifier of the next option may be left.
    fn leftover(&self) -> Result<(), RawError> {
        let left = match (self.mode, self.size, self.lower.is_empty()) {
            (Some(_), _, _) => "--perms",
            (None, Some(_), _) => "--size",
            (None, None, false) => "--overlay-src",
            (None, None, true) => return Ok(()),
        };
        Err(error(
            format!("`{left}` is followed by an option that it does not belong to"),
            "`--perms` belongs before `--dir`, `--file`, `--bind-data`, `--ro-bind-data` and `--tmpfs`, `--size` before `--tmpfs`, \
             `--overlay-src` before the overlays",
        ))
    }
}

/// Each modifier may precede an option only once.
fn once<T>(name: &str, given: Option<T>) -> Result<(), RawError> {
    match given {
        None => Ok(()),
        Some(_) => Err(error(
            format!("`{name}` is given twice before one option"),
            format!("`{name}` applies to the next option only; remove one of them"),
        )),
    }
}

fn namespaces(name: &str) -> Result<Raw, RawError> {
    use Namespace::{Cgroup, Ipc, Net, Pid, User, Uts};
    let namespaces = match name {
        "--share-net" => return Ok(Raw::Share { namespace: Net }),
        "--unshare-all" => [Cgroup, Ipc, Net, Pid, User, Uts].to_vec(),
        "--unshare-user" | "--unshare-user-try" => [User].to_vec(),
        "--unshare-ipc" => [Ipc].to_vec(),
        "--unshare-pid" => [Pid].to_vec(),
        "--unshare-net" => [Net].to_vec(),
        "--unshare-uts" => [Uts].to_vec(),
        "--unshare-cgroup" | "--unshare-cgroup-try" => [Cgroup].to_vec(),
        other => return Err(unknown(other)),
    };
    Ok(Raw::Own { namespaces })
}

/// Options of bubblewrap that are not available here, and what to write instead.
const ELSEWHERE: &[(&str, &str)] = &[
    ("--cap-add", "no option gives a jail capabilities"),
    ("--seccomp", "add a system call filter with `add-seccomp`"),
    ("--add-seccomp-fd", "add a system call filter with `add-seccomp`"),
    ("--new-session", "write `new-session`"),
    (
        "--die-with-parent",
        "every jail ends with its launcher, unless the spec says `no-die-with-parent`",
    ),
    (
        "--disable-userns",
        "namespaces are refused inside, unless the spec says `allow-nested-sandbox`",
    ),
    (
        "--assert-userns-disabled",
        "namespaces are refused inside, unless the spec says `allow-nested-sandbox`",
    ),
    ("--userns", "share a namespace with `share-ns`"),
    ("--userns2", "share a namespace with `share-ns`"),
    ("--pidns", "share a namespace with `share-ns`"),
    ("--args", "write the arguments themselves, or put them into RUNTIME_ARGS with `add-runtime`"),
    ("--argv0", "write `wrap-entry` and, in it, `exec -a NAME`"),
    ("--chmod", "write `--perms` before the option that makes the file or folder"),
    ("--sync-fd", "the program gets no descriptors except its standard input, output and error"),
    ("--block-fd", "write a script that waits with `add-runtime`"),
    ("--lock-file", "take the lock with `add-runtime`"),
    ("--info-fd", "jailgen writes no information about the jail to descriptors"),
    ("--json-status-fd", "jailgen writes no information about the jail to descriptors"),
];

fn unknown(name: &str) -> RawError {
    if let Some((_, instead)) = ELSEWHERE.iter().find(|(known, _)| *known == name) {
        return error(format!("`{name}` cannot be given to a jail"), *instead);
    }
    let help = if name.starts_with("--") {
        "docs/host-hooks.md lists the options that can be given".to_string()
    } else {
        "options begin with `--`; the program and its arguments do not belong here".to_string()
    };
    error(format!("`{name}` is not an option that a jail can be given"), help)
}

#[cfg(test)]
mod tests;
