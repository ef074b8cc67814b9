//! Subordinate ids (subuid(5)): which users have some, and which ids are free.

use super::attempts as tried;
use super::{Item, Machine, State};

/// A range has so many ids, as useradd(8) gives them (login.defs(5)).
const COUNT: u64 = 65_536;
const LEAST: u64 = 100_000;
const MOST: u64 = 600_100_000;

pub(super) fn item(machine: &Machine) -> Item {
    const CODE: &str = "subordinate-ids";
    let name = &machine.person.0;
    let tools = ["newuidmap", "newgidmap"].iter().all(|one| machine.programs.contains(one));
    let missing: Vec<(&str, &str)> =
        [(tried::SUBUID, "--add-subuids"), (tried::SUBGID, "--add-subgids")]
            .into_iter()
            .filter(|(file, _)| !has_range(machine, file))
            .collect();
    if !tools {
        let evidence = "newuidmap and newgidmap are not in PATH (`dedicated-user` needs them)";
        let item = Item::bad(
            CODE,
            State::Less,
            evidence,
            "install them; on NixOS security.wrappers has them",
        );
        return if machine.is_debian() { item.by(["sudo apt install uidmap"]) } else { item };
    }
    if missing.is_empty() {
        return Item::good(CODE, format!("newuidmap, and ranges for {name}"));
    }
    let files: Vec<&str> =
        missing.iter().map(|(file, _)| file.trim_start_matches("read ")).collect();
    let evidence =
        format!("no range for {name} in {} (`dedicated-user` needs one)", files.join(" and "));
    let Some(first) = free(&taken(machine)) else {
        return Item::bad(CODE, State::Less, evidence, "no range is free: check these files");
    };
    let range = format!("{first}-{}", first + COUNT - 1);
    let options: Vec<String> =
        missing.iter().map(|(_, option)| format!("{option} {range}")).collect();
    let command = format!("sudo usermod {} {name}", options.join(" "));
    let fix = format!("give {name} a free one");
    Item::bad(CODE, State::Less, evidence, fix).by([command])
}

fn has_range(machine: &Machine, file: &str) -> bool {
    let (name, uid) = &machine.person;
    let number = uid.to_string();
    let lines = machine.text(file).unwrap_or_default().lines();
    let mut users = lines.filter_map(|line| line.split(':').next());
    users.any(|user| user == name || user == number)
}

/// The ids that are taken, as first and end: subordinate ones, and those of users and groups.
fn taken(machine: &Machine) -> Vec<(u64, u64)> {
    let lines = |words| machine.text(words).unwrap_or_default().lines();
    let number = |field: Option<&str>| field.and_then(|text| text.trim().parse::<u64>().ok());
    let ranges = [tried::SUBUID, tried::SUBGID].into_iter().flat_map(lines).filter_map(|line| {
        let mut fields = line.split(':').skip(1);
        let first = number(fields.next())?;
        Some((first, first.saturating_add(number(fields.next())?)))
    });
    let own = [tried::PASSWD, tried::GROUP].into_iter().flat_map(lines).filter_map(|line| {
        let id = number(line.split(':').nth(2))?;
        Some((id, id.saturating_add(1)))
    });
    ranges.chain(own).collect()
}

/// The first of a range of free ids.
fn free(taken: &[(u64, u64)]) -> Option<u64> {
    let is_free =
        |first: &u64| taken.iter().all(|(from, end)| first + COUNT <= *from || end <= first);
    let mut starts: Vec<u64> = taken.iter().map(|(_, end)| *end).chain([LEAST]).collect();
    starts.retain(|first| *first >= LEAST && first.saturating_add(COUNT) <= MOST);
    starts.sort_unstable();
    starts.into_iter().find(is_free)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_free_that_nobody_has_a_part_of() {
        assert_eq!(free(&[]), Some(100_000));
        assert_eq!(free(&[(0, 1), (1000, 1001), (65_534, 65_535)]), Some(100_000));
        assert_eq!(free(&[(100_000, 165_536)]), Some(165_536));
        assert_eq!(free(&[(231_072, 296_608), (100_000, 165_536)]), Some(165_536));
        assert_eq!(free(&[(100_000, 165_536), (200_000, 265_536)]), Some(265_536));
        assert_eq!(free(&[(120_000, 120_001)]), Some(120_001));
        assert_eq!(free(&[(0, u64::MAX)]), None);
    }
}
