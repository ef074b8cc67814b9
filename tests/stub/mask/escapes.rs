//! What a payload tries to see a masked file, in this session or by what it leaves for the
//! next one (escapes.md C8, C14, C16, C19, E23). Each attempt has its control: where
//! nothing is masked it works.

use jail_plan::git::COPIES;
use jail_plan::{GitChanges, Handled, InsideOp, PrivateCopies};

use super::{SECRETS, mask, prepare};
use crate::git_apart::{apart, plain};
use crate::jail::{Caller, Jail, callers, literal, nesting_filter};

/// What is tried in one session, and looked at in the next one.
const ATTEMPTS: &[(&str, &str)] = &[
    ("cat", "cat a/.env"),
    ("root", "cat /proc/self/root$PWD/a/.env /proc/1/root$PWD/a/.env /proc/self/cwd/a/.env"),
    ("descriptor", "exec 7<a; cat /proc/self/fd/7/.env; cd a; cat .env ./././.env"),
    ("hard-link", "ln a/.env a/plain2 || ln -P a/.env q; cat a/plain2 q"),
    ("symbolic-link", "ln -s .env a/l; cat a/l"),
    ("rename", "mv a/.env a/plain2; cat a/plain2"),
    ("rename-parent", "mv a c; cat c/.env"),
    ("rename-parent-twice", "mkdir t; mv a t/c; mv t u; cat u/c/.env"),
    ("remove", "rm -f a/.env; cat a/.env"),
    ("remove-all", "rm -rf a; cat a/.env"),
    ("replace", "echo x >a/n; mv -f a/n a/.env; cat a/.env"),
    ("copy", "cp -r a c; cat c/.env; tar cf - a | tar xOf -"),
    (
        "write",
        "echo x >>a/.env; cat /dev/null >a/.env; truncate -s 3 a/.env; chmod 777 a/.env; cat a/.env",
    ),
    ("unmount", "umount a/.env; umount -l a/.env; cat a/.env"),
    ("closed", "chmod 0 a; chmod 755 a; cat a/.env"),
];

/// What leads the next session past it.
const PLANTED: &[(&str, &str)] = &[
    ("moved-into-git", "mkdir -p .git/objects/ab; mv a .git/objects/ab/"),
    ("moved-into-modules", "mkdir -p node_modules/x; mv a node_modules/x/"),
    ("moved-among-references", "mkdir -p .git/refs/heads; mv a .git/refs/heads/"),
    ("exchanged-with-a-link", "mv a c; ln -s c a"),
    ("a-repository-around-it", "mkdir -p a/.git/objects a/.git/refs; echo x >a/.git/index"),
];

const FIND: &str = "grep -rs s3cret . >/dev/null && echo seen || echo nothing";

fn jail(caller: Caller, masked: bool) -> Jail {
    let jail = Jail::new(caller).set("HOME", "/tmp");
    let jail = if masked { jail.op(mask(&[".env"])) } else { jail };
    prepare(&jail, SECRETS);
    prepare(&jail, "rm a/b/plain a/b/x.key .env");
    jail
}

#[test]
fn nothing_shows_what_is_masked() {
    for caller in callers() {
        for (name, attempt) in ATTEMPTS {
            let script = format!("{{ {attempt}; }} 2>/dev/null; {FIND}");
            let masked = jail(caller, true);
            let ran = masked.sh(&script);
            assert!(!ran.stdout.contains("s3cret"), "{name}: {ran:?}");
            assert!(ran.stdout.ends_with("nothing\n"), "{name}: {ran:?}");
            // The file is where it was, or where its folder was moved, as it was.
            masked.outside_sh("cat $(find . -name .env)").prints("s3cret");
            // And it is masked at the next launch.
            masked.sh(FIND).prints("nothing");
        }
        // The control.
        for (name, attempt) in [ATTEMPTS[0], ATTEMPTS[1], ATTEMPTS[2], ATTEMPTS[3], ATTEMPTS[6]] {
            let ran = jail(caller, false).sh(&format!("{{ {attempt}; }} 2>/dev/null"));
            assert!(ran.stdout.contains("s3cret"), "{name}: {ran:?}");
        }
    }
}

#[test]
fn nothing_that_a_session_leaves_shows_it_to_the_next_one() {
    for caller in callers() {
        for (name, planted) in PLANTED {
            for masked in [true, false] {
                let jail = jail(caller, masked);
                let ran = jail.sh(planted);
                assert_eq!(ran.code, Some(0), "{name}: {ran:?}");
                let expected = if masked { "nothing" } else { "seen" };
                let ran = jail.sh(FIND);
                assert_eq!(ran.stdout.trim(), expected, "{name}: {ran:?}");
            }
        }
    }
}

/// Links that lead to a secret, each with what would lead the next session past it.
const LINKED: &[(&str, &str, &str)] = &[
    ("removed", "ln -s real/prod .env", "rm .env || ln -sfn /dev/null .env || mv .env x"),
    ("target-moved", "ln -s real/prod .env", "mv real other || { mkdir t; mv real t/; }"),
    ("link-moved", "mkdir a; ln -s ../real/prod a/.env", "mkdir t; mv a t/a"),
    ("chain", "mkdir a; ln -s a/next .env; ln -s ../real/prod a/next", "rm a/next || mv a b"),
    ("chain-of-both", "ln -s next .env; ln -s $PWD/real/prod next", "rm next"),
    ("out-and-in", "ln -s ../${PWD##*/}/real/prod .env", "rm .env"),
    ("folder-on-the-way", "ln -s real way; ln -s way/prod .env", "rm way"),
    ("through-a-folder", "mkdir by; ln -s by/../real/prod .env", "rmdir by || mv by b"),
    ("to-a-folder", "ln -s real .env", "rm .env; mv real other"),
];

#[test]
fn a_link_that_leads_to_a_secret_stays_and_so_does_its_target() {
    for caller in callers() {
        for (name, link, attempt) in LINKED {
            for masked in [true, false] {
                let jail = Jail::new(caller).set("HOME", "/tmp");
                let jail = if masked { jail.op(mask(&[".env"])) } else { jail };
                prepare(&jail, &format!("mkdir real; echo s3cret >real/prod; {link}"));
                let expected = if masked { "nothing" } else { "seen" };
                for script in [FIND, &format!("{{ {attempt}; }} 2>/dev/null; {FIND}"), FIND] {
                    let ran = jail.sh(script);
                    assert_eq!(ran.stdout.trim(), expected, "{name}: {ran:?}");
                }
            }
        }
    }
}

#[test]
fn a_copy_of_hooks_or_settings_has_nothing_that_is_masked() {
    let look = format!("grep -rs s3cret . {COPIES} >/dev/null && echo seen || echo nothing");
    // A repository that was there before is held by mounts, into which nothing can be renamed.
    let planted = "mkdir -p .git/objects .git/refs && echo ref: refs/heads/x >.git/HEAD &&
        mv a .git/hooks && ln -s ../b/.env .git/config && echo planted";
    for caller in callers() {
        for masked in [true, false] {
            let jail = plain(caller).op(apart(GitChanges::Reported));
            let jail = if masked { jail.op(mask(&[".env"])) } else { jail };
            prepare(&jail, "mkdir a b; echo s3cret >a/.env; echo '[s3cret]' >b/.env");
            jail.sh(planted).prints("planted");
            let expected = if masked { "nothing" } else { "seen" };
            jail.sh(&look).prints(expected);
            jail.outside_sh("cat .git/hooks/.env b/.env").prints("s3cret\n[s3cret]");
        }
    }
}

/// A layer shows what is in the folder below it as files of its own.
#[test]
fn a_layer_over_a_folder_has_nothing_that_is_masked() {
    for caller in callers() {
        for masked in [true, false] {
            let jail = Jail::new(caller);
            prepare(
                &jail,
                "mkdir -p agent/hooks/b; echo s3cret | tee agent/hooks/.env >agent/hooks/b/.env",
            );
            prepare(&jail, "echo own >agent/hooks/start");
            let folder = literal(jail.project().join("agent").to_str().unwrap());
            let names = vec!["hooks/".to_owned()];
            let copies = PrivateCopies { to: literal(COPIES), folder, names };
            let jail = jail.op(InsideOp::PrivateCopies(copies));
            let jail = if masked { jail.op(mask(&[".env"])) } else { jail };
            let look = "cat agent/hooks/.env agent/hooks/b/.env agent/hooks/start";
            jail.sh(look).prints(if masked { "own" } else { "s3cret\ns3cret\nown" });
            jail.sh("echo evil >agent/hooks/start; mv agent/hooks/b agent/hooks/c; cat agent/hooks/c/.env")
                .prints(if masked { "" } else { "s3cret" });
            jail.outside_sh(look).prints("s3cret\ns3cret\nown");
        }
    }
}

#[test]
fn a_sandbox_inside_does_not_see_it_either() {
    const INSIDE: &[&str] = &[
        "umount a/.env; umount -l a/.env",
        "mount --bind a /mnt; cat /mnt/.env",
        "mount --rbind a /mnt; umount /mnt/.env; umount -l /mnt/.env; cat /mnt/.env",
        "mount --make-rprivate /; mount --move a/.env /mnt/x",
        "mount -t overlay o -o lowerdir=$PWD/a:$PWD /mnt; cat /mnt/.env",
        "mount -t overlay o -o lowerdir=$PWD/a:$PWD,userxattr /mnt; cat /mnt/.env",
        "mv a c; cat c/.env; rm -f c/.env; cat c/.env",
    ];
    for caller in callers() {
        for masked in [true, false] {
            let jail = jail(caller, masked).change(|plan| {
                plan.seccomp = vec![nesting_filter()];
                plan.landlock.handles = vec![Handled::Signals];
                plan.inside.retain(|step| !matches!(step.op, InsideOp::RemountReadOnly(_)));
            });
            jail.sh("unshare -Um --keep-caps true && echo nested").prints("nested");
            for attempt in INSIDE {
                let script =
                    format!("mkdir -p /tmp/m; cd {}; {{ {attempt}; }} 2>/dev/null; {FIND}", "$PWD")
                        .replace("/mnt", "/tmp/m");
                let ran = jail.sh(&format!("unshare -Um --keep-caps sh -c '{script}'"));
                if masked {
                    assert!(!ran.stdout.contains("s3cret"), "{attempt}: {ran:?}");
                    assert!(ran.stdout.ends_with("nothing\n"), "{attempt}: {ran:?}");
                } else if attempt.starts_with("mount --bind") {
                    assert!(ran.stdout.contains("s3cret"), "{attempt}: {ran:?}");
                }
            }
        }
    }
}
