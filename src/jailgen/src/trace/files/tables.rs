//! What is known of places: which ones every program of a kind looks at anyway, and which ones are
//! granted by a combinator of their own. `~` is the home folder; a `*` stands for any text, also
//! with slashes.

use jail_registry::names;

use super::Risk;

/// A place that is left out of the list, and who looks there.
pub(super) struct Noise {
    pub(super) place: &'static str,
    pub(super) reason: &'static str,
}

const fn noise(place: &'static str, reason: &'static str) -> Noise {
    Noise { place, reason }
}

const LIBC: &str = "libc looks there when any program starts, and goes on without";
const LOCALE: &str = "libc and gettext look for messages and locales in every language";
const NSS: &str = "libc asks there for users and hosts, and goes on with the jail's own";
const LINKER: &str = "the linker looks for each library in several folders";
const NODE: &str = "Node.js looks for modules and package.json in every folder up to the root";
const PYTHON: &str = "Python looks for its settings, modules and compiled files in many places";
const PERL: &str = "Perl looks for its modules in many folders";
const SHELL: &str = "shells look for their start files; a jail's shell starts without yours";
const TERMINAL: &str = "programs for terminals look for a description of theirs in several places";
const GIT: &str = "git looks for a repository in every folder up to the root";
const KERNEL: &str = "runtimes read the machine's limits there, and have defaults";
const FONTS: &str = "fontconfig looks for fonts and settings in several folders";
const TLS: &str = "OpenSSL and its relatives look for settings, and have defaults";

/// All of them. The first that fits counts.
pub(super) const NOISE: &[Noise] = &[
    noise("/etc/ld.so.*", LIBC),
    noise("/etc/ld-nix.so.preload", LIBC),
    noise("/etc/malloc.conf", LIBC),
    noise("/etc/gai.conf", LIBC),
    noise("/etc/suid-debug", LIBC),
    noise("/etc/host.conf", NSS),
    noise("/etc/nsswitch.conf", NSS),
    noise("/etc/passwd", NSS),
    noise("/etc/group", NSS),
    noise("/etc/resolv.conf", NSS),
    noise("/etc/hosts", NSS),
    noise("/etc/services", NSS),
    noise("/etc/protocols", NSS),
    noise("/run/nscd/*", NSS),
    noise("/var/run/nscd/*", NSS),
    noise("/run/systemd/userdb*", NSS),
    noise("/run/systemd/resolve/*", NSS),
    noise("/var/lib/sss/*", NSS),
    noise("/usr/lib/locale*", LOCALE),
    noise("/usr/share/locale*", LOCALE),
    noise("/usr/share/i18n/*", LOCALE),
    noise("/etc/locale*", LOCALE),
    noise("*/gconv/*", LOCALE),
    noise("/usr/share/zoneinfo*", LOCALE),
    noise("/etc/localtime", LOCALE),
    noise("/etc/timezone", LOCALE),
    noise("*/glibc-hwcaps*", LINKER),
    noise("/lib/*.so*", LINKER),
    noise("/lib64/*.so*", LINKER),
    noise("/usr/lib*.so*", LINKER),
    noise("/usr/local/lib*.so*", LINKER),
    noise("*/node_modules", NODE),
    noise("*/node_modules/*", NODE),
    noise("*/package.json", NODE),
    noise("~/.node_modules*", NODE),
    noise("~/.node_libraries*", NODE),
    noise("*/__pycache__*", PYTHON),
    noise("*.pyc", PYTHON),
    noise("*/pyvenv.cfg", PYTHON),
    noise("*/site-packages*", PYTHON),
    noise("*/dist-packages*", PYTHON),
    noise("*/python3*._pth", PYTHON),
    noise("/usr/lib/python*", PYTHON),
    noise("/usr/local/lib/python*", PYTHON),
    noise("/usr/lib/perl*", PERL),
    noise("/usr/share/perl*", PERL),
    noise("/etc/perl*", PERL),
    noise("/usr/local/share/perl*", PERL),
    noise("/etc/profile*", SHELL),
    noise("/etc/bash*", SHELL),
    noise("/etc/zsh*", SHELL),
    noise("/etc/inputrc", SHELL),
    noise("~/.inputrc", SHELL),
    noise("~/.bashrc", SHELL),
    noise("~/.bash_*", SHELL),
    noise("~/.profile", SHELL),
    noise("~/.zsh*", SHELL),
    noise("~/.editrc", SHELL),
    noise("*/terminfo*", TERMINAL),
    noise("/etc/termcap", TERMINAL),
    noise("*/.git", GIT),
    noise("*/.git/HEAD", GIT),
    noise("/HEAD", GIT),
    noise("/proc*", KERNEL),
    noise("/sys*", KERNEL),
    noise("/etc/machine-id", KERNEL),
    noise("/etc/os-release", KERNEL),
    noise("/usr/lib/os-release", KERNEL),
    noise("/etc/fonts*", FONTS),
    noise("/usr/share/fonts*", FONTS),
    noise("~/.fonts*", FONTS),
    noise("~/.cache/fontconfig*", FONTS),
    noise("*/openssl.cnf", TLS),
    noise("/etc/gnutls/*", TLS),
    noise("/etc/crypto-policies/*", TLS),
];

/// Places that a combinator grants better than a bind does.
pub(super) struct Purpose {
    pub(super) places: &'static [&'static str],
    pub(super) title: &'static str,
    /// What to write.
    pub(super) grant: &'static str,
    pub(super) risk: Risk,
    pub(super) because: &'static str,
}

/// All of them. The first that fits counts.
pub(super) const PURPOSES: &[Purpose] = &[
    Purpose {
        places: &["~/.gitconfig", "~/.config/git/config", "/etc/gitconfig"],
        title: "git's settings",
        grant: names::GIT_IDENTITY,
        risk: Risk::Low,
        because: "the jail sees your name and address for commits, and no other setting",
    },
    Purpose {
        places: &["~/.ssh/known_hosts"],
        title: "known hosts of SSH",
        grant: "(readonly (noescape \"~/.ssh/known_hosts\"))",
        risk: Risk::Low,
        because: "the jail sees which hosts you know",
    },
    Purpose {
        places: &["$XDG_RUNTIME_DIR/wayland-*"],
        title: "windows (Wayland)",
        grant: names::WAYLAND,
        risk: Risk::Medium,
        because: "the program shows windows, and the compositor is a large program that it talks to",
    },
    Purpose {
        places: &["/tmp/.X11-unix*", "~/.Xauthority", "$XDG_RUNTIME_DIR/.mutter-Xwayland*"],
        title: "windows (X11)",
        grant: names::XWAYLAND,
        risk: Risk::Medium,
        because: "the program gets an X server of its own; with yours it could read all keys",
    },
    Purpose {
        places: &["$XDG_RUNTIME_DIR/pipewire-*"],
        title: "sound and cameras (PipeWire)",
        grant: names::PIPEWIRE,
        risk: Risk::High,
        because: "the program can listen to the microphone",
    },
    Purpose {
        places: &["$XDG_RUNTIME_DIR/pulse*"],
        title: "sound (PulseAudio)",
        grant: names::PULSE,
        risk: Risk::High,
        because: "the program can listen to the microphone",
    },
    Purpose {
        places: &["/dev/dri*", "/dev/nvidia*", "/dev/kfd"],
        title: "the graphics processor",
        grant: names::GPU,
        risk: Risk::Medium,
        because: "the driver in the kernel is a large program that the jail talks to",
    },
    Purpose {
        places: &["/dev/video*", "/dev/media*"],
        title: "cameras",
        grant: names::CAMERA,
        risk: Risk::High,
        because: "the program can see you",
    },
    Purpose {
        places: &["/nix/var/nix/*"],
        title: "the Nix daemon",
        grant: names::NIX_DAEMON,
        risk: Risk::High,
        because: "builds of the daemon have a network and, for trusted users, root's rights",
    },
];
