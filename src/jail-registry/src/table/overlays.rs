//! Folders of the host that appear as one, and where their changes go.

use jail_policy::{Grant, Text, Writes};

use super::{Chapter, Combinator, Lower, OURS, param};
use crate::diagnostic::Code;
use crate::lower::Call;
use crate::signature::{Param, Signature, Type};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Overlays",
    intro: "Several folders of the host appear as one. If several have the same name, the folder named last counts. These folders are
never written; the three combinators differ in where changes go. File systems mounted below a folder are not shown, and for an
ordinary user they stop the launch. The kernel's overlayfs is required (Linux 5.11 or newer; `jailgen doctor` says whether
this machine has it); without it the launch stops.",
    combinators: &[
        Combinator {
            name: "overlay-ro",
            in_jail_nix: true,
            summary: "Folders of the host as one, read-only",
            signature: Signature { params: FOLDERS_TO },
            example: "overlay-ro [ \"/srv/base\" \"/srv/more\" ] \"/data\"",
            lower: Lower::Permission(|call| {
                overlay(call, Writes::Refused, 1)
            }),
            ..OURS
        },
        Combinator {
            name: "overlay-rw",
            in_jail_nix: true,
            summary: "Folders of the host as one; changes go to a folder of the host",
            docs: "The second argument is that folder. The third is a folder for the kernel's own use: empty, on the same file system, and for
this overlay only. Both are made (mode 0700) if they are missing. A removed file stays there as a device node with numbers 0,
0. Two launches cannot use the same folder at the same time: the second one stops. A launch also stops if the kernel's folder
contains something of yours, because it would be removed.",
            signature: Signature { params: KEPT },
            example: "overlay-rw [ \"/srv/base\" ] (noescape \"~/changes\") (noescape \"~/changes.work\") \"/data\"",
            lower: Lower::Permission(|call| {
                let (upper, work) = (call.source(1), call.source(2));
                overlay(call, Writes::Kept { upper: upper?, work: work? }, 3)
            }),
            ..OURS
        },
        Combinator {
            name: "overlay-tmp",
            in_jail_nix: true,
            summary: "Folders of the host as one; changes stay in memory and are gone when the jail ends",
            signature: Signature { params: FOLDERS_TO },
            example: "overlay-tmp [ (noescape \"~/.cargo/registry\") ] \"/cargo/registry\"",
            lower: Lower::Permission(|call| {
                overlay(call, Writes::Memory, 1)
            }),
            ..OURS
        },
    ],
};

const FOLDERS: Param = param("folders", Type::List(&Type::Text));
const FOLDERS_TO: &[Param] = &[FOLDERS, param("to", Type::Text)];
const KEPT: &[Param] =
    &[FOLDERS, param("changes", Type::Text), param("work", Type::Text), param("to", Type::Text)];

fn overlay(call: &mut Call<'_, '_>, writes: Writes, argument: usize) -> Option<()> {
    let (lower, to): (Option<Vec<Text>>, _) = (call.sources(0), call.target(argument));
    let (lower, to) = (lower?, to?);
    if lower.is_empty() {
        let message = "an overlay of no folder shows nothing".into();
        call.error(
            Code::EmptyOverlay,
            0,
            message,
            "name at least one; `tmpfs` makes an empty folder",
        );
        return None;
    }
    call.grant_named(argument, Grant::Overlay { lower, writes, to });
    Some(())
}
