//! What openssl says about the authority's certificates, and the bounds of their cache.

#![expect(clippy::disallowed_methods, reason = "the tests start openssl")]

use std::fs;
use std::process::Command;

use super::*;

fn name(text: &str) -> Name {
    Name::from_wire(text.as_bytes()).unwrap()
}

fn openssl(words: &[&str]) -> String {
    let output = Command::new("openssl").args(words).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{words:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn a_bundle_has_the_roots_and_the_authority() {
    let (one, other) = (Authority::new().unwrap(), Authority::new().unwrap());
    let both = other.bundle(&one.bundle(b""));
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&both).map(Result::unwrap).collect();
    assert_eq!(certificates, [one.issuer.der().clone(), other.issuer.der().clone()]);
    // A file without a line feed at its end.
    let both = other.bundle(one.bundle(b"").trim_ascii_end());
    assert_eq!(CertificateDer::pem_slice_iter(&both).count(), 2);
    assert!(!String::from_utf8(both).unwrap().contains("PRIVATE"));
}

#[test]
fn its_certificate_is_an_authority_that_was_valid_yesterday_and_signs_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    fs::write(&file, Authority::new().unwrap().bundle(b"")).unwrap();
    let text = openssl(&["x509", "-in", file.to_str().unwrap(), "-noout", "-text"]);
    for part in ["CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign", "prime256v1"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let yesterday = SystemTime::now() - std::time::Duration::from_secs(23 * 3600);
    let at = yesterday.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs().to_string();
    let file = file.to_str().unwrap();
    openssl(&["verify", "-x509_strict", "-attime", &at, "-CAfile", file, file]);
}

#[test]
fn openssl_reads_every_certificate_of_a_trust_store() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.p12");
    let authority = Authority::new().unwrap();
    let roots = Authority::new().unwrap().bundle(b"");
    fs::write(&file, authority.trust_store(&roots).unwrap()).unwrap();
    let words = [
        "pkcs12",
        "-nomacver",
        "-nokeys",
        "-passin",
        "pass:changeit",
        "-in",
        file.to_str().unwrap(),
    ];
    let text = openssl(&words);
    assert_eq!(text.matches("BEGIN CERTIFICATE").count(), 2, "{text}");
    assert!(text.contains("friendlyName: root-1"), "{text}");
    assert!(authority.trust_store(b"-----BEGIN CERTIFICATE-----\nx").is_err());
}

#[test]
fn a_host_has_one_certificate_and_so_many_hosts_have_one_at_once() {
    let authority = Authority::new().unwrap();
    let first = authority.config(&name("a.example.com")).unwrap();
    assert!(Arc::ptr_eq(&first, &authority.config(&name("a.example.com")).unwrap()));
    for number in 0..HOSTS_MAX {
        authority.config(&name(&format!("n{number}.example.com"))).unwrap();
    }
    assert_eq!(authority.hosts.borrow().len(), HOSTS_MAX);
    assert!(!Arc::ptr_eq(&first, &authority.config(&name("a.example.com")).unwrap()));
    // The longest name that there is.
    let long = format!("{0}.{0}.{0}.{1}", "x".repeat(63), "y".repeat(61));
    assert_eq!(long.len(), 253);
    authority.config(&name(&long)).unwrap();
}
