//! Both front ends agree: for each spec the term and the sealed plan are the same, whether
//! jailgen reads the spec and emits its policy, or Nix evaluates it with nixlib and the
//! builder lowers the term.
//!
//! Everything is evaluated by one call of Nix, and built by another.

mod random;
mod specs;
mod term;

use std::fs;
use std::path::Path;

use jailgen::backends::nix::{emit, lock::Lock};
use jailgen::backends::write;
use jailgen::compile::SpecFolder;
use serde_json::Value;

use crate::harness::{Scratch, project};
use crate::real_nix::{Setup, setup};
use specs::Spec;

/// One jail of one spec, which both front ends make.
struct Pair {
    spec: String,
    jail: String,
    /// The attribute of `front-ends.nix`.
    attribute: String,
}

#[test]
fn both_front_ends_make_the_same_term_and_the_same_plan() {
    let Some(setup) = setup() else { return };
    let scratch = Scratch::new();
    let specs = specs::all(&scratch);
    let pairs = write_front_ends(&setup, &scratch, &specs);
    assert!(pairs.len() > 60, "only {} jails are compared", pairs.len());
    let nix = &setup.programs[0];
    let words = ["eval", "--impure", "--json", "-f", "front-ends.nix", "compared"];
    let compared: Value =
        serde_json::from_str(&setup.nix_ok(nix, &scratch.path("."), &words)).unwrap();
    let terms = &compared["terms"];
    let mut problems = terms_differ(&pairs, terms);
    build(&setup, &scratch, &pairs);
    problems.extend(plans_differ(&pairs, &compared["paths"]));
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}

/// How many random specs are compared, if `JAIL_TEST_RANDOM_SPECS` does not say it.
const RANDOM: u64 = 200;

/// How many of them are compared by one call of Nix.
const BATCH: u64 = 500;

/// `JAIL_TEST_SEED` makes others. One that differs is printed with its seed.
#[test]
fn random_specs_have_the_same_term_in_both_front_ends() {
    let Some(setup) = setup() else { return };
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let (first, count) = (number("JAIL_TEST_SEED"), number("JAIL_TEST_RANDOM_SPECS"));
    let (first, end) = (first.unwrap_or(1), first.unwrap_or(1) + count.unwrap_or(RANDOM));
    for begin in (first..end).step_by(usize::try_from(BATCH).unwrap()) {
        let problems = random_batch(&setup, begin..end.min(begin + BATCH));
        assert!(problems.is_empty(), "{}", problems.join("\n\n"));
    }
}

fn random_batch(setup: &Setup, seeds: std::ops::Range<u64>) -> Vec<String> {
    let scratch = Scratch::new();
    let (mut pairs, mut compared, mut problems) = (Vec::new(), String::new(), Vec::new());
    for seed in seeds {
        let (file, text) = (format!("random-{seed}.jail"), random::spec(seed));
        scratch.write(&file, text.as_bytes());
        let compiled = SpecFolder::open(&scratch.path(&file)).unwrap().compile();
        let Some(spec) = &compiled.spec else {
            let said: Vec<_> = compiled.diagnostics.iter().map(|it| it.message.as_str()).collect();
            problems.push(format!("{file} is refused: {said:?}\n{text}"));
            continue;
        };
        for (jail, policy) in spec.jails.iter().zip(&compiled.policies) {
            let attribute = format!("jail-{}", pairs.len());
            let term = format!("{attribute}-term.nix");
            scratch.write(&term, term::file(jail).as_bytes());
            let name = &policy.name;
            // The policy is for the plan, which is not made.
            let both = format!("both ./{file} \"{name}\" ./{term} ./{term}");
            compared.push_str(&format!("  {attribute} = {both};\n"));
            let (spec, jail) = (format!("{file}\n{text}"), name.clone());
            pairs.push(Pair { spec, jail, attribute });
        }
    }
    scratch.write("front-ends.nix", nix_file(setup, &compared).as_bytes());
    let words = ["eval", "--impure", "--json", "-f", "front-ends.nix", "terms"];
    let output = setup.nix(&setup.programs[0], &scratch.path("."), &words);
    if !output.status.success() {
        problems.push(String::from_utf8_lossy(&output.stderr).into_owned());
        return problems;
    }
    problems.extend(terms_differ(&pairs, &serde_json::from_slice(&output.stdout).unwrap()));
    problems
}

/// Compiles and emits each spec, and writes the Nix file that has what both front ends make of it.
fn write_front_ends(setup: &Setup, scratch: &Scratch, specs: &[Spec]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let mut compared = String::new();
    for (number, spec) in specs.iter().enumerate() {
        let opened = SpecFolder::open(&scratch.path(&spec.file)).unwrap();
        let compiled = opened.compile();
        let said: Vec<_> = compiled.diagnostics.iter().map(|it| it.message.as_str()).collect();
        let emission = opened.emission(&compiled).unwrap();
        let Some(emission) = emission else { panic!("{}: {said:?}", spec.file) };
        let folder = format!("out-{number}");
        let flake = emit(&[emission], &kit(), Lock::compiled_in().unwrap()).unwrap();
        write(&flake.folder, &scratch.path(&folder), false).unwrap();
        let jails = &compiled.spec.as_ref().unwrap().jails;
        for (jail, policy) in jails.iter().zip(&compiled.policies) {
            let attribute = format!("jail-{}", pairs.len());
            let term = format!("{folder}/{attribute}-term.nix");
            scratch.write(&term, term::file(jail).as_bytes());
            compared.push_str(&format!(
                "  {attribute} = both ./{} \"{name}\" ./{term} ./{folder}/{name}.nix;\n",
                spec.file,
                name = policy.name,
            ));
            let (spec, jail) = (spec.file.clone(), policy.name.clone());
            pairs.push(Pair { spec, jail, attribute });
        }
    }
    scratch.write("front-ends.nix", nix_file(setup, &compared).as_bytes());
    pairs
}

fn nix_file(setup: &Setup, compared: &str) -> String {
    include_str!("front-ends.nix")
        .replace("@nixpkgs@", setup.nixpkgs.trim_start_matches("path:"))
        .replace("@llmAgents@", &setup.llm_agents)
        .replace("@kit@", &kit_url())
        .replace("@nixlib@", &project().join("nixlib").display().to_string())
        .replace("    # @jails@\n", compared)
}

/// What is emitted names a kit; the jails are made with that of this build.
fn kit() -> jailgen::kit::Kit {
    serde_json::from_str(&kit_record()).unwrap()
}

fn kit_record() -> String {
    let record = assert_cmd::cargo::cargo_bin!("jailgen").with_file_name("jailgen-kit.json");
    fs::read_to_string(record).unwrap()
}

fn kit_url() -> String {
    kit().url
}

fn terms_differ(pairs: &[Pair], compared: &Value) -> Vec<String> {
    let differs = |pair: &Pair| {
        let found = &compared[&pair.attribute];
        let (file, nix) = (&found["file"], &found["nix"]);
        let Pair { spec, jail, .. } = pair;
        assert!(file.is_object(), "{spec}, {jail}: {file}");
        (file != nix).then(|| format!("the terms of {jail} in {spec} differ:\n{file}\n{nix}"))
    };
    pairs.iter().filter_map(differs).collect()
}

fn build(setup: &Setup, scratch: &Scratch, pairs: &[Pair]) {
    let attributes: Vec<String> = pairs
        .iter()
        .flat_map(|pair| ["file", "nix"].map(|side| format!("wrappers.{}.{side}", pair.attribute)))
        .collect();
    let words = ["build", "--impure", "--no-link", "-f", "front-ends.nix"];
    let words: Vec<&str> = words.into_iter().chain(attributes.iter().map(String::as_str)).collect();
    setup.nix_ok(&setup.programs[0], &scratch.path("."), &words);
}

fn plans_differ(pairs: &[Pair], compared: &Value) -> Vec<String> {
    let differs = |pair: &Pair| {
        let paths = &compared[&pair.attribute];
        let plan = |side: &str| plan(Path::new(paths[side].as_str().unwrap()), &pair.jail);
        let (file, nix) = (plan("file"), plan("nix"));
        let Pair { spec, jail, .. } = pair;
        let first = || {
            let (one, other) = file.lines().zip(nix.lines()).find(|(one, other)| one != other)?;
            Some(format!("{one}\n{other}"))
        };
        (file != nix).then(|| format!("the plans of {jail} in {spec} differ:\n{:?}", first()))
    };
    pairs.iter().filter_map(differs).collect()
}

/// The wrapper's file without the places of the spec, which only one front end knows, and with
/// its own store hash masked.
fn plan(store_path: &Path, jail: &str) -> String {
    let wrapper = fs::read_to_string(store_path.join("bin").join(jail)).unwrap();
    let own = store_path.file_name().unwrap().to_str().unwrap();
    let masked = wrapper.replace(own, "OWN");
    let (plan, places) = masked.trim_end().rsplit_once('\n').unwrap();
    assert!(places.starts_with('{') && places.ends_with('}'), "{places}");
    plan.to_owned()
}
