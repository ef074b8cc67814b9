//! The ids of the payload, inside and on the host.

use std::collections::BTreeSet;

use jail_plan::{DedicatedUser, Ids, Namespace, ShownIds};
use jail_policy::IdKind;

use super::super::SealError;

/// The ids that the spec asks for.
#[derive(Default)]
pub(super) struct Who {
    dedicated: Option<DedicatedUser>,
    shown: Option<ShownIds>,
}

impl Who {
    pub(super) fn dedicate(&mut self, name: &str, by: String) {
        self.dedicated = Some(DedicatedUser { name: name.into(), by });
    }

    pub(super) fn show(&mut self, kind: IdKind, id: u32, by: String) {
        let shown = self.shown.get_or_insert(ShownIds { uid: None, gid: None, by });
        match kind {
            IdKind::User => shown.uid = Some(id),
            IdKind::Group => shown.gid = Some(id),
        }
    }

    /// Other ids are possible only where the jail maps ids at all.
    pub(super) fn lower(self, namespaces: &BTreeSet<Namespace>) -> Result<Ids, SealError> {
        let (ids, what) = match (self.dedicated, self.shown) {
            (None, None) => return Ok(Ids::Caller),
            (Some(user), None) => {
                let what = format!("cannot run as `{}`", user.name);
                (Ids::Dedicated(user), what)
            }
            (None, Some(shown)) => (Ids::Shown(shown), "cannot have ids with other numbers".into()),
            (Some(user), Some(_)) => {
                let name = user.name;
                return Err(SealError::new(format!(
                    "a jail that runs as `{name}` cannot show ids under other numbers"
                ))
                .help("remove one of the two: `dedicated-user`, or `--uid` and `--gid`"));
            }
        };
        if namespaces.contains(&Namespace::User) {
            return Ok(ids);
        }
        Err(SealError::new(format!("a jail that shares the host's user namespace {what}"))
            .help("remove one of the two: the shared namespace, or the user or number of its own"))
    }
}
