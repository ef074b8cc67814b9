//! Secrets as a whole: the stub launches the jail, programs in it send what they have, and
//! a server sees the values.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use jail_plan::{
    Access, Content, EnvOp, Given, GivenTo, Listener, Network, Purpose, Secret, SecretPlace,
    SecretSocket, SecretSource, Transport,
};

use super::real::{Server, words};
use super::world::{World, run_where_it_is_trusted as run};
use super::{by_name, with};
use crate::jail::{Caller, Jail, bind, by, callers, expand, literal};
use crate::pty::Shell;

pub(super) const KEY: &str = "sk-ant-api03-aB3cD4eF5gH6iJ7k-L8mN9oP0qR1sT2";
const BUNDLE: &str = "/etc/ssl/certs/given.pem";

pub(super) fn secret(from: SecretSource) -> Secret {
    Secret {
        name: "API_KEY".into(),
        from,
        hosts: vec!["real.test".into()],
        places: vec![SecretPlace::Header, SecretPlace::Basic],
        header: None,
        optional: false,
        by: by(),
    }
}

pub(super) fn from_variable() -> SecretSource {
    SecretSource::Variable("OUTSIDE_KEY".into())
}

/// What the compiler makes of `secret`: the variable with the placeholder, and the
/// bundle that programs trust.
pub(super) fn network(world: &World, secret: Secret) -> Network {
    let mut network = by_name(&["real.test:443", "api.test:443"]);
    let given = |content, to| Given { content, to, by: by() };
    let roots = world.certificate().display().to_string();
    network.given = vec![
        given(Content::Authorities(roots), GivenTo::File(literal(BUNDLE))),
        given(Content::Placeholder("API_KEY".into()), GivenTo::Variable("API_KEY".into())),
        given(Content::Placeholder("API_KEY".into()), GivenTo::File(literal("/run/key"))),
    ];
    network.egress.secrets = vec![secret];
    network
}

/// What programs find the bundle by.
const VARIABLES: [&str; 4] =
    ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"];

pub(super) fn jail(world: &World, caller: Caller, network: Network) -> Jail {
    let jail = with(world, caller, network).outside("OUTSIDE_KEY", KEY);
    // Two of them name the certificate of the server itself.
    let jail = jail.change(|plan| {
        let is_other =
            |op: &EnvOp| !matches!(op, EnvOp::Set(set) if VARIABLES.contains(&set.name.as_str()));
        plan.env.retain(|step| is_other(&step.op));
    });
    VARIABLES.iter().fold(jail, |jail, name| jail.set(name, BUNDLE))
}

pub(super) fn server(world: &World) -> Server {
    let options = words("11.0.0.4 443");
    let program = ["/usr/bin/python3", "-c", include_str!("echo.py")].map(String::from);
    world.serve(443, &[program.to_vec(), options].concat())
}

/// What the server was asked since it was looked at last.
pub(super) fn seen(world: &World) -> String {
    let file = world.folder().join("seen");
    let seen = fs::read_to_string(&file).unwrap_or_default();
    let _ = fs::remove_file(file);
    seen
}

#[test]
fn a_server_sees_the_key_and_nothing_inside_does() {
    run(|world| {
        let _server = server(world);
        for caller in callers() {
            let jail = jail(world, caller, network(world, secret(from_variable())));
            let ran = jail.sh("echo $API_KEY; cat /run/key; echo; echo ${OUTSIDE_KEY-none}");
            let lines: Vec<&str> = ran.stdout.lines().collect();
            assert!(lines[0].starts_with("sk-ant-api03-") && lines[0] != KEY, "{ran:?}");
            assert_eq!((lines[0].len(), lines[1], lines[2]), (KEY.len(), lines[0], "none"));
            let ran = jail
                .sh("curl -sS -H \"x-api-key: $API_KEY\" https://real.test/a >a && cat a; \
                 curl -sS -u \"x:$API_KEY\" https://real.test/b");
            assert!(ran.code == Some(0) && !ran.stdout.contains(KEY), "{ran:?}");
            let seen = seen(world);
            assert!(seen.contains(&format!("x-api-key: {KEY}")), "{seen}");
            assert!(seen.contains("authorization: Basic eDpzay1hbnQt"), "{seen}");
            // Everything that can be read, with the answer in a file.
            jail.file("project/search.py", include_str!("search.py"));
            let backwards: String = KEY.chars().rev().collect();
            jail.sh(&format!("cat a; /usr/bin/python3 search.py {backwards} / | tail -n 20"))
                .prints(
                    ran.stdout
                        .split("GET /b")
                        .next()
                        .map(|all| format!("{all}nowhere"))
                        .unwrap()
                        .trim(),
                );
            // The control: it is found where it is.
            let file = jail.file("project/key", KEY);
            jail.sh(&format!("/usr/bin/python3 search.py {backwards} /"))
                .prints(file.to_str().unwrap());
            let outside = format!(
                "OUTSIDE_KEY={KEY} /usr/bin/python3 search.py {backwards} . | grep -c /environ"
            );
            let ran = jail.outside_sh(&outside);
            assert!(ran.code == Some(0), "{ran:?}");
        }
    });
}

#[test]
fn python_and_node_send_it_as_they_send_any_key() {
    run(|world| {
        let _server = server(world);
        for caller in callers() {
            let network = network(world, secret(from_variable()));
            let mut jail = jail(world, caller, network);
            let python = "import os, httpx, requests\n\
                answer = requests.post('https://real.test/p', json={}, auth=('x', os.environ['API_KEY']))\n\
                print(answer.status_code, requests.get('https://real.test/p', headers={'x-api-key': os.environ['API_KEY'].upper()}).json()['error'])\n\
                with httpx.Client(http2=True) as client:\n    \
                    answer = client.get('https://real.test/p', headers={'x-api-key': os.environ['API_KEY']})\n    \
                    print(answer.http_version, os.environ['API_KEY'] in answer.text)\n";
            let node = "fetch('https://real.test/n', { method: 'POST', body: '{}', headers: { 'x-api-key': process.env.API_KEY } })\
                .then(async (answer) => console.log(answer.status, (await answer.text()).includes(process.env.API_KEY)))";
            jail.file("project/get.py", python);
            jail.file("project/get.js", node);
            jail.sh("node get.js").prints("200 true");
            assert!(seen(world).contains(&format!("x-api-key: {KEY}")));
            if let Some(modules) = world.package("python") {
                let modules = modules.join("usr/lib/python3/dist-packages").display().to_string();
                jail = jail.op(bind(world.folder(), Access::ReadOnly)).set("PYTHONPATH", &modules);
                let ran = jail.sh("/usr/bin/python3 get.py");
                assert!(
                    ran.stdout.starts_with("200 jailgen: `x-api-key` has a credential")
                        && ran.stdout.ends_with("\nHTTP/2 True\n"),
                    "{ran:?}"
                );
                let seen = seen(world);
                let key = format!("x-api-key: {KEY}");
                assert!(seen.contains("Basic eDpzay1hbnQt") && seen.contains(&key), "{seen}");
            }
        }
    });
}

#[test]
fn what_is_not_for_a_secret_gets_a_403_that_says_so() {
    run(|world| {
        let _server = server(world);
        for caller in callers() {
            let jail = jail(world, caller, network(world, secret(from_variable())));
            for (words, why) in [
                (
                    "-H 'x-api-key: other' https://real.test/",
                    "a credential that the spec does not know",
                ),
                ("-d \"$API_KEY\" https://real.test/", "is in the body, where it is not replaced"),
                ("https://real.test/$API_KEY", "is in the path, where it is not replaced"),
                ("-H \"x: $(echo $API_KEY | tr a-z A-Z)\" https://real.test/", "was changed"),
            ] {
                let ran = jail.sh(&format!("curl -sS -w '%{{http_code}}' {words}"));
                assert!(ran.stdout.ends_with("403") && ran.stdout.contains(why), "{ran:?}");
            }
            assert_eq!(seen(world), "");
        }
    });
}

/// A program of the caller's in a folder that no jail is given, which only it may change.
fn program(jail: &Jail, name: &str, text: &str) -> PathBuf {
    let path = jail.file(&format!("home/bin/{name}"), text);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
    path
}

fn command(path: PathBuf) -> SecretSource {
    SecretSource::Command(vec![path.to_str().expect("UTF-8").into(), "a b".into()])
}

#[test]
fn a_command_says_a_value_and_what_it_cannot_is_said_with_the_line_of_the_spec() {
    run(|world| {
        let _server = server(world);
        for caller in callers() {
            let start = |text: &str| {
                let jail = jail(world, caller, network(world, secret(from_variable())));
                let path = program(&jail, "say", text);
                jail.change(|plan| {
                    let network = plan.network.as_mut().expect("a network");
                    network.egress.secrets[0].from = command(path);
                })
                .sh("curl -sS -H \"x-api-key: $API_KEY\" https://real.test/ | grep -c \"$API_KEY\"")
            };
            // It gets its words as they stand, and none of the launcher's secrets.
            let ran = start(&format!(
                "#!/bin/sh\n[ \"$1\" = 'a b' ] && printf 'asked \\033]0;x\\007\\n' >&2 && echo {KEY}\n"
            ));
            ran.prints("1");
            assert!(ran.stderr.contains("asked ") && !ran.stderr.contains('\u{1b}'), "{ran:?}");
            assert!(seen(world).contains(&format!("x-api-key: {KEY}")));
            for (text, why) in [
                ("#!/bin/sh\necho no such entry >&2; exit 3\n", "failed (exit status: 3)"),
                ("#!/bin/sh\n", "it is empty"),
                ("#!/bin/sh\nexec yes\n", "prints more than 16384 bytes"),
                ("#!/bin/sh\nkill -TERM $PPID; exec sleep 60\n", "a secret could not be read"),
            ] {
                let ran = start(text);
                assert_eq!((ran.code, ran.stdout.as_str()), (Some(125), ""), "{ran:?}");
                assert!(ran.stderr.contains(why), "{ran:?}");
                let is_named = ran.stderr.contains("the secret `API_KEY` (demo.jail:4:3)");
                assert!(is_named || text.contains("PPID"), "{ran:?}");
            }
        }
    });
}

#[test]
fn neither_a_command_nor_a_file_that_a_jail_can_write_is_taken() {
    run(|world| {
        for caller in callers() {
            let jail = jail(world, caller, network(world, secret(from_variable())));
            let path = jail.file("project/say", &format!("#!/bin/sh\necho {KEY}\n"));
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
            let from = |jail: Jail, from: SecretSource| {
                let jail = jail.change(|plan| {
                    plan.network.as_mut().expect("a network").egress.secrets[0].from = from;
                });
                let ran = jail.sh("true");
                (jail, ran)
            };
            let (jail, ran) = from(jail, command(path.clone()));
            ran.stopped(&["it lies where a jail could write, and it would be run on the host"]);
            let (jail, ran) = from(jail, SecretSource::File(literal(&path)));
            ran.stopped(&["it lies where a jail could write, and what is there would be sent"]);
            // The control: next to it they are taken.
            let path = program(&jail, "say", &format!("#!/bin/sh\necho {KEY}\n"));
            let (jail, ran) = from(jail, command(path));
            ran.prints("");
            let own = expand("~/.own-key");
            let file = jail.file("home/.own-key", &format!("{KEY}\n"));
            fs::set_permissions(file, fs::Permissions::from_mode(0o600)).expect("private");
            let (_, ran) = from(jail, SecretSource::File(own));
            assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
        }
    });
}

/// Whom no mode of a file keeps from reading it.
fn is_root(caller: Caller) -> bool {
    caller.uid.is_none_or(|uid| uid == 0) && rustix::process::geteuid().is_root()
}

#[test]
fn a_file_without_a_value_stops_the_launch_and_one_that_others_can_read_is_told() {
    run(|world| {
        for caller in callers() {
            let start = |content: Option<&[u8]>, mode: u32| {
                let from = SecretSource::File(expand("~/.own-key"));
                let jail = jail(world, caller, network(world, secret(from)));
                if let Some(content) = content {
                    let file = jail.file("home/.own-key", "");
                    fs::write(&file, content).expect("a file");
                    fs::set_permissions(file, fs::Permissions::from_mode(mode)).expect("a mode");
                }
                jail.sh("echo ${#API_KEY}")
            };
            let line = format!("{KEY}\n");
            let (line, length) = (Some(line.as_bytes()), KEY.len().to_string());
            let ran = start(line, 0o600);
            assert_eq!((ran.stdout.trim(), ran.stderr.as_str()), (length.as_str(), ""), "{ran:?}");
            let ran = start(line, 0o644);
            ran.prints(&length);
            let told = "the secret `API_KEY` (demo.jail:4:3): ";
            assert!(ran.stderr.contains(told) && ran.stderr.contains("other users"), "{ran:?}");
            for (content, mode, why) in [
                (None, 0, "there is no such file"),
                (Some(&b""[..]), 0o600, "it is empty"),
                (Some(b"\n"), 0o600, "it is empty"),
                (Some(b"sk-ant-api03-aB3c\0D4eF5gH6iJ7k"), 0o600, "control character"),
                (Some(&[b'x'; 20_000]), 0o600, "more than 16384 bytes"),
                (line, 0o000, "Permission denied"),
            ] {
                if mode == 0 && content.is_some() && is_root(caller) {
                    continue;
                }
                let ran = start(content, mode);
                assert_eq!((ran.code, ran.stdout.as_str()), (Some(125), ""), "{why}: {ran:?}");
                assert!(ran.stderr.contains("`API_KEY`") && ran.stderr.contains(why), "{ran:?}");
            }
        }
    });
}

#[test]
fn a_command_can_ask_on_the_terminal_and_the_payload_gets_no_key_that_was_for_it() {
    run(|world| {
        let _server = server(world);
        for caller in callers() {
            let jail = jail(world, caller, network(world, secret(from_variable())));
            let asks = format!(
                "#!/bin/sh\nprintf 'Passphrase: ' >/dev/tty; read -r word </dev/tty; [ \"$word\" = open ] && echo {KEY}\n"
            );
            let path = program(&jail, "ask", &asks);
            let jail = jail.change(|plan| {
                plan.network.as_mut().expect("a network").egress.secrets[0].from = command(path);
            });
            let mut shell = Shell::start(&jail);
            let inside = "curl -sS -H \"x-api-key: $API_KEY\" https://real.test/ >/dev/null; echo in\"\"side; read -r line; echo \"got $line.\"";
            shell.line(&format!("$W -c '{inside}'"));
            shell.expect("Passphrase: ");
            shell.line("open");
            shell.expect("\ninside");
            shell.line("more");
            shell.expect("got more.");
            shell.prompt();
            shell.status(0);
            assert!(seen(world).contains(&format!("x-api-key: {KEY}")));
            shell.line(&format!("$W -c '{inside}'"));
            shell.expect("Passphrase: ");
            shell.key("\u{3}");
            shell.prompt();
            shell.line("echo st\"\"atus $?");
            shell.expect("status 1");
        }
    });
}

#[test]
fn a_server_inside_adds_the_key_on_its_socket_and_its_port() {
    run(|world| {
        let _server = server(world);
        for caller in callers() {
            let mut only = secret(from_variable());
            (only.hosts, only.places) = (Vec::new(), Vec::new());
            let mut network = network(world, only);
            let socket = "/run/api.sock";
            network.given = vec![Given {
                content: Content::Server(socket.into()),
                to: GivenTo::File(literal(socket)),
                by: by(),
            }];
            network.egress.sockets = vec![SecretSocket {
                secret: "API_KEY".into(),
                host: "real.test".into(),
                port: 443,
                header: "x-api-key".into(),
                prefix: String::new(),
                path: "/v1".into(),
                socket: socket.into(),
                listen: 8129,
                by: by(),
            }];
            network.listeners.push(Listener {
                purpose: Purpose::SecretSocket,
                transport: Transport::Tcp,
                address: "127.0.0.1".into(),
                port: 8129,
            });
            let jail = jail(world, caller, network);
            for way in
                [format!("--unix-socket {socket} http://api"), "http://127.0.0.1:8129".into()]
            {
                let ran = jail.sh(&format!("curl -sS -H 'x-api-key: mine' {way}/models"));
                assert!(
                    ran.stdout.starts_with("GET /v1/models ") && !ran.stdout.contains(KEY),
                    "{ran:?}"
                );
                let seen = seen(world);
                assert!(
                    seen.contains(&format!("x-api-key: {KEY}")) && !seen.contains("mine"),
                    "{seen}"
                );
            }
        }
    });
}
