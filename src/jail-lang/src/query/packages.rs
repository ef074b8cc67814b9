//! The packages that a text names.

use std::collections::BTreeSet;

use rnix::ast;
use rowan::ast::AstNode as _;

use super::{Tree, globals, path_of, range};

/// The set that packages are attributes of.
const PACKAGES: &str = "pkgs";

impl Tree {
    /// The names in `pkgs.name`, and those that `with pkgs;` gives.
    #[must_use]
    pub fn packages(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        let globals: BTreeSet<String> = globals().into_iter().collect();
        for node in self.root.descendants() {
            if let Some(select) = ast::Select::cast(node.clone()) {
                let path = path_of(&ast::Expr::Select(select)).unwrap_or_default();
                if let [set, name, ..] = path.as_slice()
                    && set == PACKAGES
                {
                    names.insert(name.clone());
                }
            } else if let Some(with) = ast::With::cast(node.clone())
                && with.namespace().and_then(|set| path_of(&set)) == Some(vec![PACKAGES.into()])
                && let Some(body) = with.body()
            {
                names.extend(self.free_names(&body, &globals));
            }
        }
        names
    }

    /// The variables in an expression that nothing but a `with` can give.
    fn free_names(&self, body: &ast::Expr, globals: &BTreeSet<String>) -> BTreeSet<String> {
        let idents = body.syntax().descendants().filter_map(ast::Ident::cast);
        let is_variable = |ident: &ast::Ident| {
            let parent = ident.syntax().parent();
            parent.is_some_and(|parent| !ast::Attrpath::can_cast(parent.kind()))
        };
        let names = idents.filter(is_variable).filter_map(|ident| {
            let name = ident.syntax().text().to_string();
            let is_bound = globals.contains(&name)
                || self.binding(&name, range(ident.syntax()).start).is_some();
            (!is_bound).then_some(name)
        });
        names.collect()
    }
}
