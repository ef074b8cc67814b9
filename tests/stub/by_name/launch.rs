//! The launch and the real broker: how both begin and end together.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use jail_plan::Namespace;

use super::world::{World, run};
use super::{broker, by_name, jail, with};
use crate::jail::{Caller, Jail, Ran, callers};
use crate::network::no_v6::without_v6;
use crate::network::wait_for;

#[test]
fn what_was_refused_is_said_at_the_end_and_inside_and_the_exit_status_is_the_payloads() {
    run(|world| {
        for caller in callers() {
            let jail = jail(world, caller, &["api.test:443"]);
            let ran = jail.sh("curl -s https://api.test/; exit 7");
            assert_eq!(
                (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
                (Some(7), "page of api.test\n", "")
            );
            let ran = jail
                .sh("getent hosts other.test; until [ -s /run/jailgen/refused ]; do :; done; \
                 cat /run/jailgen/refused; kill -TERM $$");
            assert_eq!(ran.signal, Some(15), "{ran:?}");
            let line: serde_json::Value =
                serde_json::from_str(ran.stdout.lines().next().unwrap_or(""))
                    .unwrap_or_else(|_| panic!("{ran:?}"));
            assert!(line.to_string().contains("other.test"), "{line}");
            assert_eq!(
                ran.stderr,
                "test: 1 host refused: other.test; to allow it: (network-allow [ \"other.test\" ])\n"
            );
        }
    });
}

#[test]
fn all_of_its_processes_end_with_the_launch_and_with_the_supervisor() {
    run(|world| {
        for caller in callers() {
            let (jail, own) = known(world, caller);
            jail.sh("curl -s https://api.test/").prints("page of api.test");
            wait_for(|| running(&own).is_empty().then_some(()));
            let mut launch = jail.command(jail.wrapper());
            let mut launch = launch
                .args(["-c", "curl -s https://api.test/ >page; sleep 60"])
                .spawn()
                .expect("it starts");
            wait_for(|| {
                jail.project()
                    .join("page")
                    .metadata()
                    .is_ok_and(|page| page.len() > 0)
                    .then_some(())
            });
            assert!(running(&own).len() >= 2, "the broker and what makes its sockets");
            launch.kill().expect("SIGKILL");
            launch.wait().expect("its end");
            wait_for(|| running(&own).is_empty().then_some(()));
        }
    });
}

#[test]
fn killed_at_any_moment_a_launch_leaves_none_of_them() {
    run(|world| {
        for caller in callers() {
            for moment in 0..16 {
                let (jail, own) = known(world, caller);
                let mut launch = jail.command(jail.wrapper());
                let mut launch = launch.args(["-c", "sleep 60"]).spawn().expect("it starts");
                std::thread::sleep(Duration::from_millis(moment));
                launch.kill().expect("SIGKILL");
                launch.wait().expect("its end");
                wait_for(|| running(&own).is_empty().then_some(()));
            }
        }
    });
}

/// A jail whose broker is a program of its own, by which its processes are known.
fn known(world: &World, caller: Caller) -> (Jail, PathBuf) {
    let jail = jail(world, caller, &["api.test:443", "*.wild.test:443"]);
    let own = jail.folder.path().join("broker");
    let copied = Command::new("cp").arg(broker()).arg(&own).status();
    assert!(copied.expect("cp").success());
    let named = own.to_str().expect("UTF-8").to_owned();
    let jail = jail.change(|plan| plan.network.as_mut().expect("a network").broker = named);
    (jail, own)
}

/// The processes with this program.
fn running(program: &Path) -> Vec<PathBuf> {
    let processes = std::fs::read_dir("/proc").expect("a list").filter_map(Result::ok);
    let exe = |process: &PathBuf| std::fs::read_link(process.join("exe"));
    processes.map(|one| one.path()).filter(|one| exe(one).is_ok_and(|exe| exe == program)).collect()
}

#[test]
fn a_machine_without_ipv6_has_the_rest() {
    run(|world| {
        for caller in callers() {
            let jail = jail(world, caller, &["api.test:443"]);
            let ran: Ran = without_v6(&jail, "curl -s https://api.test/");
            ran.prints("page of api.test");
            assert_eq!(ran.stderr, "", "nothing is missed");
        }
    });
}

#[test]
fn a_payload_that_is_faster_than_the_broker_waits_and_is_served() {
    run(|world| {
        for caller in callers() {
            // Without a name to look up: the connection is in the backlog before anybody accepts.
            let mut network = by_name(&["11.0.0.2:22"]);
            network.local.push("11.0.0.2/32".into());
            network.listeners.push(crate::network::listener(
                jail_plan::Transport::Tcp,
                "11.0.0.2",
                22,
            ));
            let jail = with(world, caller, network);
            for _ in 0..8 {
                jail.sh(
                    "exec bash -c 'exec 3<>/dev/tcp/11.0.0.2/22; read -r line <&3; echo $line'",
                )
                .prints("hello");
                jail.sh("getent ahostsv4 api.test | head -1; true");
            }
        }
    });
}

#[test]
fn root_may_share_the_user_namespace() {
    run(|world| {
        for caller in callers().into_iter().filter(|caller| caller.is_root()) {
            let jail = jail(world, caller, &["api.test:443", "*.wild.test:443"])
                .change(|plan| plan.namespaces.retain(|one| *one != Namespace::User));
            jail.sh("curl -s https://api.test/").prints("page of api.test");
            jail.sh("curl -s https://deep.in.wild.test/").prints("page of deep.in.wild.test");
        }
    });
}
