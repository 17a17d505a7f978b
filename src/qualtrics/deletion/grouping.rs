//! Which requests of a call share a job.

use std::collections::BTreeSet;

use crate::privacy::email::{EmailAddress, all_spellings};
use crate::secret::Secret;

/// The most spellings of one job (fact sheet 6.1).
pub const MAX_JOB_SPELLINGS: usize = 500;

/// Requests, by their positions in the call, as jobs.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// The requests of each job, in order.
    pub jobs: Vec<Vec<usize>>,
    /// Requests that share an address with a job that has no room for them.
    pub postponed: Vec<usize>,
}

/// Requests that have to share a job.
#[derive(Default)]
struct Cluster<'e> {
    members: Vec<usize>,
    keys: BTreeSet<&'e Secret>,
    spellings: BTreeSet<&'e Secret>,
}

impl<'e> Cluster<'e> {
    fn of(member: usize, emails: &'e [EmailAddress]) -> Self {
        let spellings = emails.iter().flat_map(EmailAddress::spellings).collect();
        Self { members: vec![member], keys: emails.iter().map(EmailAddress::key).collect(), spellings }
    }

    fn absorb(&mut self, other: Self) {
        self.members.extend(other.members);
        self.keys.extend(other.keys);
        self.spellings.extend(other.spellings);
    }
}

/// Packs requests into jobs. Requests that share an address, in any spelling, go into the same job, as far as it has room for
/// [`MAX_JOB_SPELLINGS`]. The rest is packed into jobs of at most `group_size` spellings. A request is never split, so that one that
/// is larger has a job of its own.
#[must_use]
pub fn pack(requests: &[&[EmailAddress]], group_size: usize) -> Groups {
    let mut groups = Groups::default();
    let mut clusters: Vec<Cluster<'_>> = Vec::new();
    for (member, emails) in requests.iter().enumerate() {
        let (related, others): (Vec<_>, Vec<_>) =
            clusters.into_iter().partition(|cluster| emails.iter().any(|email| cluster.keys.contains(email.key())));
        clusters = others;
        let mut spellings: BTreeSet<&Secret> = emails.iter().flat_map(EmailAddress::spellings).collect();
        spellings.extend(related.iter().flat_map(|cluster| &cluster.spellings).copied());
        if spellings.len() > MAX_JOB_SPELLINGS && !related.is_empty() {
            groups.postponed.push(member);
            clusters.extend(related);
        } else {
            let mut merged = Cluster::of(member, emails);
            related.into_iter().for_each(|cluster| merged.absorb(cluster));
            clusters.push(merged);
        }
    }
    clusters.iter_mut().for_each(|cluster| cluster.members.sort_unstable());
    clusters.sort_by_key(|cluster| cluster.members.first().copied());
    let mut jobs: Vec<(usize, Vec<usize>)> = Vec::new();
    for cluster in clusters {
        let size = cluster.spellings.len();
        let has_room = |(used, _): &&mut (usize, Vec<usize>)| used.saturating_add(size) <= group_size;
        match jobs.iter_mut().find(has_room) {
            Some((used, members)) => {
                *used = used.saturating_add(size);
                members.extend(cluster.members);
            }
            None => jobs.push((size, cluster.members)),
        }
    }
    groups.jobs = jobs.into_iter().map(|(_, members)| members).collect();
    groups
}

/// Every request in a job of its own.
#[must_use]
pub fn one_each(count: usize) -> Groups {
    Groups { jobs: (0..count).map(|member| vec![member]).collect(), postponed: Vec::new() }
}

/// The addresses of several requests, sorted, each once, with all its spellings.
#[must_use]
pub fn merge<'e>(requests: impl Iterator<Item = &'e [EmailAddress]>) -> Vec<EmailAddress> {
    let mut all: Vec<EmailAddress> = requests.flatten().cloned().collect();
    all.sort_unstable();
    let mut merged: Vec<EmailAddress> = Vec::with_capacity(all.len());
    for email in all {
        match merged.last_mut().filter(|last| **last == email) {
            Some(last) => last.add_spellings(email),
            None => merged.push(email),
        }
    }
    merged
}

/// Whether two requests share an address, in any spelling. Both lists are sorted.
#[must_use]
pub fn share_address(one: &[EmailAddress], other: &[EmailAddress]) -> bool {
    one.iter().any(|email| other.binary_search(email).is_ok())
}

/// How many spellings these addresses have together.
#[must_use]
pub fn count_spellings(emails: &[EmailAddress]) -> u64 {
    u64::try_from(all_spellings(emails).len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(names: &[&str]) -> Vec<EmailAddress> {
        let address = |name: &&str| EmailAddress::parse(&format!("{name}@x.org")).expect("an address");
        merge([names.iter().map(address).collect::<Vec<_>>().as_slice()].into_iter())
    }

    fn packed(requests: &[Vec<EmailAddress>], group_size: usize) -> Groups {
        pack(&requests.iter().map(Vec::as_slice).collect::<Vec<_>>(), group_size)
    }

    /// A request with so many addresses of one spelling, from a number on.
    fn many(from: usize, count: usize) -> Vec<EmailAddress> {
        let names: Vec<String> = (from..).take(count).map(|n| format!("p{n}")).collect();
        request(&names.iter().map(String::as_str).collect::<Vec<_>>())
    }

    #[test]
    fn requests_fill_jobs_up_to_the_group_size_and_every_spelling_counts() {
        let requests = [request(&["a"]), request(&["Bob"]), request(&["c"]), request(&["d"])];
        assert_eq!(packed(&requests, 3).jobs, [vec![0, 1], vec![2, 3]]);
        assert_eq!(packed(&requests, 4).jobs, [vec![0, 1, 2], vec![3]]);
        assert_eq!(packed(&requests, 1).jobs, [vec![0], vec![1], vec![2], vec![3]]);
    }

    #[test]
    fn a_request_is_never_split_and_a_larger_one_goes_alone() {
        let requests = [many(0, 5), request(&["a"]), request(&["b"])];
        assert_eq!(packed(&requests, 3).jobs, [vec![0], vec![1, 2]]);
    }

    #[test]
    fn requests_that_share_an_address_in_any_spelling_go_into_one_job_whatever_the_group_size() {
        let requests = [request(&["Ada", "x"]), request(&["b"]), request(&["aDa"]), request(&["x", "y"])];
        assert_eq!(packed(&requests, 1).jobs, [vec![0, 2, 3], vec![1]]);
        // The last request connects two others.
        let requests = [request(&["a"]), request(&["b"]), request(&["A", "B"])];
        assert_eq!(packed(&requests, 1).jobs, [vec![0, 1, 2]]);
    }

    #[test]
    fn a_request_that_would_exceed_the_largest_job_is_postponed() {
        let requests = [many(0, 250), many(249, 250), many(498, 10), many(600, 1)];
        let groups = packed(&requests, 100);
        assert_eq!(groups, Groups { jobs: vec![vec![0, 1], vec![3]], postponed: vec![2] });
        let requests = [many(0, 250), many(249, 251), many(499, 1)];
        assert_eq!(packed(&requests, 500), Groups { jobs: vec![vec![0, 1, 2]], postponed: vec![] });
    }

    #[test]
    fn merged_addresses_occur_once_with_every_spelling() {
        let merged = merge([request(&["Ada", "b"]), request(&["ADA"])].iter().map(Vec::as_slice));
        let spellings: Vec<Vec<&str>> =
            merged.iter().map(|email| email.spellings().iter().map(Secret::reveal).collect()).collect();
        assert_eq!(spellings, [vec!["ada@x.org", "Ada@x.org", "ADA@x.org"], vec!["b@x.org"]]);
        assert!(share_address(&request(&["q", "Ada"]), &request(&["aDA"])));
        assert!(!share_address(&request(&["q"]), &request(&["ada"])));
    }
}
