//! What the broker gives the jail before the payload starts, from the launch's side.

use jail_plan::{Access, Content, Given, GivenTo, Missing};

use super::{behaving, network};
use crate::jail::{Caller, Jail, bind, bind_to, by, callers, literal};

fn given(content: Content, to: GivenTo) -> Given {
    Given { content, to, by: by() }
}

fn file(path: &str) -> Given {
    given(Content::Authorities("/x".into()), GivenTo::File(literal(path)))
}

/// A jail that is given these, by a broker that behaves in this way.
fn jail(caller: Caller, mode: &str, all: &[Given]) -> Jail {
    let all = all.to_vec();
    behaving(caller, mode, Vec::new()).change(move |plan| {
        if let Some(network) = &mut plan.network {
            network.given = all;
        }
    })
}

#[test]
fn files_are_filled_sockets_answer_and_variables_count_before_the_plans() {
    for caller in callers() {
        let all = [
            file("/etc/ssl/given.pem"),
            given(
                Content::Server("/run/given/socket".into()),
                GivenTo::File(literal("/run/given/socket")),
            ),
            file("/run/given/key"),
            given(Content::Placeholder("K".into()), GivenTo::Variable("PLANNED".into())),
        ];
        let jail = jail(caller, "gives", &all).set("PLANNED", "plan").set("OTHER", "plan");
        jail.sh("cat /etc/ssl/given.pem /run/given/key; stat -c %a /run/given/key")
            .prints("filled\nfilled\n444");
        jail.sh("echo $GIVEN $PLANNED $OTHER; env | grep -c PLANNED").prints("one=1 given plan\n1");
        // Nothing inside can change them, whichever user the payload is: the mounts are read-only.
        for attempt in [
            "echo x >/run/given/key",
            "chmod 666 /run/given/key && echo x >/run/given/key",
            "rm -f /run/given/key",
            "mv /run/given/key /run/given/other",
            "ln /run/given/key /tmp/own",
        ] {
            let ran = jail.sh(&format!("({attempt}) 2>/dev/null; cat /run/given/key"));
            assert_eq!(ran.stdout, "filled\n", "{attempt}: {ran:?}");
        }
        let ask = "import socket; s = socket.socket(socket.AF_UNIX); s.connect(\"/run/given/socket\"); print(s.recv(9).decode().strip())";
        jail.sh(&format!("python3 -c '{ask}'")).prints("served");
        // Nothing that the broker has stays open inside.
        jail.sh("ls -l /proc/self/fd | grep -e given -e jail-stub || echo none").prints("none");
    }
}

#[test]
fn without_anything_to_give_there_is_nobody_to_wait_for() {
    for caller in callers() {
        // This one would never answer.
        let jail = behaving(caller, "", Vec::new());
        jail.sh("echo ran").prints("ran");
    }
}

#[test]
fn a_broker_that_gives_nothing_stops_the_launch_in_its_own_words() {
    for caller in callers() {
        for all in [
            vec![file("/run/given/key")],
            vec![given(Content::Placeholder("K".into()), GivenTo::Variable("K".into()))],
        ] {
            let ran = jail(caller, "ends", &all).sh("echo ran");
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(125), ""), "{ran:?}");
            assert!(ran.stderr.starts_with("stand-in: nothing to give\n"), "{ran:?}");
            assert!(
                ran.stderr.contains("the broker: it ended before the jail was there"),
                "{ran:?}"
            );
        }
    }
}

#[test]
fn nothing_is_made_in_a_folder_of_the_hosts() {
    for caller in callers() {
        let jail = jail(caller, "gives", &[]);
        let folder = jail.folder.path().join("project");
        let inside = folder.join("given").display().to_string();
        for (place, path) in [(folder.clone(), inside.as_str()), (folder.clone(), "/other/given")] {
            let mount = if path == "/other/given" {
                bind_to(place, "/other", Access::ReadWrite, Missing::Fail)
            } else {
                bind(&place, Access::ReadWrite)
            };
            for one in
                [file(path), given(Content::Server(path.into()), GivenTo::File(literal(path)))]
            {
                let mut network = network(Vec::new());
                network.egress.resolvers.push("gives".into());
                network.given = vec![one];
                let jail =
                    Jail::new(caller).op(mount.clone()).change(|plan| plan.network = Some(network));
                let ran = jail.sh("echo ran");
                assert_eq!(ran.code, Some(125), "{ran:?}");
                assert!(ran.stderr.contains("it lies in a folder of the host's"), "{ran:?}");
                assert!(!folder.join("given").exists());
            }
        }
    }
}
