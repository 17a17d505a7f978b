//! Which requests go into one call.

use std::collections::BTreeMap;

use super::entry::{Entry, Operation, comparable};

/// For each request, the first one of the same operation that it is connected to by shared identifiers. Start those in one call.
#[must_use]
pub fn clusters(entries: &[Entry]) -> Vec<usize> {
    let mut first: Vec<usize> = (0..entries.len()).collect();
    let mut of_identifier: BTreeMap<(Operation, &str, String), usize> = BTreeMap::new();
    for (index, entry) in entries.iter().enumerate() {
        for identifier in entry.subject() {
            let (kind, value) = comparable(identifier);
            let other = *of_identifier.entry((entry.operation(), kind, value)).or_insert(index);
            let (one, other) = (root(&mut first, index), root(&mut first, other));
            first[one.max(other)] = one.min(other);
        }
    }
    (0..entries.len()).map(|index| root(&mut first, index)).collect()
}

fn root(first: &mut [usize], mut index: usize) -> usize {
    while first[index] != index {
        first[index] = first[first[index]];
        index = first[index];
    }
    index
}

/// As many of these requests as fit into one call, in order, without splitting those with the same key. The first ones always fit.
pub fn whole_groups<K: Ord>(
    indices: impl IntoIterator<Item = usize>,
    most: usize,
    key: impl Fn(usize) -> Option<K>,
) -> Vec<usize> {
    let (mut groups, mut of_key): (Vec<Vec<usize>>, BTreeMap<K, usize>) = (Vec::new(), BTreeMap::new());
    for index in indices {
        let group = key(index).map_or(groups.len(), |key| *of_key.entry(key).or_insert(groups.len()));
        if group == groups.len() {
            groups.push(Vec::new());
        }
        groups[group].push(index);
    }
    let mut together = Vec::new();
    for members in groups {
        if together.is_empty() || together.len() + members.len() <= most {
            together.extend(members);
        }
        if together.len() >= most {
            break;
        }
    }
    together
}

/// The requests of the next call if the last call of some of them was lost: one of those may be what the connector cannot cope with. Each
/// further call has an eighth as many as would fit, down to one. Empty if no call was lost.
pub fn suspects(indices: &[usize], most: usize, lost_calls: impl Fn(usize) -> u32) -> Vec<usize> {
    let lost = indices.iter().map(|index| lost_calls(*index)).max().unwrap_or_default();
    if lost == 0 {
        return Vec::new();
    }
    let most = most.checked_shr(3 * lost).unwrap_or_default().max(1);
    indices.iter().copied().filter(|index| lost_calls(*index) == lost).take(most).collect()
}

/// Whether the connector narrows down which request made the vendor reject a job. Repeat all such requests in one call, without others.
#[must_use]
pub fn is_narrowing(error: &crate::contract::Error) -> bool {
    error.problems.iter().any(|problem| problem.code == "narrowing")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{DeletionMode, Identifier, Request};

    #[test]
    fn requests_of_one_operation_are_connected_by_shared_identifiers() {
        let entry = |(operation, addresses): (Operation, &str)| {
            let subject = addresses.chars().map(|name| Identifier::email(format!("{name}@b.c")));
            Entry::new(Request::new("dsr", subject), operation)
        };
        let erase = Operation::Deletion(DeletionMode::Erase);
        let entries =
            [(erase, "ax"), (erase, "b"), (Operation::Access, "a"), (erase, "A"), (erase, "c"), (erase, "bX")];
        assert_eq!(clusters(&entries.map(entry)), [0, 0, 2, 0, 4, 0]);
    }

    #[test]
    fn a_call_takes_whole_groups_and_at_least_the_first() {
        let together = |most| whole_groups(0..7, most, |index| (index != 4).then_some(index % 3));
        assert_eq!(together(1), [0, 3, 6]);
        assert_eq!(together(5), [0, 3, 6, 1, 4]);
        assert_eq!(together(7), [0, 3, 6, 1, 2, 5, 4]);
    }
}
