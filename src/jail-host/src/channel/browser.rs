//! Opens web addresses that the jail asks for in the user's browser: http and https, and nothing
//! that a program of the host could take for an option, a file or a command.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use url::Url;

use crate::surroundings::Surroundings;
use crate::sys;

/// The user's browser.
const BROWSER: &str = "BROWSER";

/// The program that opens addresses if the user has set no browser.
const DEFAULT: &str = "xdg-open";

/// A browser that still runs after this long has opened it.
const STARTED: Duration = Duration::from_secs(2);

/// The longest address.
const ADDRESS_MAX: usize = 8192;

/// Opens the one address that was given. Returns the exit status, or why it was not opened.
pub(super) fn open(arguments: &[OsString], surroundings: &Surroundings) -> Result<u8, String> {
    let [argument] = arguments else {
        return Err(format!("it takes one address, and was given {} arguments", arguments.len()));
    };
    let address = address(argument)?;
    let browser = surroundings.variable(BROWSER).and_then(OsStr::to_str);
    let find = |name: &str| surroundings.program(name);
    let Some((program, words)) = command(browser, address.as_str(), find) else {
        return Err(missing(browser));
    };
    let mut command = surroundings.command(program);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Some programs are several in one, and choose by the name that they are called with.
    if let Some((name, rest)) = words.split_first() {
        command.arg0(name).args(rest);
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
    // It remains the user's own program, but it has to be reaped when it ends.
    let _ = std::thread::Builder::new().spawn(move || child.wait());
    Ok(0)
}

/// The address, if it is a web address in strict form: the parser accepts blanks and
/// line breaks, and we do not.
fn address(argument: &OsStr) -> Result<Url, String> {
    let text = argument.to_str().ok_or("the address is not UTF-8")?;
    if text.len() > ADDRESS_MAX {
        return Err(format!("the address is longer than {ADDRESS_MAX} bytes"));
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err("the address has blanks, backslashes or control characters".into());
    }
    let url = Url::parse(text).map_err(|error| format!("this is not an address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("only http and https addresses are opened, not `{}`", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("an address with a user name in it is not opened".into());
    }
    Ok(url)
}

/// The program for an address and its command line: the first of `$BROWSER` that is found (a list
/// with colons, `%s` for the address), else the default.
fn command(
    browser: Option<&str>,
    address: &str,
    find: impl Fn(&str) -> Option<PathBuf>,
) -> Option<(PathBuf, Vec<String>)> {
    browser.unwrap_or(DEFAULT).split(':').find_map(|template| {
        let program = find(template.split_whitespace().next()?)?;
        let mut words: Vec<String> =
            template.split_whitespace().map(|word| word.replace("%s", address)).collect();
        if !template.contains("%s") {
            words.push(address.into());
        }
        Some((program, words))
    })
}

/// Why nothing opens the address.
fn missing(browser: Option<&str>) -> String {
    match browser {
        Some(list) => {
            format!("the host's `{BROWSER}` (`{list}`) names no program outside of the project")
        }
        None => format!("the host has no `{DEFAULT}` in PATH, outside of the project"),
    }
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
        let find =
            |name: &str| (!name.starts_with('.')).then(|| PathBuf::from("/found").join(name));
        let words = |browser| {
            let (program, words) = command(browser, address, find).unwrap();
            assert_eq!(program, PathBuf::from("/found").join(&words[0]));
            words.join(" ")
        };
        assert_eq!(words(None), "xdg-open https://e.org/");
        assert_eq!(words(Some("./x:: :firefox")), "firefox https://e.org/");
        assert_eq!(
            command(Some("./x:"), address, find),
            None,
            "another one is not what was asked for"
        );
        assert_eq!(words(Some("firefox")), "firefox https://e.org/");
        assert_eq!(words(Some("firefox --new-tab:lynx")), "firefox --new-tab https://e.org/");
        assert_eq!(words(Some("x --url=%s -q")), "x --url=https://e.org/ -q");
    }
}
