//! Sorting in a few instructions: the standard library's sorts are three times as fast, but
//! would add 10 kB to the stub.

/// Sorts `items`; equal ones come in any order (heap sort).
pub fn sort<T: Ord>(items: &mut [T]) {
    for top in (0..items.len() / 2).rev() {
        sink(items, top);
    }
    for end in (1..items.len()).rev() {
        items.swap(0, end);
        if let Some(rest) = items.get_mut(..end) {
            sink(rest, 0);
        }
    }
}

/// Moves an item down until both of the items below it are smaller.
fn sink<T: Ord>(heap: &mut [T], mut top: usize) {
    loop {
        let below = [2 * top + 1, 2 * top + 2];
        let largest =
            below.into_iter().filter(|at| *at < heap.len()).max_by_key(|at| heap.get(*at));
        match largest {
            Some(largest) if heap.get(largest) > heap.get(top) => {
                heap.swap(top, largest);
                top = largest;
            }
            Some(_) | None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::sort;

    #[test]
    fn everything_comes_in_order() {
        let mut state = 1_u32;
        for length in 0..200 {
            let mut items: Vec<u32> = Vec::new();
            for _ in 0..length {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                items.push(state >> 25);
            }
            let mut expected = items.clone();
            expected.sort_unstable();
            sort(&mut items);
            assert_eq!(items, expected);
        }
    }
}
