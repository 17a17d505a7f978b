//! Order, in few bytes: each type that goes through the standard library's sorts, which are made for millions of elements,
//! costs the component six kilobytes.

use core::mem;

use crate::prelude::*;

/// Sorts, and drops what is there more than once. By insertion: for short lists.
pub fn sort<T: Ord>(items: &mut Vec<T>) {
    let mut sorted = Vec::with_capacity(items.len());
    for item in items.drain(..) {
        if let Err(place) = sorted.binary_search(&item) {
            sorted.insert(place, item);
        }
    }
    *items = sorted;
}

/// Sorts, and of those neither of which precedes the other keeps the last. By merging: however many there are.
pub fn sort_by<T>(items: &mut Vec<T>, precedes: fn(&T, &T) -> bool) {
    if items.len() < 2 {
        return;
    }
    let mut later = items.split_off(items.len() / 2);
    sort_by(items, precedes);
    sort_by(&mut later, precedes);
    let mut later = later.into_iter().peekable();
    for item in mem::take(items) {
        while let Some(before) = later.next_if(|other| precedes(other, &item)) {
            items.push(before);
        }
        if later.peek().is_none_or(|other| precedes(&item, other)) {
            items.push(item);
        }
    }
    items.extend(later);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{sort, sort_by};

    #[test]
    fn everything_is_there_once_and_in_order() {
        let mut items = vec![3, 1, 2, 3, 1];
        sort(&mut items);
        assert_eq!(items, [1, 2, 3]);
    }

    #[test]
    fn the_last_of_equals_is_kept_and_many_are_no_trouble() {
        let mut items: Vec<(u32, u32)> = (0..100_000).map(|index| ((index * 7_919) % 1_009, index)).collect();
        let expected: BTreeMap<u32, u32> = items.iter().copied().collect();
        sort_by(&mut items, |one, other| one.0 < other.0);
        assert_eq!(items, expected.into_iter().collect::<Vec<_>>());
    }
}
