//! The plan's record of what may be reached, as the policy that judges.

use jail_egress::{Host, Name, Pattern, Protocol, Reach, RequestRule, Rule, Sni};
use jail_plan::{Egress, EgressRule, Spoken};

/// Which requests are judged, and whose TLS ends in the broker for that.
pub(crate) struct Requests {
    /// The rules, in the order of the spec.
    pub(crate) rules: Vec<RequestRule>,
    /// Hosts that secrets are for.
    secrets: Vec<Pattern>,
}

impl Requests {
    /// What the plan says.
    ///
    /// # Errors
    /// The text that is not a rule, with the reason.
    pub(crate) fn from_plan(egress: &Egress) -> Result<Self, String> {
        let rule = |rule: &jail_plan::RequestRule| {
            RequestRule::parse(&rule.host, &rule.methods, &rule.paths, rule.by.as_str())
                .map_err(|error| format!("the requests to `{}`: {error}", rule.host))
        };
        let host = |host: &String| {
            Pattern::parse(host).map_err(|error| format!("a secret for `{host}`: {error}"))
        };
        let hosts = egress.secrets.iter().flat_map(|secret| &secret.hosts);
        Ok(Self {
            rules: egress.requests.iter().map(rule).collect::<Result<_, _>>()?,
            secrets: hosts.map(host).collect::<Result<_, _>>()?,
        })
    }

    /// Whether there is a host whose TLS ends here.
    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.secrets.is_empty()
    }

    /// The rules about a host.
    pub(crate) fn about(&self, host: &Host) -> impl Iterator<Item = &RequestRule> {
        self.rules.iter().filter(move |rule| is_about(&rule.host, host))
    }

    /// Whether TLS with a host ends here.
    pub(crate) fn end(&self, host: &Name) -> bool {
        self.rules.iter().map(|rule| &rule.host).chain(&self.secrets).any(|own| own.matches(host))
    }
}

fn is_about(pattern: &Pattern, host: &Host) -> bool {
    match host {
        Host::Name(name) => pattern.matches(name),
        Host::Address(_) => false,
    }
}

/// The policy that the plan says.
///
/// # Errors
/// The text that is not a rule, with the reason.
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
