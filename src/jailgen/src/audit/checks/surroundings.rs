//! Checks on what surrounds the payload: environment, network, processes, sockets.

use jail_plan::{GivenTo, Namespace};
use jail_registry::names as combinator;

use super::{Judged, names};
use crate::audit::Granted;
use crate::audit::host::NAMESPACES;
use crate::audit::seen::Seen;

pub(super) fn environment(seen: &Seen<'_>) -> Judged {
    let Some(inside) = seen.list("environment") else { return Judged::Failed("no answer".into()) };
    let given = seen.plan.network.iter().flat_map(|network| &network.given);
    let given: Vec<&str> = given
        .filter_map(|given| match &given.to {
            GivenTo::Variable(name) => Some(name.as_str()),
            GivenTo::File(_) => None,
        })
        .collect();
    let known = |name: &&String| {
        given.contains(&name.as_str())
            || seen.plan.env.iter().any(|variable| variable.op.name() == **name)
    };
    let unknown: Vec<&String> = inside.iter().filter(|name| !known(name)).collect();
    if unknown.is_empty() {
        Judged::Passed(format!("{} variables: {}", inside.len(), names(inside)))
    } else {
        Judged::Failed(format!("not in the plan: {}", names(&unknown)))
    }
}

/// The combinators that give the host's network.
const NETWORK: &[&str] = &[combinator::NETWORK, combinator::SHARE_NS];

/// What shares a namespace, where the plan does share it: `share-ns` may be there for another one.
fn sharing(seen: &Seen<'_>, namespace: Namespace, combinators: &[&str]) -> Option<Granted> {
    let is_shared = !seen.plan.namespaces.contains(&namespace);
    is_shared.then(|| seen.applied(combinators)).flatten()
}

/// The combinators that give the jail the host's network, if it has that.
pub(super) fn host_network(seen: &Seen<'_>) -> Option<Granted> {
    sharing(seen, Namespace::Net, NETWORK)
}

pub(super) fn network(seen: &Seen<'_>) -> Judged {
    let loopback = format!("connect tcp 127.0.0.1:{}", seen.host.port);
    let mut reached = Vec::new();
    let mut tried = vec!["the host's loopback".to_owned()];
    if !seen.is_refused(&loopback) {
        reached.push(format!("the host's loopback ({})", seen.answer_in_words(&loopback)));
    }
    if let Some(router) = &seen.host.router {
        tried.push(format!("the router {router}"));
        if !seen.is_refused(&format!("connect udp {router}:53")) {
            reached.push(format!("the router {router} has a route"));
        }
    }
    if !seen.is_refused("connect udp 192.0.2.1:53") {
        reached.push("addresses of the internet have a route".into());
    }
    let judged = if reached.is_empty() {
        Judged::Passed(format!("refused: {}", tried.join(", ")))
    } else {
        Judged::Failed(reached.join("; "))
    };
    judged.unless(sharing(seen, Namespace::Net, NETWORK))
}

pub(super) fn abstract_sockets(seen: &Seen<'_>) -> Judged {
    let words = format!("connect abstract {}", seen.host.abstract_socket);
    Judged::when(
        seen.is_refused(&words),
        format!("one of the host's: {}", seen.answer_in_words(&words)),
    )
    .unless(sharing(seen, Namespace::Net, NETWORK))
}

pub(super) fn local_names(seen: &Seen<'_>) -> Judged {
    let resolvers: Vec<&str> = seen
        .text("read /etc/resolv.conf")
        .into_iter()
        .flat_map(str::lines)
        .filter_map(|line| line.strip_prefix("nameserver "))
        .collect();
    let services = ["/run/nscd/socket", "/run/systemd/resolve/io.systemd.Resolve"];
    let reached: Vec<&str> = services
        .into_iter()
        .filter(|path| !seen.is_refused(&format!("connect unix {path}")))
        .collect();
    let has_route = !seen.is_refused("connect udp 192.0.2.1:53");
    let judged = match (reached.as_slice(), resolvers.as_slice()) {
        // Which names that one answers is another check.
        ([], ["127.0.0.1"]) if seen.plan.network.is_some() => Judged::Passed(
            "the resolver is the jail's own, which answers for hosts that are named".into(),
        ),
        ([], resolvers) if !has_route => {
            Judged::Passed(format!("no resolver can be reached ({} named)", resolvers.len()))
        }
        ([], []) => Judged::Failed("there is a route, and a resolver can be chosen".into()),
        ([], resolvers) => Judged::Failed(format!("asks {}", names(resolvers))),
        (services, _) => Judged::Failed(format!("answered by {}", names(services))),
    };
    judged.unless(sharing(seen, Namespace::Net, NETWORK))
}

pub(super) fn processes(seen: &Seen<'_>) -> Judged {
    let Some(entries) = seen.list("list /proc") else {
        // Without a /proc nothing can be seen; that the namespace is the jail's own is another
        // check.
        return Judged::when(seen.is_refused("list /proc"), "there is no /proc");
    };
    let count =
        entries.iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())).count();
    let own = is_own(seen, "pid");
    Judged::when(own, format!("{count} processes can be seen")).unless(sharing(
        seen,
        Namespace::Pid,
        &[combinator::SHARE_NS],
    ))
}

/// Whether a namespace is not the host's.
fn is_own(seen: &Seen<'_>, name: &str) -> bool {
    let inside = seen.text(&format!("link /proc/self/ns/{name}"));
    let outside = seen.host.namespaces.get(name).map(String::as_str);
    inside.is_some() && outside.is_some() && inside != outside
}

pub(super) fn namespaces(seen: &Seen<'_>) -> Judged {
    let shared: Vec<&str> = NAMESPACES.iter().copied().filter(|name| !is_own(seen, name)).collect();
    if shared.is_empty() {
        return Judged::Passed(format!("own {}", NAMESPACES.join(", ")));
    }
    let wanted = |name: &&&str| !seen.plan.namespaces.contains(&namespace(name));
    let failed = Judged::Failed(format!("the host's: {}", shared.join(", ")));
    if shared.iter().filter(wanted).count() == shared.len() {
        return failed.unless_applied(seen, NETWORK);
    }
    failed
}

fn namespace(name: &str) -> Namespace {
    match name {
        "cgroup" => Namespace::Cgroup,
        "ipc" => Namespace::Ipc,
        "net" => Namespace::Net,
        "pid" => Namespace::Pid,
        "user" => Namespace::User,
        "uts" => Namespace::Uts,
        // The only one that is called differently there.
        _ => Namespace::Mount,
    }
}

pub(super) fn time_zone(seen: &Seen<'_>) -> Judged {
    let zone = seen.text("variable TZ").unwrap_or("not set");
    let variable = seen.plan.env.iter().rev().find(|variable| variable.op.name() == "TZ");
    let by = variable.map(|variable| seen.origin(&variable.by));
    // If the spec does not set it, it comes from the base, whose zone is UTC.
    let written = by.filter(|by| by.place.is_some());
    Judged::when(zone == "UTC", format!("TZ is {zone}")).unless(written)
}

pub(super) fn descriptors(seen: &Seen<'_>) -> Judged {
    let Some(open) = seen.list("descriptors") else { return Judged::Failed("no answer".into()) };
    let others: Vec<&String> = open
        .iter()
        .filter(|line| !["0 ", "1 ", "2 "].iter().any(|own| line.starts_with(own)))
        .collect();
    if others.is_empty() {
        Judged::Passed("0, 1 and 2, though the launcher had more".into())
    } else {
        Judged::Failed(names(&others))
    }
}

pub(super) fn sockets(seen: &Seen<'_>) -> Judged {
    let Some(found) = seen.list("sockets /") else { return Judged::Failed("no answer".into()) };
    // What the jail's own helper serves is part of the jail.
    let foreign: Vec<&String> =
        found.iter().filter(|path| !path.starts_with("/run/jailgen/")).collect();
    if foreign.is_empty() {
        return Judged::Passed("none answers".into());
    }
    // One that is bound by its own name was granted as what it is; one in a folder came along.
    let mut granted = None;
    for path in &foreign {
        match seen.bound_by_name(path).or_else(|| seen.served(path)) {
            Some(origin) => granted = Some(origin),
            None => return Judged::Failed(format!("can be reached: {}", names(&foreign))),
        }
    }
    match granted {
        Some(granted) => Judged::Granted(granted, names(&foreign)),
        None => Judged::Failed(names(&foreign)),
    }
}
