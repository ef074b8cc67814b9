//! What jailgen needs beside the kernel.

use super::attempts as tried;
use super::{Item, Machine, State};

pub(super) fn items(machine: &Machine) -> Vec<Item> {
    vec![nix(machine), store(machine), kit(machine), commands(machine)]
}

fn nix(machine: &Machine) -> Item {
    match &machine.nix {
        Ok(version) => Item::good("nix", version.clone()),
        Err(why) => {
            let fix = "install Nix 2.8 or newer (Debian: sudo apt install nix-bin); check, explain and emit work without";
            Item::bad("nix", State::NoBuild, why.clone(), fix)
        }
    }
}

fn store(machine: &Machine) -> Item {
    let daemon = tried::connect(&machine.daemon);
    if machine.went_well(&daemon) {
        return Item::good("nix-store", "a daemon answers");
    }
    if !machine.went_well(tried::STORE) {
        let fix = "it comes with Nix; jails that were built elsewhere need it too";
        return Item::bad("nix-store", State::NoBuild, "there is no /nix/store", fix);
    }
    if machine.user.1 == 0 {
        return Item::good("nix-store", "no daemon; root writes the store itself");
    }
    let owner = machine.text(tried::STORE).and_then(|text| text.split(' ').nth(2));
    if owner == Some(machine.user.1.to_string().as_str()) {
        return Item::good("nix-store", "it is the caller's own");
    }
    let fix = "start the daemon: sudo systemctl enable --now nix-daemon.socket";
    let evidence =
        format!("no daemon answers ({}), and the store is another's", machine.told(&daemon));
    Item::bad("nix-store", State::NoBuild, evidence, fix)
}

fn kit(machine: &Machine) -> Item {
    match &machine.kit {
        Ok(url) => Item::good("kit", url.clone()),
        Err(why) => Item::bad(
            "kit",
            State::NoBuild,
            why.clone(),
            "run `make kit`, or install jailgen with Nix",
        ),
    }
}

fn commands(machine: &Machine) -> Item {
    let (is_in_path, folder) = &machine.commands;
    if *is_in_path {
        return Item::good("commands", format!("{folder} is in PATH"));
    }
    let fix = format!("add it to your shell's startup file: export PATH=\"{folder}:$PATH\"");
    Item::bad("commands", State::Less, format!("{folder} is not in PATH"), fix)
}
