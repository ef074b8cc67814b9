//! Secrets: what the jail has is a placeholder, and what a named host gets is the value.
//!
//! `sources` has the values at launch, `placeholder` makes what stands for them, `request` and
//! `answer` judge and change heads, and `body` what streams behind them. A value stands in locked
//! memory (`value`) and in what is on its way to a server, and is nowhere printed.

mod answer;
mod body;
mod credentials;
mod encoded;
mod objection;
pub mod placeholder;
mod request;
mod search;
mod socket;
pub(crate) mod sources;
mod uses;
mod value;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::header::HeaderName;
use jail_egress::{Host, Pattern};
use jail_plan::{SecretPlace, SecretSocket};
use zeroize::Zeroizing;

pub use answer::AnswerChange;
pub use body::{Change, Changed, Outcome};
pub use objection::Objection;
pub use request::{Destination, RequestChange};
pub use uses::Use;

use placeholder::Placeholder;
use search::{Pair, Replacements, Row, Traces};
use uses::Uses;
use value::Value;

/// At most this many bytes of a value's encodings may be passed on before the rest is known to
/// follow. They reveal nothing about it.
const OPEN: usize = 4;

/// One secret, at run time.
#[derive(Debug)]
struct Secret {
    name: String,
    hosts: Vec<Pattern>,
    /// The hosts that a `SecretSocket` adds it for.
    added: Vec<Pattern>,
    places: Vec<SecretPlace>,
    /// The only header that it may stand in. Without one those that services take a credential
    /// from.
    header: Option<HeaderName>,
    value: Value,
    /// None where a `SecretSocket` adds it.
    placeholder: Option<Placeholder>,
}

/// By the form and the secrets.
type ReplacementsByForm = BTreeMap<(Form, Vec<usize>), Arc<Replacements>>;

/// All secrets of a jail.
#[derive(Debug)]
pub struct Secrets {
    all: Vec<Secret>,
    traces: Traces,
    /// What is looked for and replaced, made when it is first needed.
    made: Mutex<ReplacementsByForm>,
    uses: Mutex<Uses>,
}

/// In which form a value takes the place of its placeholder, or the other way around.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    /// To a server, as it stands.
    Plain,
    /// To a server, in a string of JSON.
    Json,
    /// To a server, in a URL or a form.
    Percent,
    /// From a server, in all forms.
    Answer,
}

impl Secrets {
    /// Secrets with their values, of which `sockets` add some by themselves.
    ///
    /// # Errors
    /// Which one cannot be used, with the reason; nothing of a value is said.
    pub fn new(
        secrets: Vec<(jail_plan::Secret, Zeroizing<Vec<u8>>)>,
        sockets: &[SecretSocket],
    ) -> Result<Self, String> {
        let all: Result<Vec<Secret>, String> = secrets
            .into_iter()
            .map(|(secret, value)| {
                let name = secret.name.clone();
                Secret::new(secret, sockets, value)
                    .map_err(|why| format!("the secret `{name}`: {why}"))
            })
            .collect();
        let all = all?;
        let placeholders: Vec<_> = all.iter().map(|one| one.placeholder.clone()).collect();
        let traces = Traces::new(&placeholders).map_err(|error| error.to_string())?;
        Ok(Self { all, traces, made: Mutex::default(), uses: Mutex::default() })
    }

    /// What the jail has of each secret that has a placeholder.
    pub(crate) fn placeholders(&self) -> BTreeMap<String, Vec<u8>> {
        let all = self.all.iter();
        let all = all.filter_map(|secret| {
            Some((secret.name.clone(), secret.placeholder.as_ref()?.as_str().into()))
        });
        all.collect()
    }

    /// What the jail has in the place of one.
    #[must_use]
    pub fn placeholder(&self, name: &str) -> Option<&str> {
        let secret = self.all.iter().find(|secret| secret.name == name)?;
        secret.placeholder.as_ref().map(Placeholder::as_str)
    }

    /// Where they went.
    #[must_use]
    pub fn uses(&self) -> Vec<Use> {
        lock(&self.uses).all()
    }

    /// Each secret by its name, with the hosts that get its value.
    pub(crate) fn names_and_hosts(&self) -> impl Iterator<Item = (&str, Vec<String>)> {
        self.all.iter().map(|secret| {
            let hosts = secret.hosts.iter().chain(&secret.added).map(ToString::to_string);
            (secret.name.as_str(), hosts.collect())
        })
    }

    /// Pairs of a secret and a host that were used for the first time since this was last asked.
    pub(crate) fn first_uses(&self) -> Vec<Use> {
        lock(&self.uses).first()
    }

    /// Whether there is nothing to replace, to refuse and to remove.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The secrets that a host may get.
    fn allowed_for(&self, host: &Host) -> Vec<usize> {
        self.where_it(|secret| secret.is_for(host))
    }

    /// The secrets that a host may send back.
    fn from(&self, host: &Host) -> Vec<usize> {
        self.where_it(|secret| secret.comes_from(host))
    }

    fn where_it(&self, is_it: impl Fn(&Secret) -> bool) -> Vec<usize> {
        let all = self.all.iter().enumerate();
        all.filter(|(_, secret)| is_it(secret)).map(|(index, _)| index).collect()
    }

    fn get(&self, index: usize) -> Option<&Secret> {
        self.all.get(index)
    }

    fn name_of(&self, index: usize) -> String {
        self.get(index).map(|secret| secret.name.clone()).unwrap_or_default()
    }

    fn count(&self, index: usize, host: &Host) {
        if let Some(secret) = self.get(index) {
            lock(&self.uses).count(&secret.name, &host.to_string());
        }
    }

    /// What is replaced of these secrets. There are no more sets of them than hosts that rules
    /// name.
    fn replacements(&self, form: Form, secrets: Vec<usize>) -> io::Result<Arc<Replacements>> {
        let key = (form, secrets);
        if let Some(made) = lock(&self.made).get(&key) {
            return Ok(made.clone());
        }
        let pairs = key.1.iter().flat_map(|index| {
            self.get(*index).map(|secret| secret.pairs(*index, form)).unwrap_or_default()
        });
        let made = Arc::new(Replacements::new(pairs.collect())?);
        lock(&self.made).insert(key, made.clone());
        Ok(made)
    }
}

fn is_among<'a>(host: &Host, mut patterns: impl Iterator<Item = &'a Pattern>) -> bool {
    match host {
        Host::Name(name) => patterns.any(|pattern| pattern.matches(name)),
        Host::Address(_) => false,
    }
}

/// What a thread left that panicked is as good as before: each change is one call.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Secret {
    fn new(
        secret: jail_plan::Secret,
        sockets: &[SecretSocket],
        value: Zeroizing<Vec<u8>>,
    ) -> Result<Self, String> {
        let pattern =
            |host: &String| Pattern::parse(host).map_err(|error| format!("`{host}`: {error}"));
        let hosts: Result<Vec<Pattern>, String> = secret.hosts.iter().map(pattern).collect();
        let own = sockets.iter().filter(|socket| socket.secret == secret.name);
        let added: Result<Vec<Pattern>, String> = own.map(|socket| pattern(&socket.host)).collect();
        let header = secret.header.as_deref().map(HeaderName::try_from).transpose();
        let header = header.map_err(|_| "its header is not the name of one".to_owned())?;
        let placeholder = Placeholder::for_value(&value).map_err(|why| why.to_string())?;
        let has_placeholder = !secret.places.is_empty();
        let value = Value::new(value).map_err(|error| {
            format!(
                "memory that is not swapped out: {error} (`ulimit -l` says how much there may be)"
            )
        })?;
        Ok(Self {
            name: secret.name,
            hosts: hosts?,
            added: added?,
            places: secret.places,
            header,
            value,
            placeholder: has_placeholder.then_some(placeholder),
        })
    }

    fn is_for(&self, host: &Host) -> bool {
        is_among(host, self.hosts.iter())
    }

    /// Whether a host may have got the value, and send it back.
    fn comes_from(&self, host: &Host) -> bool {
        is_among(host, self.hosts.iter().chain(&self.added))
    }

    fn pairs(&self, index: usize, form: Form) -> Vec<Pair> {
        let value = self.value.bytes();
        let copy = |bytes: &[u8]| Zeroizing::new(bytes.to_vec());
        let own = self.placeholder.as_ref().map(Placeholder::as_str).unwrap_or_default().as_bytes();
        // A placeholder is not a secret.
        let to_server = Row { secret: index, open: 0, known: own.len() };
        match form {
            Form::Plain => vec![(copy(own), copy(value), to_server)],
            Form::Json => vec![(copy(own), encoded::json(value), to_server)],
            Form::Percent => vec![(copy(own), encoded::percent(value), to_server)],
            Form::Answer => self.answer_pairs(index),
        }
    }

    /// The value and its encodings, and what the jail gets instead, which is as long: so an answer
    /// keeps its length.
    fn answer_pairs(&self, index: usize) -> Vec<Pair> {
        let value = self.value.bytes();
        let own = match &self.placeholder {
            Some(placeholder) => placeholder.as_str().as_bytes().to_vec(),
            None => vec![b'x'; value.len()],
        };
        let shared = self.placeholder.as_ref().map_or(0, Placeholder::shared);
        let as_long = |text: &[u8], other: Vec<u8>| {
            let mut other = Zeroizing::new(other);
            other.resize(text.len(), b'x');
            other
        };
        let mut pairs = Vec::new();
        let plain = Zeroizing::new(value.to_vec());
        let encodings = [plain, encoded::json(value), encoded::percent(value)].into_iter();
        let others = encoded::percent_others(value).into_iter().chain(encoded::json_others(value));
        for text in encodings.chain(others) {
            let other = as_long(&text, own.clone());
            let known = begins_alike(&text, &other).min(shared);
            pairs.push((text, other, Row { secret: index, open: known + OPEN, known }));
        }
        for (text, other) in
            encoded::base64_pieces(value).into_iter().zip(encoded::base64_pieces(&own))
        {
            let other = as_long(&text, other.to_vec());
            // The characters that are of the beginning alone.
            let known = begins_alike(&text, &other).min((shared * 8 / 6).saturating_sub(3));
            pairs.push((text, other, Row { secret: index, open: known + OPEN, known }));
        }
        pairs
    }
}

fn begins_alike(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

#[cfg(test)]
mod tests;
