//! The functions of `lib` that make parts of modules. A spec is not a module, so they are refused,
//! and the message says where they belong.

use jail_registry::{Code, Place};

use crate::failure::{Failure, Fallible};

/// The functions of nixpkgs' `lib.modules` and `lib.options` that are of no use outside a module.
const NAMES: &[&str] = &[
    "evalModules",
    "mkAfter",
    "mkAliasAndWrapDefinitions",
    "mkAliasDefinitions",
    "mkAliasOptionModule",
    "mkAliasOptionModuleMD",
    "mkAssert",
    "mkBefore",
    "mkChangedOptionModule",
    "mkDefault",
    "mkDefinition",
    "mkDerivedConfig",
    "mkEnableOption",
    "mkFixStrictness",
    "mkForce",
    "mkIf",
    "mkImageMediaOverride",
    "mkMerge",
    "mkMergedOptionModule",
    "mkOption",
    "mkOptionDefault",
    "mkOptionType",
    "mkOrder",
    "mkOverride",
    "mkPackageOption",
    "mkRemovedOptionModule",
    "mkRenamedOptionModule",
    "mkRenamedOptionModuleWith",
    "mkSinkUndeclaredOptions",
    "mkVMOverride",
];

/// Refuses one of [`NAMES`].
pub(super) fn check(name: &str, place: Place) -> Fallible<()> {
    if !NAMES.contains(&name) {
        return Ok(());
    }
    let help = match name {
        "mkIf" => "write `if condition then [ … ] else [ ]`, or `lib.optionals condition [ … ]`",
        "mkMerge" => "write `++` between lists, or `//` between sets",
        "mkDefault" | "mkForce" | "mkOverride" | "mkBefore" | "mkAfter" | "mkOrder" => {
            "write the value itself"
        }
        _ => "call it in the module of NixOS or home-manager that uses the jail",
    };
    let message = format!("`lib.{name}` makes a part of a module, and a spec is not a module");
    Err(Failure::new(Code::TypeMismatch, place, message)
        .label("it belongs in a module of NixOS or home-manager")
        .help(help))
}
