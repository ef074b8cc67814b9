//! `wrap-entry`: scripts around the program, inside the jail. Each becomes a file on the jail's
//! read-only root, so the wrapper needs no store path of its own inside.

use jail_policy::{Grant, Output, Piece, Text};

use super::Call;
use crate::diagnostic::{Code, Diagnostic};
use crate::packages::Brought;

/// Where the scripts lie.
const FOLDER: &str = "/run/jailgen";

/// A script that fails must not go on. These are the settings of nixpkgs' `writeShellApplication`.
const STRICT: &str = "set -o errexit\nset -o nounset\nset -o pipefail\n\n";

pub(super) fn wrap(call: &mut Call<'_, '_>, script: &Text) -> Option<()> {
    if !passes_arguments_on(script) {
        warn(call);
    }
    let bash = Text::package(call.brought(Brought::BashInteractive)?, Output::Bin);
    let mut content = Text::literal("#!");
    content.extend(&bash);
    content.extend(&Text::literal(format!("/bin/bash\n{STRICT}")));
    let entry = quoted(&call.state.entry);
    for piece in script.pieces() {
        match piece {
            Piece::Entry { .. } => content.extend(&entry),
            Piece::Literal(_) | Piece::Package { .. } => content.push(piece.clone()),
        }
    }
    content.push(Piece::Literal("\n".into()));
    call.state.entries += 1;
    let path = Text::literal(format!("{FOLDER}/entry-{}", call.state.entries));
    call.grant(Grant::File { to: path.clone(), content, mode: 0o555 });
    call.state.entry = path.clone();
    call.grant(Grant::Program { path });
    Some(())
}

/// Whether a file at this place is one of these scripts.
pub(super) fn is_place_of_script(place: &Text) -> bool {
    place
        .as_str()
        .is_some_and(|place| place.strip_prefix(FOLDER).is_some_and(|it| it.starts_with('/')))
}

fn passes_arguments_on(script: &Text) -> bool {
    script.pieces().iter().any(|piece| match piece {
        Piece::Literal(literal) => {
            ["$@", "${@", "$*", "${*", "$1", "${1"].iter().any(|it| literal.contains(it))
        }
        Piece::Package { .. } | Piece::Entry { .. } => false,
    })
}

fn warn(call: &mut Call<'_, '_>) {
    let message = "the script of `wrap-entry` does not pass on the command's arguments";
    let place = call.place_of(0);
    let warning = Diagnostic::warning(Code::ArgumentsDropped, place, message)
        .label("no `\"$@\"` in it")
        .help("write `${entry} \"$@\"` where the program starts");
    call.report(warning);
}

/// The entry as a word of a shell. An expansion is valid in a shell, so it stays as it is.
fn quoted(entry: &Text) -> Text {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@%,".contains(c);
    match entry.as_str() {
        Some(literal) if !entry.expand && !literal.chars().all(plain) => {
            Text::literal(format!("'{}'", literal.replace('\'', "'\\''")))
        }
        Some(_) | None => entry.clone(),
    }
}
