//! The layers beside mounts and namespaces: what the kernel checks at each call.

use jail_policy::{Grant, Wall};

use super::{Chapter, Combinator, Lower, SINCE, param};
use crate::diagnostic::Code;
use crate::lower::Call;
use crate::signature::{Field, Signature, Type};
use crate::suggest::nearest;
use crate::term::Value;

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Layers",
    intro: "What the kernel checks at each call, beside mounts and namespaces. Every jail has all of these layers; here they are \
made stricter. [The layers](layers.md) says what each stops.",
    combinators: &[Combinator {
        name: "landlock",
        since: SINCE,
        in_jail_nix: false,
        summary: "The second wall: `\"default\"`, `\"full\"`, or a least ABI of the kernel",
        docs: "Landlock checks what the mounts grant once more, by other means. By default it checks writes, ioctl on devices, and what is
not files: signals and abstract sockets. `\"full\"` checks reads and executions too; walking large trees takes 12 to 25 % longer
then, and the folders that only lead to what is granted (`/` itself) cannot be listed.

The default wall is as high as the running kernel can build it. What a spec names stops the launch where the kernel cannot:
`\"default\"` needs Landlock ABI 2 (Linux 5.19), `\"full\"` ABI 3 (6.2), and `{ abi = 6; }` what it says. `\"full\"` and a least ABI
can both be given.",
        signature: Signature { params: &[param("wall", WALL)] },
        example: "[ (landlock \"full\") (landlock { abi = 6; }) ]",
        brings: &[],
        lower: Lower::Permission(landlock),
    }],
};

const WALL: Type = Type::Either(&[Type::Literal, Type::Fields(ABI)]);
const ABI: &[Field] = &[Field {
    name: "abi",
    ty: Type::Integer,
    required: true,
    doc: "the Landlock ABI below which the launch stops: `{ abi = 6; }`",
}];

const WALLS: &[(&str, Wall)] = &[("default", Wall::Writes), ("full", Wall::Full)];

fn landlock(call: &mut Call<'_, '_>) -> Option<()> {
    match call.value(0)? {
        Value::Attributes(fields) => {
            let Value::Integer(abi) = fields.get("abi")?.value else { return None };
            match u32::try_from(abi) {
                Ok(least) if jail_plan_knows(least) => call.grant(Grant::LandlockAbi { least }),
                Ok(_) | Err(_) => return no_such_abi(call, abi),
            }
        }
        _ => {
            let wall = one_of(call, "wall", WALLS)?;
            call.grant(Grant::Wall { wall });
        }
    }
    Some(())
}

/// The first ABI has no use: it forbids every rename between folders.
fn jail_plan_knows(abi: u32) -> bool {
    (2..=jail_policy::LANDLOCK_ABI_NEWEST).contains(&abi)
}

fn no_such_abi(call: &mut Call<'_, '_>, abi: i64) -> Option<()> {
    let newest = jail_policy::LANDLOCK_ABI_NEWEST;
    let message = format!("`landlock` knows no ABI {abi}");
    call.error(Code::UnknownSetting, 0, message, &format!("2 to {newest} are known"));
    None
}

/// The word at argument 0, of those that are known.
fn one_of<T: Copy>(call: &mut Call<'_, '_>, what: &str, known: &[(&str, T)]) -> Option<T> {
    let word = call.literal(0)?;
    if let Some((_, found)) = known.iter().find(|(name, _)| *name == word) {
        return Some(*found);
    }
    let names = || known.iter().map(|(name, _)| *name);
    let help = match nearest(word, names()) {
        Some(near) => format!("did you mean `\"{near}\"`?"),
        None => {
            let names: Vec<String> = names().map(|name| format!("`\"{name}\"`")).collect();
            format!("there are {}", names.join(" and "))
        }
    };
    call.error(Code::UnknownSetting, 0, format!("unknown {what} `{}`", word.escape_debug()), &help);
    None
}
