//! The process that finds the files of the working folder to mask (`mask` in jail-host). It is
//! started as early as possible, and its answer is read when the jail's root is built.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::OnceCell;

use jail_plan::mask::{How, MASK, Message, Part, Place, parts};
use jail_plan::{Ids, InsideOp, Namespace, Plan, Step, WrapperText};
use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};

use super::errand::gone;
use super::{Errand, Folder, HostPaths};
use crate::failure::{self, About, Failure, Problem};
use crate::namespaces::has;
use crate::steps::Steps;

/// The process, and its origin.
pub(crate) struct Masks<'a> {
    index: usize,
    step: &'a Step<InsideOp>,
    /// Who wanted each glob.
    by: Vec<&'a str>,
    text: WrapperText<'a>,
    /// The working folder.
    pub(crate) folder: Vec<u8>,
    errand: Errand,
    /// What it has replied.
    places: OnceCell<Vec<Place>>,
}

impl<'a> Masks<'a> {
    /// Starts it if the plan has globs and a working folder.
    pub(crate) fn start(
        plan: &'a Plan,
        paths: &HostPaths<'_>,
        text: WrapperText<'a>,
    ) -> Result<Option<Self>, Failure> {
        let (mut globs, mut by, mut first) = (Vec::new(), Vec::new(), None);
        let mut has_folder = false;
        for (index, step) in plan.inside.iter().enumerate() {
            has_folder |= matches!(step.op, InsideOp::Folder(_));
            if let InsideOp::Mask(op) = &step.op {
                first.get_or_insert((index, step));
                by.extend(op.globs.iter().map(|_| step.by.as_str()));
                globs.extend_from_slice(&op.globs);
            }
        }
        let Some((index, step)) = first.filter(|_| has_folder) else { return Ok(None) };
        begin(plan, paths, globs)
            .map(|(folder, errand)| {
                Some(Self { index, step, by, text, folder, errand, places: OnceCell::new() })
            })
            .map_err(|problem| Steps::from_plan(plan).inside(index, step, problem))
    }

    /// The masked files. Called by init. The first call prints the report.
    pub(crate) fn places(&self, steps: Steps) -> Result<&[Place], Failure> {
        if let Some(places) = self.places.get() {
            return Ok(places);
        }
        let places = self.hear().map_err(|problem| self.failed(steps, problem))?;
        Ok(self.places.get_or_init(|| places))
    }

    /// The files, as far as they are known.
    pub(crate) fn files(&self) -> Vec<(u64, u64)> {
        let files = self.places.get().into_iter().flatten().filter(|it| it.how != How::Way);
        files.map(|place| place.identity).collect()
    }

    fn hear(&self) -> Result<Vec<Place>, Problem> {
        let mut places = Vec::new();
        loop {
            let (body, _) = self.errand.reply()?;
            let (found, is_last) = parts(&body).ok_or_else(gone)?;
            for part in found {
                match part {
                    Part::Line(glob, line) => self.say(glob, &line),
                    Part::Place(place) => places.push(place),
                }
            }
            if is_last {
                return Ok(places);
            }
        }
    }

    fn say(&self, glob: u16, line: &str) {
        let by = self.by.get(usize::from(glob)).copied().unwrap_or_default();
        let place: Option<String> = self.text.place(by);
        failure::say(line, place.as_deref().map(|place| (by, place)));
    }

    /// A problem of theirs.
    pub(crate) fn failed(&self, steps: Steps, problem: Problem) -> Failure {
        steps.inside(self.index, self.step, problem)
    }

    pub(crate) fn descriptors(&self) -> [BorrowedFd<'_>; 2] {
        self.errand.descriptors()
    }
}

fn begin(
    plan: &Plan,
    paths: &HostPaths<'_>,
    globs: Vec<String>,
) -> Result<(Vec<u8>, Errand), Problem> {
    if !has(plan, Namespace::Mount) {
        return Err(Problem::new("", "the plan has no mount namespace, so nothing can be masked"));
    }
    let path = Folder::current()?.path;
    let errand = Errand::start(plan.host.as_ref(), MASK)?;
    if let Some(git) = paths.repository() {
        errand.send(&Message::Repository(git.path.clone()).encode(), Some(git.place.as_fd()))?;
    }
    let folder = openat(CWD, c".", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).about(&path)?;
    let other_user = matches!(plan.ids, Ids::Dedicated(_));
    let request = Message::Folder { path: path.clone(), other_user, globs };
    errand.send(&request.encode(), Some(folder.as_fd()))?;
    Ok((path, errand))
}
