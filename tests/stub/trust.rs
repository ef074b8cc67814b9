//! What a jail could ever write: it is written down before the jail is given it, and no later
//! launch of any jail follows a link there, but into the store.

use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use jail_plan::trust::{TREES, Tree, path_name};
use jail_plan::{
    Access, BindArguments, BindVariable, Deep, Handled, HostOp, InsideOp, KeptOverlay, Missing,
    Service, Session, SharedFile, StateDirectory, StateFile, Step,
};

use crate::jail::{
    Caller, Jail, Ran, bind, bind_to, by, callers, expand, literal, read_only_folder, tmpfs,
};

const REFUSED: &str = "is a symbolic link in a folder that a jail could write";

fn trees(jail: &Jail) -> PathBuf {
    jail.folder.path().join("state/jailgen").join(TREES)
}

/// What the record names, below the test's own folder.
fn recorded(jail: &Jail) -> BTreeSet<String> {
    let Ok(files) = std::fs::read_dir(trees(jail)) else { return BTreeSet::new() };
    let paths = files.map(|file| {
        let content = std::fs::read(file.expect("an entry").path()).expect("a file");
        let tree = Tree::parse(&content).expect("a tree");
        assert_eq!(tree.jail, "test");
        PathBuf::from(String::from_utf8(tree.path).expect("UTF-8"))
    });
    let below =
        |path: PathBuf| Some(path.strip_prefix(jail.folder.path()).ok()?.display().to_string());
    paths.filter_map(below).collect()
}

fn folder(jail: &Jail, name: &str) -> PathBuf {
    let path = jail.folder.path().join(name);
    std::fs::create_dir_all(&path).expect("a folder");
    std::os::unix::fs::chown(&path, jail.caller.uid, jail.caller.uid).expect("for the caller");
    path
}

/// Another jail of the same user, with nothing to write: the record is all that it has
/// in common with the first.
fn reader(first: &Jail, op: InsideOp) -> Jail {
    let state = first.folder.path().join("state");
    Jail::new(first.caller)
        .change(read_only_folder)
        .outside("XDG_STATE_HOME", state.to_str().expect("UTF-8"))
        .op(op)
}

/// Keys of the user's, and a link to them in the folder.
fn plant(jail: &Jail, folder: &Path) -> PathBuf {
    let keys = jail.file("home/keys/id", "secret");
    let link = folder.join("cache");
    symlink(keys.parent().expect("a folder"), &link).expect("a link");
    link
}

#[test]
fn every_tree_that_a_jail_is_given_for_writing_is_written_down() {
    for caller in callers() {
        let jail = Jail::new(caller).change(|plan| plan.closure.store = "/nowhere".into());
        for name in ["rw", "ro", "argument", "listed", "lower", "upper", "work"] {
            folder(&jail, name);
        }
        jail.file("home/.agent.json", "x");
        let root = jail.folder.path().to_path_buf();
        let at = |name: &str| root.join(name);
        let text = |name: &str| literal(at(name));
        let list = format!("{}:/nowhere/at/all", at("listed").display());
        let access = Access::ReadWrite;
        let ops = vec![
            bind(at("rw"), Access::ReadWrite),
            bind(at("ro"), Access::ReadOnly),
            bind_to(at("gone"), "/gone", Access::ReadWrite, Missing::Skip),
            tmpfs("/h"),
            InsideOp::SharedFile(SharedFile {
                from: expand("~/.agent.json"),
                to: literal("/h/agent"),
            }),
            InsideOp::OverlayKept(KeptOverlay {
                lower: vec![text("lower")],
                upper: text("upper"),
                work: text("work"),
                to: literal("/k"),
            }),
            InsideOp::BindArguments(BindArguments { access }),
            InsideOp::BindVariable(BindVariable {
                variable: "LIST".into(),
                separator: ":".into(),
                access,
            }),
        ];
        let jail = ops.into_iter().fold(jail, Jail::op).outside("LIST", &list);
        assert_eq!(recorded(&jail), BTreeSet::new());
        let argument = at("argument");
        let mut command = jail.command(jail.wrapper());
        Ran::of(command.args(["-c", "echo ran", "sh"]).arg(&argument)).prints("ran");
        let all = ["argument", "home/.agent.json", "listed", "project", "rw", "upper"];
        assert_eq!(recorded(&jail), all.map(String::from).into());
        // A tree has two names, a file one; and no other user may look.
        let files = || std::fs::read_dir(trees(&jail)).expect("the folder").count();
        assert_eq!(files(), 2 * all.len() - 1);
        for folder in [trees(&jail), trees(&jail).with_file_name("")] {
            let mode = std::fs::metadata(folder).expect("a folder").permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
        jail.sh("echo again").prints("again");
        assert_eq!(files(), 2 * all.len() - 1);
    }
}

#[test]
fn what_a_jail_planted_no_other_launch_follows() {
    let bound = |path: &Path| bind_to(path, "/found", Access::ReadOnly, Missing::Fail);
    for caller in callers() {
        let jail = Jail::new(caller);
        let link = plant(&jail, &jail.project());
        // The control: before a jail ever worked there it is the user's own.
        reader(&jail, bound(&link)).sh("cat /found/id").prints("secret");
        jail.sh("echo ran").prints("ran");
        reader(&jail, bound(&link)).sh("cat /found/id").stopped(&[
            REFUSED,
            "`cache`",
            &format!("jailgen trust forget {}", jail.project().display()),
        ]);
        // Nor as a folder on the way, below the top, through a link from
        // outside, or under another name.
        reader(&jail, bound(&link.join("id"))).sh("cat /found").stopped(&[REFUSED]);
        let deeper = folder(&jail, "project/a/b");
        let link = plant(&jail, &deeper);
        reader(&jail, bound(&link)).sh("cat /found/id").stopped(&[REFUSED]);
        let own = jail.folder.path().join("own");
        symlink(&link, &own).expect("a link");
        reader(&jail, bound(&own)).sh("cat /found/id").stopped(&[REFUSED]);
        std::fs::rename(jail.project(), jail.folder.path().join("moved")).expect("it moves");
        let moved = jail.folder.path().join("moved/cache");
        // It is listed under the name that it had.
        let forget = format!("jailgen trust forget {}", jail.project().display());
        reader(&jail, bound(&moved)).sh("cat /found/id").stopped(&[REFUSED, &forget]);
        // What is not a link is there as ever.
        let plain = jail.file("moved/plain", "plain");
        reader(&jail, bound(&plain)).sh("cat /found").prints("plain");
        // And when it was forgotten, it is the user's own again.
        std::fs::remove_dir_all(trees(&jail)).expect("the record");
        reader(&jail, bound(&moved)).sh("cat /found/id").prints("secret");
    }
}

#[test]
fn no_way_to_name_a_path_leads_through_a_planted_link() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let link = plant(&jail, &jail.project());
        jail.sh("echo ran").prints("ran");
        let access = Access::ReadOnly;
        let run = |op: InsideOp| reader(&jail, op).sh("echo ran");
        run(InsideOp::Deep(Deep { from: literal(jail.project()), missing: Missing::Fail }))
            .stopped(&[REFUSED]);
        let words = InsideOp::BindArguments(BindArguments { access });
        let other = reader(&jail, words);
        let mut command = other.command(other.wrapper());
        Ran::of(command.args(["-c", "echo ran", "sh"]).arg(&link)).stopped(&[REFUSED]);
        let variable = InsideOp::BindVariable(BindVariable {
            variable: "LIST".into(),
            separator: ":".into(),
            access,
        });
        let list = format!("/nowhere:{}", link.display());
        reader(&jail, variable).outside("LIST", &list).sh("echo ran").stopped(&[REFUSED]);
        let agent = InsideOp::Session(Session { service: Service::SshAgent });
        let socket = link.join("agent");
        reader(&jail, agent)
            .outside("SSH_AUTH_SOCK", socket.to_str().expect("UTF-8"))
            .sh("echo ran")
            .stopped(&[REFUSED]);
        for op in [
            HostOp::StateDirectory(StateDirectory { path: literal(link.join("d")) }),
            HostOp::StateFile(StateFile { path: literal(link.join("f")) }),
        ] {
            let none = bind(jail.home(), Access::ReadOnly);
            reader(&jail, none)
                .change(|plan| plan.before.push(Step::new(by(), op)))
                .sh("echo ran")
                .stopped(&[REFUSED]);
        }
        assert_eq!(std::fs::read_dir(jail.home().join("keys")).expect("a folder").count(), 1);
    }
}

#[test]
fn a_link_into_the_store_is_followed_as_long_as_it_stays_there() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let store = folder(&jail, "store");
        jail.file("store/package/file", "stored");
        jail.file("home/keys/id", "secret");
        symlink("package", store.join("alias")).expect("a link");
        symlink(store.join("package"), store.join("absolute")).expect("a link");
        symlink(jail.home().join("keys"), store.join("out")).expect("a link");
        symlink("../../home/keys", store.join("package/up")).expect("a link");
        jail.sh("echo ran").prints("ran");
        let result = jail.project().join("result");
        let run = |target: &str, below: &str| {
            let _ = std::fs::remove_file(&result);
            symlink(target, &result).expect("a link");
            let from = jail.project().join(below);
            let text = store.to_str().expect("UTF-8").to_owned();
            reader(&jail, bind_to(from, "/found", Access::ReadOnly, Missing::Fail))
                .change(|plan| plan.closure.store = text)
                .sh("cat /found")
        };
        let at = |path: &str| store.join(path).display().to_string();
        run(&at("package/file"), "result").prints("stored");
        for package in ["package", "alias", "absolute"] {
            run(&at(package), "result/file").prints("stored");
            run(&at(&format!("{package}/../package")), "result/file").prints("stored");
        }
        for (target, below) in [
            (at("out"), "result/id"),
            (at("package/up"), "result/id"),
            (at("package"), "result/up/id"),
            (at("../home/keys"), "result/id"),
            (at("package/../../home/keys"), "result/id"),
            (at(""), "result/out/id"),
            (format!("{}-other/x", store.display()), "result"),
            (store.display().to_string(), "result/package/file"),
            ("../store/package".into(), "result/file"),
        ] {
            run(&target, below).stopped(&[REFUSED]);
        }
        // Nor is all of the store what a session may choose.
        for target in [at(""), at("/"), at("."), at("package/.."), at("alias/../absolute/..")] {
            let _ = std::fs::remove_file(&result);
            symlink(&target, &result).expect("a link");
            let text = store.to_str().expect("UTF-8").to_owned();
            reader(&jail, bind_to(&result, "/found", Access::ReadOnly, Missing::Fail))
                .change(|plan| plan.closure.store = text)
                .sh("ls /found")
                .stopped(&[REFUSED]);
        }
        // A store that a jail could write does not count as one.
        let writer = Jail::new(caller).op(bind(&store, Access::ReadWrite));
        let state = jail.folder.path().join("state");
        writer.outside("XDG_STATE_HOME", state.to_str().expect("UTF-8")).sh(":").prints("");
        run(&at("package/file"), "result").stopped(&[REFUSED]);
    }
}

#[test]
fn another_folder_with_the_same_number_is_another_folder() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let shared = folder(&jail, "given");
        let inode = shared.metadata().expect("a folder").ino();
        let given = jail.op(bind(&shared, Access::ReadWrite));
        given.sh("echo ran").prints("ran");
        std::fs::remove_dir(&shared).expect("it is empty");
        // ext4 gives the number to the next folder; what does not is not asked.
        let mut other = None;
        for number in 0..64 {
            let path = folder(&given, &format!("other-{number}"));
            if path.metadata().expect("a folder").ino() == inode {
                other = Some(path);
                break;
            }
        }
        let bound = |path: &Path| bind_to(path, "/found", Access::ReadOnly, Missing::Fail);
        if let Some(other) = other {
            let link = plant(&given, &other);
            reader(&given, bound(&link)).sh("cat /found/id").prints("secret");
            std::fs::remove_file(link).expect("the link");
        } else {
            println!("the number of a folder that was removed is not given again here");
        }
        // Made again at the same place it counts as what was there.
        folder(&given, "given");
        let link = plant(&given, &shared);
        reader(&given, bound(&link)).sh("cat /found/id").stopped(&[REFUSED]);
    }
}

#[test]
fn what_cannot_be_written_down_is_not_given() {
    let help = "set XDG_STATE_HOME, or HOME, to the absolute path of a folder that you can write";
    for caller in callers() {
        let with = |state: Option<&str>, home: Option<&str>| {
            let run = |jail: &Jail| {
                let mut command = jail.command(jail.wrapper());
                for (name, value) in [("XDG_STATE_HOME", state), ("HOME", home)] {
                    match value {
                        Some(value) => command.env(name, value),
                        None => command.env_remove(name),
                    };
                }
                Ran::of(command.args(["-c", "echo ran"]))
            };
            (run(&Jail::new(caller)), run(&Jail::new(caller).change(read_only_folder)))
        };
        // Where nothing is given there is nothing to write down.
        let (ran, read_only) = with(None, Some("/nowhere"));
        ran.stopped(&["(folder)", "cannot be written down", "/nowhere: ENOENT", help]);
        assert!(!Path::new("/nowhere").exists());
        read_only.prints("ran");
        with(None, None).0.stopped(&["cannot be written down", "`HOME` is not set", help]);
        // Below /proc nothing can be made, by root neither.
        let (ran, _) = with(Some("/proc/sys"), None);
        ran.stopped(&["cannot be written down", "/proc/sys", help]);
        let (ran, read_only) = with(Some("/dev/null"), Some("/tmp"));
        ran.stopped(&["cannot be written down", "ENOTDIR", help]);
        // What cannot be read answers that a jail could have planted the host's own link
        // `/bin`, where there is one.
        if Path::new("/bin").is_symlink() {
            read_only.stopped(&[REFUSED, "cannot be read in jailgen's state folder"]);
        } else {
            read_only.prints("ran");
        }
    }
}

#[test]
fn a_record_that_cannot_be_read_refuses_links_where_others_than_root_write() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let link = plant(&jail, &jail.home());
        let op = || bind_to(&link, "/found", Access::ReadOnly, Missing::Fail);
        jail.sh("echo ran").prints("ran");
        let trust = jail.folder.path().join("state/jailgen/trust");
        let away = trust.with_extension("away");
        std::fs::rename(&trust, &away).expect("it moves");
        reader(&jail, op()).sh("cat /found/id").prints("secret");
        std::fs::write(&trust, "").expect("a file in its place");
        reader(&jail, op()).sh("cat /found/id").stopped(&[REFUSED, "cannot be read"]);
        std::fs::remove_file(&trust).expect("a file");
        std::fs::rename(&away, &trust).expect("it moves");
        reader(&jail, op()).sh("cat /found/id").prints("secret");
    }
}

#[test]
fn a_jail_in_a_jail_has_a_record_of_its_own() {
    // Root in a jail may not be root in another one below it.
    for caller in callers().into_iter().filter(|caller| !caller.is_root()) {
        let inner = inner(caller);
        let outer = nested(caller, &inner);
        let ran = outer.sh("XDG_STATE_HOME=/tmp/state \"$W\" -c 'echo inner' && ls /tmp/state/jailgen/trust/trees | wc -l");
        ran.prints("inner\n2");
        assert!(!recorded(&outer).contains("tmp"));
    }
}

/// A jail that can be started in another one.
pub(crate) fn inner(caller: Caller) -> Jail {
    // The outer one's /proc is partly covered, so that another one cannot be mounted.
    Jail::new(caller).change(|plan| {
        plan.inside.retain(|step| !matches!(step.op, InsideOp::Proc(_)));
        plan.hostname = None;
    })
}

/// A jail in which the other one's wrapper can be started.
pub(crate) fn nested(caller: Caller, inner: &Jail) -> Jail {
    // As `allow-nested-sandbox` makes it: under Landlock's rules about
    // files nothing can be mounted.
    let outer = Jail::new(caller).change(|plan| {
        plan.seccomp = vec![crate::jail::nesting_filter()];
        plan.landlock.handles = vec![Handled::Signals];
    });
    outer
        .op(bind(inner.folder.path(), Access::ReadOnly))
        .op(bind(crate::jail::stub(), Access::ReadOnly))
        .op(bind(crate::jail::probe(), Access::ReadOnly))
        .set("W", inner.wrapper().to_str().expect("UTF-8"))
}

#[test]
fn a_file_in_the_place_of_a_state_folder_stops_the_launch() {
    for caller in callers() {
        let state = HostOp::StateDirectory(StateDirectory { path: expand("~/.agent") });
        let jail = Jail::new(caller).change(|plan| plan.before.push(Step::new(by(), state)));
        jail.sh("echo ran").prints("ran");
        assert!(jail.home().join(".agent").is_dir());
        std::fs::remove_dir(jail.home().join(".agent")).expect("it is empty");
        jail.file("home/.agent", "a file");
        jail.sh("echo ran").stopped(&["(state-directory)", "is not a folder", "state-file"]);
    }
}

#[test]
fn the_launch_says_where_it_works_when_a_link_led_there() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let link = jail.folder.path().join("link");
        symlink(jail.project(), &link).expect("a link");
        let says = |shown: &str, jail: &Jail| {
            let mut command = jail.command(jail.wrapper());
            let ran = Ran::of(command.env("PWD", shown).args(["-c", "echo ran"]));
            ran.prints("ran");
            ran.stderr
        };
        let told = says(link.to_str().expect("UTF-8"), &jail);
        assert_eq!(told.lines().count(), 1, "{told}");
        for word in ["the jail works in", "/project", "/link"] {
            assert!(told.contains(word), "{told}");
        }
        let real = jail.project().display().to_string();
        for same in [real.clone(), format!("{real}/"), format!("{real}/../project"), "link".into()]
        {
            assert_eq!(says(&same, &jail), "", "{same}");
        }
        // Another folder's name says nothing about this one.
        assert_eq!(says("/tmp", &jail), "");
        assert_eq!(says("/bin", &jail), "");
    }
}

#[test]
fn the_names_in_the_record_are_those_that_others_look_up() {
    for caller in callers() {
        let jail = Jail::new(caller);
        jail.sh("echo ran").prints("ran");
        let project = jail.project();
        let name = path_name(project.as_os_str().as_encoded_bytes());
        assert!(trees(&jail).join(name).is_file());
    }
}
