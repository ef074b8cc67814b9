//! What published ways around a network policy come to (docs/escapes.md, B and E).

use super::jail;
use super::world::run;
use crate::jail::callers;

#[test]
fn an_address_without_a_rule_is_unreachable_at_once() {
    run(|world| {
        for caller in callers() {
            let jail = jail(world, caller, &["api.test:443"]);
            for address in ["11.0.0.2:443", "11.0.0.53:53", "10.9.9.9:80", "169.254.169.254:80"] {
                for kind in ["tcp", "udp"] {
                    let words = format!("connect {kind} {address}");
                    assert_eq!(jail.probe(&words), "errno 101", "{words}");
                }
                // The control: outside it is there.
                let control = jail.control(&format!("connect udp {address}"));
                assert_eq!(control, "ok 0", "{address}");
            }
        }
    });
}
