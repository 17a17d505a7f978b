//! Every error status at every call, with and without Qualtrics' envelope, before and after the call takes effect. There is at most one
//! erasure, and a host that only applies the remedies completes every request.
//!
//! Every status from 400 to 599 is tested in each form at the request that starts an erasure and at every endpoint; flows and calls
//! alternate. The statuses that the connector distinguishes are tested in each form at every call of every flow.

use std::collections::BTreeMap;

use privacy_host::contract::DeletionMode;
use qualtrics_simulator::{Endpoint, Fault, FaultRule, ForeignBody, WaitHint};

use crate::fault_cases::{Case, FLOWS, Flow, calls_of, counted, run_all, starts_a_job};
use crate::faults::can_occur;
use crate::remedies::contradicts_itself;

/// Tested at every call: statuses that the connector distinguishes, that Qualtrics documents, that proxies send, and that are
/// unassigned.
pub const AT_EVERY_CALL: [u16; 22] =
    [400, 401, 402, 403, 404, 407, 408, 409, 410, 413, 415, 416, 422, 425, 429, 499, 500, 502, 503, 504, 520, 599];

/// The error responses with a status, with and without Qualtrics' envelope, before and after the call takes effect. Only a request that
/// starts a job has an effect.
pub fn errors(status: u16, endpoint: Endpoint) -> impl Iterator<Item = Fault> {
    let body = ForeignBody::ALL[usize::from(status) % ForeignBody::ALL.len()];
    let before = [Fault::Status(status, WaitHint::None), Fault::Foreign(status, body)];
    let after = [Fault::StatusAfterEffect(status, WaitHint::None), Fault::ForeignAfterEffect(status, body)];
    let after = after.into_iter().filter(move |_| starts_a_job(endpoint));
    before.into_iter().chain(after).filter(move |fault| can_occur(fault, endpoint))
}

/// A case for each error response to a call.
fn cases(
    flow: Flow,
    endpoint: Endpoint,
    n: u32,
    statuses: impl IntoIterator<Item = u16>,
) -> impl Iterator<Item = Case> {
    let errors = statuses.into_iter().flat_map(move |status| errors(status, endpoint));
    errors.map(move |error| Case::of(flow, vec![FaultRule::nth(endpoint, n, error)]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_error_status_of_the_erasure_request_leads_to_one_erasure() {
    let erase = Flow::Delete(DeletionMode::Erase);
    let mut all: Vec<Case> = cases(erase, Endpoint::ErasureCreate, 1, 400..=599).collect();
    // 200 statuses in two forms, before and after the effect. After it, seven rejections and both forms of 429 contradict themselves.
    assert_eq!(all.len(), 200 * 4 - 9);
    for status in AT_EVERY_CALL {
        for body in ForeignBody::ALL {
            let foreign = [Fault::Foreign(status, body), Fault::ForeignAfterEffect(status, body)];
            let foreign = foreign.into_iter().filter(|fault| !contradicts_itself(fault));
            all.extend(foreign.map(|fault| Case::of(erase, vec![FaultRule::nth(Endpoint::ErasureCreate, 1, fault)])));
        }
    }
    run_all("every status of an erasure", all).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_recovers_from_any_error_status_of_any_call_by_the_remedies_alone() {
    let mut all = Vec::new();
    let mut calls: BTreeMap<Endpoint, Vec<(Flow, u32)>> = BTreeMap::new();
    for flow in FLOWS {
        for (endpoint, count) in counted(calls_of(flow).await) {
            for n in 1..=count {
                all.extend(cases(flow, endpoint, n, AT_EVERY_CALL));
                calls.entry(endpoint).or_default().push((flow, n));
            }
        }
    }
    for (endpoint, calls) in calls {
        for status in (400..=599).filter(|status| !AT_EVERY_CALL.contains(status)) {
            let (flow, n) = calls[usize::from(status) % calls.len()];
            all.extend(cases(flow, endpoint, n, [status]));
        }
    }
    run_all("error statuses of every call", all).await;
}
