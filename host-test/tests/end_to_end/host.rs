//! A host that relies on the contract alone: it waits for the requested delays and applies the remedies.

use std::time::Duration;

use privacy_host::contract::{
    Attempts, Content, DeletionMode, Document, Error, ErrorKind, Progress, Remedy, Report, Request, Task,
};
use qualtrics_simulator::Simulator;

use crate::fixture::Fixture;
use crate::leaks::loggable;

/// A request without a final result after this many calls fails the test.
const MAX_CALLS: usize = 200;

/// What a host starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    Access,
    Delete(DeletionMode),
    OptOut,
}

impl Operation {
    fn is_erasure(self) -> bool {
        matches!(self, Self::Delete(DeletionMode::Erase | DeletionMode::EraseAndVerify))
    }
}

/// Runs requests to their final result and recovers from errors of any kind.
pub struct Host<'f> {
    pub fixture: &'f mut Fixture,
    /// Whether every call runs on a new instance.
    pub renews_instances: bool,
    /// The limit of each `read`, in bytes.
    pub chunk_bytes: u32,
    /// How far the clock advances for each request of the connector that a fault affects, see [`with_delays`]. With `None` the clock
    /// stands still during calls.
    pub fault_delay: Option<Duration>,
    /// Every result of the connector, as a host may log it.
    pub log: Vec<String>,
    /// Every error of the connector.
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

    pub fn renewing_instances(self, renews_instances: bool) -> Self {
        Self { renews_instances, ..self }
    }

    pub async fn delete_report(&mut self, request: &Request, mode: DeletionMode) -> Report {
        self.run(request, Operation::Delete(mode)).await
    }

    pub async fn access_report(&mut self, request: &Request) -> Report {
        self.run(request, Operation::Access).await
    }

    pub async fn opt_out_report(&mut self, request: &Request) -> Report {
        self.run(request, Operation::OptOut).await
    }

    async fn run(&mut self, request: &Request, operation: Operation) -> Report {
        let mut request = request.clone();
        let mut ticket: Option<String> = None;
        let mut started_at = self.fixture.now();
        for _ in 0..MAX_CALLS {
            if ticket.is_none() {
                started_at = self.fixture.now();
            }
            let result = self.call(&request, operation, ticket.as_deref()).await;
            self.log.push(loggable(&result));
            match result {
                Ok(Progress::Done(report)) => return report,
                Ok(Progress::Pending(pending)) => {
                    assert!(pending.poll_after_ms >= 1_000, "a busy loop: {pending:?}");
                    self.wait(pending.poll_after_ms).await;
                    ticket = Some(pending.ticket);
                }
                Err(error) => {
                    if error.kind == ErrorKind::OutcomeUnknown {
                        assert_eq!(ticket, None, "poll never fails with outcome-unknown");
                        assert!(operation.is_erasure(), "only deletions do");
                        record_attempt(&mut request, started_at);
                    }
                    match error.remedy {
                        Remedy::Retry(ms) => self.wait(ms).await,
                        Remedy::Restart => {
                            assert!(ticket.take().is_some(), "only a poll can require a restart");
                            record_attempt(&mut request, started_at);
                        }
                        // An operator fixes the cause.
                        Remedy::Operator => self.fixture.simulator.set_faults(Vec::new()),
                        Remedy::GiveUp => panic!("no remedy for {error:?}"),
                    }
                    self.errors.push(error);
                }
            }
        }
        panic!("no final result after {MAX_CALLS} calls: {:#?}", self.log.last());
    }

    /// A document's bytes, read in chunks. `None` if its reference is no longer valid and the request must be started again.
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
            match result.expect("a result and no host error") {
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
        operation: Operation,
        ticket: Option<&str>,
    ) -> Result<Progress, Error> {
        if self.renews_instances {
            self.fixture.renew_instance().await;
        }
        let Fixture { simulator, instance, .. } = &mut *self.fixture;
        let requests = std::slice::from_ref(request);
        let call = async {
            match (ticket, operation) {
                (Some(ticket), _) => instance.poll(&[Task::new(request.clone(), ticket)]).await,
                (None, Operation::Delete(mode)) => instance.delete(requests, mode).await,
                (None, Operation::Access) => instance.access(requests).await,
                (None, Operation::OptOut) => instance.opt_out(requests).await,
            }
        };
        let results = timed(simulator, self.fault_delay, call).await;
        let mut results = results.expect("a result and no host error");
        assert_eq!(results.len(), 1);
        results.remove(0)
    }

    /// Advances the clock. Also lets a simulator that refuses connections accept them again.
    async fn wait(&mut self, ms: u64) {
        self.fixture.simulator.accept_connections().await;
        self.fixture.advance(Duration::from_millis(ms));
    }
}

/// Records an attempt with an unknown outcome. Later attempts do not change the time of the first one.
fn record_attempt(request: &mut Request, started_at: u64) {
    let first_at = request.attempts.as_ref().map_or(started_at, |attempts| attempts.first_at);
    request.attempts = Some(Attempts { first_at, last_at: started_at });
}

/// Longer than the response time-out of the connector.
pub const LONGER_THAN_TIMEOUT: Duration = Duration::from_secs(31);

/// A call takes at most twice the response time-out of 30 seconds. The last [`LONGER_THAN_TIMEOUT`] may begin just before that limit.
const MAX_CALL_DURATION: Duration = Duration::from_secs(60 + 31 + 1);

/// Runs a call and asserts its duration. The clock advances during the call if there is a fault delay.
async fn timed<T>(simulator: &Simulator, fault_delay: Option<Duration>, call: impl Future<Output = T>) -> T {
    let started = simulator.clock().monotonic();
    let result = match fault_delay {
        Some(fault_delay) => with_delays(simulator, fault_delay, call).await,
        None => call.await,
    };
    assert_call_duration(simulator, started);
    result
}

/// Asserts that the call that began at `started` has not exceeded [`MAX_CALL_DURATION`].
#[track_caller]
pub fn assert_call_duration(simulator: &Simulator, started: Duration) {
    let duration = simulator.clock().monotonic() - started;
    assert!(duration <= MAX_CALL_DURATION, "the call took {duration:?}");
}

/// Runs a call and advances the clock while the connector waits.
///
/// The clock advances by `fault_delay` for each request that a fault affects. It also advances in small steps while no sound response is
/// in progress, because it does not advance by itself while the connector waits with an open response. It stands still while a sound
/// response is in progress, so that a busy machine causes no time-out.
pub async fn with_delays<T>(simulator: &Simulator, fault_delay: Duration, call: impl Future<Output = T>) -> T {
    let advance = async {
        let newest = || simulator.calls().last().map_or(0, |call| call.number);
        let mut last_delayed = newest();
        loop {
            let before = newest();
            tokio::time::sleep(Duration::from_millis(5)).await;
            let affected: Vec<u64> =
                simulator.calls().iter().filter(|call| call.faulty).map(|call| call.number).collect();
            if newest() > before || simulator.calls_in_progress() > affected.len() {
                continue;
            }
            match affected.into_iter().find(|number| *number > last_delayed) {
                Some(number) if !fault_delay.is_zero() => {
                    simulator.advance(fault_delay);
                    last_delayed = number;
                }
                _ => simulator.advance(Duration::from_millis(100)),
            }
        }
    };
    tokio::select! {
        result = call => result,
        () = advance => unreachable!("the clock advances until the call returns"),
    }
}
