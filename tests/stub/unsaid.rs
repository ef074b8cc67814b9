//! What a launcher that is killed has not said of the jail's copies: the ledger keeps
//! it, until it is approved.

use std::process::Command;

use jail_plan::git::COPIES;
use jail_plan::handoff::{FOLDER, LEDGER};
use jail_plan::{Git, GitChanges, InsideOp};

use crate::jail::{Caller, Jail, Ran, callers, literal};
use crate::private::{apart, becomes, begun_with};
use crate::programs::host;

/// `jailgen handoff`, in the project.
fn ledger(jail: &Jail, mode: &str) -> Ran {
    let mut command: Command = jail.command(host());
    command.args([LEDGER, mode]).arg(jail.folder.path().join("state/jailgen").join(FOLDER));
    Ran::of(command.arg(jail.project()))
}

fn jail(caller: Caller) -> Jail {
    let git = Git { to: literal(COPIES), changes: GitChanges::Reported };
    let jail = apart(caller);
    assert_eq!(jail.outside_sh("git init -q .").code, Some(0));
    jail.change(|plan| {
        let at = plan.inside.len() - 1;
        plan.inside.insert(at, crate::jail::step(InsideOp::Git(git)));
    })
}

#[test]
fn what_a_killed_launcher_has_not_said_is_said_by_the_ledger() {
    for caller in callers() {
        let jail = jail(caller);
        let none = ledger(&jail, "show");
        assert!(none.stderr.contains("no session that was examined ran here"), "{none:?}");
        let inside = "echo '{\"hooks\": 1}' >~/.agent/settings.json; git config core.fsmonitor evil; \
            echo x >\"$HOME/.agent/hooks/$(printf 'a\\033[2Jb')\"";
        let mut session = begun_with(&jail, inside);
        session.kill().expect("SIGKILL");
        session.wait().expect("its end");
        let said = || ledger(&jail, "show").stdout;
        becomes("it is said", || said().contains("core.fsmonitor"));
        let said = said();
        assert!(said.contains("launcher was killed; `jailgen handoff approve`"), "{said}");
        assert!(said.contains("`settings.json: line, other, hooks`"), "{said}");
        assert!(said.contains("hooks/a") && !said.contains('\u{1b}'), "{said}");
        let json = ledger(&jail, "json").stdout;
        assert!(json.contains("\"unsaid\": [") && json.contains("core.fsmonitor"), "{json}");
        assert_eq!(ledger(&jail, "approve").stdout, "0 approved\n");
        assert!(ledger(&jail, "show").stderr.contains("no session"));
        // What the launcher says itself is not kept, and where nothing was changed, nothing is.
        let ran = jail.sh(inside);
        assert!(ran.stderr.contains("core.fsmonitor"), "{ran:?}");
        let mut session = begun_with(&jail, "true");
        session.kill().expect("SIGKILL");
        session.wait().expect("its end");
        let placeholder = jail.home().join(".agent/absent.json");
        becomes("the helper has ended", || !placeholder.exists());
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert!(ledger(&jail, "show").stderr.contains("no session"));
        // No jail reaches it.
        jail.sh("ls ../state 2>/dev/null || echo none").prints("none");
    }
}
