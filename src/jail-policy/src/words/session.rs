//! What a session gives, in words.

use super::{Sentence, Subject};
use crate::Service;

/// If a part of a session opens more than its name says, the remark says so.
pub(super) fn session(service: Service) -> Sentence {
    let (what, note) = match service {
        Service::Wayland => ("the Wayland compositor's socket", None),
        Service::X11 => (
            "the X server's socket",
            Some("a program that has it reads every key and every window, and types into them"),
        ),
        Service::Pulse => ("the PulseAudio server's socket", Some("the microphone too")),
        Service::Pipewire => {
            ("PipeWire's socket", Some("the microphone too, and cameras and screens it gives out"))
        }
        Service::SshAgent => (
            "the SSH agent's socket",
            Some("it signs in as you wherever the agent's keys are accepted"),
        ),
        Service::GpgAgent => {
            ("the GnuPG agent's restricted socket", Some("it signs and decrypts as you"))
        }
        Service::NixDaemon => (
            "the Nix daemon's socket",
            Some("it builds and downloads outside the jail, with a network of its own"),
        ),
        Service::SessionBus => (
            "the session's message bus, unfiltered",
            Some(
                "programs outside can be started and controlled through it, so this is not a jail",
            ),
        ),
        Service::FilteredSessionBus => ("the session's message bus, filtered", None),
        Service::FilteredSystemBus => ("the machine's message bus, filtered", None),
        Service::SystemBus => ("the machine's message bus, unfiltered", None),
        Service::Gpu => ("the graphics cards", None),
        Service::Camera => ("the cameras", None),
    };
    let how = match service {
        Service::Gpu | Service::Camera => "device",
        Service::Wayland
        | Service::X11
        | Service::Pulse
        | Service::Pipewire
        | Service::SshAgent
        | Service::GpgAgent
        | Service::NixDaemon
        | Service::SessionBus
        | Service::FilteredSessionBus
        | Service::FilteredSystemBus
        | Service::SystemBus => "connected",
    };
    let sentence = Sentence::new(Subject::Surroundings, how, what);
    match note {
        Some(note) => sentence.note(note),
        None => sentence,
    }
}
