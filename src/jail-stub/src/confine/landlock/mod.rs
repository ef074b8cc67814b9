//! The Landlock layer: puts the jail's processes under the Landlock rules of the plan.
//!
//! The mounts decide what exists, and these rules what may be done with it: if a mount shows more
//! than was meant, it still cannot be written. A rule applies to what is at its place when it is
//! made, which is after the root has become the jail's.

mod missing;
mod rights;

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;

use jail_plan::{
    Beneath, HostText, Landlock, LandlockRule, Missing, Namespace, Plan, Reach, landlock_abi_since,
};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, fcntl_getfl, openat};
use rustix::io::Errno;

use crate::caller::Caller;
use crate::failure::{About, Problem};
use crate::host::{HostPaths, OwnState, path_of};
use crate::inside::Places;
use crate::namespaces::has;
use crate::resolve::{self, Scope};
use crate::sys::landlock::{self, Restricted};
use crate::sys::{self, Standard};

pub(crate) use missing::report_missing;

/// What the rules are about.
pub(crate) struct Jail<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) caller: &'a Caller<'a>,
    pub(crate) paths: &'a HostPaths<'a>,
    pub(crate) own_state: &'a [OwnState],
    /// What the launch has bound, and where.
    pub(crate) places: &'a Places,
}

/// Puts this process, and everything that it starts, under the plan's rules, as far as
/// the kernel supports them.
///
/// A failure names the entry of the plan that asked for the rule.
pub(crate) fn restrict<'a>(jail: &Jail<'a>) -> Result<(), (&'a str, Problem)> {
    let wanted = &jail.plan.landlock;
    if wanted.handles.is_empty() && wanted.least == 0 {
        return Ok(());
    }
    let abi =
        enough(wanted.least, landlock::abi()).map_err(|problem| (wanted.by.as_str(), problem))?;
    let restricted = rights::restricted(&wanted.handles, abi);
    if restricted == Restricted::default() {
        return Ok(());
    }
    let of_layer = |error| (wanted.by.as_str(), Problem::errno("Landlock", error));
    let rules = landlock::rules(restricted).map_err(of_layer)?;
    let everywhere = everywhere(jail, restricted.files);
    for rule in &wanted.rules {
        let by = origin(rule);
        if is_new(rule, restricted.files, everywhere) {
            allow(rule, &rules, restricted.files, jail).map_err(|problem| (by, problem))?;
        }
    }
    ports(&rules, wanted, restricted.network).map_err(|problem| (wanted.by.as_str(), problem))?;
    landlock::restrict(&rules).map_err(of_layer)
}

/// The kernel's ABI, 0 without Landlock. A problem if the plan demands more.
fn enough(least: u32, found: Result<u32, Errno>) -> Result<u32, Problem> {
    let (abi, why) = match found {
        Ok(abi) => (abi, String::new()),
        Err(Errno::OPNOTSUPP) => {
            (0, ", because it was not enabled at boot (`lsm=` lacks `landlock`)".into())
        }
        Err(Errno::NOSYS) => (0, ", because it was built without it".into()),
        Err(error) => (0, format!(" ({})", crate::errno::name(error))),
    };
    if abi >= least {
        return Ok(abi);
    }
    let cause = match abi {
        0 => format!("ABI {least} is needed, and this kernel gives none{why}"),
        abi => format!("ABI {least} is needed, and this kernel has {abi}"),
    };
    Err(Problem::new("Landlock", cause).help(match landlock_abi_since(least) {
        Some(linux) => format!(
            "Linux {linux} and newer have it, with `landlock` among `lsm=`; or ask for less"
        ),
        None => String::from("no kernel that is known has it; ask for less"),
    }))
}

/// What the rules about the jail's root allow, which contains everything else. Without a root of
/// its own, the jail sees the host's.
fn everywhere(jail: &Jail<'_>, restricted: u64) -> u64 {
    if !has(jail.plan, Namespace::Mount) {
        return 0;
    }
    let rules = jail.plan.landlock.rules.iter();
    let about_root = rules.filter_map(|rule| match rule {
        LandlockRule::Path(beneath) if is_root(beneath) => Some(beneath.reach),
        LandlockRule::Path(_)
        | LandlockRule::Folder(_)
        | LandlockRule::Bound(_)
        | LandlockRule::Closure(_)
        | LandlockRule::Standard(_) => None,
    });
    about_root
        .fold(0, |all, reach| all | rights::allowed(reach, rights::PlaceKind::Folder, restricted))
}

fn is_root(beneath: &Beneath) -> bool {
    matches!(&beneath.path, HostText::Literal(path) if path == "/")
}

/// Whether a rule about a place could allow anything that is not allowed everywhere. If not, the
/// place is not even opened, unless it must be there.
fn is_new(rule: &LandlockRule, restricted: u64, everywhere: u64) -> bool {
    match rule {
        LandlockRule::Path(beneath) if !is_root(beneath) => {
            beneath.missing == Missing::Fail || rights::any(beneath.reach, restricted & !everywhere)
        }
        LandlockRule::Path(_)
        | LandlockRule::Folder(_)
        | LandlockRule::Bound(_)
        | LandlockRule::Closure(_)
        | LandlockRule::Standard(_) => true,
    }
}

fn origin(rule: &LandlockRule) -> &str {
    match rule {
        LandlockRule::Path(beneath) => &beneath.by,
        LandlockRule::Folder(found)
        | LandlockRule::Bound(found)
        | LandlockRule::Closure(found)
        | LandlockRule::Standard(found) => &found.by,
    }
}

fn allow(
    rule: &LandlockRule,
    rules: &OwnedFd,
    restricted: u64,
    jail: &Jail<'_>,
) -> Result<(), Problem> {
    let Jail { plan, places, .. } = jail;
    match rule {
        LandlockRule::Path(beneath) if rights::any(beneath.reach, restricted) => {
            let Beneath { path, reach, missing, .. } = beneath;
            let path = jail.caller.path(path)?;
            place(path.as_str().as_bytes(), *reach, *missing, rules, restricted, jail)
        }
        LandlockRule::Folder(found) => match &places.folder {
            Some(path) => place(path, found.reach, Missing::Skip, rules, restricted, jail),
            None => {
                let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
                let folder = openat(CWD, c".", flags, Mode::empty()).about(".")?;
                keep_own_state(&folder, found.reach, jail)?;
                add(&folder, found.reach, rules, restricted).about(".")
            }
        },
        LandlockRule::Bound(found) => {
            let bound = places.bound.iter().filter(|bound| bound.by == found.by);
            bound.into_iter().try_for_each(|bound| {
                place(&bound.path, found.reach, Missing::Skip, rules, restricted, jail)
            })
        }
        LandlockRule::Closure(found) if rights::any(found.reach, restricted) => {
            plan.closure.names.iter().try_for_each(|name| {
                let path = [&*plan.closure.store, "/", name].concat();
                place(path.as_bytes(), found.reach, Missing::Fail, rules, restricted, jail)
            })
        }
        LandlockRule::Standard(found) => {
            let all = Standard::ALL;
            all.into_iter().try_for_each(|one| standard(one, found.reach, rules, restricted))
        }
        // Nothing of it is restricted, so nothing has to be opened.
        LandlockRule::Path(_) | LandlockRule::Closure(_) => Ok(()),
    }
}

fn place(
    path: &[u8],
    reach: Reach,
    missing: Missing,
    rules: &OwnedFd,
    restricted: u64,
    jail: &Jail<'_>,
) -> Result<(), Problem> {
    match (open(path, jail), missing) {
        (Ok(place), _) => {
            keep_own_state(&place, reach, jail)?;
            add(&*place, reach, rules, restricted).about(path)
        }
        // It is missing, or covered by a later mount: without a rule it is forbidden.
        (Err(problem), Missing::Skip)
            if problem.is(&[Errno::NOENT, Errno::NOTDIR, Errno::LOOP]) =>
        {
            Ok(())
        }
        (Err(problem), Missing::Fail)
            if problem.is(&[Errno::NOENT]) && !has(jail.plan, Namespace::Mount) =>
        {
            let path = String::from_utf8_lossy(path);
            Err(problem.help(format!(
                "a cage can only allow what is there: make it (a folder with `mkdir -p {path}`, a file with `touch {path}`), or take it out of the spec"
            )))
        }
        (Err(problem), Missing::Skip | Missing::Fail) => Err(problem),
    }
}

/// Without mounts, nothing covers jailgen's own state in a folder that may be written.
fn keep_own_state(place: &OwnedFd, reach: Reach, jail: &Jail<'_>) -> Result<(), Problem> {
    if !reach.writes() || has(jail.plan, Namespace::Mount) {
        return Ok(());
    }
    let (real, trees) = (|| path_of(place), jail.paths.trees());
    jail.own_state.iter().try_for_each(|own| {
        match own.below(place.as_fd(), &real, true, trees)? {
            None => Ok(()),
            Some(_) => Err(own.cannot_be_covered()),
        }
    })
}

/// In the jail's own root, no link is followed: what was mounted at a place was not mounted
/// through one. Without a root of its own, the jail sees the host's, where links of the
/// user's own are followed.
fn open(path: &[u8], jail: &Jail<'_>) -> Result<Rc<OwnedFd>, Problem> {
    if !has(jail.plan, Namespace::Mount) {
        return jail.paths.open(path);
    }
    resolve::open(CWD, path, OFlags::PATH, Scope::Anywhere).map(Rc::new).about(path)
}

fn add(place: impl AsFd, reach: Reach, rules: &OwnedFd, restricted: u64) -> Result<(), Errno> {
    let kind = rights::PlaceKind::from_file(&place)?;
    match rights::allowed(reach, kind, restricted) {
        0 => Ok(()),
        rights => landlock::allow(rules, place, rights),
    }
}

/// A file that the launcher passed as a descriptor can be opened again by its name in
/// /proc/self/fd, as shells do for `> /dev/stderr`: with the access that it has, and no more.
fn standard(
    number: Standard,
    reach: Reach,
    rules: &OwnedFd,
    restricted: u64,
) -> Result<(), Problem> {
    let allowed = || {
        let file = sys::standard(number);
        let flags = fcntl_getfl(file)?;
        let kind = rights::PlaceKind::from_file(file)?;
        if flags.contains(OFlags::PATH) || kind == rights::PlaceKind::Folder {
            return Ok(());
        }
        let rights = rights::as_opened(flags & OFlags::RWMODE, reach, kind, restricted);
        match rights {
            0 => Ok(()),
            rights => match landlock::allow(rules, file, rights) {
                // A pipe or a socket: no rule could name its place, and Landlock does not check it.
                Err(Errno::BADFD) => Ok(()),
                other => other,
            },
        }
    };
    allowed().about("a standard descriptor")
}

fn ports(rules: &OwnedFd, wanted: &Landlock, restricted: u64) -> Result<(), Problem> {
    let lists = [(&wanted.bind, landlock::BIND_TCP), (&wanted.connect, landlock::CONNECT_TCP)];
    for (ports, right) in lists {
        for port in ports.iter().filter(|_| restricted & right != 0) {
            landlock::allow_port(rules, *port, right).about(&format!("TCP port {port}"))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jail_plan::Handled;

    use super::*;
    use crate::failure::Cause;

    #[track_caller]
    fn stops(least: u32, found: Result<u32, Errno>, cause: &str, help: &str) {
        let problem = enough(least, found).expect_err("the kernel has too little");
        assert_eq!(problem.cause, Cause::Words(cause.into()));
        assert!(problem.help.as_deref().is_some_and(|text| text.contains(help)), "{problem:?}");
    }

    #[test]
    fn a_kernel_without_the_wall_that_is_demanded_stops_the_launch_and_says_why() {
        let built_without =
            "ABI 2 is needed, and this kernel gives none, because it was built without it";
        stops(2, Err(Errno::NOSYS), built_without, "Linux 5.19 and newer");
        let not_enabled = "ABI 3 is needed, and this kernel gives none, because it was not enabled at boot (`lsm=` lacks `landlock`)";
        stops(3, Err(Errno::OPNOTSUPP), not_enabled, "Linux 6.2 and newer");
        stops(
            6,
            Err(Errno::PERM),
            "ABI 6 is needed, and this kernel gives none (EPERM)",
            "ask for less",
        );
    }

    #[test]
    fn an_older_kernel_than_is_demanded_stops_the_launch_and_says_which_is_needed() {
        stops(6, Ok(5), "ABI 6 is needed, and this kernel has 5", "Linux 6.12 and newer");
        stops(99, Ok(9), "ABI 99 is needed, and this kernel has 9", "no kernel that is known");
        assert_eq!(enough(6, Ok(6)).ok(), Some(6));
    }

    #[test]
    fn where_nothing_is_demanded_a_kernel_without_landlock_goes_on() {
        for error in [Errno::NOSYS, Errno::OPNOTSUPP] {
            assert_eq!(enough(0, Err(error)).ok(), Some(0));
        }
    }

    #[test]
    fn a_rule_that_allows_no_more_than_the_root_does_is_left_out_unless_it_must_be_there() {
        let all = rights::restricted(&Handled::ALL, 7).files;
        let root = rights::allowed(Reach::Ro, rights::PlaceKind::Folder, all);
        let rule = |path: &str, reach, missing| {
            let (path, by) = (HostText::Literal(path.into()), String::new());
            LandlockRule::Path(Beneath { path, reach, missing, by })
        };
        assert!(!is_new(&rule("/etc", Reach::Ro, Missing::Skip), all, root));
        assert!(is_new(&rule("/etc", Reach::Ro, Missing::Fail), all, root));
        assert!(is_new(&rule("/", Reach::Ro, Missing::Skip), all, root));
        assert!(is_new(&rule("/etc", Reach::Ro, Missing::Skip), all, 0));
        for more in [Reach::Rox, Reach::Rw, Reach::Rwx, Reach::Device] {
            assert!(is_new(&rule("/etc", more, Missing::Skip), all, root), "{more:?}");
        }
        // From ABI 9 on, it might be a socket that can be connected to.
        let all = rights::restricted(&Handled::ALL, 9).files;
        assert!(is_new(&rule("/etc", Reach::Ro, Missing::Skip), all, root));
    }
}
