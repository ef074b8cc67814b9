//! Whatever is mounted at `/` inside, nothing of the host is left below it, where `/..` would lead.

use std::path::PathBuf;

use jail_plan::{
    Access, BindArguments, BindVariable, Folder, Handled, InsideOp, Missing, Overlay, Plan,
};

use crate::jail::{Caller, Jail, Ran, bind, bind_to, callers, filter, literal, step, tmpfs};

/// As `allow-nested-sandbox` leaves it, and more: no system call is refused, and
/// Landlock checks no files.
fn nested(plan: &mut Plan) {
    // `BPF_RET | BPF_K`, SECCOMP_RET_ALLOW.
    plan.seccomp = vec![filter(&[6, 0, 0, 0, 0, 0, 0xff, 0x7f])];
    plan.landlock.handles = vec![Handled::Signals, Handled::AbstractSockets];
}

/// The operations at `/` come first, so that there is a root for the others to be put in. What is
/// at `/tmp` of the host, the secret among it, is covered by a folder of the jail's own.
fn with_root(caller: Caller, at_root: impl IntoIterator<Item = InsideOp>) -> Jail {
    Jail::new(caller).change(|plan| drop(plan.inside.splice(0..0, at_root.into_iter().map(step))))
}

/// The same where the last one of them binds the host's root: then its programs are there.
fn with_the_hosts(caller: Caller, at_root: impl IntoIterator<Item = InsideOp>) -> Jail {
    Jail::new(caller).change(|plan| {
        plan.inside.retain(|step| !matches!(step.op, InsideOp::Bind(_)));
        plan.inside.splice(0..0, at_root.into_iter().map(step));
    })
}

/// A folder that can be the root: the caller may make mount points in it.
fn empty(jail: &Jail) -> PathBuf {
    let folder = jail.folder.path().join("root");
    std::fs::create_dir(&folder).expect("a folder");
    std::os::unix::fs::chown(&folder, jail.caller.uid, jail.caller.uid).expect("for the caller");
    folder
}

/// The host is neither at `/..` nor further up, and no program can write there.
#[track_caller]
fn holds(mut jail: Jail, run: impl Fn(&Jail, &str) -> Ran) -> Jail {
    let (secret, planted) = (jail.file("home/keys/id", "secret"), jail.home().join("planted"));
    let (secret, there) = (secret.display(), planted.display());
    let script = format!(
        "echo ran; cat /..{secret} /../..{secret} 2>/dev/null; touch /..{there} 2>/dev/null"
    );
    jail.outside_sh(&script).prints("ran\nsecretsecret");
    std::fs::remove_file(&planted).expect("the control can write");
    let script = format!("{script}; test / -ef /..");
    let plan = jail.plan.clone();
    for change in [|_: &mut Plan| {}, nested] {
        change(&mut jail.plan);
        run(&jail, &script).prints("ran");
        assert!(!planted.exists(), "{:?}", jail.plan.inside);
    }
    Jail { plan, ..jail }
}

#[test]
fn nothing_of_the_host_is_left_below_a_root_that_the_plan_puts_there() {
    for caller in callers() {
        let device = InsideOp::Dev(literal("/"));
        let whole = |access| bind("/", access);
        for ops in [
            vec![],
            vec![tmpfs("/")],
            vec![tmpfs("/."), tmpfs("//")],
            vec![device],
            vec![whole(Access::ReadOnly), tmpfs("/"), whole(Access::ReadOnly), tmpfs("/")],
        ] {
            holds(with_root(caller, ops), Jail::sh);
        }
        for access in [Access::ReadOnly, Access::ReadWrite, Access::Device] {
            holds(with_the_hosts(caller, [whole(access)]), Jail::sh);
            holds(with_the_hosts(caller, [tmpfs("/"), whole(access)]), Jail::sh);
        }
    }
}

#[test]
fn nothing_of_the_host_is_left_below_a_root_that_is_a_folder_of_it() {
    for caller in callers() {
        let mut jail = Jail::new(caller);
        let folder = empty(&jail);
        let overlay = |writes: fn(Overlay) -> InsideOp| {
            writes(Overlay { lower: vec![literal(&folder)], to: literal("/") })
        };
        // The first one leaves the mount points that the read-only ones need.
        for op in [
            bind_to(&folder, "/", Access::ReadWrite, Missing::Fail),
            bind_to(&folder, "/", Access::ReadOnly, Missing::Fail),
            overlay(InsideOp::OverlayReadOnly),
            overlay(InsideOp::OverlayInMemory),
        ] {
            jail.plan.inside.insert(0, step(op));
            jail = holds(jail, Jail::sh);
            jail.plan.inside.remove(0);
        }
    }
}

#[test]
fn nothing_of_the_host_is_left_below_a_root_that_the_launcher_names() {
    for caller in callers() {
        for value in ["/", "/.", "/../", "/:/tmp/..:/"] {
            let jail = with_the_hosts(
                caller,
                [InsideOp::BindVariable(BindVariable {
                    variable: "LIST".into(),
                    separator: ":".into(),
                    access: Access::ReadWrite,
                })],
            );
            holds(jail.outside("LIST", value), Jail::sh);
        }
        for argument in ["/", "/..", "../../../../.."] {
            let op = InsideOp::BindArguments(BindArguments { access: Access::ReadOnly });
            holds(with_the_hosts(caller, [op]), |jail, script| {
                Ran::of(jail.command(jail.wrapper()).args(["-c", script, "sh", argument]))
            });
        }
        let to = Some(literal("/"));
        let jail = with_root(
            caller,
            [InsideOp::Folder(Folder { to, access: Access::ReadWrite, stage: None })],
        );
        let jail = jail.change(|plan| drop(plan.inside.pop()));
        holds(jail, Jail::sh);
    }
}

#[test]
fn a_link_to_the_root_is_no_way_to_mount_there() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let link = jail.project().join("link");
        std::os::unix::fs::symlink("/", &link).expect("a link");
        let mut jail = jail;
        for to in [link.clone(), link.join("tmp/new")] {
            jail.plan.inside.push(step(bind_to("/usr", &to, Access::ReadOnly, Missing::Fail)));
            jail.sh("echo ran").stopped(&["a symbolic link stands in the way"]);
            jail.plan.inside.pop();
        }
    }
}

#[test]
fn a_root_of_proc_is_the_root() {
    for caller in callers() {
        let jail = Jail::new(caller).op(InsideOp::Proc(literal("/")));
        jail.sh("echo ran").stopped(&["(folder)", "ENOENT"]);
    }
}
