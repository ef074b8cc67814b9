//! Sandboxes of agent-sandbox.nix: recognises the calls that make one.

use rnix::ast;

use super::class::last_name;
use super::lookup::{attribute, unwrapped};
use crate::query::call;

/// The function that makes one, and the attribute next to it that lists common tools.
pub(super) const MAKER: &str = "mkSandbox";
pub(super) const TOOLS: &str = "commonTools";

/// The common tools of agent-sandbox.nix.
pub(super) const COMMON_TOOLS: &str = "(with pkgs; [ coreutils which git ripgrep fd gnused gnugrep findutils diffutils less gawk jq ])";

/// The set that `mkSandbox` is called with.
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

/// Whether the set around an attribute has another one of this name.
pub(super) fn inherits(set: &ast::AttrSet, name: &str) -> bool {
    use ast::HasEntry as _;
    set.inherits()
        .flat_map(|inherit| inherit.attrs())
        .any(|attr| crate::query::attr_name(&attr).as_deref() == Some(name))
}
