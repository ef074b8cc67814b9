//! What comes from the host: opened there, cloned, confined, and later attached inside.

use alloc::vec;
use alloc::vec::Vec;

use jail_plan::{Access, Bind, BindArguments, BindVariable, Folder, InsideOp, Missing};
use rustix::fd::OwnedFd;
use rustix::fs::CWD;
use rustix::io::Errno;

use crate::failure::{About, Problem};
use crate::host;
use crate::inside::tree::{self, Depth, Kind};
use crate::inside::{Launch, Root};
use crate::sys::{self, Attributes};

/// A detached clone of something of the host, and where it belongs.
pub(crate) struct Source {
    tree: OwnedFd,
    kind: Kind,
    /// The place inside.
    pub(crate) to: Vec<u8>,
}

impl Source {
    pub(crate) fn attach(self, root: &mut Root) -> Result<(), Problem> {
        root.attach_at(self.tree, &self.to, self.kind)
    }
}

/// Clones what the operation binds from the host; nothing for the operations that bind nothing by name.
pub(crate) fn sources(op: &InsideOp, launch: &Launch<'_>) -> Result<Vec<Source>, Problem> {
    match op {
        InsideOp::Bind(op) => bind(op, launch),
        InsideOp::Folder(op) => Ok(vec![folder(op, launch)?]),
        InsideOp::BindArguments(op) => arguments(op, launch),
        InsideOp::BindVariable(op) => variable(op, launch),
        InsideOp::StoreClosure(_)
        | InsideOp::Tmpfs(_)
        | InsideOp::Proc(_)
        | InsideOp::Dev(_)
        | InsideOp::Directory(_)
        | InsideOp::File(_)
        | InsideOp::Copy(_)
        | InsideOp::Symlink(_)
        | InsideOp::Accounts(_)
        | InsideOp::RemountReadOnly(_)
        | InsideOp::Loopback(_)
        | InsideOp::HostSocket(_)
        | InsideOp::RuntimeArguments(_) => Ok(Vec::new()),
    }
}

fn bind(op: &Bind, launch: &Launch<'_>) -> Result<Vec<Source>, Problem> {
    let from = launch.caller.path(&op.from)?;
    let to = launch.caller.path(&op.to)?;
    match source(from.as_str().as_bytes(), to.as_str().as_bytes(), op.access, launch) {
        Ok(source) => Ok(vec![source]),
        Err(problem) if problem.cause != "ENOENT" => Err(problem),
        Err(problem) => match op.missing {
            Missing::Skip => Ok(Vec::new()),
            Missing::Fail => Err(problem.help(
                "it does not exist; a `try-…` grant is left out when its source is missing, and `state-dir` makes it",
            )),
        },
    }
}

/// The folder that the process was started in. It is taken as the process's own working folder, which the kernel kept
/// through the clone, and not opened by name again.
fn folder(op: &Folder, launch: &Launch<'_>) -> Result<Source, Problem> {
    let path = host::Folder::current()?.path;
    let to = match &op.to {
        Some(to) => launch.caller.path(to)?.as_str().into(),
        None => path.clone(),
    };
    let tree = tree::clone_at_folder(CWD).about(&path)?;
    confine(&tree, op.access).about(&path)?;
    Ok(Source { tree, kind: Kind::Folder, to })
}

fn arguments(op: &BindArguments, launch: &Launch<'_>) -> Result<Vec<Source>, Problem> {
    let mut found = Vec::new();
    for argument in launch.caller.arguments {
        let argument = argument.to_bytes();
        if argument.is_empty() {
            continue;
        }
        let path = if argument.starts_with(b"/") {
            normal(argument)
        } else {
            normal(&[&host::Folder::current()?.path, b"/".as_slice(), argument].concat())
        };
        found.extend(if_there(&path, op.access, launch)?);
    }
    Ok(found)
}

fn variable(op: &BindVariable, launch: &Launch<'_>) -> Result<Vec<Source>, Problem> {
    let mut found = Vec::new();
    let Some(value) = launch.caller.value(&op.variable) else { return Ok(found) };
    let value = core::str::from_utf8(value)
        .map_err(|_| Problem::new(&op.variable, "the variable is not UTF-8"))?;
    if op.separator.is_empty() {
        return Err(Problem::new(&op.variable, "the plan gives an empty separator"));
    }
    for path in split(value, &op.separator).into_iter().filter(|path| !path.is_empty()) {
        if !path.starts_with('/') {
            return Err(Problem::new(
                path,
                alloc::format!("this path of `{}` is not absolute", op.variable),
            ));
        }
        found.extend(if_there(&normal(path.as_bytes()), op.access, launch)?);
    }
    Ok(found)
}

/// As `str::split`, whose searcher for long patterns would be a good part of the stub.
fn split<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    while let Some(rest) = text.as_bytes().get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(separator.as_bytes()) {
            parts.extend(text.get(start..at));
            at += separator.len();
            start = at;
        } else {
            at += 1;
        }
    }
    parts.extend(text.get(start..));
    parts
}

fn if_there(path: &[u8], access: Access, launch: &Launch<'_>) -> Result<Option<Source>, Problem> {
    match source(path, path, access, launch) {
        Ok(source) => Ok(Some(source)),
        Err(problem) if matches!(problem.cause.as_str(), "ENOENT" | "ENOTDIR" | "ENAMETOOLONG") => {
            Ok(None)
        }
        Err(problem) => Err(problem),
    }
}

fn source(from: &[u8], to: &[u8], access: Access, launch: &Launch<'_>) -> Result<Source, Problem> {
    let place = host::open(from, launch.trees)?;
    let kind = Kind::of(&place).about(from)?;
    let tree = tree::clone_tree(&place, Depth::All).about(from)?;
    confine(&tree, access).about(from)?;
    Ok(Source { tree, kind, to: to.into() })
}

fn confine(tree: &OwnedFd, access: Access) -> Result<(), Errno> {
    match access {
        Access::ReadOnly => tree::confine(tree, Attributes::READ_ONLY),
        Access::ReadWrite => tree::confine(tree, 0),
        Access::Device => {
            let set = Attributes::NO_SUID;
            sys::set_attributes(tree, Attributes { set, clear: 0, recursive: true })
        }
    }
}

/// Without empty names and `.`, and with `..` taken back by name: that is where the payload will look for it.
fn normal(path: &[u8]) -> Vec<u8> {
    let mut names: Vec<&[u8]> = Vec::new();
    for name in path.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    let mut normal = Vec::with_capacity(path.len());
    for name in names {
        normal.push(b'/');
        normal.extend_from_slice(name);
    }
    if normal.is_empty() {
        normal.push(b'/');
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::{normal, split};

    #[test]
    fn a_variable_is_split_at_its_separator() {
        for (text, separator) in
            [("/a:/b", ":"), ("::/a:", ":"), ("/a, /b,/c", ", "), ("", ":"), ("/ü:/ß", ":")]
        {
            let expected: alloc::vec::Vec<&str> = text.split(separator).collect();
            assert_eq!(split(text, separator), expected, "{text}");
        }
    }

    #[test]
    fn arguments_are_bound_where_the_payload_looks_for_them() {
        for (path, expected) in
            [("/a/./b//c/", "/a/b/c"), ("/a/b/../c", "/a/c"), ("/../..", "/"), ("/", "/")]
        {
            assert_eq!(normal(path.as_bytes()), expected.as_bytes(), "{path}");
        }
    }
}
