//! What follows from the list for one request, and for several.

use super::*;
use crate::qualtrics::api::erasure_list::{Next, Scan};
use crate::qualtrics::api::erasures::{Addresses, NotFound};
use crate::qualtrics::api::job::JobState;

const SINCE: u64 = 1_000_000;

fn addresses(names: &[&str]) -> Vec<EmailAddress> {
    let address = |name: &&str| EmailAddress::parse(&format!("{name}@x.org")).expect("an address");
    names.iter().map(address).collect()
}

fn listed(names: &[&str]) -> Addresses {
    let entry = |address: EmailAddress| (address.key().clone(), vec![address.given().clone()]);
    let readable = addresses(names).into_iter().map(entry).collect();
    let texts = addresses(names).iter().map(|address| address.given().clone()).collect();
    Addresses { readable, texts, entries: names.len() as u64, all_readable: true }
}

fn job(emails: Option<&[&str]>, requested: u64) -> ErasureJob {
    ErasureJob {
        id: "OP-1".to_owned(),
        state: JobState::Running { known: true },
        status: None,
        addresses: emails.map(listed),
        requested: Some(requested),
        not_found: NotFound::Unreported,
        kind: Some(JobKind::Erasure),
        user: Some("UR_1".to_owned()),
        failure: None,
        created_s: Some(SINCE + 10),
        updated_s: Some(SINCE + 10),
        counts: Vec::new(),
    }
}

fn scan() -> Scan {
    Scan { complete: true, stuck: false, may_recover: false, skipped: false, read_back_to_s: None, position: None }
}

fn reconciled(request: &[&str], own_user: Option<&str>, jobs: Vec<ErasureJob>) -> Reconciled {
    let emails = addresses(request);
    reconciled_together(&[(&emails, SINCE)], own_user, jobs, &scan()).remove(0)
}

/// What follows for several requests from one reading of the list.
fn reconciled_together(
    requests: &[(&[EmailAddress], u64)],
    own_user: Option<&str>,
    jobs: Vec<ErasureJob>,
    scan: &Scan,
) -> Vec<Reconciled> {
    let mut windows = Windows::new(JobKind::Erasure, requests.iter().copied());
    for job in jobs {
        if windows.visit(job) == Next::Stop {
            break;
        }
    }
    windows.own_user = own_user.map(str::to_owned);
    windows.conclude(scan)
}

#[test]
fn a_job_with_every_address_is_found() {
    let found = reconciled(&["a", "b"], None, vec![job(Some(&["a", "b", "c"]), 3)]);
    assert!(matches!(found, Reconciled::Found(_)));
}

#[test]
fn spellings_of_one_address_count_once() {
    let found = reconciled(&["Ada"], None, vec![job(Some(&["ada"]), 1)]);
    assert!(matches!(found, Reconciled::Found(_)));
    // The complete job of another person whose address was sent in two spellings.
    let other = reconciled(&["ada"], None, vec![job(Some(&["Bob", "bob"]), 2)]);
    assert!(matches!(other, Reconciled::Absent { .. }));
}

#[test]
fn an_own_job_that_contains_some_of_the_addresses_needs_an_operator() {
    let overlapping = reconciled(&["a", "b"], Some("UR_1"), vec![job(Some(&["a"]), 1)]);
    assert!(matches!(overlapping, Reconciled::Overlapping));
}

#[test]
fn complete_jobs_of_others_are_ruled_out() {
    for jobs in [
        vec![job(Some(&["x"]), 1)],
        vec![job(None, 1)],
        vec![ErasureJob { user: Some("UR_2".to_owned()), ..job(None, 2) }, job(Some(&["x", "y"]), 2)],
        vec![ErasureJob { user: Some("UR_2".to_owned()), ..job(Some(&["a"]), 1) }, job(Some(&["x", "y"]), 2)],
    ] {
        assert!(matches!(reconciled(&["a", "b"], Some("UR_1"), jobs), Reconciled::Absent { .. }));
    }
}

#[test]
fn jobs_that_hide_addresses_are_inconclusive() {
    let masked = || {
        let mut job = job(Some(&["x"]), 2);
        job.addresses.as_mut().expect("addresses").all_readable = false;
        job
    };
    for (hiding, own_user) in [
        (job(None, 2), None),
        (job(None, 2), Some("UR_1")),
        (masked(), Some("UR_1")),
        // The list does not show the connection's own user.
        (ErasureJob { user: Some("UR_2".to_owned()), ..job(None, 2) }, Some("UR_1")),
        (ErasureJob { kind: None, ..job(Some(&["a", "b"]), 2) }, None),
        // The list names its ID otherwise.
        (ErasureJob { id: String::new(), ..job(Some(&["a", "b"]), 2) }, None),
    ] {
        let inconclusive = reconciled(&["a", "b"], own_user, vec![hiding]);
        assert!(matches!(inconclusive, Reconciled::Inconclusive { .. }));
    }
}

#[test]
fn an_inconclusive_list_tells_whether_jobs_run_and_whether_it_shows_any_addresses() {
    let completed = ErasureJob { state: JobState::Completed, ..job(None, 2) };
    for (jobs, is_running, shows_addresses) in [
        (vec![job(None, 2)], true, false),
        (vec![completed], false, false),
        (vec![job(None, 2), job(Some(&["x"]), 1)], true, true),
    ] {
        let Reconciled::Inconclusive { is_running: runs, shows_addresses: shows } = reconciled(&["a"], None, jobs)
        else {
            panic!("an inconclusive list")
        };
        assert_eq!((runs, shows), (is_running, shows_addresses));
    }
}

#[test]
fn a_job_without_timestamps_is_inconclusive() {
    let timeless = ErasureJob { created_s: None, updated_s: None, state: JobState::Completed, ..job(Some(&["a"]), 1) };
    assert!(matches!(reconciled(&["a"], None, vec![timeless]), Reconciled::Inconclusive { .. }));
}

#[test]
fn a_job_from_before_the_first_attempt_with_an_unknown_status_is_inconclusive() {
    let state = JobState::Running { known: false };
    let unknown = |created_s| ErasureJob { state, created_s: Some(created_s), ..job(Some(&["a"]), 1) };
    let reconciled = |created_s| reconciled(&["a"], None, vec![unknown(created_s)]);
    assert!(matches!(reconciled(SINCE - 60), Reconciled::Inconclusive { .. }));
    assert!(matches!(reconciled(SINCE), Reconciled::Found(_)));
}

#[test]
fn a_job_that_ended_before_the_first_attempt_is_ignored() {
    let ended = ErasureJob { updated_s: Some(SINCE - 1), state: JobState::Completed, ..job(Some(&["a"]), 1) };
    assert!(matches!(reconciled(&["a"], None, vec![ended]), Reconciled::Absent { .. }));
}

#[test]
fn a_job_that_still_ran_at_the_first_attempt_is_found() {
    let older = ErasureJob { created_s: Some(SINCE - 60), ..job(Some(&["a"]), 1) };
    assert!(matches!(reconciled(&["a"], None, vec![older]), Reconciled::Found(_)));
}

fn remedy(reconciled: Reconciled, first_ago_s: u64, last_ago_s: u64) -> Option<Remedy> {
    let now_s = SINCE * 10;
    let attempts = Attempts { first_at: now_s.saturating_sub(first_ago_s), last_at: now_s.saturating_sub(last_ago_s) };
    conclude(reconciled, &attempts, now_s).err()
}

#[test]
fn absence_is_proved_two_minutes_after_the_last_attempt_by_a_list_that_reaches_back() {
    let absent = |reaches_back| Reconciled::Absent { reaches_back };
    assert_eq!(remedy(absent(true), 500, 20), Some(Remedy::Retry(120_000)));
    assert_eq!(remedy(absent(true), 7_200, 120), None);
    assert_eq!(remedy(absent(false), 3_599, 120), None);
    assert_eq!(remedy(absent(false), 3_600, 120), Some(Remedy::Operator));
}

#[test]
fn an_inconclusive_list_is_read_again_while_it_can_change_and_then_needs_an_operator() {
    let inconclusive = |is_running, shows_addresses| Reconciled::Inconclusive { is_running, shows_addresses };
    assert_eq!(remedy(inconclusive(true, true), 3_599, 120), Some(Remedy::Retry(NEXT_LOOK_MS)));
    assert_eq!(remedy(inconclusive(true, true), 3_600, 120), Some(Remedy::Operator));
    assert_eq!(remedy(inconclusive(true, false), 599, 120), Some(Remedy::Retry(NEXT_LOOK_MS)));
    assert_eq!(remedy(inconclusive(true, false), 600, 120), Some(Remedy::Operator));
    assert_eq!(remedy(inconclusive(false, true), 119, 119), Some(Remedy::Retry(NEXT_LOOK_MS)));
    assert_eq!(remedy(inconclusive(false, true), 120, 120), Some(Remedy::Operator));
}

#[test]
fn a_list_that_was_not_read_never_needs_an_operator() {
    assert_eq!(remedy(Reconciled::NotRead, 90_000, 80_000), Some(Remedy::Retry(NEXT_SCAN_MS)));
    assert_eq!(remedy(Reconciled::Overlapping, 200, 200), Some(Remedy::Operator));
}

#[test]
fn every_request_of_a_group_finds_the_job_whichever_requests_are_retried_with_it() {
    let requests = [addresses(&["a"]), addresses(&["b", "c"]), addresses(&["d"])];
    let group = || job(Some(&["a", "b", "c", "d"]), 4);
    for retried in [vec![0, 1, 2], vec![1], vec![2, 0]] {
        let windows: Vec<(&[EmailAddress], u64)> = retried.iter().map(|n| (requests[*n].as_slice(), SINCE)).collect();
        let found = reconciled_together(&windows, None, vec![job(Some(&["x"]), 1), group()], &scan());
        assert!(
            found.iter().all(|one| matches!(one, Reconciled::Found(found) if found.addresses == group().addresses))
        );
    }
}

#[test]
fn one_request_that_finds_its_job_does_not_end_the_search_for_another() {
    let (ada, bob) = (addresses(&["a"]), addresses(&["b"]));
    let windows: [(&[EmailAddress], u64); 2] = [(&ada, SINCE), (&bob, SINCE)];
    let of_bob = ErasureJob { id: "OP-2".to_owned(), ..job(Some(&["b"]), 1) };
    let found = reconciled_together(&windows, None, vec![job(Some(&["a"]), 1), of_bob], &scan());
    let ids: Vec<&str> =
        found.iter().map(|one| if let Reconciled::Found(found) = one { found.id.as_str() } else { "none" }).collect();
    assert_eq!(ids, ["OP-1", "OP-2"]);
}

#[test]
fn an_old_attempt_for_which_the_list_is_too_long_does_not_keep_a_recent_one_from_an_answer() {
    let (old, recent) = (addresses(&["a"]), addresses(&["b"]));
    let windows: [(&[EmailAddress], u64); 2] = [(&old, SINCE - 90_000), (&recent, SINCE)];
    let listed = ErasureJob { created_s: Some(SINCE - 700), ..job(Some(&["x"]), 1) };
    let cut = Scan { complete: false, stuck: true, read_back_to_s: Some(SINCE - 700), ..scan() };
    let found = reconciled_together(&windows, None, vec![listed], &cut);
    assert!(matches!(found[..], [Reconciled::Inconclusive { .. }, Reconciled::Absent { reaches_back: true }]));
}

#[test]
fn a_job_for_fewer_addresses_is_ruled_out_unless_qualtrics_may_have_rejected_some_of_them() {
    let hidden = || vec![job(None, 1)];
    assert!(matches!(reconciled(&["a", "b"], Some("UR_1"), hidden()), Reconciled::Absent { .. }));
    // An address without a spelling in ASCII may not be counted.
    assert!(matches!(reconciled(&["a", "zo\u{e9}"], Some("UR_1"), hidden()), Reconciled::Inconclusive { .. }));
    assert!(matches!(reconciled(&["a", "b", "zo\u{e9}"], Some("UR_1"), hidden()), Reconciled::Absent { .. }));
}

#[test]
fn a_group_whose_list_is_cut_or_masked_is_inconclusive_for_a_request_in_its_middle() {
    let cut = || ErasureJob { requested: Some(3), ..job(Some(&["a"]), 3) };
    let masked = || {
        let mut job = job(Some(&["a", "b", "c"]), 3);
        if let Some(addresses) = &mut job.addresses {
            addresses.readable.clear();
            addresses.all_readable = false;
        }
        job
    };
    for hiding in [cut(), masked(), job(None, 3)] {
        assert!(matches!(reconciled(&["b"], Some("UR_1"), vec![hiding]), Reconciled::Inconclusive { .. }));
    }
}
