//! Lowers `cage { … }` straight to grants, because no combinator of a jail means
//! the same without mounts.

mod paths;
mod readable;
mod settings;

use std::collections::BTreeMap;

use jail_policy::{
    Access, Argument, Entry, Grant, Missing, Origin, Output, Policy, Reach, Scope, Text, VERSION,
};

use self::paths::{below_home, in_the_cage, of_the_host};
pub use self::readable::is_every_programs;
use self::readable::{DEVICES, KNOWN_HOSTS, READABLE, SYSTEM_PATH, SYSTEM_PROGRAMS};
use self::settings::Settings;
use super::path::Role;
use super::{Lowered, name};
use crate::builders::cage::{EPHEMERAL, SCOPES, TMPS};
use crate::builders::{self, Builder, CAGE_SUFFIX, PRESETS, State};
use crate::check;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::packages::{Brought, Packages};
use crate::suggest::nearest;
use crate::term::{Built, Place, Placed, Value};

/// The variables that name the bundle of certificates.
const CERTIFICATES: &[&str] = &["SSL_CERT_FILE", "NIX_SSL_CERT_FILE", "CURL_CA_BUNDLE"];

/// The argument that grants the distribution's programs.
const SYSTEM: &str = "systemPrograms";

/// Variables that every cage passes on.
const PASSED: &[&str] = &["COLORTERM", "LANG", "LC_ALL", "LOGNAME", "TERM", "USER"];

/// Lowers a cage.
pub(super) fn lower(
    builder: &Builder,
    built: &Built,
    at: Option<Place>,
    packages: &dyn Packages,
    place: &dyn Fn(Place) -> String,
) -> Result<Lowered, Vec<Diagnostic>> {
    let given = Placed { value: Value::Attributes(built.arguments.clone()), place: at };
    let faults = check::arguments(builder.name, builder.signature, &[given], at);
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut diagnostics = Vec::new();
    let settings = Settings::read(built, at, &mut diagnostics);
    let name = settings.name();
    let mut cage = Cage {
        builder,
        packages,
        settings,
        name,
        at,
        grants: Vec::new(),
        places: BTreeMap::new(),
        diagnostics,
    };
    cage.run();
    cage.finish(place)
}

struct Cage<'a> {
    builder: &'a Builder,
    packages: &'a dyn Packages,
    settings: Settings<'a>,
    name: String,
    at: Option<Place>,
    grants: Vec<Entry>,
    places: BTreeMap<Origin, Place>,
    diagnostics: Vec<Diagnostic>,
}

impl Cage<'_> {
    fn run(&mut self) {
        self.check_name();
        let datagrams = self.ports();
        let alias = format!("jailed-{}", self.name);
        self.grant(Grant::Cage { alias, datagrams }, self.at);
        self.command();
        self.store();
        self.home();
        self.surroundings();
        self.workspace();
        self.filesystem();
        self.system_programs();
        self.agents_state();
        self.ssh();
        self.variables();
    }

    fn check_name(&mut self) {
        name::check(&self.name, self.settings.place("name"), &mut self.diagnostics);
        if jail_plan::is_own_state(&self.name) {
            let message = format!(
                "the cage's name `{}` is the name of one of jailgen's own folders",
                self.name
            );
            let fault = Diagnostic::error(Code::JailName, self.settings.place("name"), message);
            self.diagnostics.push(fault.help("give it another name"));
        }
    }

    fn grant(&mut self, grant: Grant, place: Option<Place>) {
        let index = u32::try_from(self.grants.len()).unwrap_or(u32::MAX);
        let by = Origin { combinator: self.builder.name.into(), index };
        if let Some(place) = place.or(self.at) {
            self.places.insert(by.clone(), place);
        }
        self.grants.push(Entry { by, grant });
    }

    /// Lowers the ports, and the files that names are resolved with if datagrams are allowed.
    fn ports(&mut self) -> bool {
        let profile = self.settings.profile();
        let mut connect: Vec<u16> = profile.map_or(&[][..], |profile| profile.connect).into();
        connect.extend(self.numbers("connectTcp", 1));
        let bind = self.numbers("bindTcp", 0);
        let datagrams = !connect.is_empty() && !profile.is_some_and(|profile| profile.offline);
        connect.sort_unstable();
        connect.dedup();
        let place = self.settings.place("network").or(self.settings.place("profile"));
        self.grant(Grant::Ports { connect, bind }, place);
        datagrams
    }

    fn numbers(&mut self, list: &str, least: i64) -> Vec<u16> {
        let mut ports = Vec::new();
        for (value, place) in self.settings.list("network", list) {
            let number = match value {
                Value::Integer(number) => number,
                // Port 0 of `bind` lets the kernel choose one (ip(7)).
                Value::Text(word) if word.as_str() == Some(EPHEMERAL) => 0,
                Value::Text(word) => {
                    let word = word.to_string();
                    self.diagnostics
                        .push(settings::unknown(list, &word, place, || vec![EPHEMERAL]));
                    continue;
                }
                _ => continue,
            };
            match u16::try_from(number) {
                Ok(port) if number >= least => ports.push(port),
                Ok(_) | Err(_) => {
                    let message = format!("{number} is not a TCP port");
                    let fault = Diagnostic::error(Code::ParamType, place, message);
                    self.diagnostics.push(fault.help(format!("ports go from {least} to 65535")));
                }
            }
        }
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// The first word is the program. `$HOME` in the others is the home that the program sees.
    fn command(&mut self) {
        let mut words = self.settings.texts("", "argv").into_iter();
        let Some((program, place)) = words.next() else {
            let fault = Diagnostic::error(
                Code::MissingArgument,
                self.settings.place("argv"),
                "`argv` is empty, but its first word is the program",
            );
            self.diagnostics.push(fault.help("write `argv = [ \"${pkgs.hello}/bin/hello\" ]`"));
            return;
        };
        let program = of_the_host(&program);
        if let Some(path) = super::path::program(&program, place, &mut self.diagnostics) {
            self.grant(Grant::Program { path }, place);
        }
        let words: Vec<_> =
            words.map(|(word, _)| Argument::Text(in_the_cage(&word, &self.name))).collect();
        if !words.is_empty() {
            let words = words.into_iter().chain([Argument::All]).collect();
            self.grant(Grant::Arguments { words }, self.settings.place("argv"));
        }
        for (place, folder) in self.folders_of_path() {
            self.grant(Grant::AddPath { folder }, place);
        }
    }

    /// The last one added comes first.
    fn folders_of_path(&mut self) -> Vec<(Option<Place>, Text)> {
        let mut folders = Vec::new();
        if self.settings.flag("", SYSTEM, false) {
            let place = self.settings.place(SYSTEM);
            folders.extend(SYSTEM_PATH.iter().map(|folder| (place, Text::literal(*folder))));
        }
        let appended = self.paths("env", "appendPath", Role::Folder);
        folders.extend(appended.into_iter().rev());
        for (value, place) in self.settings.list("", "packages").into_iter().rev() {
            let Value::Package(package) = value else { continue };
            let mut folder = Text::package(package, Output::Bin);
            folder.extend(&Text::literal("/bin"));
            folders.push((place, folder));
        }
        folders
    }

    fn store(&mut self) {
        let place = self.settings.place("nixStore");
        let scope = match self.settings.word("nixStore", "exec", SCOPES) {
            Ok("all") => Scope::Whole,
            Ok(_) => Scope::Closure,
            Err(fault) => return self.diagnostics.push(*fault),
        };
        self.grant(Grant::Store { scope }, place);
        if self.settings.flag("nixStore", "read", true) {
            self.reach("/nix/store", Reach::Ro, Missing::Fail, place);
        }
    }

    fn reach(&mut self, path: &str, reach: Reach, missing: Missing, place: Option<Place>) {
        self.grant(Grant::Reach { path: Text::literal(path), reach, missing }, place);
    }

    /// The cage has a home and a runtime folder of its own, so programs find neither settings nor
    /// sockets of the user by name.
    fn home(&mut self) {
        let folders = [
            ("home", "HOME"),
            ("config", "XDG_CONFIG_HOME"),
            ("state", "XDG_STATE_HOME"),
            ("cache", "XDG_CACHE_HOME"),
            ("run", "XDG_RUNTIME_DIR"),
        ];
        for (folder, variable) in folders {
            self.own_folder(folder, variable, self.at);
        }
        self.set("ORIG_HOME", Text::expanded("~"));
        // Where the cage cannot write, and no other one looks.
        let to = Text::expanded(format!("{}/gitconfig", paths::state(&self.name)));
        self.grant(Grant::GitIdentity { to: to.clone() }, self.at);
        self.set("GIT_CONFIG_SYSTEM", to);
        self.login_shells();
        let place = self.settings.place("tmp");
        match self.settings.word("", "tmp", TMPS) {
            Ok("shared") => {
                for path in ["/tmp", "/var/tmp"] {
                    self.reach(path, Reach::Rw, Missing::Skip, place);
                }
            }
            Ok(_) => self.own_folder("tmp", "TMPDIR", place.or(self.at)),
            Err(fault) => self.diagnostics.push(*fault),
        }
    }

    /// Login shells read the host's /etc/profile, which sets PATH anew on Debian, and then a file
    /// in the home folder.
    fn login_shells(&mut self) {
        let state = paths::state(&self.name);
        let to = Text::expanded(format!("{state}/profile"));
        self.grant(Grant::LoginProfile { to: to.clone() }, self.at);
        for name in [".profile", ".zprofile"] {
            let path = Text::expanded(format!("{state}/home/{name}"));
            self.grant(Grant::StateLink { path, to: to.clone() }, self.at);
        }
    }

    fn own_folder(&mut self, folder: &str, variable: &str, place: Option<Place>) {
        let path = Text::expanded(format!("{}/{folder}", paths::state(&self.name)));
        self.grant(Grant::StateDirectory { path: path.clone(), to: path.clone() }, place);
        self.grant(Grant::SetEnv { name: variable.into(), value: path }, place);
    }

    fn set(&mut self, name: &str, value: Text) {
        self.grant(Grant::SetEnv { name: name.into(), value }, self.at);
    }

    fn surroundings(&mut self) {
        for (path, _) in READABLE {
            self.reach(path, Reach::Ro, Missing::Skip, self.at);
        }
        for path in DEVICES {
            self.reach(path, Reach::Device, Missing::Skip, self.at);
        }
        for name in PASSED {
            let grant = Grant::ForwardEnv { name: (*name).into(), missing: Missing::Skip };
            self.grant(grant, self.at);
        }
        if let Some(shell) = self.brought(Brought::BashInteractive, Output::Bin, "/bin/bash") {
            self.set("SHELL", shell);
        }
        if let Some(bundle) =
            self.brought(Brought::Cacert, Output::Out, "/etc/ssl/certs/ca-bundle.crt")
        {
            for name in CERTIFICATES {
                self.set(name, bundle.clone());
            }
        }
    }

    fn brought(&mut self, package: Brought, output: Output, rest: &str) -> Option<Text> {
        let Some(found) = self.packages.brought(package) else {
            let (name, attribute) = (self.builder.name, package.attribute());
            let message = format!(
                "`{name}` needs the package `{attribute}`, which the term does not contain"
            );
            self.diagnostics.push(Diagnostic::error(Code::MissingPackage, self.at, message));
            return None;
        };
        let mut text = Text::package(found, output);
        text.extend(&Text::literal(rest));
        Some(text)
    }

    fn workspace(&mut self) {
        match self.paths("workspace", "path", Role::Source).pop() {
            None => self
                .grant(Grant::Folder { access: Access::ReadWrite, to: None, stage: None }, self.at),
            Some((place, path)) => {
                let (to, reach, missing) = (Some(path.clone()), Reach::Rw, Missing::Fail);
                self.grant(Grant::Reach { path, reach, missing }, place);
                self.grant(Grant::Folder { access: Access::ReadWrite, to, stage: None }, place);
            }
        }
    }

    fn filesystem(&mut self) {
        let classes =
            [("ro", Reach::Ro), ("rox", Reach::Rox), ("rw", Reach::Rw), ("rwx", Reach::Rwx)];
        for (class, reach) in classes {
            for (value, place) in self.settings.list("filesystem", class) {
                let (text, missing) = settings::tried(&value);
                let path = text.and_then(|text| self.path(&text, place, Role::Source));
                if let Some(path) = path {
                    self.grant(Grant::Reach { path, reach, missing }, place);
                }
            }
        }
    }

    /// The programs of the distribution, with the libraries that they load.
    fn system_programs(&mut self) {
        if !self.settings.flag("", SYSTEM, false) {
            return;
        }
        let place = self.settings.place(SYSTEM);
        for (path, reach, _) in SYSTEM_PROGRAMS {
            self.reach(path, *reach, Missing::Skip, place);
        }
    }

    /// The paths of an argument, as paths of the host.
    fn paths(&mut self, group: &str, list: &str, role: Role) -> Vec<(Option<Place>, Text)> {
        let mut paths = Vec::new();
        for (text, place) in self.settings.texts(group, list) {
            paths.extend(self.path(&text, place, role).map(|path| (place, path)));
        }
        paths
    }

    fn path(&mut self, text: &Text, place: Option<Place>, role: Role) -> Option<Text> {
        let (name, text) = (self.builder.name, of_the_host(text));
        super::path::check(name, &text, role, place, &mut self.diagnostics)
    }

    fn agents_state(&mut self) {
        for (value, place) in self.settings.list("", "tools") {
            let Value::Text(tool) = value else { continue };
            let tool = tool.to_string();
            match PRESETS.iter().find(|preset| preset.package == tool) {
                Some(preset) => preset.state.iter().for_each(|state| match state {
                    State::Directory(path) => {
                        self.state(Text::expanded(*path), ToolState::Directory, place);
                    }
                    State::File(path) => self.state(Text::expanded(*path), ToolState::File, place),
                }),
                None => self.diagnostics.push(unknown_tool(&tool, place)),
            }
        }
        for (place, path) in self.paths("", "configDirs", Role::Source) {
            let placed = Placed { value: Value::Text(path.clone()), place };
            let kind = if builders::is_file_name(&placed) {
                ToolState::File
            } else {
                ToolState::Directory
            };
            self.state(path, kind, place);
        }
    }

    /// State in the real home, with links to it in the cage's own home, where programs look for it.
    fn state(&mut self, path: Text, kind: ToolState, place: Option<Place>) {
        let below = below_home(&path);
        for link in below.map(|below| self.links(&below)).unwrap_or_default() {
            let to = path.clone();
            self.grant(Grant::StateLink { path: Text::expanded(link), to }, place);
        }
        let to = path.clone();
        self.grant(
            match kind {
                ToolState::Directory => Grant::StateDirectory { path, to },
                ToolState::File => Grant::StateFile { path, to },
            },
            place,
        );
    }

    fn links(&self, below: &str) -> Vec<String> {
        let state = paths::state(&self.name);
        let of_xdg = [(".config/", "config"), (".local/state/", "state"), (".cache/", "cache")];
        let of_xdg = of_xdg.into_iter().filter_map(|(prefix, folder)| {
            below.strip_prefix(prefix).map(|rest| format!("{state}/{folder}/{rest}"))
        });
        [format!("{state}/home/{below}")].into_iter().chain(of_xdg).collect()
    }

    fn ssh(&mut self) {
        if !self.settings.flag("ssh", "agentForward", false) {
            return;
        }
        let place = self.settings.place("ssh");
        let name = "SSH_AUTH_SOCK";
        let path = Text::expanded(format!("${name}"));
        self.grant(Grant::Reach { path, reach: Reach::Rw, missing: Missing::Fail }, place);
        self.grant(Grant::ForwardEnv { name: name.into(), missing: Missing::Fail }, place);
        for path in KNOWN_HOSTS {
            let path = Text::expanded(*path);
            self.grant(Grant::Reach { path, reach: Reach::Ro, missing: Missing::Skip }, place);
        }
    }

    fn variables(&mut self) {
        for (value, place) in self.settings.list("env", "pass") {
            let Value::Text(name) = value else { continue };
            let name = name.to_string();
            if self.is_variable(&name, place) {
                self.grant(Grant::ForwardEnv { name, missing: Missing::Skip }, place);
            }
        }
        for (name, text, place) in self.settings.map("env", "set") {
            let text = in_the_cage(&text, &self.name);
            let value = super::text::value(&text, place, &mut self.diagnostics);
            if let Some(value) = value
                && self.is_variable(&name, place)
            {
                self.grant(Grant::SetEnv { name, value }, place);
            }
        }
    }

    fn is_variable(&mut self, name: &str, place: Option<Place>) -> bool {
        let legal = super::is_variable(name);
        if !legal {
            let message = format!("a variable cannot be called `{}`", jail_plan::one_line(name));
            let fault = Diagnostic::error(Code::EnvironmentName, place, message);
            self.diagnostics.push(fault.help("letters, digits and `_`, not a digit first"));
        }
        legal
    }

    fn finish(mut self, place: &dyn Fn(Place) -> String) -> Result<Lowered, Vec<Diagnostic>> {
        let dangers = jail_policy::dangers(&self.grants, []);
        self.diagnostics.extend(super::danger::warnings(&dangers, &self.places));
        self.diagnostics.sort_by_key(|diagnostic| diagnostic.primary);
        if self.diagnostics.iter().any(|fault| fault.severity == Severity::Error) {
            return Err(self.diagnostics);
        }
        let resolved = |Entry { by, grant }| Entry { by, grant: grant.resolved() };
        let grants = jail_policy::normalise(self.grants.into_iter().map(resolved).collect());
        let kept = |by: &Origin| grants.iter().any(|entry| entry.by == *by);
        let places =
            self.places.iter().filter(|(by, _)| kept(by)).map(|(by, at)| (by.clone(), place(*at)));
        let (name, places) = (format!("{}{CAGE_SUFFIX}", self.name), places.collect());
        let policy = Policy { version: VERSION, name, grants, places };
        Ok(Lowered { policy, warnings: self.diagnostics, dangers, places: self.places })
    }
}

#[derive(Clone, Copy)]
enum ToolState {
    Directory,
    File,
}

fn unknown_tool(tool: &str, place: Option<Place>) -> Diagnostic {
    let message = format!("unknown agent `{}`", jail_plan::one_line(tool));
    let fault = Diagnostic::error(Code::UnknownSetting, place, message);
    match nearest(tool, PRESETS.iter().map(|preset| preset.package)) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help("name its folders with `configDirs`"),
    }
}

#[cfg(test)]
mod tests;
