//! What was measured, as a table and as JSON.

use serde_json::{Value, json};

use crate::contender::{Contender, Taken};

/// The contender that all others are compared with.
pub(crate) const OURS: &str = "jail-stub";

pub(crate) fn head(who: &str) {
    println!("\nAs {who}; ratios are medians of the rounds, with the quartiles.");
    println!(
        "{:>5}  {:<20} {:>8} {:>9}   jail-stub to it: ready, return",
        "paths", "", "ready", "return"
    );
}

/// Prints one number of paths.
pub(crate) fn print(paths: usize, contenders: &[Contender]) {
    let ours = contenders.iter().find(|contender| contender.name == OURS);
    for contender in contenders {
        let [_, until_ready, _] = quartiles(&times(contender, ready));
        let [_, until_back, _] = quartiles(&times(contender, back));
        let mut line =
            format!("{paths:>5}  {:<20} {until_ready:>8.0} {until_back:>9.0}", contender.name);
        if let Some(ours) = ours.filter(|_| contender.name != OURS) {
            for part in [ready as Part, back] {
                let [low, middle, high] = quartiles(&ratios(ours, contender, part));
                line += &format!("   {middle:.2} ({low:.2} to {high:.2})");
            }
        }
        println!("{line}");
    }
}

/// The same, whole, for a script that draws it.
pub(crate) fn json(who: &str, paths: usize, contenders: &[Contender]) -> Vec<Value> {
    let ours = contenders.iter().find(|contender| contender.name == OURS);
    let one = |contender: &Contender| {
        let ratio = |part: Part| ours.map(|ours| quartiles(&ratios(ours, contender, part)));
        json!({
            "user": who,
            "paths": paths,
            "name": contender.name,
            "ready": quartiles(&times(contender, ready)),
            "return": quartiles(&times(contender, back)),
            "ready_ratio": ratio(ready),
            "return_ratio": ratio(back),
            "runs": contender.taken.iter().flatten().count(),
        })
    };
    contenders.iter().map(one).collect()
}

/// Microseconds until the payload's first instruction, or until the return.
type Part = fn(&Taken) -> f64;

fn ready(taken: &Taken) -> f64 {
    taken.ready.as_secs_f64() * 1e6
}

fn back(taken: &Taken) -> f64 {
    taken.back.as_secs_f64() * 1e6
}

fn times(contender: &Contender, part: Part) -> Vec<f64> {
    contender.taken.iter().flatten().map(part).collect()
}

/// In each round in which both ran.
fn ratios(ours: &Contender, theirs: &Contender, part: Part) -> Vec<f64> {
    let rounds = ours.taken.iter().zip(&theirs.taken);
    rounds
        .filter_map(|(ours, theirs)| Some(part(ours.as_ref()?) / part(theirs.as_ref()?)))
        .collect()
}

/// The lower quartile, the median and the upper quartile.
fn quartiles(values: &[f64]) -> [f64; 3] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| sorted.get(sorted.len() * quarter / 4).copied().unwrap_or(f64::NAN))
}
