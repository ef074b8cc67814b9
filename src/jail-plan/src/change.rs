//! What the host's scripts add to a launch, and how it is merged into the plan. They have the
//! user's rights and may grant what a spec may grant; they cannot change what no spec can, such as
//! the system call filters.

use alloc::string::String;
use alloc::vec::Vec;

use crate::expand::HostText;
use crate::ops::{EnvOp, InsideOp, Set, Step};
use crate::plan::{Ids, Namespace, Plan, ShownIds, StartIn};
use crate::record::choice;

choice! {
    /// What the host's scripts add to a launch.
    pub enum Change {
        /// One more operation inside, at [`InsideOp::RuntimeArguments`].
        "inside" Inside(InsideOp),
        /// One more variable, or another value of one.
        "set" Set(Set),
        /// A variable less.
        "unset" Unset(String),
        /// No variable at all, so far.
        "clear" Clear,
        /// Another folder to start in.
        "start" Start(HostText),
        /// Another host name.
        "hostname" Hostname(String),
        /// A namespace is shared with the host.
        "share" Share(Namespace),
        /// A namespace is the jail's own.
        "own" Own(Namespace),
        /// The number of the caller's user id inside.
        "uid" Uid(u32),
        /// The number of the caller's group id inside.
        "gid" Gid(u32),
    }
}

impl Plan {
    /// Merges the changes: operations at the plan's place for them, everything else over what is
    /// there.
    ///
    /// # Errors
    /// The plan has no place for further operations.
    pub fn change(&mut self, changes: Vec<Step<Change>>) -> Result<(), &'static str> {
        for Step { by, op } in changes {
            match op {
                Change::Inside(op) => {
                    let is_place =
                        |step: &Step<InsideOp>| matches!(step.op, InsideOp::RuntimeArguments);
                    let place = self.inside.iter().position(is_place);
                    let place =
                        place.ok_or("the plan has no step to which operations can be added")?;
                    let step = Step { by, op };
                    let rules = self.landlock.rules_of(&step, &self.closure.store);
                    self.landlock.rules.extend(rules);
                    self.inside.insert(place, step);
                }
                Change::Set(set) => {
                    self.env.retain(|other| other.op.name() != set.name);
                    self.env.push(Step { by, op: EnvOp::Set(set) });
                }
                Change::Unset(name) => self.env.retain(|other| other.op.name() != name),
                Change::Clear => self.env.clear(),
                Change::Start(to) => self.start = StartIn::Path(to),
                Change::Hostname(name) => self.hostname = Some(name),
                Change::Share(namespace) => self.share(namespace),
                Change::Uid(id) => self.shown(&by)?.uid = Some(id),
                Change::Gid(id) => self.shown(&by)?.gid = Some(id),
                Change::Own(namespace) if self.namespaces.contains(&namespace) => {}
                Change::Own(namespace) => self.namespaces.push(namespace),
            }
        }
        Ok(())
    }

    /// The numbers of the caller's ids may still be the caller's.
    fn shown(&mut self, by: &str) -> Result<&mut ShownIds, &'static str> {
        if self.ids == Ids::Caller {
            self.ids = Ids::Shown(ShownIds { uid: None, gid: None, by: by.into() });
        }
        match &mut self.ids {
            Ids::Shown(ids) => Ok(ids),
            Ids::Caller | Ids::Dedicated(_) => {
                Err("a jail with a user of its own cannot show ids under other numbers")
            }
        }
    }

    fn share(&mut self, namespace: Namespace) {
        self.namespaces.retain(|own| *own != namespace);
        if namespace == Namespace::Net {
            // The host's loopback is not the jail's to bring up.
            self.inside.retain(|step| !matches!(step.op, InsideOp::Loopback));
        }
    }
}
