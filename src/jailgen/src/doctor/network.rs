//! Whether hosts can be reached by name here (`network-allow`, `internet`).

use super::attempts as tried;
use super::{Item, Machine, State};

pub(super) fn item(machine: &Machine) -> Item {
    const CODE: &str = "network-by-name";
    let bad = |evidence: String, fix: &str| Item::bad(CODE, State::Less, evidence, fix);
    // With a profile for the stub alone the probe is refused, and jails run.
    if !machine.went_well(tried::NET) && machine.jail != Some(Ok(())) {
        let evidence =
            format!("no network namespace can be made: {}", machine.answer_in_words(tried::NET));
        return bad(evidence, "see `user-namespaces` above");
    }
    let Some(settings) = machine.text(tried::RESOLV_CONF) else {
        let evidence = format!("/etc/resolv.conf: {}", machine.answer_in_words(tried::RESOLV_CONF));
        return bad(evidence, "let every user read it, or name resolvers in the spec: dns [ … ]");
    };
    let mut lines = settings.lines().map(str::trim_start);
    if !lines.any(|line| line.starts_with("nameserver")) {
        let fix = "name one there, or in the spec: dns [ … ]";
        return bad("/etc/resolv.conf names no server".into(), fix);
    }
    if machine.kit.is_ok() && !machine.broker {
        let fix = "run `make kit` again, or install jailgen again";
        return bad("the kit has no broker".into(), fix);
    }
    let has_v6 = machine.went_well(tried::IPV6);
    let v6 = if has_v6 { "IPv4 and IPv6" } else { "IPv4 alone, because the kernel has no IPv6" };
    Item::good(CODE, format!("jails can reach hosts by name, over {v6}"))
}
