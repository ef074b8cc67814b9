//! Messages of DNS: what a question is, and what an answer looks like.

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name as DnsName, RData, Record, RecordType};
use jail_egress::Name;

use crate::names::TTL;

/// A client that does not say how much it takes gets no more (RFC 1035).
const PLAIN_MAX: usize = 512;

/// What a client may take in a datagram, and what we say that we take (RFC 9715).
const DATAGRAM_MAX: u16 = 1232;

/// A question that can be answered.
#[derive(Debug)]
pub struct Question {
    id: u16,
    recursion_desired: bool,
    query: Query,
    /// How large an answer the client takes in a datagram.
    room: usize,
    has_edns: bool,
}

/// What a message comes to.
#[derive(Debug)]
pub enum Answer {
    /// It is a question.
    Question(Question),
    /// It is answered like this, whatever it asks.
    Ready(Vec<u8>),
    /// It is answered with silence: what is not a message, and what is an answer itself.
    None,
}

/// Reads a message from the jail.
#[must_use]
pub fn read(bytes: &[u8]) -> Answer {
    let Ok(message) = Message::from_vec(bytes) else { return unread(bytes) };
    let metadata = message.metadata;
    if metadata.message_type != MessageType::Query {
        return Answer::None;
    }
    let refuse = |code| ready(&Message::error_msg(metadata.id, metadata.op_code, code));
    if metadata.op_code != OpCode::Query {
        return refuse(ResponseCode::NotImp);
    }
    let [query] = message.queries.as_slice() else { return refuse(ResponseCode::FormErr) };
    if query.query_class() != DNSClass::IN {
        return refuse(ResponseCode::NotImp);
    }
    if message.edns.as_ref().is_some_and(|edns| edns.version() != 0) {
        return refuse(ResponseCode::BADVERS);
    }
    let room = message
        .edns
        .as_ref()
        .map_or(PLAIN_MAX, |edns| usize::from(edns.max_payload().min(DATAGRAM_MAX)).max(PLAIN_MAX));
    Answer::Question(Question {
        id: metadata.id,
        recursion_desired: metadata.recursion_desired,
        query: query.clone(),
        room,
        has_edns: message.edns.is_some(),
    })
}

/// A message that cannot be read has at least a number, if it is a question.
fn unread(bytes: &[u8]) -> Answer {
    let [high, low, flags, _, ..] = *bytes else { return Answer::None };
    if bytes.len() < 12 || flags & 0x80 != 0 {
        return Answer::None;
    }
    let id = u16::from_be_bytes([high, low]);
    ready(&Message::error_msg(id, OpCode::Query, ResponseCode::FormErr))
}

fn ready(message: &Message) -> Answer {
    message.to_vec().map_or(Answer::None, Answer::Ready)
}

impl Question {
    /// The host that it is about, where it is one.
    pub(crate) fn name(&self) -> Option<Name> {
        name(self.query.name())
    }

    /// The type of the records.
    pub(crate) fn kind(&self) -> RecordType {
        self.query.query_type()
    }

    /// The bytes of the answer to a name that is not allowed.
    #[must_use]
    pub fn refused(&self) -> Vec<u8> {
        // Without records it fits.
        self.datagram(&self.answer(ResponseCode::NXDomain)).unwrap_or_default()
    }

    /// An answer without records.
    pub(crate) fn answer(&self, code: ResponseCode) -> Message {
        let mut message = Message::response(self.id, OpCode::Query);
        message.metadata.recursion_desired = self.recursion_desired;
        message.metadata.recursion_available = true;
        message.metadata.response_code = code;
        message.add_query(self.query.clone());
        if self.has_edns {
            let mut edns = Edns::new();
            edns.set_max_payload(DATAGRAM_MAX);
            message.set_edns(edns);
        }
        message
    }

    /// An answer with these records under the name that was asked for.
    pub(crate) fn with(&self, data: impl Iterator<Item = RData>) -> Message {
        let mut message = self.answer(ResponseCode::NoError);
        let seconds = u32::try_from(TTL.as_secs()).unwrap_or_default();
        for one in data {
            let record = Record::from_rdata(self.query.name().clone(), seconds, one);
            message.add_answer(record);
        }
        message
    }

    /// The bytes for a datagram, where perhaps not all of it fits: the client then asks by TCP.
    pub(crate) fn datagram(&self, answer: &Message) -> Option<Vec<u8>> {
        let bytes = answer.to_vec().ok()?;
        if bytes.len() <= self.room {
            return Some(bytes);
        }
        let mut short = answer.truncate();
        short.metadata.truncation = true;
        short.answers.clear();
        short.to_vec().ok()
    }
}

/// A name of DNS as a host's, by its labels' bytes: a dot within a label does not make two of it.
pub(super) fn name(dns: &DnsName) -> Option<Name> {
    let mut text = Vec::new();
    for label in dns.iter() {
        if label.contains(&b'.') {
            return None;
        }
        if !text.is_empty() {
            text.push(b'.');
        }
        text.extend_from_slice(label);
    }
    Name::from_wire(&text).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn question(text: &str, kind: RecordType) -> Message {
        let mut message = Message::query();
        message.metadata.id = 7;
        message.add_query(Query::query(DnsName::from_ascii(text).unwrap(), kind));
        message
    }

    fn asked(message: &Message) -> Question {
        match read(&message.to_vec().unwrap()) {
            Answer::Question(question) => question,
            other => panic!("{other:?}"),
        }
    }

    fn code(answer: Answer) -> ResponseCode {
        match answer {
            Answer::Ready(bytes) => Message::from_vec(&bytes).unwrap().metadata.response_code,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_name_is_read_in_its_one_form() {
        let read = asked(&question("API.Example.com.", RecordType::A));
        assert_eq!(read.name().unwrap().as_str(), "api.example.com");
        let labels =
            |labels: &[&[u8]]| name(&DnsName::from_labels(labels.iter().copied()).unwrap());
        assert_eq!(labels(&[b"a", b"example", b"com"]).unwrap().as_str(), "a.example.com");
        for odd in [
            &[&b"a.example"[..], b"com"][..],
            &[b"evil\0", b"example", b"com"],
            &[b"a b", b"com"],
            &[],
        ] {
            assert_eq!(labels(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn what_is_no_single_question_of_the_internet_is_not_answered_as_one() {
        let mut two = question("a.example.com.", RecordType::A);
        two.add_query(Query::query(DnsName::from_ascii("b.example.com.").unwrap(), RecordType::A));
        assert_eq!(code(read(&two.to_vec().unwrap())), ResponseCode::FormErr);
        let mut chaos = question("version.bind.", RecordType::TXT);
        chaos.queries[0].set_query_class(DNSClass::CH);
        assert_eq!(code(read(&chaos.to_vec().unwrap())), ResponseCode::NotImp);
        let mut update = question("a.example.com.", RecordType::A);
        update.metadata.op_code = OpCode::Update;
        assert_eq!(code(read(&update.to_vec().unwrap())), ResponseCode::NotImp);
        let mut response = question("a.example.com.", RecordType::A);
        response.metadata.message_type = MessageType::Response;
        assert!(matches!(read(&response.to_vec().unwrap()), Answer::None));
        assert!(matches!(read(b"short"), Answer::None));
        assert_eq!(code(read(&[0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 63])), ResponseCode::FormErr);
    }

    #[test]
    fn an_answer_that_does_not_fit_says_so() {
        let plain = asked(&question("a.example.com.", RecordType::A));
        let address = |n: u8| RData::A(std::net::Ipv4Addr::new(198, 18, 0, n).into());
        let all = plain.with((0..60).map(address));
        let short = Message::from_vec(&plain.datagram(&all).unwrap()).unwrap();
        assert!(short.metadata.truncation);
        assert!(short.answers.is_empty());
        let mut message = question("a.example.com.", RecordType::A);
        message.set_edns(Edns::new().set_max_payload(4096).clone());
        let large = asked(&message);
        let all = large.with((0..60).map(address));
        let whole = Message::from_vec(&large.datagram(&all).unwrap()).unwrap();
        assert_eq!((whole.metadata.truncation, whole.answers.len()), (false, 60));
        assert!(whole.edns.is_some());
        assert_eq!(whole.metadata.id, 7);
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Answer::Question(question) = read(&bytes) {
                let answer = question.answer(ResponseCode::NXDomain);
                prop_assert!(question.datagram(&answer).is_none_or(|bytes| bytes.len() <= 1232));
            }
        }
    }
}
