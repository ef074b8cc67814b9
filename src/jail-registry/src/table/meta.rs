//! Combinators about other combinators, and about texts.

use super::{Chapter, Combinator, Lower, OURS, names, param};
use crate::signature::{Signature, Type};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Combining",
    intro: "A list of permissions is applied in order: later mounts cover earlier ones, and later packages come first in `PATH`.",
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
            docs: "Several deferred permissions keep their order.",
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
            summary: "A text that is taken literally, as every plain string is",
            docs: "It exists for specs that were written for jail.nix. A text of `noescape` stays one.

If a plain string looks as if it should be expanded, a warning asks; `(noescape \"\\\\$HOME\")` says that you mean the dollar
sign.",
            signature: Signature { params: &[param("text", Type::Text)] },
            example: "set-env \"GREETING\" (escape \"it's fine\")",
            lower: Lower::Text { expand: false },
            ..OURS
        },
        Combinator {
            name: "include-once",
            in_jail_nix: true,
            summary: "A permission that is applied only if the key has not occurred before",
            docs: "For lists that are assembled from several places. The first one counts.",
            signature: Signature {
                params: &[param("key", Type::Literal), param("permission", Type::Permission)],
            },
            example: "include-once \"cache\" (tmpfs \"/var/cache\")",
            lower: Lower::Permission(|call| {
                // A key of the spec's own must differ from all keys
                // that combinators use themselves.
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
            docs: "The values are the launcher's. Nothing is executed: `$(…)` is an error. Quotes that were written for bash, as in `(noescape
\"\\\"$FOO\\\"\")`, do no harm. If a variable is needed and not set, the launch stops and names the line of the spec.",
            signature: Signature { params: &[param("text", Type::Text)] },
            example: "readonly (noescape \"~/.config/git\")",
            lower: Lower::Text { expand: true },
            ..OURS
        },
        Combinator {
            name: "reset",
            in_jail_nix: true,
            summary: "Forgets every permission before it, including the base",
            docs: "Deferred permissions and scripts around the program are forgotten too.",
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
            docs: "They are split as in a shell, and read when the jail is compiled: each becomes what another combinator would grant. `~`,
`$NAME` and `${NAME:-default}` are expanded at launch. An option that jails do not have is an error that names what to write
instead; [host-hooks.md](host-hooks.md) lists the options that exist.",
            signature: Signature { params: &[param("arguments", Type::Text)] },
            example: "unsafe-add-raw-args \"--tmpfs /var/cache --setenv EDITOR vi\"",
            lower: Lower::Permission(|call| call.raw()),
            ..OURS
        },
    ],
};
