//! What the jail shares with the host instead of having its own.

use jail_policy::{Grant, Namespace};

use super::{Chapter, Combinator, Lower, OURS, names, param};
use crate::diagnostic::Code;
use crate::lower::Call;
use crate::signature::{Signature, Type};
use crate::suggest::nearest;
use crate::words::Words;

/// The namespaces that can be shared. Without a mount namespace of its own, there would be no jail.
pub(crate) const NAMES: &[(&str, Namespace)] = &[
    ("cgroup", Namespace::Cgroup),
    ("ipc", Namespace::Ipc),
    ("net", Namespace::Net),
    ("pid", Namespace::Pid),
    ("user", Namespace::User),
    ("uts", Namespace::Uts),
];

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Namespaces",
    intro: "A jail has all seven namespaces of its own (namespaces(7)).",
    combinators: &[Combinator {
        name: names::SHARE_NS,
        in_jail_nix: true,
        summary: "Shares a namespace with the host: `cgroup`, `ipc`, `net`, `pid`, `user` or `uts`",
        docs: "What the namespace isolated is isolated no longer: with `pid` the jail sees and signals your processes, with `net` it reaches
your network, for which `network` is the better word.",
        signature: Signature { params: &[param("namespace", Type::Word(Words::Namespaces))] },
        example: "share-ns \"ipc\"",
        lower: Lower::Permission(share),
        ..OURS
    }],
};

fn share(call: &mut Call<'_, '_>) -> Option<()> {
    let name = call.literal(0)?;
    if let Some((_, namespace)) = NAMES.iter().find(|(known, _)| *known == name) {
        call.grant(Grant::ShareNamespace { namespace: *namespace });
        return Some(());
    }
    let names = || NAMES.iter().map(|(known, _)| *known);
    let help = match nearest(name, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!(
            "the known ones are {}",
            names().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ")
        ),
    };
    call.error(Code::UnknownNamespace, 0, format!("unknown namespace `{name}`"), &help);
    None
}
