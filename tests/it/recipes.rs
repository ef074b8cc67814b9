//! The recipes of docs/recipes.md: an example that is built and run does what it is for, and is
//! refused what it has no grant for.

use std::fs;
use std::process::{Child, Command, Stdio};

use jail_registry::host_group;

use crate::harness::{Scratch, project};
use crate::real_nix::{has_user_namespaces, setup};
use crate::tidy::text;

/// An example, built.
struct Recipe {
    scratch: Scratch,
}

fn recipe(name: &str) -> Option<Recipe> {
    let setup = setup()?;
    if !has_user_namespaces() {
        return None;
    }
    let spec = format!("{name}.jail");
    let scratch = Scratch::outside_of_tmp();
    scratch.write(&spec, text(&format!("examples/{spec}")).as_bytes());
    scratch.write("project/mine", b"mine\n");
    setup.build(&scratch, &spec);
    Some(Recipe { scratch })
}

impl Recipe {
    fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.scratch.path(".local/state/jailgen/bin").join(name));
        command.args(arguments).current_dir(self.scratch.path("project"));
        command.env("HOME", self.scratch.path("")).stdin(Stdio::null());
        for variable in ["XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
            command.env_remove(variable);
        }
        command
    }

    /// What a script prints in a jail, if it succeeds.
    fn inside(&self, name: &str, script: &str) -> Option<String> {
        let output = self.command(name, &["-c", script]).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        output.status.success().then(|| said.trim_end().to_owned())
    }

    /// The hosts of a group can be connected to, and no other host. The broker answers both by
    /// itself.
    fn assert_reaches(&self, name: &str, group: &str) {
        for known in host_group(group).unwrap().hosts {
            let host = known.host.trim_start_matches("*.").split(':').next().unwrap();
            let host = if known.host.starts_with('*') { format!("x.{host}") } else { host.into() };
            let script = format!("exec 3<>/dev/tcp/{host}/443");
            assert!(self.inside(name, &script).is_some(), "{name}: {host}");
        }
        let script = "exec 3<>/dev/tcp/other.example/443";
        assert_eq!(self.inside(name, script), None, "{name}");
    }

    /// The folder of a cache is the jail's own, outlives the jail, and is not that of the user.
    fn assert_caches(&self, name: &str, cache: &str, inside: &str) {
        let outside = self.scratch.path(inside);
        fs::create_dir_all(&outside).unwrap();
        fs::write(outside.join("of-the-user"), "").unwrap();
        let script = format!("ls -A ~/{inside}; echo x >~/{inside}/of-the-jail");
        assert_eq!(self.inside(name, &script).as_deref(), Some(""), "{name}");
        let script = format!("ls -A ~/{inside}");
        assert_eq!(self.inside(name, &script).as_deref(), Some("of-the-jail"), "{name}");
        assert!(!outside.join("of-the-jail").exists(), "{name}");
        let kept = self.scratch.path(&format!(".cache/jailgen/{name}/{cache}"));
        assert!(kept.is_dir(), "{}", kept.display());
    }
}

#[test]
fn pip_has_pypi_and_a_cache_of_its_own() {
    let Some(recipe) = recipe("pip") else { return };
    recipe.assert_reaches("jailed-pip", "pypi");
    recipe.assert_caches("jailed-pip", "pip", ".cache/pip");
    let script = "python3 -c 'import os; print(os.environ[\"PIP_CACHE_DIR\"] == os.path.expanduser(\"~/.cache/pip\"))'";
    assert_eq!(recipe.inside("jailed-pip", script).as_deref(), Some("True"));
}

#[test]
fn npm_has_its_registry_and_a_cache_of_its_own() {
    let Some(recipe) = recipe("npm") else { return };
    recipe.assert_reaches("jailed-npm", "npm");
    recipe.assert_caches("jailed-npm", "npm", ".npm");
    let script = "[ \"$npm_config_cache\" = ~/.npm ] && node -e 'console.log(1 + 1)'";
    assert_eq!(recipe.inside("jailed-npm", script).as_deref(), Some("2"));
}

#[test]
fn cargo_has_its_registry_and_a_cache_of_its_own() {
    let Some(recipe) = recipe("cargo") else { return };
    recipe.assert_reaches("jailed-cargo", "crates");
    recipe.assert_caches("jailed-cargo", "cargo", ".cargo");
}

#[test]
fn git_has_a_token_only_as_a_placeholder() {
    let Some(recipe) = recipe("git-push") else { return };
    let fill = |host: &str| {
        let ask = format!("printf 'protocol=https\\nhost={host}\\n\\n' | git credential fill");
        let mut command = recipe.command("jailed-git-push", &["-c", &ask]);
        let output = command.env("GITHUB_TOKEN", "the-real-token").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let said = fill("github.com");
    assert!(said.contains("username=x-access-token\n"), "{said}");
    let password = said.lines().find_map(|line| line.strip_prefix("password=")).unwrap();
    assert!(password.len() > 10 && !password.contains("the-real-token"), "{said}");
    // Another host is given the same placeholder, which is worth nothing, and cannot be reached.
    assert!(!fill("other.example").contains("the-real-token"));
    let mut command =
        recipe.command("jailed-git-push", &["-c", "exec 3<>/dev/tcp/api.github.com/443"]);
    assert!(!command.env("GITHUB_TOKEN", "the-real-token").status().unwrap().success());
    // Without a token there is no jail that would push without it.
    let mut command = recipe.command("jailed-git-push", &["-c", "true"]);
    assert!(!command.env_remove("GITHUB_TOKEN").stderr(Stdio::null()).status().unwrap().success());
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // The launcher ends its jail when it is asked to end.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

#[test]
fn an_mcp_server_is_reached_from_another_jail_and_has_its_own_grants() {
    let Some(recipe) = recipe("mcp") else { return };
    if std::net::TcpListener::bind(("127.0.0.1", 8765)).is_err() {
        println!("skipped: port 8765 is in use");
        return;
    }
    recipe.scratch.write(
        "project/server.py",
        b"import http.server, os
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            open('mine', 'w')
            can = 'writes'
        except OSError:
            can = 'reads'
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f'{can} {os.environ[\"TRACKER_TOKEN\"]}'.encode())
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(('127.0.0.1', 8765), Answer)
print('ready', flush=True)
server.serve_forever()
",
    );
    let mut command = recipe.command("jailed-tracker", &["server.py"]);
    command.env("TRACKER_TOKEN", "the-real-token").stdout(Stdio::piped());
    let mut server = Server(command.spawn().unwrap());
    let mut line = [0; 6];
    std::io::Read::read_exact(server.0.stdout.as_mut().unwrap(), &mut line).unwrap();
    assert_eq!(&line, b"ready\n");

    // The agent of the example asks as its MCP client would; the stand-in agent runs what it gets.
    let ask = |port: u16| {
        let script = format!(
            "exec 3<>/dev/tcp/127.0.0.1/{port} && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3"
        );
        let output = recipe.command("jailed-agent", &["shell", &script]).output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let said = ask(8765);
    assert!(said.contains("reads ") && !said.contains("the-real-token"), "{said}");
    // No other port of the host is there.
    let other = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = other.local_addr().unwrap().port();
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok(), "the control");
    assert!(!ask(port).contains("HTTP/1.0 200"));
}

#[test]
fn several_agents_have_what_is_their_own() {
    let scratch = Scratch::new();
    let spec = project().join("examples/agents.jail");
    let explained = scratch.run(&["explain", "--json", spec.to_str().unwrap()]);
    let jails: serde_json::Value =
        serde_json::from_str(&explained.assert_status(0).stdout).unwrap();
    let of = |name: &str| {
        let all = jails["jails"].as_array().unwrap().iter();
        all.clone().find(|jail| jail["name"] == name).unwrap().to_string()
    };
    let (claude, codex, critic) = (of("jailed-claude"), of("jailed-codex"), of("jailed-critic"));
    for (one, own, other) in [(&claude, ".claude", ".codex"), (&codex, ".codex", ".claude")] {
        assert!(one.contains(&format!("~/{own}")) && !one.contains(&format!("~/{other}")), "{one}");
    }
    assert!(
        claude.contains("jailgen/jailed-claude/npm") && codex.contains("jailgen/jailed-codex/npm")
    );
    assert!(!critic.contains("jailgen/jailed-claude"), "{critic}");
}

#[test]
fn every_recipe_is_an_example_and_says_which_test_runs_it() {
    let page = text("docs/recipes.md");
    let rows = page.lines().filter(|line| line.starts_with("| ") && line.contains("../examples/"));
    let mut count = 0;
    for row in rows {
        count += 1;
        let spec = row.split("../examples/").nth(1).unwrap().split(')').next().unwrap();
        assert!(project().join("examples").join(spec).is_file(), "{row}");
        let test = row.rsplit('`').nth(1).unwrap();
        let is_there = match test.split_once("::") {
            Some((file, name)) => text(&format!("{file}.rs")).contains(&format!("fn {name}()")),
            None => text("Makefile").contains(test.trim_start_matches("make ")),
        };
        assert!(is_there, "{row}: {test}");
    }
    assert!(count >= 9, "{count}");
}
