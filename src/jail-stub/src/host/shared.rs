//! Files of the host that programs in the jail replace: the jail has a file of its own, and
//! whenever one of the two changes the other one follows.
//!
//! The process that carries changes over reads what the jail has written, so it is neither
//! this process nor one with its rights: it is the helper, started once for each file,
//! which confines itself (`follow` in jail-host). This finds the files, and passes the two
//! folders on as descriptors.

use alloc::ffi::CString;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use jail_plan::follow::{Answer, FILE_MAX, FOLLOW, Message, Outside};
use jail_plan::helper::HELPER;
use jail_plan::{Host, Ids, InsideOp, Plan, SharedFile, Step};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{Access, AtFlags, FileType, OFlags, accessat, fstat};
use rustix::io::Errno;

use super::HostPaths;
use super::companion::Companion;
use crate::caller::Caller;
use crate::failure::{About, Failure, Problem};
use crate::resolve::{self, Scope};
use crate::steps::Steps;

/// For the user alone, as when the program itself makes its state file.
const NEW: u32 = 0o600;

/// All files of a launch that are shared by copies.
pub(crate) struct SharedFiles<'a> {
    files: Vec<Pair<'a>>,
}

/// A file of the host and the one inside.
pub(crate) struct Pair<'a> {
    op: &'a SharedFile,
    /// Which operation of the plan that is.
    index: usize,
    step: &'a Step<InsideOp>,
    /// The host's, for messages.
    path: String,
    /// Where its folder is, without links.
    pub(crate) folder_path: Vec<u8>,
    pub(crate) folder: OwnedFd,
    pub(crate) name: CString,
    /// What the process that carries it over learns of it.
    outside: Outside,
    follower: Option<Companion>,
}

/// Why changes of the jail's did not arrive on the host.
pub(crate) struct Lost<'a> {
    pub(crate) by: &'a str,
    pub(crate) path: String,
    pub(crate) fault: Fault,
}

/// Why it did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// There is something that is not a regular file of the caller's.
    Strange,
    /// It is too large.
    Large,
    /// A call failed.
    Failed(Errno),
    /// The process that carries it over has ended before.
    Gone,
}

impl<'a> SharedFiles<'a> {
    /// Finds the files of the host. One that cannot be replaced there is
    /// left out, and bound instead.
    pub(crate) fn find(
        plan: &'a Plan,
        caller: &Caller<'_>,
        paths: &HostPaths<'_>,
    ) -> Result<Self, Failure> {
        let mut files = Vec::new();
        for (index, step) in plan.inside.iter().enumerate() {
            let InsideOp::SharedFile(op) = &step.op else { continue };
            // Both files belong to the caller, which would not stay so with another user's payload.
            if matches!(plan.ids, Ids::Dedicated(_)) {
                continue;
            }
            let found = Pair::find(op, (index, step), caller, paths)
                .map_err(|problem| Steps::from_plan(plan).inside(index, step, problem))?;
            files.extend(found);
        }
        Ok(Self { files })
    }

    /// How many processes carry them over.
    pub(crate) fn count(&self) -> usize {
        self.files.len()
    }

    /// Starts these processes, in the jail's control group if it has one.
    pub(crate) fn start(
        &mut self,
        plan: &Plan,
        group: Option<BorrowedFd<'_>>,
    ) -> Result<(), Failure> {
        for pair in &mut self.files {
            let started = match &plan.host {
                Some(host) => start(host, pair, group),
                None => Err(Problem::new("", "the plan names no helper")),
            };
            let failed = |problem| Steps::from_plan(plan).inside(pair.index, pair.step, problem);
            pair.follower = Some(started.map_err(failed)?);
        }
        Ok(())
    }

    /// The file of this operation, if it is shared by a copy.
    pub(crate) fn pair_for(&self, op: &SharedFile) -> Option<&Pair<'a>> {
        self.files.iter().find(|pair| core::ptr::eq(pair.op, op))
    }

    /// Init has been made: from here on, the folders belong to it and to the followers.
    pub(crate) fn followed(self) -> Followed<'a> {
        let all = self.files.into_iter();
        Followed(all.filter_map(|pair| Some((&*pair.step.by, pair.path, pair.follower?))).collect())
    }
}

/// What the supervisor has of the files: the processes that carry them over, and their names.
pub(crate) struct Followed<'a>(Vec<(&'a str, String, Companion)>);

impl<'a> Followed<'a> {
    /// The payload has ended: remaining changes are carried over, unless a signal in
    /// `signals` ends the wait.
    pub(crate) fn finish(self, signals: &OwnedFd) -> Vec<Lost<'a>> {
        let mut lost = Vec::new();
        for (by, path, follower) in self.0 {
            if let Err(fault) = finish(follower, signals) {
                lost.push(Lost { by, path, fault });
            }
        }
        lost
    }

    pub(crate) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.0.iter().flat_map(|(_, _, follower)| follower.descriptors())
    }
}

impl<'a> Pair<'a> {
    /// The file of the host. `None` if it cannot be replaced by another one of the same owner.
    fn find(
        op: &'a SharedFile,
        (index, step): (usize, &'a Step<InsideOp>),
        caller: &Caller<'_>,
        paths: &HostPaths<'_>,
    ) -> Result<Option<Self>, Problem> {
        let (from, to) = (caller.path(&op.from)?, caller.path(&op.to)?);
        // The user's own links are followed, and their target is replaced rather than the links. It
        // is known by its folder and its name, because another launch may replace it at any moment.
        let (folder_path, folder, name) = paths.entry(from.as_str().as_bytes())?;
        let Some(inside) = name_of(to.as_str()) else { return Ok(None) };
        let Some(mode) = mode(&folder, &name, caller.uid) else { return Ok(None) };
        let may_replace =
            accessat(&folder, c".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS);
        if may_replace.is_err() {
            return Ok(None);
        }
        let name_outside = name.as_bytes().to_vec();
        Ok(Some(Self {
            op,
            index,
            step,
            path: from.as_str().to_string(),
            folder_path,
            folder,
            name,
            outside: Outside { owner: caller.uid, mode, name: name_outside, inside },
            follower: None,
        }))
    }

    /// Sends the folder that the file inside belongs in, and waits until it
    /// is there. Called by init.
    pub(crate) fn place(&self, folder: impl AsFd, is_new: bool) -> Result<Answer, Problem> {
        let Some(follower) = &self.follower else { return Ok(Answer::Bound) };
        let inside = Message::Inside { is_new }.encode();
        follower.send(&inside, &[folder.as_fd()]).map_err(|_| gone())?;
        follower.hear(&mut [0; Answer::LENGTH]).and_then(Answer::decode).ok_or_else(gone)
    }
}

fn start(
    host: &Host,
    pair: &Pair<'_>,
    group: Option<BorrowedFd<'_>>,
) -> Result<Companion, Problem> {
    let follower = Companion::start(host, FOLLOW, group)?;
    let outside = Message::Outside(pair.outside.clone()).encode();
    follower.send(&outside, &[pair.folder.as_fd()]).about(HELPER)?;
    Ok(follower)
}

/// The last answer. The process is gone then.
fn finish(follower: Companion, signals: &OwnedFd) -> Result<(), Fault> {
    let mut packet = [0; Answer::LENGTH];
    match follower.finish(&Message::Ended.encode(), &mut packet, signals).and_then(Answer::decode) {
        Some(Answer::Done | Answer::Bound) => Ok(()),
        Some(Answer::Strange) => Err(Fault::Strange),
        Some(Answer::Large) => Err(Fault::Large),
        Some(Answer::Failed(error) | Answer::Unconfined(error)) => {
            Err(Fault::Failed(Errno::from_raw_os_error(error)))
        }
        None => Err(Fault::Gone),
    }
}

/// Why the process could not do its work.
pub(crate) fn unconfined(error: Errno) -> Problem {
    let problem = Problem::errno("the process that carries it over", error);
    problem.help("it needs Landlock (Linux 5.13 and newer, with `landlock` among `lsm=`); without it, grant the folder that the file is in (`state-dir`)")
}

fn gone() -> Problem {
    Problem::new("the process that carries it over", "it ended before its work was done")
}

/// The permission bits of the file, if it is one of the caller's that can be replaced,
/// or if there is none yet.
fn mode(folder: &OwnedFd, name: &CString, owner: u32) -> Option<u32> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = match resolve::open(folder, name.as_bytes(), flags, Scope::OnOneMount) {
        Err(Errno::NOENT) => return Some(NEW),
        other => other.ok()?,
    };
    let stat = fstat(&file).ok()?;
    // A second name of the file would keep the old content. The file has no name at all if another
    // launch has just replaced it.
    let is_taken = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
        && stat.st_uid == owner
        && stat.st_nlink <= 1
        && u64::try_from(stat.st_size).is_ok_and(|size| size <= FILE_MAX);
    is_taken.then_some(stat.st_mode & 0o777)
}

fn name_of(path: &str) -> Option<Vec<u8>> {
    path.rsplit('/').next().filter(|name| !name.is_empty()).map(|name| name.as_bytes().to_vec())
}
