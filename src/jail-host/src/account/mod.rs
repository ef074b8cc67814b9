//! A user of the jail's own: its ids, and what is shared with it.
//!
//! The ids are known before any tree is read. An earlier jail may have written what is in the
//! trees, so this process first gives up every right except to read them and to set their lists.

mod acl;
mod ids;
mod share;

use std::io;

use jail_plan::errand::Account;

use crate::errand::Errand;

/// Runs until the stub has closed its end.
pub(crate) fn serve(errand: &Errand) -> io::Result<()> {
    let mut trees = Vec::new();
    while let Some((packet, place)) = errand.hear()? {
        match (Account::decode(&packet), place) {
            (Some(Account::Ids { name, caller }), None) => {
                let found = ids::ids(&name, &caller);
                let body =
                    |(user, group): (u32, u32)| [user.to_le_bytes(), group.to_le_bytes()].concat();
                errand.reply(found.map(|ids| (body(ids), Vec::new())))?;
            }
            (Some(Account::Tree { path }), Some(place)) => trees.push((path, place)),
            (Some(Account::Share { user }), None) => {
                let shared = share::share(user, &trees);
                return errand.reply(shared.map(|()| (Vec::new(), Vec::new())));
            }
            (Some(_), _) | (None, _) => return Err(io::Error::other("the stub sent no packet")),
        }
    }
    Ok(())
}
