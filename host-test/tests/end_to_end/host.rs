//! A host that knows nothing but the contract: it waits for as long as it is told, and applies remedies.

use std::time::Duration;

use host_test::host::contract::{
    Attempts, Content, DeletionMode, Document, Error, ErrorKind, Progress, Remedy, Report, Request, Task,
};
use host_test::simulator::Simulator;

use crate::fixture::Fixture;
use crate::leaks::loggable;

/// A request that has no final result after so many calls will never have one.
const MAX_CALLS: usize = 200;

/// Follows requests to their final result through errors of any kind.
pub struct Host<'f> {
    pub fixture: &'f mut Fixture,
    /// Whether every call runs on a new instance.
    pub renews_instances: bool,
    /// How many bytes of a document are read at once.
    pub chunk_bytes: u32,
    /// By how much the clock advances for each of the connector's requests that a fault affects, see [`with_delays`]. `None`: the clock
    /// stands still during calls.
    pub fault_delay: Option<Duration>,
    /// Everything that the connector returned, as a host may log it.
    pub log: Vec<String>,
    /// The errors that it returned.
    pub errors: Vec<Error>,
}

impl<'f> Host<'f> {
    pub fn new(fixture: &'f mut Fixture) -> Self {
        Self {
            fixture,
            renews_instances: false,
            chunk_bytes: 1_024,
            fault_delay: None,
            log: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// With a new instance for every call, or one for all.
    pub fn renewing_instances(self, renews_instances: bool) -> Self {
        Self { renews_instances, ..self }
    }

    pub async fn delete_report(&mut self, request: &Request, mode: DeletionMode) -> Report {
        self.run(request, Some(mode)).await
    }

    pub async fn access_report(&mut self, request: &Request) -> Report {
        self.run(request, None).await
    }

    async fn run(&mut self, request: &Request, mode: Option<DeletionMode>) -> Report {
        let mut request = request.clone();
        let mut ticket: Option<String> = None;
        let mut started_at = self.fixture.now();
        for _ in 0..MAX_CALLS {
            if ticket.is_none() {
                started_at = self.fixture.now();
            }
            let result = self.call(&request, mode, ticket.as_deref()).await;
            self.log.push(loggable(&result));
            match result {
                Ok(Progress::Done(report)) => return report,
                Ok(Progress::Pending(pending)) => {
                    self.wait(pending.poll_after_ms).await;
                    ticket = Some(pending.ticket);
                }
                Err(error) => {
                    if error.kind == ErrorKind::OutcomeUnknown {
                        assert_eq!(ticket, None, "poll never fails with outcome-unknown");
                        assert!(mode.is_some_and(|mode| mode != DeletionMode::Preview), "only deletions do");
                        note_attempt(&mut request, started_at);
                    }
                    match error.remedy {
                        Remedy::Retry(ms) => self.wait(ms).await,
                        Remedy::Restart => {
                            assert!(ticket.take().is_some(), "only a ticket can be spent");
                            note_attempt(&mut request, started_at);
                        }
                        // The operator fixes the cause.
                        Remedy::Operator => self.fixture.simulator.set_faults(Vec::new()),
                        Remedy::GiveUp => panic!("no remedy for {error:?}"),
                    }
                    self.errors.push(error);
                }
            }
        }
        panic!("no final result after {MAX_CALLS} calls: {:#?}", self.log.last());
    }

    /// A document's bytes, read in chunks. `None` if its reference is spent, so that the request has to be started again.
    pub async fn bytes(&mut self, document: &Document) -> Option<Vec<u8>> {
        let reference = match &document.content {
            Content::Inline(bytes) => return Some(bytes.clone()),
            Content::Remote(reference) => reference,
        };
        let mut bytes = Vec::new();
        for _ in 0..MAX_CALLS {
            if self.renews_instances {
                self.fixture.renew_instance().await;
            }
            let Fixture { simulator, instance, .. } = &mut *self.fixture;
            let call = instance.read(reference, bytes.len() as u64, self.chunk_bytes);
            let result = timed(simulator, self.fault_delay, call).await;
            match result.expect("a result, whatever Qualtrics does") {
                Ok(chunk) => {
                    bytes.extend(&chunk.bytes);
                    if chunk.last {
                        return Some(bytes);
                    }
                }
                Err(error) => {
                    self.log.push(format!("{error:?}"));
                    let remedy = error.remedy;
                    self.errors.push(error);
                    match remedy {
                        Remedy::Retry(ms) => self.wait(ms).await,
                        Remedy::Restart => return None,
                        Remedy::Operator => self.fixture.simulator.set_faults(Vec::new()),
                        Remedy::GiveUp => panic!("no remedy for {:?}", self.errors.last()),
                    }
                }
            }
        }
        panic!("no end after {MAX_CALLS} chunks");
    }

    /// One call of the contract.
    pub async fn call(
        &mut self,
        request: &Request,
        mode: Option<DeletionMode>,
        ticket: Option<&str>,
    ) -> Result<Progress, Error> {
        if self.renews_instances {
            self.fixture.renew_instance().await;
        }
        let Fixture { simulator, instance, .. } = &mut *self.fixture;
        let requests = std::slice::from_ref(request);
        let call = async {
            match (ticket, mode) {
                (Some(ticket), _) => instance.poll(&[Task::new(request.clone(), ticket)]).await,
                (None, Some(mode)) => instance.delete(requests, mode).await,
                (None, None) => instance.access(requests).await,
            }
        };
        let results = timed(simulator, self.fault_delay, call).await;
        let mut results = results.expect("a result, whatever Qualtrics does");
        assert_eq!(results.len(), 1);
        results.remove(0)
    }

    /// Advances the clock. A simulator that stopped listening listens again.
    async fn wait(&mut self, ms: u64) {
        self.fixture.simulator.open_up().await;
        self.fixture.advance(Duration::from_millis(ms));
    }
}

/// Notes an attempt whose outcome is unknown. Later attempts do not change when the first one was started.
fn note_attempt(request: &mut Request, started_at: u64) {
    let first_at = request.attempts.as_ref().map_or(started_at, |attempts| attempts.first_at);
    request.attempts = Some(Attempts { first_at, last_at: started_at });
}

/// Longer than the connector waits for a response.
pub const LONGER_THAN_TIMEOUT: Duration = Duration::from_secs(31);

/// A whole call takes at most twice the time-out of a response. A fault delay of [`LONGER_THAN_TIMEOUT`] may be one too many.
const MAX_CALL_DURATION: Duration = Duration::from_secs(60 + 31 + 1);

/// Runs a call, with the clock advancing if there is a fault delay, and asserts that it does not take too long.
async fn timed<T>(simulator: &Simulator, fault_delay: Option<Duration>, call: impl Future<Output = T>) -> T {
    let started = simulator.clock().monotonic();
    let result = match fault_delay {
        Some(fault_delay) => with_delays(simulator, fault_delay, call).await,
        None => call.await,
    };
    assert_call_duration(simulator, started);
    result
}

/// A call that started then has not taken too long.
#[track_caller]
pub fn assert_call_duration(simulator: &Simulator, started: Duration) {
    let duration = simulator.clock().monotonic() - started;
    assert!(duration <= MAX_CALL_DURATION, "the call took {duration:?}");
}

/// Runs a call and advances the clock for a connector that waits: by `fault_delay` for each of its requests that a fault affects, and a
/// little whenever no sound response is in progress, because a connector that waits with an open response does not advance the clock by
/// itself. A response that will arrive is never late, however busy the machine is.
pub async fn with_delays<T>(simulator: &Simulator, fault_delay: Duration, call: impl Future<Output = T>) -> T {
    let advance = async {
        let newest = || simulator.calls().last().map_or(0, |call| call.number);
        let mut passed = newest();
        loop {
            let before = newest();
            tokio::time::sleep(Duration::from_millis(5)).await;
            let affected: Vec<u64> =
                simulator.calls().iter().filter(|call| call.faulty).map(|call| call.number).collect();
            if newest() > before || simulator.calls_under_way() > affected.len() {
                continue;
            }
            match affected.into_iter().find(|number| *number > passed) {
                Some(number) if !fault_delay.is_zero() => {
                    simulator.advance(fault_delay);
                    passed = number;
                }
                _ => simulator.advance(Duration::from_millis(100)),
            }
        }
    };
    tokio::select! {
        result = call => result,
        () = advance => unreachable!("the clock advances for ever"),
    }
}
