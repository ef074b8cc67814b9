//! The log: each verdict as a line, what was refused in a file for the jail itself, and a line at
//! the end.

mod closing;
mod file;
mod line;
mod repeats;

use std::borrow::Cow;
use std::cell::RefCell;
use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::Instant;

use hickory_proto::rr::RecordType;
use jail_egress::{Host, Name, Protocol, Refusal, RequestRefusal};

use crate::http::Fault;
use crate::secrets::Use;

pub(crate) use file::LogFile;
pub(crate) use line::written;

use closing::Closing;
use line::{Line, Verdict};
use repeats::{Again, Repeats};

/// The file in the jail is not longer: it is memory of the jail's.
const REFUSED_MAX: usize = 64 * 1024;

/// So much of a request's path is said.
const PATH_SHOWN: usize = 200;
/// The same of a method.
const METHOD_SHOWN: usize = 32;

/// What the policy says about an allowed connection.
#[derive(Clone, Debug)]
pub(crate) struct Allowed {
    pub(crate) protocol: Protocol,
    /// The grant that allows it.
    pub(crate) by: String,
}

/// The jail that a log belongs to.
pub(crate) struct Whose {
    pub(crate) name: String,
    pub(crate) session: String,
    /// For each grant its place in the spec.
    pub(crate) places: std::collections::BTreeMap<String, String>,
}

/// All of it.
pub(crate) struct Log {
    whose: Whose,
    file: RefCell<LogFile>,
    repeats: RefCell<Repeats>,
    refused: RefCell<Option<(File, usize)>>,
    closing: RefCell<Closing>,
    /// What is said before the closing line.
    notes: RefCell<Vec<String>>,
}

impl Log {
    /// `refused` is the file in the jail, opened for appending.
    pub(crate) fn new(whose: Whose, file: LogFile, refused: Option<OwnedFd>) -> Self {
        Self {
            whose,
            file: RefCell::new(file),
            repeats: RefCell::default(),
            refused: RefCell::new(refused.map(|file| (File::from(file), 0))),
            closing: RefCell::default(),
            notes: RefCell::default(),
        }
    }

    /// A connection was made.
    pub(crate) fn allowed(&self, host: &Host, port: u16, address: SocketAddr, allowed: &Allowed) {
        self.write(&Line {
            host: Some(host.to_string().into()),
            port: Some(port),
            address: Some(address.ip().to_string().into()),
            by: Some(allowed.by.as_str().into()),
            place: self.place(&allowed.by),
            ..Line::new(Verdict::Allowed)
        });
    }

    /// The policy objected to a connection.
    pub(crate) fn refused(&self, host: &Host, port: u16, why: Refusal) {
        let remedy = why.remedy(host, port);
        self.refuse(&refusal(host.to_string(), Some(port), &why.to_string(), remedy), None);
        self.closing.borrow_mut().refused(host, Some(port), why);
    }

    /// The policy objected to a name that was looked up.
    pub(crate) fn lookup_refused(&self, name: &Name, kind: RecordType, why: Refusal) {
        let host = Host::Name(name.clone());
        let remedy = why.remedy(&host, 443);
        self.refuse(&refusal(name.to_string(), None, &why.to_string(), remedy), Some(kind));
        self.closing.borrow_mut().refused(&host, None, why);
    }

    /// What was sent does not belong on the port.
    pub(crate) fn unfit(&self, host: &Host, port: u16, why: &str) {
        self.refuse(&refusal(host.to_string(), Some(port), why, None), None);
    }

    /// A request was wrong in itself.
    pub(crate) fn wrong_request(&self, host: &Host, port: u16, fault: Fault) {
        self.unfit(host, port, &fault.to_string());
    }

    /// The rules for a host object to a request. Its method and path are the jail's own text, so
    /// they are cut.
    pub(crate) fn request_refused(
        &self,
        host: &Host,
        port: u16,
        (method, path): (&str, &str),
        why: RequestRefusal,
    ) {
        let [method, path] = [(method, METHOD_SHOWN), (path, PATH_SHOWN)]
            .map(|(text, length)| text.chars().take(length).collect::<String>());
        self.unfit(host, port, &format!("{method} {path}: {why}"));
    }

    /// A server's certificate is one that this machine does not trust.
    pub(crate) fn untrusted(&self, host: &Host, port: u16, why: &str) {
        self.write(&Line {
            host: Some(host.to_string().into()),
            port: Some(port),
            reason: Some(format!("the server's certificate is not trusted: {why}").into()),
            ..Line::new(Verdict::Failed)
        });
    }

    /// The place of a grant in the spec.
    pub(crate) fn place(&self, by: &str) -> Option<Cow<'_, str>> {
        self.whose.places.get(by).map(|place| place.as_str().into())
    }

    /// A connection to an address that stands for nothing.
    pub(crate) fn stray(&self, to: SocketAddr) {
        let why = "this address stands for no name";
        self.refuse(&refusal(to.ip().to_string(), Some(to.port()), why, None), None);
    }

    /// An allowed connection could not be made, or broke.
    pub(crate) fn broken(&self, host: &Host, port: u16, error: &std::io::Error) {
        self.write(&Line {
            host: Some(host.to_string().into()),
            port: Some(port),
            reason: Some(error.to_string().into()),
            ..Line::new(Verdict::Failed)
        });
    }

    /// Something that is not a verdict.
    pub(crate) fn trouble(&self, what: &str) {
        self.write(&Line { reason: Some(what.into()), ..Line::new(Verdict::Trouble) });
    }

    /// A change while the jail ran. The jail did not make it, so it is not counted.
    pub(crate) fn changed(&self, what: &str) {
        self.append(&Line { reason: Some(what.into()), ..Line::new(Verdict::Changed) }, None);
    }

    /// Prints a message for the jail's launcher.
    pub(crate) fn say(&self, what: &str) {
        say(&self.whose.name, what);
    }

    /// Says something when the payload has ended: until then the terminal is the payload's.
    pub(crate) fn say_at_the_end(&self, what: String) {
        self.notes.borrow_mut().push(what);
    }

    /// What is to be said at the end; and what was refused, in one line, if anything was.
    pub(crate) fn close(&self) {
        self.notes.borrow_mut().drain(..).for_each(|note| self.say(&note));
        if let Some(line) = self.closing.borrow().line() {
            self.say(&line);
        }
    }

    /// What the jail is called.
    pub(crate) fn name(&self) -> &str {
        &self.whose.name
    }

    /// The id of the session.
    pub(crate) fn session(&self) -> &str {
        &self.whose.session
    }

    /// Secrets went to hosts.
    pub(crate) fn used(&self, uses: &[Use]) {
        for one in uses {
            self.write(&Line {
                host: Some(one.host.as_str().into()),
                secret: Some(one.secret.as_str().into()),
                count: Some(one.count),
                last: Some(one.last),
                ..Line::new(Verdict::Used)
            });
        }
    }

    /// A connection to a port of the host's loopback was made.
    pub(crate) fn host_port(&self, port: &jail_plan::HostPort) {
        self.write(&Line {
            host: Some("localhost".into()),
            port: Some(port.to),
            by: Some(port.by.as_str().into()),
            place: self.place(&port.by),
            ..Line::new(Verdict::Allowed)
        });
    }

    /// The newest lines of this session.
    pub(crate) fn tail(&self, bytes: usize) -> Vec<u8> {
        self.file.borrow().tail(bytes)
    }

    /// The hosts that were refused.
    pub(crate) fn refused_hosts(&self) -> Vec<String> {
        self.closing.borrow().hosts()
    }

    /// Writes what was counted for long enough. The broker does so now and then.
    pub(crate) fn settle(&self) {
        let over = self.repeats.borrow_mut().over(Instant::now());
        self.write_again(over);
    }

    /// Writes what was counted until now, at the end.
    pub(crate) fn settle_all(&self) {
        let all = self.repeats.borrow_mut().all();
        self.write_again(all);
    }

    fn refuse(&self, line: &Line<'_>, kind: Option<RecordType>) {
        if self.write_once(line, kind) {
            self.tell_jail(line);
        }
    }

    fn write(&self, line: &Line<'_>) {
        self.write_once(line, None);
    }

    /// Writes a line that does not say what was said a moment ago: whether it is one.
    fn write_once(&self, line: &Line<'_>, kind: Option<RecordType>) -> bool {
        let is_again = self.repeats.borrow_mut().is_again(line, kind, Instant::now());
        self.settle();
        if !is_again {
            self.append(line, None);
        }
        !is_again
    }

    fn write_again(&self, all: Vec<Again>) {
        all.iter().for_each(|(line, times)| self.append(line, Some(*times)));
    }

    fn append(&self, line: &Line<'_>, times: Option<u64>) {
        let session = &self.whose.session;
        // A log that cannot be written any more stops nothing.
        drop(self.file.borrow_mut().append(|number| line.text(session, number, times)));
    }

    /// Appends to the jail's own file as long as there is room.
    fn tell_jail(&self, line: &Line<'_>) {
        let mut refused = self.refused.borrow_mut();
        let Some((file, written)) = refused.as_mut() else { return };
        let text = line.text_for_jail();
        if *written + text.len() <= REFUSED_MAX && file.write_all(text.as_bytes()).is_ok() {
            *written += text.len();
        }
    }
}

fn refusal(host: String, port: Option<u16>, why: &str, remedy: Option<String>) -> Line<'_> {
    Line {
        host: Some(host.into()),
        port,
        reason: Some(why.into()),
        remedy: remedy.map(Into::into),
        ..Line::new(Verdict::Refused)
    }
}

/// Text on standard error that a terminal was spared already.
pub(crate) fn show(text: &str) {
    // There is no other place to report that writing failed.
    drop(std::io::stderr().write_all(text.as_bytes()));
}

/// A line on standard error, without anything that a terminal would obey.
pub(crate) fn say(name: &str, what: &str) {
    show(&format!("{}\n", jail_plan::one_line(&format!("{name}: {what}"))));
}
