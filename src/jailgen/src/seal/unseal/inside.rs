//! What is put in place inside, as grants.

use jail_plan::git::is_git;
use jail_plan::helper::CLIENTS;
use jail_plan::{
    Access, Bind, Copy, EnvOp, GitChanges, HostOp, HostText, InsideOp, Missing, Service, Session,
    Step,
};
use jail_policy::{GitSettings, Grant, Scope, Text, Writes};

use super::super::fold::{EVERY_JAIL, stage_name};
use super::{Draft, text};

pub(super) fn add(draft: &mut Draft<'_>) {
    let plan = draft.plan;
    plan.inside.iter().for_each(|step| add_one(draft, step));
}

fn add_one(draft: &mut Draft<'_>, Step { by, op }: &Step<InsideOp>) {
    match op {
        InsideOp::Bind(bind) if is_client(draft, bind) => {}
        InsideOp::Bind(bind) => {
            let grant = bound(draft, by, bind);
            draft.add(by, grant);
        }
        InsideOp::Folder(op) => {
            let to = op.to.as_ref().map(text);
            let stage = op.stage.as_ref().and_then(stage_name);
            draft.add(by, Grant::Folder { access: op.access, to, stage });
            let is_apart = draft.plan.inside.iter().any(|step| is_git(&step.op));
            if op.access == Access::ReadWrite && op.stage.is_none() && !is_apart {
                draft.add(by, Grant::Git { settings: GitSettings::Shared });
            }
        }
        InsideOp::Worktree => draft.add(by, Grant::Worktree),
        InsideOp::Git(op) => {
            let settings = match op.changes {
                GitChanges::Reported => GitSettings::Apart,
                GitChanges::Merged => GitSettings::Merged,
                GitChanges::Refused => GitSettings::ReadOnly,
            };
            draft.add(by, Grant::Git { settings });
        }
        InsideOp::Protect(op) => draft.add(by, Grant::Protect { globs: op.globs.clone() }),
        InsideOp::Mask(op) => draft.add(by, Grant::Mask { globs: op.globs.clone() }),
        InsideOp::PrivateCopies(op) => {
            let (folder, names) = (text(&op.folder), op.names.clone());
            draft.add(by, Grant::PrivateCopies { folder, names });
        }
        InsideOp::FollowLinks => draft.add(by, Grant::FollowLinks),
        InsideOp::BindArguments(op) => {
            draft.add(by, Grant::BindArguments { access: op.access });
        }
        InsideOp::BindVariable(op) => {
            let (variable, separator) = (op.variable.clone(), op.separator.clone());
            draft.add(by, Grant::BindVariable { variable, separator, access: op.access });
        }
        InsideOp::Deep(op) => {
            draft.add(by, Grant::DeepBind { from: text(&op.from), missing: op.missing });
        }
        InsideOp::SharedFile(op) => {
            let (path, to) = (text(&op.from), text(&op.to));
            draft.add(by, Grant::StateFile { path, to });
        }
        InsideOp::OverlayReadOnly(op) => {
            draft.add(by, overlay(&op.lower, Writes::Refused, &op.to));
        }
        InsideOp::OverlayInMemory(op) => {
            draft.add(by, overlay(&op.lower, Writes::Memory, &op.to));
        }
        InsideOp::OverlayKept(op) => {
            let writes = Writes::Kept { upper: text(&op.upper), work: text(&op.work) };
            draft.add(by, overlay(&op.lower, writes, &op.to));
        }
        InsideOp::Session(session) => {
            let grant = connected(draft, session);
            draft.add(by, grant);
        }
        InsideOp::StoreClosure => draft.add(by, Grant::Store { scope: Scope::Closure }),
        InsideOp::Copy(op) if is_zone(draft, by, op) => {}
        InsideOp::Copy(op) => {
            let (from, to, append) = (text(&op.from), text(&op.to), op.append.clone());
            draft.add(by, Grant::Copy { from, to, append, missing: op.missing });
        }
        InsideOp::RemountReadOnly(_) if by == EVERY_JAIL => {}
        InsideOp::RemountReadOnly(to) => draft.add(by, Grant::RemountReadOnly { to: text(to) }),
        InsideOp::Tmpfs(op) => {
            draft.add(by, Grant::Tmpfs { to: text(&op.to), mode: op.mode, size: op.size });
        }
        InsideOp::Proc(to) | InsideOp::ProcForSandboxes(to) => {
            draft.add(by, Grant::Proc { to: text(to) });
        }
        InsideOp::Dev(to) => draft.add(by, Grant::Dev { to: text(to) }),
        InsideOp::Directory(op) => {
            draft.add(by, Grant::Directory { to: text(&op.to), mode: op.mode });
        }
        InsideOp::File(op) => {
            let (to, content) = (text(&op.to), Text::literal(op.content.clone()));
            draft.add(by, Grant::File { to, content, mode: op.mode });
        }
        InsideOp::Symlink(op) => {
            let (to, target) = (text(&op.to), Text::literal(op.target.clone()));
            draft.add(by, Grant::Symlink { to, target });
        }
        InsideOp::Accounts(op) => {
            draft.add(by, Grant::Accounts { shell: Text::literal(op.shell.clone()) });
        }
        InsideOp::GitIdentity(to) => draft.add(by, Grant::GitIdentity { to: text(to) }),
        InsideOp::MachineId(to) => draft.add(by, Grant::MachineId { to: text(to) }),
        InsideOp::Queues(to) => draft.add(by, Grant::Queues { to: text(to) }),
        // Parts of how a jail is made, which grant nothing.
        InsideOp::Loopback | InsideOp::HostSocket(_) | InsideOp::RuntimeArguments => {}
    }
}

/// The helper under the name of a channel: it is shown with what it does on the host.
fn is_client(draft: &Draft<'_>, bind: &Bind) -> bool {
    let is_helper = draft.plan.host.as_ref().is_some_and(|host| host.program == bind.from.source());
    is_helper && bind.to.source().starts_with(CLIENTS)
}

/// A bind, or what else is bound: state that is made first, or the store.
fn bound(draft: &Draft<'_>, by: &str, bind: &Bind) -> Grant {
    let (from, to) = (text(&bind.from), text(&bind.to));
    let is_made = draft.plan.before.iter().any(|step| match &step.op {
        HostOp::StateDirectory(made) => made.path == bind.from && step.by == by,
        _ => false,
    });
    let store = draft.plan.closure.store.as_str();
    let is_store = bind.from.source() == store && bind.to.source() == store;
    match (&bind.from, is_made) {
        (HostText::PerFolder(_), true) => Grant::FolderState { path: from, to },
        (_, true) => Grant::StateDirectory { path: from, to },
        (_, false) if is_store && bind.access == Access::ReadOnly => {
            Grant::Store { scope: Scope::Whole }
        }
        (_, false) => Grant::Bind { from, to, access: bind.access, missing: bind.missing },
    }
}

fn overlay(lower: &[HostText], writes: Writes, to: &HostText) -> Grant {
    Grant::Overlay { lower: lower.iter().map(text).collect(), writes, to: text(to) }
}

fn connected(draft: &Draft<'_>, session: &Session) -> Grant {
    let service = session.service;
    let is_filtered = match service {
        Service::FilteredSessionBus | Service::FilteredSystemBus => true,
        Service::Wayland
        | Service::X11
        | Service::Pulse
        | Service::Pipewire
        | Service::SshAgent
        | Service::GpgAgent
        | Service::NixDaemon
        | Service::SessionBus
        | Service::SystemBus
        | Service::Gpu
        | Service::Camera => false,
    };
    let proxy = draft.plan.before.iter().find_map(|step| match &step.op {
        HostOp::Bus(bus) if is_filtered && bus.service == service => Some(bus),
        _ => None,
    });
    match proxy {
        Some(bus) => {
            let (proxy, rules) = (Text::literal(bus.proxy.clone()), bus.rules.clone());
            Grant::Bus { service, proxy, rules }
        }
        None => Grant::Session { service },
    }
}

/// Whether a copy belongs to the time zone, which is shown with its variable.
fn is_zone(draft: &Draft<'_>, by: &str, copy: &Copy) -> bool {
    const ZONE: &str = "/etc/localtime";
    let is_it = |place: &HostText| *place == HostText::Literal(ZONE.into());
    let is_host_zone = |variable: &Step<EnvOp>| match &variable.op {
        EnvOp::Forward(forward) => {
            forward.name == "TZ" && forward.missing == Missing::Skip && variable.by == by
        }
        EnvOp::Set(_) => false,
    };
    is_it(&copy.from)
        && is_it(&copy.to)
        && copy.append.is_none()
        && draft.plan.env.iter().any(is_host_zone)
}
