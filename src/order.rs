//! Order, in few bytes.

/// Sorts, and drops what is there more than once.
///
/// By insertion: the lists are short, and each type that goes through the standard library's sorts, which are made for
/// millions of elements, costs the component six kilobytes.
pub fn sort<T: Ord>(items: &mut Vec<T>) {
    let mut sorted = Vec::with_capacity(items.len());
    for item in items.drain(..) {
        if let Err(place) = sorted.binary_search(&item) {
            sorted.insert(place, item);
        }
    }
    *items = sorted;
}

#[cfg(test)]
mod tests {
    use super::sort;

    #[test]
    fn everything_is_there_once_and_in_order() {
        let mut items = vec![3, 1, 2, 3, 1];
        sort(&mut items);
        assert_eq!(items, [1, 2, 3]);
    }
}
