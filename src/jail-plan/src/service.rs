//! What a jail can have of the user's session on the host.

use crate::record::words;

words! {
    /// Something of the user's session on the host that programs find by variables or by well-known
    /// places. Which of it a launch finds, and where, is the stub's `inside/session`; what the host
    /// lacks is left out, and reported.
    pub enum Service {
        /// The socket of the Wayland compositor.
        "wayland" Wayland,
        /// The socket of the X server, and the cookie that it wants.
        "x11" X11,
        /// The socket of the sound server, as PulseAudio's clients find it.
        "pulse" Pulse,
        /// The socket of PipeWire.
        "pipewire" Pipewire,
        /// The socket of the SSH agent; no keys.
        "ssh-agent" SshAgent,
        /// The restricted socket of the GnuPG agent; no keys.
        "gpg-agent" GpgAgent,
        /// The Nix daemon's socket.
        "nix-daemon" NixDaemon,
        /// The session's message bus, unfiltered.
        "session-bus" SessionBus,
        /// The session's message bus through the proxy that the helper has started
        /// ([`Bus`](crate::Bus)).
        "filtered-session-bus" FilteredSessionBus,
        /// The machine's, in the same way.
        "filtered-system-bus" FilteredSystemBus,
        /// The machine's message bus, unfiltered.
        "system-bus" SystemBus,
        /// The devices of graphics and compute cards, and what the kernel says about them.
        "gpu" Gpu,
        /// The devices of cameras.
        "camera" Camera,
    }
}

impl Service {
    /// What it is called in messages about a host that lacks it.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Wayland => "Wayland",
            Self::X11 => "X11",
            Self::Pulse => "PulseAudio",
            Self::Pipewire => "PipeWire",
            Self::SshAgent => "an SSH agent",
            Self::GpgAgent => "a GnuPG agent",
            Self::NixDaemon => "a Nix daemon",
            Self::SessionBus | Self::FilteredSessionBus => "a session bus",
            Self::SystemBus | Self::FilteredSystemBus => "a system bus",
            Self::Gpu => "a graphics card",
            Self::Camera => "a camera",
        }
    }
}
