//! Repositories in a stage: commits of a jail become commits of the project, and `git fsck` finds
//! nothing to complain about, whatever both sides have done.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::world::{World, helper, worlds};

/// Settings that no configuration of the machine changes.
const SURE: &str = "export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=n GIT_AUTHOR_EMAIL=n@x GIT_COMMITTER_NAME=n GIT_COMMITTER_EMAIL=n@x; ";

/// Runs a script outside, in the project, and returns what it prints.
pub(crate) fn outside(world: &World, script: &str) -> String {
    run(&world.path("project"), script)
}

fn run(folder: &Path, script: &str) -> String {
    let mut command = Command::new("sh");
    command.arg("-ec").arg([SURE, script].concat()).current_dir(folder);
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{script}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout).trim_end().to_owned()
}

pub(crate) fn inside(world: &World, script: &str) {
    world.jail(&[SURE, script].concat());
}

/// A project with two commits on `main`.
pub(crate) fn begin(world: &World) {
    outside(
        world,
        "git init -q -b main; mkdir d; for f in a b d/c; do echo $f >$f; done; git add .; git commit -qm one; \
         echo more >>a; git commit -qam two; git branch old HEAD~1",
    );
}

pub(crate) fn is_clean(world: &World) {
    let said = outside(world, "git fsck --strict --no-dangling --no-progress 2>&1");
    assert_eq!(said, "", "git fsck");
}

#[test]
fn commits_on_the_branch_that_is_checked_out_become_the_projects() {
    for world in worlds() {
        begin(&world);
        world.record();
        inside(
            &world,
            "echo new >n; rm b; git add -A; git commit -qm three; echo x >>d/c; git commit -qam four",
        );
        let before = outside(&world, "git rev-parse main");
        let shown = world.shown("summary");
        assert!(shown.contains("branch main: 2 commits ahead"), "{shown}");
        let said = world.apply("", &[]);
        assert!(said.contains("branch main: 2 commits ahead"), "{said}");
        assert_eq!(outside(&world, "git status --porcelain"), "", "{said}");
        assert_eq!(outside(&world, "git log --format=%s"), "four\nthree\ntwo\none");
        assert_eq!(
            outside(&world, "git rev-parse main@{1} HEAD@{1}"),
            format!("{before}\n{before}")
        );
        is_clean(&world);
        assert_eq!(world.listing("upper/p"), Vec::<String>::new(), "{said}");
        assert_eq!(world.shown("summary"), "");
        // The next jail goes on from there, and so does the project.
        outside(&world, "echo host >h; git add h; git commit -qm host");
        world.record();
        inside(
            &world,
            "test \"$(git log -1 --format=%s)\" = host; test -z \"$(git status --porcelain)\"; echo y >>d/c; git commit -qam five",
        );
        world.apply("", &[]);
        assert_eq!(outside(&world, "git log -2 --format=%s"), "five\nhost");
        assert_eq!(outside(&world, "git status --porcelain"), "");
        is_clean(&world);
    }
}

#[test]
fn a_branch_that_both_sides_have_moved_is_kept_aside_and_new_ones_are_made() {
    for world in worlds() {
        begin(&world);
        world.record();
        inside(
            &world,
            "git switch -qc topic/a; echo t >t; git add t; git commit -qm topic; git switch -q main; echo s >s; git add s; git commit -qm stage; git tag v1; git tag -am x v2",
        );
        outside(&world, "echo h >h; git add h; git commit -qm host");
        let shown = world.shown("summary");
        assert!(
            shown.contains(
                "branch main: both sides have moved it; the stage's is kept as refs/jailgen/main"
            ),
            "{shown}"
        );
        assert!(shown.contains("branch topic/a: new, 1 commit\n"), "{shown}");
        let said = world.apply("", &[]);
        assert_eq!(outside(&world, "git log -1 --format=%s main"), "host", "{said}");
        assert_eq!(outside(&world, "git log -1 --format=%s refs/jailgen/main"), "stage");
        assert_eq!(
            outside(
                &world,
                "git log -1 --format=%s topic/a; git cat-file -t v2; git log -1 --format=%s v1"
            ),
            "topic\ntag\nstage"
        );
        is_clean(&world);
        // Once more: nothing new.
        let refs = outside(&world, "git for-each-ref");
        let said = world.apply("", &[]);
        assert!(said.contains("is refs/jailgen/main already"), "{said}");
        assert_eq!(outside(&world, "git for-each-ref"), refs);
        is_clean(&world);
    }
}

#[test]
fn the_stage_that_has_switched_branches_takes_the_project_with_it() {
    for world in worlds() {
        begin(&world);
        world.record();
        inside(
            &world,
            "git switch -qc topic; echo t >t; git add t; git rm -q b; git commit -qm topic",
        );
        let said = world.apply("", &[]);
        assert!(said.contains("HEAD: from branch main to branch topic"), "{said}");
        assert_eq!(
            outside(&world, "git symbolic-ref HEAD; git status --porcelain"),
            "refs/heads/topic"
        );
        is_clean(&world);
        world.record();
        inside(&world, "git switch -q --detach main; git branch -m old older");
        outside(&world, "git switch -qc mine");
        let said = world.apply("", &[]);
        assert!(said.contains("HEAD: left as it is: both sides have moved it"), "{said}");
        assert_eq!(
            outside(&world, "git symbolic-ref HEAD; git branch --format='%(refname:short)'"),
            "refs/heads/mine\nmain\nmine\nolder\ntopic"
        );
        is_clean(&world);
    }
}

#[test]
fn what_the_user_has_added_to_the_index_stays_there() {
    for world in worlds() {
        begin(&world);
        world.record();
        inside(&world, "echo stage >d/c; git commit -qam stage");
        outside(
            &world,
            "echo added >added; git add added; echo b2 >b; git add b; git rm -q --cached a",
        );
        world.apply("", &[]);
        assert_eq!(outside(&world, "git status --porcelain"), "D  a\nA  added\nM  b\n?? a");
        is_clean(&world);
    }
}

#[test]
fn a_stage_after_gc_does_not_take_back_what_the_project_does() {
    for world in worlds() {
        begin(&world);
        outside(&world, "git branch side; git branch gone; git gc -q");
        world.record();
        // What the layer has of `packed-refs` hides the project's from then on.
        inside(&world, "git branch stage; git gc -q --prune=now; git pack-refs --all --prune");
        world.record();
        outside(
            &world,
            "echo h >h; git add h; git commit -qm host; git branch -f side HEAD; git branch new; git branch -D gone; git gc -q --prune=now",
        );
        world.record();
        let said = world.apply("", &[]);
        assert_eq!(outside(&world, "git log -1 --format=%s main side new"), "host", "{said}");
        assert_eq!(
            outside(&world, "git for-each-ref --format='%(refname)'"),
            "refs/heads/main\nrefs/heads/new\nrefs/heads/old\nrefs/heads/side\nrefs/heads/stage",
            "{said}"
        );
        is_clean(&world);
    }
}

#[test]
fn the_settings_of_the_jail_and_its_hooks_are_not_taken_over_and_run_nothing() {
    for world in worlds() {
        begin(&world);
        world.record();
        let flag = world.path("flag").display().to_string();
        inside(
            &world,
            &format!(
                "git config core.fsmonitor 'touch {flag}'; git config core.hooksPath .git/hooks; mkdir -p .git/hooks; printf '#!/bin/sh\\ntouch {flag}\\n' >.git/hooks/reference-transaction; \
             cp .git/hooks/reference-transaction .git/hooks/post-index-change; echo /elsewhere >.git/objects/info/alternates; git -c core.fsmonitor= -c core.hooksPath=/x commit -q --allow-empty -m three; \
             git -c core.hooksPath=/x update-ref refs/replace/$(git rev-parse HEAD) HEAD~1; git -c core.hooksPath=/x update-ref refs/remotes/origin/main HEAD; rm -f {flag}"
            ),
        );
        let said = world.apply("+", &[]);
        assert!(!Path::new(&flag).exists());
        assert_eq!(
            outside(
                &world,
                "git log -1 --format=%s; git for-each-ref --format='%(refname)'; git config --get core.fsmonitor || echo none; ls .git/objects/info/alternates .git/hooks/reference-transaction 2>&1 | grep -c 'No such'"
            ),
            "three\nrefs/heads/main\nrefs/heads/old\nnone\n2",
            "{said}"
        );
        is_clean(&world);
        // What is not applied is not lost either.
        assert!(world.upper(".git/config").exists());
    }
}

#[test]
fn hostile_references_and_objects_are_left_in_the_stage() {
    for world in worlds() {
        begin(&world);
        outside(&world, "git branch link; git update-ref refs/remotes/origin/main HEAD");
        world.record();
        inside(
            &world,
            "cd .git; c=$(git commit-tree -m x HEAD^{tree} -p HEAD); mkdir -p refs/heads/deep; \
             echo $c >'refs/heads/$(touch x)'; echo $c >refs/heads/-x; echo $c >refs/heads/HEAD; echo 'ref: refs/heads/main' >refs/heads/symbolic; \
             rm refs/heads/link; ln -s ../../../../../outside/secret refs/heads/link; printf zz >refs/heads/garbage; \
             echo 1111111111111111111111111111111111111111 >refs/heads/missing; echo $(git rev-parse HEAD^{tree}) >refs/heads/tree; \
             echo $c >refs/heads/good; mkdir -p refs/heads/origin; echo $c >refs/heads/origin/main; echo $c >refs/tags/old; echo $c >refs/heads/bad; echo $c >refs/heads/$(git rev-parse --short=7 HEAD | sed s/^/a/); echo $c >refs/heads/both; echo $c >refs/tags/both; mkfifo refs/heads/pipe; printf '%s\\n' \"$c\" >refs/heads/$(printf 'a\\nb')",
        );
        // A name that git would not check out, and objects with the content of other ones.
        inside(
            &world,
            "cd .git; t=$(printf '100644 .git\\0aaaaaaaaaaaaaaaaaaaa' | git hash-object -t tree -w --stdin --literally); git commit-tree -m bad $t >refs/heads/bad-tree",
        );
        let said = world.apply("+", &[]);
        for (name, why) in [
            ("bad-tree", "has a name that git does not check out"),
            ("missing", "is missing"),
            ("symbolic", "is not the name of an object"),
            ("garbage", "is not the name of an object"),
            ("tree", "is not of the kind"),
            ("origin/main", "the project has refs/remotes/origin/main"),
            ("-x", "is not one that is taken over"),
        ] {
            assert!(
                said.lines()
                    .any(|line| line.contains(&format!("branch {name}: left in the stage"))
                        && line.contains(why)),
                "{name}: {said}"
            );
        }
        assert!(!world.path("project/x").exists());
        is_clean(&world);
        let refs = "git for-each-ref --format='%(refname)'";
        assert_eq!(
            outside(&world, refs),
            "refs/heads/bad\nrefs/heads/both\nrefs/heads/good\nrefs/heads/link\nrefs/heads/main\nrefs/heads/old\nrefs/remotes/origin/main"
        );
    }
}

#[test]
fn an_object_that_is_not_what_its_name_says_is_not_taken_over() {
    for world in worlds() {
        begin(&world);
        world.record();
        // In files of their own, and in a pack whose index says so.
        let forge = "cd .git; b=$(echo real | git hash-object -w --stdin); c=$(printf '100644 blob %s\\tf\\n' $b | git mktree); o=$(git commit-tree -m forged $c); echo $o >refs/heads/forged; g=$(echo othr | git hash-object -w --stdin); ";
        let loose = "f=objects/$(echo $b | cut -c1-2)/$(echo $b | cut -c3-); chmod u+w $f; cp objects/$(echo $g | cut -c1-2)/$(echo $g | cut -c3-) $f";
        let packed = "p=$(printf '%s\\n%s\\n' $b $g | git pack-objects -q objects/pack/pack); rm -f objects/$(echo $b | cut -c1-2)/$(echo $b | cut -c3-); i=objects/pack/pack-$p; chmod u+w $i.idx; \
             perl -0777 -i -pe 'BEGIN { @at = map { pack(\"N\", $_) } (12, 0) } $n = length($_) - 40 - 8; ($x, $y) = (substr($_, $n, 4), substr($_, $n + 4, 4)); substr($_, $n, 8) = $y . $x' $i.idx";
        for how in [loose, packed] {
            inside(&world, &[forge, how].concat());
            let said = world.apply("", &[]);
            assert!(said.contains("is not what its name says"), "{said}");
            assert_eq!(
                outside(&world, "git branch --format='%(refname:short)'; ls .git/objects/pack"),
                "main\nold"
            );
            is_clean(&world);
            assert!(world.helper("drop", "", &[]).status.success());
        }
    }
}

#[test]
fn repositories_of_unknown_forms_are_left_in_the_stage_with_the_reason() {
    for world in worlds() {
        begin(&world);
        outside(
            &world,
            "git clone -q --shared . ../shared; mv ../shared shared; git init -q --ref-format=reftable table; cd table; git commit -q --allow-empty -m x",
        );
        world.record();
        inside(
            &world,
            "for d in shared table; do (cd $d; git commit -q --allow-empty -m y); done; rm -rf .git; git init -q; git commit -q --allow-empty -m new; git init -q fresh; cd fresh; git commit -q --allow-empty -m z",
        );
        let said = world.apply("", &[]);
        for why in [
            "has made the repository anew",
            "borrows objects",
            "`reftable`",
            "the project has no repository there",
        ] {
            assert!(said.contains(why), "{why}: {said}");
        }
        assert_eq!(
            outside(
                &world,
                "git log -1 --format=%s; git -C shared log -1 --format=%s; git -C table log -1 --format=%s"
            ),
            "two\ntwo\nx"
        );
        is_clean(&world);
    }
}

#[test]
fn submodules_and_repositories_with_longer_names_are_applied_alike() {
    for world in worlds() {
        outside(
            &world,
            "git init -q -b main --object-format=sha256; mkdir sub; cd sub; git init -q -b main --object-format=sha256; echo s >s; git add s; git commit -qm sub; cd ..; git -c protocol.file.allow=always submodule --quiet add ./sub sub 2>/dev/null || git add sub; git submodule --quiet absorbgitdirs; git add .; git commit -qm one",
        );
        assert!(world.project(".git/modules/sub/HEAD").exists());
        world.record();
        inside(&world, "cd sub; echo t >>s; git commit -qam deeper; cd ..; git commit -qam outer");
        let said = world.apply("", &[]);
        assert_eq!(
            outside(
                &world,
                "git -C sub log -1 --format=%s; git log -1 --format=%s; git -C sub status --porcelain; git status --porcelain"
            ),
            "deeper\nouter",
            "{said}"
        );
        is_clean(&world);
        run(&world.project("sub"), "git fsck --strict --no-dangling");
    }
}

#[test]
fn a_shallow_project_takes_what_the_stage_has_added() {
    for world in worlds() {
        begin(&world);
        let inner = fs::canonicalize(world.path("project")).unwrap().display().to_string();
        outside(
            &world,
            &format!(
                "git clone -q --depth 1 file://{inner} ../c; rm -rf .git a b d; mv ../c/.git .; mv ../c/* .; git status --porcelain"
            ),
        );
        world.record();
        inside(&world, "echo new >n; git add n; git commit -qm three");
        let said = world.apply("", &[]);
        assert_eq!(
            outside(&world, "git log --format=%s; git status --porcelain"),
            "three\ntwo",
            "{said}"
        );
        is_clean(&world);
    }
}

#[test]
fn a_full_disk_leaves_the_repository_as_it_was() {
    for world in worlds() {
        begin(&world);
        world.record();
        inside(
            &world,
            "head -c 3000000 /dev/urandom >big; git add big; git commit -qm big; git tag v1",
        );
        let script = r#"mount -t tmpfs -o size=1m none "$3"; cp -a "$2"/project/. "$3"; cd "$3"
            digest=$("$1" stage changes "$2" p "$3" json .git | sed -n 's/.*"digest": "\(.*\)",/\1/p')
            "$1" stage apply "$2" p "$3" "$digest" .git; git fsck --strict --no-dangling 2>&1; git log -1 --format=%s
            git tag; find .git -name '*.lock' -o -name 'tmp_*' -o -name '*.jailgen*'"#;
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]);
        command.arg(helper()).arg(world.path("")).arg(world.path("merged"));
        let output = command.env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains("left in the stage: No space left on device"), "{said}");
        assert!(said.ends_with("\ntwo\n"), "{said}");
        world.apply("", &[]);
        assert_eq!(
            outside(&world, "git log -1 --format=%s; git tag; git status --short"),
            "big\nv1"
        );
        is_clean(&world);
    }
}

#[test]
fn commits_are_applied_alone_and_files_stay_in_the_stage() {
    for world in worlds() {
        begin(&world);
        world.record();
        inside(&world, "echo n >n; git add n; git commit -qm three; echo o >o");
        // Files alone.
        world.apply("", &["o"]);
        assert_eq!(
            outside(&world, "git log -1 --format=%s; cat o; ls n 2>/dev/null || true"),
            "two\no"
        );
        world.apply("", &[".git"]);
        assert_eq!(
            outside(&world, "git log -1 --format=%s; git status --porcelain"),
            "three\n D n\n?? o"
        );
        world.apply("", &[]);
        assert_eq!(outside(&world, "git status --porcelain"), "?? o");
        is_clean(&world);
    }
}

/// Locks of git's, and files of an application that was killed.
fn remains(world: &World) -> String {
    outside(world, "find . -name '*.lock' -o -name '*.jailgen-apply-*' -o -name 'tmp_*'")
}

#[test]
fn an_application_that_is_killed_leaves_a_repository_that_the_next_one_finishes() {
    let rounds = std::env::var("STAGE_KILLS").ok().and_then(|it| it.parse().ok()).unwrap_or(12);
    for world in worlds() {
        begin(&world);
        let (mut killed, mut length) = (0, Duration::from_millis(30));
        for round in 0..rounds {
            world.record();
            inside(
                &world,
                &format!(
                    "for f in 1 2 3 4 5 6; do echo {round} >f$f; done; git add .; git commit -qm r{round}; git branch b{round}; git tag t{round}; git branch -f old HEAD~1; git branch -D b{} 2>/dev/null || true",
                    round - 1
                ),
            );
            if round % 3 == 0 {
                outside(&world, "git gc -q --prune=now");
            }
            let before = outside(&world, "git rev-parse main");
            let digest = world.json(&[])["digest"].as_str().unwrap().to_owned();
            let begun = Instant::now();
            let mut apply = world.command("apply", &digest, &[]);
            let mut child = apply.stdout(Stdio::null()).spawn().unwrap();
            if round > 0 {
                sleep(length.mul_f64(f64::from(round * 37 % 100) / 95.0));
                child.kill().unwrap();
            }
            killed += i32::from(!child.wait().unwrap().success());
            if round == 0 {
                length = begun.elapsed();
            }
            is_clean(&world);
            let main = outside(&world, "git rev-parse main; git log -1 --format=%s main");
            assert!(main.starts_with(&before) || main.ends_with(&format!("r{round}")), "{main}");
            let said = world.apply("", &[]);
            assert_eq!(
                outside(&world, "git log -1 --format=%s; git status --porcelain"),
                format!("r{round}"),
                "{said}"
            );
            assert_eq!(
                outside(&world, "git branch --format='%(refname:short)'"),
                format!("b{round}\nmain\nold"),
                "{said}"
            );
            assert_eq!(
                outside(&world, &format!("git log -1 --format=%s t{round}")),
                format!("r{round}"),
                "{said}"
            );
            assert_eq!(remains(&world), "", "{said}");
            assert_eq!(world.listing("upper/p"), Vec::<String>::new(), "{said}");
            is_clean(&world);
        }
        assert!(killed > 0, "no application was killed");
    }
}
