//! Looks names up outside. Only what was judged before is ever asked for.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

use hickory_proto::op::{DnsRequestOptions, Query};
use hickory_proto::rr::{Name as DnsName, RData, Record, RecordType};
use hickory_resolver::caching_client::CachingClient;
use hickory_resolver::config::{NameServerConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{NetError, RetryDnsHandle};
use hickory_resolver::{Hosts, NameServerPool, PoolContext, TlsConfig};
use jail_egress::Name;

use crate::outside::Outside;

use super::aliases::WithoutAliases;
use super::resolv_conf;

/// How often it is looked whether the files have changed.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A larger file is not a list of servers or hosts.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A name's addresses are asked for so long.
const ANSWER_MAX: Duration = Duration::from_secs(12);

/// As many answers are kept.
const CACHED_MAX: u64 = 256;

/// How long the second family is waited for when the first was answered.
const RESOLUTION_DELAY: Duration = Duration::from_millis(50);

/// The resolver outside.
pub(crate) struct Lookups {
    /// The servers that the spec names; none: those of the host.
    servers: Vec<SocketAddr>,
    outside: Rc<Outside>,
    current: RefCell<Option<Current>>,
}

struct Current {
    resolver: Rc<Resolver>,
    hosts: Rc<Hosts>,
    /// What the files were when it was made.
    made_of: [Option<Stamp>; 2],
    looked: Instant,
}

/// By what a file is known to be the same.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: (u64, u64),
    changed: (i64, u64),
    size: i64,
}

impl Lookups {
    pub(crate) fn new(servers: &[String], outside: Rc<Outside>) -> io::Result<Self> {
        let servers = servers.iter().map(|text| server(text)).collect::<Option<Vec<_>>>();
        let servers = servers.ok_or_else(|| io::Error::other("a resolver is not an address"))?;
        Ok(Self { servers, outside, current: RefCell::new(None) })
    }

    /// All addresses of a name, as they were answered.
    pub(crate) async fn addresses(&self, name: &Name) -> io::Result<Vec<IpAddr>> {
        let (resolver, hosts) = self.current()?;
        let name = absolute(name)?;
        let known = in_hosts(&hosts, &name);
        if !known.is_empty() {
            return Ok(known);
        }
        tokio::time::timeout(ANSWER_MAX, both(&resolver, &name)).await?
    }

    /// The records of one type.
    pub(crate) async fn records(&self, name: &Name, kind: RecordType) -> io::Result<Lookup> {
        let (resolver, _) = self.current()?;
        let asked = resolver.lookup(absolute(name)?, kind);
        tokio::time::timeout(ANSWER_MAX, asked).await?.map_err(io::Error::other)
    }

    fn current(&self) -> io::Result<(Rc<Resolver>, Rc<Hosts>)> {
        let mut current = self.current.borrow_mut();
        if let Some(current) = current.as_ref()
            && current.looked.elapsed() < LOOK_AGAIN
        {
            return Ok((current.resolver.clone(), current.hosts.clone()));
        }
        let files = match (self.outside.files(), current.as_ref()) {
            (Ok(files), _) => files,
            // What they were a moment ago.
            (Err(_), Some(current)) => {
                return Ok((current.resolver.clone(), current.hosts.clone()));
            }
            (Err(error), None) => return Err(error),
        };
        let made_of = [stamp(files.resolv_conf.as_ref()), stamp(files.hosts.as_ref())];
        if let Some(current) = current.as_mut()
            && current.made_of == made_of
        {
            current.looked = Instant::now();
            return Ok((current.resolver.clone(), current.hosts.clone()));
        }
        let resolver = Rc::new(self.make(&text(files.resolv_conf)?)?);
        let mut hosts = Hosts::default();
        hosts.read_hosts_conf(text(files.hosts)?.as_slice())?;
        let hosts = Rc::new(hosts);
        *current = Some(Current {
            resolver: resolver.clone(),
            hosts: hosts.clone(),
            made_of,
            looked: Instant::now(),
        });
        Ok((resolver, hosts))
    }

    fn make(&self, resolv_conf: &[u8]) -> io::Result<Resolver> {
        let conf = resolv_conf::parse(resolv_conf);
        let servers = if self.servers.is_empty() { &conf.servers } else { &self.servers };
        let servers = servers.iter().map(|server| name_server(*server));
        let mut options = ResolverOpts::default();
        options.timeout = conf.timeout;
        options.attempts = conf.attempts;
        options.edns0 = true;
        let context = PoolContext::new(options, TlsConfig::new().map_err(io::Error::other)?);
        let pool =
            NameServerPool::from_config(servers, context.into(), TokioRuntimeProvider::default());
        let asked = WithoutAliases(RetryDnsHandle::new(pool, conf.attempts));
        Ok(Resolver(CachingClient::new(CACHED_MAX, asked, false)))
    }
}

/// Asks servers, and keeps what they answered for as long as they say.
struct Resolver(
    CachingClient<WithoutAliases<RetryDnsHandle<NameServerPool<TokioRuntimeProvider>>>>,
);

impl Resolver {
    async fn lookup(&self, name: DnsName, kind: RecordType) -> Result<Lookup, NetError> {
        self.0.lookup(Query::query(name, kind), DnsRequestOptions::default()).await
    }
}

/// The addresses that the host's file has for a name. If it has any, no server is asked (hosts(5)).
fn in_hosts(hosts: &Hosts, name: &DnsName) -> Vec<IpAddr> {
    let found = |kind| hosts.lookup_static_host(&Query::query(name.clone(), kind));
    let both = [RecordType::A, RecordType::AAAA].into_iter().filter_map(found);
    both.flat_map(|found| addresses_in(&found)).collect()
}

/// Asks for both families at once. Where one is answered, the other is waited for a moment only
/// (RFC 8305, Resolution Delay).
async fn both(resolver: &Resolver, name: &DnsName) -> io::Result<Vec<IpAddr>> {
    let ask = |kind| async move {
        let found = resolver.lookup(name.clone(), kind).await;
        found.map(|found| addresses_in(&found)).map_err(in_words)
    };
    let (v4, v6) = (ask(RecordType::A), ask(RecordType::AAAA));
    tokio::pin!(v4, v6);
    tokio::select! {
        first = &mut v4 => join(first, v6).await,
        first = &mut v6 => join(first, v4).await,
    }
}

/// What the log says of a look-up that failed: the resolver's own words contain the query's
/// internal form.
fn in_words(error: NetError) -> io::Error {
    if error.is_no_records_found() {
        return io::Error::other("the DNS server knows no address of it");
    }
    io::Error::other(error)
}

async fn join(
    first: io::Result<Vec<IpAddr>>,
    other: impl Future<Output = io::Result<Vec<IpAddr>>>,
) -> io::Result<Vec<IpAddr>> {
    match first {
        Ok(mut addresses) if !addresses.is_empty() => {
            if let Ok(Ok(more)) = tokio::time::timeout(RESOLUTION_DELAY, other).await {
                addresses.extend(more);
            }
            Ok(addresses)
        }
        Ok(_) | Err(_) => other.await,
    }
}

fn addresses_in(found: &Lookup) -> Vec<IpAddr> {
    let address = |record: &Record| match &record.data {
        RData::A(v4) => Some(IpAddr::V4(v4.0)),
        RData::AAAA(v6) => Some(IpAddr::V6(v6.0)),
        _ => None,
    };
    found.answers().iter().filter_map(address).collect()
}

/// A DNS server of a spec: `1.1.1.1` or `[::1]:5353`.
fn server(text: &str) -> Option<SocketAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let by_address = bare.parse().map(|address: IpAddr| SocketAddr::new(address, 53));
    by_address.or_else(|_| text.parse()).ok()
}

fn name_server(at: SocketAddr) -> NameServerConfig {
    let mut server = NameServerConfig::udp_and_tcp(at.ip());
    for connection in &mut server.connections {
        connection.port = at.port();
    }
    server
}

/// With a dot at the end, so that no search domain is tried.
fn absolute(name: &Name) -> io::Result<DnsName> {
    DnsName::from_ascii(format!("{name}.")).map_err(io::Error::other)
}

fn stamp(file: Option<&OwnedFd>) -> Option<Stamp> {
    let stat = rustix::fs::fstat(file?).ok()?;
    Some(Stamp {
        inode: (stat.st_dev, stat.st_ino),
        changed: (stat.st_mtime, stat.st_mtime_nsec),
        size: stat.st_size,
    })
}

fn text(file: Option<OwnedFd>) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    if let Some(file) = file {
        File::from(file).take(FILE_BYTES_MAX).read_to_end(&mut text)?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_an_address_and_perhaps_a_port() {
        for (text, at) in [
            ("1.1.1.1", "1.1.1.1:53"),
            ("1.1.1.1:5353", "1.1.1.1:5353"),
            ("2606:4700::1111", "[2606:4700::1111]:53"),
            ("[2606:4700::1111]", "[2606:4700::1111]:53"),
            ("[::1]:5353", "[::1]:5353"),
        ] {
            assert_eq!(server(text), Some(at.parse().unwrap()), "{text}");
        }
        for text in ["", "dns.example.com", "1.1.1", "[::1", "::1]:53"] {
            assert_eq!(server(text), None, "{text}");
        }
    }
}
