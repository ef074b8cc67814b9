//! What each combinator means, and the message for each bad argument.

use expect_test::{Expect, expect};

use crate::Value;
use crate::testing::{
    b, built, i, jail, jail_named, list, lowered, lowered_whole, p, pkg, s, script, x,
};

#[track_caller]
fn check(permissions: Vec<Value>, expected: &Expect) {
    expected.assert_eq(&lowered(&jail(permissions)));
}

#[track_caller]
fn check_one<const N: usize>(combinator: &str, arguments: [Value; N], expected: &Expect) {
    check(vec![p(combinator, arguments)], expected);
}

mod builders;
mod fold;
mod folder;
mod grants;
mod laws;
mod layers;
mod network;
mod raw;
mod refused;
mod secrets;
mod warned;
