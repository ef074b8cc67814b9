//! Lists of packages that only Nix knows: `[ pkgs.git ] ++ pkgs.hello.buildInputs`. Packages may
//! depend on packages, because only Nix builds them; permissions may not.

use std::rc::Rc;

use jail_policy::{PACKAGES_OF, Package};
use jail_registry::{Place, Placed, Type, Value as Term};

use super::Collector;
use super::types::{element_type, wants};
use crate::failure::FailureKind;
use crate::ir::Op;
use crate::residual::Residual;
use crate::value::Value;

impl Collector<'_, '_> {
    /// The packages of a list that is symbolic, or has a symbolic part. `None` if it has none. Each
    /// symbolic part counts as one package.
    pub(super) fn symbolic_packages(
        &mut self,
        value: &Value,
        ty: Type,
        place: Place,
    ) -> Option<Option<Vec<Placed>>> {
        let is_package = |ty| matches!(ty, Type::Package);
        if wants(ty, &is_package) || !wants(element_type(ty), &is_package) {
            return None;
        }
        match self.evaluator.force(value, place) {
            Ok(Value::Residual(residual)) => Some(self.parts(&residual, place)),
            // A condition on a package.
            Err(failure) if failure.kind == FailureKind::Symbolic || failure.is_condition() => {
                Some(self.whole(value, place).map(|package| vec![package]))
            }
            Ok(_) | Err(_) => None,
        }
    }

    fn parts(&mut self, residual: &Rc<Residual>, place: Place) -> Option<Vec<Placed>> {
        let Residual::Binary(Op::Concat, left, right) = &**residual else {
            let package = self.whole(&Value::Residual(Rc::clone(residual)), place)?;
            return Some(vec![package]);
        };
        let mut packages = Vec::new();
        for operand in [left, right] {
            match self.force(operand, place)? {
                Value::Residual(residual) => packages.extend(self.parts(&residual, place)?),
                Value::List(list) => {
                    for (index, item) in list.items.iter().enumerate() {
                        let at = list.place_of(index).unwrap_or(place);
                        packages.push(self.placed(item, Type::Package, at)?);
                    }
                }
                other => {
                    let failure = self.evaluator.mismatch("a list", &other, place);
                    self.failed(*failure);
                    return None;
                }
            }
        }
        Some(packages)
    }

    /// A list that only Nix knows, as one package.
    fn whole(&mut self, value: &Value, place: Place) -> Option<Placed> {
        let source = self.evaluator.source_of(value, place);
        let nix = format!("{PACKAGES_OF} ({})", self.noted(source)?);
        self.weigh(nix.len(), place)?;
        Some(Placed { value: Term::Package(Package::Symbolic { nix }), place: Some(place) })
    }
}
