//! Requests with injected faults. Every call returns a typed error or the right result, and a host that only applies the remedies
//! completes every request.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use privacy_host::contract::{
    Content, DeletionMode, Document, Error, Finding, Outcome, Remedy, Report, Right, SourceState,
};
use qualtrics_simulator::{
    Brand, Call, Dialects, Endpoint, Fault, FaultRule, Occurrence, Options, SAMPLE_PERSON, Simulator, Transaction,
    WaitHint,
};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::fixture::{Fixture, assert_outcome, assert_unrelated_server_is_unused, email, request, request_for};
use crate::host::{Host, LONGER_THAN_TIMEOUT, assert_call_duration, with_delays};
use crate::leaks::{assert_no_log_leaks, capture_logs, loggable_check};
use crate::markers::{assert_no_leaks, with_markers};
use crate::opt_outs::{WRITER, contacts_without_marks};
use crate::remedies::{Purpose, Row, has_requested_delay, rows, status_of};

/// The limit of a case in real time. Its clock is simulated: a case takes milliseconds.
const MAX_CASE: Duration = Duration::from_secs(60);

/// A sequence of calls of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    Check,
    Access,
    /// Reads the documents of an access request, each chunk on a new instance.
    Read,
    Delete(DeletionMode),
    OptOut,
}

pub const FLOWS: [Flow; 7] = [
    Flow::Check,
    Flow::Access,
    Flow::Read,
    Flow::Delete(DeletionMode::Preview),
    Flow::Delete(DeletionMode::Erase),
    Flow::Delete(DeletionMode::EraseAndVerify),
    Flow::OptOut,
];

/// Whether requests to an endpoint start jobs. Other requests may be repeated.
pub fn starts_a_job(endpoint: Endpoint) -> bool {
    matches!(endpoint, Endpoint::ErasureCreate | Endpoint::ExportCreate)
}

/// Whether the connector has to wait for its time-out.
pub fn is_silent(fault: &Fault) -> bool {
    matches!(fault, Fault::SilenceBeforeEffect | Fault::SilenceAfterEffect | Fault::StalledAnswer)
}

/// Whether a report may be partial because a source failed permanently.
fn may_be_partial(affected: &[Call], rules: &[FaultRule]) -> bool {
    let is_permanent = |rule: &FaultRule| match (&rule.fault, status_of(&rule.fault)) {
        // One 401 may be due to an expired token. A second one is a rejection.
        (_, Some(401)) => !matches!(rule.occurrence, Occurrence::Nth(_)),
        (_, Some(511)) => true,
        (_, Some(408 | 409 | 425 | 429 | 500..)) => false,
        (_, Some(_)) => true,
        (Fault::Redirect(..) | Fault::RedirectAfterEffect(..), _) => true,
        (Fault::HugeBody | Fault::RepeatedCursor | Fault::IgnoredFilter | Fault::Html | Fault::Member(..), _) => true,
        _ => false,
    };
    let is_of_a_source = |call: &Call| {
        matches!(
            call.endpoint,
            Endpoint::Directories
                | Endpoint::ContactSearch
                | Endpoint::Contact
                | Endpoint::ContactHistory
                | Endpoint::ContactTransactions
                | Endpoint::Users
                | Endpoint::ContactUpdate
                | Endpoint::ExportFile
        )
    };
    rules.iter().any(is_permanent) && affected.iter().any(is_of_a_source)
}

/// Whether a faulty response may mean that an optional scope is not granted, so that the report lacks what it is for.
fn may_be_refused(affected: &[Call], rules: &[FaultRule]) -> bool {
    let is_refusal = |rule: &FaultRule| matches!(status_of(&rule.fault), Some(400 | 401 | 403));
    let is_optional =
        |call: &Call| matches!(call.endpoint, Endpoint::Token | Endpoint::Users | Endpoint::ContactTransactions);
    rules.iter().any(is_refusal) && affected.iter().any(is_optional)
}

/// Whether a faulty response may be taken for a file. A file may have any content, so every complete response with a success status
/// looks like one.
fn may_pass_as_a_file(affected: &[Call], rules: &[FaultRule]) -> bool {
    let passes = |fault: &Fault| {
        matches!(
            fault,
            Fault::LengthTooShort
                | Fault::Html
                | Fault::EmptyBody
                | Fault::JsonArray
                | Fault::JsonString
                | Fault::JsonNumber
                | Fault::DeepJson
                | Fault::HugeBody
                | Fault::InvalidUtf8
                | Fault::UnaskedGzip
                | Fault::Foreign(200, _)
                | Fault::ForeignAfterEffect(200, _)
        )
    };
    rules.iter().any(|rule| passes(&rule.fault)) && affected.iter().any(|call| call.endpoint == Endpoint::ExportFile)
}

async fn fixture_of(dialects: &str) -> Fixture {
    // A history has several pages, so that it is a remote document.
    let dialects = format!("{dialects},history-pages-of-two");
    let options = Options {
        dialects: Dialects::parse(&dialects).expect("dialects"),
        erasure_duration: Duration::from_secs(40),
        export_duration: Duration::from_secs(40),
        ..Options::default()
    };
    let fixture = Fixture::with_options(with_markers(Brand::sample().past_erasures(120)), options, &WRITER).await;
    fixture.grant_optional();
    fixture.simulator.with_brand(|brand| {
        let contacts = brand.directories.iter_mut().flat_map(|directory| &mut directory.contacts);
        for contact in contacts.filter(|contact| contact.email.as_deref() == Some(SAMPLE_PERSON)) {
            contact.transactions.push(Transaction { id: "CTR_1".to_owned(), ..Transaction::default() });
        }
    });
    fixture
}

/// The documents of the sample person: the export, two contacts, and three lists of each.
const DOCUMENTS: usize = 9;

/// The IDs of the contacts, responses and users of other people.
pub fn ids_of_others(simulator: &Simulator) -> Vec<String> {
    simulator.with_brand(|brand| {
        let contacts = brand.directories.iter().flat_map(|directory| &directory.contacts);
        let contacts = contacts.filter(|contact| contact.email.as_deref() != Some(SAMPLE_PERSON));
        let responses = brand.responses.iter().filter(|response| response.email.as_deref() != Some(SAMPLE_PERSON));
        let users = brand.users.iter().map(|user| user.id.clone());
        contacts.map(|one| one.id.clone()).chain(responses.map(|one| one.id.clone())).chain(users).collect()
    })
}

/// A flow with injected faults.
#[derive(Clone, Debug)]
pub struct Case {
    pub flow: Flow,
    pub dialects: &'static str,
    /// Whether the simulator refuses connections until the host has waited.
    pub refuses_connections: bool,
    pub faults: Vec<FaultRule>,
}

/// The result of a case.
pub struct CaseResult {
    calls: Vec<Call>,
    /// The rows of the table that its errors match.
    rows: BTreeSet<Row>,
}

impl Case {
    pub fn of(flow: Flow, faults: Vec<FaultRule>) -> Self {
        Self { flow, dialects: "", refuses_connections: false, faults }
    }

    /// Runs the flow to its end and asserts the result.
    async fn run(self) -> CaseResult {
        let Self { flow, dialects, .. } = self;
        let mut fixture = fixture_of(dialects).await;
        let before = ids_of_others(&fixture.simulator);
        let (mut log, mut errors, mut found) = (Vec::new(), Vec::new(), None);
        let documents = if flow == Flow::Read { Some(self.documents(&mut fixture).await) } else { None };
        fixture.simulator.clear_calls();
        fixture.simulator.set_faults(self.faults.clone());
        if self.refuses_connections {
            fixture.simulator.refuse_connections().await;
        }
        let has_silence = self.faults.iter().any(|rule| is_silent(&rule.fault));
        let mut host = Host::new(&mut fixture);
        host.fault_delay = Some(if has_silence { LONGER_THAN_TIMEOUT } else { Duration::ZERO });
        match flow {
            Flow::Check => {
                let fault_delay = host.fault_delay.take().unwrap_or_default();
                self.check(&mut fixture, fault_delay, &mut log, &mut errors).await;
            }
            Flow::Access => {
                found = Some(self.access(&mut host).await);
                (log, errors) = (host.log, host.errors);
            }
            Flow::Read => {
                self.read(&mut host, documents.unwrap_or_default()).await;
                (log, errors) = (host.log, host.errors);
            }
            Flow::OptOut => {
                self.opt_out(&mut host).await;
                (log, errors) = (host.log, host.errors);
            }
            Flow::Delete(mode) => {
                self.delete(&mut host, mode).await;
                (log, errors) = (host.log, host.errors);
            }
        }
        assert_eq!(ids_of_others(&fixture.simulator), before, "{self:?}");
        let calls = fixture.simulator.calls();
        assert_no_leaks(&format!("{self:?}"), &log, &calls);
        assert_unrelated_server_is_unused();
        let result = CaseResult { rows: self.rows(&calls, &errors), calls };
        if let Some(found) = found {
            self.assert_complete_once_repeated(&mut fixture, &found).await;
        }
        result
    }

    /// Asserts that the same request without faults has a complete report. If the report under faults is complete, it has the same
    /// contacts. Otherwise it names the missing source.
    async fn assert_complete_once_repeated(&self, fixture: &mut Fixture, found: &Report) {
        fixture.simulator.set_faults(Vec::new());
        fixture.simulator.accept_connections().await;
        // An instance does not ask again at once for an optional scope that was refused.
        fixture.renew_instance().await;
        let mut host = Host::new(fixture);
        host.fault_delay = Some(Duration::ZERO);
        let complete = host.access_report(&request("request-2", vec![email(SAMPLE_PERSON)])).await;
        assert_outcome(&complete, Outcome::Found);
        assert_eq!(complete.documents.len(), DOCUMENTS, "{self:?}");
        if found.outcome == Outcome::Found {
            assert_eq!(contacts(&mut host, found).await, contacts(&mut host, &complete).await, "{self:?}");
        } else {
            let is_missing = |finding: &Finding| finding.state != SourceState::Searched && finding.code.is_some();
            assert!(found.findings.iter().any(is_missing), "{self:?}: {:?}", found.findings);
        }
    }

    fn purpose(&self, call: &Call) -> Purpose {
        match call.endpoint {
            Endpoint::ExportCreate => Purpose::StartReading,
            Endpoint::ErasureCreate if self.flow == Flow::Delete(DeletionMode::Preview) => Purpose::StartReading,
            Endpoint::ErasureCreate if call.body.0["searchOnly"] == true => Purpose::StartReading,
            Endpoint::ErasureCreate => Purpose::StartErasure,
            _ => Purpose::Read,
        }
    }

    /// The rows of the table that the errors match. Each error must match a row of a fault that occurred.
    fn rows(&self, calls: &[Call], errors: &[Error]) -> BTreeSet<Row> {
        let mut allowed: BTreeSet<Row> = self.refuses_connections.then_some(Row::Transient).into_iter().collect();
        for call in calls.iter().filter(|call| call.faulty) {
            for rule in self.faults.iter().filter(|rule| rule.endpoint.is_none_or(|wanted| wanted == call.endpoint)) {
                let purpose = self.purpose(call);
                allowed.extend(rows(&rule.fault, call.endpoint, purpose, self.flow == Flow::Check));
            }
        }
        let mut found = BTreeSet::new();
        for error in errors {
            let matching: Vec<Row> = allowed.iter().copied().filter(|row| row.matches(error)).collect();
            assert!(!matching.is_empty(), "{self:?}: none of {allowed:?}: {error:?}");
            found.extend(matching);
            assert!(self.faults.iter().all(|rule| has_requested_delay(&rule.fault, error)), "{self:?}: {error:?}");
        }
        found
    }

    async fn check(
        &self,
        fixture: &mut Fixture,
        fault_delay: Duration,
        log: &mut Vec<String>,
        errors: &mut Vec<Error>,
    ) {
        loop {
            let Fixture { simulator, instance, .. } = &mut *fixture;
            let call = instance.check(&[Right::Access, Right::Deletion, Right::OptOut]);
            let started = simulator.clock().monotonic();
            let result = with_delays(simulator, fault_delay, call).await;
            assert_call_duration(simulator, started);
            let result = result.unwrap_or_else(|error| panic!("{self:?}: {error:?}"));
            log.push(loggable_check(&result));
            let Err(error) = result else { return };
            assert!(errors.len() < 20, "{self:?}: {error:?}");
            match error.remedy {
                Remedy::Retry(ms) => {
                    fixture.simulator.accept_connections().await;
                    fixture.advance(Duration::from_millis(ms));
                }
                Remedy::Operator => fixture.simulator.set_faults(Vec::new()),
                Remedy::Restart | Remedy::GiveUp => panic!("{self:?}: {error:?}"),
            }
            errors.push(error);
        }
    }

    /// The requests that a fault affected.
    fn affected(&self, host: &Host<'_>) -> Vec<Call> {
        host.fixture.simulator.calls().into_iter().filter(|call| call.faulty).collect()
    }

    async fn access(&self, host: &mut Host<'_>) -> Report {
        let expected = host.fixture.simulator.expected_export(&[SAMPLE_PERSON]).remove(0).content.to_vec();
        loop {
            let report = host.access_report(&request_for(SAMPLE_PERSON)).await;
            let affected = self.affected(host);
            let is_partial = report.outcome == Outcome::Partial && may_be_partial(&affected, &self.faults);
            assert!(
                is_partial || report.outcome == Outcome::Found,
                "{self:?}: {:?} {:#?}",
                report.outcome,
                report.findings
            );
            if may_pass_as_a_file(&affected, &self.faults) {
                return report;
            }
            let lacks_optional = may_be_refused(&affected, &self.faults);
            assert!(
                is_partial || lacks_optional || report.documents.len() == DOCUMENTS,
                "{self:?}: {:?}",
                report.findings
            );
            let export = report.documents.iter().find(|document| document.source == "survey-responses");
            assert!(is_partial || export.is_some(), "{self:?}: no export");
            let Some(export) = export else { return report };
            if let Some(bytes) = host.bytes(export).await {
                assert!(bytes == expected, "{self:?}: the content differs from that of Qualtrics");
                return report;
            }
        }
    }

    /// Remote documents with their content.
    async fn documents(&self, fixture: &mut Fixture) -> Vec<(Document, Vec<u8>)> {
        // Contacts that cannot be read for the report become remote documents.
        let unavailable = FaultRule::every(Endpoint::Contact, Fault::Status(503, WaitHint::None));
        fixture.simulator.set_faults(vec![unavailable]);
        let mut host = Host::new(fixture);
        host.fault_delay = Some(Duration::ZERO);
        let report = host.access_report(&request_for(SAMPLE_PERSON)).await;
        host.fixture.simulator.set_faults(Vec::new());
        assert_eq!((report.outcome, report.documents.len()), (Outcome::Found, DOCUMENTS), "{self:?}");
        let mut documents = Vec::new();
        for document in report.documents {
            let bytes = host.bytes(&document).await.expect("a readable document");
            documents.push((document, bytes));
        }
        documents
    }

    async fn read(&self, host: &mut Host<'_>, documents: Vec<(Document, Vec<u8>)>) {
        (host.renews_instances, host.chunk_bytes) = (true, 700);
        let mut documents = documents;
        for index in 0..documents.len() {
            let (document, expected) = documents[index].clone();
            let bytes = match host.bytes(&document).await {
                Some(bytes) => bytes,
                None => {
                    // The reference is no longer valid, so the request is started again.
                    documents = self.documents(host.fixture).await;
                    host.fixture.renew_instance().await;
                    host.bytes(&documents[index].0).await.expect("a new reference")
                }
            };
            // The members of a contact are written as they arrive.
            let is_changed = |rule: &FaultRule| {
                matches!(rule.fault, Fault::NumbersAsStrings | Fault::NumbersReplaced(_) | Fault::Member(..))
            };
            assert!(
                bytes == expected || self.faults.iter().any(is_changed),
                "{self:?}: the content differs from that of Qualtrics"
            );
        }
    }

    /// Whatever happens, no contact loses anything, and a report of success is true. The request can be repeated.
    async fn opt_out(&self, host: &mut Host<'_>) {
        let before = contacts_without_marks(&host.fixture.simulator);
        let report = host.opt_out_report(&request_for(SAMPLE_PERSON)).await;
        let is_partial = report.outcome == Outcome::Partial && may_be_partial(&self.affected(host), &self.faults);
        assert!(
            is_partial || report.outcome == Outcome::OptedOut,
            "{self:?}: {:?} {:#?}",
            report.outcome,
            report.findings
        );
        let opted_out = host.fixture.simulator.holdings(SAMPLE_PERSON).opted_out;
        assert!(opted_out == 2 || is_partial, "{self:?}: only {opted_out} contacts are opted out");
        assert!(report.receipt.jobs.len() <= opted_out, "{self:?}: {:?}", report.receipt.jobs);
        host.fixture.simulator.set_faults(Vec::new());
        let repeated = host.opt_out_report(&request("request-2", vec![email(SAMPLE_PERSON)])).await;
        assert_eq!(repeated.outcome, Outcome::OptedOut, "{self:?}: {:#?}", repeated.findings);
        assert_eq!(contacts_without_marks(&host.fixture.simulator), before, "{self:?}");
    }

    async fn delete(&self, host: &mut Host<'_>, mode: DeletionMode) {
        let expected = match mode {
            DeletionMode::Preview => Outcome::Previewed,
            DeletionMode::Erase => Outcome::Deleted,
            DeletionMode::EraseAndVerify => Outcome::Verified,
        };
        let report = host.delete_report(&request_for(SAMPLE_PERSON), mode).await;
        let is_partial = report.outcome == Outcome::Partial && may_be_partial(&self.affected(host), &self.faults);
        assert!(is_partial || report.outcome == expected, "{self:?}: {:?} {:#?}", report.outcome, report.findings);
        let erasures = usize::from(mode != DeletionMode::Preview);
        assert_eq!(host.fixture.erasures_of(SAMPLE_PERSON), erasures, "{self:?}");
        assert_eq!(host.fixture.simulator.holdings(SAMPLE_PERSON).is_empty(), erasures == 1, "{self:?}");
        if erasures == 1 {
            let jobs = host.fixture.simulator.erasures();
            let erasure =
                jobs.iter().find(|job| !job.search_only && job.emails == [SAMPLE_PERSON]).expect("the erasure");
            assert_eq!(report.receipt.jobs[0].id, erasure.id, "{self:?}");
        }
    }
}

/// For each contact of a report, the members that do not depend on the endpoint.
async fn contacts(host: &mut Host<'_>, report: &Report) -> Vec<Vec<Value>> {
    let mut contacts = Vec::new();
    for document in report.documents.iter().filter(|document| document.source.starts_with("directory:")) {
        let bytes = match &document.content {
            Content::Inline(bytes) => bytes.clone(),
            Content::Remote(_) => host.bytes(document).await.expect("a readable document"),
        };
        let contact: Value = serde_json::from_slice(&bytes).expect("JSON");
        let members = ["contactId", "directoryId", "firstName", "lastName", "email", "phone", "extRef", "embeddedData"];
        contacts.push(members.map(|member| contact[member].clone()).to_vec());
    }
    contacts
}

/// Runs cases concurrently, and prints their number and duration. Returns the rows of the table that their errors match.
pub async fn run_all(name: &str, cases: Vec<Case>) -> BTreeSet<Row> {
    capture_logs();
    let started = Instant::now();
    let count = cases.len();
    let permits = Arc::new(Semaphore::new(12));
    let mut running = JoinSet::new();
    for case in cases {
        let permit = permits.clone().acquire_owned().await.expect("an open semaphore");
        running.spawn(async move {
            let result = tokio::time::timeout(MAX_CASE, case.clone().run()).await;
            drop(permit);
            result.unwrap_or_else(|_| panic!("{case:?} does not end"))
        });
    }
    let (mut failed, mut rows) = (0, BTreeSet::new());
    while let Some(finished) = running.join_next().await {
        match finished {
            Ok(result) => rows.extend(result.rows),
            Err(_) => failed += 1,
        }
    }
    let lines = assert_no_log_leaks();
    // Written directly, because the test harness captures the output of a passing test.
    let _ = writeln!(
        std::io::stdout(),
        "{name}: {count} cases in {:.1} s, {lines} distinct lines logged",
        started.elapsed().as_secs_f64()
    );
    assert_eq!(failed, 0, "of {count} cases");
    rows
}

/// The calls of a flow without faults.
pub async fn calls_of(flow: Flow) -> Vec<Endpoint> {
    let calls = Case::of(flow, Vec::new()).run().await.calls;
    let endpoints: Vec<Endpoint> = calls.into_iter().map(|call| call.endpoint).collect();
    assert!(!endpoints.contains(&Endpoint::Unknown), "an unknown endpoint was called");
    endpoints
}

/// How often each endpoint is called.
pub fn counted(endpoints: Vec<Endpoint>) -> BTreeMap<Endpoint, u32> {
    let mut counted = BTreeMap::new();
    for endpoint in endpoints {
        *counted.entry(endpoint).or_default() += 1;
    }
    counted
}
