//! The user and group ids that a name means.

use std::fs;

use jail_plan::helper::Refusal;
use rustix::process::geteuid;

/// The ids of the system user `name`, or else subordinate ones of the caller, `user`, that
/// are assigned to the name.
pub(super) fn ids(name: &str, user: &str) -> Result<(u32, u32), Refusal> {
    let caller = geteuid().as_raw();
    let text = |path| fs::read_to_string(path).unwrap_or_default();
    let (uids, gids) = (text("/etc/subuid"), text("/etc/subgid"));
    let Some((uid, gid)) = system_user(&text("/etc/passwd"), name) else {
        let id = |file: &str| subordinate(file, user, caller, name);
        return id(&uids).zip(id(&gids)).ok_or_else(|| no_ids(name, user));
    };
    if uid == 0 || uid == caller {
        let cause = "it must be neither root nor the user who starts the jail";
        return Err(refusal(name, cause.into(), String::new()));
    }
    let may = |file: &str, id| caller == 0 || covers(file, user, caller, id);
    if may(&uids, uid) && may(&gids, gid) {
        return Ok((uid, gid));
    }
    let cause = format!("`{user}` may not start programs as the system user `{name}`");
    let help = format!(
        "`sudo usermod --add-subuids {uid}-{uid} --add-subgids {gid}-{gid} {user}` allows it"
    );
    Err(refusal(name, cause, help))
}

fn no_ids(name: &str, user: &str) -> Refusal {
    let cause = format!("there is no such system user, and `{user}` has no subordinate ids");
    let help = format!(
        "give the caller ids of its own (`jailgen doctor` prints the command, with ids that are free), or make the user: \
         `sudo useradd --system {name}`"
    );
    refusal(name, cause, help)
}

fn refusal(name: &str, cause: String, help: String) -> Refusal {
    Refusal { object: name.into(), cause, error: 0, help }
}

/// The user and group of a line of passwd(5).
fn system_user(passwd: &str, name: &str) -> Option<(u32, u32)> {
    let mut fields = passwd
        .lines()
        .map(|line| line.split(':'))
        .find_map(|mut fields| (fields.next() == Some(name)).then_some(fields))?;
    let uid = fields.nth(1)?.parse().ok()?;
    Some((uid, fields.next()?.parse().ok()?))
}

/// The ranges of subuid(5) that are the user's, by first id and count.
fn ranges<'a>(file: &'a str, user: &'a str, uid: u32) -> impl Iterator<Item = (u32, u32)> + 'a {
    file.lines().filter_map(move |line| {
        let mut fields = line.split(':');
        let owner = fields.next()?;
        let is_ours = owner == user || owner.parse() == Ok(uid);
        let range = (fields.next()?.parse::<u32>().ok()?, fields.next()?.parse::<u32>().ok()?);
        (is_ours && range.1 > 0 && range.0.checked_add(range.1).is_some()).then_some(range)
    })
}

fn covers(file: &str, user: &str, uid: u32, id: u32) -> bool {
    ranges(file, user, uid).any(|(first, count)| (first..first + count).contains(&id))
}

/// An id in the upper half of the user's largest range, where containers put no users. A name
/// always has the same one.
fn subordinate(file: &str, user: &str, uid: u32, name: &str) -> Option<u32> {
    let (first, count) = ranges(file, user, uid).max_by_key(|(_, count)| *count)?;
    let half = count / 2;
    // FNV-1a, used only to spread the names.
    let hash = name
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let id = first + half + hash % (count - half);
    // A range that contains the caller's own id or root's is a mistake in the file.
    (id != 0 && id != uid).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::{covers, subordinate, system_user};

    const SUBUID: &str = "jane:100000:65536\nbob:200000:65536\n1001:300000:10\nbad:x:1\njane:5\n";

    #[test]
    fn a_name_has_one_id_in_the_upper_half_of_the_callers_range() {
        let id = subordinate(SUBUID, "jane", 1000, "agent").unwrap();
        assert!((132_768..165_536).contains(&id), "{id}");
        assert_eq!(subordinate(SUBUID, "jane", 1000, "agent"), Some(id));
        assert_ne!(subordinate(SUBUID, "jane", 1000, "other"), Some(id));
        assert!((300_005..300_010).contains(&subordinate(SUBUID, "x", 1001, "agent").unwrap()));
        assert_eq!(subordinate(SUBUID, "nobody", 65534, "agent"), None);
        assert_eq!(subordinate("u:4294967295:2\n", "u", 1, "agent"), None);
        assert_eq!(subordinate("u:7:1\n", "u", 7, "agent"), None);
    }

    #[test]
    fn a_system_user_is_the_callers_only_where_subuid_says_so() {
        let passwd = "root:x:0:0::/:/bin/sh\nagent:x:990:991::/:/bin/sh\n";
        assert_eq!(system_user(passwd, "agent"), Some((990, 991)));
        assert_eq!(system_user(passwd, "age"), None);
        assert!(covers("jane:990:1\n", "jane", 1000, 990));
        assert!(!covers("jane:990:1\n", "jane", 1000, 991));
        assert!(!covers("jane:990:1\n", "bob", 1001, 990));
    }
}
