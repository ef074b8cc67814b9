//! The caller's ids, under other numbers inside.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use jail_plan::{Access, Accounts, Ids, InsideOp, Namespace, ShownIds};

use crate::jail::{Caller, Jail, bind, by, callers};

fn shown(caller: Caller, uid: Option<u32>, gid: Option<u32>) -> Jail {
    let accounts = Accounts { shell: "/bin/sh".into() };
    Jail::new(caller).op(InsideOp::Accounts(accounts)).change(|plan| {
        plan.ids = Ids::Shown(ShownIds { uid, gid, by: by() });
    })
}

#[test]
fn ids_are_shown_under_other_numbers_and_stay_the_callers_outside() {
    for caller in callers() {
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let (uid, gid) = (caller.uid.unwrap_or(uid), caller.uid.unwrap_or(gid));
        for (shown_uid, shown_gid) in [(Some(0), Some(0)), (Some(1234), None), (None, Some(77))] {
            let jail = shown(caller, shown_uid, shown_gid);
            let (inside_uid, inside_gid) = (shown_uid.unwrap_or(uid), shown_gid.unwrap_or(gid));
            jail.sh(
                "id -u; id -g; touch made; stat -c '%u %g' made; id -un >/dev/null && echo named",
            )
            .prints(&format!("{inside_uid}\n{inside_gid}\n{inside_uid} {inside_gid}\nnamed"));
            jail.outside_sh("stat -c '%u %g' made").prints(&format!("{uid} {gid}"));
        }
    }
}

#[test]
fn a_root_that_is_only_shown_can_do_nothing_more() {
    for caller in callers() {
        let jail = shown(caller, Some(0), Some(0));
        jail.sh("grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status | grep -vc 0000000000000000")
            .refused("0");
        for attempt in
            ["call sethostname s:x 1", "call mount s:none s:/tmp s:tmpfs 0 0", "call setuid 1"]
        {
            assert!(!jail.probe(attempt).starts_with("ok"), "{attempt}: {}", jail.probe(attempt));
        }
        let file = anothers(&jail);
        let jail = jail.op(bind(&file, Access::ReadWrite));
        assert_ne!(jail.sh(&format!("cat {}", file.display())).code, Some(0));
    }
}

/// A file that its owner alone may read, who is not the caller: only root can make one, and is the
/// other one itself otherwise.
fn anothers(jail: &Jail) -> PathBuf {
    if !rustix::process::geteuid().is_root() {
        return PathBuf::from("/etc/shadow");
    }
    let file = jail.file("anothers", "another's");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).expect("the mode");
    std::os::unix::fs::chown(&file, Some(4321), Some(4321)).expect("another owner");
    file
}

#[test]
fn ids_of_another_number_need_a_user_namespace() {
    for caller in callers().into_iter().filter(|caller| caller.is_root()) {
        let jail = shown(caller, Some(1), None).change(|plan| {
            plan.namespaces.retain(|namespace| *namespace != Namespace::User);
        });
        jail.sh("id -u").stopped(&["user namespace", "demo.jail:4:3"]);
    }
}
