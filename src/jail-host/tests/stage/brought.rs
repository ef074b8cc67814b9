//! Commits that bring what programs of the host execute, and leave none of it in the work tree.

use crate::git::{begin, inside, is_clean, outside};
use crate::world::worlds;

const COMMIT: &str = "mkdir .vscode; echo x >.envrc; echo '{}' >.vscode/tasks.json; echo plain >plain; ln -s /etc/passwd out; git add .; git commit -qm three; rm -r .envrc .vscode out";

#[test]
fn what_commits_bring_is_named_and_the_branch_that_is_checked_out_stays_without_a_word() {
    for world in worlds() {
        begin(&world);
        world.record();
        inside(&world, COMMIT);
        let before = outside(&world, "git rev-parse main");
        let shown = world.shown("summary");
        for name in [".envrc", ".vscode/tasks.json", "out"] {
            assert!(shown.contains(&format!("branch main brings {name}  ! ")), "{name}: {shown}");
        }
        assert!(!shown.contains("brings plain"), "{shown}");
        let said = world.apply("", &[]);
        assert!(said.contains("branch main: left in the stage: it brings what"), "{said}");
        assert_eq!(outside(&world, "git rev-parse main"), before, "{said}");
        let said = world.apply("+", &[]);
        assert_eq!(outside(&world, "git log -1 --format=%s main"), "three", "{said}");
        is_clean(&world);
    }
}

#[test]
fn other_branches_move_and_a_switch_to_one_that_brings_something_waits() {
    for world in worlds() {
        begin(&world);
        world.record();
        inside(&world, &format!("git switch -qc topic; {COMMIT}"));
        let shown = world.shown("summary");
        assert!(shown.contains("branch topic brings .envrc  ! "), "{shown}");
        assert!(shown.contains("HEAD brings .envrc  ! "), "{shown}");
        let said = world.apply("", &[]);
        assert!(said.contains("HEAD: left as it is: it brings what"), "{said}");
        assert_eq!(
            outside(&world, "git symbolic-ref HEAD; git log -1 --format=%s topic"),
            "refs/heads/main\nthree",
            "{said}"
        );
        let said = world.apply("+", &[]);
        assert_eq!(outside(&world, "git symbolic-ref HEAD"), "refs/heads/topic", "{said}");
        is_clean(&world);
    }
}
