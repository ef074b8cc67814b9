//! A trust store of Java: PKCS #12 (RFC 7292) with certificates alone. Nothing in it is secret, so
//! nothing is encrypted, and no password is checked: Java opens it with any, `changeit` too.

use rustls::pki_types::CertificateDer;
use yasna::models::ObjectIdentifier;
use yasna::tags::TAG_BMPSTRING;
use yasna::{DERWriter, Tag};

const DATA: &[u64] = &[1, 2, 840, 113_549, 1, 7, 1];
const CERTIFICATE_BAG: &[u64] = &[1, 2, 840, 113_549, 1, 12, 10, 1, 3];
const X509: &[u64] = &[1, 2, 840, 113_549, 1, 9, 22, 1];
const FRIENDLY_NAME: &[u64] = &[1, 2, 840, 113_549, 1, 9, 20];
/// Oracle's own: without it Java takes no certificate of a store for a trusted one.
const TRUSTED_KEY_USAGE: &[u64] = &[2, 16, 840, 1, 113_894, 746_875, 1, 1];
const ANY_USAGE: &[u64] = &[2, 5, 29, 37, 0];

pub(super) fn encode(certificates: &[CertificateDer<'_>]) -> Vec<u8> {
    let bags = yasna::construct_der(|writer| {
        writer.write_sequence(|writer| {
            for (number, certificate) in certificates.iter().enumerate() {
                bag(writer.next(), number, certificate);
            }
        });
    });
    let safe = yasna::construct_der(|writer| {
        writer.write_sequence(|writer| data(writer.next(), &bags));
    });
    yasna::construct_der(|writer| {
        writer.write_sequence(|writer| {
            writer.next().write_u8(3);
            data(writer.next(), &safe);
        });
    })
}

/// A `ContentInfo` that holds bytes as they are.
fn data(writer: DERWriter<'_>, bytes: &[u8]) {
    writer.write_sequence(|writer| {
        identifier(writer.next(), DATA);
        writer.next().write_tagged(Tag::context(0), |writer| writer.write_bytes(bytes));
    });
}

fn bag(writer: DERWriter<'_>, number: usize, certificate: &[u8]) {
    writer.write_sequence(|writer| {
        identifier(writer.next(), CERTIFICATE_BAG);
        writer.next().write_tagged(Tag::context(0), |writer| {
            writer.write_sequence(|writer| {
                identifier(writer.next(), X509);
                let value = |writer: DERWriter<'_>| writer.write_bytes(certificate);
                writer.next().write_tagged(Tag::context(0), value);
            });
        });
        writer.next().write_set(|writer| {
            // Java keeps one certificate of each name.
            let name: Vec<u8> =
                format!("root-{number}").encode_utf16().flat_map(u16::to_be_bytes).collect();
            attribute(writer.next(), FRIENDLY_NAME, |writer| {
                writer.write_tagged_implicit(TAG_BMPSTRING, |writer| writer.write_bytes(&name));
            });
            attribute(writer.next(), TRUSTED_KEY_USAGE, |writer| identifier(writer, ANY_USAGE));
        });
    });
}

fn attribute(writer: DERWriter<'_>, name: &[u64], value: impl FnOnce(DERWriter<'_>)) {
    writer.write_sequence(|writer| {
        identifier(writer.next(), name);
        writer.next().write_set(|writer| value(writer.next()));
    });
}

fn identifier(writer: DERWriter<'_>, numbers: &[u64]) {
    writer.write_oid(&ObjectIdentifier::from_slice(numbers));
}
