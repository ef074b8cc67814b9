//! `network-ask` on a real desktop: a session bus, a screen, a daemon that shows notifications, and
//! a script that presses a button.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::clients::{Ended, read};
use crate::jail::{Jail, Spec};
use crate::programs::{Running, fetched};
use crate::servers::echo;
use crate::world::{World, run, run_command};

/// A screen's keyboard is described by a file in /tmp that has the screen's number, so each user
/// has a screen of their own.
fn screen() -> String {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap();
    let outside = map.split_whitespace().nth(1).and_then(|uid| uid.parse::<u32>().ok()).unwrap();
    format!(":{}", 77 + outside % 1000)
}

/// Where screens have their sockets.
const SCREENS: &str = "/tmp/.X11-unix";

/// Where the broker looks for the bus: it has no variables.
const BUS: &str = "/run/user/0/bus";

/// All parts. `None`, with a line that says so, if one is missing.
fn desktop(world: &World) -> Option<[Running; 3]> {
    let (dunst, notify_send) = (fetched("dunst")?, fetched("notify-send")?);
    for program in ["/usr/bin/Xvfb", "/usr/bin/dbus-daemon", "/usr/bin/dbus-send"] {
        if !Path::new(program).exists() {
            println!("skipped: {program} is missing");
            return None;
        }
    }
    run_command("mount", &["-t", "tmpfs", "tmpfs", "/run/user"]);
    fs::create_dir(Path::new(BUS).parent().unwrap()).unwrap();
    // A folder where the broker looks for programs.
    let programs = world.folder.join("programs");
    fs::create_dir(&programs).unwrap();
    fs::copy(notify_send, programs.join("notify-send")).unwrap();
    run_command("mount", &["--bind", programs.to_str().unwrap(), "/usr/local/bin"]);
    let quiet = |program: &str| {
        let mut command = Command::new(program);
        command.stderr(Stdio::null()).env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={BUS}"));
        command.env("DISPLAY", screen());
        command
    };
    let mut bus = quiet("dbus-daemon");
    bus.args(["--session", "--nofork", "--nopidfile", &format!("--address=unix:path={BUS}")]);
    let bus = Running::start(&mut bus, BUS, || Path::new(BUS).exists());
    // It leaves nothing in a folder that others have too.
    fs::create_dir_all(SCREENS).unwrap();
    run_command("mount", &["-t", "tmpfs", "tmpfs", SCREENS]);
    let number = screen();
    let mut screen = quiet("Xvfb");
    screen.args([&number, "-nolock", "-screen", "0", "640x480x24", "-nolisten", "tcp"]);
    let socket = Path::new(SCREENS).join(number.replace(':', "X"));
    let screen = Running::start(&mut screen, &number, || socket.exists());
    let mut daemon = quiet(dunst.to_str().unwrap());
    daemon.arg("-conf").arg(world.file("dunstrc", &settings(world)));
    let daemon =
        Running::start(&mut daemon, "the bus", || to_daemon("NotificationListHistory", &[]));
    Some([bus, screen, daemon])
}

/// The script presses the button of the daemon's menu that names the host.
fn settings(world: &World) -> String {
    let somebody = world.file(
        "somebody",
        "#!/bin/sh\nmenu=$(cat)\ncase $menu in *yes.example.com*) echo \"$menu\" | grep '^#Allow' ;; *) echo \"$menu\" | grep '^#Deny' ;; esac\n",
    );
    fs::set_permissions(&somebody, fs::Permissions::from_mode(0o755)).unwrap();
    format!("[global]\n    dmenu = {}\n", somebody.display())
}

/// Calls dunst as `dunstctl` does: whether it has answered.
fn to_daemon(method: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new("dbus-send");
    command.args(["--session", "--print-reply", "--dest=org.freedesktop.Notifications"]);
    command.arg("/org/freedesktop/Notifications").arg(format!("org.dunstproject.cmd0.{method}"));
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    let bus = format!("unix:path={BUS}");
    command.env("DBUS_SESSION_BUS_ADDRESS", bus).status().unwrap().success()
}

#[test]
fn a_notification_asks_and_its_buttons_decide() {
    run(|world| {
        let Some(_desktop) = desktop(world) else { return };
        for name in ["yes.example.com", "no.example.com", "slow.example.com"] {
            world.records.add(name, &["11.0.0.2"]);
        }
        echo(world, "11.0.0.2:22", "hello");
        let mut spec = Spec::new(&["a.example.com:22"]);
        spec.egress = json!({"ask": {"command": [], "seconds": 3, "by": "network-ask#1"}});
        let jail = Jail::start(world, &spec);
        let talk = |name: &str| {
            let to = format!("{}:22", jail.address(name));
            let mut stream = jail.inside(|| TcpStream::connect(&to).unwrap());
            stream.set_read_timeout(Some(Duration::from_secs(4))).unwrap();
            read(&mut stream)
        };
        let reset = Ended::Reset(String::new());
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    to_daemon("NotificationAction", &["uint32:0"]);
                    std::thread::sleep(Duration::from_millis(50));
                }
            });
            let said = [talk("yes.example.com"), talk("no.example.com")];
            is_over.store(true, Ordering::Relaxed);
            assert_eq!(said, [Ended::Open("hello".into()), reset]);
        });
        // Without an answer the connection is refused.
        let begun = Instant::now();
        assert_eq!(talk("slow.example.com"), Ended::Reset(String::new()));
        assert!(begun.elapsed() >= Duration::from_secs(2), "{:?}", begun.elapsed());
        let changed = jail.log().into_iter().filter(|line| line["verdict"] == "changed");
        let changed: Vec<_> = changed.map(|line| line["reason"].clone()).collect();
        assert_eq!(changed, ["yes.example.com:22 was allowed on request"]);
    });
}
