//! Folders of the host that appear as one, and what becomes of what is written there.

use jail_policy::{Grant, Text, Writes};

use super::{Chapter, Combinator, Lower, OURS, param};
use crate::diagnostic::Code;
use crate::lower::Call;
use crate::signature::{Param, Signature, Type};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Overlays",
    intro: "Folders of the host, one over the other, appear as one. Of a name that several have, the folder named last counts. Nothing is
written to these folders: what becomes of changes is what the three differ in. What is mounted below a folder is not shown, and
stops the launch for an ordinary user. The kernel's overlayfs does it (Linux 5.11 or newer; `jailgen doctor` tells whether this machine
has it); where it is missing the launch stops.",
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
            summary: "Folders of the host as one; what is changed goes to a folder of the host",
            docs: "The second argument is that folder, the third one that the kernel works in: an empty one, in the same file system, for this overlay
alone. Both are made (mode 0700) when they are missing. What was removed stays there as a device node of the numbers 0, 0. Two
launches cannot use the same folder at the same time: the second one stops. So does one where something of yours is in the folder that the kernel
works in: it would be removed.",
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
            summary: "Folders of the host as one; what is changed stays in memory and is gone with the jail",
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
