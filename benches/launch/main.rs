//! Measures a launch: from before the exec to the payload's first instruction, and to the return of the wrapper.
//!
//! The payload is a static program of a few instructions, so that only the launch counts. The stub and every bubblewrap
//! that is found run in turns, with the same mounts, so that what the machine does besides meets all of them alike. They start in
//! a project that the jail may write, as agents do, and with a home folder of their own, where the stub writes down that it was given.
//!
//! `cargo bench -p jail-stub --bench launch -- [RUNS]`. `JAIL_STUB` names the released stub; `BWRAP` lists more bubblewraps,
//! separated by colons. Prints a table, and JSON lines with `--json`.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark prints, and fails by panicking"
)]

#[path = "../../tests/probes/tiny.rs"]
mod tiny;

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use jail_plan::{
    Access, Argument, At, Beneath, Bind, By, Closure, Device, Folder, Found, Handled, HostText,
    Ids, InsideOp, Landlock, LandlockRule, Lifetime, Limit, Missing, Namespace, Places, Plan,
    Reach, Resource, SeccompProgram, StartIn, StoreClosure, Terminal, Tmpfs, VERSION, encode,
};

/// The folder that launches start in.
const PROJECT: &str = "project";

const SIZES: [usize; 4] = [0, 10, 100, 1000];

/// One way to launch, and what was measured: to the payload, and to the return.
struct Contender {
    name: String,
    home: PathBuf,
    project: PathBuf,
    command: Vec<OsString>,
    ready: Vec<Duration>,
    back: Vec<Duration>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runs = arguments.iter().find_map(|word| word.parse().ok()).unwrap_or(101);
    let json = arguments.iter().any(|word| word == "--json");
    let stub = stub();
    let bwraps = bubblewraps();
    println!(
        "{:>5}  {:<24} {:>10} {:>10}   ratio to each bubblewrap (ready)",
        "paths", "", "ready µs", "return µs"
    );
    start_alone(runs, &stub);
    for size in SIZES {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut contenders = prepare(folder.path(), size, &stub, &bwraps);
        for _ in 0..if size < 500 { runs } else { runs / 3 + 1 } {
            contenders.iter_mut().for_each(Contender::run);
        }
        report(size, &mut contenders, json);
    }
}

/// The program itself beside the payload alone: what the kernel takes to start a file of its size.
fn start_alone(runs: usize, stub: &Path) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let payload = tiny::write(folder.path());
    let mut floor = Contender::new("payload alone", vec![payload.into()], folder.path());
    let mut started = Vec::new();
    for _ in 0..runs {
        floor.run();
        let begin = Instant::now();
        let status = Command::new(stub).stderr(Stdio::null()).status().expect("the stub runs");
        started.push(begin.elapsed());
        assert_eq!(status.code(), Some(125), "without a plan the stub stops");
    }
    println!(
        "    -  {:<24} {:>10} {:>10}",
        floor.name,
        median(&mut floor.ready),
        median(&mut floor.back)
    );
    println!("    -  {:<24} {:>10} {:>10}", "stub without a plan", "", median(&mut started));
}

impl Contender {
    fn new(name: impl Into<String>, command: Vec<OsString>, folder: &Path) -> Self {
        let (home, project) = (folder.join("home"), folder.join(PROJECT));
        for folder in [&home, &project] {
            std::fs::create_dir_all(folder).expect("a folder");
        }
        Self { name: name.into(), home, project, command, ready: Vec::new(), back: Vec::new() }
    }

    fn run(&mut self) {
        let (program, arguments) = self.command.split_first().expect("a program");
        let begin = Instant::now();
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(&self.project)
            .env("HOME", &self.home)
            .env_remove("XDG_STATE_HOME")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the launcher runs");
        let mut byte = [0];
        let mut output = child.stdout.take().expect("a pipe");
        output
            .read_exact(&mut byte)
            .unwrap_or_else(|_| panic!("{}: the payload did not run", self.name));
        self.ready.push(begin.elapsed());
        assert!(child.wait().expect("it ends").success(), "{}", self.name);
        self.back.push(begin.elapsed());
    }
}

fn prepare(folder: &Path, size: usize, stub: &Path, bwraps: &[PathBuf]) -> Vec<Contender> {
    let store = folder.join("store");
    let skeleton = folder.join("skeleton");
    let names: Vec<String> = (0..size).map(|index| format!("{index:032}-package-1.0")).collect();
    for name in &names {
        std::fs::create_dir_all(store.join(name).join("bin")).expect("a store path");
        std::fs::create_dir_all(skeleton.join(name)).expect("a mount point");
    }
    std::fs::create_dir_all(&store)
        .and_then(|()| std::fs::create_dir_all(&skeleton))
        .expect("folders");
    let payload = tiny::write(folder);
    let mut plan = plan(&store, &skeleton, names.clone(), &payload);
    let jail = write_wrapper(folder, "jail-stub", stub, &plan);
    plan.landlock.handles.clear();
    plan.seccomp = vec![filter(&ALLOW_ALL)];
    let without = write_wrapper(folder, WITHOUT_LAYERS, stub, &plan);
    let mut contenders = vec![jail, without];
    for bwrap in bwraps {
        contenders.push(Contender::new(
            version(bwrap),
            bubblewrap(bwrap, folder, &names, &payload),
            folder,
        ));
    }
    contenders
}

/// The same jail with namespaces and mounts alone: what the layers beside them cost is the difference. A plan without a
/// filter is no plan, so it has the shortest one.
const WITHOUT_LAYERS: &str = "without layers";
/// `return SECCOMP_RET_ALLOW`.
const ALLOW_ALL: [u8; 8] = [0x06, 0, 0, 0, 0, 0, 0xff, 0x7f];

fn write_wrapper(folder: &Path, name: &str, stub: &Path, plan: &Plan) -> Contender {
    let wrapper = folder.join(name);
    let text = encode(&stub.to_string_lossy(), plan, &Places::new()).expect("a plan");
    std::fs::write(&wrapper, text).expect("a wrapper");
    std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755)).expect("executable");
    Contender::new(name, vec![wrapper.into()], folder)
}

fn plan(store: &Path, skeleton: &Path, names: Vec<String>, payload: &Path) -> Plan {
    let by = || "bench#0".to_owned();
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let at = |path: &str| HostText::Literal(path.into());
    let bind = Bind {
        from: at(&text(payload)),
        to: at("/payload"),
        access: Access::ReadOnly,
        missing: Missing::Fail,
        by: by(),
    };
    let mut inside = vec![
        InsideOp::Bind(bind),
        InsideOp::Tmpfs(Tmpfs { to: at("/tmp"), mode: 0o1777, size: None, by: by() }),
        InsideOp::Proc(At { to: at("/proc"), by: by() }),
        InsideOp::Dev(Device { to: at("/dev"), by: by() }),
        InsideOp::Folder(Folder { access: Access::ReadWrite, to: None, by: by() }),
        InsideOp::Loopback(By { by: by() }),
        InsideOp::RemountReadOnly(At { to: at("/"), by: by() }),
    ];
    if !names.is_empty() {
        inside.insert(0, InsideOp::StoreClosure(StoreClosure { by: by() }));
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
        inside,
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

/// The second wall of every jail with these mounts; bubblewrap beside it has none.
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
            LandlockRule::Folder(Found { reach: Reach::Rwx, by: by() }),
            LandlockRule::Standard(Found { reach: Reach::Device, by: by() }),
            path("/", Reach::Ro),
        ],
        bind: Vec::new(),
        connect: Vec::new(),
        least: 0,
        by: String::new(),
    }
}

/// The filter that every jail has; bubblewrap beside it has none.
fn default_filter() -> Vec<u8> {
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

fn bubblewrap(bwrap: &Path, folder: &Path, names: &[String], payload: &Path) -> Vec<OsString> {
    let mut command: Vec<OsString> = vec![bwrap.into()];
    let mut add = |words: &[&str]| command.extend(words.iter().map(OsString::from));
    add(&["--unshare-all", "--die-with-parent", "--clearenv"]);
    let (store, project) = (folder.join("store"), folder.join(PROJECT));
    let store = store.to_str().expect("UTF-8");
    for name in names {
        let path = format!("{store}/{name}");
        add(&["--ro-bind", &path, &path]);
    }
    add(&["--ro-bind", payload.to_str().expect("UTF-8"), "/payload"]);
    let project = project.to_str().expect("UTF-8");
    add(&[
        "--tmpfs",
        "/tmp",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--bind",
        project,
        project,
        "--remount-ro",
        "/",
        "--chdir",
        "/",
        "/payload",
    ]);
    command
}

fn stub() -> PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    let built = target.join("stub/jail-stub");
    let stub = std::env::var_os("JAIL_STUB").map_or(built, PathBuf::from);
    std::fs::canonicalize(&stub)
        .unwrap_or_else(|_| panic!("{} is missing: `make build`, or set JAIL_STUB", stub.display()))
}

fn bubblewraps() -> Vec<PathBuf> {
    let listed = std::env::var_os("BWRAP").unwrap_or_default();
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<PathBuf> =
        std::env::split_paths(&listed).filter(|path| path.is_file()).collect();
    found.extend(
        std::env::split_paths(&paths).map(|path| path.join("bwrap")).find(|path| path.is_file()),
    );
    found
}

fn version(bwrap: &Path) -> String {
    let output = Command::new(bwrap).arg("--version").output().expect("bubblewrap runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn report(size: usize, contenders: &mut [Contender], json: bool) {
    let medians: Vec<(u128, u128)> = contenders
        .iter_mut()
        .map(|contender| (median(&mut contender.ready), median(&mut contender.back)))
        .collect();
    for (contender, (ready, back)) in contenders.iter().zip(&medians) {
        let mut line = format!("{size:>5}  {:<24} {ready:>10} {back:>10}", contender.name);
        if contender.name == "jail-stub" {
            for (other, (their_ready, their_back)) in contenders.iter().zip(&medians).skip(1) {
                line += &format!(
                    "   {:.2} ({:.2} to return) of {}",
                    ratio(*ready, *their_ready),
                    ratio(*back, *their_back),
                    other.name
                );
            }
        }
        println!("{line}");
        if json {
            let (name, runs) = (&contender.name, contender.ready.len());
            println!(
                "{{\"paths\":{size},\"name\":\"{name}\",\"ready\":{ready},\"return\":{back},\"runs\":{runs}}}"
            );
        }
    }
}

fn median(times: &mut [Duration]) -> u128 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0, Duration::as_micros)
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a launch are far below 2^52")]
fn ratio(ours: u128, theirs: u128) -> f64 {
    ours as f64 / theirs.max(1) as f64
}
