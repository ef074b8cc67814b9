//! Every example of the table is a spec that compiles: the language evaluates it and the registry
//! lowers it, without warnings other than those about what a combinator is there to grant.

use jail_lang::{Limits, MemorySources, evaluate};
use jail_registry::{BUILDERS, Diagnostic, Symbolic, combinators, lower};

/// Evaluates and lowers a spec, and returns its diagnostics.
fn compile(spec: &str) -> Vec<String> {
    let sources = MemorySources::new([("spec.jail", spec)]);
    let outcome = evaluate(&sources, "spec.jail", Limits::SPEC);
    let said = |diagnostic: &Diagnostic| {
        let help = diagnostic.help.as_deref().unwrap_or_default();
        format!("{}: {} ({help})", diagnostic.code.as_str(), diagnostic.message)
    };
    let mut said: Vec<String> = outcome.diagnostics.iter().map(said).collect();
    let Some(spec) = outcome.spec else {
        said.push("it makes no spec".into());
        return said;
    };
    for jail in &spec.jails {
        match lower(jail, &Symbolic, &|place| place.start.to_string()) {
            Ok(lowered) => {
                let mistakes = lowered.warnings.iter().filter(|it| it.danger.is_none());
                said.extend(mistakes.map(|it| it.message.clone()));
            }
            Err(faults) => said.extend(faults.iter().map(|it| it.message.clone())),
        }
    }
    said
}

#[test]
fn every_combinators_example_compiles() {
    for combinator in combinators() {
        let spec = format!("jail \"demo\" pkgs.hello [ ({}) ]", combinator.example);
        assert_eq!(compile(&spec), Vec::<String>::new(), "{spec}");
    }
}

#[test]
fn every_builders_example_compiles() {
    for builder in BUILDERS {
        assert_eq!(compile(builder.example), Vec::<String>::new(), "{}", builder.example);
    }
}

#[test]
fn a_spec_with_a_fault_is_not_silent() {
    assert_ne!(compile("jail \"demo\" pkgs.hello [ (readonly \"etc\") ]"), Vec::<String>::new());
    assert_ne!(compile("makeJailedPi { nope = 1; }"), Vec::<String>::new());
}

#[test]
fn the_common_options_and_packages_are_values_of_the_language() {
    let spec = "makeJailedAgent {
      name = \"a\"; pkg = pkgs.hello; configPaths = [ ];
      baseJailOptions = commonJailOptions ++ [ (tmpfs \"/var/cache\") ];
      basePackages = commonPkgs ++ [ pkgs.hello ];
    }";
    assert_eq!(compile(spec), Vec::<String>::new());
}
