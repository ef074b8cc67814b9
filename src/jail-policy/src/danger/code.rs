//! The stable names of dangers; docs/audit.md explains each. A name is never
//! reused for another danger.

macro_rules! codes {
    ($( $(#[$doc:meta])+ $code:ident = $name:literal, )*) => {
        /// What kind of danger it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum DangerCode { $( $(#[$doc])+ $code, )* }

        impl DangerCode {
            /// All of them, in alphabetical order of their names.
            pub const ALL: &'static [Self] = &[ $( Self::$code, )* ];

            /// The name of the code, as messages and JSON have it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$code => $name, )* }
            }
        }
    };
}

codes! {
    /// HOME is set to where no home folder is.
    BreaksHome = "breaks-home",
    /// PATH is set so that commands of the spec are not found.
    BreaksPath = "breaks-path",
    /// What a cage cannot keep from being changed.
    CageModes = "cage-modes",
    /// The ports of a cage.
    CagePorts = "cage-ports",
    /// What a cage cannot keep from being seen.
    CageSees = "cage-sees",
    /// Which sockets a cage cannot close.
    CageSockets = "cage-sockets",
    /// A wrapper that jailgen did not seal like this.
    ForeignWrapper = "foreign-wrapper",
    /// Keys, tokens, profiles.
    GrantsCredentials = "grants-credentials",
    /// Devices of the machine.
    GrantsDevices = "grants-devices",
    /// All of the home folder.
    GrantsHome = "grants-home",
    /// A service that acts for every client.
    GrantsHostServices = "grants-host-services",
    /// The kernel's own files.
    GrantsKernel = "grants-kernel",
    /// The Nix daemon's socket.
    GrantsNixDaemon = "grants-nix-daemon",
    /// The host's root folder.
    GrantsRoot = "grants-root",
    /// The working folder may be the home folder.
    HomeAsFolder = "home-as-folder",
    /// Something of the spec runs on the host.
    HostScripts = "host-scripts",
    /// A secret is passed on.
    PassesSecret = "passes-secret",
    /// A service on the host's loopback.
    ReachesHost = "reaches-host",
    /// An address that no name may lead to.
    ReachesPrivate = "reaches-private",
    /// Another jail may send what this one reads.
    RelaysThroughFiles = "relays-through-files",
    /// A namespace of the host's.
    SharesNamespace = "shares-namespace",
    /// The launcher's terminal.
    SharesTerminal = "shares-terminal",
    /// A cage has the host's /tmp.
    SharesTmp = "shares-tmp",
    /// A spec that its own jail can write.
    SpecWritable = "spec-writable",
    /// A combinator that is called `unsafe-…`.
    UnsafeCombinator = "unsafe-combinator",
    /// Every public host.
    WholeInternet = "whole-internet",
    /// The host's network.
    WholeNetwork = "whole-network",
    /// All of the store.
    WholeStore = "whole-store",
    /// System calls that every jail is refused.
    WidensCalls = "widens-calls",
    /// A secret for every host below a name.
    WildcardSecret = "wildcard-secret",
    /// What the host runs can be written.
    WritesHostPrograms = "writes-host-programs",
}
