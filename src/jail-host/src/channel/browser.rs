//! Opens web addresses that the jail asks for in the user's browser: http and https, and nothing that a program of the host
//! could take for an option, a file or a command.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use url::Url;

use crate::sys;

/// What opens addresses where the user has named no browser.
const DEFAULT: &str = "xdg-open";

/// A browser that is still running after so long has opened it.
const STARTED: Duration = Duration::from_secs(2);

/// The longest address.
const ADDRESS_MAX: usize = 8192;

/// Opens the one address that was given; the exit status, or why it was not opened.
pub(super) fn open(
    arguments: &[OsString],
    environment: &BTreeMap<OsString, OsString>,
) -> Result<u8, String> {
    let [argument] = arguments else {
        return Err(format!("it takes one address, and was given {} arguments", arguments.len()));
    };
    let address = address(argument)?;
    let browser = variable("BROWSER", environment);
    let words = command(browser.as_deref().and_then(OsStr::to_str), address.as_str());
    let (program, rest) = words.split_first().ok_or("there is no browser")?;
    let mut command = Command::new(program);
    command.args(rest).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if !environment.is_empty() {
        command.env_clear().envs(environment);
    }
    let started = sys::in_a_session_of_its_own(&mut command).spawn();
    let mut child =
        started.map_err(|error| format!("the host's browser cannot be started: {error}"))?;
    let begin = Instant::now();
    while begin.elapsed() < STARTED {
        match child.try_wait() {
            Ok(Some(status)) => {
                return Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1));
            }
            Ok(None) => std::thread::sleep(Duration::from_millis(10)),
            Err(error) => return Err(error.to_string()),
        }
    }
    // It stays the user's own program; somebody has to take note of its end.
    let _ = std::thread::Builder::new().spawn(move || child.wait());
    Ok(0)
}

fn variable(name: &str, environment: &BTreeMap<OsString, OsString>) -> Option<OsString> {
    let value = if environment.is_empty() {
        std::env::var_os(name)
    } else {
        environment.get(OsStr::new(name)).cloned()
    };
    value.filter(|value| !value.is_empty())
}

/// The address, if it is one of the web and written as such: the parser forgives blanks and line breaks, and we do not.
fn address(argument: &OsStr) -> Result<Url, String> {
    let text = argument.to_str().ok_or("the address is not UTF-8")?;
    if text.len() > ADDRESS_MAX {
        return Err(format!("the address is longer than {ADDRESS_MAX} bytes"));
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err("the address has blanks, backslashes or control characters".into());
    }
    let url = Url::parse(text).map_err(|error| format!("this is no address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("only http and https addresses are opened, not `{}`", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("an address with a user name in it is not opened".into());
    }
    Ok(url)
}

/// The command for an address: the first that `$BROWSER` names (a list with colons, `%s` for the address), else the default.
fn command(browser: Option<&str>, address: &str) -> Vec<String> {
    let first = browser.and_then(|list| list.split(':').find(|entry| !entry.trim().is_empty()));
    let template = first.unwrap_or(DEFAULT);
    let mut words: Vec<String> =
        template.split_whitespace().map(|word| word.replace("%s", address)).collect();
    if !template.contains("%s") {
        words.push(address.into());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_web_are_opened() {
        for good in ["https://example.org/a?b=c#d", "http://127.0.0.1:8080/", "HTTPS://EXAMPLE.org"]
        {
            assert!(address(OsStr::new(good)).is_ok(), "{good}");
        }
        for bad in [
            "file:///etc/passwd",
            "javascript:alert(1)",
            "data:text/html,x",
            "-h",
            "--version",
            "",
            "example.org",
            "https://",
            "https:///",
            " https://example.org",
            "https://exa mple.org",
            "https://example.org\n--x",
            "ht\ttps://example.org",
            "https:\\\\example.org",
            "https://user@example.org",
            "https://u:p@example.org",
            "http",
            "about:config",
            "chrome://settings",
            "smb://host/x",
            "https://example.org/\u{0}",
        ] {
            assert!(address(OsStr::new(bad)).is_err(), "{bad}");
        }
        assert!(address(OsStr::new(&format!("https://e.org/{}", "x".repeat(9000)))).is_err());
    }

    #[test]
    fn the_browser_is_what_its_variable_says() {
        let address = "https://e.org/";
        let words = |browser| command(browser, address).join(" ");
        assert_eq!(words(None), "xdg-open https://e.org/");
        assert_eq!(words(Some("firefox")), "firefox https://e.org/");
        assert_eq!(words(Some("firefox --new-tab:lynx")), "firefox --new-tab https://e.org/");
        assert_eq!(words(Some("x --url=%s -q")), "x --url=https://e.org/ -q");
    }
}
