//! Whole calls with arbitrary responses.

use std::collections::BTreeMap;

use qualtrics_connector::contract::{Attempts, DeletionMode, Error, ErrorKind, Progress, Remedy, Request, Right, Task};
use qualtrics_connector::http::retry::MAX_DELAY_MS;
use qualtrics_connector::privacy::connector::Connector;
use qualtrics_connector::qualtrics::connector::QualtricsConnector;

use super::files::request;
use super::has_no_private_data;
use super::vendor::{Exchange, Vendor};

/// The responses of a script: status, `Retry-After`, body. They repeat after the last one.
pub type Responses = Vec<(u16, Option<u8>, Vec<u8>)>;

/// A call of a list function.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    Access,
    Preview,
    Erase,
    Reconcile,
    OptOut,
    Poll,
}

/// Checks that each call returns one result per element for any response, that errors are typed and contain no private data, and that a
/// request is erased at most once, unless an earlier attempt provably started nothing.
pub fn calls(responses: Responses, steps: &[u8]) {
    if responses.is_empty() {
        return;
    }
    let mut next = 0;
    let vendor = Vendor::new(move |request, _| {
        // The token is always valid, because without it the connector sends no other request.
        if request.path == "/oauth2/token" {
            return Exchange::token();
        }
        let (status, delay_s, body) = &responses[next % responses.len()];
        next += 1;
        let exchange = Exchange::response(100 + status % 500, body.clone());
        match delay_s {
            Some(delay_s) => exchange.with_header("retry-after", &delay_s.to_string()),
            None => exchange,
        }
    });
    let mut connector = vendor.connector();
    let mut tickets: BTreeMap<String, (Request, String)> = BTreeMap::new();
    for step in steps.iter().take(12) {
        let call = match step % 8 {
            0 => Call::Access,
            1 => Call::Preview,
            2 => Call::Erase,
            3 => Call::Reconcile,
            4 => {
                let checked = connector.check(vec![Right::Access, Right::Deletion]);
                checked.err().iter().for_each(assert_typed);
                continue;
            }
            5 => {
                connector = vendor.connector();
                vendor.advance_ms(u64::from(*step) * 10_000);
                continue;
            }
            6 if step % 16 == 6 => Call::OptOut,
            _ => Call::Poll,
        };
        // Two requests, which sometimes have the same ID.
        let ids = ["first", if step % 5 == 4 { "first" } else { "second" }];
        one_call(&vendor, &mut connector, &mut tickets, call, ids);
    }
}

fn one_call(
    vendor: &Vendor,
    connector: &mut QualtricsConnector,
    tickets: &mut BTreeMap<String, (Request, String)>,
    call: Call,
    ids: [&str; 2],
) {
    let before = vendor.count();
    let now_s = vendor.now_s();
    let attempts = (call == Call::Reconcile).then_some(Attempts { first_at: now_s, last_at: now_s });
    let mut requests: Vec<Request> = ids.iter().map(|id| Request { attempts, ..request(id) }).collect();
    let results = match call {
        Call::Access => connector.access(requests.clone()),
        Call::Preview => connector.delete(requests.clone(), DeletionMode::Preview),
        Call::Erase => connector.delete(requests.clone(), DeletionMode::Erase),
        Call::Reconcile => connector.delete(requests.clone(), DeletionMode::EraseAndVerify),
        Call::OptOut => connector.opt_out(requests.clone()),
        Call::Poll => {
            let known = ids.iter().filter_map(|id| tickets.get(*id));
            let tasks: Vec<Task> =
                known.map(|(request, ticket)| Task { request: request.clone(), ticket: ticket.clone() }).collect();
            requests = tasks.iter().map(|task| task.request.clone()).collect();
            connector.poll(tasks)
        }
    };
    assert_eq!(results.len(), requests.len(), "one result per element");
    let has_duplicates = requests.len() == 2 && ids[0] == ids[1];
    let erases = matches!(call, Call::Erase | Call::Reconcile) && !has_duplicates;
    let sent = vendor.sent_since(before);
    assert!(sent.is_empty() || !has_duplicates, "requests with the same ID are not run");
    let unproven = sent.iter().filter(|sent| sent.erasure().is_some() && !sent.is_provably_rejected).count();
    let all = sent.iter().filter(|sent| sent.erasure().is_some()).count();
    assert!(erases || all == 0, "{all} erasures");
    let mut may_have_started = 0;
    for (request, result) in requests.into_iter().zip(results) {
        match result {
            Ok(Progress::Pending(pending)) => {
                may_have_started += 1;
                assert!((1..=MAX_DELAY_MS).contains(&pending.poll_after_ms));
                assert!(pending.percent.is_none_or(|percent| percent <= 100));
                tickets.insert(request.id.clone(), (request, pending.ticket));
            }
            Ok(Progress::Done(report)) => {
                may_have_started += usize::from(!report.receipt.jobs.is_empty());
                if let Some(ticket) = report.ticket {
                    tickets.insert(request.id.clone(), (request, ticket));
                }
            }
            Err(error) => {
                let is_unknown = error.kind == ErrorKind::OutcomeUnknown;
                may_have_started += usize::from(is_unknown);
                assert!(erases || !is_unknown, "only an erasure has an unknown outcome");
                assert!(!has_duplicates || error.kind == ErrorKind::InvalidRequest);
                assert_typed(&error);
            }
        }
    }
    assert!(!erases || unproven <= may_have_started, "{unproven} erasures, of which {may_have_started} were reported");
    assert!(all <= 6, "{all} erasures");
}

/// Checks that an error contains no private data and does not make a host loop.
fn assert_typed(error: &Error) {
    assert!(!error.message.is_empty());
    assert!(!matches!(error.remedy, Remedy::Retry(ms) if !(1_000..=MAX_DELAY_MS).contains(&ms)), "{error:?}");
    let printed = format!("{error:?}");
    assert!(has_no_private_data(&printed), "{printed}");
}
