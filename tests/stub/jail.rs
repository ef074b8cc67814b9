//! Builds plans for tests and runs them.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jail_plan::helper::is_wanted;
use jail_plan::{
    Access, Argument, Beneath, Bind, Closure, EnvOp, Expansion, Folder, FoundAtLaunch, Handled,
    Host, HostText, Ids, InsideOp, Landlock, LandlockRule, Lifetime, Limit, Missing, Namespace,
    Places, Plan, Reach, Resource, SeccompProgram, Set, StartIn, Step, Terminal, Tmpfs, VERSION,
    encode,
};
use tempfile::TempDir;

use jail_seccomp::{Arch, Policy, default_program, program};

pub(crate) use crate::caller::{Caller, callers, has_more_users, skipped};
use crate::programs::host;
pub(crate) use crate::programs::{broker, probe, remove_older, stub};

/// A temporary folder that every user can enter.
pub(crate) fn shared_folder() -> TempDir {
    let folder = tempfile::tempdir_in("/tmp").expect("a temporary folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))
        .expect("open to all");
    folder
}

/// A plan that is being built, with a home, a project and a place for its wrapper.
pub(crate) struct Jail {
    pub(crate) caller: Caller,
    pub(crate) plan: Plan,
    pub(crate) folder: TempDir,
    pub(crate) variables: Vec<(String, String)>,
}

pub(crate) fn literal(text: impl AsRef<Path>) -> HostText {
    HostText::Literal(text.as_ref().to_str().expect("UTF-8").into())
}

pub(crate) fn expand(text: &str) -> HostText {
    HostText::Expand(Expansion::parse(text).expect("an expansion"))
}

pub(crate) fn by() -> String {
    "test#0".into()
}

pub(crate) fn bind(path: impl AsRef<Path>, access: Access) -> InsideOp {
    bind_to(&path, &path, access, Missing::Fail)
}

pub(crate) fn bind_to(
    from: impl AsRef<Path>,
    to: impl AsRef<Path>,
    access: Access,
    missing: Missing,
) -> InsideOp {
    InsideOp::Bind(Bind { from: literal(from), to: literal(to), access, missing })
}

/// An operation of a plan of this jail.
pub(crate) fn step(op: InsideOp) -> Step<InsideOp> {
    Step::new(by(), op)
}

pub(crate) fn tmpfs(path: &str) -> InsideOp {
    InsideOp::Tmpfs(Tmpfs { to: literal(path), mode: 0o1777, size: None })
}

/// The filter that every jail with a writable working folder has.
pub(crate) fn default_filter() -> SeccompProgram {
    let arch = Arch::from_nix(std::env::consts::ARCH).expect("a processor that jails run on");
    let in_group_folder = Policy { folder: jail_seccomp::Folder::SetGroupId, ..Policy::DEFAULT };
    let instead = program(arch, &in_group_folder).expect("short enough");
    let in_set_group_id_folder = Some(STANDARD.encode(instead));
    SeccompProgram { in_set_group_id_folder, ..filter(&default_program(arch)) }
}

/// The filter of `allow-nested-sandbox`.
pub(crate) fn nesting_filter() -> SeccompProgram {
    let arch = Arch::from_nix(std::env::consts::ARCH).expect("a processor that jails run on");
    let policy = Policy { nested_sandbox: true, ..Policy::DEFAULT };
    filter(&program(arch, &policy).expect("a filter"))
}

pub(crate) fn filter(program: &[u8]) -> SeccompProgram {
    SeccompProgram {
        name: "default".into(),
        arch: std::env::consts::ARCH.into(),
        program: STANDARD.encode(program),
        in_set_group_id_folder: None,
    }
}

/// The Landlock layer as jailgen makes it from what `inside` grants: every jail has it.
pub(crate) fn wall(plan: &mut Plan) {
    plan.landlock.handles =
        vec![Handled::Writes, Handled::Devices, Handled::Sockets, Handled::AbstractSockets];
    if plan.namespaces.contains(&Namespace::Pid) {
        plan.landlock.handles.push(Handled::Signals);
    }
    let rules =
        plan.inside.iter().flat_map(|step| plan.landlock.rules_of(step, &plan.closure.store));
    let standard = LandlockRule::Standard(FoundAtLaunch { reach: Reach::Device, by: by() });
    plan.landlock.rules = rules.chain([standard]).collect();
    plan.landlock.handles.push(Handled::Reads);
    // Without a last operation that makes it read-only, the root of these plans is writable.
    let is_read_only =
        plan.inside.iter().any(|step| matches!(step.op, InsideOp::RemountReadOnly(_)));
    let reach = if is_read_only { Reach::Ro } else { Reach::Rwx };
    let (path, missing, by) = (literal("/"), Missing::Skip, by());
    plan.landlock.rules.push(LandlockRule::Path(Beneath { path, reach, missing, by }));
}

/// Grants the working folder for reading alone.
pub(crate) fn read_only_folder(plan: &mut Plan) {
    for step in &mut plan.inside {
        if let InsideOp::Folder(folder) = &mut step.op {
            folder.access = Access::ReadOnly;
        }
    }
}

impl Jail {
    /// The host's programs, read-only; own /tmp, /proc, /dev; the project folder, in which it
    /// starts. Runs `/bin/sh` with the wrapper's arguments.
    pub(crate) fn new(caller: Caller) -> Self {
        let mut jail = Self::bare(caller);
        let system = ["/usr", "/bin", "/lib", "/lib64", "/nix/store"];
        jail.plan.inside = system
            .iter()
            .map(|path| bind_to(path, path, Access::ReadOnly, Missing::Skip))
            .chain([
                bind_to(probe(), "/probe", Access::ReadOnly, Missing::Fail),
                tmpfs("/tmp"),
                InsideOp::Proc(literal("/proc")),
                InsideOp::Dev(literal("/dev")),
                InsideOp::Loopback,
                InsideOp::Folder(Folder { to: None, access: Access::ReadWrite, stage: None }),
            ])
            .map(step)
            .collect();
        jail.set("PATH", &std::env::var("PATH").expect("PATH"))
    }

    /// Namespaces and nothing in them.
    pub(crate) fn bare(caller: Caller) -> Self {
        let folder = shared_folder();
        for name in ["home", "project"] {
            let path = folder.path().join(name);
            std::fs::create_dir(&path).expect("a folder");
            std::os::unix::fs::chown(&path, caller.uid, caller.uid).expect("for the caller");
        }
        told_what_landlock_lacks(folder.path(), caller);
        let plan = Plan {
            version: VERSION,
            name: "test".into(),
            host: None,
            before: Vec::new(),
            cgroup: None,
            namespaces: Namespace::ALL.to_vec(),
            ids: Ids::Caller,
            network: None,
            closure: Closure {
                store: "/nix/store".into(),
                skeleton: String::new(),
                names: Vec::new(),
            },
            inside: Vec::new(),
            hostname: Some("jail".into()),
            env: Vec::new(),
            start: StartIn::Folder,
            argv: vec![Argument::Text(literal("/bin/sh")), Argument::All],
            terminal: Terminal::Keep,
            lifetime: Lifetime::Launcher,
            time: None,
            limits: vec![Limit { resource: Resource::Core, value: 0 }],
            landlock: Landlock {
                handles: Vec::new(),
                rules: Vec::new(),
                bind: Vec::new(),
                connect: Vec::new(),
                least: 0,
                by: String::new(),
            },
            seccomp: vec![default_filter()],
            after: Vec::new(),
        };
        Self { caller, plan, folder, variables: Vec::new() }
    }

    pub(crate) fn op(mut self, op: InsideOp) -> Self {
        self.plan.inside.push(step(op));
        self
    }

    pub(crate) fn change(mut self, change: impl FnOnce(&mut Plan)) -> Self {
        change(&mut self.plan);
        self
    }

    /// A variable inside.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.plan.env.push(Step::new(
            by(),
            EnvOp::Set(Set { name: name.into(), value: HostText::Literal(value.into()) }),
        ));
        self
    }

    /// A variable of the launcher.
    pub(crate) fn outside(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// Writes a file into the project, as the caller.
    pub(crate) fn file(&self, path: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(&path, content).expect("a file");
        std::os::unix::fs::chown(&path, self.caller.uid, self.caller.uid).expect("for the caller");
        path
    }

    /// Writes the wrapper.
    pub(crate) fn wrapper(&self) -> PathBuf {
        let places = Places::from([(by(), "demo.jail:4:3".into())]);
        let mut plan = self.plan.clone();
        if plan.landlock.handles.is_empty() {
            wall(&mut plan);
        }
        if is_wanted(&plan) && plan.host.is_none() {
            let program = host().to_str().expect("UTF-8").into();
            plan.host = Some(Host { program, shell: None });
        }
        let text = encode(stub().to_str().expect("UTF-8"), &plan, &places).expect("a plan");
        self.raw_wrapper(&text)
    }

    pub(crate) fn raw_wrapper(&self, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join("wrapper");
        let source = self.folder.path().join("wrapper.text");
        std::fs::write(&source, text).expect("the text");
        std::fs::set_permissions(&source, std::fs::Permissions::from_mode(0o755))
            .expect("executable");
        // Copied by another process: a file that is open for writing, in a child that another test
        // has just forked too, cannot be executed.
        let copied = Command::new("cp").arg("--remove-destination").args([&source, &path]).status();
        assert!(copied.expect("cp").success());
        path
    }

    /// A command of the caller, in the project, with a small environment.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        self.caller.become_user(&mut command);
        command.current_dir(self.project()).env_clear().stdin(Stdio::null());
        command.env("XDG_STATE_HOME", self.folder.path().join("state"));
        command.env("HOME", self.home()).env("PATH", std::env::var_os("PATH").expect("PATH"));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a shell script inside.
    pub(crate) fn sh(&self, script: &str) -> Ran {
        Ran::of(self.command(self.wrapper()).args(["-c", script]))
    }

    /// Runs a shell script of the caller's outside, with the wrapper in `$W`.
    pub(crate) fn outside_sh(&self, script: &str) -> Ran {
        Ran::of(self.command("sh").env("W", self.wrapper()).args(["-c", script]))
    }

    /// A probe inside: how the kernel answered.
    pub(crate) fn probe(&self, words: &str) -> String {
        let ran = self.sh(&format!("/probe {words}"));
        match ran.code {
            // The shell tells so that a signal ended the probe.
            Some(code @ 129..) => format!("signal {}", code - 128),
            Some(_) | None => ran.stdout.trim().to_owned(),
        }
    }

    /// The same probe outside.
    pub(crate) fn control(&self, words: &str) -> String {
        let mut command = self.command(probe());
        let output = command.args(words.split(' ')).output().expect("the probe runs");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

/// As after an earlier launch: what this kernel lacks is reported once, and has been.
fn told_what_landlock_lacks(folder: &Path, caller: Caller) {
    let mut folder = folder.to_path_buf();
    for name in ["state", "jailgen", "told"] {
        folder.push(name);
        std::fs::create_dir(&folder).expect("a folder");
        std::os::unix::fs::chown(&folder, caller.uid, caller.uid).expect("for the caller");
    }
    let abi = jail_stub::sys::landlock::abi().unwrap_or(0);
    std::fs::write(folder.join(format!("landlock-{abi}")), "").expect("a file");
}

/// What came of a command.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(command: &mut Command) -> Self {
        let Output { status, stdout, stderr } = command.output().expect("it starts");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self {
            code: status.code(),
            signal: status.signal(),
            stdout: text(stdout),
            stderr: text(stderr),
        }
    }

    /// It went well and printed this.
    #[track_caller]
    pub(crate) fn prints(&self, expected: &str) {
        assert_eq!((self.code, self.stdout.trim()), (Some(0), expected), "{}", self.stderr);
    }

    /// A probe was answered so.
    #[track_caller]
    pub(crate) fn refused(&self, answer: &str) {
        assert_eq!(self.stdout.trim(), answer, "{self:?}");
    }

    /// The launch stopped with these words in its message.
    #[track_caller]
    pub(crate) fn stopped(&self, words: &[&str]) {
        assert_eq!(self.code, Some(125), "{self:?}");
        assert_eq!(self.stdout, "", "nothing ran");
        for word in words {
            assert!(self.stderr.contains(word), "no `{word}` in: {}", self.stderr);
        }
    }
}
