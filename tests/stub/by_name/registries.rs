//! pip and npm against registries that want a user and a password: both have placeholders, and the
//! registries see the keys.

use std::fs;

use jail_plan::SecretPlace;

use super::real::{Server, words};
use super::secrets::{KEY, from_variable, jail, network, secret};
use super::world::{World, run_where_it_is_trusted as run};
use crate::jail::{Jail, callers};

/// The site of `judged`, which lets in a client with the key as its password.
fn guarded(world: &World) -> Server {
    let site = include_str!("site.py").replace("# GUARD\n", include_str!("guard.py"));
    let program = ["/usr/bin/python3", "-c", &site].map(String::from);
    let more = [format!("user:{KEY}")];
    world.serve(443, &[&program[..], &words("11.0.0.4 443"), &more].concat())
}

/// What the registry was sent as credentials since it was looked at last: `-`
/// where it asked for some.
fn credentials(world: &World) -> Vec<String> {
    let file = world.folder().join("credentials");
    let text = fs::read_to_string(&file).unwrap_or_default();
    let _ = fs::remove_file(file);
    text.lines().map(str::to_owned).collect()
}

/// A jail with a key that may stand in headers and in user and password.
fn with_key(world: &World, caller: crate::jail::Caller) -> Jail {
    let mut key = secret(from_variable());
    key.places = vec![SecretPlace::Header, SecretPlace::Basic];
    jail(world, caller, network(world, key))
}

/// All that was sent, with the key, and nothing that the jail had.
#[track_caller]
fn had_the_key(world: &World, jail: &Jail) {
    let sent = credentials(world);
    assert!(sent.iter().any(|line| *line == format!("user:{KEY}")), "{sent:?}");
    let is_known = |line: &String| line == "-" || *line == format!("user:{KEY}");
    assert!(sent.iter().all(is_known), "{sent:?}");
    let found = jail.outside_sh(&format!("grep -r -l -F '{KEY}' \"$HOME\" . || true"));
    found.prints("");
}

#[test]
fn pip_gets_in_with_a_placeholder_for_its_password() {
    run(|world| {
        let Some(python) = world.package("python") else { return };
        let modules = python.join("usr/lib/python3/dist-packages").display().to_string();
        let _site = guarded(world);
        for caller in callers() {
            let jail = with_key(world, caller).set("PYTHONPATH", &modules);
            let pip = "/usr/bin/python3 -m pip -q --disable-pip-version-check --no-cache-dir install --root-user-action ignore --no-deps --target";
            let install = |to: &str, password: &str| {
                jail.sh(&format!("{pip} {to} --index-url \"https://user:{password}@real.test/simple\" tiny 2>&1; /usr/bin/python3 {to}/tiny.py 2>&1"))
            };
            install("got", "$API_KEY").prints("tiny");
            had_the_key(world, &jail);
            // Another password is none of the spec's, and does not get out.
            let ran = install("other", "somebody-elses");
            assert!(ran.code != Some(0) && ran.stdout.contains("No matching"), "{ran:?}");
            assert_eq!(credentials(world), [] as [&str; 0]);
            // From the file that pip and others read their passwords from.
            let netrc = "printf 'machine real.test login user password %s\\n' \"$API_KEY\" >netrc";
            jail.sh(&format!("{netrc}; NETRC=$PWD/netrc {pip} again --index-url https://real.test/simple tiny 2>&1; /usr/bin/python3 again/tiny.py"))
                .prints("tiny");
            had_the_key(world, &jail);
        }
    });
}

#[test]
fn npm_gets_in_with_a_placeholder_in_its_settings() {
    run(|world| {
        let _site = guarded(world);
        for caller in callers() {
            let jail = with_key(world, caller);
            let install = |setting: &str| {
                jail.sh(&format!(
                    "rm -rf n; mkdir n && cd n && printf '%s\\n' 'registry=https://real.test/npm/' \"{setting}\" >.npmrc && \
                     npm install --cache /tmp/npm --silent --no-audit --no-fund tiny >/dev/null 2>err; cat err; node -e 'console.log(require(\"tiny\"))' 2>&1"
                ))
            };
            // `_auth` is the pair in Base64, and `_password` the password in Base64, both
            // as npm wants them written.
            for setting in [
                "//real.test/npm/:_auth=$(printf user:$API_KEY | base64 -w0)",
                "//real.test/npm/:username=user\n//real.test/npm/:_password=$(printf $API_KEY | base64 -w0)",
            ] {
                let ran = install(setting);
                assert_eq!(ran.stdout.trim(), "tiny", "{setting}: {ran:?}");
                had_the_key(world, &jail);
            }
            let ran = install("//real.test/npm/:_auth=$(printf user:somebody-elses | base64 -w0)");
            assert!(ran.stdout.contains("Cannot find module"), "{ran:?}");
            assert_eq!(credentials(world), [] as [&str; 0]);
            // A token goes into the same header without Base64.
            let ran = install("//real.test/npm/:_authToken=$API_KEY");
            assert!(ran.stdout.contains("Cannot find module"), "{ran:?}");
            assert_eq!(credentials(world).first(), Some(&format!("Bearer {KEY}")));
        }
    });
}
