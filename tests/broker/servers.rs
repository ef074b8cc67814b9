//! Servers of the tests' internet: DNS with answers of the test's choice, TLS, HTTP, and
//! what only says who it is.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use hickory_proto::op::{Message, OpCode, ResponseCode};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use crate::world::{World, run_command};

/// The names that there are.
#[derive(Clone, Default)]
pub(crate) struct Records(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    /// For each name the answers, of which each is given once and the last one for ever.
    addresses: BTreeMap<String, Vec<Vec<IpAddr>>>,
    /// How often a name was asked for addresses of one family. The two questions of one
    /// look-up come in any order.
    turns: BTreeMap<(String, RecordType), usize>,
    aliases: BTreeMap<String, String>,
    others: Vec<(String, RecordType, RData)>,
    asked: Vec<String>,
    is_silent: bool,
}

impl Records {
    /// A name has these addresses.
    pub(crate) fn add(&self, name: &str, addresses: &[&str]) {
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        self.0.lock().unwrap().addresses.entry(name.into()).or_default().push(addresses);
    }

    /// A name is another name for one.
    pub(crate) fn alias(&self, name: &str, of: &str) {
        self.0.lock().unwrap().aliases.insert(name.into(), of.into());
    }

    /// A record that is not an address.
    pub(crate) fn other(&self, name: &str, kind: RecordType, data: RData) {
        self.0.lock().unwrap().others.push((name.into(), kind, data));
    }

    /// The server answers nothing from now on.
    pub(crate) fn be_silent(&self) {
        self.0.lock().unwrap().is_silent = true;
    }

    /// The names that were asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.0.lock().unwrap().asked.clone()
    }

    /// Starts the server.
    pub(crate) fn serve(&self, world: &World) {
        let (udp, tcp) = world.among_servers(|| {
            (UdpSocket::bind("11.0.0.53:53").unwrap(), TcpListener::bind("11.0.0.53:53").unwrap())
        });
        let records = self.clone();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok((count, from)) = udp.recv_from(&mut buffer) {
                if let Some(answer) = records.answer(&buffer[..count]) {
                    let _ = udp.send_to(&answer, from);
                }
            }
        });
        let records = self.clone();
        serve(tcp, move |mut stream| {
            let mut length = [0; 2];
            while stream.read_exact(&mut length).is_ok() {
                let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
                stream.read_exact(&mut question).unwrap();
                let answer = records.answer(&question).unwrap();
                let length = u16::try_from(answer.len()).unwrap().to_be_bytes();
                stream.write_all(&[&length[..], &answer].concat()).unwrap();
            }
        });
    }

    fn answer(&self, question: &[u8]) -> Option<Vec<u8>> {
        let question = Message::from_vec(question).unwrap();
        let query = question.queries[0].clone();
        let mut known = self.0.lock().unwrap();
        let known = &mut *known;
        let name = query.name().to_ascii().to_ascii_lowercase();
        let name = name.trim_end_matches('.').to_owned();
        known.asked.push(name.clone());
        if known.is_silent {
            return None;
        }
        let mut answer = Message::response(question.metadata.id, OpCode::Query);
        answer.metadata.recursion_available = true;
        answer.add_query(query.clone());
        let dns = |text: &str| Name::from_ascii(format!("{text}.")).unwrap();
        let target = known.aliases.get(&name).cloned();
        if let Some(target) = &target {
            let alias = RData::CNAME(hickory_proto::rr::rdata::CNAME(dns(target)));
            answer.add_answer(Record::from_rdata(dns(&name), 1, alias));
        }
        let name = target.unwrap_or(name);
        for (_, _, data) in
            known.others.iter().filter(|(of, kind, _)| *of == name && *kind == query.query_type())
        {
            answer.add_answer(Record::from_rdata(dns(&name), 1, data.clone()));
        }
        let is_other = known.others.iter().any(|(of, ..)| *of == name);
        let Some(answers) = known.addresses.get(&name) else {
            if !is_other {
                answer.metadata.response_code = ResponseCode::NXDomain;
            }
            return Some(answer.to_vec().unwrap());
        };
        let wants = |address: &&IpAddr| match query.query_type() {
            RecordType::A => address.is_ipv4(),
            RecordType::AAAA => address.is_ipv6(),
            _ => false,
        };
        let turn = known.turns.entry((name.clone(), query.query_type())).or_default();
        let given = &answers[(*turn).min(answers.len() - 1)];
        *turn += 1;
        for address in given.iter().filter(wants) {
            let data = match address {
                IpAddr::V4(v4) => RData::A((*v4).into()),
                IpAddr::V6(v6) => RData::AAAA((*v6).into()),
            };
            // Answers are used once, so that the next look-up comes here again.
            answer.add_answer(Record::from_rdata(dns(&name), 0, data));
        }
        Some(answer.to_vec().unwrap())
    }
}

/// Serves each connection in a thread.
pub(crate) fn serve(listener: TcpListener, run: impl Fn(TcpStream) + Send + Sync + 'static) {
    let run = Arc::new(run);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let run = run.clone();
            thread::spawn(move || run(stream));
        }
    });
}

/// Listens among the servers.
pub(crate) fn listen(world: &World, at: &str) -> TcpListener {
    world.among_servers(|| TcpListener::bind(at).unwrap())
}

/// A server that speaks first, and then says everything back.
pub(crate) fn echo(world: &World, at: &str, greeting: &'static str) {
    serve(listen(world, at), move |mut stream| {
        let _ = stream.write_all(greeting.as_bytes());
        let mut other = stream.try_clone().unwrap();
        let _ = std::io::copy(&mut stream, &mut other);
    });
}

/// A server of HTTP that answers with the request's head, as often as it is asked.
pub(crate) fn http(world: &World, at: &str) {
    serve(listen(world, at), |stream| {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut stream = stream;
        loop {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                if matches!(reader.read_line(&mut head), Ok(0) | Err(_)) {
                    return;
                }
            }
            let lower = head.to_ascii_lowercase();
            let length = lower.lines().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
            reader.read_exact(&mut body).unwrap();
            if lower.contains("upgrade: websocket") {
                let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
                    Upgrade: websocket\r\n\r\nhello";
                stream.write_all(answer.as_bytes()).unwrap();
                let _ = std::io::copy(&mut reader, &mut stream);
                return;
            }
            let said = format!("{head}{}", String::from_utf8_lossy(&body));
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{said}", said.len());
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    });
}

/// A server of TLS with a certificate for `*.example.com`, which it signed itself.
pub(crate) struct Tls {
    server: Child,
    pub(crate) certificate: PathBuf,
}

impl Tls {
    /// Starts it.
    pub(crate) fn start(world: &World, at: &str) -> Self {
        let (key, certificate) = (world.folder.join("key.pem"), world.folder.join("cert.pem"));
        let (key_text, certificate_text) = (key.to_str().unwrap(), certificate.to_str().unwrap());
        if !certificate.exists() {
            let subject = ["-subj", "/CN=tests", "-days", "2", "-addext"];
            let names = "subjectAltName=DNS:*.example.com,DNS:example.com,DNS:evil.test";
            let made = ["-nodes", "-keyout", key_text, "-out", certificate_text];
            let kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
            run_command("openssl", &[&kind[..], &made, &subject, &[names]].concat());
        }
        let server = world
            .server("openssl")
            .args(["s_server", "-www", "-quiet", "-accept", at, "-cert", certificate_text])
            .args(["-key", key_text])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let tls = Self { server, certificate };
        while world.among_servers(|| TcpStream::connect(at)).is_err() {
            thread::sleep(Duration::from_millis(10));
        }
        tls
    }

    /// curl, as a client that trusts it.
    pub(crate) fn curl<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.args(["-sS", "--max-time", "10", "--noproxy", "*", "--cacert"]);
        command.arg(&self.certificate)
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = self.server.kill();
    }
}
