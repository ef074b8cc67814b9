//! What the broker is started with.

use std::process::Stdio;

use jail_plan::{Ask, Credentials, EgressRule, Network, Spoken, Transport, Upstream};
use serde_json::json;

use super::{jail, listener, network, noted};
use crate::jail::{Jail, by, callers};

#[test]
fn the_broker_has_three_descriptors_and_the_launchers_standard_error_and_nothing_else() {
    for caller in callers() {
        let jail = jail(caller, Vec::new()).outside("SECRET", "hidden").outside("HTTPS_PROXY", "x");
        // The launcher has descriptors of its own, one to a folder.
        jail.outside_sh("exec 7</ 8</etc/passwd; exec \"$W\" -c 'ls /proc/self/fd | wc -l'")
            .prints("4");
        let seen = noted(&jail, "seen");
        let process = &seen["process"];
        assert_eq!(process["variables"], json!([]));
        assert_eq!(process["folder"], "/");
        assert_eq!(process["group"], process["process"], "a session of its own");
        let arguments: Vec<_> = process["arguments"].as_array().expect("words").clone();
        assert_eq!(arguments.len(), 5, "{arguments:?}");
        assert_eq!(arguments[1], "run");
        let mut open: Vec<String> =
            serde_json::from_value(process["descriptors"].clone()).expect("texts");
        let numbered = |number: &str| {
            let start = format!("{number} ");
            let found = open.iter().find_map(|line| line.strip_prefix(&start));
            found.unwrap_or_else(|| panic!("no {number} in {open:?}")).to_owned()
        };
        assert_eq!((numbered("0"), numbered("1")), ("/dev/null".into(), "/dev/null".into()));
        assert!(numbered("2").starts_with("pipe:"), "{open:?}");
        let [channel, start, life] =
            [2, 3, 4].map(|index| numbered(arguments[index].as_str().expect("a word")));
        assert!(channel.starts_with("socket:") && life.starts_with("socket:"), "{open:?}");
        assert!(start.starts_with("/memfd:jailgen"), "{open:?}");
        open.retain(|line| !line.contains("/memfd:") && !line.contains("socket:"));
        assert_eq!(open.len(), 3, "{open:?}");
    }
}

#[test]
fn it_is_told_what_the_plan_says_and_the_variables_that_it_names() {
    for caller in callers() {
        let mut network = network(vec![listener(Transport::Tcp, "10.1.2.3", 8080)]);
        network.egress.rules.push(EgressRule {
            host: "*.example.com".into(),
            ports: vec![443, 8443],
            protocol: Some(Spoken::Tls),
            any_sni: false,
            txt: true,
            by: "network-allow#7".into(),
        });
        network.egress.upstream = Some(Upstream {
            host: "proxy.example".into(),
            port: 3128,
            tls: false,
            credentials: Some(Credentials::Variable("PROXY_USER".into())),
            by: by(),
        });
        let plan = serde_json::to_value(&network).expect("JSON");
        let jail = Jail::new(caller).change(|plan| plan.network = Some(network));
        jail.sh("echo ran").stopped(&["`PROXY_USER` is not set", "(network)"]);
        let jail = jail.outside("PROXY_USER", "me:\"\\\n").outside("OTHER", "x");
        jail.sh("echo ran").prints("ran");
        let start = &noted(&jail, "seen")["start"];
        assert_eq!(start["plan_network"], plan);
        assert_eq!(start["variables"], json!({ "PROXY_USER": "me:\"\\\n" }));
        assert_eq!(start["places"], json!({ "test#0": "demo.jail:4:3" }));
        assert_eq!(start["name"], "test");
        assert_eq!(start["wrapper"], jail.folder.path().join("wrapper").to_str().expect("UTF-8"));
        assert_eq!(
            start["state"],
            jail.folder.path().join("state/jailgen").to_str().expect("UTF-8")
        );
        let session = start["session"].as_str().expect("a name").to_owned();
        assert!(session.len() == 8 && session.bytes().all(|byte| byte.is_ascii_hexdigit()));
        jail.sh("echo ran").prints("ran");
        assert_ne!(noted(&jail, "seen")["start"]["session"], session, "each launch has its own");
    }
}

#[test]
fn it_gets_the_namespaces_and_every_socket_in_the_plans_order() {
    for caller in callers() {
        let places = [
            (Transport::Udp, "127.0.0.1", 53),
            (Transport::Udp, "::1", 53),
            (Transport::Tcp, "127.0.0.1", 53),
            (Transport::Tcp, "::1", 53),
            (Transport::Tcp, "0.0.0.0", 443),
            (Transport::Tcp, "::", 443),
            (Transport::Tcp, "10.1.2.3", 443),
            (Transport::Tcp, "fd6a:6169:6c00::9", 22),
        ];
        // An address and all of them cannot be had both at one port.
        let places = places.into_iter().filter(|(_, address, _)| *address != "10.1.2.3");
        let listeners = places.map(|(kind, address, port)| listener(kind, address, port));
        let jail = jail(caller, listeners.collect());
        let mut launch = jail.command(jail.wrapper());
        let script = "readlink /proc/self/ns/user; readlink /proc/self/ns/net; read -r end";
        launch.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut launch = launch.spawn().expect("it starts");
        // The payload waits for no broker; so this waits for it, and ends the payload then.
        let given = noted(&jail, "given");
        drop(launch.stdin.take());
        let inside = launch.wait_with_output().expect("its end").stdout;
        let inside = String::from_utf8_lossy(&inside).into_owned();
        let inside: Vec<_> = inside.lines().collect();
        assert_eq!(
            given,
            json!([
                inside[0],
                inside[1],
                "udp 127.0.0.1:53",
                "udp [::1]:53",
                "tcp 127.0.0.1:53",
                "tcp [::1]:53",
                "tcp 0.0.0.0:443",
                "tcp [::]:443",
                "tcp [fd6a:6169:6c00::9]:22",
                "/.jail-stub (deleted)",
            ])
        );
    }
}

#[test]
fn the_payload_has_no_descriptor_of_it_and_sees_no_process() {
    for caller in callers() {
        let jail = jail(caller, vec![listener(Transport::Tcp, "10.1.2.3", 443)]);
        let without = Jail::new(caller);
        for (script, expected) in [
            ("ls -l /proc/self/fd | grep -c socket", "0"),
            ("tail -n +2 /proc/net/unix | wc -l", "0"),
            ("for one in /proc/[0-9]*; do tr '\\0' ' ' <$one/cmdline; echo; done", ""),
        ] {
            let [with, without] = [&jail, &without].map(|jail| jail.sh(script).stdout);
            let text = with.lines().filter(|line| !line.contains("for one in"));
            let text: Vec<_> = text.map(str::trim).filter(|line| !line.is_empty()).collect();
            assert!(expected.is_empty() || text == [expected], "{script}: {with}");
            assert_eq!(with.lines().count(), without.lines().count(), "{with} {without}");
        }
    }
}

#[test]
fn nothing_that_a_jail_could_write_is_run_or_read_for_it_on_the_host() {
    for caller in callers() {
        let launch = |change: &dyn Fn(&Jail, &mut Network)| {
            let mut jail = Jail::new(caller);
            let mut network = network(Vec::new());
            jail.file("mine/program", "#!/bin/sh\n");
            jail.file("project/program", "#!/bin/sh\n");
            change(&jail, &mut network);
            jail = jail.change(|plan| plan.network = Some(network));
            jail.sh("echo ran")
        };
        let asking = |words: &dyn Fn(&Jail) -> Vec<String>| {
            launch(&|jail, network| {
                let (command, seconds) = (words(jail), 5);
                network.egress.ask = Some(Ask { command, seconds, by: by() });
            })
        };
        let at = |jail: &Jail, path: &str| {
            jail.folder.path().join(path).to_str().expect("UTF-8").to_owned()
        };
        asking(&|jail| vec![at(jail, "mine/program"), "-v".into()]).prints("ran");
        asking(&|_| Vec::new()).prints("ran");
        let words = &["project/program", "a jail could write", "run on the host", "demo.jail:4:3"];
        asking(&|jail| vec![at(jail, "project/program")]).stopped(words);
        asking(&|jail| vec!["/bin/sh".into(), at(jail, "project/program")]).stopped(words);
        // It leads out again, but a jail could put a link there.
        asking(&|jail| vec![at(jail, "project/../mine/program")]).stopped(&["a jail could write"]);
        asking(&|jail| vec![at(jail, "mine/missing")]).stopped(&["mine/missing", "ENOENT"]);

        let sending = |path: &'static str| {
            launch(&|jail, network| {
                network.egress.upstream = Some(Upstream {
                    host: "a.example".into(),
                    port: 3128,
                    tls: false,
                    credentials: Some(Credentials::File(at(jail, path))),
                    by: by(),
                });
            })
        };
        sending("mine/program").prints("ran");
        sending("mine/missing").prints("ran");
        sending("project/program").stopped(&["project/program", "sent to the proxy"]);
    }
}
