//! Grants that the helper carries out on the host.

use jail_plan::helper::{CLIENTS, OPENER, SOCKET, is_helpers, is_wanted};
use jail_plan::{
    Access, AfterOp, Bind, Channel, HandOff, Host, HostOp, HostText, InsideOp, Missing, Origin,
    Plan, Script, Step,
};
use jail_policy::{Phase, Text};

use super::super::SealError;
use super::super::text::Reader;

/// Whatever grants the working folder for writing has it looked through afterwards.
pub(super) fn looked_through(access: Access, how: HandOff, by: &str) -> Option<Step<HostOp>> {
    match access {
        Access::ReadOnly => None,
        Access::ReadWrite | Access::Device => Some(Step::new(by, HostOp::HandOff(how))),
    }
}

/// What the plan has the helper do after the payload's end, and in which shell.
#[derive(Default)]
pub(super) struct OnHost {
    pub(super) after: Vec<Step<AfterOp>>,
    pub(super) shell: Option<String>,
}

impl OnHost {
    pub(super) fn script(
        &mut self,
        read: Reader<'_>,
        phase: Phase,
        script: &Text,
        shell: &Text,
        before: &mut Vec<Step<HostOp>>,
    ) -> Result<(), SealError> {
        self.shell = Some(read.literal(shell)?);
        let (script, by) = (Script { script: read.literal(script)? }, read.entry.by.to_string());
        match phase {
            Phase::Before => before.push(Step::new(by, HostOp::Script(script))),
            Phase::After => self.after.push(Step::new(by, AfterOp::Script(script))),
        }
        Ok(())
    }

    pub(super) fn channel(
        &mut self,
        read: Reader<'_>,
        name: &str,
        script: &Text,
        shell: &Text,
        before: &mut Vec<Step<HostOp>>,
    ) -> Result<(), SealError> {
        self.shell = Some(read.literal(shell)?);
        let (script, by) = (read.literal(script)?, read.entry.by.to_string());
        before.push(Step::new(by, HostOp::Channel(Channel { name: name.into(), script })));
        Ok(())
    }

    pub(super) fn open_urls(&mut self, by: String, before: &mut Vec<Step<HostOp>>) {
        before.push(Step::new(by, HostOp::OpenUrls));
    }

    /// What the helper's work needs inside: its programs, its socket, and the place of what scripts
    /// add.
    pub(super) fn inside(
        &self,
        helper: &str,
        before: &[Step<HostOp>],
        inside: &mut Vec<Step<InsideOp>>,
    ) {
        let mut socket = None;
        for Step { by, op } in before {
            let name = match op {
                HostOp::Channel(channel) => channel.name.as_str(),
                HostOp::OpenUrls => OPENER,
                HostOp::RefuseFolder(_)
                | HostOp::EnterProject
                | HostOp::StateDirectory(_)
                | HostOp::StateFile(_)
                | HostOp::StateLink(_)
                | HostOp::GitIdentity(_)
                | HostOp::LoginProfile(_)
                | HostOp::FilterTerminal
                | HostOp::HandOff(_)
                | HostOp::Bus(_)
                | HostOp::Script(_) => continue,
            };
            socket.get_or_insert(by);
            inside.push(client(helper, name, by.clone()));
        }
        if let Some(by) = socket {
            let to = HostText::Literal(SOCKET.into());
            inside.push(Step::new(by.clone(), InsideOp::HostSocket(to)));
        }
        if before.iter().any(|step| is_helpers(&step.op)) {
            inside.push(Step::new(super::EVERY_JAIL, InsideOp::RuntimeArguments));
        }
    }
}

/// The helper, exactly where there is work for it: what a plan does not name is in no closure.
pub(super) fn helper(shell: Option<String>, program: &str, plan: &Plan) -> Option<Host> {
    is_wanted(plan).then(|| Host { program: program.into(), shell })
}

/// The helper itself, under the name of a channel. It is static and refers to nothing, so it needs
/// no closure.
fn client(helper: &str, name: &str, by: Origin) -> Step<InsideOp> {
    Step::new(
        by,
        InsideOp::Bind(Bind {
            from: HostText::Literal(helper.into()),
            to: HostText::Literal(format!("{CLIENTS}/{name}")),
            access: Access::ReadOnly,
            missing: Missing::Fail,
        }),
    )
}
