//! Programs whose requests are judged one by one: each trusts the authority of its launch by what
//! it is given, gets what a rule allows, and is refused the rest.

use std::process::Command;

use jail_plan::{Access, Content, EnvOp, Given, GivenTo, HostText, Network, RequestRule};

use super::real::started;
use super::world::{World, run_where_it_is_trusted as run};
use super::{by_name, with};
use crate::jail::{Caller, Jail, bind, by, callers, literal, skipped};

const BUNDLE: &str = "/etc/ssl/certs/given.pem";
const STORE: &str = "/etc/ssl/certs/given.p12";

/// What programs find the bundle by.
const VARIABLES: [&str; 7] = [
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "PIP_CERT",
    "CARGO_HTTP_CAINFO",
];

/// What the compiler makes of `http-allow`: a rule, and what the jail is given for it.
fn judged(world: &World, hosts: &[&str], methods: &[&str], paths: &[&str]) -> Network {
    let mut network = by_name(hosts);
    let own = |all: &[&str]| all.iter().map(|&one| one.into()).collect();
    network.egress.requests = vec![RequestRule {
        host: "real.test".into(),
        methods: own(methods),
        paths: own(paths),
        by: by(),
    }];
    let roots = world.certificate().display().to_string();
    let given = |content, to: &str| Given {
        content,
        to: GivenTo::File(HostText::Literal(to.into())),
        by: by(),
    };
    network.given = vec![
        given(Content::Authorities(roots.clone()), BUNDLE),
        given(Content::TrustStore(roots), STORE),
    ];
    network
}

fn jail(world: &World, caller: Caller, network: Network) -> Jail {
    let user = caller.uid.unwrap_or_else(|| rustix::process::geteuid().as_raw());
    let file = jail_plan::InsideOp::File(jail_plan::File {
        to: literal("/etc/passwd"),
        content: format!("me:x:{user}:{user}::/tmp:/bin/sh\n"),
        mode: 0o444,
    });
    let jail = with(world, caller, network).op(file).op(bind(world.folder(), Access::ReadOnly));
    // Both name the certificate of the server itself.
    let jail = jail.change(|plan| {
        let is_other =
            |op: &EnvOp| !matches!(op, EnvOp::Set(set) if VARIABLES.contains(&set.name.as_str()));
        plan.env.retain(|step| is_other(&step.op));
    });
    VARIABLES.iter().fold(jail, |jail, name| jail.set(name, BUNDLE))
}

/// A site with packages of all kinds at `real.test`.
fn site(world: &World) -> super::real::Server {
    world.repository();
    let words = ["python3", "-c", include_str!("site.py"), "11.0.0.4", "443"];
    world.serve(443, &words.map(String::from))
}

#[test]
fn curl_and_git_get_what_a_rule_allows_and_no_more() {
    run(|world| {
        let _site = site(world);
        for caller in callers() {
            let network = judged(world, &["real.test:443"], &["GET"], &["/page", "/repo.git/**"]);
            let jail = jail(world, caller, network);
            for version in ["--http1.1", "--http2"] {
                let status =
                    format!("curl -sS {version} -o /dev/null -w '%{{http_code}}' --path-as-is");
                jail.sh(&format!("curl -sS {version} https://real.test/page")).prints("a page");
                for (words, code) in [
                    ("https://real.test/secret", "403"),
                    ("https://real.test/repo.git/../secret", "403"),
                    ("https://real.test/repo.git/%2e%2e/secret", "403"),
                    ("https://real.test/repo.git/..%2fsecret", "403"),
                    ("https://real.test//secret", "403"),
                    ("-d x https://real.test/page", "403"),
                    ("-I https://real.test/page", "403"),
                    ("-X TRACE https://real.test/page", "403"),
                    ("-H 'Host: other.test' https://real.test/page", "421"),
                ] {
                    jail.sh(&format!("{status} {words}")).prints(code);
                }
            }
            jail.sh("git clone -q https://real.test/repo.git /tmp/clone && cat /tmp/clone/file")
                .prints("text");
            let ran = jail.sh("git clone -q https://real.test/other.git /tmp/other");
            assert!(ran.stderr.contains("403"), "{ran:?}");
            // Without what it is given a program knows no such authority, and gets nothing.
            let ran = jail.sh("curl -sS --cacert /etc/ssl/certs/ca.pem https://real.test/page");
            assert_eq!(ran.code, Some(60), "{ran:?}");
            // The control: outside the server has all of it.
            let all = "curl -sS --path-as-is --resolve real.test:443:11.0.0.4 --cacert";
            let outside = format!(
                "{all} {} https://real.test/repo.git/../secret",
                world.certificate().display()
            );
            jail.outside_sh(&outside).prints("a secret");
        }
    });
}

#[test]
fn pip_requests_and_httpx_trust_what_they_are_given() {
    run(|world| {
        let Some(python) = world.package("python") else { return };
        let modules = python.join("usr/lib/python3/dist-packages").display().to_string();
        let _site = site(world);
        for caller in callers() {
            let network =
                judged(world, &["real.test:443"], &["GET"], &["/page", "/simple/**", "/files/*"]);
            let jail = jail(world, caller, network).set("PYTHONPATH", &modules);
            let pip = "/usr/bin/python3 -m pip -q --disable-pip-version-check --no-cache-dir install --root-user-action ignore --no-deps --target /tmp/got --index-url https://real.test/simple";
            jail.sh(&format!("{pip} tiny 2>&1; /usr/bin/python3 /tmp/got/tiny.py")).prints("tiny");
            let script = "import requests, httpx\n\
                print(requests.get('https://real.test/page').text.strip(), requests.get('https://real.test/secret').status_code)\n\
                with httpx.Client(http2=True) as client:\n    \
                    answer = client.get('https://real.test/page'); print(answer.http_version, answer.text.strip())\n    \
                    print(client.post('https://real.test/page', content='x').json()['error'])\n";
            jail.file("project/get.py", script);
            jail.sh("/usr/bin/python3 get.py").prints(
                "a page 403\nHTTP/2 a page\njailgen: no rule for this host allows this method and path",
            );
        }
    });
}

#[test]
fn node_and_npm_trust_what_they_are_given() {
    const SCRIPT: &str = "const get = async (path, more) => { const a = await fetch('https://real.test' + path, more); return a.status + ' ' + (a.ok ? (await a.text()).trim() : (await a.json()).rules.length) }; \
        (async () => { console.log(await get('/page')); console.log(await get('/secret')); console.log(await get('/page', { method: 'POST', body: 'x' })); \
        console.log(new Set(await Promise.all([...Array(50)].map(() => get('/page')))).size) })()";
    run(|world| {
        let _site = site(world);
        for caller in callers() {
            let network = judged(world, &["real.test:443"], &["GET"], &["/page", "/npm/**"]);
            let jail = jail(world, caller, network);
            jail.file("project/get.js", SCRIPT);
            jail.sh("node get.js").prints("200 a page\n403 1\n403 1\n1");
            let npm = "mkdir /tmp/n && cd /tmp/n && npm install --silent --no-audit --no-fund --registry https://real.test/npm/ tiny >/dev/null 2>err; \
                cat err; node -e 'console.log(require(\"tiny\"))'";
            jail.sh(npm).prints("tiny");
        }
    });
}

#[test]
fn cargo_trusts_what_it_is_given() {
    run(|world| {
        let found = Command::new("rustup").args(["which", "cargo"]).output();
        let Some(cargo) = found.ok().filter(|output| output.status.success()) else {
            return skipped("cargo", "there is no rustup");
        };
        let cargo = String::from_utf8_lossy(&cargo.stdout).trim().to_owned();
        std::fs::copy(&cargo, world.folder().join("cargo")).expect("a copy");
        let _site = site(world);
        for caller in callers() {
            let network = judged(world, &["real.test:443"], &["GET"], &["/index/**", "/crates/**"]);
            let jail = jail(world, caller, network).set("CARGO_HOME", "/tmp/cargo");
            jail.file("project/Cargo.toml", "[package]\nname = \"own\"\nversion = \"0.1.0\"\n[dependencies]\ntiny = { version = \"0.1\", registry = \"own\" }\n");
            jail.file("project/src/lib.rs", "");
            let settings = "mkdir /tmp/cargo; printf '[registries.own]\\nindex = \"sparse+https://real.test/index/\"\\n' >/tmp/cargo/config.toml";
            let cargo = world.folder().join("cargo").display().to_string();
            let ran = jail.sh(&format!(
                "{settings}; {cargo} -q vendor /tmp/vendor >/dev/null; ls /tmp/vendor"
            ));
            assert_eq!(ran.stdout, "tiny\n", "{ran:?}");
        }
    });
}

#[test]
fn java_trusts_the_store_that_it_is_given() {
    const SCRIPT: &str = r#"import java.net.URI; import java.net.http.*;
        class Get { public static void main(String[] none) throws Exception {
            var client = HttpClient.newHttpClient();
            for (var path : new String[] { "/page", "/secret" }) {
                var answer = client.send(HttpRequest.newBuilder(URI.create("https://real.test" + path)).build(), HttpResponse.BodyHandlers.ofString());
                System.out.println(answer.version() + " " + answer.statusCode()); } } }"#;
    run(|world| {
        let java =
            std::fs::read_dir("/usr/lib/jvm").into_iter().flatten().flatten().find(|entry| {
                // Debian's has its settings in /etc, which no test's jail has.
                let conf = entry.path().join("conf/security/java.security");
                conf.symlink_metadata().is_ok_and(|meta| meta.is_file())
            });
        let Some(java) = java else {
            return skipped("java", "there is no Java with settings of its own");
        };
        let _site = site(world);
        for caller in callers() {
            let network = judged(world, &["real.test:443"], &["GET"], &["/page"]);
            let jail = jail(world, caller, network);
            jail.file("project/Get.java", SCRIPT);
            let java = java.path().join("bin/java").display().to_string();
            let store = format!(
                "-Djavax.net.ssl.trustStore={STORE} -Djavax.net.ssl.trustStorePassword=changeit"
            );
            jail.sh(&format!("{java} {store} Get.java")).prints("HTTP_2 200\nHTTP_2 403");
        }
    });
}

#[test]
fn a_server_of_http_2_gets_what_clients_of_both_versions_ask() {
    run(|world| {
        let Some(server) = world.package("nghttpd") else { return };
        let folder = world.folder().display().to_string();
        std::fs::write(world.folder().join("page"), "over two\n").expect("a page");
        let options = format!("-a 11.0.0.4 -d {folder} 443 {folder}/key {folder}/cert");
        let options = super::real::words(&options);
        let _server = world.serve(443, &[started(&server), options].concat());
        for caller in callers() {
            let network = judged(world, &["real.test:443"], &["GET"], &["/page"]);
            let jail = jail(world, caller, network);
            for version in ["--http1.1", "--http2"] {
                jail.sh(&format!("curl -sS {version} https://real.test/page")).prints("over two");
                jail.sh(&format!(
                    "curl -sS {version} -o /dev/null -w '%{{http_code}}' https://real.test/key"
                ))
                .prints("403");
            }
            let many = "seq -f 'url=https://real.test/page?%g' 200 | sed 's/$/\\noutput=\\/dev\\/null/' >/tmp/urls; \
                curl -sS --http2 --parallel --parallel-max 100 -K /tmp/urls -w '%{http_code} %{num_connects}\\n' | sort | uniq -c | tr -s ' '";
            let ran = jail.sh(many);
            assert!(ran.stdout.contains("200 0\n") && !ran.stdout.contains("50"), "{ran:?}");
        }
    });
}

#[test]
fn a_web_socket_in_tls_that_ends_outside_stays_open_and_carries_both_ways() {
    run(|world| {
        let Some(python) = world.package("python") else { return };
        let modules = python.join("usr/lib/python3/dist-packages").display().to_string();
        let server = format!(
            "import sys; sys.path.insert(0, '{modules}')\nimport asyncio, ssl, websockets\n\
            async def echo(socket):\n    \
                await socket.send('first')\n    \
                async for message in socket: await socket.send(message)\n\
            async def main():\n    \
                tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); tls.load_cert_chain('cert', 'key')\n    \
                async with websockets.serve(echo, '11.0.0.4', 443, ssl=tls): await asyncio.Future()\n\
            asyncio.run(main())\n"
        );
        let _server = world.serve(443, &["/usr/bin/python3".into(), "-c".into(), server]);
        let client = "import asyncio, ssl, websockets\n\
            async def talk(url):\n    \
                async with websockets.connect(url, ssl=ssl.create_default_context()) as socket:\n        \
                    first = await socket.recv(); await asyncio.sleep(0.3)\n        \
                    await socket.send('x' * 500000); print(first, len(await socket.recv()))\n\
            async def main():\n    \
                await talk('wss://real.test/socket')\n    \
                try: await talk('wss://real.test/other')\n    \
                except websockets.InvalidStatusCode as error: print(error.status_code)\n\
            asyncio.run(main())\n";
        for caller in callers() {
            let network = judged(world, &["real.test:443"], &["GET"], &["/socket"]);
            let jail = jail(world, caller, network).set("PYTHONPATH", &modules);
            jail.file("project/talk.py", client);
            jail.sh("/usr/bin/python3 talk.py").prints("first 500000\n403");
        }
    });
}
