//! `xwayland`: an X server inside the jail, as a client of Wayland.

use jail_policy::{Output, Piece, Text};

use super::{Combinator, Lower, OURS, inside, names};
use crate::lower::Call;
use crate::packages::Brought;

/// The script around the program. `%%NAME%%` is replaced.
const SCRIPT: &str = include_str!("xwayland.sh").trim_ascii_end();

pub(super) const XWAYLAND: Combinator = Combinator {
    name: names::XWAYLAND,
    in_jail_nix: true,
    summary: "X programs as clients of Wayland: an X server of the jail's own, and `wayland`",
    docs: "`xwayland-satellite` runs inside the jail, as display `:42` or the next free one, and `DISPLAY` names it. Its only clients are
the jail's own programs, so they see no other window, no key and nothing of the host's X server. Each launch has a server of
its own. Without a compositor the program starts without an X server.",
    example: "xwayland",
    brings: &[
    inside(Brought::BashInteractive),
    inside(Brought::Coreutils),
    inside(Brought::XwaylandSatellite),
],
    lower: Lower::Permission(lower),
    ..OURS
};

fn lower(call: &mut Call<'_, '_>) -> Option<()> {
    call.apply_named(names::WAYLAND);
    if !call.once(names::XWAYLAND) {
        return Some(());
    }
    let satellite = program(call, Brought::XwaylandSatellite, "xwayland-satellite")?;
    let sleep = program(call, Brought::Coreutils, "sleep")?;
    let mut script = Text::literal("");
    for part in SCRIPT.split("%%") {
        match part {
            "satellite" => script.extend(&satellite),
            "sleep" => script.extend(&sleep),
            "entry" => script.push(Piece::Entry { entry: true }),
            literal => script.push(Piece::Literal(literal.into())),
        }
    }
    call.wrap(&script)
}

fn program(call: &mut Call<'_, '_>, package: Brought, name: &str) -> Option<Text> {
    let mut program = Text::package(call.brought(package)?, Output::Bin);
    program.extend(&Text::literal(format!("/bin/{name}")));
    Some(program)
}
