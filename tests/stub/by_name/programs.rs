//! Programs that know of no proxy: each finds the names of the rules by its own
//! resolver, and no others.

use std::fs;
use std::time::Instant;

use jail_plan::Access;

use super::jail;
use super::world::run;
use crate::jail::{bind, callers, skipped};

#[test]
fn an_allowed_name_is_reached_and_gets_its_data() {
    run(|world| {
        for caller in callers() {
            let jail = jail(world, caller, &["api.test:443,80,22"]);
            jail.sh("curl -sS https://api.test/").prints("page of api.test");
            jail.sh("curl -sS http://api.test/").prints("page of api.test");
            jail.sh("exec bash -c 'exec 3<>/dev/tcp/api.test/22; read -r line <&3; echo $line'")
                .prints("hello");
            assert!(world.asked().contains(&"api.test".into()));
        }
    });
}

#[test]
fn a_refused_name_is_an_unknown_host_and_nobody_is_asked_for_it() {
    run(|world| {
        for caller in callers() {
            let jail = jail(world, caller, &["api.test:443"]);
            for name in ["other.test", "evilapi.test", "api.test.other.test", "no.such.name"] {
                let begin = Instant::now();
                let ran = jail.sh(&format!("curl -sS https://{name}/"));
                assert_eq!(ran.code, Some(6), "{ran:?}");
                assert!(begin.elapsed().as_secs() < 4, "at once");
                assert!(!world.asked().contains(&name.to_owned()), "{name}: {:?}", world.asked());
                assert!(ran.stderr.contains(&format!("1 host refused: {name}")), "{ran:?}");
            }
            // The control: outside the host's own resolver would have been asked.
            let asked = format!("python3 -c '{ASK}' other.test {}", super::RESOLVER);
            jail.outside_sh(&asked).prints("0");
            assert!(world.asked().contains(&"other.test".into()));
            std::fs::write(world.certificate().with_file_name("asked"), "").expect("a file");
        }
    });
}

/// Asks a DNS server for an address of a name, and prints the code of the answer.
const ASK: &str = "import socket, sys; s = socket.socket(2, 2); s.settimeout(5); \
    q = b\"\".join(bytes([len(p)]) + p.encode() for p in sys.argv[1].split(\".\")); \
    s.sendto(b\"ab\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\" + q + b\"\\0\\0\\1\\0\\1\", (sys.argv[2], 53)); \
    print(s.recv(512)[3] & 15)";

#[test]
fn resolvers_of_all_kinds_find_it() {
    const GLIBC: &str = "import socket; print(len(socket.getaddrinfo(\"api.test\", 80, type=1, flags=socket.AI_ADDRCONFIG)))";
    run(|world| {
        for caller in callers() {
            let jail = jail(world, caller, &["api.test:443,80", "localhost.test:80"]);
            // Both families, also where only families with an address of one's own are looked for.
            jail.sh(&format!("python3 -c '{GLIBC}'")).prints("2");
            jail.sh("getent ahostsv4 api.test | head -1 | cut -c 1-4").prints("198.");
            jail.sh("getent ahostsv6 api.test | head -1 | cut -c 1-9").prints("fd6a:6169");
            jail.sh("getent hosts localhost | head -1 | tr -s ' '").prints("::1 localhost");
            // Without any library, as static programs do.
            for (name, code) in [("api.test", "0"), ("other.test", "3"), ("API.TEST", "0")] {
                jail.sh(&format!("python3 -c '{ASK}' {name} 127.0.0.1")).prints(code);
            }
            jail.sh("node -e 'fetch(\"https://api.test/\").then(a => a.text()).then(console.log)'")
                .prints("page of api.test");
            jail.sh("node -e 'require(\"dns\").resolve6(\"api.test\", (e, a) => console.log(a.length))'")
                .prints("1");
            jail.sh("python3 -c 'import urllib.request as r; print(r.urlopen(\"https://api.test/\").read().decode())'")
                .prints("page of api.test");
            jail.sh("wget -q -O - http://api.test/").prints("page of api.test");
        }
    });
}

#[test]
fn git_clones_from_an_allowed_host_and_from_no_other() {
    run(|world| {
        world.repository();
        for caller in callers() {
            let jail = jail(world, caller, &["api.test:443,80"]);
            for scheme in ["https", "http"] {
                let clone = format!(
                    "git clone -q {scheme}://api.test/repo.git {scheme} && cat {scheme}/file"
                );
                jail.sh(&clone).prints("text");
            }
            let ran = jail.sh("git clone -q https://other.test/repo.git none");
            assert!(ran.stderr.contains("Could not resolve host: other.test"), "{ran:?}");
            jail.outside_sh("rm -rf http https").prints("");
        }
    });
}

#[test]
fn a_jvm_finds_it_too() {
    const MAIN: &str = r#"import java.net.*; import java.net.http.*;
class Main { public static void main(String[] names) throws Exception { for (String name : names) try {
    var request = HttpRequest.newBuilder(URI.create("http://" + name + "/")).build();
    System.out.print(HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body());
} catch (java.io.IOException error) { System.out.println("no " + name); } } }
"#;
    let Ok(java) = fs::canonicalize("/usr/bin/java") else {
        return skipped("java", "there is no Java here");
    };
    let home = java.ancestors().nth(2).expect("a folder");
    // Debian has it below /etc.
    let settings = fs::canonicalize(home.join("conf/net.properties")).expect("settings");
    let settings = settings.parent().expect("a folder");
    run(|world| {
        for caller in callers() {
            let jail = jail(world, caller, &["api.test:80"]).op(bind(settings, Access::ReadOnly));
            jail.file("project/Main.java", MAIN);
            let java = java.display();
            let ran =
                jail.sh(&format!("{java} -XX:TieredStopAtLevel=1 Main.java api.test other.test"));
            assert_eq!(ran.stdout, "page of api.test\nno other.test\n", "{ran:?}");
        }
    });
}
