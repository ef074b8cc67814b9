//! The smallest jail, sealed as every other one, to see whether jails run here at all.

use std::path::{Path, PathBuf};

use jail_policy::{
    Access, Argument, Entry, Grant, Lifetime, Missing, Origin, Policy, Terminal, Text,
};

use crate::kit::Kit;
use crate::seal::{Graph, Request, SealError, seal};

/// The variable that says where the probe is: it is the launcher's to know.
pub const PROBE: &str = "JAILGEN_DOCTOR_PROBE";

const PLACE: &str = "/.jailgen-probe";

/// The stub of a kit.
#[must_use]
pub fn stub(kit: &Kit) -> Option<PathBuf> {
    kit.tool("jail-stub").map(|folder| folder.join("bin/jail-stub"))
}

/// The wrapper of the smallest jail: own namespaces, /proc, /dev and the probe, which makes one
/// attempt.
///
/// # Errors
/// There is no filter for this processor.
pub fn plan(stub: &Path) -> Result<String, SealError> {
    let literal = |text: &str| Argument::Text(Text::literal(text));
    let grants = vec![
        Grant::Program { path: Text::literal(PLACE) },
        Grant::Arguments { words: ["call", "getpid"].map(literal).to_vec() },
        Grant::Bind {
            from: Text::expanded(format!("${PROBE}")),
            to: Text::literal(PLACE),
            access: Access::ReadOnly,
            missing: Missing::Fail,
        },
        Grant::Proc { to: Text::literal("/proc") },
        Grant::Dev { to: Text::literal("/dev") },
        Grant::Tmpfs { to: Text::literal("/tmp"), mode: 0o1777, size: None },
        Grant::Hostname { name: "jailgen-doctor".into() },
        Grant::Terminal { terminal: Terminal::Keep },
        Grant::Lifetime { lifetime: Lifetime::Launcher },
    ];
    let by = Origin { combinator: "doctor".into(), index: 0 };
    let grants = grants.into_iter().map(|grant| Entry { by: by.clone(), grant }).collect();
    let policy = Policy {
        version: jail_policy::VERSION,
        name: "jailgen-doctor".into(),
        grants,
        places: std::collections::BTreeMap::default(),
    };
    let sealed = seal(&Request {
        policy: &policy,
        graph: &Graph::new("/nix/store", [])?,
        stub: &stub.display().to_string(),
        host: "",
        broker: "",
        out: "/nix/store/none",
        arch: std::env::consts::ARCH,
        filters: &[],
    })?;
    Ok(sealed.wrapper)
}
