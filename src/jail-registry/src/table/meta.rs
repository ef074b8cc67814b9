//! Combinators about other combinators, and about texts.

use super::{Chapter, Combinator, Lower, OURS, names, param};
use crate::signature::{Signature, Type};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Combining",
    intro: "A list of permissions is applied in order: what comes later lies over what comes earlier, and stands before it in `PATH`.",
    combinators: &[
        Combinator {
            name: "compose",
            in_jail_nix: true,
            summary: "Several permissions as one, in order",
            docs: "Where a permission is expected, a list does the same.",
            signature: Signature { params: &[param("permissions", Type::List(&Type::Permission))] },
            example: "compose [ (readonly \"/etc/os-release\") (set-env \"CI\" \"1\") ]",
            lower: Lower::Permission(|call| {
                call.apply_all(call.permissions());
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: "defer",
            in_jail_nix: true,
            summary: "A permission that is applied after all others",
            docs: "Several that are deferred keep their order.",
            signature: Signature { params: &[param("permission", Type::Permission)] },
            example: "defer (tmpfs \"/var/cache\")",
            lower: Lower::Permission(|call| {
                call.defer_all(call.permissions());
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::ESCAPE,
            in_jail_nix: true,
            summary: "A text that is taken as it stands, as every plain string is",
            docs: "It is here for specs that were written for jail.nix. A text of `noescape` stays one.

Where a plain string looks as if it were to be expanded, a warning asks; `(noescape \"\\\\$HOME\")` says that the dollar sign is
meant.",
            signature: Signature { params: &[param("text", Type::Text)] },
            example: "set-env \"GREETING\" (escape \"it's fine\")",
            lower: Lower::Text { expand: false },
            ..OURS
        },
        Combinator {
            name: "include-once",
            in_jail_nix: true,
            summary: "A permission that is applied only when the key has not come up before",
            docs: "For lists that are put together from several places. The first one counts.",
            signature: Signature {
                params: &[param("key", Type::Literal), param("permission", Type::Permission)],
            },
            example: "include-once \"cache\" (tmpfs \"/var/cache\")",
            lower: Lower::Permission(|call| {
                // A key of the spec's own must not meet one that a combinator uses for itself.
                let key = format!("spec:{}", call.literal(0)?);
                if call.once(&key) {
                    call.apply_all(call.permissions());
                }
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::NOESCAPE,
            in_jail_nix: true,
            summary: "A text in which `~`, `$VAR`, `${VAR}` and `${VAR:-default}` are expanded at launch",
            docs: "They have the launcher's values. Nothing is run: `$(…)` is an error. Quotes that were written for bash,
as in `(noescape \"\\\"$FOO\\\"\")`, do no harm. A variable that is needed and not set stops the launch, with the line of
the spec.",
            signature: Signature { params: &[param("text", Type::Text)] },
            example: "readonly (noescape \"~/.config/git\")",
            lower: Lower::Text { expand: true },
            ..OURS
        },
        Combinator {
            name: "reset",
            in_jail_nix: true,
            summary: "Forgets every permission before it, the base ones too",
            docs: "What is deferred so far is forgotten as well, and so are the scripts around the program.",
            example: "[ network reset base bind-nix-store-runtime-closure fake-passwd ]",
            lower: Lower::Permission(|call| {
                call.reset();
                Some(())
            }),
            ..OURS
        },
        Combinator {
            name: names::UNSAFE_ADD_RAW_ARGS,
            in_jail_nix: true,
            summary: "Arguments of bubblewrap, for specs that were written for it",
            docs: "They are split as a shell would, and read when the jail is compiled: each becomes what another combinator would grant.
`~`, `$NAME` and `${NAME:-default}` are expanded at launch. Options that jails do not have are errors that name what to write
instead; [host-hooks.md](host-hooks.md) lists those that there are.",
            signature: Signature { params: &[param("arguments", Type::Text)] },
            example: "unsafe-add-raw-args \"--tmpfs /var/cache --setenv EDITOR vi\"",
            lower: Lower::Permission(|call| call.raw()),
            ..OURS
        },
    ],
};
