//! Where the permissions of a jail are written, for a program that adds one or takes one out.

use std::ops::Range;

use rnix::SyntaxNode;
use rnix::ast::{self, HasEntry};
use rowan::ast::AstNode as _;

use super::{Tree, attr_name, call, range};

/// The argument of builders that takes further permissions.
const FURTHER: &str = "extraJailOptions";

/// A list of permissions as it is written, or the place for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions {
    /// Its elements, with the parentheses around them.
    pub elements: Vec<Range<usize>>,
    /// The byte before which a new element is written.
    pub end: usize,
    /// The argument that is to be made first, if the call of a builder has no such list.
    pub argument: Option<&'static str>,
}

impl Tree {
    /// The permissions of the jail that the call in this place makes. `None` if they are not
    /// written there as a list.
    #[must_use]
    pub fn permissions(&self, jail: &Range<usize>) -> Option<Permissions> {
        let is_it = |node: &SyntaxNode| range(node) == *jail;
        let found = self.root.descendants().filter(is_it).find_map(ast::Apply::cast)?;
        match call(&found).1.pop()? {
            ast::Expr::AttrSet(set) => of_builder(&set),
            other => list(&other),
        }
    }
}

/// The list, or the last one of those that `++` joins.
fn list(expr: &ast::Expr) -> Option<Permissions> {
    match expr {
        ast::Expr::List(list) => {
            let elements = list.items().map(|item| range(item.syntax())).collect();
            let end = list.r_brack_token()?.text_range().start().into();
            Some(Permissions { elements, end, argument: None })
        }
        ast::Expr::BinOp(joined) => {
            list(&joined.rhs()?).or_else(|| joined.lhs().as_ref().and_then(list))
        }
        ast::Expr::Paren(paren) => list(&paren.expr()?),
        _ => None,
    }
}

fn of_builder(set: &ast::AttrSet) -> Option<Permissions> {
    let named = set.attrpath_values().find(|entry| {
        let path: Vec<_> = entry.attrpath().into_iter().flat_map(|path| path.attrs()).collect();
        matches!(path.as_slice(), [only] if attr_name(only).as_deref() == Some(FURTHER))
    });
    match named {
        Some(entry) => list(&entry.value()?),
        None => {
            let end = set.r_curly_token()?.text_range().start().into();
            Some(Permissions { elements: Vec::new(), end, argument: Some(FURTHER) })
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::query::read;

    /// The elements of the call that begins at `jail` or `make`, and the text before the end.
    fn found(text: &str) -> Option<(Vec<&str>, &str, Option<&'static str>)> {
        let start = text.find("jail \"").or_else(|| text.find("make"))?;
        let end = text.rfind(';').filter(|_| text.starts_with("let")).unwrap_or(text.len());
        let place = start..text[..end].trim_end().len();
        let found = read(text, |tree| tree.permissions(&place)).flatten()?;
        let elements = found.elements.iter().map(|range| &text[range.clone()]).collect();
        Some((elements, text[..found.end].trim_end(), found.argument))
    }

    #[test]
    fn permissions_are_found_where_they_are_a_list() {
        let text = "jail \"x\" pkgs.y [ network (readonly \"/a\") ]\n";
        let expected = vec!["network", "(readonly \"/a\")"];
        let end = "jail \"x\" pkgs.y [ network (readonly \"/a\")";
        assert_eq!(found(text), Some((expected, end, None)));
        assert_eq!(found("jail \"x\" pkgs.y (base ++ [ a ])").map(|it| it.0), Some(vec!["a"]));
        assert_eq!(found("jail \"x\" pkgs.y [ a ] ++ b"), None, "it is another call");
        assert_eq!(found("jail \"x\" pkgs.y list"), None);
        let builder = found("makeJailedPi { extraJailOptions = [ a ]; env = [ ]; }");
        assert_eq!(builder.map(|it| (it.0, it.2)), Some((vec!["a"], None)));
        let builder = found("makeJailedPi { env.X = \"1\"; }");
        assert_eq!(builder.map(|it| it.2), Some(Some("extraJailOptions")));
    }
}
