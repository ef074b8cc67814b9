//! Looks names up outside. Only what was judged before is ever asked for.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_proto::rr::{Name as DnsName, RecordType};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::{Hosts, Resolver};
use jail_egress::Name;

use crate::outside::Outside;

use super::resolv_conf;

/// How often it is looked whether the files have changed.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A larger file is no list of servers or hosts.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A name's addresses are asked for so long.
const ANSWER_MAX: Duration = Duration::from_secs(12);

/// The resolver outside.
pub(crate) struct Lookups {
    /// The servers that the spec names; none: those of the host.
    servers: Vec<SocketAddr>,
    outside: Rc<Outside>,
    current: RefCell<Option<Current>>,
}

struct Current {
    resolver: Rc<TokioResolver>,
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
        let resolver = self.resolver()?;
        let asked = resolver.lookup_ip(absolute(name)?);
        let found = tokio::time::timeout(ANSWER_MAX, asked).await?.map_err(io::Error::other)?;
        Ok(found.iter().collect())
    }

    /// The records of one type.
    pub(crate) async fn records(&self, name: &Name, kind: RecordType) -> io::Result<Lookup> {
        let resolver = self.resolver()?;
        let asked = resolver.lookup(absolute(name)?, kind);
        tokio::time::timeout(ANSWER_MAX, asked).await?.map_err(io::Error::other)
    }

    fn resolver(&self) -> io::Result<Rc<TokioResolver>> {
        let mut current = self.current.borrow_mut();
        if let Some(current) = current.as_ref()
            && current.looked.elapsed() < LOOK_AGAIN
        {
            return Ok(current.resolver.clone());
        }
        let files = self.outside.files()?;
        let made_of = [stamp(files.resolv_conf.as_ref()), stamp(files.hosts.as_ref())];
        if let Some(current) = current.as_mut()
            && current.made_of == made_of
        {
            current.looked = Instant::now();
            return Ok(current.resolver.clone());
        }
        let resolver = Rc::new(self.make(&text(files.resolv_conf)?, text(files.hosts)?)?);
        *current = Some(Current { resolver: resolver.clone(), made_of, looked: Instant::now() });
        Ok(resolver)
    }

    fn make(&self, resolv_conf: &[u8], hosts: Vec<u8>) -> io::Result<TokioResolver> {
        let conf = resolv_conf::parse(resolv_conf);
        let servers = if self.servers.is_empty() { &conf.servers } else { &self.servers };
        let servers = servers.iter().map(|server| name_server(*server)).collect();
        let config = ResolverConfig::from_parts(None, Vec::new(), servers);
        let mut builder = Resolver::builder_with_config(config, TokioRuntimeProvider::default());
        let options: &mut ResolverOpts = builder.options_mut();
        options.timeout = conf.timeout;
        options.attempts = conf.attempts;
        options.edns0 = true;
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        // They are set below: the files are opened by another process.
        options.use_hosts_file = ResolveHosts::Never;
        options.cache_size = 256;
        let mut resolver = builder.build().map_err(io::Error::other)?;
        let mut known = Hosts::default();
        known.read_hosts_conf(hosts.as_slice())?;
        resolver.set_hosts(Arc::new(known));
        Ok(resolver)
    }
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
