//! Desktop entries: what they start becomes the wrapper.

use super::Forward;

/// The entry with the wrapper in the place of the program.
///
/// # Errors
/// The program that it, or one of its actions, would start instead.
pub(super) fn rewritten(entry: &str, forward: Forward<'_>) -> Result<String, String> {
    let mut lines = Vec::new();
    for line in entry.lines() {
        let Some((key, value)) = line.split_once('=') else {
            lines.push(line.to_owned());
            continue;
        };
        match key.trim() {
            "Exec" | "TryExec" => {
                let command = command_line(value.trim(), forward)?;
                lines.push(format!("{}={command}", key.trim()));
            }
            // D-Bus would start the service of the package itself.
            "DBusActivatable" => {}
            _ => lines.push(line.to_owned()),
        }
    }
    Ok(lines.join("\n") + "\n")
}

fn command_line(value: &str, forward: Forward<'_>) -> Result<String, String> {
    let (program, rest) = first_word(value);
    let name = program.rsplit('/').next().unwrap_or_default();
    // A path leads to this program only if it is one of the package.
    let of_package = !program.contains('/')
        || forward.packages.iter().any(|package| program.starts_with(&*package.to_string_lossy()));
    if name != forward.program || !of_package {
        return Err(program.to_owned());
    }
    Ok(format!("{}/bin/{}{rest}", forward.out.display(), forward.command))
}

/// The first word of a command line, without its quotes, and what follows.
fn first_word(value: &str) -> (&str, &str) {
    match value.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
        Some(quoted) => quoted,
        None => value.split_at(value.find(char::is_whitespace).unwrap_or(value.len())),
    }
}
