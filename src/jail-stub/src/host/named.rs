//! The paths that the launcher names: in the arguments, and in a variable.

use alloc::format;
use alloc::vec::Vec;

use jail_plan::BindVariable;

use crate::caller::Caller;
use crate::failure::Problem;
use crate::host::Folder;

/// The paths that the arguments may mean, absolute. Every argument could be one.
pub(crate) fn arguments(caller: &Caller<'_>) -> Result<Vec<Vec<u8>>, Problem> {
    let mut paths = Vec::new();
    for argument in caller.arguments.iter().map(|argument| argument.to_bytes()) {
        match argument {
            [] => {}
            [b'/', ..] => paths.push(normal(argument)),
            _ => {
                let folder = Folder::current()?.path;
                paths.push(normal(&[&folder, caller.below(), b"/", argument].concat()));
            }
        }
    }
    Ok(paths)
}

/// The paths in the variable of `op`. None if the launcher lacks it.
pub(crate) fn variable(op: &BindVariable, caller: &Caller<'_>) -> Result<Vec<Vec<u8>>, Problem> {
    let Some(value) = caller.value(&op.variable) else { return Ok(Vec::new()) };
    let value = core::str::from_utf8(value)
        .map_err(|_| Problem::new(&op.variable, "the variable is not UTF-8"))?;
    if op.separator.is_empty() {
        return Err(Problem::new(&op.variable, "the plan gives an empty separator"));
    }
    let mut paths = Vec::new();
    for path in split(value, &op.separator).into_iter().filter(|path| !path.is_empty()) {
        if !path.starts_with('/') {
            let cause = format!("this path of `{}` is not absolute", op.variable);
            return Err(Problem::new(path, cause));
        }
        paths.push(normal(path.as_bytes()));
    }
    Ok(paths)
}

/// Like `str::split`, whose searcher for long patterns would be a large part of the stub.
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

/// Without empty names and `.`, and with `..` removed by name: the payload will
/// look for the path there.
pub(super) fn normal(path: &[u8]) -> Vec<u8> {
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
