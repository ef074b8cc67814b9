//! What the plan may ask about the launching host: the launcher's variables, home
//! folder, ids and arguments.
//!
//! Only expansions and operations of the plan read these; by themselves they change
//! nothing that is enforced.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::OnceCell;
use core::ffi::CStr;

use jail_plan::{HostText, JailPath, Lookup, OWN_SETTINGS, OWN_STATE, Unset};

use crate::failure::Problem;
use crate::sys::CommandLine;

/// A variable, and its value if it has one.
pub(crate) type Variable = (String, Option<Vec<u8>>);

/// The launching host, as far as a plan may ask.
pub(crate) struct Caller<'a> {
    /// The arguments after the wrapper's name. They belong to the payload.
    pub(crate) arguments: &'a [&'a CStr],
    environment: &'a [&'a CStr],
    /// Where the kernel shows the command line of this process.
    pub(crate) command_line: CommandLine,
    /// What scripts of the host have left in variables. The last entry of a name counts, and takes
    /// precedence over the environment.
    learned: Vec<Variable>,
    home: Result<JailPath, Problem>,
    /// The effective user id.
    pub(crate) uid: u32,
    /// The effective group id.
    pub(crate) gid: u32,
    /// The user's line of /etc/passwd, once it has been read.
    pub(crate) account: OnceCell<String>,
    /// See [`Caller::below`].
    pub(crate) started_below: OnceCell<Vec<u8>>,
}

impl<'a> Caller<'a> {
    pub(crate) fn new(
        arguments: &'a [&'a CStr],
        environment: &'a [&'a CStr],
        command_line: CommandLine,
    ) -> Self {
        Self {
            arguments,
            environment,
            command_line,
            learned: Vec::new(),
            home: home(value(environment, "HOME")),
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
            account: OnceCell::new(),
            started_below: OnceCell::new(),
        }
    }

    /// Where below the working folder the launch was started, if the working folder was
    /// changed: `/a/b`. Otherwise empty.
    pub(crate) fn below(&self) -> &[u8] {
        self.started_below.get().map_or(b"", Vec::as_slice)
    }

    /// The value of a variable, whatever bytes it has. If a name occurs twice, the first one
    /// counts, as in getenv(3).
    pub(crate) fn value(&self, name: &str) -> Option<&[u8]> {
        match self.learned.iter().rev().find(|(learned, _)| learned == name) {
            Some((_, value)) => value.as_deref(),
            None => value(self.environment, name),
        }
    }

    /// The environment of the launcher itself, for what runs on the host.
    pub(crate) fn environment(&self) -> &'a [&'a CStr] {
        self.environment
    }

    /// These variables replace the launcher's from now on.
    pub(crate) fn learn(&mut self, variables: Vec<Variable>) {
        self.learned.extend(variables);
        self.home = home(self.value("HOME"));
    }

    /// The home folder, absolute and not `/`.
    pub(crate) fn home_folder(&self) -> Result<&JailPath, Problem> {
        self.home.as_ref().map_err(Clone::clone)
    }

    /// jailgen's own state folder, by the same rule as in `jailgen`. Variables that scripts
    /// have left do not move it.
    pub(crate) fn state_folder(&self) -> Result<StateFolder, Problem> {
        let found = OWN_STATE.iter().find_map(|place| self.own_folder(*place));
        found.ok_or_else(|| unset("~", "HOME"))
    }

    /// The folder of jailgen's settings below the home folder. If XDG_CONFIG_HOME names another
    /// one, `jailgen` itself checks whether a jail could write it.
    pub(crate) fn settings_folder(&self) -> Result<StateFolder, Problem> {
        let mut places = OWN_SETTINGS.iter().filter(|(name, _)| *name == "HOME");
        let found = places.find_map(|place| self.own_folder(*place));
        found.ok_or_else(|| unset("~", "HOME"))
    }

    fn own_folder(&self, (name, below): (&str, &'static str)) -> Option<StateFolder> {
        let base = value(self.environment, name).filter(|path| path.starts_with(b"/"))?;
        Some(StateFolder { base: base.into(), below, is_home: name == "HOME" })
    }

    /// The text for this launch.
    pub(crate) fn expand(&self, text: &HostText) -> Result<String, Problem> {
        if let Some(expansion) = text.expansion() {
            for name in expansion.variables() {
                match (name, self.value(name)) {
                    ("HOME", Some(_)) => drop(self.home_folder()?),
                    (_, Some(value)) if core::str::from_utf8(value).is_err() => {
                        return Err(Problem::new(text.source(), format!("`{name}` is not UTF-8")));
                    }
                    (_, _) => {}
                }
            }
        }
        text.resolve(self).map_err(|Unset(name)| match text {
            HostText::PerFolder(_) if name == "PWD" => {
                Problem::new("the working folder", "its path is too long to name a folder by it")
                    .help("start the jail in a folder with a shorter path")
            }
            HostText::Literal(_) | HostText::Expand(_) | HostText::PerFolder(_) => {
                unset(text.source(), &name)
            }
        })
    }

    /// The absolute path that the text gives at this launch.
    pub(crate) fn path(&self, text: &HostText) -> Result<JailPath, Problem> {
        let expanded = self.expand(text)?;
        JailPath::parse(&expanded).map_err(|error| Problem::new(&expanded, error.to_string()))
    }
}

/// See [`OWN_STATE`].
pub(crate) struct StateFolder {
    /// The folder that the variable names.
    pub(crate) base: Vec<u8>,
    /// jailgen's own in it.
    pub(crate) below: &'static str,
    pub(crate) is_home: bool,
}

impl StateFolder {
    /// The path of jailgen's own folder.
    pub(crate) fn path(&self) -> Vec<u8> {
        [&self.base, b"/".as_slice(), self.below.as_bytes()].concat()
    }

    /// The path of the entry `name` there.
    pub(crate) fn file(&self, name: &str) -> Vec<u8> {
        [&self.path(), b"/".as_slice(), name.as_bytes()].concat()
    }
}

impl Lookup for Caller<'_> {
    fn variable(&self, name: &str) -> Option<&str> {
        if name == "HOME" {
            return self.home();
        }
        self.value(name).and_then(|value| core::str::from_utf8(value).ok())
    }

    fn home(&self) -> Option<&str> {
        self.home.as_ref().ok().map(JailPath::as_str)
    }

    /// As the kernel says it, not the variable PWD.
    fn folder(&self) -> Option<String> {
        let path = rustix::process::getcwd(Vec::new()).ok()?.into_string().ok()?;
        jail_plan::folder_name(&path)
    }
}

/// A variable that a plan needs and that the launcher lacks.
pub(crate) fn unset(object: &str, name: &str) -> Problem {
    Problem::new(object, format!("`{name}` is not set"))
        .help(format!("set `{name}` before the launch, or give the spec a default for it"))
}

fn value<'a>(environment: &'a [&'a CStr], name: &str) -> Option<&'a [u8]> {
    environment
        .iter()
        .find_map(|entry| entry.to_bytes().strip_prefix(name.as_bytes())?.strip_prefix(b"="))
}

/// A home folder of `/` would grant or refuse everything, and a relative one would mean
/// something else in every folder.
fn home(value: Option<&[u8]>) -> Result<JailPath, Problem> {
    let help = "set HOME to the absolute path of your home folder";
    let Some(bytes) = value else {
        return Err(unset("~", "HOME"));
    };
    let Ok(text) = core::str::from_utf8(bytes) else {
        return Err(Problem::new(bytes, "HOME is not UTF-8").help(help));
    };
    match JailPath::parse(text) {
        Ok(path) if path.as_str() == "/" => Err(Problem::new("HOME", "it is `/`").help(help)),
        Ok(path) => Ok(path),
        Err(error) => Err(Problem::new(text, format!("HOME: {error}")).help(help)),
    }
}
