//! What is shared with the jail's user: the trees that the launch grants for writing. The helper
//! shares them, by access control lists (`account` in jail-host).

use alloc::rc::Rc;
use alloc::vec::Vec;

use jail_plan::errand::Account;
use jail_plan::{Access, Changes, HostText, HostUse, Plan};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

use crate::caller::Caller;
use crate::dedicated::Dedicated;
use crate::failure::{About, Problem};
use crate::host::{self, HostPaths, SharedGit};

type Tree = (Vec<u8>, Rc<OwnedFd>);

/// Shares the working folder and what is bound read-write.
pub(crate) fn share(
    user: &Dedicated<'_>,
    plan: &Plan,
    caller: &Caller<'_>,
    paths: &HostPaths<'_>,
) -> Result<(), Problem> {
    for (path, place) in trees(plan, caller, paths)? {
        user.errand.send(&Account::Tree { path }.encode(), Some(place.as_fd()))?;
    }
    user.errand.send(&Account::Share { user: user.uid }.encode(), None)?;
    user.errand.reply().map(drop)
}

fn trees(plan: &Plan, caller: &Caller<'_>, paths: &HostPaths<'_>) -> Result<Vec<Tree>, Problem> {
    let tree = |text: &HostText| -> Result<Tree, Problem> {
        let path = caller.path(text)?.as_str().as_bytes().to_vec();
        let place = paths.open(&path)?;
        Ok((path, place))
    };
    let mut trees = Vec::new();
    for step in &plan.inside {
        match step.op.host_use() {
            HostUse::Folder(folder) => match folder.access {
                Access::ReadWrite | Access::Device => {
                    let path = host::Folder::current()?.path;
                    let flags = OFlags::PATH | OFlags::CLOEXEC;
                    let place = openat(CWD, c".", flags, Mode::empty()).about(&path)?;
                    trees.push((path, Rc::new(place)));
                }
                Access::ReadOnly => {}
            },
            HostUse::Path(bind) => match bind.access {
                Access::ReadWrite => match tree(&bind.from) {
                    // What is missing is left out, or stops the launch if it is bound.
                    Err(problem) if problem.is(&[Errno::NOENT]) => {}
                    found => trees.push(found?),
                },
                // Devices do not belong to the caller, and their permissions are not changed.
                Access::ReadOnly | Access::Device => {}
            },
            HostUse::File(file) => trees.push(tree(&file.from)?),
            HostUse::Layers(layers) => match layers.changes {
                Changes::Kept(kept) => trees.push(tree(&kept.upper)?),
                Changes::Refused | Changes::Memory => {}
            },
            HostUse::Repository => {
                if let Some(SharedGit { path, place, .. }) = paths.repository() {
                    trees.push((path.clone(), place.clone()));
                }
            }
            // The spec names none of these places: files that the launcher's words happen
            // to name keep their lists.
            HostUse::Arguments(_) | HostUse::Variable(_) => {}
            // Sockets and devices of the session have their own owners.
            HostUse::Session(_) => {}
            HostUse::Tree(_)
            | HostUse::Copied(_)
            | HostUse::Identity
            | HostUse::Closure
            | HostUse::Nothing => {}
        }
    }
    Ok(trees)
}
