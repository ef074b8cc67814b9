//! The jail that is launched: its plan, with the walls that every jail has.

use std::path::Path;

use base64::Engine;
use jail_plan::git::COPIES;
use jail_plan::{
    Access, Argument, Beneath, Bind, Closure, Folder, FoundAtLaunch, Git, GitChanges, HandOff,
    Handled, Host, HostOp, HostText, Ids, InsideOp, Landlock, LandlockRule, Lifetime, Limit,
    Missing, Namespace, Plan, Protect, Reach, Resource, SeccompProgram, StartIn, Step, Terminal,
    Tmpfs, VERSION,
};

/// `return SECCOMP_RET_ALLOW`.
const ALLOW_ALL: [u8; 8] = [0x06, 0, 0, 0, 0, 0, 0xff, 0x7f];

/// The same jail with namespaces and mounts alone: what the other layers cost is the difference. A
/// plan without a filter is not a plan, so it has the shortest one.
pub(crate) fn without_layers(mut plan: Plan) -> Plan {
    plan.landlock.handles.clear();
    plan.seccomp = vec![filter(&ALLOW_ALL)];
    plan
}

/// The same jail where git's settings are kept apart, as every jail with `mount-cwd` has them.
pub(crate) fn with_git_apart(mut plan: Plan, host: &Path) -> Plan {
    let program = host.to_str().expect("UTF-8").into();
    plan.host = Some(Host { program, shell: None });
    let to = HostText::Literal(COPIES.into());
    let step = Step::new("bench#0", InsideOp::Git(Git { to, changes: GitChanges::Reported }));
    plan.landlock.rules.extend(plan.landlock.rules_of(&step, &plan.closure.store));
    // Before the root becomes read-only.
    plan.inside.insert(plan.inside.len().saturating_sub(1), step);
    plan
}

/// The same jail where what a session leaves is looked through when it ends, and files that hosts
/// execute are protected, if they are.
pub(crate) fn looked_at(mut plan: Plan, globs: &[&str]) -> Plan {
    plan.before.push(Step::new("bench#0", HostOp::HandOff(HandOff { quarantine: false })));
    if !globs.is_empty() {
        let globs = globs.iter().map(|glob| (*glob).into()).collect();
        let step = Step::new("bench#0", InsideOp::Protect(Protect { globs }));
        plan.inside.insert(plan.inside.len().saturating_sub(1), step);
    }
    plan
}

/// Store paths, the usual mounts, and a project that may be written.
pub(crate) fn plan(store: &Path, skeleton: &Path, names: Vec<String>, payload: &Path) -> Plan {
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let at = |path: &str| HostText::Literal(path.into());
    let bind = Bind {
        from: at(&text(payload)),
        to: at("/payload"),
        access: Access::ReadOnly,
        missing: Missing::Fail,
    };
    let mut inside = vec![
        InsideOp::Bind(bind),
        InsideOp::Tmpfs(Tmpfs { to: at("/tmp"), mode: 0o1777, size: None }),
        InsideOp::Proc(at("/proc")),
        InsideOp::Dev(at("/dev")),
        InsideOp::Folder(Folder { access: Access::ReadWrite, to: None, stage: None }),
        InsideOp::Loopback,
        InsideOp::RemountReadOnly(at("/")),
    ];
    if !names.is_empty() {
        inside.insert(0, InsideOp::StoreClosure);
    }
    Plan {
        version: VERSION,
        name: "bench".into(),
        host: None,
        before: Vec::new(),
        cgroup: None,
        namespaces: Namespace::ALL.to_vec(),
        ids: Ids::Caller,
        network: None,
        closure: Closure { store: text(store), skeleton: text(skeleton), names },
        inside: inside.into_iter().map(|op| Step::new("bench#0", op)).collect(),
        hostname: None,
        env: Vec::new(),
        start: StartIn::Path(at("/")),
        argv: vec![Argument::Text(at("/payload"))],
        terminal: Terminal::Keep,
        lifetime: Lifetime::Launcher,
        time: None,
        limits: vec![Limit { resource: Resource::Core, value: 0 }],
        landlock: landlock(),
        seccomp: vec![filter(&default_filter())],
        after: Vec::new(),
    }
}

/// The Landlock layer of every jail with these mounts; bubblewrap has none.
fn landlock() -> Landlock {
    let by = || "bench#0".to_owned();
    let path = |path: &str, reach| {
        let (path, missing) = (HostText::Literal(path.into()), Missing::Skip);
        LandlockRule::Path(Beneath { path, reach, missing, by: by() })
    };
    Landlock {
        handles: vec![
            Handled::Reads,
            Handled::Writes,
            Handled::Devices,
            Handled::Sockets,
            Handled::AbstractSockets,
            Handled::Signals,
        ],
        rules: vec![
            path("/payload", Reach::Rox),
            path("/tmp", Reach::Rwx),
            path("/proc", Reach::Rw),
            path("/dev", Reach::Device),
            LandlockRule::Folder(FoundAtLaunch { reach: Reach::Rwx, by: by() }),
            LandlockRule::Standard(FoundAtLaunch { reach: Reach::Device, by: by() }),
            path("/", Reach::Ro),
        ],
        bind: Vec::new(),
        connect: Vec::new(),
        least: 0,
        by: String::new(),
    }
}

/// The filter that every jail has; bubblewrap has none.
pub(crate) fn default_filter() -> Vec<u8> {
    let arch =
        jail_seccomp::Arch::from_nix(std::env::consts::ARCH).expect("a processor of jailgen's");
    jail_seccomp::default_program(arch)
}

fn filter(program: &[u8]) -> SeccompProgram {
    let program = base64::engine::general_purpose::STANDARD.encode(program);
    SeccompProgram {
        name: "default".into(),
        arch: std::env::consts::ARCH.into(),
        // As long as the one for a set-group-id folder, which a jail with a working folder has too.
        in_set_group_id_folder: Some(program.clone()),
        program,
    }
}
