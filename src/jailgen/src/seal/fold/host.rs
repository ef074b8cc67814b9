//! What becomes of grants that are carried out on the host, by the helper.

use jail_plan::helper::is_helpers;
use jail_plan::{AfterOp, Host, HostOp};

/// The helper, exactly where there is work for it: what a plan does not name is in no closure.
pub(super) fn host(
    program: &str,
    before: &[HostOp],
    after: &[AfterOp],
    shell: Option<String>,
) -> Option<Host> {
    let has_work = before.iter().any(is_helpers) || !after.is_empty();
    has_work.then(|| Host { program: program.into(), shell })
}
