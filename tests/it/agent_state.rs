//! Where an agent's file is that its sessions are to share: `build` offers to put it into the
//! folder that they have in common.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;

use crate::approval::answered;
use crate::harness::{Outcome, Scratch};
use crate::real_nix::{Setup, has_user_namespaces, setup};

const QUESTION: &str = "Each jail has a copy of that file";

struct Home {
    setup: Setup,
    scratch: Scratch,
}

impl Home {
    fn new() -> Option<Self> {
        let (setup, scratch) = (setup()?, Scratch::outside_of_tmp());
        scratch.write("specs/agent.jail", b"makeJailedClaudeCode { }");
        Some(Self { setup, scratch })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let command = self.scratch.jailgen(words);
        let mut plain = Command::new(command.get_program());
        plain.args(command.get_args()).env("HOME", self.scratch.path(""));
        plain.env("NIX_CONFIG", self.setup.config()).current_dir(self.scratch.path("specs"));
        plain
    }

    /// What `build` prints on a terminal on which this is typed.
    fn build(&self, answer: &str) -> String {
        let words = [&["build", "agent.jail"][..], &self.setup.overrides()].concat();
        let said = answered(self.command(&words), answer);
        assert!(said.contains("bin/jailed-claude-code"), "{said}");
        said
    }

    /// The same where no user can answer.
    fn build_unattended(&self) -> String {
        let words = [&["build", "agent.jail"][..], &self.setup.overrides()].concat();
        let mut command = assert_cmd::Command::from_std(self.command(&words));
        Outcome::of(&command.assert()).assert_status(0).all()
    }

    /// What the agent inside prints when it writes its state.
    fn state(&self) -> String {
        fs::create_dir_all(self.path("project")).unwrap();
        let mut command = self.command(&["run", "../specs/agent.jail", "--", "state"]);
        command.current_dir(self.path("project"));
        Outcome::of(&assert_cmd::Command::from_std(command).assert()).assert_status(0).all()
    }
}

#[test]
fn the_file_is_moved_into_the_folder_once_it_was_asked_about() {
    let Some(home) = Home::new() else { return };
    let (beside, inside) = (home.path(".claude.json"), home.path(".claude/.config.json"));
    home.scratch.write(".claude.json", b"{\"numStartups\":4}");
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o600)).unwrap();
    // No user to ask: it is reported, and left.
    let said = home.build_unattended();
    assert!(said.contains("mv ~/.claude.json ~/.claude/.config.json"), "{said}");
    assert!(beside.exists() && !inside.exists());
    let said = home.build("y\n");
    assert!(said.contains(QUESTION) && said.contains("Move it there now?"), "{said}");
    assert!(!beside.exists());
    assert_eq!(fs::read_to_string(&inside).unwrap(), "{\"numStartups\":4}");
    assert_eq!(fs::metadata(&inside).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!home.build("").contains(QUESTION), "there is nothing left to ask");
    if !has_user_namespaces() {
        return;
    }
    // The jail has the one that was moved, and makes no other.
    let said = home.state();
    assert!(said.contains(".claude/.config.json (renamed)"), "{said}");
    assert!(!beside.exists(), "a file that is not there is not made");
    assert!(fs::read_to_string(&inside).unwrap().contains("\"numStartups\":5"));
}

#[test]
fn whoever_declines_is_not_asked_again_and_has_a_copy_in_each_session() {
    let Some(home) = Home::new() else { return };
    home.scratch.write(".claude.json", b"{\"numStartups\":4}");
    assert!(home.build("n\n").contains(QUESTION));
    assert!(!home.build("").contains(QUESTION));
    assert!(home.path(".claude.json").exists() && !home.path(".claude/.config.json").exists());
    if has_user_namespaces() {
        assert!(home.state().contains(".claude.json (renamed)"));
    }
}

#[test]
fn a_first_file_is_made_in_the_folder() {
    let Some(home) = Home::new() else { return };
    let said = home.build("y\n");
    assert!(said.contains("Make it there now?"), "{said}");
    assert_eq!(fs::read_to_string(home.path(".claude/.config.json")).unwrap(), "{}\n");
    assert!(!home.path(".claude.json").exists());
}

#[test]
fn what_a_jail_or_the_user_has_put_there_is_left_as_it_is() {
    let Some(home) = Home::new() else { return };
    fs::create_dir(home.path(".claude")).unwrap();
    home.scratch.write("dotfiles/claude.json", b"{}");
    // Their own link, which leads to the one file that they keep.
    symlink("dotfiles/claude.json", home.path(".claude.json")).unwrap();
    assert!(!home.build("").contains(QUESTION));
    fs::remove_file(home.path(".claude.json")).unwrap();
    // A link in a folder that jails write.
    home.scratch.write(".claude.json", b"{}");
    symlink("../victim", home.path(".claude/.config.json")).unwrap();
    assert!(!home.build("").contains(QUESTION));
    assert!(home.path(".claude.json").exists() && !home.path("victim").exists());
}
