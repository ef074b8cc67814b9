//! A spec that is a symbolic link, as stow and home-manager make them: it is the
//! file that the link leads to.

use std::os::unix::fs::symlink;
use std::process::Command;

use crate::harness::Scratch;

const SPEC: &str = "jail \"jailed-x\" pkgs.hello (import ./common.nix)\n";

fn linked() -> Scratch {
    let scratch = Scratch::with(&[
        ("dotfiles/x.jail", SPEC),
        ("dotfiles/common.nix", "[ mount-cwd ]\n"),
        ("project/common.nix", "[ (readonly \"/srv\") ]\n"),
    ]);
    symlink("../dotfiles/x.jail", scratch.path("project/x.jail")).unwrap();
    scratch
}

#[test]
fn imports_are_found_beside_the_file_and_messages_name_it() {
    let scratch = linked();
    let explained = scratch.run(&["explain", "project/x.jail"]);
    explained.assert_status(0);
    assert!(explained.stdout.contains("the folder that it is started in"), "{}", explained.all());
    assert!(!explained.stdout.contains("/srv"), "{}", explained.all());
    scratch.write("dotfiles/common.nix", b"[ nosuch ]\n");
    let checked = scratch.run(&["check", "project/x.jail"]);
    checked.assert_status(1);
    let file = scratch.path("dotfiles/common.nix").canonicalize().unwrap();
    assert!(checked.stderr.contains(&format!("{}:1:3", file.display())), "{}", checked.all());
}

#[test]
fn the_same_is_emitted_by_the_link_and_by_the_file_and_through_links_to_links() {
    let scratch = linked();
    symlink(scratch.path("project/x.jail"), scratch.path("again.jail")).unwrap();
    let emitted = |spec: &str, to: &str| {
        scratch.run(&["emit", spec, "-o", to]).assert_status(0);
        scratch.read(&format!("{to}/jailed-x.nix"))
    };
    let by_file = emitted("dotfiles/x.jail", "a");
    assert_eq!(emitted("project/x.jail", "b"), by_file);
    assert_eq!(emitted("again.jail", "c"), by_file);
    scratch.write("dotfiles/number.nix", b"import ./one.nix");
    scratch.write("dotfiles/one.nix", b"1");
    symlink("../dotfiles/number.nix", scratch.path("project/number.nix")).unwrap();
    let evaluated = scratch.run(&["eval", "project/number.nix"]);
    assert_eq!(evaluated.stdout, "1\n", "{}", evaluated.all());
}

#[test]
fn what_a_spec_reads_is_still_no_link() {
    let scratch = linked();
    symlink("common.nix", scratch.path("dotfiles/linked.nix")).unwrap();
    scratch.write("dotfiles/x.jail", SPEC.replace("common", "linked").as_bytes());
    let checked = scratch.run(&["check", "project/x.jail"]);
    checked.assert_status(1);
    assert!(checked.stderr.contains("linked.nix` is a symbolic link"), "{}", checked.all());
}

#[test]
fn links_that_lead_to_no_spec_say_so() {
    let scratch = linked();
    let at = |name: &str| scratch.path(&format!("project/{name}"));
    symlink("nowhere", at("dangling.jail")).unwrap();
    symlink("loop.jail", at("loop.jail")).unwrap();
    symlink("/dev/null", at("device.jail")).unwrap();
    Command::new("mkfifo").arg(at("pipe")).status().unwrap();
    symlink("pipe", at("pipe.jail")).unwrap();
    for (name, says) in [
        ("dangling.jail", "is a link to a file that does not exist"),
        ("loop.jail", "cannot be read"),
        ("device.jail", "is a device, not a spec"),
        ("pipe.jail", "is a pipe, not a spec"),
    ] {
        let checked = scratch.run(&["check", &format!("project/{name}")]);
        assert_ne!(checked.status, 0, "{name}");
        assert!(checked.stderr.contains(says), "{name}: {}", checked.all());
    }
}
