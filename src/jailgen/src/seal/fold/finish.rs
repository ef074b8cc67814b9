//! What is settled when all grants have been folded: the program, where it starts, and the plan.

use jail_plan::{
    Argument, Bind, Closure, Directory, HostText, InsideOp, Namespace, Plan, StartIn, Step, Tmpfs,
};

use super::{Draft, EVERY_JAIL, host, is_folder};
use crate::seal::filter::filters;
use crate::seal::{Request, SealError};

impl Draft<'_> {
    pub(super) fn finish(
        mut self,
        request: &Request<'_>,
        closure: Closure,
    ) -> Result<Plan, SealError> {
        let program = self.checked_program()?;
        self.check_hostname()?;
        // No mount of the spec covers the copies.
        self.inside.extend(self.git.take());
        let protect =
            self.protect.take().map(|step| Step::new(step.by, InsideOp::Protect(step.op)));
        self.inside.extend(protect);
        self.inside.append(&mut self.private);
        self.host.inside(request.host, &self.before, &mut self.inside);
        if self.namespaces.contains(&Namespace::Net) {
            self.inside.push(Step::new(EVERY_JAIL, InsideOp::Loopback));
        }
        // Last, because everything before it writes to the root.
        let root = HostText::Literal("/".into());
        self.inside.push(Step::new(EVERY_JAIL, InsideOp::RemountReadOnly(root)));
        self.trust_for_java(request, &closure);
        let start = self.start();
        let ids = self.ids.lower(&self.namespaces)?;
        let network = self.network.finish(request.broker)?;
        if network.is_some() && !self.namespaces.contains(&Namespace::Net) {
            return Err(SealError::new(
                "the host's network is shared, and hosts are named as well",
            ));
        }
        let landlock = self.landlock.lower(&self.inside, &self.namespaces, &self.store);
        let mut plan = Plan {
            version: jail_plan::VERSION,
            name: self.policy.name.clone(),
            host: None,
            before: self.before,
            cgroup: self.limits.cgroup(),
            namespaces: self.namespaces.into_iter().collect(),
            ids,
            network,
            closure,
            inside: self.inside,
            hostname: self.hostname,
            env: self.environment.into_variables(),
            start,
            argv: [vec![Argument::Text(program)], self.arguments].concat(),
            terminal: self.terminal,
            lifetime: self.lifetime,
            time: self.limits.time(),
            limits: self.limits.resources(),
            landlock,
            seccomp: filters(request)?,
            after: self.host.after,
        };
        plan.host = host::helper(self.host.shell, request.host, &plan);
        Ok(plan)
    }

    /// The program, which must be able to exist inside.
    fn checked_program(&self) -> Result<HostText, SealError> {
        let Some(program) = self.program.clone() else {
            return Err(SealError::new("the policy names no program")
                .help("a jail needs one: `jail NAME PACKAGE PERMISSIONS`"));
        };
        let in_store = program.source().starts_with(&format!("{}/", self.store));
        if in_store && !self.shows(program.source()) {
            return Err(SealError::new(format!(
                "the program `{}` is in the store, and nothing of the store is granted",
                program.source()
            ))
            .help("a spec that forgets the base forgets the store too: grant the closure again"));
        }
        Ok(program)
    }

    /// Whether a store path can be seen inside, through a grant of the store or a bind over it.
    fn shows(&self, path: &str) -> bool {
        self.last.store.is_some()
            || self.inside.iter().any(|step| match &step.op {
                InsideOp::Bind(bind) => {
                    path.strip_prefix(bind.to.source())
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                        || bind.to.source() == "/"
                }
                _ => false,
            })
    }

    fn check_hostname(&self) -> Result<(), SealError> {
        match self.hostname_entry {
            Some(entry) if !self.namespaces.contains(&Namespace::Uts) => Err(SealError::at(
                self.policy,
                entry,
                "a jail that shares the host's uts namespace cannot have a host name of its own",
            )
            .help("remove one of the two: the shared namespace or the host name")),
            _ => Ok(()),
        }
    }

    /// In the working folder, else in the jail's home folder, else at the root.
    fn start(&self) -> StartIn {
        let home = self.inside.iter().find_map(|step| {
            let (InsideOp::Tmpfs(Tmpfs { to: place, .. })
            | InsideOp::Directory(Directory { to: place, .. })
            | InsideOp::Bind(Bind { to: place, .. })) = &step.op
            else {
                return None;
            };
            matches!((place, place.source()), (HostText::Expand(_), "~" | "$HOME" | "${HOME}"))
                .then(|| place.clone())
        });
        if let Some(place) = &self.start_in {
            return StartIn::Path(place.clone());
        }
        match home {
            _ if self.policy.grants.iter().any(is_folder) => StartIn::Folder,
            Some(home) => StartIn::Path(home),
            None => StartIn::Path(HostText::Literal("/".into())),
        }
    }
}
