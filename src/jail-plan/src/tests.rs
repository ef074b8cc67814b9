//! The format is a contract: what is written can be read back, and any other form is refused.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use crate::{
    Access, Argument, Beneath, Bind, Closure, Egress, EnvOp, Expansion, ExpansionError,
    FoundAtLaunch, Handled, HostText, Ids, InsideOp, JailPath, Landlock, LandlockRule, Lifetime,
    Listener, Lookup, Missing, Namespace, Network, PathError, Places, Plan, Purpose, Reach,
    SeccompProgram, Set, StartIn, Step, Terminal, Transport, Unset, VERSION, Wrapper, WrapperError,
    encode, json,
};

struct Host(BTreeMap<&'static str, &'static str>);

impl Lookup for Host {
    fn variable(&self, name: &str) -> Option<&str> {
        self.0.get(name).copied()
    }

    fn home(&self) -> Option<&str> {
        self.variable("HOME")
    }

    fn folder(&self) -> Option<String> {
        self.variable("HOME").map(|_| "srv-project".into())
    }
}

fn expand(source: &str) -> Result<String, String> {
    let host = Host(BTreeMap::from([("HOME", "/home/u"), ("FOO", "foo"), ("EMPTY", "")]));
    let expansion = Expansion::parse(source).map_err(|error| error.to_string())?;
    HostText::Expand(expansion).resolve(&host).map_err(|Unset(name)| format!("unset {name}"))
}

#[track_caller]
fn expands(source: &str, expected: &str) {
    assert_eq!(expand(source), Ok(expected.to_string()), "{source}");
}

#[test]
fn expansions_are_those_of_a_shell() {
    expands("plain", "plain");
    expands("~", "/home/u");
    expands("~/x", "/home/u/x");
    expands("a~/x", "a~/x");
    expands("$FOO/bar", "foo/bar");
    expands("${FOO}bar", "foobar");
    expands("${NOPE:-d}", "d");
    expands("${EMPTY:-d}", "d");
    expands("$EMPTY", "");
    expands("${NOPE:-$HOME/.local}", "/home/u/.local");
    expands("${NOPE:-~/.local}/x", "/home/u/.local/x");
    expands("${NOPE:-${FOO:-x}}", "foo");
    expands("\"$FOO\"", "foo");
    expands("\"~/x\"", "~/x");
    expands(r"\$FOO", "$FOO");
}

#[test]
fn a_text_can_have_a_name_for_each_working_folder() {
    let read: HostText = json::read(br#"{"per-folder": "~/x"}"#).unwrap();
    let host = Host(BTreeMap::from([("HOME", "/home/u")]));
    assert_eq!(read.resolve(&host), Ok("/home/u/x/srv-project".to_string()));
    assert_eq!(serde_json::to_string(&read).unwrap(), r#"{"per-folder":"~/x"}"#);
    assert_eq!(read.resolve(&Host(BTreeMap::new())), Err(Unset("PWD".into())));
    assert!(json::read::<HostText>(br#"{"other": "~/x"}"#).is_err());
}

#[test]
fn what_is_no_expansion_is_refused() {
    let refused = |source, error| assert_eq!(Expansion::parse(source), Err(error), "{source}");
    refused("$(id)", ExpansionError::CommandSubstitution);
    refused("`id`", ExpansionError::CommandSubstitution);
    refused("${NOPE:-$(id)}", ExpansionError::CommandSubstitution);
    refused("$1", ExpansionError::NotAVariable("1".into()));
    refused("$", ExpansionError::NotAVariable(String::new()));
    refused("${FOO", ExpansionError::Unclosed("FOO".into()));
    refused("${FOO:=x}", ExpansionError::Unclosed("FOO".into()));
    refused("~root/x", ExpansionError::OtherHome);
    refused("\"x", ExpansionError::UnclosedQuote);
    assert_eq!(expand("$NOPE"), Err("unset NOPE".into()));
    let deep = "${A:-".repeat(40) + &"}".repeat(40);
    assert_eq!(Expansion::parse(&deep), Err(ExpansionError::TooDeep));
}

#[test]
fn jail_paths_are_absolute_and_normal() {
    let parse = |text| JailPath::parse(text).map(|path| path.to_string());
    assert_eq!(parse("/a//b/./c/"), Ok("/a/b/c".into()));
    assert_eq!(parse("/"), Ok("/".into()));
    assert_eq!(parse("a"), Err(PathError::Relative));
    assert_eq!(parse(""), Err(PathError::Relative));
    assert_eq!(parse("/a/../b"), Err(PathError::Parent));
    assert_eq!(parse("/a\0"), Err(PathError::Nul));
}

fn landlock() -> Landlock {
    let found = FoundAtLaunch { reach: Reach::Rwx, by: "mount-cwd#3".into() };
    let beneath = Beneath {
        path: HostText::Literal("/a".into()),
        reach: Reach::Ro,
        missing: Missing::Skip,
        by: "ro-bind#1".into(),
    };
    Landlock {
        handles: Handled::ALL.to_vec(),
        rules: vec![
            LandlockRule::Path(beneath),
            LandlockRule::Folder(found.clone()),
            LandlockRule::Bound(found.clone()),
            LandlockRule::Closure(found.clone()),
            LandlockRule::Standard(found),
        ],
        bind: vec![8080],
        connect: vec![443],
        least: 4,
        by: "landlock#4".into(),
    }
}

fn plan() -> Plan {
    let expansion = HostText::Expand(Expansion::parse("~/\"a\"").unwrap());
    let bind = Bind {
        from: expansion.clone(),
        to: HostText::Literal("/a, {b}".into()),
        access: Access::ReadOnly,
        missing: Missing::Skip,
    };
    let set = Set { name: "A".into(), value: expansion };
    Plan {
        version: VERSION,
        name: "demo".into(),
        host: None,
        before: Vec::new(),
        cgroup: None,
        namespaces: vec![Namespace::User, Namespace::Mount],
        ids: Ids::Caller,
        network: None,
        closure: Closure {
            store: "/nix/store".into(),
            skeleton: "/nix/store/x-demo/skeleton".into(),
            names: vec!["a-bash".into(), "b-glibc".into()],
        },
        inside: vec![
            Step::new("ro-bind#1", InsideOp::Bind(bind)),
            Step::new("base#0", InsideOp::Loopback),
        ],
        hostname: None,
        env: vec![Step::new("set-env#2", EnvOp::Set(set))],
        start: StartIn::Folder,
        argv: vec![Argument::Text(HostText::Literal("/bin/true".into())), Argument::All],
        terminal: Terminal::Keep,
        lifetime: Lifetime::Launcher,
        time: None,
        limits: Vec::new(),
        landlock: landlock(),
        seccomp: vec![SeccompProgram {
            name: "default".into(),
            arch: "x86_64".into(),
            program: String::new(),
            in_set_group_id_folder: None,
        }],
        after: Vec::new(),
    }
}

fn encoded() -> String {
    encode("/stub", &plan(), &Places::from([("ro-bind#1".into(), "demo.jail:1:2".into())])).unwrap()
}

fn failure(text: &str) -> WrapperError {
    Wrapper::parse(text.as_bytes()).err().expect("the wrapper must be refused")
}

#[test]
fn a_wrapper_is_read_back_as_written() {
    let text = encoded();
    let wrapper = Wrapper::parse(text.as_bytes()).unwrap();
    assert_eq!(wrapper.plan, plan());
    assert_eq!(wrapper.place("ro-bind#1"), Some("demo.jail:1:2".into()));
    assert_eq!(wrapper.place("ro-bind#2"), None);
    assert!(
        text.starts_with("#!/stub\nexit 125 # a plan, not a script\n{\"version\":3,\n"),
        "{text}"
    );
    assert!(
        text.contains("\"a-bash\",\n\"b-glibc\"") || text.contains("[\"a-bash\",\"b-glibc\"]"),
        "{text}"
    );
}

#[test]
fn the_text_of_the_network_is_that_of_the_wrapper() {
    let text = encoded();
    assert_eq!(Wrapper::parse(text.as_bytes()).unwrap().text.network, b"null");
    let network = Network {
        broker: "/broker".into(),
        local: vec!["198.18.0.0/15".into()],
        unreachable: Vec::new(),
        addresses: vec!["198.18.0.1".into()],
        listeners: vec![Listener {
            purpose: Purpose::Dns,
            transport: Transport::Udp,
            address: "::1".into(),
            port: 53,
        }],
        egress: Egress { internet: vec![443], ..Egress::default() },
        given: Vec::new(),
        by: "network-allow#3 ]}\"".into(),
    };
    let plan = Plan { network: Some(network.clone()), ..plan() };
    let text = encode("/stub", &plan, &Places::new()).unwrap();
    let wrapper = Wrapper::parse(text.as_bytes()).unwrap();
    assert_eq!(wrapper.plan.network, Some(network));
    let written: serde_json::Value = serde_json::from_slice(wrapper.text.network).unwrap();
    assert_eq!(written, serde_json::to_value(&plan.network).unwrap());
}

#[test]
fn a_wrapper_that_is_cut_short_is_refused_at_every_byte() {
    let text = encoded();
    let end = text.trim_end().rfind('\n').unwrap();
    for length in 0..end - 1 {
        assert!(Wrapper::parse(&text.as_bytes()[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn a_plan_of_another_version_says_so_even_when_nothing_else_fits() {
    assert_eq!(
        failure(&encoded().replace("\"version\":3", "\"version\":1")),
        WrapperError::Version(Some(1))
    );
    assert_eq!(
        failure("#!x\nexit 125 # a plan, not a script\n{\"version\":7,\"new\":1}"),
        WrapperError::Version(Some(7))
    );
}

#[test]
fn unknown_operations_fields_and_duplicates_are_refused() {
    let change = |from: &str, to: &str| {
        let text = encoded();
        assert!(text.contains(from), "{from}");
        failure(&text.replacen(from, to, 1))
    };
    assert!(matches!(change("\"bind\":", "\"bond\":"), WrapperError::Plan(_)));
    for (from, to) in [
        ("{\"by\":\"ro-bind#1\",", "{"),
        ("{\"by\":\"ro-bind#1\",", "{\"by\":\"ro-bind#1\",\"loopback\":null,"),
        ("{\"by\":\"ro-bind#1\",", "{\"by\":\"ro-bind#1\",\"by\":"),
        ("{\"by\":\"ro-bind#1\",", "{\"by\":null,"),
        ("\"loopback\":null", "\"loopback\":{}"),
        ("\"loopback\":null", "\"proc\":null"),
        ("{\"by\":\"base#0\",\"loopback\":null}", "\"loopback\""),
    ] {
        assert!(matches!(change(from, to), WrapperError::Plan(_)), "{to}");
    }
    assert!(matches!(change("\"ids\":", "\"idz\":1,\"ids\":"), WrapperError::Plan(_)));
    assert!(matches!(change("\"ids\":", "\"ids\":\"caller\",\"ids\":"), WrapperError::Plan(_)));
    assert!(matches!(change("\"to\":", "\"to\":\"/x\",\"to\":"), WrapperError::Plan(_)));
    assert!(matches!(
        change("\"expand\":\"~/\\\"a\\\"\"", "\"expand\":\"$(id)\""),
        WrapperError::Plan(_)
    ));
    assert!(matches!(change("\"a-bash\"", "\"../bash\""), WrapperError::Inconsistent(_)));
    assert!(matches!(change("#!", "##"), WrapperError::Head));
    assert!(matches!(change("exit 125", "true"), WrapperError::Head));
    assert!(matches!(change("\"after\":[]", "\"after\":[{}]"), WrapperError::Plan(_)));
}

#[test]
fn a_plan_without_a_filter_or_a_program_is_refused() {
    let refused = |change: fn(&mut Plan)| {
        let mut plan = plan();
        change(&mut plan);
        let text = encode("/stub", &plan, &Places::new()).unwrap();
        assert!(matches!(failure(&text), WrapperError::Inconsistent(_)), "{text}");
    };
    refused(|plan| plan.seccomp.clear());
    refused(|plan| plan.argv.clear());
    refused(|plan| plan.env.push(plan.env[0].clone()));
}

#[test]
fn a_wrapper_over_the_bound_is_not_read() {
    let text = encoded() + &" ".repeat(crate::PLAN_BYTES_MAX);
    assert_eq!(failure(&text), WrapperError::TooLarge);
}
