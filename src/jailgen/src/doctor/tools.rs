//! What jailgen needs in addition to the kernel.

use jail_probe::Answer;

use super::attempts as tried;
use super::{Fault, Item, Machine, Repair, State};

pub(super) fn items(machine: &Machine) -> Vec<Item> {
    vec![nix(machine), store(machine), kit(machine), build(machine), commands(machine)]
}

fn nix(machine: &Machine) -> Item {
    match &machine.nix {
        Ok(version) => Item::good("nix", version.clone()),
        Err(why) => {
            let fix = "install Nix 2.8 or newer (https://nixos.org/download); check, explain and emit work without it";
            let item = Item::bad("nix", State::NoBuild, why.clone(), fix);
            if machine.is_debian() { item.by(["sudo apt install nix-bin"]) } else { item }
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
        return Item::good("nix-store", "it is your own");
    }
    let evidence = format!(
        "no daemon answers ({}), and the store belongs to another user",
        machine.answer_in_words(&daemon)
    );
    // Nix may know another way to it from its settings.
    let state = if machine.build == Some(Ok(())) { State::Less } else { State::NoBuild };
    if let Some(Answer::Refused(13)) = machine.answer(&daemon) {
        return refused(machine, state, evidence);
    }
    let item = |fix| Item::bad("nix-store", state, evidence, fix);
    let runs_systemd = machine.went_well(tried::SYSTEMD);
    if runs_systemd && tried::UNITS.iter().any(|unit| machine.went_well(unit)) {
        return item("start the daemon").by(["sudo systemctl enable --now nix-daemon.socket"]);
    }
    if runs_systemd && machine.is_debian() {
        let fix = "there is no service for the daemon: install it";
        return item(fix).by(["sudo apt install nix-setup-systemd"]);
    }
    item("start the daemon, and have it started with the machine").by(["sudo nix-daemon &"])
}

/// A daemon that answers others.
fn refused(machine: &Machine, state: State, evidence: String) -> Item {
    let folder = machine.text(&tried::folder_of(&machine.daemon));
    let number = folder.and_then(|text| text.split(' ').nth(3));
    let groups = machine.text(tried::GROUP).unwrap_or_default().lines();
    let mut names = groups.filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1) == number).then_some(name)
    });
    match names.next() {
        Some(group) if group != "root" => {
            let command = format!("sudo usermod --append --groups {group} {}", machine.user.0);
            let fix = "join the group that may use it, and log in again";
            Item::bad("nix-store", state, evidence, fix).by([command])
        }
        _ => {
            let fix = "the daemon does not accept you: see `allowed-users` in nix.conf, or the permissions of its socket";
            Item::bad("nix-store", state, evidence, fix)
        }
    }
}

fn build(machine: &Machine) -> Item {
    const CODE: &str = "build";
    match &machine.build {
        Some(Ok(())) => Item::good(CODE, "a derivation of one line was built, as jails are"),
        Some(Err(fault)) => {
            let known = fault.help.clone();
            let fix = known.unwrap_or_else(|| "see Nix's own message".into());
            let repair = build_users(machine, fault);
            let item = Item::bad(CODE, State::NoBuild, fault.line.clone(), fix);
            match repair {
                None if is_about_build_users(fault) => item.by(BUILD_USERS),
                repair => Item { repair, ..item },
            }
        }
        None => {
            let fix = "the lines above say what is missing for it";
            Item::bad(CODE, State::Less, "not tried: it takes Nix and a kit", fix)
        }
    }
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

/// The store's owner decides as which user Nix builds; a daemon has settings of its own.
fn build_users(machine: &Machine, fault: &Fault) -> Option<Repair> {
    let has_daemon = machine.user.1 != 0 && machine.went_well(&tried::connect(&machine.daemon));
    let is_it = is_about_build_users(fault) && !has_daemon;
    machine.own.nix_conf.as_deref().filter(|_| is_it).map(Repair::build_users)
}

fn is_about_build_users(fault: &Fault) -> bool {
    fault.line.contains("build-users-group")
}

/// The commands that make the build users that Nix expects by default.
const BUILD_USERS: [&str; 2] = [
    "sudo groupadd --system nixbld",
    "for n in 1 2 3 4 5 6 7 8; do sudo useradd --system --gid nixbld --groups nixbld --no-create-home --shell /usr/sbin/nologin nixbld$n; done",
];

fn commands(machine: &Machine) -> Item {
    let (is_in_path, folder) = &machine.commands;
    if *is_in_path {
        return Item::good("commands", format!("{folder} is in PATH"));
    }
    let fix = format!("add it to your shell's startup file: export PATH=\"{folder}:$PATH\"");
    let own = &machine.own;
    let repair = own.shell.as_deref().zip(own.home.as_deref());
    let repair = repair.and_then(|(shell, home)| Repair::path(shell, home, folder));
    if let Some(done) = repair.as_ref().filter(|repair| repair.is_done()) {
        let file = done.file.display();
        return Item::good("commands", format!("{folder} is in PATH of new shells ({file})"));
    }
    let evidence = format!("{folder} is not in PATH");
    Item { repair, ..Item::bad("commands", State::Less, evidence, fix) }
}
