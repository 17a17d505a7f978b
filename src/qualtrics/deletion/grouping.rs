//! Which requests of a call share a job.

use std::collections::{BTreeMap, BTreeSet};

use crate::privacy::email::{EmailAddress, all_spellings};
use crate::secret::Secret;

/// The most spellings of one job (fact sheet 6.1).
pub const MAX_JOB_SPELLINGS: usize = 500;

/// Requests, by their positions in the call, that stay together because they share addresses.
pub type Cluster = Vec<usize>;

/// Requests as jobs.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// The clusters of each job, in order.
    pub jobs: Vec<Vec<Cluster>>,
    /// Requests that share an address with a job that has no room for them.
    pub postponed: Vec<usize>,
}

/// A cluster while it grows.
#[derive(Default)]
struct Growing<'e> {
    members: Cluster,
    keys: BTreeSet<&'e Secret>,
    spellings: BTreeSet<&'e Secret>,
}

impl Growing<'_> {
    fn absorb(&mut self, other: Self) {
        self.members.extend(other.members);
        self.keys.extend(other.keys);
        self.spellings.extend(other.spellings);
    }
}

/// The clusters of requests, and the requests that share an address with one that has no room for them.
#[derive(Default)]
struct Clusters<'e> {
    /// The clusters. One that another absorbed is empty.
    all: Vec<Growing<'e>>,
    /// The cluster of each address, by its key.
    of_key: BTreeMap<&'e Secret, usize>,
    postponed: Vec<usize>,
}

impl<'e> Clusters<'e> {
    /// Adds a request to the clusters with its addresses, which become one.
    fn add(&mut self, member: usize, emails: &'e [EmailAddress]) {
        let related: BTreeSet<usize> =
            emails.iter().filter_map(|email| self.of_key.get(email.key()).copied()).collect();
        let known = || related.iter().filter_map(|index| self.all.get(*index));
        let mut spellings: BTreeSet<&Secret> = emails.iter().flat_map(EmailAddress::spellings).collect();
        // A cluster that cannot grow has a job's worth of spellings at most.
        spellings.extend(known().flat_map(|cluster| cluster.spellings.iter().copied()));
        if spellings.len() > MAX_JOB_SPELLINGS && !related.is_empty() {
            self.postponed.push(member);
            return;
        }
        let mut merged =
            Growing { members: vec![member], spellings, keys: emails.iter().map(EmailAddress::key).collect() };
        for index in related {
            if let Some(cluster) = self.all.get_mut(index) {
                merged.absorb(std::mem::take(cluster));
            }
        }
        let index = self.all.len();
        self.of_key.extend(merged.keys.iter().map(|key| (*key, index)));
        self.all.push(merged);
    }
}

/// Packs requests into jobs. Requests that share an address, in any spelling, go into the same job, as far as it has room for
/// [`MAX_JOB_SPELLINGS`]. The rest is packed into jobs of at most `group_size` spellings. A request is never split, so that one that
/// is larger has a job of its own.
#[must_use]
pub fn pack(requests: &[&[EmailAddress]], group_size: usize) -> Groups {
    let mut clusters = Clusters::default();
    for (member, emails) in requests.iter().enumerate() {
        clusters.add(member, emails);
    }
    let Clusters { mut all, postponed, .. } = clusters;
    all.retain(|cluster| !cluster.members.is_empty());
    all.iter_mut().for_each(|cluster| cluster.members.sort_unstable());
    all.sort_by_key(|cluster| cluster.members.first().copied());
    let mut jobs: Vec<(usize, Vec<Cluster>)> = Vec::new();
    // The jobs before this one are full.
    let mut first_open = 0;
    for Growing { members, spellings, .. } in all {
        let size = spellings.len();
        let open = jobs.get_mut(first_open..).unwrap_or_default();
        match open.iter_mut().find(|(used, _)| used.saturating_add(size) <= group_size) {
            Some((used, clusters)) => {
                *used = used.saturating_add(size);
                clusters.push(members);
            }
            None => jobs.push((size, vec![members])),
        }
        while jobs.get(first_open).is_some_and(|(used, _)| *used >= group_size) {
            first_open = first_open.saturating_add(1);
        }
    }
    Groups { jobs: jobs.into_iter().map(|(_, clusters)| clusters).collect(), postponed }
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

    /// The requests of each job.
    fn jobs(requests: &[Vec<EmailAddress>], group_size: usize) -> Vec<Vec<usize>> {
        packed(requests, group_size).jobs.into_iter().map(|clusters| clusters.concat()).collect()
    }

    /// A request with so many addresses of one spelling, from a number on.
    fn many(from: usize, count: usize) -> Vec<EmailAddress> {
        let names: Vec<String> = (from..).take(count).map(|n| format!("p{n}")).collect();
        request(&names.iter().map(String::as_str).collect::<Vec<_>>())
    }

    #[test]
    fn requests_fill_jobs_up_to_the_group_size_and_every_spelling_counts() {
        let requests = [request(&["a"]), request(&["Bob"]), request(&["c"]), request(&["d"])];
        assert_eq!(jobs(&requests, 3), [vec![0, 1], vec![2, 3]]);
        assert_eq!(jobs(&requests, 4), [vec![0, 1, 2], vec![3]]);
        assert_eq!(jobs(&requests, 1), [vec![0], vec![1], vec![2], vec![3]]);
    }

    #[test]
    fn a_request_is_never_split_and_a_larger_one_goes_alone() {
        let requests = [many(0, 5), request(&["a"]), request(&["b"])];
        assert_eq!(jobs(&requests, 3), [vec![0], vec![1, 2]]);
    }

    #[test]
    fn requests_that_share_an_address_in_any_spelling_go_into_one_job_whatever_the_group_size() {
        let requests = [request(&["Ada", "x"]), request(&["b"]), request(&["aDa"]), request(&["x", "y"])];
        assert_eq!(packed(&requests, 1).jobs, [[vec![0, 2, 3]], [vec![1]]]);
        // The last request connects two others.
        let requests = [request(&["a"]), request(&["b"]), request(&["A", "B"])];
        assert_eq!(packed(&requests, 1).jobs, [[vec![0, 1, 2]]]);
        assert_eq!(packed(&requests, 9).jobs, [[vec![0, 1, 2]]]);
    }

    #[test]
    fn a_request_that_would_exceed_the_largest_job_is_postponed() {
        let requests = [many(0, 250), many(249, 250), many(498, 10), many(600, 1)];
        let groups = packed(&requests, 100);
        assert_eq!(groups, Groups { jobs: vec![vec![vec![0, 1]], vec![vec![3]]], postponed: vec![2] });
        let requests = [many(0, 250), many(249, 251), many(499, 1)];
        assert_eq!(packed(&requests, 500), Groups { jobs: vec![vec![vec![0, 1, 2]]], postponed: vec![] });
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
