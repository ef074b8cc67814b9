//! The working folder by the name that the launcher's shell shows, if that leads through a link.

use alloc::format;
use alloc::string::String;

use jail_plan::{LandlockRule, Plan, stage};
use rustix::fs::{CWD, OFlags};
use rustix::io::Errno;

use super::named::normal;
use super::walk::Identity;
use crate::caller::Caller;
use crate::failure;
use crate::host::Folder;
use crate::resolve::{self, Scope};

/// Prints the real working folder if `PWD` names it through a symbolic link: a jail that could
/// write the link may have chosen the folder.
pub(crate) fn report(plan: &Plan, caller: &Caller<'_>) {
    if !works_in_folder(plan) {
        return;
    }
    if let Some(words) = caller.value("PWD").and_then(words) {
        failure::say(&words, None);
    }
}

fn words(shown: &[u8]) -> Option<String> {
    let real = Folder::current().ok()?.path;
    let is_same = || Identity::at(shown).ok() == Identity::at(".").ok();
    if !shown.starts_with(b"/") || normal(shown) == real || !is_same() {
        return None;
    }
    let direct = resolve::open(CWD, shown, OFlags::PATH, Scope::Anywhere);
    matches!(direct, Err(Errno::LOOP)).then(|| {
        let [real, shown] = [&*real, shown].map(String::from_utf8_lossy);
        format!("the jail works in {real}, to which {shown} leads through a symbolic link")
    })
}

fn works_in_folder(plan: &Plan) -> bool {
    stage::folder(plan).is_some()
        || plan.landlock.rules.iter().any(|rule| matches!(rule, LandlockRule::Folder(_)))
}
