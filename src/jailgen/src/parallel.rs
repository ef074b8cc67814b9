//! One function over many values, on all processors. It may compile specs and parse Nix.

use std::thread;

use jail_lang::on_large_stack;

/// A thread costs as much as a few specs: a share is at least this many.
const SHARE_MIN: usize = 16;

/// What `function` makes of each of `items`, in their order. Each thread has a state of its own,
/// which `start` makes.
pub fn map_with<T: Sync, R: Send, S>(
    items: &[T],
    start: impl Fn() -> S + Sync,
    function: impl Fn(&mut S, &T) -> R + Sync,
) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = items.len().div_ceil(threads).max(SHARE_MIN);
    let map_share = |items: &[T]| {
        on_large_stack(|| {
            let mut state = start();
            items.iter().map(|item| function(&mut state, item)).collect::<Vec<_>>()
        })
    };
    thread::scope(|scope| {
        let map_share = &map_share;
        let mut shares = items.chunks(share);
        let first = shares.next().unwrap_or_default();
        let others: Vec<_> = shares.map(|share| scope.spawn(move || map_share(share))).collect();
        let mut results = map_share(first);
        for other in others {
            // A bug is shown as what it is.
            results.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        results
    })
}

/// What `function` makes of each of `items`, in their order.
pub fn map<T: Sync, R: Send>(items: &[T], function: impl Fn(&T) -> R + Sync) -> Vec<R> {
    map_with(items, || (), |(), item| function(item))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..1000).collect();
        assert_eq!(
            map(&items, |item| item * 2),
            items.iter().map(|item| item * 2).collect::<Vec<_>>()
        );
        assert!(map(&[], |(): &()| ()).is_empty());
    }
}
