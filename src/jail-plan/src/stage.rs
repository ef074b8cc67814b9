//! Stages: where jailgen's state keeps what a jail writes to its working folder, and how the
//! process that records the folder as it was is started. Only names; no I/O.
//!
//! `stages/JAIL/STAGE/` has three folders, each with one entry for each working folder: `upper`
//! (what the jail writes), `work` (the kernel's) and `base` (what the working folder was, in the
//! helper's own form).

use alloc::string::String;

use crate::ops::{Folder, InsideOp, Stage};
use crate::plan::Plan;

/// The folder in jailgen's state folder.
pub const FOLDER: &str = "stages";

/// The name of a stage that has none of its own.
pub const NAME: &str = "default";

/// What the jail writes.
pub const UPPER: &str = "upper";

/// Where the kernel works.
pub const WORK: &str = "work";

/// What the working folder was.
pub const BASE: &str = "base";

/// The word that makes the helper record the working folder of a jail that starts, next to it.
pub const RECORD: &str = "stage-record";

/// The word that makes the helper read or apply a stage, for the command line.
pub const STAGE: &str = "stage";

/// The attribute by which a launch finds out whether a file system keeps what the kernel writes to
/// files of a layer.
pub const MARK: &str = "user.jailgen.stage";

/// What stands between the jail and the item in the name of a plan that `jailgen run --each` has
/// derived. No name of a stage has it.
pub const ITEM: char = '@';

/// The longest name of a stage.
const NAME_MAX: usize = 40;

/// Whether a stage may be called so.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    name.len() <= NAME_MAX
        && name.bytes().all(is_plain)
        && name.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
}

/// The stage of a plan, if its working folder has one.
#[must_use]
pub fn staged(plan: &Plan) -> Option<&Stage> {
    folder(plan).and_then(|folder| folder.stage.as_ref())
}

/// The operation that puts the working folder in place.
#[must_use]
pub fn folder(plan: &Plan) -> Option<&Folder> {
    plan.inside.iter().find_map(|step| match &step.op {
        InsideOp::Folder(folder) => Some(folder),
        _ => None,
    })
}

/// The stage of an operation.
#[must_use]
pub fn of_operation(op: &InsideOp) -> Option<&Stage> {
    match op {
        InsideOp::Folder(folder) => folder.stage.as_ref(),
        _ => None,
    }
}

/// The folder of a part of a stage, in the expansion language; below it is one name for each
/// working folder.
#[must_use]
pub fn place(jail: &str, name: &str, part: &str) -> String {
    let mut path = String::from("${XDG_STATE_HOME:-~/.local/state}/jailgen/");
    path.push_str(FOLDER);
    path.push('/');
    // The expansion language takes the character behind a backslash as it is.
    for character in jail.chars() {
        if !character.is_alphanumeric() {
            path.push('\\');
        }
        path.push(character);
    }
    path.push('/');
    path.push_str(name);
    path.push('/');
    path.push_str(part);
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expand::Expansion;

    #[test]
    fn names_of_stages_are_plain_file_names() {
        for (name, expected) in [
            ("default", true),
            ("a.b-c_1", true),
            ("", false),
            (".", false),
            ("..", false),
            (".a", false),
            ("-a", false),
            ("a/b", false),
            ("a b", false),
        ] {
            assert_eq!(is_name(name), expected, "{name}");
        }
        assert!(!is_name(&"a".repeat(NAME_MAX + 1)));
    }

    #[test]
    fn a_place_is_one_of_the_expansion_language() {
        let place = place("jailed-$x\"", NAME, UPPER);
        assert!(place.ends_with("jailed\\-\\$x\\\"/default/upper"), "{place}");
        assert!(Expansion::parse(&place).is_ok(), "{place}");
    }
}
