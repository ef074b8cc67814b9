//! Random histories on both sides, made by git itself: whatever they are, the project's repository
//! stays clean, nothing of the host's is lost, and nothing of the stage's either.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::git::{begin, inside, is_clean, outside};
use crate::world::{World, can_stage};

/// So many are made, unless these variables say how many, and which one is the first.
const HISTORIES: u64 = 24;
const COUNT: &str = "STAGE_HISTORIES";
const FIRST: &str = "STAGE_HISTORY";

/// Numbers that are the same in each run (Knuth's generator).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// What one side does. What git refuses in the state that it finds is skipped.
fn script(numbers: &mut Numbers, side: &str) -> String {
    let mut script = String::from(
        "g() { git -c advice.detachedHead=false \"$@\" >/dev/null 2>&1 </dev/null || true; }; ",
    );
    for number in 0..=numbers.below(6) {
        let branches = ["main", "old", "x", "y/z", "y", "w"];
        let branch = branches[usize::try_from(numbers.below(6)).unwrap()];
        let file = ["a", "b", "d/c", "d/e", "f"][usize::try_from(numbers.below(5)).unwrap()];
        let text = numbers.below(1_000_000);
        let commit = format!(
            "mkdir -p d; echo {side}{text} >>{file}; g add -A; g commit -qm {side}{text}; "
        );
        let step = match numbers.below(22) {
            0..=7 => commit,
            8 => format!("g rm -q {file}; g commit -qm rm{text}; "),
            9 => format!("g switch -c {branch}; {commit}"),
            10 => format!("g switch {branch}; {commit}"),
            11 => format!("g branch {branch}; "),
            12 => format!("g branch -D {branch}; "),
            13 => format!("g branch -m {branch} {side}{number}; "),
            14 => format!("g merge --no-edit -X ours {branch}; "),
            15 => format!("g commit --amend -qm amended{text}; "),
            16 => "g reset -q --hard HEAD~1; ".into(),
            17 => format!("g tag {side}{}; g tag -a -m t {side}t{text}; ", numbers.below(3)),
            18 => "g gc -q --prune=now; ".into(),
            19 => "g pack-refs --all --prune; ".into(),
            20 => format!("g rebase -q {branch}; g rebase --abort; "),
            _ => "g repack -adq; g stash; ".into(),
        };
        script.push_str(&step);
    }
    script
}

fn references(world: &World) -> BTreeMap<String, String> {
    let all = outside(world, "git for-each-ref --format='%(refname) %(objectname)'");
    let pair = |line: &str| line.split_once(' ').map(|(name, id)| (name.to_owned(), id.to_owned()));
    all.lines().filter_map(pair).collect()
}

fn one(place: &str, number: u64) {
    let world = World::new(place);
    let mut numbers = Numbers(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1);
    begin(&world);
    let mut story = format!("history {number}\n");
    let mut had = BTreeSet::new();
    for round in 0..=numbers.below(3) {
        world.record();
        let before = references(&world);
        // What the host has had and given up since then is not news of the stage's.
        had.extend(before.values().cloned());
        let (ours, theirs) = (script(&mut numbers, "stage"), script(&mut numbers, "host"));
        let _ = writeln!(story, "{round} stage {ours}\n{round} host {theirs}");
        inside(&world, &ours);
        inside(
            &world,
            "git for-each-ref --format='%(refname) %(objectname)' refs/heads >.git/said",
        );
        if numbers.below(3) > 0 {
            outside(&world, &theirs);
        }
        let now = references(&world);
        let staged = std::fs::read_to_string(world.upper(".git/said")).unwrap();
        std::fs::remove_file(world.upper(".git/said")).unwrap();
        let said = world.apply("+", &[]);
        let _ = writeln!(story, "{round} {said}");
        let fsck = outside(&world, "git fsck --strict --no-dangling --no-progress 2>&1 || true");
        assert_eq!(fsck, "", "{story}");
        let after = references(&world);
        for (name, id) in &now {
            // What the host has moved is where it was put, or further on.
            if before.get(name) != Some(id) && after.get(name) != Some(id) {
                let further = after.get(name).map(|after| {
                    outside(
                        &world,
                        &format!(
                            "git merge-base --is-ancestor {id} {after} && echo yes || echo no"
                        ),
                    )
                });
                assert_eq!(further.as_deref(), Some("yes"), "{name}: {story}");
            }
        }
        for line in staged.lines() {
            let (name, id) = line.split_once(' ').unwrap();
            let is_there =
                outside(&world, &format!("git cat-file -t {id} 2>/dev/null || echo none"))
                    == "commit";
            let reached = is_there
                && !outside(&world, &format!("git for-each-ref --contains {id}")).is_empty();
            let is_old = had.contains(id);
            assert!(
                reached || is_old || said.contains("left in the stage"),
                "{name} {id}: {story}"
            );
        }
        let second = world.apply("+", &[]);
        assert_eq!(references(&world), after, "{story}\nsecond: {second}");
        is_clean(&world);
    }
}

#[test]
fn random_histories_on_both_sides_leave_a_clean_repository() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let first = number(FIRST);
    let count = number(COUNT).unwrap_or(if first.is_some() { 1 } else { HISTORIES });
    let first = first.unwrap_or(0);
    for number in first..first + count {
        let place = if number % 4 == 0 { "/tmp" } else { "/dev/shm" };
        if can_stage(place) {
            one(place, number);
        }
    }
}
