//! Proxies of message buses: one for each bus that the plan names, in a jail of its own, from
//! before the launch to its end.
//!
//! The proxy's jail has the bus's socket, the folder where it makes its own, and the store to read;
//! no network, nothing of the user's files. It is a plan like any other, run by the stub that runs
//! this launch, under the same filters.

#![expect(
    clippy::disallowed_methods,
    reason = "the caller's session bus is in its environment; the stub runs the proxy in a jail"
)]

use std::fs::{self, DirBuilder};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jail_plan::helper::{Learned, Refusal};
use jail_plan::{
    Access, Argument, Bind, Bus, Closure, HostText, Ids, InsideOp, Landlock, Lifetime, Missing,
    Namespace, Plan, Service, StartIn, Step, Terminal,
};

use crate::record;
use crate::talk::refusal;

/// Where the proxy's jail has the bus, and the folder of the proxy's socket.
const BUS: &str = "/run/bus";
const FOLDER: &str = "/run/proxy";
const SOCKET: &str = "socket";
/// The folder of the proxy's socket, in the launch's own.
const SOCKETS: &str = "socket-folder";
/// A proxy that has reported nothing for this long will not.
const PATIENCE: Duration = Duration::from_secs(20);
const ATTEMPTS: u32 = 100;

/// A proxy that runs.
pub(crate) struct Proxy {
    child: Child,
    folder: PathBuf,
}

/// Starts the proxy of a bus, and returns the path of its socket. The host may have no such bus.
pub(crate) fn start(
    (op, by): (&Bus, &str),
    plan: &Plan,
    stub: &Path,
) -> Result<(Learned, Option<Proxy>), Refusal> {
    let variable = match op.service {
        Service::FilteredSystemBus => "JAILGEN_SYSTEM_BUS",
        _ => "JAILGEN_SESSION_BUS",
    };
    let learned = |value: Option<Vec<u8>>| Learned {
        variables: vec![(variable.to_owned(), value)],
        changes: Vec::new(),
    };
    let Some(bus) = host_socket(op.service) else { return Ok((learned(None), None)) };
    let failed = |error: io::Error| refusal(&op.proxy, &error.to_string());
    let folder = private_folder().map_err(failed)?;
    let mut proxy = match spawn((op, by), plan, stub, &bus, &folder) {
        Ok(child) => Proxy { child, folder },
        Err(error) => {
            let _ = fs::remove_dir_all(&folder);
            return Err(failed(error));
        }
    };
    if !proxy.is_ready() {
        proxy.end();
        return Err(refusal(&op.proxy, "the proxy of the message bus did not start"));
    }
    let socket = proxy.folder.join(SOCKETS).join(SOCKET);
    let path = socket.into_os_string().into_encoded_bytes();
    Ok((learned(Some(path)), Some(proxy)))
}

impl Proxy {
    /// The proxy writes a byte when its socket is there (`--fd`).
    fn is_ready(&mut self) -> bool {
        let Some(mut stdout) = self.child.stdout.take() else { return false };
        let mut waited = [rustix::event::PollFd::new(&stdout, rustix::event::PollFlags::IN)];
        let patience = rustix::time::Timespec::try_from(PATIENCE).ok();
        let answered = rustix::event::poll(&mut waited, patience.as_ref());
        let mut byte = [0];
        let ready = answered.is_ok_and(|count| count > 0)
            && stdout.read(&mut byte).is_ok_and(|count| count > 0);
        // The proxy ends when the other end of this is closed: also when this process is killed.
        self.child.stdout = Some(stdout);
        ready
    }

    /// Ends it, and removes everything that was made for it.
    pub(crate) fn end(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Ok(sockets) = self.folder.join(SOCKETS).canonicalize() {
            record::forget(&sockets);
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn spawn(
    wanted: (&Bus, &str),
    plan: &Plan,
    stub: &Path,
    bus: &Path,
    folder: &Path,
) -> io::Result<Child> {
    let sockets = folder.join(SOCKETS);
    DirBuilder::new().mode(0o700).create(&sockets)?;
    let wrapper = folder.join("dbus-proxy");
    let utf8 = |path: &Path| {
        path.to_str().map(str::to_owned).ok_or_else(|| io::Error::other("a path is not UTF-8"))
    };
    let derived = derived(wanted, plan, utf8(bus)?, utf8(&sockets)?);
    let text = jail_plan::encode(&utf8(stub)?, &derived, &jail_plan::Places::new())
        .map_err(|error| io::Error::other(error.to_string()))?;
    fs::write(&wrapper, text)?;
    let mut command = Command::new(stub);
    command.arg(&wrapper).current_dir("/").env_clear().envs(record::variables());
    // The terminal's signals are for the payload, which may go on after
    // Ctrl-C and still need its bus.
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
    command.spawn()
}

/// The proxy's plan. `--fd=1` is the only descriptor that a payload keeps,
/// besides input and errors.
fn derived((op, by): (&Bus, &str), plan: &Plan, bus: String, sockets: String) -> Plan {
    let literal = |text: &str| HostText::Literal(text.into());
    let bind = |from: String, to: &str, access: Access| {
        let (from, to, missing) = (HostText::Literal(from), literal(to), Missing::Fail);
        Step::new(by, InsideOp::Bind(Bind { from, to, access, missing }))
    };
    let store = plan.closure.store.clone();
    let inside = vec![
        bind(store.clone(), &store, Access::ReadOnly),
        bind(bus, BUS, Access::ReadOnly),
        bind(sockets, FOLDER, Access::ReadWrite),
        Step::new(by, InsideOp::RemountReadOnly(literal("/"))),
    ];
    let mut landlock = Landlock {
        handles: plan.landlock.handles.clone(),
        rules: Vec::new(),
        bind: Vec::new(),
        connect: Vec::new(),
        least: plan.landlock.least,
        by: plan.landlock.by.clone(),
    };
    let rules = inside.iter().flat_map(|step| landlock.rules_of(step, &store));
    landlock.rules = rules.collect();
    let mut words = vec![
        op.proxy.clone(),
        format!("unix:path={BUS}"),
        format!("{FOLDER}/{SOCKET}"),
        "--fd=1".into(),
        "--filter".into(),
    ];
    words.extend(op.rules.iter().map(|rule| format!("--{rule}")));
    Plan {
        version: jail_plan::VERSION,
        name: "dbus-proxy".into(),
        host: None,
        before: Vec::new(),
        cgroup: None,
        namespaces: Namespace::ALL.to_vec(),
        ids: Ids::Caller,
        network: None,
        closure: Closure { store, skeleton: String::new(), names: Vec::new() },
        inside,
        hostname: None,
        env: Vec::new(),
        start: StartIn::Path(literal("/")),
        argv: words.iter().map(|word| Argument::Text(literal(word))).collect(),
        terminal: Terminal::NewSession,
        lifetime: Lifetime::Launcher,
        time: None,
        limits: plan.limits.clone(),
        landlock,
        seccomp: plan.seccomp.clone(),
        after: Vec::new(),
    }
}

/// A folder that no other user can enter.
fn private_folder() -> io::Result<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let parent = runtime.filter(|path| path.is_absolute() && path.is_dir());
    // Not below /tmp, where a cage may write, and rename files of another process of the same user.
    let parent = match parent {
        Some(parent) => parent,
        None => state_folder()?,
    };
    let mut last = io::Error::other("no name is free");
    for attempt in 0..ATTEMPTS {
        let folder = parent.join(format!("jailgen-bus-{}-{attempt}", std::process::id()));
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

/// jailgen's own folder, where no jail can write.
fn state_folder() -> io::Result<PathBuf> {
    let own = record::own_state();
    let own = own.ok_or_else(|| io::Error::other("there is no XDG_RUNTIME_DIR, and no home"))?;
    let folder = own.join("buses");
    DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    Ok(folder)
}

/// The bus's own socket, if there is one that has a path.
fn host_socket(service: Service) -> Option<PathBuf> {
    let path = match service {
        Service::FilteredSystemBus => PathBuf::from("/run/dbus/system_bus_socket"),
        _ => match std::env::var("DBUS_SESSION_BUS_ADDRESS") {
            Ok(addresses) if !addresses.is_empty() => path_in(&addresses)?,
            Ok(_) | Err(_) => PathBuf::from(std::env::var_os("XDG_RUNTIME_DIR")?).join("bus"),
        },
    };
    let is_socket = fs::metadata(&path).is_ok_and(|data| data.file_type().is_socket());
    (path.is_absolute() && is_socket).then_some(path)
}

/// The first path among the addresses (the D-Bus specification, "Server Addresses").
fn path_in(addresses: &str) -> Option<PathBuf> {
    let keys = addresses.split(';').filter_map(|address| address.strip_prefix("unix:"));
    keys.flat_map(|keys| keys.split(','))
        .find_map(|key| key.strip_prefix("path="))
        .map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::path_in;

    #[test]
    fn an_address_has_a_path_or_none() {
        for (address, path) in [
            ("unix:path=/run/user/1000/bus", Some("/run/user/1000/bus")),
            ("unix:path=/a,guid=0f", Some("/a")),
            ("unix:guid=0f,path=/a;unix:path=/b", Some("/a")),
            ("unix:abstract=/tmp/x", None),
            ("tcp:host=x,port=1", None),
        ] {
            assert_eq!(path_in(address), path.map(Into::into), "{address}");
        }
    }
}
