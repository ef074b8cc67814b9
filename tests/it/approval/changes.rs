//! C29: a spec that was changed is not built unasked. Its jail may have changed it.

use std::fs;

use super::{HOOK, Project, SPEC, WIDER, answered};

#[test]
fn what_a_jail_wrote_into_its_own_spec_is_shown_and_not_built() {
    let Some(project) = Project::new() else { return };
    project.build();
    let script = format!(
        "s=$(cat sh.jail); echo \"${{s/mount-cwd/{}}}\" > sh.jail",
        WIDER.replace('"', "\\\"")
    );
    // Its own is read-only inside, so another jail has to do it.
    let (status, said) = project.jailgen(&["run", "sh.jail", "--", "-c", &script]);
    assert!(status != 0 && said.contains("Read-only file system"), "{said}");
    let other = SPEC.replace("jailed-sh", "jailed-other").replace("./hook.nix", "./other-hook.nix");
    project.write("other.jail", &other);
    project.write("other-hook.nix", HOOK);
    let words = [&["build", "other.jail"][..], &project.setup.overrides()].concat();
    assert_eq!(project.jailgen(&words).0, 0);
    let (status, said) = project.jailgen(&["run", "other.jail", "--", "-c", &script]);
    assert_eq!(status, 0, "{said}");
    let written = fs::read_to_string(project.scratch.path("project/sh.jail")).unwrap();
    assert!(written.contains(WIDER), "the control: {written}");
    project.refused("jailed-sh: + read-only");
    // The user asks for it, and gets an answer.
    let said = project.build();
    assert!(said.contains("approved jailed-sh: + read-only") && said.contains("~/.ssh"), "{said}");
    project.runs();
}

#[test]
fn a_spec_that_has_become_a_link_stands_for_another_one() {
    let Some(project) = Project::new() else { return };
    // The user's own, which grants more, and is built.
    let wide = SPEC.replace("mount-cwd", WIDER).replace("jailed-sh", "jailed-wide");
    project.scratch.write("wide/wide.jail", wide.as_bytes());
    for file in ["hook.nix", "word"] {
        fs::copy(
            project.scratch.path(&format!("project/{file}")),
            project.scratch.path(&format!("wide/{file}")),
        )
        .unwrap();
    }
    project.build();
    let words = [&["build", "../wide/wide.jail"][..], &project.setup.overrides()].concat();
    assert_eq!(project.jailgen(&words).0, 0);
    project.write("other.jail", &wide.replace("jailed-wide", "jailed-other"));
    fs::remove_file(project.scratch.path("project/sh.jail")).unwrap();
    for to in ["other.jail", "../wide/wide.jail"] {
        std::os::unix::fs::symlink(to, project.scratch.path("project/sh.jail")).unwrap();
        let (status, said) = project.jailgen(&["run", "sh.jail", "--", "-c", "echo inside"]);
        assert!(status == 1 && !said.contains("inside"), "{said}");
        assert!(said.contains("`sh.jail` is not the spec that was approved"), "{said}");
        assert!(said.contains("~/.ssh"), "what it would grant: {said}");
        fs::remove_file(project.scratch.path("project/sh.jail")).unwrap();
    }
    let (status, said) = project.jailgen(&["run", "../wide/wide.jail", "--", "-c", "echo inside"]);
    assert!(status == 0 && said.contains("inside"), "by its own name: {said}");
    // So is a link in the place of the folder around it.
    std::os::unix::fs::symlink("../wide", project.scratch.path("project/sub")).unwrap();
    let (status, said) = project.jailgen(&["run", "sub/wide.jail", "--", "-c", "echo inside"]);
    assert!(status == 1 && said.contains("jailgen approve sub/wide.jail"), "{said}");
}

#[test]
fn a_linked_spec_is_the_file_that_it_leads_to() {
    let Some(project) = Project::new() else { return };
    fs::create_dir(project.scratch.path("dotfiles")).unwrap();
    for file in ["sh.jail", "hook.nix", "word"] {
        let to = project.scratch.path(&format!("dotfiles/{file}"));
        fs::rename(project.scratch.path(&format!("project/{file}")), to).unwrap();
    }
    let link = project.scratch.path("project/sh.jail");
    std::os::unix::fs::symlink("../dotfiles/sh.jail", link).unwrap();
    project.build();
    project.runs();
    let (_, listed) = project.jailgen(&["trust", "list"]);
    assert!(listed.contains("/dotfiles/sh.jail\n"), "{listed}");
    // What is next to the file counts, and not what is next to the link.
    project.write("hook.nix", &HOOK.replace("echo", "echo more"));
    project.runs();
    project.scratch.write("dotfiles/hook.nix", HOOK.replace("echo", "echo more").as_bytes());
    project.refused("+ ");
}

#[test]
fn what_a_spec_imports_and_copies_counts_and_comments_do_not() {
    let Some(project) = Project::new() else { return };
    project.build();
    project.write("sh.jail", &format!("# a comment\n{SPEC}"));
    project.runs();
    project.write("hook.nix", &HOOK.replace("echo", "echo more"));
    project.refused("+ ");
    project.write("hook.nix", HOOK);
    project.runs();
    project.write("word", "another\n");
    project.refused("the content of");
    project.write("word", "first\n");
    project.runs();
    // A removal is a change too: a user may have needed the file.
    project.write("sh.jail", &SPEC.replace(" mount-cwd", ""));
    project.refused("jailed-sh: - read-write");
    // Text of the spec sends nothing to the terminal.
    project.write("sh.jail", &SPEC.replace("mount-cwd", "mount-cwd (set-env \"A\" \"\u{1b}[2J\")"));
    let (_, said) = project.jailgen(&["run", "sh.jail"]);
    assert!(said.contains("\\u{1b}[2J") && !said.contains('\u{1b}'), "{said}");
}

#[test]
fn on_a_terminal_the_user_is_asked() {
    let Some(project) = Project::new() else { return };
    project.build();
    project.write("sh.jail", &SPEC.replace("mount-cwd", WIDER));
    let words = ["run", "sh.jail", "--", "-c", "echo in-$((40+2))"];
    for (answer, runs) in [("n\n", false), ("\n", false), ("y\n", true)] {
        let said = answered(project.command(&words), answer);
        assert!(said.contains("+ read-only") && said.contains("[y/N]"), "{said}");
        assert_eq!(said.contains("in-42"), runs, "{answer:?}: {said}");
    }
    project.runs();
}
