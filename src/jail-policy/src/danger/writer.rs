//! The grant that lets a jail write a file of the host, if that is known from
//! where the jail is started.

use std::borrow::Cow;

use jail_plan::{Expansion, HostText, JailPath, Lookup};

use crate::exposure::{given, is_below};
use crate::{Access, Entry, Grant, Text};

/// What is known of a launch before it happens.
#[derive(Clone, Copy, Debug)]
pub struct Launch<'a> {
    /// The caller's home folder, an absolute path, where it is known.
    pub home: Option<&'a str>,
    /// The folder that the jail is started in, an absolute path.
    pub folder: &'a str,
}

/// Something of the host that appears in a jail.
struct Shown {
    from: String,
    to: String,
    is_writable: bool,
}

/// The grant by which a jail, launched in this way, can write the file at `place`, an absolute path
/// without links. `None` if it cannot, or if only the launch knows.
#[must_use]
pub fn writer<'a>(grants: &'a [Entry], place: &str, launch: Launch<'_>) -> Option<&'a Entry> {
    let is_refused = launch.refuses_folder(grants);
    let shown = |entry: &'a Entry| -> Vec<(&'a Entry, Shown)> {
        if is_refused && matches!(entry.grant, Grant::Folder { .. }) {
            return Vec::new();
        }
        launch.shown(entry).into_iter().map(|shown| (entry, shown)).collect()
    };
    let all: Vec<(&Entry, Shown)> = grants.iter().flat_map(shown).collect();
    let mut writable = all.iter().enumerate().filter(|(_, (_, tree))| tree.is_writable);
    let found = writable.find(|(index, (_, tree))| {
        let Some(rest) = place.strip_prefix(&tree.from).filter(|_| is_below(place, &tree.from))
        else {
            return false;
        };
        let inside = [tree.to.trim_end_matches('/'), rest.trim_start_matches('/')].join("/");
        let inside = inside.trim_end_matches('/').to_owned();
        let later = all.get(index + 1..).unwrap_or_default();
        // Folders above a mount cannot be moved away, so this holds however deep it is.
        !later.iter().any(|(_, cover)| !cover.is_writable && is_below(&inside, &cover.to))
    });
    found.map(|(_, (entry, _))| *entry)
}

impl Launch<'_> {
    /// No jail is started in the home folder or above it, unless it may be.
    fn refuses_folder(self, grants: &[Entry]) -> bool {
        let Some(home) = self.home else { return false };
        let may_be_home = grants.iter().any(|entry| matches!(entry.grant, Grant::HomeAsFolder));
        is_below(home, self.folder) && !(may_be_home && home == self.folder)
    }

    fn shown(self, entry: &Entry) -> Vec<Shown> {
        let is_writable = |access| match access {
            Access::ReadOnly => false,
            Access::ReadWrite | Access::Device => true,
        };
        if let Grant::Folder { access, to, stage } = &entry.grant {
            let to = to.as_ref().map_or_else(|| Some(self.folder.into()), |to| self.resolved(to));
            let from = self.folder.to_owned();
            let is_writable = is_writable(*access) && stage.is_none();
            let shown = |to| Shown { from, to, is_writable };
            return to.map(shown).into_iter().collect();
        }
        let shown = |(from, access): (Cow<'_, Text>, Access)| {
            let from = self.resolved(&from)?;
            let target = entry.grant.target().and_then(|to| self.resolved(to));
            let to = target.unwrap_or_else(|| from.clone());
            Some(Shown { from, to, is_writable: is_writable(access) })
        };
        given(&entry.grant).into_iter().filter_map(shown).collect()
    }

    /// A place as it is at this launch, if it depends only on the home
    /// folder and the working folder.
    fn resolved(self, text: &Text) -> Option<String> {
        let written = text.as_str()?;
        let place = match text.expand {
            false => written.to_owned(),
            true => HostText::Expand(Expansion::parse(written).ok()?).resolve(&self).ok()?,
        };
        JailPath::parse(&place).ok().map(|place| place.as_str().to_owned())
    }
}

impl Lookup for Launch<'_> {
    fn variable(&self, name: &str) -> Option<&str> {
        match name {
            "HOME" => self.home,
            "PWD" => Some(self.folder),
            _ => None,
        }
    }

    fn home(&self) -> Option<&str> {
        self.home
    }

    fn folder(&self) -> Option<String> {
        None
    }
}
