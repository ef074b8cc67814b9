use expect_test::expect;

use super::*;
use crate::render::sanitise;

fn shown(name: &str) -> String {
    let entries = entries();
    let entry = entries.iter().find(|entry| entry.name == name).unwrap();
    anstream::adapter::strip_str(&page(entry, 80)).to_string()
}

#[test]
fn a_page_has_all_that_the_registry_says() {
    expect![[r#"
        ro-bind FROM TO : String -> String -> Permission

        A path of the host at a place in the jail, read-only.

        Example
            ro-bind "/srv/models" "/models"

        As in jail.nix.
        ----
        network : Permission

        The host's network, and what TLS and DNS need.

        All of it, including the services on the host's loopback interface and the local
        network.

        - `/etc/resolv.conf`, `/etc/hosts` and `/etc/services` with the host's
          contents at launch. The jail's own name is added to `/etc/hosts`.
        - The certificates of the public authorities, where programs look for them,
          and named by `SSL_CERT_FILE`, `NIX_SSL_CERT_FILE`, `CURL_CA_BUNDLE`,
          `REQUESTS_CA_BUNDLE` and `GIT_SSL_CAINFO`.
        - The host's time zone, as with `time-zone`.

        Example
            network

        Brings along `pkgs.cacert`, `pkgs.tzdata`. As in jail.nix.
    "#]]
    .assert_eq(&[shown("ro-bind"), shown("network")].join("----\n"));
}

#[test]
fn every_page_keeps_to_the_width_and_to_its_marks() {
    for entry in entries() {
        let text = shown(entry.name);
        assert_eq!(text.matches('`').count() % 2, 0, "{text}");
        assert_eq!(sanitise(&text), text);
        for line in text.lines().skip(1).filter(|line| !line.starts_with("    ")) {
            let words = line.trim_start().split(' ').count();
            assert!(line.chars().count() <= 80 || words == 1, "{}: {line}", entry.name);
        }
    }
}

#[test]
fn the_list_has_a_line_for_each() {
    let entries = entries();
    let text = anstream::adapter::strip_str(&list(&entries, 80)).to_string();
    let groups = CHAPTERS.len() + 2;
    assert_eq!(text.lines().filter(|line| !line.is_empty()).count(), entries.len() + groups);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest() {
    for (name, help) in [
        ("readonyl", "did you mean `readonly`?"),
        ("addPkgDeps", "did you mean `add-pkg-deps`?"),
        ("makeJailedClaude", "did you mean `makeJailedClaudeCode`?"),
        ("limit-", "there are `limit-cpu`"),
        ("nothing-like-it", "`jailgen doc` lists all of them"),
        ("", "`jailgen doc` lists all of them"),
    ] {
        assert!(meant(name).starts_with(help), "{name}: {}", meant(name));
    }
}
