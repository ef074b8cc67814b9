//! The way back: from a plan to a policy that grants the same, to explain and audit wrappers. It
//! decides nothing, and nothing that it makes is sealed again.
//!
//! What a plan does not say is not made up: packages are store paths, and of a filter with rules of
//! the spec's own there is only that it has such. The matches are complete: a new operation does
//! not compile until it has answered.

mod cage;
mod calls;
mod foreign;
mod inside;
mod network;
mod requests;
mod settings;

pub use foreign::{foreign, foreign_programs};
use jail_plan::{AfterOp, HostOp, HostText, Places, Plan, Step, Wrapper, WrapperError};
use jail_policy::{BASE, Entry, Grant, Origin, Phase, Policy, Text, VERSION, normalise};
use jail_registry::names;

/// The policy of a wrapper.
///
/// # Errors
/// It is not a wrapper.
pub fn of_wrapper(bytes: &[u8]) -> Result<Policy, WrapperError> {
    let plan = Wrapper::parse(bytes)?.plan;
    Ok(unseal(&plan, &places(bytes)))
}

/// A wrapper's line of places, which is for messages only: without it they are shorter.
#[must_use]
pub fn places(wrapper: &[u8]) -> Places {
    let last = wrapper.rsplit(|byte| *byte == b'\n').find(|line| !line.is_empty());
    last.and_then(|line| serde_json::from_slice(line).ok()).unwrap_or_default()
}

/// The policy of a plan.
#[must_use]
pub fn unseal(plan: &Plan, places: &Places) -> Policy {
    let mut draft = Draft { plan, places, grants: Vec::new() };
    settings::program(&mut draft);
    if plan.namespaces.is_empty() {
        cage::add(&mut draft);
    } else {
        settings::of_a_jail(&mut draft);
        inside::add(&mut draft);
        network::add(&mut draft);
    }
    draft.on_the_host();
    settings::environment(&mut draft);
    let places = places.iter().map(|(by, place)| (origin(by), place.clone())).collect();
    let grants = normalise(draft.grants);
    Policy { version: VERSION, name: plan.name.clone(), grants, places }
}

struct Draft<'a> {
    plan: &'a Plan,
    places: &'a Places,
    grants: Vec<Entry>,
}

impl Draft<'_> {
    fn add(&mut self, by: &str, grant: Grant) {
        self.grants.push(Entry { by: origin(by), grant });
    }

    /// Adds a grant whose origin the plan does not contain: it is one of these
    /// combinators, most likely the first.
    fn add_of(&mut self, combinators: &[&str], grant: Grant) {
        let likely = combinators.first().copied().unwrap_or(BASE);
        let by = self.applied(combinators).unwrap_or_else(|| format!("{likely}#1"));
        self.add(&by, grant);
    }

    /// The first of these combinators that the spec applies.
    fn applied(&self, combinators: &[&str]) -> Option<String> {
        let of = |combinator: &&str| {
            let is = |by: &&String| by.split('#').next() == Some(*combinator);
            self.places.keys().find(is).cloned()
        };
        combinators.iter().find_map(of)
    }

    /// What runs outside.
    fn on_the_host(&mut self) {
        let shell = self.plan.host.as_ref().and_then(|host| host.shell.clone()).unwrap_or_default();
        let script = |phase, script: &str| Grant::HostScript {
            phase,
            script: Text::literal(script),
            shell: Text::literal(shell.clone()),
        };
        for Step { by, op } in &self.plan.before {
            match op {
                HostOp::RefuseFolder(op) if op.home_allowed => {
                    let applied = self.applied(&[names::ALLOW_HOME_CWD]);
                    self.add(applied.as_ref().unwrap_or(by), Grant::HomeAsFolder);
                }
                HostOp::Script(op) => self.add(by, script(Phase::Before, &op.script)),
                HostOp::Channel(op) => {
                    let (script, shell) = (Text::literal(op.script.clone()), Text::literal(shell.clone()));
                    self.add(by, Grant::Channel { name: op.name.clone(), script, shell });
                }
                HostOp::EnterProject => self.add(by, Grant::Project),
                HostOp::OpenUrls => self.add(by, Grant::OpenUrls),
                HostOp::FilterTerminal => self.add(by, Grant::TerminalFilter),
                HostOp::HandOff(op) if op.quarantine => {
                    let applied = self.applied(&[names::QUARANTINE]);
                    self.add(applied.as_ref().unwrap_or(by), Grant::Quarantine);
                }
                HostOp::StateLink(op) => {
                    let (path, to) = (text(&op.path), text(&op.to));
                    self.add(by, Grant::StateLink { path, to });
                }
                HostOp::RefuseFolder(_)
                // It comes with the working folder.
                | HostOp::HandOff(_)
                // Each is shown with what it is for.
                | HostOp::StateDirectory(_)
                | HostOp::StateFile(_)
                | HostOp::GitIdentity(_)
                | HostOp::LoginProfile(_)
                | HostOp::Bus(_) => {}
            }
        }
        for Step { by, op: AfterOp::Script(op) } in &self.plan.after {
            self.add(by, script(Phase::After, &op.script));
        }
    }
}

/// `mount-cwd#3` as an origin; any other text is a combinator without a number.
fn origin(by: &str) -> Origin {
    Origin::try_from(by.to_owned()).unwrap_or_else(|_| Origin { combinator: by.into(), index: 0 })
}

/// A text of a plan as one of a policy.
fn text(text: &HostText) -> Text {
    match text {
        HostText::Literal(text) => Text::literal(text.clone()),
        HostText::Expand(_) | HostText::PerFolder(_) => Text::expanded(text.source()),
    }
}
