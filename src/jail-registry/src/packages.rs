//! Packages that the registry itself names: those that combinators need, the
//! agents, the common tools.
//!
//! In a `.jail` file they are Nix source; from the Nix library they come, resolved, with the term,
//! because Nix must know them at evaluation, before anything is lowered.

use jail_policy::Package;

/// A package that a combinator needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Brought {
    /// The shell: `/bin/sh`, the user's shell, and what `wrap-entry` scripts run in.
    BashInteractive,
    /// The certificates of the public authorities.
    Cacert,
    /// The basic tools.
    Coreutils,
    /// The names and rules of the time zones.
    Tzdata,
    /// Wayland's clipboard, for programs that read it with a command.
    WlClipboard,
    /// The filter of message buses, which runs outside.
    XdgDbusProxy,
    /// The X server's window manager, a client of Wayland. The server comes with it.
    XwaylandSatellite,
}

/// Where a package that a combinator needs belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// In the jail.
    Inside,
    /// On the host, where the jail does not see it.
    Host,
}

/// A package that a combinator needs, and where it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brings {
    /// The package.
    pub package: Brought,
    /// Where it belongs.
    pub side: Side,
}

impl Brought {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::BashInteractive,
        Self::Cacert,
        Self::Coreutils,
        Self::Tzdata,
        Self::WlClipboard,
        Self::XdgDbusProxy,
        Self::XwaylandSatellite,
    ];

    /// Its attribute in nixpkgs.
    #[must_use]
    pub const fn attribute(self) -> &'static str {
        match self {
            Self::BashInteractive => "bashInteractive",
            Self::Cacert => "cacert",
            Self::Coreutils => "coreutils",
            Self::Tzdata => "tzdata",
            Self::WlClipboard => "wl-clipboard",
            Self::XdgDbusProxy => "xdg-dbus-proxy",
            Self::XwaylandSatellite => "xwayland-satellite",
        }
    }
}

/// The source of the registry's own packages for lowering. `None`: the term does
/// not contain the package.
pub trait Packages {
    /// The package `pkgs.ATTRIBUTE`.
    fn nixpkgs(&self, attribute: &str) -> Option<Package>;

    /// The package of an agent, `agents.ATTRIBUTE`.
    fn agent(&self, attribute: &str) -> Option<Package>;

    /// A package that a combinator needs.
    fn brought(&self, package: Brought) -> Option<Package> {
        self.nixpkgs(package.attribute())
    }
}

/// For `.jail` files: Nix source over the names that every emitted file binds.
#[derive(Clone, Copy, Debug)]
pub struct Symbolic;

impl Packages for Symbolic {
    fn nixpkgs(&self, attribute: &str) -> Option<Package> {
        Some(Package::Symbolic { nix: format!("pkgs.{attribute}") })
    }

    fn agent(&self, attribute: &str) -> Option<Package> {
        Some(Package::Symbolic { nix: format!("agents.{attribute}") })
    }
}
