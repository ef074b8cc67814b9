//! `buildJail FILE`: Nix evaluates the spec, and the builder reads it once more with jailgen's
//! evaluator, which is what `check` and `explain` go by. Where the two part nothing is built.

use std::fs;

use crate::harness::Scratch;
use crate::nix_front_end::nix_file;
use crate::real_nix::{Setup, setup};

/// What a spec must not get by a detour.
const SECRET: &str = "(readwrite \"/srv/secret\")";

/// The builder's message about every spec that it does not build.
const REFUSED: &str = "is not built, because jailgen and Nix read it differently";

/// Specs in which Nix finds `GRANT`, and jailgen's evaluator did not find when they were
/// written down, or refuses now.
const HIDING: &[(&str, &str)] = &[
    ("a comment that a lone CR ends", "jail \"x\" pkgs.hello [ # more\rGRANT\n ]"),
    (
        "an operator that is bound anew",
        "let __lessThan = a: b: true; in jail \"x\" pkgs.hello (if 2 < 1 then [ GRANT ] else [ ])",
    ),
    (
        "another",
        "let __sub = a: b: 7; in jail \"x\" pkgs.hello (if 2 - 1 == 7 then [ GRANT ] else [ ])",
    ),
    (
        "another",
        "let __mul = a: b: 7; in jail \"x\" pkgs.hello (if 2 * 1 == 7 then [ GRANT ] else [ ])",
    ),
    (
        "another",
        "let __div = a: b: 7; in jail \"x\" pkgs.hello (if 2 / 1 == 7 then [ GRANT ] else [ ])",
    ),
    (
        "a set that overrides itself",
        "jail \"x\" pkgs.hello (rec { __overrides = { grants = [ GRANT ]; }; grants = [ ]; }).grants",
    ),
    (
        "Nix's own version",
        "jail \"x\" pkgs.hello (if builtins.nixVersion == \"2.18.0\" then [ ] else [ GRANT ])",
    ),
    (
        "what Nix has and jailgen has not",
        "jail \"x\" pkgs.hello (if builtins ? builtins then [ GRANT ] else [ ])",
    ),
    (
        "functions that are equal",
        "let f = x: x; in jail \"x\" pkgs.hello (if builtins.elem f [ f ] then [ GRANT ] else [ ])",
    ),
    (
        "positions of arguments",
        "let at = builtins.unsafeGetAttrPos \"a\" (builtins.functionArgs ({ a }: a)); in
         jail \"x\" pkgs.hello (if at == null then [ ] else [ GRANT ])",
    ),
    (
        "whether a package has a value",
        "let tried = builtins.tryEval (pkgs.hello.override (throw \"no\")); in
         jail \"x\" pkgs.hello (if tried.success then [ ] else [ GRANT ])",
    ),
    (
        "what a function of a spec is given",
        "{ pkgs, ... }@given: jail \"x\" pkgs.hello (if given ? lib then [ ] else [ GRANT ])",
    ),
    // The flake has a combinator of its own, which no other evaluator can know.
    (
        "what the flake adds",
        "jail \"x\" pkgs.hello (if combinators ? mine then [ GRANT ] else [ ])",
    ),
    ("a path that only Nix knows", "jail \"x\" pkgs.hello [ (readwrite pkgs.secret) ]"),
    ("the same in a string", "jail \"x\" pkgs.hello [ (readwrite \"${pkgs.secret}\") ]"),
];

/// A folder with a spec and a flake-like file that makes wrappers of it.
fn with_spec(setup: &Setup, spec: &str) -> Scratch {
    let scratch = nix_file(
        setup,
        "inherit (
           let library = jailgen.extend {
             pkgs = pkgs // { secret = \"/srv/secret\"; word = \"word\"; };
             additionalCombinators = combinators: { mine = combinators.network; };
           };
           in {
             checked = library.buildJail ./x.jail;
             unchecked = library.buildJail { spec = ./x.jail; checked = false; };
             whole = library.buildJail { spec = ./x.jail; files = [ ./agents ]; };
             based = (jailgen.extend { inherit pkgs; basePermissions = c: [ c.base [ c.bind-nix-store-runtime-closure c.network ] ]; }).buildJail ./x.jail;
           }) checked unchecked whole based;",
    );
    scratch.write("x.jail", spec.as_bytes());
    scratch
}

/// Builds an attribute, and returns the wrapper or the messages.
fn built(setup: &Setup, scratch: &Scratch, nix: usize, attribute: &str) -> Result<String, String> {
    let words = ["build", "--impure", "-L", "-f", "jails.nix", attribute, "--out-link", "result"];
    let output = setup.nix(&setup.programs[nix], &scratch.path("."), &words);
    if output.status.success() {
        return Ok(scratch.read("result/bin/x"));
    }
    Err(String::from_utf8(output.stderr).unwrap())
}

#[track_caller]
fn refused(setup: &Setup, spec: &str, says: &[&str]) -> String {
    let scratch = with_spec(setup, spec);
    let told = built(setup, &scratch, 0, "checked").expect_err(spec);
    for part in says {
        assert!(told.contains(part), "{spec}: missing {part:?} in\n{told}");
    }
    told
}

#[test]
fn a_grant_that_jailgen_does_not_find_in_a_spec_is_not_built() {
    let Some(setup) = setup() else { return };
    let mut hidden = 0;
    for nix in 0..setup.programs.len() {
        for (what, spec) in HIDING {
            let scratch = with_spec(&setup, &spec.replace("GRANT", SECRET));
            let unchecked = built(&setup, &scratch, nix, "unchecked");
            hidden += usize::from(unchecked.is_ok_and(|it| it.contains("/srv/secret")));
            match built(&setup, &scratch, nix, "checked") {
                // Where `explain` shows the grant there is nothing to hide.
                Ok(wrapper) if wrapper.contains("/srv/secret") => {
                    let shown = scratch.run(&["explain", "x.jail"]);
                    assert!(
                        shown.assert_status(0).stdout.contains("/srv/secret"),
                        "{what}: {spec}"
                    );
                }
                Ok(_) => {}
                Err(told) => assert!(told.contains(REFUSED), "{what}: {spec}\n{told}"),
            }
        }
    }
    // The attempts are real: where nothing is compared, Nix makes the grant.
    let attempts = HIDING.len() * setup.programs.len();
    assert!(hidden > attempts / 2, "only {hidden} of {attempts} specs hide a grant");
}

#[test]
fn what_is_asked_of_nix_alone_is_built_where_the_flake_says_so() {
    let Some(setup) = setup() else { return };
    let plain = with_spec(&setup, &format!("jail \"x\" pkgs.hello [ {SECRET} ]"));
    assert!(built(&setup, &plain, 0, "checked").unwrap().contains("/srv/secret"));

    let spec = format!("jail \"x\" pkgs.hello (if pkgs.stdenv.isLinux then [ {SECRET} ] else [ ])");
    let branch = with_spec(&setup, &spec);
    let told = built(&setup, &branch, 0, "checked").unwrap_err();
    for part in ["error[symbolic-condition]", "x.jail:1:25", "checked = false"] {
        assert!(told.contains(part), "missing {part:?} in\n{told}");
    }
    assert!(built(&setup, &branch, 0, "unchecked").unwrap().contains("/srv/secret"));
}

#[test]
fn what_nix_alone_knows_of_a_text_is_built_where_it_names_no_place() {
    let Some(setup) = setup() else { return };
    let scratch = with_spec(
        &setup,
        "jail \"x\" pkgs.hello [
           (set-env \"A\" (lib.makeLibraryPath [ pkgs.git pkgs.jq ])) (set-env \"B\" \"v${pkgs.hello.version}\")
           (readonly \"${pkgs.hello}/share/${pkgs.hello.pname}\")
         ]",
    );
    let wrapper = built(&setup, &scratch, 0, "checked").unwrap();
    assert!(wrapper.contains("/lib:/nix/store/") && wrapper.contains("\"v2"), "{wrapper}");
    refused(
        &setup,
        "jail \"x\" pkgs.hello [ (readwrite (noescape \"~/${pkgs.word}\")) ]",
        &["Nix reads `noescape \"~/word\"` where jailgen reads `noescape \"~/${pkgs.word}\"`"],
    );
    refused(
        &setup,
        "let more = pkgs.hello.overrideAttrs (old: { pname = \"x --share-net\"; });
         in jail \"x\" pkgs.hello [ (unsafe-add-raw-args \"--setenv A ${more.pname}\") ]",
        &["where jailgen reads `\"--setenv A ${"],
    );
}

/// Which package a name means is not compared, so a package must not lead to a place
/// that the spec does not name.
#[test]
fn a_link_in_a_package_grants_nothing_outside_of_the_store() {
    let Some(setup) = setup() else { return };
    let package = "pkgs.runCommand \"links\" { } ''mkdir $out; ln -s /srv/secret $out/out; ln -s ${pkgs.hello} $out/in''";
    for grant in [
        "rw-bind \"${package}/out/x\" \"/x\"",
        "ro-bind \"${package}/out\" \"/x\"",
        "ro-bind (noescape \"${package}/out\") \"/x\"",
    ] {
        refused(
            &setup,
            &format!("let package = {package}; in jail \"x\" pkgs.hello [ ({grant}) ]"),
            &["leads out of the store, to `/srv/secret", "grant the place that it leads to"],
        );
    }
    for source in ["${package}/\\${NO:-out}", "\\${NO:-}${package}/out"] {
        refused(
            &setup,
            &format!(
                "let package = {package}; in jail \"x\" pkgs.hello [ (ro-bind (noescape \"{source}\") \"/x\") ]"
            ),
            &["is a place in the store that is known only at launch"],
        );
    }
    let inside = format!(
        "let package = {package}; in jail \"x\" pkgs.hello [ (ro-bind \"${{package}}/in/bin\" \"/x\") ]"
    );
    built(&setup, &with_spec(&setup, &inside), 0, "checked").unwrap();
}

#[test]
fn it_is_told_where_the_readings_part_and_what_to_do() {
    let Some(setup) = setup() else { return };
    let told = refused(
        &setup,
        "jail \"x\" pkgs.hello [
           network
           (readonly (if combinators ? mine then \"/srv/\\t${\"\u{1b}[31m\"}secret\" else \"/srv/data\"))
         ]",
        &[
            "error[differs-in-nix]: Nix reads `\"/srv/",
            "where jailgen reads `\"/srv/data\"`",
            "x.jail:3:23",
            REFUSED,
            "`buildJail { spec = ./x.jail; checked = false; }`",
        ],
    );
    assert!(!told.contains("\u{1b}[31m"), "{told:?}");
    refused(
        &setup,
        "{ a = jail \"x\" pkgs.hello [ ]; } // (if combinators ? mine then { b = jail \"y\" pkgs.hello [ ]; } else { })",
        &["Nix finds a jail `y` in the spec, and jailgen does not"],
    );
}

#[test]
fn a_spec_hands_over_no_derivation_of_its_own() {
    let Some(setup) = setup() else { return };
    for made in [
        "pkgs.hello",
        "{ x = pkgs.hello; }",
        "(jail \"x\" pkgs.hello [ ]) // { type = \"derivation\"; drvPath = pkgs.hello.drvPath; }",
        "{ type = \"derivation\"; name = \"x\"; passthru.term = { }; }",
        "jail.mkJail { version = 1; name = \"x\"; grants = [ ]; places = { }; }",
        "jail.buildJail { spec = ./x.jail; checked = false; }",
    ] {
        let spec = format!("if combinators ? mine then {made} else jail \"x\" pkgs.hello [ ]");
        let scratch = with_spec(&setup, &spec);
        let wrapper = built(&setup, &scratch, 0, "checked");
        // What is added to a jail adds nothing to its wrapper.
        let is_wrapper = wrapper.as_ref().is_ok_and(|it| it.contains("exit 125"));
        assert!(wrapper.is_err() || is_wrapper, "{spec}: {wrapper:?}");
    }
}

#[test]
fn an_overlay_of_a_spec_has_no_say_in_how_it_is_compared() {
    let Some(setup) = setup() else { return };
    let overlay = "final: prev: { mine = prev.hello; lib = prev.lib // { optionalAttrs = _: _: { }; listToAttrs = _: { }; }; }";
    let flake = |permissions: &str| {
        format!(
            "{{ overlays = [ ({overlay}) ]; outputs = {{ pkgs, ... }}: jail \"x\" pkgs.mine [ {permissions} ]; }}"
        )
    };
    let scratch = with_spec(&setup, &flake("network"));
    built(&setup, &scratch, 0, "checked").unwrap();
    let hiding = flake(&format!("(if combinators ? mine then {SECRET} else network)"));
    refused(&setup, &hiding, &["error[differs-in-nix]", "`readwrite`"]);
}

#[test]
fn what_the_flake_puts_before_the_permissions_of_a_spec_is_not_compared() {
    let Some(setup) = setup() else { return };
    let scratch = with_spec(&setup, "jail \"x\" pkgs.hello [ (tmpfs \"/a\") ]");
    built(&setup, &scratch, 0, "based").unwrap();
    let spec = format!(
        "let f = x: x; in jail \"x\" pkgs.hello (if builtins.elem f [ f ] then [ {SECRET} ] else [ ])"
    );
    let told = built(&setup, &with_spec(&setup, &spec), 0, "based").unwrap_err();
    assert!(told.contains(REFUSED), "{told}");
}

/// What the builder is given of the spec's folder.
fn given(setup: &Setup, scratch: &Scratch, attribute: &str) -> String {
    let expression = format!("{attribute}.drvPath");
    let words = ["eval", "--impure", "--raw", "-f", "jails.nix", &expression];
    let derivation = setup.nix_ok(&setup.programs[0], &scratch.path("."), &words);
    fs::read_to_string(derivation).unwrap()
}

#[test]
fn files_that_a_spec_imports_come_along_and_no_others() {
    let Some(setup) = setup() else { return };
    let spec = "# See also ./secret.nix, which this does not import.
        /* import ./secret.nix */
        let
          common = import ./common.nix; # not ./secret.nix
          word = builtins.readFile ./word.txt;
        in
        jail \"x\" pkgs.hello [ (set-env \"A\" word) (ro-bind \"${./copied.txt}\" \"/copied\") common.grant (import ./nested).grant ]";
    let scratch = with_spec(&setup, spec);
    for (name, text) in [
        ("common.nix", "{ grant = network; }"),
        ("word.txt", "a word"),
        ("copied.txt", "COPIED BY NIX"),
        ("nested/default.nix", "{ grant = import ./further.nix; }"),
        ("nested/further.nix", "utc"),
        ("secret.nix", "\"A SECRET\""),
        ("secret.key", "A SECRET"),
        ("nested/secret.nix", "\"A SECRET\""),
    ] {
        scratch.write(name, text.as_bytes());
    }
    built(&setup, &scratch, 0, "checked").unwrap();
    let derivation = given(&setup, &scratch, "checked");
    assert!(derivation.contains("grant = network") && derivation.contains("a word"));
    assert!(!derivation.contains("A SECRET") && !derivation.contains("COPIED"), "{derivation}");
    assert!(!given(&setup, &scratch, "unchecked").contains("grant = network"));
}

#[test]
fn a_link_out_of_the_folder_does_not_come_along() {
    let Some(setup) = setup() else { return };
    let outside = Scratch::with(&[("secret.nix", "\"A SECRET\"")]);
    let scratch = with_spec(&setup, "builtins.seq (import ./link.nix) (jail \"x\" pkgs.hello [ ])");
    let link = |to: &str, at: &str| std::os::unix::fs::symlink(outside.path(to), scratch.path(at));
    link("secret.nix", "link.nix").unwrap();
    link("", "folder").unwrap();
    assert!(!given(&setup, &scratch, "checked").contains("A SECRET"));
    scratch
        .write("x.jail", b"builtins.seq (import ./folder/secret.nix) (jail \"x\" pkgs.hello [ ])");
    assert!(!given(&setup, &scratch, "checked").contains("A SECRET"));
}

#[test]
fn files_that_are_found_in_another_way_are_named() {
    let Some(setup) = setup() else { return };
    let spec = "let names = builtins.attrNames (builtins.readDir ./agents); in
        jail \"x\" pkgs.hello (map (name: import (./agents + \"/${name}\")) names)";
    let scratch = with_spec(&setup, spec);
    scratch.write("agents/one.nix", b"network");
    scratch.write("agents/two.nix", b"utc");
    let told = built(&setup, &scratch, 0, "checked").unwrap_err();
    for part in ["was not passed along with the spec", "files = [ ./file ]"] {
        assert!(told.contains(part), "missing {part:?} in\n{told}");
    }
    built(&setup, &scratch, 0, "whole").unwrap();
}
