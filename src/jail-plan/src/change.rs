//! What the host's scripts add to a launch, taken into its plan. They have the user's rights and may grant what a spec may
//! grant; they cannot touch what no spec can, such as the filters of system calls.

use alloc::vec::Vec;

use crate::ops::{Change, EnvOp, InsideOp};
use crate::plan::{Ids, Namespace, Plan, ShownIds, StartIn};

impl Plan {
    /// Takes changes in: operations where the plan has a place for them, everything else over what there is.
    ///
    /// # Errors
    /// The plan has no place for further operations.
    pub fn change(&mut self, changes: Vec<Change>) -> Result<(), &'static str> {
        for change in changes {
            match change {
                Change::Inside(op) => {
                    let is_place = |op: &InsideOp| matches!(op, InsideOp::RuntimeArguments(_));
                    let place = self.inside.iter().position(is_place);
                    let place = place.ok_or("the plan has no place for further operations")?;
                    let rules = self.landlock.rules_of(&op, &self.closure.store);
                    self.landlock.rules.extend(rules);
                    self.inside.insert(place, op);
                }
                Change::Set(set) => {
                    self.env.retain(|other| other.name() != set.name);
                    self.env.push(EnvOp::Set(set));
                }
                Change::Unset(unset) => self.env.retain(|other| other.name() != unset.name),
                Change::Clear(_) => self.env.clear(),
                Change::Start(at) => self.start = StartIn::Path(at.to),
                Change::Hostname(name) => self.hostname = Some(name.name),
                Change::Share(shared) => self.share(shared.namespace),
                Change::Uid(number) => self.shown(&number.by)?.uid = Some(number.id),
                Change::Gid(number) => self.shown(&number.by)?.gid = Some(number.id),
                Change::Own(own) if self.namespaces.contains(&own.namespace) => {}
                Change::Own(own) => self.namespaces.push(own.namespace),
            }
        }
        Ok(())
    }

    /// The numbers of the caller's ids, which may still be the caller's.
    fn shown(&mut self, by: &str) -> Result<&mut ShownIds, &'static str> {
        if self.ids == Ids::Caller {
            self.ids = Ids::Shown(ShownIds { uid: None, gid: None, by: by.into() });
        }
        match &mut self.ids {
            Ids::Shown(ids) => Ok(ids),
            Ids::Caller | Ids::Dedicated(_) => {
                Err("a jail with a user of its own shows nobody's ids under another number")
            }
        }
    }

    fn share(&mut self, namespace: Namespace) {
        self.namespaces.retain(|own| *own != namespace);
        if namespace == Namespace::Net {
            // The host's loopback is not the jail's to bring up.
            self.inside.retain(|op| !matches!(op, InsideOp::Loopback(_)));
        }
    }
}
