//! Store paths as a treemap: rectangles whose areas are sizes, each as near to a square as the rows
//! allow (Bruls, Huizing and van Wijk, "Squarified Treemaps", 2000).

use serde::Serialize;

use crate::closure::{self, Closure, size};
use crate::render::sanitise;

/// A rectangle of the treemap, in hundredths of its width and height.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Tile {
    /// What it stands for: a package with its version, or how many small ones.
    pub(super) name: String,
    /// Its size in words.
    size: String,
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// The width of the whole for a height of one.
const ASPECT: f64 = 2.5;

/// Smaller shares of the whole are drawn as one.
const SHARE_MIN: f64 = 0.006;

/// Characters of a store path before the name.
const HASH: usize = 33;

/// The tiles of a closure, the largest first, and last the small ones together.
pub(super) fn tiles(closure: &Closure) -> Vec<Tile> {
    let all = closure::total(closure);
    let mut sizes: Vec<(String, u64)> =
        closure.iter().map(|(path, info)| (package(path), info.nar_size)).collect();
    sizes.sort_by(|(a, left), (b, right)| right.cmp(left).then(a.cmp(b)));
    let is_small = |size: u64| share(size, all) < SHARE_MIN;
    let count = sizes.iter().filter(|(_, size)| is_small(*size)).count();
    let rest: u64 = sizes.iter().map(|(_, size)| size).filter(|size| is_small(**size)).sum();
    sizes.retain(|(_, size)| !is_small(*size));
    if rest > 0 {
        sizes.push((format!("{count} smaller ones"), rest));
    }
    let areas: Vec<f64> = sizes.iter().map(|(_, size)| share(*size, all) * ASPECT).collect();
    let places = squarify(&areas, Place { left: 0.0, top: 0.0, width: ASPECT, height: 1.0 });
    let tile = |((name, bytes), place): ((String, u64), Place)| Tile {
        name,
        size: size(bytes),
        left: place.left / ASPECT * 100.0,
        top: place.top * 100.0,
        width: place.width / ASPECT * 100.0,
        height: place.height * 100.0,
    };
    sizes.into_iter().zip(places).map(tile).collect()
}

/// The size of all, in words.
pub(super) fn total(closure: &Closure) -> String {
    format!("{} store paths, {}", closure.len(), size(closure::total(closure)))
}

fn package(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    sanitise(name.get(HASH..).unwrap_or(name)).into_owned()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "what is lost is smaller than a point of the picture"
)]
fn share(size: u64, all: u64) -> f64 {
    size as f64 / (all.max(1) as f64)
}

#[derive(Clone, Copy, Debug)]
struct Place {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

/// Rectangles of these areas, the largest first, that fill `free`.
fn squarify(areas: &[f64], mut free: Place) -> Vec<Place> {
    let mut places = Vec::with_capacity(areas.len());
    let mut rest = areas;
    while !rest.is_empty() {
        let side = free.width.min(free.height);
        let better = |length: &usize| {
            let (row, next) = (rest.get(..*length), rest.get(..length + 1));
            matches!((row, next), (Some(row), Some(next)) if worst(next, side) <= worst(row, side))
        };
        let length = (1..rest.len()).find(|length| !better(length)).unwrap_or(rest.len());
        let (row, others) = rest.split_at(length);
        free = lay(row, free, &mut places);
        rest = others;
    }
    places
}

/// The longest side of a row's rectangles for a shortest one of one.
fn worst(row: &[f64], side: f64) -> f64 {
    let sum: f64 = row.iter().sum();
    let ratio = |area: &f64| {
        let one = (side * side * area) / (sum * sum);
        one.max(1.0 / one)
    };
    row.iter().map(ratio).fold(0.0, f64::max)
}

/// Lays a row along the shorter side, and returns what is left.
fn lay(row: &[f64], free: Place, places: &mut Vec<Place>) -> Place {
    let sum: f64 = row.iter().sum();
    let mut along = 0.0;
    if free.width >= free.height {
        let width = sum / free.height;
        for area in row {
            let height = area / width;
            places.push(Place { left: free.left, top: free.top + along, width, height });
            along += height;
        }
        return Place { left: free.left + width, width: free.width - width, ..free };
    }
    let height = sum / free.width;
    for area in row {
        let width = area / height;
        places.push(Place { left: free.left + along, top: free.top, width, height });
        along += width;
    }
    Place { top: free.top + height, height: free.height - height, ..free }
}
