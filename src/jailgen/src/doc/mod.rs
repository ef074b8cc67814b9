//! The page of a combinator or a builder, as `docs/combinators.md` has it, for a terminal and for
//! programs.
//!
//! All of it comes from the registry; nothing here knows a name.

#[cfg(test)]
mod tests;
mod text;

use jail_registry::{
    BUILDERS, Builder, CHAPTERS, Combinator, Field, Makes, Param, Signature, State, builder_meant,
    combinators, heading, nearest, notes, type_words,
};
use serde::Serialize;

pub use text::{list, page};

/// What is known of a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The name to give it.
    pub name: &'static str,
    /// The group that it is listed in.
    pub group: &'static str,
    /// How it is called, and what that makes: `ro-bind FROM TO : String -> String -> Permission`.
    pub form: String,
    /// A summary of one sentence.
    pub summary: &'static str,
    /// More about it, in Markdown.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub docs: &'static str,
    /// What it takes, one after the other.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    /// What the set may have that a builder takes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<Parameter>,
    /// The agent that a builder knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<Agent>,
    /// An expression that uses it.
    pub example: &'static str,
    /// What else is to be known, a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The version of jailgen that first had it.
    pub since: &'static str,
}

/// A parameter, or an argument in a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Parameter {
    /// The name that identifies it.
    pub name: &'static str,
    /// What it may be.
    #[serde(rename = "type")]
    pub ty: String,
    /// Whether it must be given.
    pub required: bool,
    /// What it does.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub docs: &'static str,
}

/// What a builder knows of its agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Agent {
    /// The command's name.
    pub command: &'static str,
    /// The attribute of `agents`.
    pub package: &'static str,
    /// What it keeps on the host.
    pub state: Vec<&'static str>,
}

const AGENTS: &str = "Agent builders";
const CAGES: &str = "Cages";

/// All entries, in the order of the page.
#[must_use]
pub fn entries() -> Vec<Entry> {
    let chapters = CHAPTERS.iter().flat_map(|chapter| {
        chapter.combinators.iter().map(|combinator| of_combinator(combinator, chapter.title))
    });
    let made = |makes| BUILDERS.iter().filter(move |builder| builder.makes == makes);
    let agents = made(Makes::Jail).map(|builder| of_builder(builder, AGENTS));
    let cages = made(Makes::Cage).map(|builder| of_builder(builder, CAGES));
    chapters.chain(agents).chain(cages).collect()
}

/// What an unknown name was probably meant to be.
#[must_use]
pub fn meant(name: &str) -> String {
    const SHOWN: usize = 8;
    let names = || combinators().map(|it| it.name).chain(BUILDERS.iter().map(|it| it.name));
    if let Some(help) = builder_meant(name) {
        return help;
    }
    if let Some(near) = nearest(name, names()) {
        return format!("did you mean `{near}`?");
    }
    let holding = names().filter(|known| !name.is_empty() && known.contains(name));
    let holding: Vec<_> = holding.take(SHOWN).map(|known| format!("`{known}`")).collect();
    match holding.as_slice() {
        [] => "`jailgen doc` lists all of them".into(),
        holding => format!("there are {}", holding.join(", ")),
    }
}

fn of_combinator(combinator: &Combinator, group: &'static str) -> Entry {
    let Combinator { name, summary, docs, signature, example, since, .. } = *combinator;
    let parameter = |param: &Param| Parameter {
        name: param.name,
        ty: type_words(param.ty),
        required: true,
        docs: "",
    };
    Entry {
        name,
        group,
        form: heading(combinator),
        summary,
        docs: docs.trim(),
        parameters: signature.params.iter().map(parameter).collect(),
        arguments: set_of(signature),
        agent: None,
        example,
        notes: notes(combinator),
        since,
    }
}

fn of_builder(builder: &Builder, group: &'static str) -> Entry {
    let Builder { name, summary, signature, example, preset, since, .. } = *builder;
    let agent = preset.map(|preset| Agent {
        command: preset.command,
        package: preset.package,
        state: preset
            .state
            .iter()
            .map(|state| match state {
                State::Directory(path) | State::File(path) => *path,
            })
            .collect(),
    });
    Entry {
        name,
        group,
        form: format!("{name} {{ … }}"),
        summary,
        docs: "",
        parameters: Vec::new(),
        arguments: set_of(signature),
        agent,
        example,
        notes: Vec::new(),
        since,
    }
}

/// The fields of a set that is taken.
fn set_of(signature: Signature) -> Vec<Parameter> {
    let fields = signature.params.iter().filter_map(|param| param.ty.fields()).flatten();
    let argument = |Field { name, ty, required, doc }: &Field| Parameter {
        name,
        ty: type_words(*ty),
        required: *required,
        docs: doc,
    };
    fields.map(argument).collect()
}
