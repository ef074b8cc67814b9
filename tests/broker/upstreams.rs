//! Real proxies of the host's network that all connections leave by:
//! tinyproxy, and stunnel before it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::clients::{Ended, read};
use crate::jail::{Jail, Spec, rule_of, said};
use crate::programs::{Running, fetched, listens};
use crate::servers::{Tls, echo, http, listen, serve};
use crate::world::{World, run, run_command};

/// tinyproxy among the servers. It wants to know who asks, and makes tunnels to
/// ports of TLS and SSH only.
fn tinyproxy(world: &World) -> Option<Running> {
    let program = fetched("tinyproxy")?;
    let log = world.folder.join("tinyproxy.log");
    let settings = world.file(
        "tinyproxy.conf",
        &format!(
            "Port 8888\nListen 10.9.9.9\nTimeout 60\nMaxClients 100\nLogFile \"{}\"\nLogLevel Connect\n\
             BasicAuth me s3cret\nConnectPort 443\nConnectPort 22\n",
            log.display()
        ),
    );
    let at = "10.9.9.9:8888";
    let mut command = world.server(program.to_str().unwrap());
    Some(Running::start(command.arg("-d").arg("-c").arg(settings), at, || {
        world.among_servers(|| listens(at))
    }))
}

/// squid with the rules about ports that it comes with: tunnels are for ports of TLS.
fn squid(world: &World) -> Option<Running> {
    // It becomes another user, and in a user namespace of an ordinary user's there is one.
    let users = std::fs::read_to_string("/proc/self/uid_map").unwrap();
    if users.split_whitespace().nth(2) == Some("1") {
        println!("skipped: squid takes more users than one");
        return None;
    }
    let program = fetched("squid")?;
    let folder = world.folder.display();
    world.file("mime.conf", "");
    let settings = world.file(
        "squid.conf",
        &format!(
            "http_port 10.9.9.9:8888\nacl SSL_ports port 443\nacl Safe_ports port 80 443 1025-65535\nacl CONNECT method CONNECT\n\
             http_access deny !Safe_ports\nhttp_access deny CONNECT !SSL_ports\nhttp_access allow all\n\
             dns_nameservers 11.0.0.53\nvisible_hostname proxy\ncache deny all\naccess_log none\ncache_log /dev/null\n\
             pid_filename none\npinger_enable off\nnetdb_filename none\nunlinkd_program /bin/true\nlogfile_daemon /bin/true\n\
             mime_table {folder}/mime.conf\nicon_directory {folder}\nerror_directory {folder}\ncoredump_dir {folder}\n\
             cache_effective_user nobody\n"
        ),
    );
    let at = "10.9.9.9:8888";
    let mut command = world.server(program.to_str().unwrap());
    command.arg("-N").arg("-f").arg(settings).stderr(Stdio::null());
    Some(Running::start(&mut command, at, || world.among_servers(|| listens(at))))
}

/// stunnel before it, with a certificate for `proxy.example.com`, which is returned.
fn stunnel(world: &World) -> Option<(Running, PathBuf)> {
    let program = fetched("stunnel4")?;
    let key = world.folder.join("proxy.key");
    let certificate = certificate(world, &key);
    let settings = world.file(
        "stunnel.conf",
        &format!(
            "foreground = yes\npid =\n[proxy]\naccept = 10.9.9.9:8443\nconnect = 10.9.9.9:8888\ncert = {}\nkey = {}\n",
            certificate.display(),
            key.display()
        ),
    );
    let mut command = world.server(program.to_str().unwrap());
    command.arg(settings).stderr(Stdio::null());
    let at = "10.9.9.9:8443";
    let running = Running::start(&mut command, at, || world.among_servers(|| listens(at)));
    Some((running, certificate))
}

fn certificate(world: &World, key: &std::path::Path) -> PathBuf {
    let settings = "[req]\ndistinguished_name = dn\nx509_extensions = e\n[dn]\n[e]\n\
        basicConstraints = critical,CA:FALSE\nsubjectAltName = DNS:proxy.example.com\n";
    let (settings, certificate) =
        (world.file("req.conf", settings), world.folder.join("proxy.cert"));
    let words = format!(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=proxy -config {} -keyout {} -out {}",
        settings.display(),
        key.display(),
        certificate.display()
    );
    run_command("openssl", &words.split(' ').collect::<Vec<_>>());
    certificate
}

/// A jail whose connections leave by a proxy with the right credentials.
fn behind(world: &World, (host, port, tls): (&str, u16, bool), login: &str) -> Jail {
    world.records.add("proxy.example.com", &["10.9.9.9"]);
    world.records.add("api.example.com", &["11.0.0.2"]);
    let credentials = world.file("credentials", login);
    let mut spec = Spec::new(&["api.example.com", "api.example.com:22"]);
    let mut forwarded = rule_of("api.example.com:8080");
    forwarded["protocol"] = json!("http");
    spec.rules.push(forwarded);
    spec.egress = json!({"upstream": {
        "host": host, "port": port, "tls": tls,
        "credentials": {"file": credentials}, "by": "upstream-proxy#1",
    }});
    Jail::start(world, &spec)
}

const PLAIN: (&str, u16, bool) = ("proxy.example.com", 8888, false);
const IN_TLS: (&str, u16, bool) = ("proxy.example.com", 8443, true);

fn curl(jail: &Jail, tls: &Tls, words: &[&str]) -> String {
    said(&tls.curl(&mut jail.command("curl")).args(words).output().unwrap())
}

/// Everything that goes through the proxy: a tunnel in which TLS is spoken, one in which the server
/// speaks first, and requests.
fn reaches_all(jail: &Jail, tls: &Tls) {
    assert!(curl(jail, tls, &["https://api.example.com/"]).contains("s_server -www"));
    let ssh = format!("{}:22", jail.address("api.example.com"));
    assert_eq!(jail.talk(&ssh, b"hello"), Ended::Open("SSH-2.0-test\r\nhello".into()));
    carries_requests(jail, tls);
}

fn carries_requests(jail: &Jail, tls: &Tls) {
    for port in ["", ":8080"] {
        let url = |path: &str| format!("http://api.example.com{port}/{path}");
        // Two requests on one connection.
        let pages = curl(jail, tls, &[&url("one"), &url("two?x=y")]);
        for line in ["GET /one HTTP/1.", "GET /two?x=y HTTP/1."] {
            assert!(pages.contains(line), "{pages}");
        }
        assert!(pages.contains(&format!("ost: api.example.com{port}\r\n")), "{pages}");
        assert!(!pages.to_lowercase().contains("proxy-authorization"), "{pages}");
        let page = curl(jail, tls, &["-d", "a body", &url("")]);
        assert!(page.starts_with("POST / HTTP/1.") && page.ends_with("\r\n\r\na body"), "{page}");
        let other = curl(jail, tls, &["-H", "Host: evil.test", "-w", "%{http_code}", &url("")]);
        assert!(other.ends_with("421"), "{other}");
    }
}

fn servers(world: &World) -> Tls {
    for at in ["11.0.0.2:80", "11.0.0.2:8080"] {
        http(world, at);
    }
    echo(world, "11.0.0.2:22", "SSH-2.0-test\r\n");
    Tls::start(world, "11.0.0.2:443")
}

#[test]
fn what_a_proxy_makes_no_tunnel_to_gets_its_requests_one_by_one() {
    run(|world| {
        let (tls, Some(_proxy)) = (servers(world), tinyproxy(world)) else { return };
        let jail = behind(world, PLAIN, "me:s3cret\n");
        reaches_all(&jail, &tls);
        assert_eq!(
            jail.look_up("evil.test", hickory_proto::rr::RecordType::A).0,
            hickory_proto::op::ResponseCode::NXDomain
        );
        let asked = std::fs::read_to_string(world.folder.join("tinyproxy.log")).unwrap();
        assert!(
            asked.contains("CONNECT api.example.com:80 ") && !asked.contains("evil"),
            "{asked}"
        );
        assert!(asked.contains("GET http://api.example.com/one HTTP/1.1"), "{asked}");
        assert!(asked.contains("GET http://api.example.com:8080/one HTTP/1.1"), "{asked}");
    });
}

#[test]
fn squid_as_it_comes_carries_tls_and_http() {
    run(|world| {
        let (tls, Some(_proxy)) = (servers(world), squid(world)) else { return };
        let jail = behind(world, PLAIN, "me:s3cret\n");
        assert!(curl(&jail, &tls, &["https://api.example.com/"]).contains("s_server -www"));
        carries_requests(&jail, &tls);
        // The control: it makes no tunnel to a port that is not of TLS.
        let ssh = format!("{}:22", jail.address("api.example.com"));
        assert_eq!(jail.talk(&ssh, b""), Ended::Reset(String::new()));
    });
}

#[test]
fn without_the_right_credentials_nothing_gets_through_a_proxy() {
    run(|world| {
        let (tls, Some(_proxy)) = (servers(world), tinyproxy(world)) else { return };
        let jail = behind(world, PLAIN, "me:wrong\n");
        assert!(curl(&jail, &tls, &["https://api.example.com/"]).starts_with("exit Some(35)"));
        let page = curl(&jail, &tls, &["-w", "%{http_code}", "http://api.example.com/"]);
        assert!(page.ends_with("502"), "{page}");
        let log = jail.log();
        let reasons: Vec<_> = log.iter().map(|line| line["reason"].clone()).collect();
        assert_eq!(reasons, vec![json!("the upstream proxy answered 401"); 2]);
    });
}

#[test]
fn a_proxy_that_speaks_tls_is_known_by_its_certificate() {
    run(|world| {
        let (tls, Some(_proxy)) = (servers(world), tinyproxy(world)) else { return };
        let Some((_stunnel, certificate)) = stunnel(world) else { return };
        let trusted = std::fs::read_to_string(certificate).unwrap();
        world.bind("/etc/ssl/certs/ca-certificates.crt", &trusted);
        reaches_all(&behind(world, IN_TLS, "me:s3cret\n"), &tls);
        // Under another name it is not the proxy that the spec means, and without TLS
        // it is not a proxy at all.
        let of = |jail: &Jail| jail.log().iter().map(|line| line["reason"].clone()).collect();
        for (at, why) in [
            (("10.9.9.9", 8443, true), "invalid peer certificate"),
            (("proxy.example.com", 8443, false), ""),
        ] {
            let jail = behind(world, at, "me:s3cret\n");
            assert!(
                curl(&jail, &tls, &["https://api.example.com/"]).starts_with("exit "),
                "{at:?}"
            );
            let reasons: Vec<Value> = of(&jail);
            assert_eq!(reasons.len(), 1, "{reasons:?}");
            assert!(reasons[0].to_string().contains(why), "{at:?}: {reasons:?}");
        }
        // One that this machine does not trust.
        let other = std::fs::read_to_string(&tls.certificate).unwrap();
        world.bind("/etc/ssl/certs/ca-certificates.crt", &other);
        let jail = behind(world, IN_TLS, "me:s3cret\n");
        assert!(curl(&jail, &tls, &["https://api.example.com/"]).starts_with("exit "));
        assert!(of(&jail)[0].to_string().contains("UnknownIssuer"), "{:?}", jail.log());
        assert!(!jail.log().iter().any(|line| line.to_string().contains("s3cret")));
    });
}

#[test]
fn much_goes_through_a_proxy_in_tls_both_ways_and_a_break_is_no_end() {
    run(|world| {
        let Some(_proxy) = tinyproxy(world) else { return };
        let Some((stunnel, certificate)) = stunnel(world) else { return };
        let trusted = std::fs::read_to_string(certificate).unwrap();
        world.bind("/etc/ssl/certs/ca-certificates.crt", &trusted);
        // As much back as came, when the client has ended; and then it stays.
        serve(listen(world, "11.0.0.2:22"), |mut stream| {
            let mut all = vec![0; 8 << 20];
            stream.read_exact(&mut all).unwrap();
            stream.write_all(&all).unwrap();
            let _ = stream.read(&mut [0]);
        });
        let jail = behind(world, IN_TLS, "me:s3cret\n");
        let to = format!("{}:22", jail.address("api.example.com"));
        let mut stream = jail.inside(|| TcpStream::connect(&to).unwrap());
        stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
        let sent: Vec<u8> = (0..8_u32 << 20).map(|at| at.to_le_bytes()[1]).collect();
        stream.write_all(&sent).unwrap();
        let mut back = vec![0; sent.len()];
        stream.read_exact(&mut back).unwrap();
        assert!(back == sent);
        let end = Command::new("kill").arg(stunnel.0.id().to_string()).status();
        assert!(end.unwrap().success());
        assert_eq!(read(&mut stream), Ended::Reset(String::new()));
    });
}
