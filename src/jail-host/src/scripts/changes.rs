//! From `RUNTIME_ARGS` to what the stub adds to the plan: bubblewrap's
//! grammar, without further expansion.

use std::fs::File;
use std::io::Read;

use jail_plan::helper::{BODY_MAX, Refusal};
use jail_plan::raw::{self, Raw, Writes};
use jail_plan::{
    Bind, Change, Directory, File as FileOp, HostText, InsideOp, KeptOverlay, Overlay, Set, Step,
    Symlink, Tmpfs,
};

use crate::talk::refusal;

const OBJECT: &str = "RUNTIME_ARGS";

/// The changes that these arguments ask for. `shell` is the process whose descriptors
/// `--file` and its like name.
pub(super) fn changes(
    arguments: &[Vec<u8>],
    shell: u32,
    by: &str,
) -> Result<Vec<Step<Change>>, Refusal> {
    let words = arguments.iter().map(|argument| match std::str::from_utf8(argument) {
        Ok(text) => Ok(HostText::Literal(text.into())),
        Err(_) => Err(refusal(OBJECT, "an argument is not UTF-8")),
    });
    let words = words.collect::<Result<Vec<_>, _>>()?;
    let options = raw::parse(&words).map_err(|error| Refusal {
        object: OBJECT.into(),
        cause: error.message,
        error: 0,
        help: error.help,
    })?;
    let mut changes = Vec::new();
    for option in options {
        change(option, shell, &mut changes)?;
    }
    Ok(changes.into_iter().map(|change| Step::new(by, change)).collect())
}

fn change(option: Raw, shell: u32, changes: &mut Vec<Change>) -> Result<(), Refusal> {
    let inside = Change::Inside;
    changes.push(match option {
        Raw::Bind { from, to, access, missing } => {
            inside(InsideOp::Bind(Bind { from, to, access, missing }))
        }
        Raw::Tmpfs { to, mode, size } => inside(InsideOp::Tmpfs(Tmpfs { to, mode, size })),
        Raw::Directory { to, mode } => inside(InsideOp::Directory(Directory { to, mode })),
        Raw::Data { descriptor, to, mode } => {
            let content = data(shell, descriptor)?;
            inside(InsideOp::File(FileOp { to, content, mode }))
        }
        Raw::Symlink { target, to } => {
            let target = target.source().to_owned();
            inside(InsideOp::Symlink(Symlink { to, target }))
        }
        Raw::Proc { to } => inside(InsideOp::Proc(to)),
        Raw::Dev { to } => inside(InsideOp::Dev(to)),
        Raw::RemountReadOnly { to } => inside(InsideOp::RemountReadOnly(to)),
        Raw::Queues { to } => inside(InsideOp::Queues(to)),
        Raw::Overlay { lower, writes, to } => inside(overlay(lower, writes, to)),
        Raw::StartIn { to } => Change::Start(to),
        Raw::Set { name, value } => Change::Set(Set { name, value }),
        Raw::Unset { name } => Change::Unset(name),
        Raw::Clear => Change::Clear,
        Raw::Hostname { name } => Change::Hostname(name),
        Raw::Share { namespace } => Change::Share(namespace),
        Raw::Own { namespaces } => {
            changes.extend(namespaces.into_iter().map(Change::Own));
            return Ok(());
        }
        Raw::Uid { id } => Change::Uid(id),
        Raw::Gid { id } => Change::Gid(id),
        Raw::Given => return Ok(()),
    });
    Ok(())
}

fn overlay(lower: Vec<HostText>, writes: Writes, to: HostText) -> InsideOp {
    match writes {
        Writes::Refused => InsideOp::OverlayReadOnly(Overlay { lower, to }),
        Writes::Memory => InsideOp::OverlayInMemory(Overlay { lower, to }),
        Writes::Kept { upper, work } => {
            InsideOp::OverlayKept(KeptOverlay { lower, upper, work, to })
        }
    }
}

/// The content of a descriptor that a script has opened, as in `exec 11< <(…)`.
fn data(shell: u32, descriptor: u32) -> Result<String, Refusal> {
    let object = format!("descriptor {descriptor}");
    let file = File::open(format!("/proc/{shell}/fd/{descriptor}"))
        .map_err(|error| refusal(&object, &error.to_string()))?;
    let mut content = Vec::new();
    let bound = u64::try_from(BODY_MAX / 4).unwrap_or(u64::MAX);
    file.take(bound + 1)
        .read_to_end(&mut content)
        .map_err(|error| refusal(&object, &error.to_string()))?;
    if u64::try_from(content.len()).is_ok_and(|length| length > bound) {
        return Err(refusal(&object, "its content is too large for a launch"));
    }
    String::from_utf8(content).map_err(|_| refusal(&object, "its content is not UTF-8"))
}
