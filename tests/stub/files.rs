//! The operations that make files: each once as it is meant, once where it must refuse.

use std::os::unix::fs::PermissionsExt;

use jail_plan::{
    Access, Accounts, BindArguments, BindVariable, Closure, Copy, Directory, File, HostOp,
    InsideOp, Missing, StateDirectory, StateFile, Step, Symlink, Tmpfs,
};

use crate::jail::{Jail, Ran, bind, bind_to, by, callers, expand, literal, step};

fn file(to: impl AsRef<std::path::Path>, content: &str) -> InsideOp {
    InsideOp::File(File { to: literal(to), content: content.into(), mode: 0o640 })
}

fn link(to: impl AsRef<std::path::Path>, target: &str) -> InsideOp {
    InsideOp::Symlink(Symlink { to: literal(to), target: target.into() })
}

#[test]
fn binds_are_as_writable_as_granted() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let data = jail.file("home/data/file", "old\n");
        let folder = data.parent().expect("a folder").to_owned();
        std::os::unix::fs::chown(&folder, caller.uid, caller.uid).expect("for the caller");
        let write = format!("echo new > {0}/file 2>/dev/null; cat {0}/file", folder.display());
        jail.sh(&write).stdout.contains("new").then(|| panic!("it is not there at all"));
        jail.op(bind(&folder, Access::ReadOnly)).sh(&write).prints("old");
        Jail::new(caller).op(bind(&folder, Access::ReadOnly)).sh("true");
        let jail = Jail::new(caller);
        let data = jail.file("home/data/file", "old\n");
        let folder = data.parent().expect("a folder").to_owned();
        let jail = jail.op(bind_to(&data, "/one/file", Access::ReadWrite, Missing::Fail));
        jail.sh("echo new > /one/file; cat /one/file; ls /one").prints("new\nfile");
        assert_eq!(std::fs::read_to_string(folder.join("file")).expect("a file"), "new\n");
    }
}

#[test]
fn a_bind_of_the_root_does_not_hold_the_jails_own_root() {
    for caller in callers() {
        let jail = Jail::new(caller).op(bind_to("/", "/host", Access::ReadOnly, Missing::Fail));
        jail.sh("ls -d /host/usr /host/host 2>/dev/null; touch /host/tmp/x 2>/dev/null || echo ro")
            .prints("/host/usr\nro");
        let jail =
            Jail::bare(caller).op(bind("/", Access::ReadOnly)).op(InsideOp::Proc(literal("/proc")));
        let jail = jail.change(|plan| plan.start = jail_plan::StartIn::Path(literal("/")));
        jail.sh("ls -d /usr; touch /tmp/x 2>/dev/null || echo ro").prints("/usr\nro");
    }
}

#[test]
fn later_mounts_lie_over_earlier_ones() {
    for caller in callers() {
        let jail = Jail::new(caller)
            .op(file("/data/a", "first"))
            .op(file("/data/a", "second"))
            .op(InsideOp::Tmpfs(Tmpfs { to: literal("/small"), mode: 0o700, size: Some(1 << 20) }))
            .op(bind_to("/usr", "/small/usr", Access::ReadOnly, Missing::Fail));
        jail.sh("cat /data/a; stat -c %a /data/a /small; df -k --output=size /small | tail -1 | tr -d ' '; ls -d /small/usr/bin")
            .prints("second640\n700\n1024\n/small/usr/bin");
    }
}

#[test]
fn files_are_put_over_trees_of_the_host_without_writing_there() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let config = jail.file("project/config", "host");
        let inside = format!("cat {}", config.display());
        let jail = jail.op(file(&config, "jail"));
        jail.sh(&inside).prints("jail");
        assert_eq!(std::fs::read_to_string(config).expect("a file"), "host");
        // In a read-only tree the place has to exist.
        let jail = Jail::new(caller).op(file("/usr/not-there", "x"));
        jail.sh("").stopped(&["(file): /usr/not-there", "read-only"]);
    }
}

#[test]
fn links_are_put_over_trees_of_the_host_without_writing_there() {
    for caller in callers() {
        let target = |path: &std::path::Path| format!("readlink {}", path.display());
        let jail = Jail::new(caller);
        let new = jail.project().join("new");
        let jail = jail.op(link(&new, "/usr/bin/env"));
        jail.sh(&target(&new)).prints("/usr/bin/env");
        // As for every mount, an empty file marks the place.
        assert_eq!(std::fs::read(&new).expect("a file").len(), 0);
        assert!(!new.is_symlink());
        let jail = Jail::new(caller);
        let there = jail.file("project/there", "host");
        let jail = jail.op(link(&there, "/usr/bin/env"));
        jail.sh(&format!("{0}; test {1} -ef /usr/bin/env", target(&there), there.display()))
            .prints("/usr/bin/env");
        assert_eq!(std::fs::read_to_string(&there).expect("still a file"), "host");
        // A link of the host's: as it should be, it stays; another one is not replaced.
        let jail = Jail::new(caller);
        let same = jail.project().join("same");
        std::os::unix::fs::symlink("/usr/bin/env", &same).expect("a link");
        let jail = jail.op(link(&same, "/usr/bin/env"));
        jail.sh(&target(&same)).prints("/usr/bin/env");
        let jail = jail.op(link(&same, "/usr/bin/true"));
        jail.sh("").stopped(&["(symlink)", "same", "a symbolic link stands in the way"]);
        assert_eq!(std::fs::read_link(&same).expect("a link").to_str(), Some("/usr/bin/env"));
        let jail = Jail::new(caller);
        std::fs::create_dir(jail.project().join("folder")).expect("a folder");
        let op = link(jail.project().join("folder"), "/usr/bin/env");
        jail.op(op).sh("").stopped(&["(symlink)", "folder"]);
    }
}

#[test]
fn folders_links_and_copies_are_made() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let source = jail.file("home/resolv", "nameserver 192.0.2.1\n");
        let through = jail.home().join("link");
        std::os::unix::fs::symlink(&source, &through).expect("a link");
        let copy = |from: &std::path::Path, to: &str, missing| {
            let (from, to, append) = (literal(from), literal(to), None);
            InsideOp::Copy(Copy { from, to, append, missing })
        };
        let jail = jail
            .op(InsideOp::Directory(Directory { to: literal("/a/b"), mode: 0o750 }))
            .op(link("/a/l", "/usr/bin/env"))
            .op(link("/a/l", "/usr/bin/true"))
            .op(copy(&through, "/etc/resolv.conf", Missing::Fail))
            .op(copy("/nowhere".as_ref(), "/etc/none", Missing::Skip));
        jail.sh("stat -c %a /a /a/b; readlink /a/l; cat /etc/resolv.conf; ls /etc")
            .prints("750\n750\n/usr/bin/true\nnameserver 192.0.2.1\nresolv.conf");
        Jail::new(caller)
            .op(copy("/nowhere".as_ref(), "/x", Missing::Fail))
            .sh("")
            .stopped(&["(copy): /nowhere: ENOENT"]);
        Jail::new(caller).op(link("/usr", "/x")).sh("").stopped(&["(symlink): /usr: EEXIST"]);
    }
}

#[test]
fn missing_parents_shut_out_whom_the_folder_in_them_shuts_out() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let folder =
            |to: &std::path::Path, mode| InsideOp::Directory(Directory { to: literal(to), mode });
        let outside = jail.project().join("p/q");
        let jail = jail
            .op(folder("/a/b/c".as_ref(), 0o700))
            .op(folder("/d/e".as_ref(), 0o750))
            .op(folder("/f/g".as_ref(), 0o1777))
            .op(folder("/a/later".as_ref(), 0o755))
            .op(folder(&outside, 0o700));
        jail.sh("stat -c %a /a /a/b /a/b/c /d /d/e /f /f/g /a/later p p/q | tr '\\n' ' '")
            .prints("700 700 700 750 750 755 1777 755 700 700");
    }
}

#[test]
fn lines_follow_what_the_hosts_file_has() {
    for caller in callers() {
        for (content, expected) in [
            ("192.0.2.1 a", "192.0.2.1 a\n::1 jail"),
            ("192.0.2.1 a\n", "192.0.2.1 a\n::1 jail"),
            ("", "::1 jail"),
        ] {
            let jail = Jail::new(caller);
            let hosts = jail.file("home/hosts", content);
            let jail = jail.op(InsideOp::Copy(Copy {
                from: literal(&hosts),
                to: literal("/etc/hosts"),
                append: Some("::1 jail\n".into()),
                missing: Missing::Fail,
            }));
            jail.sh("cat /etc/hosts").prints(expected);
            assert_eq!(std::fs::read_to_string(&hosts).expect("a file"), content);
        }
    }
}

#[test]
fn the_accounts_are_the_callers() {
    for caller in callers() {
        let accounts = InsideOp::Accounts(Accounts { shell: "/bin/sh".into() });
        let jail = Jail::new(caller).op(accounts).outside("USER", "jane:x:0");
        let uid = caller.uid.unwrap_or_else(|| rustix::process::geteuid().as_raw());
        let name = if caller.is_root() { "root" } else { "user" };
        let expected = format!("{name}\n{name}:x:{uid}:{uid}::{}:/bin/sh", jail.home().display());
        if caller.uid.is_some() || caller.is_root() {
            jail.sh("id -un; grep -v nobody /etc/passwd").prints(&expected);
        }
        jail.sh("wc -l < /etc/passwd; ls /etc | tr '\\n' ' '")
            .prints("2\ngroup nsswitch.conf passwd");
        let jail = jail.outside("HOME", "/a:b");
        jail.sh("").stopped(&["(accounts)", "colon"]);
    }
}

#[test]
fn state_folders_are_made_for_the_user_alone() {
    for caller in callers() {
        let jail = Jail::new(caller).change(|plan| {
            plan.before.push(Step::new(
                by(),
                HostOp::StateDirectory(StateDirectory { path: expand("~/.local/share/agent") }),
            ));
            plan.before.push(Step::new(
                by(),
                HostOp::StateFile(StateFile { path: expand("~/.agent.json") }),
            ));
        });
        let op = |path: &str| {
            let InsideOp::Bind(mut bind) = bind("/", Access::ReadWrite) else { unreachable!() };
            (bind.from, bind.to) = (expand(path), expand(path));
            InsideOp::Bind(bind)
        };
        let jail =
            jail.op(op("~/.local/share/agent")).op(op("~/.agent.json")).set("HOME", "").change(
                |plan| {
                    plan.env.pop();
                },
            );
        let home = jail.home();
        jail.sh(&format!(
            "echo kept > {0}/.local/share/agent/x; echo kept > {0}/.agent.json",
            home.display()
        ))
        .prints("");
        let mode = |name: &str| {
            std::fs::metadata(home.join(name)).expect("made").permissions().mode() & 0o777
        };
        assert_eq!(
            (mode(".local"), mode(".local/share/agent"), mode(".agent.json")),
            (0o700, 0o700, 0o600)
        );
        assert_eq!(std::fs::read_to_string(home.join(".agent.json")).expect("a file"), "kept\n");
        // Again: what is there stays.
        jail.sh(&format!("cat {0}/.local/share/agent/x", home.display())).prints("kept");
    }
}

#[test]
fn arguments_and_variables_are_bound_where_they_exist() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let (one, two) = (jail.file("home/one", "1"), jail.file("home/two words", "2"));
        let jail = jail
            .op(InsideOp::BindArguments(BindArguments { access: Access::ReadOnly }))
            .op(InsideOp::BindVariable(BindVariable {
                variable: "LIST".into(),
                separator: ":".into(),
                access: Access::ReadOnly,
            }))
            .outside("LIST", &format!(":{}:/nowhere", two.display()));
        let script = format!("cat '{}' '{}' '../home/one'", one.display(), two.display());
        let run = |argument: &str| {
            Ran::of(jail.command(jail.wrapper()).args(["-c", &script, "sh", "--option", argument]))
        };
        run("../home/one").prints("121");
        assert_ne!(run("none").code, Some(0), "without the argument it is not there");
        let jail = jail.outside("LIST", "relative");
        jail.sh("").stopped(&["(bind-variable): relative", "not absolute"]);
    }
}

#[test]
fn the_closure_is_there_and_the_rest_of_the_store_is_not() {
    for caller in callers() {
        for skeleton in ["skeleton", ""] {
            let jail = Jail::new(caller);
            let store = jail.folder.path().join("store");
            let names: Vec<String> = (0..1000).map(|index| format!("{index:04}-path")).collect();
            for name in &names {
                jail.file(&format!("store/{name}/x"), name);
                std::fs::create_dir_all(jail.folder.path().join("skeleton").join(name))
                    .expect("a mount point");
            }
            jail.file("store/9999-file", "file");
            jail.file("skeleton/9999-file", "");
            jail.file("store/other/x", "secret");
            let names = names.into_iter().chain(["9999-file".into()]).collect();
            let skeleton = if skeleton.is_empty() {
                String::new()
            } else {
                jail.folder.path().join(skeleton).display().to_string()
            };
            let jail = jail.change(|plan| {
                plan.closure = Closure { store: store.display().to_string(), skeleton, names };
                plan.inside.insert(0, step(InsideOp::StoreClosure));
                plan.inside.retain(|step| !matches!(step.op, InsideOp::Tmpfs(_)));
            });
            let script = "cd $0; ls | wc -l; cat 0999-path/x 9999-file; ls -d other 2>/dev/null; touch 0000-path/y 2>/dev/null || touch z 2>/dev/null || echo ro";
            let ran = Ran::of(jail.command(jail.wrapper()).args(["-c", script]).arg(&store));
            ran.prints("1001\n0999-pathfilero");
            std::fs::remove_dir_all(store.join("0500-path")).expect("removed");
            jail.sh("").stopped(&["(store-closure)", "0500-path: ENOENT", "build it again"]);
        }
    }
}

#[test]
fn a_variable_can_name_store_paths_that_the_closure_lacks() {
    for caller in callers() {
        for skeleton in ["skeleton", ""] {
            let jail = Jail::new(caller);
            let store = jail.folder.path().join("store");
            for name in ["inside", "outside", "secret"] {
                jail.file(&format!("store/{name}/share/x"), name);
            }
            std::fs::create_dir_all(jail.folder.path().join("skeleton/inside")).expect("a folder");
            let skeleton = match skeleton {
                "" => String::new(),
                name => jail.folder.path().join(name).display().to_string(),
            };
            let shown = store.display();
            let list = format!("{shown}/inside/share:{shown}/outside/share:{shown}/missing/share");
            let jail = jail.outside("LIST", &list).change(|plan| {
                let names = vec!["inside".into()];
                plan.closure = Closure { store: shown.to_string(), skeleton, names };
                plan.inside.insert(0, step(InsideOp::StoreClosure));
                plan.inside.retain(|step| !matches!(step.op, InsideOp::Tmpfs(_)));
            });
            let jail = jail.op(InsideOp::BindVariable(BindVariable {
                variable: "LIST".into(),
                separator: ":".into(),
                access: Access::ReadOnly,
            }));
            let script = "cd $0; cat inside/share/x outside/share/x; ls -d secret 2>/dev/null; ls; touch y outside/y 2>/dev/null || echo ro";
            let ran = Ran::of(jail.command(jail.wrapper()).args(["-c", script]).arg(&store));
            ran.prints("insideoutsideinside\noutside\nro");
        }
    }
}

#[test]
fn a_machine_id_is_of_this_launch_alone() {
    for caller in callers() {
        let show = "cat /etc/machine-id; echo x >/etc/machine-id || echo refused";
        let jail = || Jail::new(caller).op(InsideOp::MachineId(literal("/etc/machine-id")));
        let ids: Vec<String> = [jail(), jail()]
            .into_iter()
            .map(|jail| {
                let ran = jail.op(InsideOp::RemountReadOnly(literal("/"))).sh(show);
                let (id, rest) = ran.stdout.split_once('\n').expect("an id");
                assert_eq!(rest, "refused\n", "{ran:?}");
                assert!(
                    id.len() == 32 && id.chars().all(|c| "0123456789abcdef".contains(c)),
                    "{id}"
                );
                id.into()
            })
            .collect();
        assert_ne!(ids[0], ids[1]);
        // Over what the host has there, which stays as it is.
        let mut other = Jail::new(caller);
        other.file("home/machine-id", "the host's\n");
        let place = other.home().join("machine-id");
        let id = InsideOp::MachineId(literal(&place));
        other = other.op(bind(place.parent().expect("a folder"), Access::ReadWrite)).op(id);
        let at = place.display();
        other.sh(&format!("grep -c host {at} || wc -c <{at}")).prints("0\n33");
        other.outside_sh(&format!("cat {at}")).prints("the host's");
        // The control: without the grant a jail has none.
        Jail::new(caller).sh("cat /etc/machine-id || echo none").prints("none");
    }
}
