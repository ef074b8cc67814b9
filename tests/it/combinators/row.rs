//! A row of the table.

/// One combinator, and commands that show that it does what it says. `..ROW` fills
/// in what a row leaves out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// The combinator. Several rows may be about one; each needs a `case` of its own then.
    pub(super) name: &'static str,
    /// What tells this row from others about the same combinator.
    pub(super) case: &'static str,
    /// The permissions, as a spec writes them in its list.
    pub(super) spec: &'static str,
    /// The jail's program: it is started as bash would be, with `-c COMMAND`.
    pub(super) program: &'static str,
    /// A bash script that runs outside before the probes, in the folder `project` of the row's home
    /// folder. What it starts in the background lives until the row is done: it is asked to end
    /// then, and killed if it does not.
    pub(super) host: &'static str,
    /// Further variables of the launcher, of the script and of the probes outside. `$HOME` in them
    /// is the row's home folder, `$NUMBER` one that hardly any other row has at the same time, of
    /// other runs of the tests neither.
    pub(super) env: &'static [(&'static str, &'static str)],
    /// Further arguments of the command, `$1` and on in the probes.
    pub(super) arguments: &'static [&'static str],
    /// Where the commands start, below the row's home folder.
    pub(super) folder: &'static str,
    /// What is tried, in order.
    pub(super) probes: &'static [Probe],
    /// What becomes of the registry's example when it is started. Only the first row
    /// of a combinator is asked.
    pub(super) example: Example,
    /// Why the row cannot run on this machine, if it cannot: the name that
    /// JAIL_TEST_REQUIRE knows, and the reason.
    pub(super) unable: fn() -> Option<(&'static str, String)>,
}

/// A row without anything.
pub(super) const ROW: Row = Row {
    name: "",
    case: "",
    spec: "",
    program: "pkgs.bashInteractive",
    host: "",
    env: &[],
    arguments: &[],
    folder: "project",
    probes: &[],
    example: Example::Runs,
    unable: || None,
};

impl Row {
    /// The name of its command.
    pub(super) fn command(&self) -> String {
        if self.case.is_empty() {
            return format!("row-{}", self.name);
        }
        format!("row-{}-{}", self.name, self.case)
    }
}

/// A command that is tried.
#[derive(Clone, Copy, Debug)]
pub(super) enum Probe {
    /// Works in the jail, and is refused in a jail that has the base only.
    Grants(&'static str),
    /// Works in the jail.
    Works(&'static str),
    /// What it writes to a terminal arrives there as this, in the jail and in
    /// one that has the base only.
    Shows(&'static str, &'static str),
    /// What it writes to a terminal arrives there as the first of these, and in a jail that has the
    /// base only as the second.
    Filters(&'static str, &'static str, &'static str),
    /// Is refused in the jail, and works outside.
    Refuses(&'static str),
    /// Is refused in the jail. What is tried does not exist outside, or would be felt there.
    Denies(&'static str),
    /// Works in the jail, and the launch tells this.
    Says {
        /// The command.
        script: &'static str,
        /// What the launch's message holds.
        says: &'static str,
    },
    /// The launch stops with these variables set, and prints this.
    Stops {
        /// Variables; an empty value takes one away.
        env: &'static [(&'static str, &'static str)],
        /// What the message holds.
        says: &'static str,
    },
    /// Works outside, after what was tried inside: a look at what it left.
    Left(&'static str),
}

impl Probe {
    pub(super) fn allows(&self) -> bool {
        matches!(self, Self::Grants(_) | Self::Works(_) | Self::Shows(..) | Self::Says { .. })
    }

    pub(super) fn refuses(&self) -> bool {
        matches!(self, Self::Refuses(_) | Self::Denies(_) | Self::Filters(..) | Self::Stops { .. })
    }
}

/// What becomes of the registry's example.
#[derive(Clone, Copy, Debug)]
pub(super) enum Example {
    /// It starts.
    Runs,
    /// It starts; or, if the machine lacks what it names, the launch stops and prints this.
    MayStop(&'static str),
    /// It is not a whole jail: that it compiles is tested with the registry.
    NoJail,
}

/// Whether root runs the tests, for rows that only root can run.
pub(super) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}
