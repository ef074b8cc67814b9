//! The plan's record of what may be reached, as the policy that judges.

use jail_egress::{Protocol, Reach, Rule, Sni};
use jail_plan::{Egress, EgressRule, Spoken};

/// The policy that the plan says.
///
/// # Errors
/// The rule that is none, with the reason.
pub(crate) fn policy(egress: &Egress) -> Result<jail_egress::Policy, String> {
    let rules: Result<Vec<Rule>, String> = egress.rules.iter().map(rule).collect();
    let reach = if egress.internet.is_empty() {
        Reach::Rules
    } else {
        Reach::Internet { ports: egress.internet.clone() }
    };
    Ok(jail_egress::Policy { rules: rules?, reach, changes: Vec::new() })
}

fn rule(rule: &EgressRule) -> Result<Rule, String> {
    let parsed = Rule::parse(&rule.host, rule.by.as_str());
    let parsed = parsed.map_err(|error| format!("the rule for `{}`: {error}", rule.host))?;
    Ok(Rule {
        ports: rule.ports.clone(),
        protocol: rule.protocol.map(|spoken| match spoken {
            Spoken::Tls => Protocol::Tls,
            Spoken::Http => Protocol::Http,
            Spoken::Tcp => Protocol::Tcp,
        }),
        sni: if rule.any_sni { Sni::Any } else { Sni::Same },
        txt: rule.txt,
        ..parsed
    })
}
