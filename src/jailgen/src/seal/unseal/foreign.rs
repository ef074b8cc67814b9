//! What no wrapper that jailgen has sealed holds: a program outside of the store that would run on
//! the host, and less of the Landlock layer than its grants amount to. A policy cannot express it,
//! so nothing made from a policy would show it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jail_plan::{
    Handled, HostOp, InsideOp, Namespace, Plan, Service, Session, Wrapper, WrapperError, one_line,
};
use jail_policy::{Danger, DangerCode, Origin, Severity};
use jail_seccomp::{Arch, Sockets, cage_program};

use crate::seal::fold::CAGE_HANDLES;

/// The only store that is shared by all users and written by none.
const STORE: &str = "/nix/store";

/// What a wrapper holds that jailgen has not put there.
///
/// # Errors
/// It is not a wrapper.
pub fn foreign(wrapper: &[u8]) -> Result<Vec<Danger>, WrapperError> {
    let plan = Wrapper::parse(wrapper)?.plan;
    let mut found = strangers(wrapper, &plan);
    if plan.closure.store != STORE {
        let store = one_line(&plan.closure.store);
        found.push(format!("`{store}` is used in place of the Nix store"));
    }
    let open = unchecked(&plan);
    if !open.is_empty() {
        let words: Vec<&str> = open.into_iter().map(Handled::words).collect();
        found.push(format!("Landlock does not check {}", words.join(", ")));
    }
    if plan.namespaces.is_empty() && !has_a_cages_filter(&plan) {
        found.push("its system call filter is not the one for cages".into());
    }
    let mut archs = plan.seccomp.iter().map(|filter| &filter.arch);
    if archs.next().is_some_and(|first| archs.any(|other| other != first)) {
        found.push("its system call filters are for several processors".into());
    }
    Ok(found.into_iter().map(danger).collect())
}

/// What of it would run on the host, or leads to what does: it runs when the wrapper is started.
///
/// # Errors
/// It is not a wrapper.
pub fn foreign_programs(wrapper: &[u8]) -> Result<Vec<Danger>, WrapperError> {
    let plan = Wrapper::parse(wrapper)?.plan;
    Ok(strangers(wrapper, &plan).into_iter().map(danger).collect())
}

fn strangers(wrapper: &[u8], plan: &Plan) -> Vec<String> {
    let first = wrapper.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let stub = String::from_utf8_lossy(first.strip_prefix(b"#!").unwrap_or_default());
    let is_stub = is_in_store(&stub) && stub.ends_with("/bin/jail-stub");
    let no_stub = (!is_stub).then(|| {
        let stub = one_line(&stub);
        format!(
            "it starts `{stub}`, which is not a stub in the Nix store, so nothing limits what it does"
        )
    });
    let outside = programs(plan).into_iter().filter(|(path, _)| !is_in_store(path));
    let outside = outside.map(|(path, what)| {
        format!("{what} is `{}`, which is not in the Nix store", one_line(path))
    });
    no_stub.into_iter().chain(outside).collect()
}

fn danger(what: String) -> Danger {
    Danger {
        severity: Severity::Critical,
        code: DangerCode::ForeignWrapper,
        what,
        by: Origin { combinator: "jail".into(), index: 0 },
        from: None,
        fix: "do not start it, because jailgen does not build such wrappers; build the spec again",
    }
}

/// What the plan has run or opened on the host of what belongs to jailgen.
fn programs(plan: &Plan) -> Vec<(&str, &'static str)> {
    let host = plan.host.iter();
    let helper = host.clone().map(|host| (host.program.as_str(), "the helper on the host"));
    let shell = host.filter_map(|host| Some((host.shell.as_deref()?, "the shell on the host")));
    let proxies = plan.before.iter().filter_map(|step| match &step.op {
        HostOp::Bus(bus) => Some((bus.proxy.as_str(), "the proxy of a message bus")),
        _ => None,
    });
    let broker = plan.network.iter().map(|it| (it.broker.as_str(), "the broker of the network"));
    let skeleton = Some((plan.closure.skeleton.as_str(), "the folder of mount points"));
    let skeleton = skeleton.filter(|(path, _)| !path.is_empty());
    helper.chain(shell).chain(proxies).chain(broker).chain(skeleton).collect()
}

/// A word after the path would be an argument, and `..` leads out of the store.
fn is_in_store(path: &str) -> bool {
    let below = path.strip_prefix(STORE).and_then(|rest| rest.strip_prefix('/'));
    below.is_some_and(|rest| {
        !rest.contains(|c: char| c.is_whitespace() || c.is_control())
            && rest.split('/').all(|name| !matches!(name, "" | "." | ".."))
    })
}

/// What the Landlock layer leaves out without a reason in the plan's grants.
fn unchecked(plan: &Plan) -> Vec<Handled> {
    let handles = |wanted: &Handled| plan.landlock.handles.contains(wanted);
    let mut wanted = Vec::new();
    if plan.namespaces.is_empty() {
        wanted.extend_from_slice(CAGE_HANDLES);
    } else {
        // Without rules about writing it is shown as `allow-nested-sandbox`.
        if handles(&Handled::Writes) {
            wanted.extend([Handled::Reads, Handled::Devices, Handled::Sockets]);
        }
        let x11 = InsideOp::Session(Session { service: Service::X11 });
        if !plan.inside.iter().any(|step| step.op == x11) {
            wanted.push(Handled::AbstractSockets);
        }
        if plan.namespaces.contains(&Namespace::Pid) {
            wanted.push(Handled::Signals);
        }
    }
    wanted.into_iter().filter(|it| !handles(it)).collect()
}

fn has_a_cages_filter(plan: &Plan) -> bool {
    let is_of = |arch, program: &str, sockets| {
        BASE64_STANDARD.encode(cage_program(arch, sockets)) == program
    };
    plan.seccomp.first().is_some_and(|filter| {
        let arch = Arch::from_nix(&filter.arch);
        arch.is_some_and(|arch| {
            [Sockets::Tcp, Sockets::TcpAndUdp]
                .into_iter()
                .any(|sockets| is_of(arch, &filter.program, sockets))
        })
    })
}
