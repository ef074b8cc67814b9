//! Trees of a stage that say of an object what it is not, and settings of submodules that hide.

use crate::git::{begin, inside, is_clean, outside};
use crate::world::{World, worlds};

/// Puts a tree with these entries on a branch: `MODE NAME OBJECT`, of which the last is for a
/// shell.
fn plant(world: &World, branch: &str, before: &str, entries: &[(&str, &str, &str)]) {
    let entry = |(mode, name, object): &(&str, &str, &str)| {
        format!(
            "printf '{mode} {name}\\0' >>t; printf '%s' \"{object}\" | perl -pe '$_ = pack(\"H*\", $_)' >>t; "
        )
    };
    let entries: String = entries.iter().map(entry).collect();
    inside(
        world,
        &format!(
            "{before}; {entries} t=$(git hash-object -t tree -w --stdin --literally <t); rm t; \
             git update-ref refs/heads/{branch} $(git commit-tree -m {branch} -p main $t)"
        ),
    );
}

#[test]
fn a_tree_names_each_object_as_what_it_is() {
    let tree = "$(git rev-parse main:d)";
    let blob = "$(git rev-parse main:a)";
    let commit = "$(git rev-parse main~1)";
    for pack in ["true", "git gc -q --prune=now"] {
        for (name, entries) in [
            ("tree-as-file", vec![("100644", "x", tree)]),
            ("old-tree-as-file", vec![("100644", "x", "$(git rev-parse main~1:)")]),
            ("file-as-tree", vec![("100644", "a", blob), ("40000", "x", blob)]),
            ("commit-as-tree", vec![("40000", "x", commit)]),
            ("commit-as-file", vec![("120000", "x", "$(git rev-parse main)")]),
        ] {
            for world in worlds() {
                begin(&world);
                outside(&world, pack);
                world.record();
                plant(&world, "bad", "true", &entries);
                let said = world.apply("", &[]);
                let is_refused = said.contains("is not of the kind") || said.contains("is no tree");
                assert!(is_refused, "{name}: {said}");
                assert_eq!(outside(&world, "git branch --format='%(refname:short)'"), "main\nold");
                outside(&world, "git gc -q --prune=now");
                is_clean(&world);
            }
        }
    }
}

#[test]
fn settings_of_submodules_are_read_under_whichever_other_name_their_content_is_known() {
    let bad = "b=$(printf '[submodule \"a\"]\\npath = a\\nurl = --upload-pack=x\\n' | git hash-object -w --stdin)";
    for world in worlds() {
        begin(&world);
        world.record();
        plant(&world, "twice", bad, &[("100644", "!a", "$b"), ("100644", ".gitmodules", "$b")]);
        let said = world.apply("", &[]);
        assert!(said.contains("branch twice: left in the stage"), "{said}");
        is_clean(&world);
        assert!(world.helper("drop", "", &[]).status.success());
        // The first application brings the content, under another name.
        world.record();
        plant(&world, "first", bad, &[("100644", "a", "$b")]);
        let said = world.apply("", &[]);
        assert!(said.contains("branch first: new"), "{said}");
        world.record();
        plant(&world, "second", bad, &[("100644", ".gitmodules", "$b")]);
        let said = world.apply("", &[]);
        assert!(said.contains("branch second: left in the stage"), "{said}");
        is_clean(&world);
    }
}

#[test]
fn a_long_commit_stays_and_so_do_more_branches_than_are_moved_at_once() {
    for world in worlds() {
        begin(&world);
        world.record();
        inside(
            &world,
            "perl -e 'print \"x\" x 2000000' >m; git branch long $(git commit-tree -p main -F m main^{tree}); rm m; \
             seq 1 1100 | sed 's|.*|create refs/heads/n& main|; s| main| '$(git rev-parse main)'|' | git update-ref --stdin",
        );
        // Its first lines: the application names what was done before what was left.
        let shown = world.shown("summary");
        assert!(shown.contains("branch long: left in the stage: the object"), "{shown}");
        assert!(shown.contains("more than 1 MiB"), "{shown}");
        let said = world.apply("", &[]);
        let count = outside(&world, "git branch | wc -l");
        assert_eq!(count.trim(), "1001", "{said}");
        is_clean(&world);
    }
}
