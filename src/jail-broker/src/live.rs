//! The connections that there are: how many, to which hosts, and how to end them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;

use jail_egress::Host;
use tokio::sync::Notify;

/// At most so many hosts are listed. Names may be long, and an answer of the control socket has a
/// maximum size.
const LISTED_MAX: usize = 1000;

/// All connections of the jail.
#[derive(Default)]
pub(crate) struct Live {
    next: Cell<u64>,
    all: RefCell<BTreeMap<u64, LiveConnection>>,
}

/// A connection that has not ended.
struct LiveConnection {
    host: Option<(Host, u16)>,
    /// The address outside, once there is a connection to it.
    address: Option<IpAddr>,
    end: Rc<Notify>,
}

/// A connection, for as long as this is kept.
pub(crate) struct Entered<'a> {
    live: &'a Live,
    number: u64,
    end: Rc<Notify>,
}

impl Live {
    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.all.borrow().len()
    }

    /// A connection began.
    pub(crate) fn enter(&self) -> Entered<'_> {
        let number = self.next.replace(self.next.get() + 1);
        let end = Rc::new(Notify::new());
        self.all
            .borrow_mut()
            .insert(number, LiveConnection { host: None, address: None, end: end.clone() });
        Entered { live: self, number, end }
    }

    /// The hosts that are connected to, and how many connections each has: [`LISTED_MAX`] of them
    /// at most.
    pub(crate) fn hosts(&self) -> BTreeMap<String, usize> {
        let mut hosts = BTreeMap::new();
        for one in self.all.borrow().values() {
            if let Some((host, port)) = &one.host {
                let host = format!("{host}:{port}");
                if hosts.len() < LISTED_MAX || hosts.contains_key(&host) {
                    *hosts.entry(host).or_default() += 1;
                }
            }
        }
        hosts
    }

    /// Ends the connections to hosts that are not allowed any more.
    pub(crate) fn end_where(&self, is_over: impl Fn(&Host, u16) -> bool) {
        for one in self.all.borrow().values() {
            let Some((host, port)) = &one.host else { continue };
            let address = one.address.map(Host::Address);
            if is_over(host, *port) || address.is_some_and(|address| is_over(&address, *port)) {
                one.end.notify_one();
            }
        }
    }
}

impl Entered<'_> {
    /// Says where it goes.
    pub(crate) fn is_to(&self, host: &Host, port: u16) {
        if let Some(one) = self.live.all.borrow_mut().get_mut(&self.number) {
            one.host = Some((host.clone(), port));
        }
    }

    /// Says where that is.
    pub(crate) fn leads_to(&self, address: IpAddr) {
        if let Some(one) = self.live.all.borrow_mut().get_mut(&self.number) {
            one.address = Some(address.to_canonical());
        }
    }

    /// What ends it, for tasks that run alongside.
    pub(crate) fn end(&self) -> Rc<Notify> {
        self.end.clone()
    }

    /// Waits until it must end.
    pub(crate) async fn ended(&self) {
        self.end.notified().await;
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.live.all.borrow_mut().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use jail_egress::Name;

    use super::*;

    #[test]
    fn not_more_hosts_are_listed_than_an_answer_has_room_for() {
        let live = Live::default();
        let long = "x".repeat(60);
        let all: Vec<_> = (0..2 * LISTED_MAX)
            .map(|number| {
                let name = format!("n{number}.{long}.{long}.{long}.example.com");
                let entered = live.enter();
                entered.is_to(&Host::Name(Name::from_wire(name.as_bytes()).unwrap()), 443);
                entered
            })
            .collect();
        let again = live.enter();
        again.is_to(&Host::Address([10, 1, 2, 3].into()), 80);
        let listed = live.hosts();
        assert_eq!((listed.len(), live.count()), (LISTED_MAX, all.len() + 1));
        assert!(serde_json::to_string(&listed).unwrap().len() < 512 * 1024);
    }
}
