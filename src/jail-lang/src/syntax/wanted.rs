//! The type that an unknown name should have had, as far as the call around it shows: `[ git ]` is
//! a list of packages for `add-pkg-deps`. This is used only for messages.

use jail_registry::Type;
use rnix::SyntaxNode;
use rnix::ast;
use rowan::ast::AstNode as _;

use super::scope::Globals;
use crate::term::{element_type, field_type};

/// A step from an argument down to the name.
enum Step {
    Element,
    Field(String),
}

/// The type that the registry's signatures give for the place of `name`.
pub(super) fn wanted(name: &ast::Ident, globals: &dyn Globals) -> Option<Type> {
    let mut steps = Vec::new();
    let mut node = name.syntax().clone();
    let argument = loop {
        let parent = node.parent()?;
        if ast::Apply::can_cast(parent.kind()) {
            break argument(&ast::Apply::cast(parent)?, &node, globals)?;
        } else if ast::List::can_cast(parent.kind()) {
            steps.push(Step::Element);
        } else if let Some(binding) = ast::AttrpathValue::cast(parent.clone()) {
            let path: Vec<_> = binding.attrpath()?.attrs().collect();
            steps.extend(
                path.iter().rev().map(|attr| Step::Field(attr.syntax().text().to_string())),
            );
        } else if !is_around(&parent) {
            return None;
        }
        node = parent;
    };
    Some(steps.iter().rev().fold(argument, |ty, step| match step {
        // A list of permissions counts as one permission.
        Step::Element if ty == Type::Permission => ty,
        Step::Element => element_type(ty),
        Step::Field(name) => field_type(ty, name),
    }))
}

/// Whether the parts of such an expression have the expression's own type.
fn is_around(node: &SyntaxNode) -> bool {
    ast::Paren::can_cast(node.kind())
        || ast::AttrSet::can_cast(node.kind())
        || ast::BinOp::can_cast(node.kind())
}

/// The type of an argument, by the name of the function.
fn argument(apply: &ast::Apply, node: &SyntaxNode, globals: &dyn Globals) -> Option<Type> {
    if apply.argument()?.syntax() != node {
        return None;
    }
    let mut index = 0;
    let mut function = apply.lambda()?;
    while let ast::Expr::Apply(inner) = &function {
        index += 1;
        function = inner.lambda()?;
    }
    let name = match &function {
        ast::Expr::Ident(ident) => ident.syntax().text().to_string(),
        ast::Expr::Select(select) => select.attrpath()?.attrs().last()?.syntax().text().to_string(),
        _ => return None,
    };
    globals.signature(&name)?.params.get(index).map(|param| param.ty)
}
