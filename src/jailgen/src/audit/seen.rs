//! What was seen inside, and the combinators that may explain it.

use std::collections::BTreeMap;

use jail_plan::{HostText, InsideOp, Places, Plan, Step};
use jail_probe::Answer;

use super::Granted;
use super::attempts::attempts;
use super::host::Host;

/// What was seen.
pub(super) struct Seen<'a> {
    pub(super) plan: &'a Plan,
    pub(super) host: &'a Host,
    places: &'a Places,
    answers: BTreeMap<String, &'a Answer>,
}

/// A mount inside (proc_pid_mountinfo(5)).
pub(super) struct Mount {
    id: String,
    parent: String,
    /// The number of its file system.
    pub(super) device: String,
    /// What of its file system is mounted.
    pub(super) root: String,
    pub(super) place: String,
    pub(super) options: Vec<String>,
    /// The field that says with which mounts it is shared.
    pub(super) propagation: Vec<String>,
    pub(super) kind: String,
}

impl Mount {
    /// Whether it is covered by this other one, at the same place. The kernel's
    /// list is in no such order.
    pub(super) fn is_under(&self, other: &Self) -> bool {
        other.parent == self.id && other.place == self.place
    }

    pub(super) fn has(&self, option: &str) -> bool {
        self.options.iter().any(|one| one == option)
    }
}

impl<'a> Seen<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        places: &'a Places,
        host: &'a Host,
        answers: &'a [Answer],
    ) -> Self {
        let words = attempts(plan, host).into_iter().map(|words| words.join(" "));
        Self { plan, host, places, answers: words.zip(answers).collect() }
    }

    /// How an attempt was answered; `None` if there was no answer.
    pub(super) fn answer(&self, words: &str) -> Option<&'a Answer> {
        self.answers.get(words).copied()
    }

    /// Whether an attempt was refused, as it must be. One without an answer was not.
    pub(super) fn is_refused(&self, words: &str) -> bool {
        matches!(self.answer(words), Some(Answer::Refused(_) | Answer::Killed(_)))
    }

    /// Whether an attempt was refused by exactly this.
    pub(super) fn is_refused_with(&self, words: &str, errnos: &[i32]) -> bool {
        match self.answer(words) {
            Some(Answer::Refused(errno)) => errnos.contains(errno),
            Some(Answer::Killed(_)) => true,
            _ => false,
        }
    }

    pub(super) fn went_well(&self, words: &str) -> bool {
        self.answer(words).is_some_and(Answer::went_well)
    }

    /// What was read, or nothing.
    pub(super) fn text(&self, words: &str) -> Option<&'a str> {
        match self.answer(words)? {
            Answer::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn list(&self, words: &str) -> Option<&'a [String]> {
        match self.answer(words)? {
            Answer::List(list) => Some(list),
            _ => None,
        }
    }

    /// An answer in words.
    pub(super) fn answer_in_words(&self, words: &str) -> String {
        self.answer(words).map_or_else(|| "no answer".into(), Answer::in_words)
    }

    pub(super) fn mounts(&self) -> Option<Vec<Mount>> {
        self.text("read /proc/self/mountinfo").map(|text| text.lines().filter_map(mount).collect())
    }

    /// The cage that this is, where it is one: then nothing is mounted, and Landlock is the wall.
    pub(super) fn cage(&self) -> Option<Granted> {
        super::is_cage(self.plan).then(|| self.origin(&self.plan.landlock.by))
    }

    /// The first of these combinators that the spec applies.
    pub(super) fn applied(&self, combinators: &[&str]) -> Option<Granted> {
        self.places.iter().find_map(|(origin, place)| {
            let name = origin.split('#').next().unwrap_or_default();
            let granted = || Granted { combinator: name.into(), place: Some(place.clone()) };
            combinators.contains(&name).then(granted)
        })
    }

    /// The combinator that binds exactly this place, if there is one. What belongs to a
    /// session is a mount of its own.
    pub(super) fn bound_by_name(&self, place: &str) -> Option<Granted> {
        let is_mount = self.mounts()?.iter().any(|mount| mount.place == place);
        let binds = |step: &&Step<InsideOp>| match &step.op {
            InsideOp::Bind(bind) => written(&bind.to, &self.host.home) == place,
            _ => false,
        };
        let is_session = |step: &&Step<InsideOp>| matches!(step.op, InsideOp::Session(_));
        let mut steps = self.plan.inside.iter().filter(|_| is_mount);
        let bound = steps.clone().find(binds).or_else(|| steps.find(is_session));
        bound.map(|step| self.origin(&step.by))
    }

    /// The combinator that has the broker answer at this socket, where there is one.
    pub(super) fn served(&self, place: &str) -> Option<Granted> {
        let mut sockets = self.plan.network.iter().flat_map(|network| &network.egress.sockets);
        sockets.find(|socket| socket.socket == place).map(|socket| self.origin(&socket.by))
    }

    /// An applied combinator by its origin in the plan.
    pub(super) fn origin(&self, by: &str) -> Granted {
        Granted {
            combinator: by.split('#').next().unwrap_or_default().into(),
            place: self.places.get(by).cloned(),
        }
    }
}

/// A place as far as it is known before the launch.
pub(super) fn written(text: &HostText, home: &str) -> String {
    match text {
        HostText::Literal(text) => text.clone(),
        other => other.source().replacen('~', home, 1),
    }
}

fn mount(line: &str) -> Option<Mount> {
    let (before, after) = line.split_once(" - ")?;
    let mut fields = before.split(' ');
    let words = |text: &str| text.split(',').map(str::to_owned).collect();
    let (id, parent) = (fields.next()?.to_owned(), fields.next()?.to_owned());
    let device = fields.next()?.to_owned();
    let path = |field: &str| field.replace("\\040", " ");
    Some(Mount {
        id,
        parent,
        device,
        root: path(fields.next()?),
        place: path(fields.next()?),
        options: words(fields.next()?),
        propagation: fields.map(str::to_owned).collect(),
        kind: after.split(' ').next()?.to_owned(),
    })
}
