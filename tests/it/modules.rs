//! The modules for NixOS and home-manager, evaluated by the stand-in's module system: a small one,
//! which knows what these modules use. Real NixOS is not evaluated here.

use serde_json::json;

use crate::harness::project;
use crate::nix_front_end::{eval, nix_file};
use crate::real_nix::setup;

/// An expression for the packages that a system, or a user, gets of these definitions.
fn installed(module: &str, option: &str, definitions: &str) -> String {
    let modules = project().join("nixlib/modules");
    format!(
        "(lib.evalModules {{
           specialArgs = {{ inherit pkgs; }};
           modules = [
             (import {module} {{ library = jailgen; }})
             {{ options.{option} = lib.mkOption {{ type = lib.types.listOf lib.types.package; default = [ ]; }}; }}
             {{ config.{option} = [ pkgs.jq ]; }}
             {{ options.users = lib.mkOption {{ type = lib.types.raw; }}; }}
             {{ config.programs.jailgen = {definitions}; }}
           ];
         }}).config.{option}",
        module = modules.join(module).display(),
    )
}

const JAILS: &str = "{
  jails.team.spec = SPECS/team.jail;
  jails.node = { package = pkgs.nodejs; permissions = c: with c; [ mount-cwd mine ]; };
  jails.off = { enable = false; package = pkgs.hello; };
  jails.named = { name = \"other\"; package = \"${pkgs.hello}/bin/hello\"; };
  additionalCombinators = c: { mine = c.network; };
}";

#[test]
fn jails_of_a_system_and_of_a_user_are_installed() {
    let Some(setup) = setup() else { return };
    let jails = JAILS.replace("SPECS", &project().join("examples").display().to_string());
    for (module, option) in
        [("nixos.nix", "environment.systemPackages"), ("home-manager.nix", "home.packages")]
    {
        let packages = installed(module, option, &jails);
        let names = eval(&setup, &format!("map (it: it.name) ({packages})"));
        let names: Vec<String> = serde_json::from_value(names).unwrap();
        assert!(names.iter().any(|name| name.starts_with("jq")), "{names:?}");
        for name in ["other", "node", "jailed-review", "jailed-try", "jailed-write"] {
            assert!(names.iter().any(|installed| installed == name), "{module}: {names:?}");
        }
        assert_eq!(names.len(), 6, "{names:?}");
        let made = eval(&setup, &format!("builtins.all (it: it ? drvPath) ({packages})"));
        assert_eq!(made, json!(true));
    }
}

/// NixOS's own options that the module defines, as far as it defines them.
const USERS: &str = "{ lib, ... }:
let
  inherit (lib) mkOption types;
  option = type: default: mkOption { inherit type default; };
  ranges = option (types.listOf types.raw) [ ];
  user = { options = {
    uid = option (types.nullOr types.int) null;
    group = option types.str \"users\";
    description = option types.str \"\";
    isSystemUser = option types.bool false;
    isNormalUser = option types.bool false;
    autoSubUidGidRange = option types.bool false;
    subUidRanges = ranges;
    subGidRanges = ranges;
  }; };
  group = { options.gid = option (types.nullOr types.int) null; };
in {
  options.users.users = option (types.attrsOf (types.submodule user)) { };
  options.users.groups = option (types.attrsOf (types.submodule group)) { };
  options.environment.systemPackages = option (types.listOf types.package) [ ];
}";

#[test]
fn a_dedicated_user_is_made_and_given_to_those_who_may_run_jails_as_it() {
    let Some(setup) = setup() else { return };
    let module = project().join("nixlib/modules/nixos.nix");
    let made = eval(
        &setup,
        &format!(
            "let users = (lib.evalModules {{
               specialArgs = {{ inherit pkgs; }};
               modules = [
                 (import {module} {{ library = jailgen; }}) ({USERS})
                 {{ config.programs.jailgen.dedicatedUsers = {{
                      agent = {{ uid = 990; users = [ \"jane\" \"joe\" ]; }};
                      other = {{ uid = 991; gid = 900; users = [ \"jane\" ]; }};
                      nobodys.uid = 992;
                    }};
                    config.users.users = {{
                      jane.isNormalUser = true;
                      joe = {{ isNormalUser = true; subUidRanges = [ {{ startUid = 100000; count = 65536; }} ]; }};
                    }}; }}
               ];
             }}).config.users; in {{
               inherit (users) groups;
               agent = {{ inherit (users.users.agent) isSystemUser isNormalUser uid group subUidRanges; }};
               jane = {{ inherit (users.users.jane) subUidRanges subGidRanges autoSubUidGidRange isSystemUser; }};
               joe = {{ inherit (users.users.joe) subUidRanges autoSubUidGidRange; }};
               names = builtins.attrNames users.users;
             }}",
            module = module.display(),
        ),
    );
    assert_eq!(
        made,
        json!({
            "groups": { "agent": { "gid": 990 }, "other": { "gid": 900 }, "nobodys": { "gid": 992 } },
            "agent": {
                "isSystemUser": true, "isNormalUser": false, "uid": 990, "group": "agent", "subUidRanges": [],
            },
            "jane": {
                "subUidRanges": [{ "startUid": 990, "count": 1 }, { "startUid": 991, "count": 1 }],
                "subGidRanges": [{ "startGid": 990, "count": 1 }, { "startGid": 900, "count": 1 }],
                // Her range for containers stays.
                "autoSubUidGidRange": true, "isSystemUser": false,
            },
            "joe": {
                "subUidRanges": [{ "startUid": 990, "count": 1 }, { "startUid": 100_000, "count": 65_536 }],
                "autoSubUidGidRange": false,
            },
            "names": ["agent", "jane", "joe", "nobodys", "other"],
        })
    );
}

#[test]
fn what_a_definition_lacks_is_said() {
    let Some(setup) = setup() else { return };
    for (definitions, says) in [
        ("{ jails.x = { }; }", "programs.jailgen.jails.x has neither a `spec` nor a `package`"),
        (
            "{ jails.x = { spec = /x.jail; package = pkgs.jq; }; }",
            "jails.x has a `spec` and a `package`",
        ),
        ("{ jails.x.permission = [ ]; }", "jails.x.permission' does not exist"),
    ] {
        let packages = installed("nixos.nix", "environment.systemPackages", definitions);
        let scratch = nix_file(&setup, &format!("result = map (it: it.name) ({packages});"));
        let words = ["eval", "--impure", "-f", "jails.nix", "result"];
        let output = setup.nix(&setup.programs[0], &scratch.path("."), &words);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && told.contains(says), "{told}");
    }
}

#[test]
fn the_module_of_the_docs_evaluates() {
    let Some(setup) = setup() else { return };
    let page = std::fs::read_to_string(project().join("docs/nix.md")).unwrap();
    let blocks = page.split("```nix\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let modules: Vec<_> = blocks.filter(|block| block.contains("programs.jailgen")).collect();
    let [module] = modules.as_slice() else { panic!("one module is shown: {modules:?}") };
    let scratch = nix_file(
        &setup,
        &format!(
            "result = let at = it: it.config.programs.jailgen.wrappers; in map (it: it.name) (at (lib.evalModules {{
               specialArgs = {{ inherit pkgs; }};
               modules = [ (import {modules}/jails.nix {{ library = jailgen; }}) ./module.nix ];
             }}));",
            modules = project().join("nixlib/modules").display(),
        ),
    );
    scratch.write("module.nix", module.as_bytes());
    scratch.write("opencode.jail", b"makeJailedOpencode { }");
    let words = ["eval", "--impure", "--json", "-f", "jails.nix", "result"];
    let names = setup.nix_ok(&setup.programs[0], &scratch.path("."), &words);
    assert_eq!(names.trim(), r#"["jailed-node","jailed-opencode"]"#);
}
