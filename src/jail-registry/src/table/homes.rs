//! Folders that jails keep for themselves: homes, an agent's own state, and
//! private copies of its parts.

use jail_policy::{Grant, Text};

use crate::diagnostic::Code;
use crate::lower::Call;
use crate::term::Value;

pub(super) fn persist_home(call: &mut Call<'_, '_>) -> Option<()> {
    let name = home_name(call)?;
    let path = data_folder("home", name);
    call.grant_home(Grant::StateDirectory { path, to: Text::expanded("~") });
    Some(())
}

/// Names that cannot occur below a folder, or in a plan.
fn is_below(name: &str) -> bool {
    let name = name.strip_suffix('/').unwrap_or(name);
    name.split('/').all(|part| !["", ".", ".."].contains(&part)) && !name.contains('\0')
}

pub(super) fn private_copies(call: &mut Call<'_, '_>) -> Option<()> {
    let folder = call.source(0)?;
    let mut names = Vec::new();
    for element in call.elements(1)? {
        let Value::Text(text) = &element.value else { return None };
        let name = text.as_str()?;
        if !is_below(name) {
            let message = format!("`{name}` is not the name of something in a folder");
            let help = "write names as `settings.json`, `hooks/` or `agent/plugins/`";
            call.error(Code::ParamType, 1, message, help);
            return None;
        }
        names.push(name.to_owned());
    }
    if names.is_empty() {
        let message = "no names are given".to_owned();
        call.error(Code::ParamType, 1, message, "name files, and folders with a `/` at their end");
        return None;
    }
    call.grant_named(0, Grant::PrivateCopies { folder, names });
    Some(())
}

/// Where the jail keeps what replaces something of the home folder, and its path inside.
pub(super) fn separate(call: &mut Call<'_, '_>) -> Option<(Text, Text)> {
    let to = call.source(0)?;
    let below = to.as_str().and_then(|path| match to.expand {
        true => path.strip_prefix("~/"),
        false => path.strip_prefix('/'),
    });
    let Some(below) = below.filter(|below| is_below(below)) else {
        let message = format!("it is not known where `{to}` is before the launch");
        call.error(Code::ParamType, 0, message, "write it as `(noescape \"~/.my-agent\")`");
        return None;
    };
    let path = data_folder("state", &format!("{}/{below}", call.jail()));
    Some((path, to))
}

pub(super) fn data_folder(kind: &str, name: &str) -> Text {
    Text::expanded(format!("${{XDG_DATA_HOME:-~/.local/share}}/jailgen/{kind}/{name}"))
}

pub(super) fn home_name<'a>(call: &mut Call<'_, 'a>) -> Option<&'a str> {
    let name = call.literal(0)?;
    let legal = |c: char| c.is_alphanumeric() || "-_.+@ ".contains(c);
    if name.is_empty() || name.starts_with('.') || !name.chars().all(legal) {
        let message = format!("`{name}` cannot name a home folder");
        call.error(Code::HomeName, 0, message, "use letters, digits, `-`, `_` and `.`");
        return None;
    }
    Some(name)
}
