//! Measures a launch: from before the exec to the payload's first instruction, and to
//! the return of the wrapper.
//!
//! The payload is a static program of a few instructions, so that only the launch counts. In each
//! round the stub, the floor (a program that only makes the kernel calls of such a jail) and every
//! bubblewrap that is found launch once, in an order of its own, with the same mounts; after each
//! there is a pause as long as its launch, in which the kernel takes down what it made. They start
//! in a project that the jail may write, as agents do, and with a home folder of their own, where
//! the stub writes down that it was given.
//!
//! `cargo bench -p jail-stub --bench launch -- [RUNS] [--uid NUMBER] [--paths NUMBER,…]
//! [--json FILE] [--keep]`. `JAIL_STUB` names the released stub, and further ones to compare
//! it with, separated by colons; `BWRAP` lists more bubblewraps likewise. With `--uid`, root
//! launches everything a second time as that user. `--keep` leaves the wrappers and the
//! floor behind, to be traced.

#![expect(
    clippy::disallowed_methods,
    reason = "a bench starts what it measures, and variables name more of it"
)]
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark prints, and fails by panicking"
)]

mod contender;
mod floor;
mod jail;
mod network;
mod report;
mod repository;
#[path = "../../tests/probes/tiny.rs"]
mod tiny;

use std::ffi::OsString;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use jail_plan::{Places, Plan, encode};

use crate::contender::{Contender, PROJECT};

const SIZES: [usize; 4] = [0, 10, 100, 1000];

struct Arguments {
    runs: usize,
    paths: Vec<usize>,
    user: Option<u32>,
    json: Option<PathBuf>,
    keep: bool,
}

impl Arguments {
    fn parse() -> Self {
        let (runs, paths) = (101, SIZES.to_vec());
        let mut given = Self { runs, paths, user: None, json: None, keep: false };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().unwrap_or_else(|| panic!("{word} wants a value"));
            match word.as_str() {
                "--bench" => {}
                "--uid" => given.user = Some(value().parse().expect("a user's number")),
                "--keep" => given.keep = true,
                "--json" => given.json = Some(value().into()),
                "--paths" => {
                    let numbers = value();
                    let numbers =
                        numbers.split(',').map(|number| number.parse().expect("a number"));
                    given.paths = numbers.collect();
                }
                _ => given.runs = word.parse().expect("the number of runs"),
            }
        }
        given
    }
}

fn main() {
    let arguments = Arguments::parse();
    // Not below /tmp: the jails put an empty one there.
    let folder = tempfile::tempdir_in("/var/tmp").expect("a temporary folder");
    open_to_all(folder.path());
    let programs = Programs::find(folder.path());
    let mut measured = Vec::new();
    let root = (None, name_of_caller());
    let user = arguments.user.map(|user| (Some(user), format!("user {user}")));
    for (user, who) in [Some(root), user].into_iter().flatten() {
        report::head(&who);
        for paths in &arguments.paths {
            let folder = folder.path().join(format!("{paths}-paths-{}", user.unwrap_or_default()));
            let mut contenders = prepare(&folder, *paths, &programs, user);
            let runs = if *paths < 500 { arguments.runs } else { arguments.runs / 3 + 1 };
            rounds(runs, &mut contenders);
            report::print(*paths, &contenders);
            measured.extend(report::json(&who, *paths, &contenders));
        }
    }
    if arguments.keep {
        println!("\nkept: {}", folder.keep().display());
    }
    if let Some(file) = arguments.json {
        let text = serde_json::to_string_pretty(&measured).expect("JSON");
        std::fs::write(file, text + "\n").expect("the file is written");
    }
}

fn name_of_caller() -> String {
    match rustix::process::getuid().as_raw() {
        0 => "root".into(),
        user => format!("user {user}"),
    }
}

/// Every contender once a round, in an order of its own.
fn rounds(runs: usize, contenders: &mut [Contender]) {
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    contenders.iter().for_each(Contender::warm_up);
    for _ in 0..runs {
        let mut order: Vec<usize> = (0..contenders.len()).collect();
        for last in (1..order.len()).rev() {
            // Xorshift: the same rounds each time.
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            order.swap(last, usize::try_from(random >> 33).expect("31 bits") % (last + 1));
        }
        for index in order {
            contenders.get_mut(index).expect("one of them").run();
        }
    }
}

/// What is measured, where every user can reach it.
struct Programs {
    payload: PathBuf,
    floor: PathBuf,
    stubs: Vec<PathBuf>,
    bwraps: Vec<PathBuf>,
}

impl Programs {
    fn find(folder: &Path) -> Self {
        Self {
            payload: tiny::write(folder),
            floor: floor::compile(folder, &jail::default_filter()),
            stubs: copies(&stubs(), folder),
            bwraps: copies(&bubblewraps(), folder),
        }
    }
}

fn copies(programs: &[PathBuf], folder: &Path) -> Vec<PathBuf> {
    let copy = |(index, program): (usize, &PathBuf)| {
        let name = program.file_name().expect("a name").to_string_lossy();
        let copy = folder.join(format!("{name}-{index}"));
        std::fs::copy(program, &copy).expect("a copy");
        copy
    };
    programs.iter().enumerate().map(copy).collect()
}

fn open_to_all(path: &Path) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("its mode");
}

fn prepare(folder: &Path, paths: usize, programs: &Programs, user: Option<u32>) -> Vec<Contender> {
    let (store, skeleton) = (folder.join("store"), folder.join("skeleton"));
    let names: Vec<String> = (0..paths).map(|index| format!("{index:032}-package-1.0")).collect();
    let within = |place: &Path| names.iter().map(|name| place.join(name)).collect::<Vec<_>>();
    for made in [within(&store), within(&skeleton), vec![store.clone(), skeleton.clone()]].concat()
    {
        std::fs::create_dir_all(made).expect("a folder");
    }
    for own in ["home", PROJECT].map(|name| folder.join(name)) {
        std::fs::create_dir_all(&own).expect("a folder");
        chown(&own, user, user).expect("its owner");
    }
    let payload = folder.join("tiny");
    std::fs::copy(&programs.payload, &payload).expect("the payload");
    let contender = |name: &str, command| Contender::new(name, command, folder, user);
    let plan = jail::plan(&store, &skeleton, names.clone(), &payload);
    let mut contenders = Vec::new();
    for (index, stub) in programs.stubs.iter().enumerate() {
        let name = if index == 0 { report::OURS.into() } else { format!("another stub {index}") };
        contenders.push(contender(&name, vec![wrapper(folder, &name, stub, &plan)]));
    }
    let first = programs.stubs.first().expect("a stub");
    let networks = [
        (network::network(), "with-network", "with a network by name"),
        (network::judged(), "with-requests", "and with requests judged"),
    ];
    for (network, file, name) in networks {
        if network.is_some() {
            let by_name = Plan { network, ..plan.clone() };
            let wrapper = wrapper(folder, file, first, &by_name);
            contenders.push(contender(name, vec![wrapper]));
        }
    }
    if let Some(host) = helper() {
        let at = folder.join("in-a-repository");
        repository::make(&at, user);
        let apart = jail::with_git_apart(plan.clone(), &host);
        let command = vec![wrapper(&at, "wrapper", first, &apart)];
        contenders.push(Contender::new("in a repository", command, &at, user));
        let command = vec![wrapper(folder, "no-repository", first, &apart)];
        contenders.push(contender("in no repository", command));
        for (file, name, globs) in [
            ("looked-at", "in a repository, looked through", &[][..]),
            ("protected", "and with `protect \"@hosts\"`", &["@hosts"][..]),
        ] {
            let plan = jail::looked_at(apart.clone(), globs);
            let command = vec![wrapper(&at, file, first, &plan)];
            contenders.push(Contender::new(name, command, &at, user));
        }
    }
    let without = wrapper(folder, "without-layers", first, &jail::without_layers(plan));
    contenders.push(contender("without layers", vec![without]));
    let floor = vec![programs.floor.clone().into(), paths.to_string().into(), folder.into()];
    contenders.push(contender("floor", floor));
    for bwrap in &programs.bwraps {
        contenders.push(contender(&version(bwrap), bubblewrap(bwrap, folder, &names, &payload)));
    }
    contenders
}

fn wrapper(folder: &Path, name: &str, stub: &Path, plan: &Plan) -> OsString {
    let wrapper = folder.join(name);
    let text = encode(&stub.to_string_lossy(), plan, &Places::new()).expect("a plan");
    std::fs::write(&wrapper, text).expect("a wrapper");
    open_to_all(&wrapper);
    wrapper.into()
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

fn stubs() -> Vec<PathBuf> {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    // cargo starts a benchmark in the folder of its package.
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let built = project.join(target).join("stub/jail-stub").into_os_string();
    let stubs = std::env::var_os("JAIL_STUB").unwrap_or(built);
    let found = |stub: PathBuf| match stub.is_file() {
        true => stub,
        false => panic!("{} is missing: `make build`, or set JAIL_STUB", stub.display()),
    };
    std::env::split_paths(&stubs).map(found).collect()
}

/// The helper that keeps git's settings apart, where it is built.
fn helper() -> Option<PathBuf> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/release/jail-host");
    built.canonicalize().ok()
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
