//! The process that keeps git's settings apart (`git` in jail-host): it says which places of the host the jail may not change,
//! makes the jail's copies, and reports in the end what was changed in them. This file starts it and talks to it.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use jail_plan::git::{Answer, GIT, Guarded, Message, Outside, PACKET_MAX, PLACES_MAX};
use jail_plan::helper::HELPER;
use jail_plan::{Access, Git, Ids, InsideOp, Plan, Step};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, statat};

use super::companion::Companion;
use super::{Folder, HostPaths};
use crate::caller::Caller;
use crate::failure::{About, Failure, Problem};
use crate::steps::Steps;

/// What shows that there may be a repository here: the one of a worktree, and a bare one.
const SIGNS: [&str; 2] = [".git", "HEAD"];

/// The process of a launch in a repository.
pub(crate) struct GitGuard<'a> {
    step: &'a Step<InsideOp>,
    pub(crate) op: &'a Git,
    other_user: bool,
    process: Companion,
}

impl<'a> GitGuard<'a> {
    /// Starts it where the plan asks for it and the jail may write a repository.
    pub(crate) fn start(
        plan: &'a Plan,
        caller: &Caller<'_>,
        paths: &HostPaths<'_>,
        group: Option<BorrowedFd<'_>>,
    ) -> Result<Option<Self>, Failure> {
        let wanted = plan.inside.iter().enumerate().find_map(|(index, step)| match &step.op {
            InsideOp::Git(op) => Some((index, step, op)),
            _ => None,
        });
        let Some((index, step, op)) = wanted else { return Ok(None) };
        let folder = writable_folder(plan);
        let repository = paths.repository().map(|git| git.path.clone()).unwrap_or_default();
        if repository.is_empty() && !(folder && has_sign()) {
            return Ok(None);
        }
        let started = || {
            let host = plan.host.as_ref();
            let host = host.ok_or_else(|| Problem::new("", "the plan names no helper"))?;
            let process = Companion::start(host, GIT, group)?;
            let outside = Outside {
                changes: op.changes,
                home: caller
                    .home_folder()
                    .map_or_else(|_| Vec::new(), |home| home.as_str().as_bytes().to_vec()),
                folder: if folder { Folder::current()?.path } else { Vec::new() },
                repository,
            };
            process.send(&Message::Outside(outside).encode(), &[]).about(HELPER)?;
            let other_user = matches!(plan.ids, Ids::Dedicated(_));
            Ok(Self { step, op, other_user, process })
        };
        started().map(Some).map_err(|problem| Steps::from_plan(plan).inside(index, step, problem))
    }

    /// Who wanted it.
    pub(crate) fn by(&self) -> &'a str {
        &self.step.by
    }

    /// The places that the jail may not change. Called by init.
    pub(crate) fn places(&self) -> Result<Vec<Guarded>, Problem> {
        let mut found = Vec::new();
        let mut packet = vec![0; PACKET_MAX];
        loop {
            let answer = self.process.hear(&mut packet).and_then(Answer::decode);
            let Answer::Places { last, places } = answered(answer)? else { return Err(gone()) };
            found.extend(places);
            if found.len() > PLACES_MAX {
                return Err(gone());
            }
            if last {
                return Ok(found);
            }
        }
    }

    /// Has the copies made in `folder`, and waits until they are. Called by init.
    pub(crate) fn copy(&self, folder: impl AsFd) -> Result<(), Problem> {
        let inside = Message::Inside { other_user: self.other_user };
        self.process.send(&inside.encode(), &[folder.as_fd()]).map_err(|_| gone())?;
        let mut packet = vec![0; PACKET_MAX];
        match answered(self.process.hear(&mut packet).and_then(Answer::decode))? {
            Answer::Done => Ok(()),
            Answer::Places { .. } | Answer::Refused(_) | Answer::Lines(_) => Err(gone()),
        }
    }

    /// The jail has ended: what there is to report.
    pub(crate) fn finish(self, signals: &OwnedFd) -> Vec<String> {
        let mut packet = vec![0; PACKET_MAX];
        let last = self.process.finish(&Message::Ended.encode(), &mut packet, signals);
        match last.and_then(Answer::decode) {
            Some(Answer::Lines(lines)) => lines,
            Some(Answer::Done) => Vec::new(),
            Some(Answer::Places { .. } | Answer::Refused(_)) | None => Vec::from([String::from(
                "the process that keeps git's settings apart was ended: what the jail has changed in its copies is not known",
            )]),
        }
    }

    pub(crate) fn descriptors(&self) -> [BorrowedFd<'_>; 2] {
        self.process.descriptors()
    }
}

/// An answer that lets the launch go on.
fn answered(answer: Option<Answer>) -> Result<Answer, Problem> {
    match answer {
        Some(Answer::Refused([object, cause, help])) => {
            let problem = Problem::new(&object, cause);
            Err(if help.is_empty() { problem } else { problem.help(help) })
        }
        Some(answer) => Ok(answer),
        None => Err(gone()),
    }
}

fn gone() -> Problem {
    Problem::new("the process that keeps git's settings apart", "it ended before its work was done")
}

fn writable_folder(plan: &Plan) -> bool {
    plan.inside.iter().any(|step| match &step.op {
        InsideOp::Folder(folder) => folder.access != Access::ReadOnly,
        _ => false,
    })
}

fn has_sign() -> bool {
    SIGNS.iter().any(|name| statat(CWD, *name, AtFlags::SYMLINK_NOFOLLOW).is_ok())
}
