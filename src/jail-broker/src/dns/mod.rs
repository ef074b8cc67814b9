//! The jail's DNS server. It asks no other server about a name that is not allowed, and about an
//! allowed one only for what cannot be made up here: the targets of services, and texts where a
//! rule has them.

pub(crate) mod serve;
mod services;
mod wire;

use std::net::IpAddr;
use std::rc::Rc;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{RData, Record, RecordType};
use jail_egress::{Host, Name, Refusal, Request, Verdict, decide};

use crate::ask;
use crate::session::Session;
use services::{Service, service};
use wire::Question;

pub(crate) use services::Services;
pub use wire::{Answer, read};

/// What a question is about, as far as it can be known without a lookup.
#[derive(Debug, PartialEq, Eq)]
enum Subject {
    /// The addresses of an allowed name, of one family.
    Addresses(Name),
    /// Where a service of an allowed name is.
    Service(Name),
    /// The texts of an allowed name, whose rule has them.
    Texts(Name),
    /// Another type of an allowed name: there is nothing.
    Nothing,
    /// A name that no rule allows, or what is no host's name.
    Refused(Option<(Name, Refusal)>),
}

/// Answers a question.
pub(crate) async fn answer(session: &Rc<Session>, question: &Question) -> Message {
    match classify(session, question) {
        Subject::Addresses(name) => addresses(session, question, &name),
        Subject::Service(name) => services(session, question, &name).await,
        Subject::Texts(name) => texts(session, question, &name).await,
        Subject::Nothing => question.answer(ResponseCode::NoError),
        Subject::Refused(refused) => {
            if let Some((name, why)) = refused {
                session.log.lookup_refused(&name, question.kind(), why);
            }
            question.answer(ResponseCode::NXDomain)
        }
    }
}

fn classify(session: &Session, question: &Question) -> Subject {
    let policy = session.policy.borrow();
    let lookup = |name: &Name| decide(&policy, &Request::Lookup(name));
    let Some(name) = question.name() else { return Subject::Refused(None) };
    match question.kind() {
        RecordType::PTR => return Subject::Refused(None),
        RecordType::SRV => {
            let host = match service(&name) {
                Service::Of(host) => lookup(&host),
                Service::Host => lookup(&name),
                Service::Odd => return Subject::Refused(None),
            };
            return match (host, lookup(&name)) {
                (Verdict::Allowed { .. }, _) | (_, Verdict::Allowed { .. }) => {
                    Subject::Service(name)
                }
                (Verdict::Refused(why), Verdict::Refused(_)) => Subject::Refused(Some((name, why))),
            };
        }
        _ => {}
    }
    match (lookup(&name), question.kind()) {
        // If the user may be asked, that happens when a program connects.
        (Verdict::Refused(_), RecordType::A | RecordType::AAAA)
            if ask::can_ask(session, &Host::Name(name.clone())) =>
        {
            Subject::Addresses(name)
        }
        (Verdict::Refused(why), _) => Subject::Refused(Some((name, why))),
        (Verdict::Allowed { .. }, RecordType::A | RecordType::AAAA) => Subject::Addresses(name),
        (Verdict::Allowed { .. }, RecordType::TXT) if policy.takes_txt(&name) => {
            Subject::Texts(name)
        }
        // HTTPS and SVCB among them: they would bring keys for a hello whose server name the broker
        // cannot read.
        (Verdict::Allowed { .. }, _) => Subject::Nothing,
    }
}

fn addresses(session: &Rc<Session>, question: &Question, name: &Name) -> Message {
    match session.addresses(name) {
        Ok(addresses) => {
            let is_asked =
                |address: &&IpAddr| address.is_ipv6() == (question.kind() == RecordType::AAAA);
            let data = addresses.iter().filter(is_asked).map(|address| match address {
                IpAddr::V4(v4) => RData::A((*v4).into()),
                IpAddr::V6(v6) => RData::AAAA((*v6).into()),
            });
            question.with(data)
        }
        Err(why) => {
            session.log.trouble(&format!("{name} has no address: {why}"));
            question.answer(ResponseCode::ServFail)
        }
    }
}

/// Of the answer outside only the targets that are allowed themselves.
async fn services(session: &Rc<Session>, question: &Question, name: &Name) -> Message {
    if !session.services.admit(name) {
        session.log.trouble("a service was not looked up: there were as many as there may be");
        return question.answer(ResponseCode::NoError);
    }
    let Ok(found) = session.lookups.records(name, RecordType::SRV).await else {
        return question.answer(ResponseCode::NoError);
    };
    let policy = session.policy.borrow();
    let is_allowed = |data: &RData| match data {
        RData::SRV(service) => wire::name(&service.target)
            .is_some_and(|target| policy.ports(&Host::Name(target)).contains(&service.port)),
        _ => false,
    };
    let data = found.answers().iter().map(data_of).filter(|data| is_allowed(data)).cloned();
    question.with(data)
}

async fn texts(session: &Rc<Session>, question: &Question, name: &Name) -> Message {
    match session.lookups.records(name, RecordType::TXT).await {
        Ok(found) => {
            let texts = found.answers().iter().map(data_of);
            question.with(texts.filter(|data| matches!(data, RData::TXT(_))).cloned())
        }
        Err(_) => question.answer(ResponseCode::NoError),
    }
}

fn data_of(record: &Record) -> &RData {
    &record.data
}
