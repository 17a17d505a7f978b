//! Why a deletion waits: the copy of a person's data is taken before the data is deleted.

use std::collections::HashMap;

use privacy_host::contract::{DeletionMode, Identifier, Outcome};
use privacy_host::follow::comparable;
use privacy_host::{Entry, Operation};

/// The code in the column `overrides` with which a deletion starts without a complete copy of the data.
pub const INCOMPLETE_COPY: &str = "incomplete-copy";

/// The access requests that each deletion of a batch waits for: for each of its identifiers, the access requests with the same one.
pub struct Copies(HashMap<usize, Vec<Vec<usize>>>);

/// Why a deletion does not start.
#[derive(Clone, Copy)]
pub enum Hold<'e> {
    /// This access request for the same person has not ended, or waits for an operator.
    Open(&'e Entry),
    /// This access request for the same person ended without a complete copy, and no other one has a complete copy. Deleted data
    /// cannot be copied, so an operator decides.
    Incomplete(&'e Entry),
}

impl Copies {
    /// `subjects` holds the identifiers of these entries, which ended requests no longer have.
    #[must_use]
    pub fn new(entries: &[Entry], subjects: &[Vec<Identifier>]) -> Self {
        let mut accesses: HashMap<(&str, String), Vec<usize>> = HashMap::new();
        for (index, _) in entries.iter().enumerate().filter(|(_, entry)| entry.operation() == Operation::Access) {
            for identifier in &subjects[index] {
                accesses.entry(comparable(identifier)).or_default().push(index);
            }
        }
        let of_deletion = |(index, entry): (usize, &Entry)| {
            let is_deletion = matches!(entry.operation(), Operation::Deletion(_));
            let same = subjects[index].iter().filter_map(|identifier| accesses.get(&comparable(identifier)));
            let same: Vec<_> = same.filter(|_| is_deletion).cloned().collect();
            (!same.is_empty()).then_some((index, same))
        };
        Self(entries.iter().enumerate().filter_map(of_deletion).collect())
    }

    /// The access requests that share an identifier with a deletion, each once, in the order of the batch.
    #[must_use]
    pub fn accesses(&self, deletion: usize) -> Vec<usize> {
        let mut accesses: Vec<usize> = self.0.get(&deletion).into_iter().flatten().flatten().copied().collect();
        accesses.sort_unstable();
        accesses.dedup();
        accesses
    }

    /// Why this deletion does not start, if so. A preview deletes nothing, so it only waits for the end of the access requests.
    pub fn hold<'e>(&self, deletion: usize, entry: impl Fn(usize) -> &'e Entry) -> Option<Hold<'e>> {
        let copies = self.0.get(&deletion)?;
        let deletion = entry(deletion);
        if deletion.ticket().is_some() || deletion.end().is_some() {
            return None;
        }
        if let Some(open) = copies.iter().flatten().map(|&access| entry(access)).find(|access| access.is_open()) {
            return Some(Hold::Open(open));
        }
        let is_preview = deletion.operation() == Operation::Deletion(DeletionMode::Preview);
        if is_preview || deletion.overrides().iter().any(|code| code == INCOMPLETE_COPY) {
            return None;
        }
        let missing = copies.iter().find(|accesses| !accesses.iter().any(|&access| is_complete(entry(access))))?;
        missing.first().map(|&access| Hold::Incomplete(entry(access)))
    }
}

impl Hold<'_> {
    /// Why, and how to go on, for the results.
    #[must_use]
    pub fn remedy(self) -> String {
        match self {
            Self::Open(access) => {
                format!("the access request {} for the same person has not ended: see its line", access.request_id())
            }
            Self::Incomplete(access) => format!(
                "the access request {} for the same person ended as {} and has no complete copy of the data: correct the cause and \
                 add an access request with another ID for the person, or put {INCOMPLETE_COPY} into the column overrides to \
                 delete without a complete copy; then run the command again",
                access.request_id(),
                state(access)
            ),
        }
    }
}

/// The outcome, the kind of the error, or `pending`.
#[must_use]
pub fn state(entry: &Entry) -> String {
    match entry.end().map(|end| &end.result) {
        None => "pending".to_owned(),
        Some(Ok(outcome)) => outcome.to_string(),
        Some(Err(error)) => error.kind.to_string(),
    }
}

/// Whether an access request ended with a complete copy.
fn is_complete(access: &Entry) -> bool {
    access.end().is_some_and(|end| matches!(end.result, Ok(Outcome::Found | Outcome::NotFound)))
}

#[cfg(test)]
mod tests {
    use privacy_host::contract::{Error, ErrorKind, Remedy, Request};

    use super::*;

    /// An entry for these addresses, ended with this result.
    fn entry(id: &str, operation: Operation, addresses: &[&str], end: Option<Result<Outcome, Remedy>>) -> Entry {
        let request = Request::new(id, addresses.iter().map(|address| Identifier::email(*address)));
        let entry = Entry::new(request, operation);
        let Some(end) = end else { return entry };
        let result = end.map_err(|remedy| Error {
            kind: ErrorKind::Forbidden,
            remedy,
            message: String::new(),
            problems: Vec::new(),
            http_status: None,
            vendor_code: None,
            vendor_request_id: None,
        });
        let end = privacy_host::follow::End { at: 0, result, jobs: Vec::new(), findings: Vec::new() };
        let mut members = serde_json::to_value(entry).expect("JSON");
        members["end"] = serde_json::to_value(end).expect("JSON");
        serde_json::from_value(members).expect("an entry")
    }

    fn access(id: &str, address: &str, end: Option<Result<Outcome, Remedy>>) -> Entry {
        entry(id, Operation::Access, &[address], end)
    }

    /// What the last of these entries waits for: the ID of an open or incomplete access request.
    fn hold(entries: &[Entry]) -> Option<(&'static str, String)> {
        let subjects: Vec<_> = entries.iter().map(|entry| entry.subject().to_vec()).collect();
        let copies = Copies::new(entries, &subjects);
        copies.hold(entries.len() - 1, |index| &entries[index]).map(|hold| match hold {
            Hold::Open(access) => ("open", access.request_id().to_owned()),
            Hold::Incomplete(access) => ("incomplete", access.request_id().to_owned()),
        })
    }

    const ERASE: Operation = Operation::Deletion(DeletionMode::Erase);
    const PREVIEW: Operation = Operation::Deletion(DeletionMode::Preview);

    #[test]
    fn a_deletion_starts_only_after_a_complete_copy() {
        let with = |end| hold(&[access("a", "Ada@b.c", end), entry("d", ERASE, &["ada@b.c"], None)]);
        for end in [None, Some(Err(Remedy::Operator))] {
            assert_eq!(with(end), Some(("open", "a".to_owned())));
        }
        for end in [Ok(Outcome::Partial), Ok(Outcome::Failed), Ok(Outcome::Refused), Err(Remedy::GiveUp)] {
            assert_eq!(with(Some(end)), Some(("incomplete", "a".to_owned())));
        }
        for end in [Outcome::Found, Outcome::NotFound] {
            assert_eq!(with(Some(Ok(end))), None);
        }
    }

    #[test]
    fn each_identifier_of_a_deletion_needs_one_complete_copy() {
        let partial = || Some(Ok(Outcome::Partial));
        let found = || Some(Ok(Outcome::Found));
        let deletion = || entry("d", ERASE, &["ada@b.c", "ada@d.e", "ada@f.g"], None);
        let [one, two] = [access("a-1", "ada@b.c", partial()), access("a-2", "ada@d.e", found())];
        let again = access("a-3", "ada@b.c", found());
        assert_eq!(hold(&[one.clone(), two.clone(), deletion()]), Some(("incomplete", "a-1".to_owned())));
        assert_eq!(hold(&[one, two, again, deletion()]), None);
        assert_eq!(hold(&[access("a-4", "bob@b.c", partial()), deletion()]), None);
    }

    #[test]
    fn a_preview_waits_for_the_end_of_an_access_request_alone() {
        let with = |end| hold(&[access("a", "ada@b.c", end), entry("p", PREVIEW, &["ada@b.c"], None)]);
        assert_eq!(with(None), Some(("open", "a".to_owned())));
        assert_eq!(with(Some(Ok(Outcome::Partial))), None);
    }

    #[test]
    fn an_operator_can_decide_that_an_incomplete_copy_suffices() {
        let subject = [Identifier::email("ada@b.c")];
        let request = Request { overrides: vec![INCOMPLETE_COPY.to_owned()], ..Request::new("d", subject) };
        let deletion = Entry::new(request, ERASE);
        assert_eq!(hold(&[access("a", "ada@b.c", Some(Ok(Outcome::Partial))), deletion.clone()]), None);
        // Nothing is decided yet while the access request is open.
        assert_eq!(hold(&[access("a", "ada@b.c", None), deletion]), Some(("open", "a".to_owned())));
    }
}
