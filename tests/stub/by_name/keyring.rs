//! A secret of the desktop's keyring: the real `secret-tool` asks a real service for it, on a
//! session bus of the test's own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use jail_plan::SecretSource;

use super::real::started;
use super::secrets::{KEY, jail, network, secret, seen, server};
use super::world::run_where_it_is_trusted as run;
use crate::jail::{Jail, Ran, callers, skipped};

/// Starts the service in a new session, keeps the key in it, and starts the jail twice: with the
/// entry, and with one that is not there.
const SESSION: &str = r#"
export PATH="$BIN:$PATH" XDG_RUNTIME_DIR="$HOME/run"
mkdir -m 700 "$XDG_RUNTIME_DIR"
printf unlocked | gnome-keyring-daemon --unlock --components=secrets >/dev/null
# It goes into the background before it answers.
tries=0
until printf %s "$KEPT" | secret-tool store --label=test service anthropic account 'me and you' 2>"$HOME/why"; do
  tries=$((tries + 1))
  [ $tries -lt 100 ] || { cat "$HOME/why" >&2; exit 3; }
  sleep 0.1
done
unset KEPT
"$W" -c "$INSIDE"
"#;

/// A program of a package as a command in the caller's own folder.
fn command(jail: &Jail, package: &Path) {
    let name = package.file_name().and_then(|name| name.to_str()).expect("a name");
    let words: Vec<String> = started(package).iter().map(|word| format!("'{word}'")).collect();
    let script = format!("#!/bin/sh\nexec {} \"$@\"\n", words.join(" "));
    let path = jail.file(&format!("home/bin/{name}"), &script);
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("executable");
}

/// Gives every caller a name: the bus starts for no user without one.
fn name_callers(folder: &Path) {
    let known = fs::read_to_string("/etc/passwd").expect("the machine's users");
    let uids = callers().into_iter().filter_map(|caller| caller.uid);
    let own: String = uids.map(|uid| format!("caller{uid}:x:{uid}:{uid}::/:/bin/sh\n")).collect();
    let file = folder.join("passwd");
    fs::write(&file, known + &own).expect("a file");
    let mounted = Command::new("mount").arg("--bind").arg(file).arg("/etc/passwd").status();
    assert!(mounted.is_ok_and(|status| status.success()), "a mount");
}

fn in_a_session(jail: &Jail) -> Ran {
    let mut session = jail.command("dbus-run-session");
    session.args(["--", "sh", "-ec", SESSION]).env("W", jail.wrapper()).env("KEPT", KEY);
    session.env("BIN", jail.home().join("bin"));
    session.env(
        "INSIDE",
        "curl -sS -H \"x-api-key: $API_KEY\" https://real.test/ >/dev/null; echo ${API_KEY-none}",
    );
    Ran::of(&mut session)
}

#[test]
fn secret_tool_reads_a_secret_and_the_launch_says_where_there_is_none() {
    run(|world| {
        if !Path::new("/usr/bin/dbus-run-session").exists() {
            return skipped("desktop", "there is no dbus-run-session");
        }
        let (Some(tool), Some(daemon)) =
            (world.package("secret-tool"), world.package("gnome-keyring-daemon"))
        else {
            return;
        };
        let _server = server(world);
        name_callers(world.folder());
        for caller in callers() {
            let started = |attributes: &[&str], optional: bool| {
                let attributes = attributes.iter().map(ToString::to_string).collect();
                let mut secret = secret(SecretSource::Keyring(attributes));
                secret.optional = optional;
                let jail = jail(world, caller, network(world, secret));
                command(&jail, &tool);
                command(&jail, &daemon);
                in_a_session(&jail)
            };
            let entry = ["account", "me and you", "service", "anthropic"];
            let ran = started(&entry, false);
            assert_eq!(ran.code, Some(0), "{ran:?}");
            let placeholder = ran.stdout.trim();
            assert!(placeholder.starts_with("sk-ant-api03-") && placeholder != KEY, "{ran:?}");
            let got = seen(world);
            assert!(got.contains(&format!("x-api-key: {KEY}")), "{got}");
            let missing = ["account", "nobody", "service", "anthropic"];
            let ran = started(&missing, false);
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(125), ""), "{ran:?}");
            let why = "the secret `API_KEY` (demo.jail:4:3): the keyring has no such entry";
            assert!(ran.stderr.contains(why), "{ran:?}");
            let ran = started(&missing, true);
            assert_eq!((ran.code, ran.stdout.trim()), (Some(0), "none"), "{ran:?}");
        }
    });
}

#[test]
fn without_secret_tool_the_launch_says_what_is_missing() {
    run(|world| {
        for caller in callers() {
            let secret = secret(SecretSource::Keyring(vec!["service".into(), "x".into()]));
            let jail = jail(world, caller, network(world, secret));
            let ran =
                Ran::of(jail.command(jail.wrapper()).args(["-c", "true"]).env("PATH", "/none"));
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(125), ""), "{ran:?}");
            assert!(ran.stderr.contains("`secret-tool` is not installed"), "{ran:?}");
        }
    });
}
