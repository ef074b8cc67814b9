//! Finds the files of the working folder whose content a jail does not see: those that globs match
//! and git does not track ([`walk`]).
//!
//! It is a process of its own, before there is a jail, and confined ([`walls`]) before it reads
//! anything, because an earlier jail may have written what is there. Anything that it cannot read,
//! and a jail could, stops the launch.

mod reference;
mod report;
mod walls;

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use jail_plan::helper::Refusal;
use jail_plan::mask::{
    CREDENTIALS, How, MASKED_MAX, Message, Part, Place as Masked, bodies, credentials,
};
use rustix::fs::FileType;

use self::reference::is_reference;
use crate::errand::{Errand, failed};
use crate::handoff::place::Place;
use crate::walk::globs::Globs;
use crate::walk::tracked::{Standing, standings};
use crate::walk::{Limits, Match, Walked, Way, Why, walk};

/// Beyond this the launch stops: an earlier jail can make a project that takes hours.
pub(crate) const TIME_MAX: Duration = Duration::from_secs(60);

/// Until it has replied.
pub(crate) fn serve(errand: &Errand) -> io::Result<()> {
    let mut common = None;
    while let Some((packet, Some(folder))) = errand.hear()? {
        match Message::decode(&packet) {
            Some(Message::Repository(path)) => common = Some((folder, path)),
            Some(Message::Folder { path, other_user, globs }) => {
                return answer(errand, (folder, path), common, other_user, &globs);
            }
            None => break,
        }
    }
    Err(io::Error::other("the stub sent no packet"))
}

/// A folder, and its path.
type Held = (OwnedFd, Vec<u8>);

fn answer(
    errand: &Errand,
    folder: Held,
    common: Option<Held>,
    other_user: bool,
    globs: &[String],
) -> io::Result<()> {
    let folders: Vec<_> = [Some(&folder), common.as_ref()].into_iter().flatten().collect();
    if let Err(error) = walls::close(folders.iter().map(|(folder, _)| folder)) {
        return errand.reply(Err(failed("the process that masks files", error)));
    }
    let place = |(folder, path)| Place::new(folder, path);
    match parts(&place(folder), common.map(place).as_ref(), other_user, globs) {
        Ok(parts) => {
            bodies(&parts).into_iter().try_for_each(|body| errand.reply(Ok((body, Vec::new()))))
        }
        Err(refusal) => errand.reply(Err(refusal)),
    }
}

fn parts(
    place: &Place,
    common: Option<&Place>,
    other_user: bool,
    written: &[String],
) -> Result<Vec<Part>, Refusal> {
    let list = expanded(written);
    let globs = list.iter().map(|listed| &listed.glob);
    let globs = Globs::parse(globs).map_err(|number| no_glob(list.get(number)))?;
    let limits = Limits { matches: MASKED_MAX, until: Instant::now() + TIME_MAX };
    let walked = walk(place, &globs, limits);
    refuse(&walked, other_user)?;
    let standings = standings(place, common, &walked, limits.until);
    let hidden: BTreeMap<_, _> = walked
        .matches
        .iter()
        .filter(|(path, found)| {
            let is_known = || Instant::now() <= limits.until && is_reference(place, path);
            is_hidden(found, standings.get(*path).copied(), is_known)
        })
        .collect();
    let mut parts = report::lines(&walked, &standings, &hidden, &list);
    parts.extend(on_the_way(&walked, &hidden).map(|(path, identity)| {
        Part::Place(Masked { identity, how: How::Way, path: path.clone() })
    }));
    parts.extend(hidden.into_iter().map(|(path, found)| {
        let how = match found.way {
            // If its folder were renamed, it would not match at the next launch.
            Way::Folder | Way::Link => How::Pinned,
            Way::Itself | Way::Name if globs.depends_on_folders(found.glob) => How::Pinned,
            Way::Itself | Way::Name => How::Loose,
        };
        Part::Place(Masked { identity: found.identity, how, path: path.clone() })
    }));
    Ok(parts)
}

/// This includes the links that a masked file is reached through: without one of them, the file
/// would not match at the next launch.
fn on_the_way<'w>(
    walked: &'w Walked,
    hidden: &BTreeMap<&Vec<u8>, &Match>,
) -> impl Iterator<Item = (&'w Vec<u8>, (u64, u64))> {
    let leads_to_hidden = |end: &Vec<u8>| {
        let inside = [end.as_slice(), b"/"].concat();
        let next = hidden.range::<Vec<u8>, _>(&inside..).next();
        hidden.contains_key(end) || next.is_some_and(|(path, _)| path.starts_with(&inside))
    };
    let routes = walked.routes.iter().filter(|route| leads_to_hidden(&route.end));
    let held: BTreeMap<_, _> = routes.flat_map(|route| &route.held).collect();
    held.into_iter().map(|(path, identity)| (path, *identity))
}

/// Whether a match is masked. What git tracks is in the repository anyway, and
/// would be committed empty.
fn is_hidden(
    found: &Match,
    standing: Option<Standing>,
    is_reference: impl FnOnce() -> bool,
) -> bool {
    match found.kind {
        // What is in it matches by itself, as does the target of a link.
        FileType::Directory | FileType::Symlink => false,
        FileType::RegularFile
        | FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown => standing != Some(Standing::Tracked) && !is_reference(),
    }
}

/// What could not be read stops the launch, if a jail could have caused it.
fn refuse(walked: &Walked, other_user: bool) -> Result<(), Refusal> {
    let worst = walked.unseen.iter().find(|unseen| match unseen.why {
        Why::Closed { is_own } => is_own || other_user,
        // No jail can cause these.
        Why::Mount => false,
        Why::TooMany
        | Why::TooManyMatches
        | Why::TooLong
        | Why::TooDeep
        | Why::TooManyLinks
        | Why::Failed(_) => true,
    });
    worst.map_or(Ok(()), |unseen| Err(report::refusal(unseen)))
}

/// The globs as they are written. `None` if one is not a glob.
pub(crate) fn globs(written: &[String]) -> Option<Globs> {
    Globs::parse(expanded(written).iter().map(|listed| &listed.glob)).ok()
}

/// The globs, with those of the table in place of its name, each with the number of the
/// element that it comes from.
fn expanded(written: &[String]) -> List {
    let mut list = List::new();
    for (number, glob) in written.iter().enumerate() {
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        if glob == CREDENTIALS {
            let known = |glob: &str| Listed { said: number, glob: glob.into(), is_known: true };
            list.extend(credentials().map(|it| known(it.glob)));
        } else {
            list.push(Listed { said: number, glob: glob.clone(), is_known: false });
        }
    }
    list
}

/// A glob.
struct Listed {
    glob: String,
    /// The number of the element of the spec that it comes from.
    said: u16,
    /// Whether it is one of the table.
    is_known: bool,
}

type List = Vec<Listed>;

fn no_glob(listed: Option<&Listed>) -> Refusal {
    let object = listed.map(|listed| listed.glob.clone()).unwrap_or_default();
    let cause = "it is not a glob of gitignore(5)".into();
    Refusal { object, cause, error: 0, help: String::new() }
}
