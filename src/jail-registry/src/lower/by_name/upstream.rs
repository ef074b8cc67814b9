//! The proxy in the host's network that connections leave through.

use jail_egress::Authority;
use jail_policy::{Grant, NetworkGrant, ProxyCredentials, Text, UpstreamProxy};

use super::super::{Call, is_variable, path};
use super::literal;
use crate::diagnostic::Code;
use crate::term::{Place, Placed, Value};

const URL: &str = "write it as `\"http://proxy.example.com:3128\"`";

pub(crate) fn upstream(call: &mut Call<'_, '_>) -> Option<()> {
    let whole = call.place_of(0);
    let proxy = match call.value(0)? {
        Value::Attributes(fields) => {
            let url = fields.get("url")?;
            let credentials = match fields.get("credentials") {
                Some(given) => Some(credentials(call, given)?),
                None => None,
            };
            let text = call.text_of(url)?;
            read(call, &text, credentials, url.place.or(whole))?
        }
        _ => {
            let text = call.text(0)?;
            read(call, &text, None, whole)?
        }
    };
    call.grant(Grant::Network(NetworkGrant::Upstream { proxy }));
    Some(())
}

fn read(
    call: &mut Call<'_, '_>,
    text: &Text,
    credentials: Option<ProxyCredentials>,
    place: Option<Place>,
) -> Option<UpstreamProxy> {
    let mut refuse = |message: String, help: &str| {
        call.error_at(Code::BadProxy, place, message, help);
        None
    };
    if text.expand {
        let name = text.as_str().and_then(variable);
        return match (name, credentials) {
            (Some(name), None) => Some(UpstreamProxy::Variable { name: name.to_owned() }),
            (Some(_), Some(_)) => refuse(
                "the variable contains the credentials of the proxy too".into(),
                "remove `credentials`, or write the address of the proxy",
            ),
            (None, _) => refuse(
                format!("`{text}` is more than a variable"),
                "write `(noescape \"$HTTPS_PROXY\")` alone, or the address of the proxy",
            ),
        };
    }
    let written = text.as_str()?;
    let shown = jail_plan::one_line(written);
    let schemes = [("http://", false), ("https://", true)];
    let after =
        schemes.iter().find_map(|(scheme, tls)| Some((written.strip_prefix(scheme)?, *tls)));
    let Some((rest, tls)) = after else {
        return refuse(format!("`{}` is not an HTTP proxy", without_login(&shown)), URL);
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains('@') {
        return refuse(
            "the address of the proxy contains credentials, which every user could read in the store"
                .into(),
            "remove them, and say where they are: `{ url = \"http://proxy.example.com:3128\"; credentials.env = \"PROXY_LOGIN\"; }`",
        );
    }
    match Authority::from_wire(authority.as_bytes()) {
        Ok(Authority { host, port: Some(port) }) => {
            Some(UpstreamProxy::At { host: host.to_string(), port, tls, credentials })
        }
        Ok(Authority { port: None, .. }) => {
            refuse(format!("`{shown}` does not say which port the proxy has"), URL)
        }
        Err(error) => refuse(format!("`{shown}` is not an HTTP proxy: {error}"), URL),
    }
}

/// Other forms may contain a password too.
fn without_login(text: &str) -> &str {
    text.rsplit('@').next().unwrap_or(text)
}

/// The variable that a text consists of, if it contains nothing else.
fn variable(text: &str) -> Option<&str> {
    let text = text.trim_matches('"').strip_prefix('$')?;
    let name = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
    is_variable(name).then_some(name)
}

fn credentials(call: &mut Call<'_, '_>, given: &Placed) -> Option<ProxyCredentials> {
    let Value::Attributes(fields) = &given.value else { return None };
    let place = given.place.or(call.applied.place);
    match (fields.get("file"), fields.get("env")) {
        (Some(file), None) => {
            let at = file.place.or(place);
            let (text, combinator) = (call.text_of(file)?, call.applied.combinator.clone());
            let faults = &mut call.state.diagnostics;
            let path = path::check(&combinator, &text, path::Role::Source, at, faults)?;
            if path.expand {
                let message = "the file with the credentials must be known when the jail is built";
                let help = "write an absolute path without `noescape`, or use `credentials.env`";
                call.error_at(Code::ParamType, at, message.into(), help);
                return None;
            }
            Some(ProxyCredentials::File { path })
        }
        (None, Some(env)) => {
            let name = literal(env)?;
            if !is_variable(name) {
                let message = format!(
                    "`{}` is not the name of an environment variable",
                    jail_plan::one_line(name)
                );
                let help = "a name has letters, digits and `_`, and does not begin with a digit";
                call.error_at(Code::EnvironmentName, env.place.or(place), message, help);
                return None;
            }
            Some(ProxyCredentials::Variable { name: name.to_owned() })
        }
        (Some(_), Some(_)) | (None, None) => {
            let message = "credentials are in a file or in a variable";
            let help = "write `credentials.file = \"/etc/proxy-login\"` or `credentials.env = \"PROXY_LOGIN\"`";
            call.error_at(Code::BadProxy, place, message.into(), help);
            None
        }
    }
}
