//! Functions that take a list: one result per element, in the same order.

use std::collections::BTreeMap;

use super::report::invalid_request;
use crate::contract::{Error, Problem, Request};

/// One result per request, in order. A request whose ID occurs more than once is not run: a host cannot tell the two apart.
pub fn each<R>(requests: &[Request], mut run: impl FnMut(&Request) -> Result<R, Error>) -> Vec<Result<R, Error>> {
    let duplicates = duplicates(requests.iter());
    let results = requests.iter().zip(duplicates);
    results.map(|(request, is_duplicate)| if is_duplicate { Err(duplicate_id()) } else { run(request) }).collect()
}

/// For each request of a call, whether its ID occurs more than once.
#[must_use]
pub fn duplicates<'r>(requests: impl Iterator<Item = &'r Request> + Clone) -> Vec<bool> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for request in requests.clone() {
        let count = counts.entry(&request.id).or_default();
        *count = count.saturating_add(1);
    }
    requests.map(|request| counts.get(request.id.as_str()).copied() > Some(1)).collect()
}

/// The error of a request whose ID occurs more than once.
#[must_use]
pub fn duplicate_id() -> Error {
    let message = "id occurs more than once in this call: give each request of a call an ID of its own.";
    invalid_request(vec![Problem::new("request", "id", &[], message)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_occurrence_of_a_duplicate_id_is_an_error_and_the_others_run() {
        let request =
            |id: &str| Request { id: id.to_owned(), subject: Vec::new(), attempts: None, overrides: Vec::new() };
        let results = each(&["a", "b", "a"].map(request), |request| Ok(request.id.clone()));
        assert_eq!(results.iter().map(|result| result.as_deref().ok()).collect::<Vec<_>>(), [None, Some("b"), None]);
        assert!(each(&[], |_| Ok(())).is_empty());
    }
}
