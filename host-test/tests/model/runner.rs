//! Runs a scenario, and checks every result.

use std::collections::BTreeSet;

use proptest::prelude::*;
use qualtrics_connector::contract::{
    Chunk, Content, DeletionMode, Error, ErrorKind, Outcome, Progress, Remedy, Request, Right, Stage, Task,
};
use qualtrics_connector::http::{Clock, Method};
use qualtrics_connector::privacy::connector::Connector;
use qualtrics_connector::qualtrics::connector::QualtricsConnector;

use super::promises::{self, Operation, duplicates, emails, is_invalid};
use super::scenario::{Position, Scenario, Spec, Step};
use crate::invariants::has_no_private_data;
use crate::invariants::vendor::{ORIGIN, Sent, Start, Vendor};

/// The maximum duration of a call, in milliseconds.
const MAX_CALL_MS: u64 = 60_000;

type Results = Vec<Result<Progress, Error>>;

/// A host that runs a scenario.
struct Runner {
    vendor: Vendor,
    position: Position,
    instance: QualtricsConnector,
    configured: usize,
    tickets: Vec<IssuedTicket>,
    references: Vec<String>,
    /// The stages of the polled tickets.
    polled: Vec<Stage>,
}

/// A ticket, and the fields of the result that contained it.
#[derive(Clone)]
struct IssuedTicket {
    request: Request,
    operation: Operation,
    ticket: String,
    /// `None` if the result was a report.
    stage: Option<Stage>,
    group: Option<String>,
    submitted_at: Option<u64>,
}

/// Runs a scenario. Returns the stages that were polled.
pub fn run(scenario: &Scenario) -> Result<Vec<Stage>, TestCaseError> {
    let (vendor, position) = scenario.vendor();
    let instance = vendor.connector_with(&settings(0));
    let (tickets, references, polled) = (Vec::new(), Vec::new(), Vec::new());
    let mut runner = Runner { vendor, position, instance, configured: 0, tickets, references, polled };
    scenario.steps.iter().try_for_each(|step| runner.step(step))?;
    Ok(runner.polled)
}

fn settings(number: usize) -> [(&'static str, &'static str); 2] {
    let guard = ["all-users", "own-account", "off"][number];
    let completion = ["wait-for-completion", "complete-on-submission", "wait-for-completion"][number];
    [("account-guard", guard), ("deletion-behavior", completion)]
}

impl Runner {
    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let (before, start_ms) = (self.vendor.count(), self.vendor.wall_ms());
        match step {
            Step::Wait(ms) => self.vendor.advance_ms(*ms),
            Step::NewInstance => self.instance = self.new_instance(),
            Step::Configure(number) => {
                self.configured = *number;
                let valid = crate::invariants::vendor::connection(&settings(*number));
                prop_assert!(self.instance.configure(valid).is_ok());
                prop_assert!(self.instance.configure(Vec::new()).is_err());
                prop_assert!(!self.instance.describe().capabilities.is_empty());
                prop_assert_eq!(self.vendor.count(), before, "configure and describe make no network calls");
            }
            Step::Check(rights) => self.check(rights)?,
            Step::Access(specs) => self.start(specs, Operation::Access)?,
            Step::Delete(specs, mode) => self.start(specs, Operation::Delete(*mode))?,
            Step::OptOut(specs) => self.start(specs, Operation::OptOut)?,
            Step::Poll(count, repeats) => self.poll(*count, *repeats)?,
            Step::Read(which, offset, limit) => self.read(which, *offset, *limit)?,
        }
        for sent in self.vendor.sent_since(before) {
            prop_assert!(has_no_private_data(&sent.request.path), "{}", sent.request.path);
        }
        let spent_ms = self.vendor.wall_ms() - start_ms;
        prop_assert!(matches!(step, Step::Wait(_)) || spent_ms <= MAX_CALL_MS, "{} ms", spent_ms);
        Ok(())
    }

    fn new_instance(&self) -> QualtricsConnector {
        self.vendor.connector_with(&settings(self.configured))
    }

    fn check(&mut self, rights: &[Right]) -> Result<(), TestCaseError> {
        let before = self.vendor.count();
        let result = self.instance.check(rights.to_vec());
        let sent = self.vendor.sent_since(before);
        prop_assert!(sent.iter().all(|sent| sent.start().is_none()), "a check starts no job");
        match result {
            Ok(connection) => {
                prop_assert!(!rights.is_empty());
                prop_assert_eq!(connection.egress, [ORIGIN]);
                let names: Vec<String> = self.instance.describe().permissions.into_iter().map(|one| one.name).collect();
                prop_assert!(connection.granted.iter().all(|name| names.contains(name)));
            }
            Err(error) => {
                promises::error(&error)?;
                prop_assert_eq!(error.kind == ErrorKind::InvalidRequest, rights.is_empty());
                prop_assert!(error.kind != ErrorKind::Unsupported);
                prop_assert!(![ErrorKind::OutcomeUnknown, ErrorKind::JobNotFound].contains(&error.kind));
                prop_assert!(error.remedy != Remedy::Restart);
            }
        }
        Ok(())
    }

    /// Starts requests in one call.
    fn start(&mut self, specs: &[Spec], operation: Operation) -> Result<(), TestCaseError> {
        let (before, now_s) = (self.vendor.count(), self.vendor.now_s());
        let requests: Vec<Request> = specs.iter().map(|spec| spec.request(now_s)).collect();
        let results = match operation {
            Operation::Access => self.instance.access(requests.clone()),
            Operation::Delete(mode) => self.instance.delete(requests.clone(), mode),
            Operation::OptOut => self.instance.opt_out(requests.clone()),
        };
        prop_assert_eq!(results.len(), requests.len(), "one result per element");
        let sent = self.vendor.sent_since(before);
        let is_duplicate = duplicates(&requests);
        let is_run: Vec<bool> = requests
            .iter()
            .zip(&is_duplicate)
            .map(|(request, is_duplicate)| !is_duplicate && !is_invalid(request, now_s))
            .collect();
        prop_assert!(is_run.contains(&true) || sent.is_empty(), "requests are sent although no request is valid");
        self.check_jobs(&sent, &requests, &is_run, operation)?;
        if operation.erases() {
            check_erasures(&sent, &requests, &is_run, &results)?;
        }
        for (index, result) in results.iter().enumerate() {
            match result {
                Err(error) if error.kind == ErrorKind::InvalidRequest => prop_assert!(!is_run[index]),
                // A call without remaining time does not validate the rest of its requests.
                Err(error) if error.kind == ErrorKind::RateLimited => prop_assert!(!is_duplicate[index]),
                _ => prop_assert!(is_run[index], "an invalid request was run"),
            }
            if let Err(error) = result {
                prop_assert!(error.remedy != Remedy::Restart, "a start has no ticket that could be spent");
                let may_be_unknown = operation.erases() && is_run[index];
                prop_assert!(may_be_unknown || error.kind != ErrorKind::OutcomeUnknown, "{:?}", operation);
                prop_assert!(error.kind != ErrorKind::JobNotFound && error.kind != ErrorKind::InvalidTicket);
                prop_assert!(error.kind != ErrorKind::Unsupported);
            }
        }
        for (request, result) in requests.into_iter().zip(results) {
            self.check_result(operation, request, result, None, now_s)?;
        }
        Ok(())
    }

    /// Checks that every started job covers the addresses of requests of the call as a whole, and is of a kind that the call may start.
    /// In mode `erase`, the settings form no groups but those of requests that share an address.
    fn check_jobs(
        &self,
        sent: &[Sent],
        requests: &[Request],
        is_run: &[bool],
        operation: Operation,
    ) -> Result<(), TestCaseError> {
        let run = || requests.iter().zip(is_run).filter(|(_, is_run)| **is_run).map(|(request, _)| emails(request));
        for start in sent.iter().filter_map(Sent::start) {
            match (operation, start) {
                (Operation::Access, Start::Export(covered)) => {
                    let is_single = |emails: &BTreeSet<String>| covered.len() == 1 && covered.is_subset(emails);
                    prop_assert!(run().any(|emails| emails == covered || is_single(&emails)));
                }
                (Operation::Delete(DeletionMode::Erase), Start::Erasure(covered)) => {
                    let is_union = is_union(&covered, run());
                    prop_assert!(
                        is_union && is_connected(&covered, run()),
                        "a deletion acts on its own identifiers only"
                    );
                }
                (Operation::Delete(DeletionMode::Preview), Start::Search(covered))
                | (Operation::Delete(DeletionMode::EraseAndVerify), Start::Erasure(covered)) => {
                    prop_assert!(is_union(&covered, run()), "a group acts on the identifiers of its requests only");
                }
                (_, start) => return Err(TestCaseError::fail(format!("{start:?} of {operation:?}"))),
            }
        }
        Ok(())
    }

    /// Polls twice with the same clock and the same responses: the results must be equal.
    fn poll(&mut self, count: usize, repeats: bool) -> Result<(), TestCaseError> {
        let mut ids = BTreeSet::new();
        let newest = self.tickets.iter().rev().filter(|given| repeats || ids.insert(given.request.id.clone()));
        let given: Vec<IssuedTicket> = newest.take(count).cloned().collect();
        let requests: Vec<Request> = given.iter().map(|given| given.request.clone()).collect();
        let tasks: Vec<Task> =
            given.iter().map(|given| Task { request: given.request.clone(), ticket: given.ticket.clone() }).collect();
        self.polled.extend(given.iter().filter_map(|given| given.stage));
        let (position, start_ms, before) = (self.position.get(), self.vendor.wall_ms(), self.vendor.count());
        let mut earlier: Option<Results> = None;
        for _ in 0..2 {
            self.position.set(position);
            self.vendor.set_ms(start_ms);
            self.instance = self.new_instance();
            let results = self.instance.poll(tasks.clone());
            prop_assert_eq!(results.len(), tasks.len(), "one result per element");
            for (is_duplicate, result) in duplicates(&requests).into_iter().zip(&results) {
                let is_invalid = result.as_ref().is_err_and(|error| error.kind == ErrorKind::InvalidRequest);
                prop_assert_eq!(is_invalid, is_duplicate, "{:?}", result);
            }
            if let Some(earlier) = earlier {
                prop_assert_eq!(&earlier, &results, "a repeated poll differs");
            }
            for (given, result) in given.iter().zip(results.clone()) {
                self.check_result(given.operation, given.request.clone(), result, Some(given), start_ms / 1_000)?;
            }
            earlier = Some(results);
        }
        // A poll may only start the searches that verify deletions, and those of previews that search alone.
        let of = |mode: DeletionMode| given.iter().filter(move |given| given.operation == Operation::Delete(mode));
        let verified = || of(DeletionMode::EraseAndVerify).map(|given| emails(&given.request));
        let previewed: Vec<BTreeSet<String>> = of(DeletionMode::Preview).map(|given| emails(&given.request)).collect();
        for start in self.vendor.sent_since(before).iter().filter_map(Sent::start) {
            let Start::Search(covered) = &start else {
                return Err(TestCaseError::fail(format!("{start:?} of a poll")));
            };
            prop_assert!(is_union(covered, verified()) || previewed.contains(covered), "{:?} of a poll", start);
        }
        Ok(())
    }

    fn read(&mut self, which: &prop::sample::Index, offset: u64, limit: u32) -> Result<(), TestCaseError> {
        if self.references.is_empty() {
            return Ok(());
        }
        let before = self.vendor.count();
        match self.instance.read(which.get(&self.references).clone(), offset, limit) {
            Ok(Chunk { bytes, last }) => {
                prop_assert!(bytes.len() <= (limit as usize).min(1_024 * 1_024) && (last || !bytes.is_empty()));
            }
            Err(error) => {
                let impossible = [ErrorKind::OutcomeUnknown, ErrorKind::InvalidTicket, ErrorKind::Unsupported];
                prop_assert!(!impossible.contains(&error.kind), "{:?}", error);
                promises::error(&error)?;
            }
        }
        let only_reads = |sent: &Sent| sent.request.method == Method::Get || sent.request.path == "/oauth2/token";
        prop_assert!(self.vendor.sent_since(before).iter().all(only_reads));
        Ok(())
    }

    /// Checks a result against the contract. `polled` is the ticket that was polled.
    fn check_result(
        &mut self,
        operation: Operation,
        request: Request,
        result: Result<Progress, Error>,
        polled: Option<&IssuedTicket>,
        called_at_s: u64,
    ) -> Result<(), TestCaseError> {
        let now_s = self.vendor.now_s();
        match result {
            Ok(Progress::Pending(pending)) => {
                promises::pending(operation, &pending, now_s)?;
                if let Some(polled) = polled {
                    let is_earlier_stage = polled.stage.is_some_and(|stage| stage > pending.stage);
                    prop_assert!(!is_earlier_stage, "from {:?} back to {:?}", polled.stage, pending.stage);
                    let (group, submitted_at) = (&pending.group, pending.submitted_at);
                    prop_assert!(
                        polled.stage.is_none() || (&polled.group, polled.submitted_at) == (group, submitted_at)
                    );
                }
                let (stage, group, submitted_at) = (Some(pending.stage), pending.group, pending.submitted_at);
                self.tickets.push(IssuedTicket {
                    request,
                    operation,
                    ticket: pending.ticket,
                    stage,
                    group,
                    submitted_at,
                });
            }
            Ok(Progress::Done(report)) => {
                promises::report(operation, &request, &report, (called_at_s, now_s))?;
                for document in report.documents {
                    if let Content::Remote(reference) = document.content {
                        self.references.push(reference);
                    }
                }
                if let Some(ticket) = report.ticket {
                    let submitted_at = report.receipt.submitted_at;
                    self.tickets.push(IssuedTicket {
                        request,
                        operation,
                        ticket,
                        stage: None,
                        group: None,
                        submitted_at,
                    });
                }
            }
            Err(error) => {
                promises::error(&error)?;
                if polled.is_some() {
                    let impossible = [ErrorKind::OutcomeUnknown, ErrorKind::InvalidTicket, ErrorKind::Unsupported];
                    prop_assert!(!impossible.contains(&error.kind), "{:?}", error);
                    // An accepted deletion must not be restarted.
                    prop_assert!(error.remedy != Remedy::Restart || !operation.erases(), "{:?}", error);
                }
            }
        }
        Ok(())
    }
}

/// Whether a job covers requests as a whole and nothing else.
fn is_union(covered: &BTreeSet<String>, requests: impl Iterator<Item = BTreeSet<String>>) -> bool {
    requests.filter(|emails| emails.is_subset(covered)).flatten().collect::<BTreeSet<String>>() == *covered
}

/// Whether the requests that this set contains are connected by addresses that they share.
fn is_connected(covered: &BTreeSet<String>, requests: impl Iterator<Item = BTreeSet<String>>) -> bool {
    let mut apart: Vec<_> = requests.filter(|emails| !emails.is_empty() && emails.is_subset(covered)).collect();
    let mut reached = apart.pop().unwrap_or_default();
    while let Some(index) = apart.iter().position(|emails| !emails.is_disjoint(&reached)) {
        reached.extend(apart.swap_remove(index));
    }
    apart.is_empty()
}

/// Checks that each request is erased at most once, unless an earlier attempt provably started nothing, and that no erasure is started for a
/// request whose result denies it.
fn check_erasures(
    sent: &[Sent],
    requests: &[Request],
    is_run: &[bool],
    results: &[Result<Progress, Error>],
) -> Result<(), TestCaseError> {
    let erasures: Vec<(BTreeSet<String>, bool)> =
        sent.iter().filter_map(|sent| Some((sent.erasure()?, sent.is_provably_rejected))).collect();
    let unproven = || erasures.iter().filter(|(_, is_rejected)| !is_rejected).map(|(covered, _)| covered);
    // The addresses of each request, and whether it may and must have started an erasure.
    let mut requested: Vec<(BTreeSet<String>, bool, bool)> = Vec::new();
    let has_attempts = requests.iter().any(|request| request.attempts.is_some());
    for ((request, result), _) in requests.iter().zip(results).zip(is_run).filter(|(_, is_run)| **is_run) {
        let (may_have_started, has_started) = match result {
            Ok(Progress::Pending(_)) => (true, true),
            Ok(Progress::Done(report)) => {
                let allowed = [Outcome::Refused, Outcome::Submitted];
                prop_assert!(allowed.contains(&report.outcome), "{:?} of a start", report.outcome);
                let is_submitted = report.outcome == Outcome::Submitted;
                (is_submitted, is_submitted)
            }
            Err(error) => (error.kind == ErrorKind::OutcomeUnknown, false),
        };
        // With attempts, the job may be an earlier one, which a request without any may join.
        requested.push((emails(request), may_have_started, has_started && !has_attempts));
    }
    for covered in unproven() {
        let may_have = requested.iter().filter(|(_, may_have_started, _)| *may_have_started);
        prop_assert!(
            is_union(covered, may_have.map(|(emails, ..)| emails.clone())),
            "an erasure that no result reports"
        );
    }
    for (emails, _, must) in requested.iter().filter(|(emails, ..)| !emails.is_empty()) {
        let related: Vec<bool> =
            requested.iter().filter(|(other, ..)| emails.is_subset(other)).map(|(_, may, _)| *may).collect();
        let may = related.iter().filter(|may| **may).count();
        let started = unproven().filter(|covered| emails.is_subset(covered)).count();
        prop_assert!(started <= may, "{} erasures, {} of which were reported", started, may);
        prop_assert!(started >= usize::from(*must), "a reported erasure was not started");
        let attempts = erasures.iter().filter(|(covered, _)| emails.is_subset(covered)).count();
        prop_assert!(attempts <= 9 * related.len(), "{} attempts", attempts);
    }
    Ok(())
}
