//! The table as data: invariants of every entry.

use std::collections::BTreeSet;

use crate::testing::{list, p, pkg, s, set};
use crate::{
    Applied, BASE_PERMISSIONS, BUILDERS, CHAPTERS, COMMON_JAIL_OPTIONS, Code, Combinator, Jail,
    Lower, MOVABLE, Made, PRESETS, Placed, State, Symbolic, Type, Value, builder, combinator,
    combinators, combinators_page, lower, names, nearest,
};

#[test]
fn names_are_unique_and_legal() {
    let mut seen = BTreeSet::new();
    let names = combinators().map(|it| it.name).chain(BUILDERS.iter().map(|it| it.name));
    for name in names {
        assert!(seen.insert(name), "`{name}` is there twice");
        assert!(name.starts_with(|c: char| c.is_ascii_lowercase()), "{name}");
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{name}");
    }
    for combinator in combinators() {
        assert_eq!(combinator.name, combinator.name.to_lowercase());
    }
}

#[test]
fn chapters_are_in_alphabetical_order() {
    for chapter in CHAPTERS {
        let names: Vec<_> = chapter.combinators.iter().map(|it| it.name).collect();
        assert!(names.is_sorted(), "{}: {names:?}", chapter.title);
        assert!(!chapter.intro.is_empty(), "{}", chapter.title);
    }
}

#[test]
fn every_entry_has_a_summary_and_an_example_that_uses_it() {
    for combinator in combinators() {
        let (name, summary) = (combinator.name, combinator.summary);
        assert!(summary.starts_with(char::is_uppercase), "{name}: {summary}");
        assert!(!summary.ends_with('.') && !summary.contains('\n'), "{name}: {summary}");
        assert!(combinator.example.contains(name), "{name}: {}", combinator.example);
        assert_eq!(combinator.since.split('.').count(), 3, "{name}");
    }
    for builder in BUILDERS {
        assert!(builder.example.starts_with(builder.name), "{}", builder.name);
        assert_eq!(builder.signature.params.len(), 1, "{}", builder.name);
    }
}

#[test]
fn what_an_entry_says_is_whole() {
    for combinator in combinators() {
        let (name, docs) = (combinator.name, combinator.docs);
        assert!(docs.is_empty() || docs.ends_with(['.', '`', '*', ')']), "{name}: {docs}");
        assert_eq!(docs.trim_end(), docs, "{name}");
        let params: BTreeSet<_> = combinator.signature.params.iter().map(|it| it.name).collect();
        assert_eq!(params.len(), combinator.signature.params.len(), "{name}");
        assert!(combinator.signature.params.is_empty() || combinator.example != name, "{name}");
    }
}

#[test]
fn fields_are_documented_and_unique() {
    for builder in BUILDERS {
        let Type::Fields(fields) = builder.signature.params[0].ty else { panic!("{builder:?}") };
        let names: BTreeSet<_> = fields.iter().map(|field| field.name).collect();
        assert_eq!(names.len(), fields.len(), "{}", builder.name);
        assert!(fields.iter().all(|field| !field.doc.is_empty()), "{}", builder.name);
    }
}

#[test]
fn lists_of_names_are_of_known_names_that_take_nothing() {
    for name in BASE_PERMISSIONS.iter().chain(COMMON_JAIL_OPTIONS) {
        assert!(combinator(name).is_some_and(|it| it.signature.params.is_empty()), "{name}");
    }
}

#[test]
fn presets_belong_to_builders_and_say_where_their_state_was_learned() {
    for preset in PRESETS {
        let builders = BUILDERS.iter().filter(|builder| builder.preset == Some(preset));
        assert_eq!(builders.count(), 1, "{}", preset.package);
        assert!(preset.command.starts_with("jailed-"), "{}", preset.command);
        assert!(preset.source.starts_with("https://"), "{}", preset.package);
        assert!(!preset.state.is_empty(), "{}", preset.package);
    }
    assert!(builder("makeJailedOpencode").is_some());
}

#[test]
fn what_sessions_of_an_agent_share_is_in_folders_that_are_granted_whole() {
    for preset in PRESETS {
        for state in preset.state {
            let State::File(file) = state else { continue };
            let movable = MOVABLE.iter().find(|movable| movable.file == *file);
            let movable = movable.unwrap_or_else(|| panic!("each session has a copy of {file}"));
            assert!(preset.state.contains(&State::Directory(movable.folder)), "{file}");
            let below = movable.inside.strip_prefix(movable.folder);
            assert!(below.is_some_and(|below| below.starts_with('/')), "{}", movable.inside);
        }
    }
}

#[test]
fn codes_are_sorted_and_legal() {
    let names: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert!(names.is_sorted(), "{names:?}");
    let legal = |name: &str| name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    assert!(names.iter().all(|name| legal(name)), "{names:?}");
}

/// Values of the right type for a parameter, the likeliest first.
fn samples(ty: Type) -> Vec<Value> {
    match ty {
        Type::Null => vec![Value::Null],
        Type::Literal | Type::Word(_) => {
            ["NAME", "1G", "ipc", "tmpfs", "64", "default", "192.0.2.1"].map(s).into()
        }
        // Nearly every text is a path; the arguments of bubblewrap are not.
        Type::Text | Type::Entry => {
            let paths = std::iter::repeat_n("/some/path", 5);
            paths.chain(["--proc /proc", "http://proxy.example.org:3128"]).map(s).collect()
        }
        Type::Script => vec![s("exec true \"$@\"")],
        Type::Integer => vec![Value::Integer(1)],
        Type::Bool => vec![Value::Bool(true)],
        Type::Package | Type::Shell => vec![pkg("git")],
        Type::Permission => vec![p("mount-proc", [])],
        Type::List(element) => samples(*element).into_iter().map(|it| list([it])).collect(),
        Type::Fields(_) | Type::Map(_) => vec![Value::Attributes([].into())],
        Type::Either(types) => types.iter().flat_map(|ty| samples(*ty)).collect(),
    }
}

/// Arguments of the right type that have no meaning would be faults of these combinators.
fn meaningful(name: &str) -> Option<Vec<Value>> {
    let from = || ("from", set([("env", s("KEY"))]));
    let hosts = || ("hosts", list([s("api.example.org")]));
    Some(match name {
        names::CACHES => vec![list([s("npm")])],
        names::HTTP_ALLOW => vec![s("api.example.org"), set([("methods", list([s("GET")]))])],
        names::SECRET => vec![set([("env", s("KEY")), from(), hosts()])],
        names::SECRET_FILE => vec![set([("path", s("/run/key")), from(), hosts()])],
        names::SECRET_SOCKET => vec![set([
            ("socket", s("/run/api.sock")),
            ("upstream", s("https://api.example.org")),
            ("header", s("x-api-key")),
            from(),
        ])],
        _ => return None,
    })
}

/// A secret needs a host that the network allows.
fn applied(name: &str, arguments: Vec<Value>) -> Jail {
    let arguments = arguments.into_iter().map(Placed::nowhere).collect();
    let permission = Applied { combinator: name.into(), arguments, place: None };
    let network = Applied { combinator: "internet".into(), arguments: Vec::new(), place: None };
    let needs_network = [names::SECRET, names::SECRET_FILE].contains(&name).then_some(network);
    Jail {
        made: Made::Plain {
            name: "demo".into(),
            entry: Placed::nowhere(pkg("hello")),
            permissions: needs_network.into_iter().chain([permission]).collect(),
        },
        place: None,
    }
}

/// Arguments with which a combinator can be applied.
fn taken_arguments(combinator: &Combinator) -> Option<Vec<Value>> {
    let params = combinator.signature.params;
    let tries = (0..samples(Type::Literal).len()).map(|n| {
        let sample = |ty| samples(ty).into_iter().cycle().nth(n).unwrap();
        params.iter().map(|it| sample(it.ty)).collect::<Vec<_>>()
    });
    let takes = |arguments: &Vec<Value>| {
        let jail = applied(combinator.name, arguments.clone());
        lower(&jail, &Symbolic, &|_| String::new()).is_ok()
    };
    meaningful(combinator.name).into_iter().chain(tries).find(takes)
}

#[test]
fn lowering_takes_what_the_signature_says() {
    for combinator in combinators().filter(|it| matches!(it.lower, Lower::Permission(_))) {
        assert!(taken_arguments(combinator).is_some(), "{}", combinator.name);
    }
}

#[test]
fn what_a_combinator_uses_it_says_that_it_brings() {
    use jail_policy::Package;

    use crate::{Brought, Packages};

    /// It has all packages except one.
    struct Without(Brought);
    impl Packages for Without {
        fn nixpkgs(&self, attribute: &str) -> Option<Package> {
            (attribute != self.0.attribute()).then(|| Symbolic.nixpkgs(attribute)).flatten()
        }
        fn agent(&self, attribute: &str) -> Option<Package> {
            Symbolic.agent(attribute)
        }
    }

    for combinator in combinators().filter(|it| matches!(it.lower, Lower::Permission(_))) {
        let arguments = taken_arguments(combinator).unwrap();
        for package in Brought::ALL {
            let mut jail = applied(combinator.name, arguments.clone());
            let Made::Plain { permissions, .. } = &mut jail.made else { panic!("plain") };
            permissions
                .insert(0, Applied { combinator: "reset".into(), arguments: vec![], place: None });
            let missing = match lower(&jail, &Without(*package), &|_| String::new()) {
                Ok(_) => false,
                // The base permissions complain too; what counts is which others do.
                Err(faults) => faults.iter().any(|fault| {
                    fault.code == Code::MissingPackage
                        && fault.message.starts_with(&format!("`{}`", combinator.name))
                }),
            };
            let says = combinator.brings.iter().any(|brings| brings.package == *package);
            assert_eq!(missing, says, "{} and {}", combinator.name, package.attribute());
        }
    }
}

#[test]
fn the_nearest_name_is_near() {
    let names = || combinators().map(|it| it.name);
    assert_eq!(nearest("readonyl", names()), Some("readonly"));
    assert_eq!(nearest("mountcwd", names()), Some("mount-cwd"));
    assert_eq!(nearest("tempfs", names()), Some("tmpfs"));
    assert_eq!(nearest("something-else", names()), None);
    assert_eq!(nearest("", names()), None);
}

#[test]
fn the_page_of_combinators_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/combinators.md");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == combinators_page(),
        "docs/combinators.md is stale: run `cargo xtask generate`"
    );
}
