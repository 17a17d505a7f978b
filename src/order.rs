//! Order, in few bytes: each type that goes through the standard library's sorts, which are made for millions of elements,
//! costs the component six kilobytes.

use crate::prelude::*;

/// Sorts, and drops what is there more than once.
pub fn sort<T: Ord>(items: &mut Vec<T>) {
    sort_by(items, |one, other| one < other);
}

/// Sorts, and of those neither of which precedes the other keeps the last.
///
/// It is places that are sorted, by code that all types share.
pub fn sort_by<T>(items: &mut Vec<T>, precedes: fn(&T, &T) -> bool) {
    let exchanges = exchanges(items.len(), &|one, other| match (items.get(one), items.get(other)) {
        (Some(one), Some(other)) => precedes(one, other),
        _ => false,
    });
    for (place, other) in (0..).zip(&exchanges) {
        items.swap(place, *other);
    }
    items.truncate(exchanges.len());
}

/// With which place each has to exchange what it holds, from the first to the last that is kept, so that all are in order.
fn exchanges(count: usize, precedes: &dyn Fn(usize, usize) -> bool) -> Vec<usize> {
    // What lies at each place, and where each of them lies.
    let (mut lying, mut places): (Vec<usize>, Vec<usize>) = ((0..count).collect(), (0..count).collect());
    let mut sorted = sorted(&lying, precedes);
    for (place, wanted) in (0..).zip(&mut sorted) {
        if let (Some(other), Some(displaced)) = (places.get(*wanted).copied(), lying.get(place).copied()) {
            *wanted = other;
            if let (Some(moved), Some(left)) = (places.get_mut(displaced), lying.get_mut(other)) {
                (*moved, *left) = (other, displaced);
            }
        }
    }
    sorted
}

/// Up to how many are put in their places one by one.
const FEW: usize = 32;

/// By merging: however many there are.
fn sorted(places: &[usize], precedes: &dyn Fn(usize, usize) -> bool) -> Vec<usize> {
    let Some((earlier, later)) = places.split_at_checked(places.len() / 2).filter(|_| places.len() > FEW) else {
        return few_sorted(places, precedes);
    };
    let (earlier, later) = (sorted(earlier, precedes), sorted(later, precedes));
    let (mut earlier, mut later) = (earlier.as_slice(), later.as_slice());
    let mut merged = Vec::with_capacity(places.len());
    while let ([one, rest @ ..], [other, others @ ..]) = (earlier, later) {
        if precedes(*other, *one) {
            merged.push(*other);
            later = others;
        } else {
            if precedes(*one, *other) {
                merged.push(*one);
            }
            earlier = rest;
        }
    }
    merged.extend_from_slice(earlier);
    merged.extend_from_slice(later);
    merged
}

fn few_sorted(places: &[usize], precedes: &dyn Fn(usize, usize) -> bool) -> Vec<usize> {
    let mut sorted = Vec::with_capacity(places.len());
    for place in places {
        let at = sorted.partition_point(|other| precedes(*other, *place));
        match sorted.get_mut(at).filter(|other| !precedes(*place, **other)) {
            Some(equal) => *equal = *place,
            None => sorted.insert(at, *place),
        }
    }
    sorted
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
