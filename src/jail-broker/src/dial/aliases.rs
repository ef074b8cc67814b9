//! Other names of a name (CNAME): they are followed as far as the answer has them, and are never
//! queried.
//!
//! The server that answers for an allowed name chooses its other names, and no rule allows those.

use std::pin::Pin;

use futures_util::{Stream, StreamExt};
use hickory_proto::op::{DnsRequest, DnsResponse, Query};
use hickory_proto::rr::{RData, Record};
use hickory_resolver::net::NetError;
use hickory_resolver::net::xfer::DnsHandle;

/// A way to servers whose answers have no other names: what these lead to stands under the name
/// that was asked for.
#[derive(Clone)]
pub(super) struct WithoutAliases<H>(pub(super) H);

impl<H: DnsHandle> DnsHandle for WithoutAliases<H> {
    type Response = Pin<Box<dyn Stream<Item = Result<DnsResponse, NetError>> + Send>>;
    type Runtime = H::Runtime;

    fn send(&self, request: DnsRequest) -> Self::Response {
        let query = request.queries.first().cloned();
        Box::pin(self.0.send(request).map(move |answered| {
            let mut answered = answered?;
            answered.answers = match &query {
                Some(query) => followed(query, &answered.answers),
                None => Vec::new(),
            };
            Ok(answered)
        }))
    }
}

/// The records that a query is about, with the name of the query. Without any the rest of the chain
/// would have to be asked for.
fn followed(query: &Query, answers: &[Record]) -> Vec<Record> {
    let (mut name, mut ttl) = (query.name(), u32::MAX);
    // Each step takes a record, so a circle ends.
    for _ in answers {
        let alias = answers.iter().find_map(|record| match &record.data {
            RData::CNAME(alias) if record.name == *name => Some((&alias.0, record.ttl)),
            _ => None,
        });
        let Some((next, lasts)) = alias else { break };
        (name, ttl) = (next, ttl.min(lasts));
    }
    let is_meant =
        |record: &&Record| record.name == *name && record.record_type() == query.query_type();
    let found = answers.iter().filter(is_meant).cloned();
    found
        .map(|mut record| {
            record.name = query.name().clone();
            record.ttl = record.ttl.min(ttl);
            record
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::rdata::{A, CNAME};
    use hickory_proto::rr::{Name, RecordType};

    use super::*;

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    fn alias(of: &str, to: &str) -> Record {
        Record::from_rdata(name(of), 5, RData::CNAME(CNAME(name(to))))
    }

    fn address(of: &str, last: u8) -> Record {
        Record::from_rdata(name(of), 60, RData::A(A::new(11, 0, 0, last)))
    }

    #[test]
    fn a_chain_is_followed_to_its_end_and_what_is_beside_it_does_not_count() {
        let query = Query::query(name("a.test."), RecordType::A);
        let of = |answers: &[Record]| -> Vec<(String, u32)> {
            let found = followed(&query, answers);
            assert!(found.iter().all(|record| record.name == name("a.test.")));
            found.iter().map(|record| (record.data.to_string(), record.ttl)).collect()
        };
        let two = ("11.0.0.2".to_owned(), 60);
        assert_eq!(of(&[address("A.test.", 2), address("b.test.", 3)]), [two]);
        // In whatever order it comes.
        let chain =
            [address("c.test.", 2), alias("b.test.", "c.test."), alias("a.test.", "b.test.")];
        assert_eq!(of(&chain), [("11.0.0.2".to_owned(), 5)]);
        for open in [
            &[][..],
            &[alias("a.test.", "b.test.")],
            &[alias("a.test.", "b.test."), address("a.test.", 2), address("c.test.", 3)],
            &[alias("a.test.", "b.test."), alias("b.test.", "a.test.")],
            &[alias("a.test.", "a.test.")],
        ] {
            assert_eq!(of(open), [], "{open:?}");
        }
    }
}
