//! What is told when the jail has ended, and what is taken over.

use jail_plan::GitChanges;

use super::{has_git, in_repository, settings_of};
use crate::jail::callers;

#[test]
fn nothing_that_was_changed_is_on_the_host_and_all_of_it_is_told() {
    if !has_git() {
        return;
    }
    for caller in callers() {
        let jail = in_repository(caller, GitChanges::Told);
        let git = jail.project().join(".git");
        let before = settings_of(&git);
        let ran = jail.sh("cat /proc/self/mountinfo | grep project; ls -la .git .git/; cat .git/config; git status; git config core.fsmonitor evil && git config branch.main.remote origin && git config --get core.fsmonitor");
        eprintln!("{} {}", ran.stdout, ran.stderr);
        assert_eq!(settings_of(&git), before);
        assert_eq!(ran.code, Some(0));
    }
}
