//! A simulated Qualtrics that accepted an erasure and no longer shows it, and a host that polls.

use std::collections::BTreeMap;

use proptest::prelude::*;
use qualtrics_connector::contract::{
    DeletionMode, Error, ErrorKind, Identifier, Outcome, Progress, Remedy, Request, Task,
};
use qualtrics_connector::http::{self, Method};
use qualtrics_connector::privacy::connector::Connector;
use serde_json::{Value, json};

use super::plausible::address;
use crate::invariants::vendor::{Exchange, START_MS, Start, Vendor};

/// A job that vanishes, and the polls of a host.
#[derive(Clone, Debug)]
pub struct VanishedJob {
    /// The status of requests for the job.
    status: u16,
    mode: DeletionMode,
    /// Whether searches still find data.
    has_data: bool,
    /// The additional delays before the polls, in milliseconds.
    delays_ms: Vec<u64>,
    /// Whether every poll uses a new instance.
    new_instances: bool,
}

/// Jobs that vanish.
pub fn vanished_jobs() -> impl Strategy<Value = VanishedJob> {
    (
        prop::sample::select(vec![400_u16, 404, 410, 422, 500]),
        prop::sample::select(vec![DeletionMode::Erase, DeletionMode::EraseAndVerify]),
        any::<bool>(),
        prop::collection::vec(prop_oneof![Just(0_u64), 0..1_000_000_u64, 0..40_000_000_u64], 0..30),
        any::<bool>(),
    )
        .prop_map(|(status, mode, has_data, delays_ms, new_instances)| VanishedJob {
            status,
            mode,
            has_data,
            delays_ms,
            new_instances,
        })
}

/// Starts a deletion and polls it to its end.
pub fn poll_to_end(vanished: &VanishedJob) -> Result<(), TestCaseError> {
    let vendor = vendor(vanished);
    let mut connector = vendor.connector();
    let subject = vec![Identifier::Email(address("a"))];
    let request = Request { id: "request-1".to_owned(), subject, attempts: None, overrides: Vec::new() };
    let mut progress = connector.delete(vec![request.clone()], vanished.mode).pop();
    prop_assert_eq!(vendor.erasures_since(0), 1);
    for poll in 0..400 {
        let pending = match progress {
            Some(Ok(Progress::Pending(pending))) => pending,
            Some(end) => return check_end(vanished, end),
            None => break,
        };
        vendor.advance_ms(pending.poll_after_ms + vanished.delays_ms.get(poll).copied().unwrap_or_default());
        if vanished.new_instances {
            connector = vendor.connector();
        }
        progress = connector.poll(vec![Task { request: request.clone(), ticket: pending.ticket }]).pop();
        prop_assert_eq!(vendor.erasures_since(0), 1, "a poll never starts a deletion");
        prop_assert!(vendor.sent_since(0).iter().all(|sent| !matches!(sent.start(), Some(Start::Export(_)))));
    }
    Err(TestCaseError::fail("the deletion does not end"))
}

fn check_end(vanished: &VanishedJob, end: Result<Progress, Error>) -> Result<(), TestCaseError> {
    match end {
        Ok(Progress::Done(report)) => {
            let is_verified = vanished.mode == DeletionMode::EraseAndVerify && !vanished.has_data;
            prop_assert!(is_verified, "unexpected outcome {:?}", report.outcome);
            prop_assert_eq!(report.outcome, Outcome::Verified);
            let job = report.receipt.jobs.iter().find(|job| job.operation == "erasure");
            prop_assert_eq!(job.map(|job| job.status.as_str()), Some("unknown"));
        }
        Err(error) => {
            prop_assert_eq!((error.kind, error.remedy), (ErrorKind::JobNotFound, Remedy::Operator));
            prop_assert!(
                vanished.mode == DeletionMode::Erase || vanished.has_data,
                "an error although the searches found nothing"
            );
        }
        Ok(Progress::Pending(_)) => prop_assert!(false, "the deletion is still pending"),
    }
    Ok(())
}

/// A vendor that accepts the erasure and never shows it. Searches complete and are shown.
fn vendor(vanished: &VanishedJob) -> Vendor {
    let VanishedJob { status, has_data, .. } = *vanished;
    let mut searches: BTreeMap<String, u64> = BTreeMap::new();
    Vendor::new(move |request: &http::Request, now_ms| {
        let path = request.path.split('?').next().unwrap_or_default().trim_start_matches("/API/v3").to_owned();
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let job = |id: &str, created_ms: u64| {
            let not_found = if has_data { json!([]) } else { json!([address("a")]) };
            json!({"requestId": id, "status": "Completed", "emailList": [address("a")], "numEmailsRequested": 1,
                "searchOnly": true, "emailsNotFound": not_found, "created": created_ms, "updated": created_ms})
        };
        match path.as_str() {
            "/oauth2/token" => Exchange::token(),
            "/whoami" => Exchange::success(&json!({"userId": "UR_1", "userName": "x@example.org", "brandId": "brand"})),
            "/users" => Exchange::success(&json!({"elements": []})),
            "/directories" => Exchange::success(&json!({"elements": [{"directoryId": "POOL_1"}]})),
            "/directories/POOL_1/contacts/search" => {
                let contact = json!({"id": "CID_1", "email": address("a")});
                Exchange::success(&json!({"elements": if has_data { vec![contact] } else { Vec::new() }}))
            }
            "/op-erase-personal-data" if request.method == Method::Post => {
                if body["searchOnly"] == json!(false) {
                    return Exchange::success(&json!({"requestId": "OP-1"}));
                }
                // Only searches after the deletion count as evidence, and creation times have whole seconds.
                let id = format!("S-{}", searches.len());
                searches.insert(id.clone(), now_ms + 2_000);
                Exchange::success(&json!({"requestId": id}))
            }
            "/op-erase-personal-data" => {
                let older = json!({"requestId": "OP-OLD", "status": "Completed", "emailList": [address("y")],
                    "numEmailsRequested": 1, "searchOnly": false, "created": START_MS - 100_000_000});
                let mut jobs: Vec<Value> = searches.iter().map(|(id, created_ms)| job(id, *created_ms)).collect();
                jobs.push(older);
                Exchange::success(&json!({ "elements": jobs }))
            }
            path => match path.strip_prefix("/op-erase-personal-data/").and_then(|id| searches.get_key_value(id)) {
                Some((id, created_ms)) => Exchange::success(&job(id, *created_ms)),
                None => Exchange::json(status, &json!({"meta": {"error": {"errorCode": "E_1"}}})),
            },
        }
    })
}
