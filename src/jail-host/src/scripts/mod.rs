//! `add-runtime` and `add-cleanup`: the scripts of a launch, in one shell,
//! and what they leave for it.

#![expect(
    clippy::disallowed_methods,
    reason = "the scripts of a launch change the launcher's own variables"
)]

mod changes;
mod names;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::UnixStream;
use std::sync::atomic::AtomicBool;

use jail_plan::helper::{Learned, Refusal};
use jail_plan::{AfterOp, Plan, Step};

use crate::say;
use crate::shell::{Failed, Interrupts, ScriptResult, Shell, Start, is_script};
use crate::surroundings::{Environment, Project};
use crate::talk::refusal;

pub(crate) use names::mentioned;

/// The scripts of a launch.
pub(crate) struct Scripts<'a> {
    project: &'a Project,
    program: Option<String>,
    name: String,
    arguments: &'a [OsString],
    names: Vec<String>,
    shell: Option<Shell>,
    /// What the scripts have left for programs that run on the host later.
    environment: Environment,
    /// The variables that were reported last.
    reported: BTreeMap<String, Option<Vec<u8>>>,
}

impl<'a> Scripts<'a> {
    /// For a plan. Nothing is started yet.
    pub(crate) fn new(plan: &Plan, arguments: &'a [OsString], project: &'a Project) -> Self {
        Self {
            project,
            program: plan.host.as_ref().and_then(|host| host.shell.clone()),
            name: plan.name.clone(),
            arguments,
            names: mentioned(plan),
            shell: None,
            environment: Environment::new(),
            reported: BTreeMap::new(),
        }
    }

    /// Runs a script before the launch.
    pub(crate) fn run(
        &mut self,
        script: &str,
        by: &str,
        stub: &mut UnixStream,
        terminated: &AtomicBool,
    ) -> Result<Learned, Refusal> {
        if !is_script(script) {
            return Err(refusal("", "the script contains a NUL byte"));
        }
        if self.shell.is_none() {
            self.shell = Some(self.start()?);
        }
        let Some(shell) = &mut self.shell else { return Err(refusal("", "there is no shell")) };
        let mut interrupts = Interrupts::new(Some(stub), terminated);
        let result = shell.run(script, &mut interrupts).map_err(|failed| match failed {
            Failed::Script(words) => Refusal {
                object: String::new(),
                cause: words,
                error: 0,
                help: "it runs on the host, strictly (`errexit`, `nounset`, `pipefail`); write `… || true` where a command may fail"
                    .into(),
            },
            Failed::Broken(error) => refusal("", &error.to_string()),
        })?;
        let changes = changes::changes(&result.arguments, shell.id(), by)?;
        Ok(Learned { variables: self.learn(result), changes })
    }

    /// The variables that scripts export, for what runs on the host alongside the jail.
    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The shell of the plan, for handlers.
    pub(crate) fn program(&self) -> Option<&str> {
        self.program.as_deref()
    }

    /// Runs the scripts for after the payload's end, however it ended. `place` returns the place
    /// of a script in the spec.
    pub(crate) fn clean(
        &mut self,
        after: &[Step<AfterOp>],
        terminated: &AtomicBool,
        place: impl Fn(&str) -> Option<String>,
    ) {
        for Step { by, op: AfterOp::Script(op) } in after {
            let wanted = place(by).map_or_else(String::new, |place| format!(" ({place})"));
            match self.clean_one(&op.script, terminated) {
                Ok(0) => {}
                Ok(status) => {
                    say(&format!("a cleanup script failed with exit status {status}{wanted}"));
                }
                Err(why) => say(&format!("a cleanup script was not run to its end: {why}{wanted}")),
            }
        }
        if let Some(shell) = self.shell.take()
            && let Err(error) = shell.finish()
        {
            say(&format!("the shell of the scripts: {error}"));
        }
    }

    /// It runs in the shell of the scripts before. If that is gone (a signal, `exec`, an `exit` in
    /// a cleanup), in a new one.
    fn clean_one(&mut self, script: &str, terminated: &AtomicBool) -> Result<i32, String> {
        if !is_script(script) {
            return Err("it contains a NUL byte".into());
        }
        for _ in 0..2 {
            let mut shell = match self.shell.take() {
                Some(shell) => shell,
                None => self.start().map_err(|refusal| refusal.cause)?,
            };
            let was_told = shell.has_ended();
            let mut interrupts = Interrupts::new(None, terminated);
            match shell.clean(script, &mut interrupts).map_err(|error| error.to_string())? {
                Some(status) => {
                    self.shell = Some(shell);
                    return Ok(status);
                }
                // The script itself ended the shell, so it has run.
                None if !was_told => return shell.status().map_err(|error| error.to_string()),
                None => {}
            }
        }
        Err("its shell ends at once".into())
    }

    fn start(&self) -> Result<Shell, Refusal> {
        let program =
            self.program.as_deref().ok_or_else(|| refusal("", "the plan names no shell"))?;
        Shell::start(&Start {
            program,
            name: &self.name,
            arguments: self.arguments,
            names: &self.names,
            folder: self.project.folder(),
            environment: &self.environment,
        })
        .map_err(|error| refusal(program, &error.to_string()))
    }

    /// What the scripts have changed. For the rest the launcher's own values count, because the
    /// shell did not have all of them.
    fn learn(&mut self, result: ScriptResult) -> Vec<(String, Option<Vec<u8>>)> {
        self.environment = result.exported.into_iter().collect();
        let own = |name: &str| std::env::var_os(name).map(OsString::into_vec);
        let mut variables = result.variables;
        variables.retain(|(name, value)| {
            let before = self.reported.insert(name.clone(), value.clone());
            before.unwrap_or_else(|| own(name)) != *value
        });
        variables
    }
}
