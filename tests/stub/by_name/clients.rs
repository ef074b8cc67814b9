//! Clients of more than a page: each reaches the host that a rule names, at a
//! real server, and no other.

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

#[test]
fn psql_talks_to_postgresql_with_and_without_tls() {
    run(|world| {
        let (Some(root), Some(busybox)) = (world.package("postgresql"), world.package("busybox"))
        else {
            return;
        };
        let folder = world.folder().display();
        let (root, busybox) = (root.display(), busybox.display());
        // It refuses to run as root, so it is another user of a namespace of its own, in a
        // root with its own files.
        let prepare = format!(
            "mkdir -p {root}/dev {root}/tmp; mount --rbind /dev {root}/dev; cp {busybox}/bin/busybox {root}/bin/sh
             cp {folder}/cert {folder}/key {root}/tmp; chmod 600 {root}/tmp/key
             mkdir -p {root}/etc; echo me:x:1000:1000::/tmp:/bin/sh >{root}/etc/passwd
             exec unshare --user --map-user=1000 --map-group=1000 --root={root} /bin/sh -ec \"$1\""
        );
        let serve = "cd /usr/lib/postgresql/*/bin; export PATH=.:/bin
            ./initdb -D /tmp/data -U me --auth=trust --no-sync --locale=C -E UTF8 >/tmp/log 2>&1
            echo host all all all trust >>/tmp/data/pg_hba.conf
            exec ./postgres -D /tmp/data -h 11.0.0.4 -k /tmp -c jit=off -c fsync=off -c ssl=on -c ssl_cert_file=/tmp/cert -c ssl_key_file=/tmp/key 2>>/tmp/log";
        let mut server = words("unshare --mount sh -ec");
        server.extend([prepare, "sh".into(), serve.into()]);
        let _server = world.serve(5432, &server);
        let psql = format!(
            "{root}/lib64/ld-linux-*.so.* --library-path $(echo {root}/usr/lib/*-linux-gnu* {root}/lib/*-linux-gnu* | tr ' ' :) \
             {root}/usr/lib/postgresql/*/bin/psql -X -U me -d postgres -tA"
        );
        for caller in callers() {
            for (mode, is_tls) in [("disable", "f"), ("verify-full", "t")] {
                let jail = with_programs(world, caller, &["real.test:5432"])
                    .set("PGSSLMODE", mode)
                    .set("PGSSLROOTCERT", "/etc/ssl/certs/ca.pem");
                let ask = |host: &str, query: &str| {
                    jail.sh(&format!("cd /tmp; {psql} -h {host} -c \"{query}\""))
                };
                let own = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
                ask("real.test", own).prints(is_tls);
                ask("real.test", "select count(*), sum(n) from generate_series(1, 1000000) n")
                    .prints("1000000|500000500000");
                let many = "copy (select n, md5(n::text) from generate_series(1, 100000) n) to stdout\" | wc -l; : \"";
                ask("real.test", many).prints("100000");
                let ran = ask("other.test", "select 1");
                assert!(
                    ran.code != Some(0) && ran.stderr.contains("could not translate host name"),
                    "{ran:?}"
                );
            }
        }
    });
}

#[test]
fn grpc_goes_through_tls_and_without() {
    const SERVER: &str = "import grpc\nfrom concurrent import futures\n\
        def say(request, context): return b'said ' + request\n\
        def count(request, context):\n    \
            for number in range(int(request)): yield str(number).encode() * 1000\n\
        def total(requests, context): return str(sum(map(len, requests))).encode()\n\
        def echo(requests, context): yield from requests\n\
        unary, stream = grpc.unary_unary_rpc_method_handler, grpc.stream_stream_rpc_method_handler\n\
        methods = {'Say': unary(say), 'Count': grpc.unary_stream_rpc_method_handler(count), 'Total': grpc.stream_unary_rpc_method_handler(total), 'Echo': stream(echo)}\n\
        server = grpc.server(futures.ThreadPoolExecutor())\n\
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler('test.Test', methods)])\n\
        read = lambda name: open(name, 'rb').read()\n\
        assert server.add_secure_port('11.0.0.4:443', grpc.ssl_server_credentials([(read('key'), read('cert'))]))\n\
        assert server.add_insecure_port('11.0.0.4:50051')\n\
        server.start(); server.wait_for_termination()\n";
    const CLIENT: &str = "import grpc, sys\n\
        tls = grpc.ssl_channel_credentials(open('/etc/ssl/certs/ca.pem', 'rb').read())\n\
        def talk(channel):\n    \
            say, count = channel.unary_unary('/test.Test/Say'), channel.unary_stream('/test.Test/Count')\n    \
            total, echo = channel.stream_unary('/test.Test/Total'), channel.stream_stream('/test.Test/Echo')\n    \
            print(say(b'hello', timeout=20).decode(), sum(map(len, count(b'500', timeout=20))), end=' ')\n    \
            print(total((b'x' * 10000 for _ in range(500)), timeout=20).decode(), end=' ')\n    \
            asked = [say.future(str(one).encode(), timeout=20) for one in range(100)]\n    \
            print(len({one.result() for one in asked}), b''.join(echo(iter([b'a', b'b']), timeout=20)).decode())\n\
        def no(channel):\n    \
            try: channel.unary_unary('/test.Test/Say')(b'', timeout=20)\n    \
            except grpc.RpcError as error: print(error.code().name)\n\
        talk(grpc.secure_channel('real.test:443', tls)); talk(grpc.insecure_channel('real.test:50051'))\n\
        no(grpc.secure_channel('other.test:443', tls)); no(grpc.insecure_channel('other.test:50051'))\n";
    run(|world| {
        let Some(package) = world.package("grpc") else { return };
        let package = package.display();
        let libraries = std::fs::read_dir(format!("{package}/usr/lib")).expect("libraries");
        let libraries =
            libraries.filter_map(|entry| entry.ok()?.path().to_str().map(str::to_owned));
        let libraries =
            libraries.filter(|path| path.contains("-linux-gnu")).collect::<Vec<_>>().join(":");
        let modules = format!("{package}/usr/lib/python3/dist-packages");
        let mut server = words(&format!(
            "env LD_LIBRARY_PATH={libraries} PYTHONPATH={modules} /usr/bin/python3 -c"
        ));
        server.push(SERVER.into());
        let _server = world.serve(50051, &server);
        for caller in callers() {
            let jail = with_programs(world, caller, &["real.test:443,50051"])
                .set("PYTHONPATH", &modules)
                .set("LD_LIBRARY_PATH", &libraries);
            jail.file("project/talk.py", CLIENT);
            let said = "said hello 1390000 5000000 100 ab";
            jail.sh("/usr/bin/python3 talk.py 2>/dev/null")
                .prints(&format!("{said}\n{said}\nUNAVAILABLE\nUNAVAILABLE"));
        }
    });
}
