use expect_test::expect;
use jail_policy::Text;

use super::paths::{below_home, in_the_cage, of_the_host};
use crate::testing::{attributes, built, check, check_faults, list, pkg, s, x};
use crate::{Symbolic, Value, lower};

fn of_spec(more: impl IntoIterator<Item = (&'static str, Value)>) -> crate::Jail {
    let mut jail = built(
        "cage",
        [("name", s("demo")), ("argv", list([s("/nix/store/x/bin/agent"), s("--home=$HOME")]))],
    );
    if let crate::Made::Built(built) = &mut jail.made {
        let more =
            more.into_iter().map(|(name, value)| (name.into(), crate::Placed::nowhere(value)));
        built.arguments.extend(more);
    }
    jail
}
