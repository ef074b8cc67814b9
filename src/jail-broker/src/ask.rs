//! Whether a connection may be made: what the policy says.

use jail_egress::Refusal;

use crate::connection::{self, Target};
use crate::log::Allowed;
use crate::session::Session;

/// Judges.
pub(crate) async fn judge(session: &Session, to: &Target) -> Result<Allowed, Refusal> {
    connection::judge(session, to)
}
