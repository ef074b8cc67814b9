//! What a cage's rules grant that one should think twice about, and what no rule of Landlock can take away.

use jail_plan::{Access, Beneath, LandlockRule, Plan, Reach};

use super::Severity;
use super::policy::{Found, bound, canonical};

/// Every code of a finding that only cages have.
pub(super) const CODES: &[&str] =
    &["cage-modes", "cage-ports", "cage-sees", "cage-sockets", "shares-tmp"];

pub(super) fn findings(found: &mut Found<'_>, plan: &Plan) {
    for rule in &plan.landlock.rules {
        match rule {
            LandlockRule::Path(place) => ruled(found, plan, place),
            // The working folder, the closure, and what the launcher gave: none is named by the spec.
            LandlockRule::Folder(_)
            | LandlockRule::Bound(_)
            | LandlockRule::Closure(_)
            | LandlockRule::Standard(_) => {}
        }
    }
    limits(found, plan);
}

/// A place that a rule opens. What every cage may read, and its own state, is nothing to talk about.
fn ruled(found: &mut Found<'_>, plan: &Plan, place: &Beneath) {
    let Beneath { path, reach, by, .. } = place;
    let own = format!("~/.local/state/jailgen/{}/", plan.name.trim_end_matches("-cage"));
    match (canonical(path).as_str(), reach) {
        ("/proc", Reach::Ro) => {}
        (place, _) if place.starts_with(&own) => {}
        ("/nix/store", Reach::Ro) => {
            let fix = "say `nixStore.read = false`: the closure can be read all the same";
            let what = "all of the store can be read".into();
            found.add(Severity::Note, "whole-store", by, what, fix);
        }
        (place @ ("/tmp" | "/var/tmp"), _) => {
            let fix = "leave it out: the cage has a folder of its own, and this one holds sockets and files of others";
            found.add(Severity::Note, "shares-tmp", by, format!("the host's `{place}`"), fix);
        }
        (_, Reach::Ro | Reach::Rox) => bound(found, path, Access::ReadOnly, by),
        (_, Reach::Rw | Reach::Rwx) => bound(found, path, Access::ReadWrite, by),
        (_, Reach::Device) => bound(found, path, Access::Device, by),
    }
}

const JAIL: &str = "use a jail where that matters";

fn limits(found: &mut Found<'_>, plan: &Plan) {
    let by = plan.landlock.by.clone();
    let mut note = |code, what: &str, fix| found.add(Severity::Note, code, &by, what.into(), fix);
    note(
        "cage-sees",
        "names, sizes and dates of all files, and the command lines of all processes, can be seen",
        JAIL,
    );
    note(
        "cage-sockets",
        "before Linux 7.1 sockets can be connected to by their path: with D-Bus or Docker a program can be started outside",
        JAIL,
    );
    note("cage-modes", "modes and dates of all files of yours can be changed", JAIL);
    if !plan.landlock.connect.is_empty() {
        let ports: Vec<String> = plan.landlock.connect.iter().map(u16::to_string).collect();
        let what =
            format!("TCP ports {} of every address, this machine included", ports.join(", "));
        note(
            "cage-ports",
            &what,
            "Landlock knows ports and no names; drop the ports that are not needed",
        );
    }
}
