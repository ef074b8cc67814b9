//! Where the user's settings are. They are trusted only where no jail could write them.

use std::cell::LazyCell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use jail_plan::OWN_SETTINGS;

use super::args::{Cli, When};
use super::commands::Context;
use super::failure::Failure;
use crate::render::sanitise;
use crate::settings::{self, Color, FILE, Fault, Settings};

/// The colour that is asked for, by the option or else the settings.
pub(super) fn color(cli: &Cli, settings: &Settings) -> When {
    let setting = settings.color.as_ref().map(|color| match color.value {
        Color::Auto => When::Auto,
        Color::Always => When::Always,
        Color::Never => When::Never,
    });
    cli.color.or(setting).unwrap_or(When::Auto)
}

/// The file, whether it is there or not. None without a home folder.
pub(super) fn file() -> Option<PathBuf> {
    let folder = OWN_SETTINGS.iter().find_map(|(name, below)| Some(absolute(name)?.join(below)));
    folder.map(|folder| folder.join(FILE))
}

/// The folder that `~` means in it.
pub(super) fn home() -> Option<PathBuf> {
    absolute("HOME")
}

/// Reads the settings.
pub(super) fn load(context: Context) -> Result<Settings, Failure> {
    let Some(file) = file() else { return Ok(Settings::default()) };
    match text(&file, context)? {
        Some(text) => {
            settings::parse(&text, home().as_deref()).map_err(|fault| wrong(&file, fault))
        }
        None => Ok(Settings::default()),
    }
}

/// The text of the file, if it is there.
pub(super) fn text(file: &Path, context: Context) -> Result<Option<String>, Failure> {
    // The launcher keeps this one from every jail, and no other that XDG_CONFIG_HOME may name.
    let covered = OWN_SETTINGS.iter().find(|(name, _)| *name == "HOME");
    let covered = covered.and_then(|(name, below)| Some(absolute(name)?.join(below)));
    // Checked only if something leads elsewhere. What cannot be found out is not trusted.
    let surroundings = LazyCell::new(|| context.surroundings());
    let is_outside =
        |place: &Path| surroundings.as_ref().is_ok_and(|around| around.is_outside(place));
    settings::read(file, covered.as_deref(), &is_outside).map_err(|error| {
        let shown = file.display().to_string();
        let message = format!("the settings in `{}` are not used: {error}", sanitise(&shown));
        Failure::with_help(
            message,
            "they decide what jailgen runs, so they must be a file of yours in a folder of yours that no jail can write",
        )
    })
}

/// Says what is wrong with the file.
pub(super) fn wrong(file: &Path, fault: Fault) -> Failure {
    let shown = file.display().to_string();
    let place = fault.line.map_or(String::new(), |line| format!(":{line}"));
    let message = format!("`{}{place}`: {}", sanitise(&shown), fault.message);
    Failure::from_parts(message, fault.help)
}

fn absolute(name: &str) -> Option<PathBuf> {
    let value: OsString = std::env::var_os(name)?;
    Some(PathBuf::from(value)).filter(|path| path.is_absolute())
}
