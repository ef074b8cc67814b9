//! Clients of more than a page: each reaches the host that a rule names, at a real server, and no other.

use super::jail;
use super::real::{started, words};
use super::world::{World, run};
use jail_plan::Access;

use crate::jail::{Caller, Jail, bind, callers, has_more_users, literal, skipped};

/// A jail with what was copied into the world's folder.
fn with_programs(world: &World, caller: Caller, rules: &[&str]) -> Jail {
    let user = caller.uid.unwrap_or_else(|| rustix::process::geteuid().as_raw());
    let file = jail_plan::InsideOp::File(jail_plan::File {
        to: literal("/etc/passwd"),
        content: format!("me:x:{user}:{user}::/tmp:/bin/sh\n"),
        mode: 0o444,
    });
    jail(world, caller, rules).op(file).op(bind(world.folder(), Access::ReadOnly))
}

#[test]
fn git_over_ssh_clones_from_openssh() {
    run(|world| {
        if !rustix::process::geteuid().is_root() || !has_more_users() {
            return skipped("users", "sshd as a user of its own takes root");
        }
        let Some(sshd) = world.package("sshd") else { return };
        world.repository();
        let folder = world.folder().display().to_string();
        let prepare = format!(
            "ssh-keygen -q -t ed25519 -N '' -f host; ssh-keygen -q -t ed25519 -N '' -f me; chown 65534 host; chmod 644 me
             echo 'git:x:65534:65534::{folder}:/bin/sh' >passwd; cat /etc/passwd >>passwd; chown -R 65534 repo.git"
        );
        let mut shell = std::process::Command::new("sh");
        let prepared = shell.args(["-ec", &prepare]).current_dir(world.folder()).status();
        assert!(prepared.is_ok_and(|status| status.success()), "keys");
        let server = format!(
            "exec unshare --mount sh -c 'mount --bind passwd /etc/passwd; exec setpriv --reuid 65534 --regid 65534 --clear-groups {} -r -D -e \
             -f /dev/null -o ListenAddress=11.0.0.4 -o HostKey={folder}/host -o AuthorizedKeysFile={folder}/me.pub -o StrictModes=no -o UsePAM=no -o PidFile=none \
             2>sshd.log'",
            started(&sshd).join(" ")
        );
        let _server = world.serve(22, &["sh".into(), "-c".into(), server]);
        for caller in callers() {
            let jail = with_programs(world, caller, &["real.test:22"]);
            let clone = |host: &str| {
                format!(
                    "install -m 600 {folder}/me /tmp/me; export GIT_SSH_COMMAND='ssh -F none -i /tmp/me -o StrictHostKeyChecking=no \
                     -o UserKnownHostsFile=/tmp/known'; git clone -q git@{host}:repo.git /tmp/clone && cat /tmp/clone/file"
                )
            };
            let ran = jail.sh(&clone("real.test"));
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "text\n"), "{ran:?}");
            let ran = jail.sh(&clone("other.test"));
            assert!(ran.stderr.contains("Could not resolve hostname other.test"), "{ran:?}");
        }
    });
}

#[test]
fn redis_cli_talks_to_redis() {
    run(|world| {
        let (Some(server), Some(client)) =
            (world.package("redis-server"), world.package("redis-cli"))
        else {
            return;
        };
        let server =
            [started(&server), words("--port 6379 --bind 11.0.0.4 --protected-mode no --save")];
        let _server = world.serve(6379, &[server.concat(), vec![String::new()]].concat());
        let client = started(&client).join(" ");
        for caller in callers() {
            let jail = with_programs(world, caller, &["real.test:6379"]);
            let cli = |host: &str, command: &str| format!("{client} -h {host} {command}");
            jail.sh(&cli("real.test", "set key value")).prints("OK");
            jail.sh(&cli("real.test", "get key")).prints("value");
            let many =
                format!("seq 1000 | sed 's/.*/incr n/' | {} | tail -1", cli("real.test", ""));
            jail.sh(&format!("{}; {many}", cli("real.test", "del n >/dev/null"))).prints("1000");
            let ran = jail.sh(&cli("other.test", "ping"));
            assert!(ran.code != Some(0) && ran.stderr.contains("not known"), "{ran:?}");
        }
    });
}

#[test]
fn http_2_goes_through_tls_to_nghttpd() {
    run(|world| {
        let (Some(server), Some(python)) = (world.package("nghttpd"), world.package("python"))
        else {
            return;
        };
        let folder = world.folder().display().to_string();
        std::fs::write(world.folder().join("page"), "over two\n").expect("a page");
        let options = format!("-a 11.0.0.4 -d {folder} 443 {folder}/key {folder}/cert");
        let _server = world.serve(443, &[started(&server), words(&options)].concat());
        for caller in callers() {
            let jail = with_programs(world, caller, &["real.test:443"]);
            jail.sh("curl -sS --http2 -w '%{http_version}' https://real.test/page")
                .prints("over two\n2");
            let many = "seq -f 'url=https://real.test/page?%g' 200 | sed 's/$/\\noutput=\\/dev\\/null/' >/tmp/urls; \
                curl -sS --http2 --parallel --parallel-max 100 -K /tmp/urls -w '%{http_version} %{num_connects}\\n' | sort | uniq -c | tr -s ' '";
            let ran = jail.sh(many);
            assert!(ran.stdout.contains("2 0\n"), "streams share a connection: {ran:?}");
            let ran = jail.sh("curl -sS --http2 https://other.test/");
            assert_eq!(ran.code, Some(6), "{ran:?}");
            // The same by httpx, which speaks it by a library of its own.
            let modules = python.join("usr/lib/python3/dist-packages");
            let script = "import httpx\n\
                with httpx.Client(http2=True) as client:\n    \
                    answer = client.get('https://real.test/page'); print(answer.http_version, answer.text.strip())\n    \
                    try: client.get('https://other.test/')\n    \
                    except httpx.ConnectError as error: print('no host' if 'not known' in str(error) else error)\n";
            jail.file("project/two.py", script);
            let jail = jail.set("PYTHONPATH", modules.to_str().expect("UTF-8"));
            jail.sh("/usr/bin/python3 two.py").prints("HTTP/2 over two\nno host");
        }
    });
}

#[test]
fn python_requests_keeps_its_connection() {
    run(|world| {
        let Some(python) = world.package("python") else { return };
        let modules = python.join("usr/lib/python3/dist-packages");
        let script = "import requests, logging, io\n\
            log = io.StringIO(); logging.basicConfig(stream=log, level=logging.DEBUG)\n\
            session = requests.Session()\n\
            for _ in range(20): text = session.get('https://api.test/').text\n\
            print(text.strip(), log.getvalue().count('Starting new'))\n\
            try: session.get('https://other.test/')\n\
            except requests.ConnectionError as error: print('no host' if 'not known' in str(error) else error)\n";
        for caller in callers() {
            let jail = with_programs(world, caller, &["api.test:443"])
                .set("PYTHONPATH", modules.to_str().expect("UTF-8"))
                .set("REQUESTS_CA_BUNDLE", "/etc/ssl/certs/ca.pem");
            jail.file("project/get.py", script);
            jail.sh("/usr/bin/python3 get.py").prints("page of api.test 1\nno host");
        }
    });
}

#[test]
fn nodes_fetch_keeps_its_connection() {
    const SCRIPT: &str = "let connections = 0; \
        require('diagnostics_channel').subscribe('undici:client:connected', () => connections++); \
        const get = async () => (await (await fetch('https://api.test/')).text()).trim(); \
        (async () => { let text; for (let i = 0; i < 20; i++) text = await get(); \
        console.log(text, connections < 5); \
        console.log(new Set(await Promise.all([...Array(50)].map(get))).size); \
        await fetch('https://other.test/').catch(error => console.log(error.cause.code)); process.exit() })()";
    run(|world| {
        for caller in callers() {
            let jail = jail(world, caller, &["api.test:443"]);
            jail.file("project/get.js", SCRIPT);
            jail.sh("node get.js").prints("page of api.test true\n1\nENOTFOUND");
        }
    });
}

#[test]
fn a_web_socket_stays_open_and_carries_both_ways() {
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
                async with websockets.serve(echo, '11.0.0.4', 443, ssl=tls), websockets.serve(echo, '11.0.0.4', 80), websockets.serve(echo, '11.0.0.4', 8080): await asyncio.Future()\n\
            asyncio.run(main())\n"
        );
        let _server = world.serve(443, &["/usr/bin/python3".into(), "-c".into(), server]);
        let client = "import asyncio, ssl, socket, websockets\n\
            async def talk(url, **more):\n    \
                async with websockets.connect(url, **more) as socket:\n        \
                    first = await socket.recv(); await asyncio.sleep(0.3)\n        \
                    await socket.send('x' * 500000); print(first, len(await socket.recv()))\n\
            async def main():\n    \
                await talk('wss://real.test/', ssl=ssl.create_default_context()); await talk('ws://real.test/'); await talk('ws://real.test:8080/')\n    \
                try: await talk('ws://other.test:8080/')\n    \
                except socket.gaierror: print('no host')\n\
            asyncio.run(main())\n";
        for caller in callers() {
            let jail = with_programs(world, caller, &["real.test:443,80,8080"])
                .set("PYTHONPATH", &modules);
            jail.file("project/talk.py", client);
            jail.sh("/usr/bin/python3 talk.py")
                .prints("first 500000\nfirst 500000\nfirst 500000\nno host");
        }
    });
}
