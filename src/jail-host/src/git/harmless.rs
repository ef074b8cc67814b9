//! Which settings may be taken over from a jail: those that run no program, name no file, and say
//! no more than where a branch or a submodule is fetched from. Each value has a form of its own;
//! what has another one is not harmless.

use std::collections::BTreeSet;

use super::changes::{Change, Key, values};

/// No value is longer.
const LENGTH_MAX: usize = 1024;

/// Those that may be taken over, and the others. `before` is the configuration that they change.
pub(super) fn split(before: &[u8], changes: Vec<Change>) -> (Vec<Change>, Vec<Change>) {
    let (harmless, mut others): (Vec<_>, Vec<_>) = changes.into_iter().partition(is_harmless);
    let before = values(before).unwrap_or_default();
    let keys = before.keys().chain(harmless.iter().map(|change| &change.key));
    let remotes: BTreeSet<Vec<u8>> = keys.filter_map(remote).map(<[u8]>::to_vec).collect();
    // A name that is not a remote is a path to git, and `git push` runs the hooks of the repository
    // there.
    let leads_to_remote = |change: &Change| {
        let is_one = |name: &[u8]| name == b"." || remotes.contains(name);
        change.key.section != b"branch"
            || change.key.key != b"remote"
            || change.now.iter().all(|name| is_one(name))
    };
    let (harmless, paths): (Vec<_>, Vec<_>) = harmless.into_iter().partition(leads_to_remote);
    others.extend(paths);
    (harmless, others)
}

/// The remote that a key gives an address.
fn remote(key: &Key) -> Option<&[u8]> {
    let is_address = key.section == b"remote" && key.key == b"url";
    key.about.as_deref().filter(|_| is_address)
}

/// Whether the change may be taken over: one value, in place of at most one.
fn is_harmless(change: &Change) -> bool {
    let ([value], [] | [_]) = (change.now.as_slice(), change.before.as_slice()) else {
        return false;
    };
    let text = |bytes: &[u8]| -> Option<String> {
        let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= LENGTH_MAX)?;
        text.chars().all(is_plain).then(|| text.to_owned())
    };
    let about = match &change.key.about {
        Some(about) => text(about).filter(|about| is_name(about)).map(Some),
        None => Some(None),
    };
    let (Some(value), Some(about)) = (text(value), about) else { return false };
    let key = (change.key.section.as_slice(), about.as_deref(), change.key.key.as_slice());
    match key {
        // A value of this form would be an option of the command that is offered.
        (b"user", None, b"name" | b"email") => !value.starts_with('-'),
        (b"branch", Some(_), b"remote") => value == "." || is_name(&value),
        (b"branch", Some(_), b"merge") => value.starts_with("refs/") && is_name(&value),
        (b"remote", Some(_), b"url" | b"pushurl") => is_address(&value),
        (b"remote", Some(name), b"fetch") => is_fetch(&value, name),
        (b"submodule", Some(_), b"url") => is_address(&value),
        (b"submodule", Some(_), b"active") | (b"submodule", None, b"recurse") => {
            matches!(value.as_str(), "true" | "false")
        }
        (b"submodule", Some(_), b"update") => {
            matches!(value.as_str(), "checkout" | "rebase" | "merge" | "none")
        }
        (_, _, _) => false,
    }
}

fn is_plain(c: char) -> bool {
    !c.is_control()
        && !('\u{200b}'..='\u{200f}').contains(&c)
        && !('\u{202a}'..='\u{202e}').contains(&c)
        && !('\u{2060}'..='\u{206f}').contains(&c)
        && c != '\u{feff}'
}

/// A name of a branch, a remote or a submodule.
fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || "-_./+@#".contains(c);
    !name.is_empty() && !name.starts_with('-') && !name.contains("..") && name.chars().all(fits)
}

/// `https://…`, `ssh://…`, `user@host:path`.
fn is_address(address: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.~/:@%+,=".contains(c);
    if !address.chars().all(fits) || address.contains("::") {
        return false;
    }
    let is_host = |host: &str| !host.is_empty() && !host.starts_with('-');
    for scheme in ["https://", "ssh://"] {
        if let Some(rest) = address.strip_prefix(scheme) {
            let place = rest.split('/').next().unwrap_or_default();
            return is_host(place) && is_host(place.rsplit('@').next().unwrap_or_default());
        }
    }
    let Some((place, path)) = address.split_once(':') else { return false };
    let Some((user, host)) = place.split_once('@') else { return false };
    is_host(user)
        && is_host(host)
        && !place.contains('/')
        && !path.starts_with("//")
        && !path.starts_with('-')
}

/// `+refs/heads/*:refs/remotes/origin/*`: what is fetched goes to the remote's own branches, or to
/// tags.
fn is_fetch(refs: &str, remote: &str) -> bool {
    let fits = |name: &str| is_name(&name.replace('*', "x")) && name.matches('*').count() <= 1;
    let Some((from, to)) = refs.strip_prefix('+').unwrap_or(refs).split_once(':') else {
        return false;
    };
    let own = format!("refs/remotes/{remote}/");
    from.starts_with("refs/")
        && fits(from)
        && fits(to)
        && (to.starts_with(&own) || to == "refs/tags/*")
}

#[cfg(test)]
mod tests {
    use super::super::changes::between;
    use super::*;

    fn harmless(now: &str) -> bool {
        let changes = between(b"", now.as_bytes()).expect("a configuration");
        assert_eq!(changes.len(), 1, "{now}");
        changes.iter().all(is_harmless)
    }

    #[test]
    fn what_says_where_things_are_fetched_from_is_harmless() {
        for text in [
            "[user]\nname = Zoë O'Neil",
            "[branch \"topic/1\"]\nremote = origin",
            "[branch \"a\"]\nremote = .",
            "[branch \"a\"]\nmerge = refs/heads/a",
            "[remote \"o\"]\nurl = https://example.org/a/b.git",
            "[remote \"o\"]\nurl = git@example.org:a/b.git",
            "[remote \"o\"]\nurl = ssh://git@example.org:22/a",
            "[remote \"o\"]\nfetch = +refs/heads/*:refs/remotes/o/*",
            "[submodule \"lib/x\"]\nurl = https://example.org/x",
            "[submodule \"lib/x\"]\nactive = true",
            "[submodule \"lib/x\"]\nupdate = rebase",
        ] {
            assert!(harmless(text), "{text}");
        }
    }

    #[test]
    fn a_branch_is_of_a_remote_that_has_an_address() {
        let taken = |before: &str, now: &str| {
            let now = format!("{before}{now}");
            let changes = between(before.as_bytes(), now.as_bytes()).expect("a configuration");
            let (harmless, others) = split(before.as_bytes(), changes);
            (harmless.len(), others.len())
        };
        let branch = "[branch \"a\"]\nremote = o\n";
        let remote = "[remote \"o\"]\nurl = https://a/b\n";
        assert_eq!(taken("", branch), (0, 1));
        assert_eq!(
            taken("[remote \"o\"]\nfetch = +refs/heads/*:refs/remotes/o/*\n", branch),
            (0, 1)
        );
        assert_eq!(taken(remote, branch), (1, 0));
        assert_eq!(taken("", &format!("{branch}{remote}")), (2, 0));
        assert_eq!(taken("", &format!("{branch}[remote \"o\"]\nurl = ext::x\n")), (0, 2));
        assert_eq!(taken("", "[branch \"a\"]\nremote = .\n"), (1, 0));
    }

    #[test]
    fn what_runs_a_program_or_leads_elsewhere_is_not() {
        for text in [
            "[core]\nfsmonitor = touch x",
            "[core]\nsshCommand = x",
            "[core]\nhooksPath = x",
            "[core]\nworktree = /",
            "[alias]\nst = !x",
            "[include]\npath = x",
            "[includeIf \"gitdir:/\"]\npath = x",
            "[filter \"x\"]\nclean = x",
            "[user]\nsigningKey = x",
            "[user]\nname = --edit",
            "[user \"x\"]\nname = x",
            "[gpg]\nprogram = x",
            "[url \"a\"]\ninsteadOf = b",
            "[credential]\nhelper = !x",
            "[remote \"o\"]\nurl = ext::sh -c x",
            "[remote \"o\"]\nurl = ext::sh",
            "[remote \"o\"]\nurl = file:///etc",
            "[remote \"o\"]\nurl = http://example.org/a",
            "[remote \"o\"]\nurl = ../a",
            "[remote \"o\"]\nurl = /a",
            "[remote \"o\"]\nurl = ssh://-oProxyCommand=x/a",
            "[remote \"o\"]\nurl = ssh://a@-oProxyCommand=x/a",
            "[remote \"o\"]\nurl = -oProxyCommand=x:a",
            "[remote \"o\"]\nurl = \"https://a/\\u\\t\"",
            "[remote \"o\"]\nuploadpack = x",
            "[remote \"o\"]\nproxy = x",
            "[remote \"-o\"]\nurl = https://a/b",
            "[remote \"o\"]\nfetch = +refs/heads/*:refs/heads/*",
            "[remote \"o\"]\nfetch = +refs/heads/*:refs/remotes/p/*",
            "[branch \"a\"]\nremote = --upload-pack=x",
            "[branch \"a\"]\nremote = https://a/b",
            "[branch \"a\"]\nmerge = HEAD",
            "[branch \"a\"]\nmergeOptions = x",
            "[submodule \"x\"]\nupdate = !x",
            "[submodule \"x\"]\nurl = ext::x",
            "[user]\nname = \"a\u{202e}b\"",
            "[user]\nname = a\n[user]\nname = b",
        ] {
            let Some(changes) = between(b"", text.as_bytes()) else { continue };
            assert!(!changes.iter().all(is_harmless), "{text}");
        }
        // What had several values, or has none now, is left to the user.
        let two = b"[remote \"o\"]\nurl = https://a/b\nurl = https://a/c\n";
        let one = b"[remote \"o\"]\nurl = https://a/d\n";
        for (before, now) in [(&two[..], &one[..]), (one, b"")] {
            assert!(!between(before, now).expect("both").iter().all(is_harmless));
        }
    }
}
