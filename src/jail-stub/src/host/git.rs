//! The process that keeps settings apart (`git` in jail-host): git's, and those of programs. It
//! determines which places of the host the jail may not change, makes the jail's copies, and in the
//! end reports the changes in them. This starts it and implements the stub's side of the protocol.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use jail_plan::git::{
    About, Answer, GIT, Guarded, Line, Message, Outside, PACKET_MAX, PLACES_MAX, Private, is_apart,
    writes_folder,
};
use jail_plan::handoff::FOLDER;
use jail_plan::helper::HELPER;
use jail_plan::{GitChanges, HostText, Ids, InsideOp, Plan, Step};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, statat};

use super::companion::Companion;
use super::{Folder, HostPaths};
use crate::caller::Caller;
use crate::ending::EndingNote;
use crate::failure::{self, About as _, Failure, Problem};
use crate::steps::Steps;

/// Files that show that there may be a repository here, of a worktree or a bare one.
const SIGNS: [&str; 2] = [".git", "HEAD"];

/// The process, for a launch in a repository or with private copies.
pub(crate) struct GitGuard<'a> {
    plan: &'a Plan,
    /// The folder of the copies inside.
    pub(crate) to: &'a HostText,
    other_user: bool,
    process: Companion,
}

impl<'a> GitGuard<'a> {
    /// Starts it if the plan asks for it and the jail may write a
    /// repository, or has private copies.
    pub(crate) fn start(
        plan: &'a Plan,
        caller: &Caller<'_>,
        paths: &HostPaths<'_>,
        group: Option<BorrowedFd<'_>>,
    ) -> Result<Option<Self>, Failure> {
        let mut outside = Outside {
            changes: GitChanges::Reported,
            home: caller.home_folder().map(|home| home.as_str().into()).unwrap_or_default(),
            state: caller.state_folder().map(|state| state.file(FOLDER)).unwrap_or_default(),
            folder: Vec::new(),
            repository: Vec::new(),
            private: Vec::new(),
            follow_links: plan.inside.iter().any(|step| matches!(step.op, InsideOp::FollowLinks)),
        };
        let mut place = None;
        for (index, step) in plan.inside.iter().enumerate() {
            let to = add(&mut outside, &step.op, plan, caller, paths)
                .map_err(|problem| Steps::from_plan(plan).inside(index, step, problem))?;
            place = place.or(to.map(|to| (index, step, to)));
        }
        let Some((index, step, to)) = place else { return Ok(None) };
        let started = || {
            let host = plan.host.as_ref();
            let host = host.ok_or_else(|| Problem::new("", "the plan names no helper"))?;
            let process = Companion::start(host, GIT, group)?;
            process.send(&Message::Outside(outside).encode(), &[]).about(HELPER)?;
            let other_user = matches!(plan.ids, Ids::Dedicated(_));
            Ok(Self { plan, to, other_user, process })
        };
        started().map(Some).map_err(|problem| Steps::from_plan(plan).inside(index, step, problem))
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

    /// Has the copies made in `folder`, except of what is masked, and waits
    /// for them. Called by init.
    pub(crate) fn copy(&self, folder: impl AsFd, masked: Vec<(u64, u64)>) -> Result<(), Problem> {
        let inside = Message::Inside { other_user: self.other_user, masked };
        self.process.send(&inside.encode(), &[folder.as_fd()]).map_err(|_| gone())?;
        let mut packet = vec![0; PACKET_MAX];
        match answered(self.process.hear(&mut packet).and_then(Answer::decode))? {
            Answer::Done => Ok(()),
            // What cannot be protected at its own place.
            Answer::Lines(lines) => {
                lines.iter().for_each(|line| failure::say(&line.words, None));
                Ok(())
            }
            Answer::Places { .. } | Answer::Refused(_) => Err(gone()),
        }
    }

    /// The jail has ended: returns the report.
    pub(crate) fn finish(self, signals: &OwnedFd) -> Vec<EndingNote> {
        let mut packet = vec![0; PACKET_MAX];
        let last = self.process.finish(&Message::Ended.encode(), &mut packet, signals);
        let lines = match last.and_then(Answer::decode) {
            Some(Answer::Lines(lines)) => lines,
            Some(Answer::Done) => Vec::new(),
            Some(Answer::Places { .. } | Answer::Refused(_)) | None => {
                let words = "the process that keeps settings apart was ended: what the jail has changed in its copies is not known";
                Vec::from([Line { about: About::Git, words: words.into() }])
            }
        };
        let by = |about| {
            let wanted = |step: &&Step<InsideOp>| match &step.op {
                InsideOp::Git(_) => about == About::Git,
                op => is_apart(op) && about == About::Private,
            };
            self.plan.inside.iter().find(wanted).map_or_else(String::new, |step| step.by.clone())
        };
        lines.into_iter().map(|line| EndingNote { words: line.words, by: by(line.about) }).collect()
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

/// Adds what an operation has kept apart, and the folder of the copies, if there are any.
fn add<'a>(
    outside: &mut Outside,
    op: &'a InsideOp,
    plan: &Plan,
    caller: &Caller<'_>,
    paths: &HostPaths<'_>,
) -> Result<Option<&'a HostText>, Problem> {
    match op {
        InsideOp::Git(op) => {
            let folder = writes_folder(plan);
            let repository = paths.repository().map(|git| git.path.clone()).unwrap_or_default();
            if repository.is_empty() && !(folder && has_sign()) {
                return Ok(None);
            }
            outside.changes = op.changes;
            outside.folder = if folder { Folder::current()?.path } else { Vec::new() };
            outside.repository = repository;
            Ok(Some(&op.to))
        }
        InsideOp::PrivateCopies(op) => {
            let folder = caller.path(&op.folder)?.as_str().as_bytes().to_vec();
            let names = op.names.iter().map(|name| name.as_bytes().to_vec()).collect();
            outside.private.push(Private { folder, names });
            Ok(Some(&op.to))
        }
        _ => Ok(None),
    }
}

fn has_sign() -> bool {
    SIGNS.iter().any(|name| statat(CWD, *name, AtFlags::SYMLINK_NOFOLLOW).is_ok())
}
