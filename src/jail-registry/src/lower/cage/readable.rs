//! What a cage grants of the host without being asked, and with `systemPrograms`:
//! data, each with the reason.

use jail_policy::Reach;
use jail_policy::Reach::{Ro, Rox};

/// What nearly every program reads of the host, if it exists. Each is a rule of its own, and no
/// folder holds more than its name says. A file that exists but must not be read stops some
/// programs, which expect it to be readable or missing.
pub(super) const READABLE: &[(&str, &str)] = &[
    ("/etc/bash.bashrc", "Debian's bash reads it when it starts, and reports that it cannot"),
    ("/etc/bashrc", "as `/etc/bash.bashrc`, on Fedora"),
    ("/etc/gai.conf", "which address of a host comes first"),
    ("/etc/gitconfig", "git ends if it cannot be read"),
    ("/etc/group", "names of groups"),
    ("/etc/host.conf", "how host names are looked up"),
    ("/etc/hostname", "the machine's name"),
    ("/etc/hosts", "addresses of hosts"),
    ("/etc/inputrc", "keys of programs with readline"),
    ("/etc/localtime", "the time zone"),
    ("/etc/mime.types", "Python's `mimetypes` ends with an error if it cannot be read"),
    ("/etc/nsswitch.conf", "where names are looked up"),
    ("/etc/os-release", "which distribution it is"),
    ("/etc/passwd", "names, home folders and shells of users"),
    ("/etc/profile", "login shells read it"),
    ("/etc/protocols", "names of protocols"),
    ("/etc/resolv.conf", "name servers"),
    ("/etc/services", "names of ports"),
    ("/etc/shells", "which programs are shells"),
    ("/etc/ssl/openssl.cnf", "OpenSSL's settings: Node ends if it cannot be read"),
    ("/etc/terminfo", "what terminals can do"),
    ("/etc/timezone", "the name of the time zone"),
    ("/lib/terminfo", "what terminals can do"),
    ("/proc", "processes; Landlock keeps their memory and files closed"),
    ("/sys/devices/system/cpu", "how many processors there are"),
    ("/usr/share/mime/globs2", "which file is of which type"),
    ("/usr/share/terminfo", "what terminals can do"),
    ("/usr/share/zoneinfo", "time zones by name"),
];

/// No other terminals: `ptmx` makes new ones, and the launcher's is already open as a descriptor.
pub(super) const DEVICES: &[&str] = &[
    "/dev/full",
    "/dev/null",
    "/dev/ptmx",
    "/dev/random",
    "/dev/tty",
    "/dev/urandom",
    "/dev/zero",
];

/// What ssh knows of other machines, and its settings for them.
pub(super) const KNOWN_HOSTS: &[&str] =
    &["~/.ssh/known_hosts", "/etc/ssh/ssh_config", "/etc/ssh/ssh_known_hosts"];

/// The distribution's programs and what they load: `systemPrograms`. `/usr/local` and `/opt` are
/// left out: what they hold is not the distribution's.
pub(super) const SYSTEM_PROGRAMS: &[(&str, Reach, &str)] = &[
    ("/bin", Rox, "programs, where it is not a link to `/usr/bin`"),
    ("/etc/alternatives", Ro, "which of several programs Debian runs under a name"),
    ("/etc/ld.so.cache", Ro, "where the loader finds libraries"),
    ("/etc/perl", Ro, "Debian's Perl looks for modules there"),
    ("/etc/python3.11", Ro, "Debian's Python reads `sitecustomize.py` there when it starts"),
    ("/etc/python3.12", Ro, "as `/etc/python3.11`"),
    ("/etc/python3.13", Ro, "as `/etc/python3.11`"),
    ("/etc/python3.14", Ro, "as `/etc/python3.11`"),
    ("/lib", Rox, "libraries and the loader"),
    ("/lib32", Rox, "libraries and the loader"),
    ("/lib64", Rox, "libraries and the loader"),
    ("/sbin", Rox, "programs, where it is not a link to `/usr/sbin`"),
    ("/usr/bin", Rox, "programs"),
    ("/usr/include", Ro, "what C compilers read"),
    ("/usr/lib", Rox, "libraries, and programs that others run"),
    ("/usr/lib32", Rox, "libraries"),
    ("/usr/lib64", Rox, "libraries"),
    ("/usr/libexec", Rox, "programs that others run"),
    ("/usr/sbin", Rox, "programs"),
    ("/usr/share", Ro, "what programs come with: scripts, templates, messages"),
];

/// The folders to search, after all others. The last one added comes first.
pub(super) const SYSTEM_PATH: &[&str] = &["/bin", "/usr/bin"];

/// Whether every program of the machine has this path, and jails and cages
/// have it without being asked.
#[must_use]
pub fn is_every_programs(place: &str, reach: Reach) -> bool {
    match reach {
        Ro => {
            READABLE.iter().any(|(readable, _)| *readable == place) || KNOWN_HOSTS.contains(&place)
        }
        Reach::Device => DEVICES.contains(&place),
        Rox | Reach::Rw | Reach::Rwx => false,
    }
}
