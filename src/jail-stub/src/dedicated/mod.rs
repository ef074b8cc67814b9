//! A user of the jail's own: the payload runs under a user id that is not the
//! caller's on the host either.
//!
//! The id is that of a system user, or a subordinate one (subuid(5)). In the jail both ids are
//! mapped to themselves: the init builds the jail as the caller, who may open what is granted, then
//! takes the other id for good. What is granted for writing is shared with it by access control
//! lists. A process of the helper's finds the ids, and sets the lists.

mod map;
mod share;

use jail_plan::errand::{ACCOUNT, Account};
use jail_plan::{DedicatedUser, Ids, Namespace, Plan};
use rustix::io::Errno;
use rustix::process::{Gid, Signal, Uid, set_parent_process_death_signal};
use rustix::thread::{
    CapabilitiesSecureBits, set_capabilities_secure_bits, set_thread_groups, set_thread_res_gid,
    set_thread_res_uid,
};

pub(crate) use map::map;
pub(crate) use share::share;

use crate::caller::Caller;
use crate::failure::{About, Problem};
use crate::host::{Errand, accounts, gone};
use crate::namespaces::has;

/// The user that the payload runs as.
pub(crate) struct Dedicated<'a> {
    /// Its name in the spec.
    pub(crate) name: &'a str,
    /// Who wanted it.
    pub(crate) by: &'a str,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// The process that sets the access control lists.
    errand: Errand,
}

impl<'a> Dedicated<'a> {
    /// The user of `plan`, if it has one of its own. A refusal names the entry of the plan.
    pub(crate) fn for_launch(
        plan: &'a Plan,
        caller: &Caller<'_>,
    ) -> Result<Option<Self>, (&'a str, Problem)> {
        match &plan.ids {
            Ids::Caller => Ok(None),
            Ids::Shown(_) if has(plan, Namespace::User) => Ok(None),
            Ids::Shown(shown) => {
                let cause =
                    "the plan shares the host's user namespace, where ids are what they are";
                Err((&shown.by, Problem::new("ids", cause)))
            }
            Ids::Dedicated(wanted) => {
                if !has(plan, Namespace::User) {
                    let cause =
                        "the plan shares the host's user namespace, where ids are what they are";
                    return Err((&wanted.by, Problem::new(&wanted.name, cause)));
                }
                Self::find(wanted, plan, caller)
                    .map(Some)
                    .map_err(|problem| (wanted.by.as_str(), problem))
            }
        }
    }

    fn find(wanted: &'a DedicatedUser, plan: &Plan, caller: &Caller<'_>) -> Result<Self, Problem> {
        let errand = Errand::start(plan.host.as_ref(), ACCOUNT)?;
        let (name, caller) = (wanted.name.clone(), accounts(caller).user);
        errand.send(&Account::Ids { name, caller }.encode(), None)?;
        let (uid, gid) = Account::ids(&errand.reply()?.0).ok_or_else(gone)?;
        Ok(Self { name: &wanted.name, by: &wanted.by, uid, gid, errand })
    }

    /// Takes the ids, and gives up the caller's groups. Capabilities stay until they
    /// are dropped as in any jail.
    pub(crate) fn take_ids(&self) -> Result<(), Problem> {
        let kept = CapabilitiesSecureBits::NO_SETUID_FIXUP;
        set_capabilities_secure_bits(kept).about("securebits")?;
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        set_thread_groups(&[]).about("the caller's groups")?;
        set_thread_res_gid(gid, gid, gid).about(self.name)?;
        set_thread_res_uid(uid, uid, uid).about(self.name)?;
        // The kernel forgot it when the id changed (prctl(2), PR_SET_PDEATHSIG).
        set_parent_process_death_signal(Some(Signal::KILL)).about("the parent's end")
    }

    /// Whether the payload may enter the folder that it starts in, without capabilities.
    pub(crate) fn check_start(&self) -> Result<(), Problem> {
        match rustix::process::chdir(c".") {
            Err(Errno::ACCESS) => Err(Problem::errno("the folder that it starts in", Errno::ACCESS)
                .help(alloc::format!("`{}` may not enter it; only what is granted read-write and belongs to you is shared", self.name))),
            other => other.about("the folder that it starts in"),
        }
    }
}
