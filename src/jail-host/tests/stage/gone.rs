//! Branches that a stage has deleted: none goes whose commits no other branch has afterwards.

use crate::git::{begin, inside, is_clean, outside};
use crate::world::{World, worlds};

fn branches_with(world: &World, subject: &str) -> String {
    let find = format!(
        "git branch --format='%(refname:short)' --contains $(git log --all --format=%H --grep='^{subject}$' | head -1)"
    );
    outside(world, &find)
}

#[test]
fn two_deleted_branches_do_not_justify_each_other() {
    for world in worlds() {
        begin(&world);
        outside(
            &world,
            "git switch -qc topic1; git commit -q --allow-empty -m t; git branch topic2; git switch -q main",
        );
        world.record();
        inside(&world, "git branch -qD topic1 topic2");
        let said = world.apply("", &[]);
        assert_eq!(branches_with(&world, "t"), "topic2", "{said}");
        assert!(said.contains("no other branch has its commits"), "{said}");
        is_clean(&world);
    }
}

#[test]
fn a_deleted_branch_is_not_merged_into_what_another_one_was() {
    for world in worlds() {
        begin(&world);
        outside(&world, "git branch topic1");
        world.record();
        inside(&world, "git reset -q --hard HEAD~1; git branch -qD topic1");
        let said = world.apply("", &[]);
        assert_eq!(outside(&world, "git log -1 --format=%s main"), "one", "{said}");
        assert_eq!(branches_with(&world, "two"), "topic1", "{said}");
        is_clean(&world);
    }
}

#[test]
fn a_deleted_branch_stays_where_the_move_fails_that_would_have_its_commits() {
    for (fail, why) in [
        ("git update-index --split-index", "split"),
        ("touch .git/index.lock", "another git holds its lock"),
        ("true", ""),
    ] {
        for world in worlds() {
            begin(&world);
            outside(
                &world,
                "git switch -qc topic; echo t >t; git add t; git commit -qm t; git switch -q main",
            );
            world.record();
            inside(&world, "git merge -q topic; git branch -qD topic");
            outside(&world, fail);
            let said = world.apply("", &[]);
            let has = if why.is_empty() { "main" } else { "topic" };
            assert_eq!(branches_with(&world, "t"), has, "{fail}: {said}");
            assert!(said.contains(why), "{fail}: {said}");
            outside(&world, "rm -f .git/index.lock");
            is_clean(&world);
        }
    }
}
