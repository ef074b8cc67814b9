//! Sandboxes of agent-sandbox.nix: which calls make one.

use rnix::ast;

use super::class::last_name;
use super::lookup::{attribute, unwrapped};
use crate::query::call;

/// The function that makes one, and the attribute beside it that lists common tools.
pub(super) const MAKER: &str = "mkSandbox";
pub(super) const TOOLS: &str = "commonTools";

/// What the common tools are.
pub(super) const COMMON_TOOLS: &str = "(with pkgs; [ coreutils which git ripgrep fd gnused gnugrep findutils diffutils less gawk jq ])";

/// The set that a call of `mkSandbox` has.
pub(super) fn arguments(apply: &ast::Apply) -> Option<ast::AttrSet> {
    let (function, arguments) = call(apply);
    let [argument] = arguments.as_slice() else { return None };
    if last_name(&unwrapped(&function?)).as_deref() != Some(MAKER) {
        return None;
    }
    match unwrapped(argument) {
        ast::Expr::AttrSet(set) => Some(set),
        _ => None,
    }
}

/// Whether a call makes a sandbox.
pub(super) fn is_call(apply: &ast::Apply) -> bool {
    arguments(apply).is_some_and(|set| attribute(&set, "pkg").is_some() || inherits(&set, "pkg"))
}

/// Whether a set has an attribute of the same name around it.
pub(super) fn inherits(set: &ast::AttrSet, name: &str) -> bool {
    use ast::HasEntry as _;
    set.inherits()
        .flat_map(|inherit| inherit.attrs())
        .any(|attr| crate::query::attr_name(&attr).as_deref() == Some(name))
}
