//! A host that knows the contract and nothing else: it waits as long as it is told, and does what a remedy says.

use std::time::Duration;

use host_test::host::contract::{
    Content, DeletionMode, Document, Error, ErrorKind, Progress, Remedy, Report, Request, Task,
};
use host_test::simulator::Simulator;

use crate::leaks::telling;
use crate::world::World;

/// After so many calls a request that has no last word never gets one.
const MOST_CALLS: usize = 200;

/// Follows requests to their last word through whatever befalls them.
pub struct Host<'w> {
    pub world: &'w mut World,
    /// Whether every call is made on an instance of its own.
    pub fresh: bool,
    /// How many bytes of a document are read at once.
    pub piece: u32,
    /// How much made time passes for a call that a fault befell, see [`in_time`]; none: it stands still during calls.
    pub silence: Option<Duration>,
    /// All that the connector said.
    pub said: Vec<String>,
    /// The errors among it.
    pub errors: Vec<Error>,
}

impl<'w> Host<'w> {
    pub fn new(world: &'w mut World) -> Self {
        Self { world, fresh: false, piece: 1_024, silence: None, said: Vec::new(), errors: Vec::new() }
    }

    /// With an instance for every call.
    pub fn fresh(self, fresh: bool) -> Self {
        Self { fresh, ..self }
    }

    pub async fn deleted(&mut self, request: &Request, mode: DeletionMode) -> Report {
        self.follow(request, Some(mode)).await
    }

    pub async fn accessed(&mut self, request: &Request) -> Report {
        self.follow(request, None).await
    }

    async fn follow(&mut self, request: &Request, mode: Option<DeletionMode>) -> Report {
        let mut request = request.clone();
        let mut ticket: Option<String> = None;
        let mut attempt = self.world.now();
        for _ in 0..MOST_CALLS {
            if ticket.is_none() {
                attempt = self.world.now();
            }
            let answer = self.call(&request, mode, ticket.as_deref()).await;
            self.said.push(telling(&answer));
            match answer {
                Ok(Progress::Done(report)) => return report,
                Ok(Progress::Pending(pending)) => {
                    self.wait(pending.poll_after_ms).await;
                    ticket = Some(pending.ticket);
                }
                Err(error) => {
                    if error.kind == ErrorKind::OutcomeUnknown {
                        assert_eq!(ticket, None, "poll never answers outcome-unknown");
                        request.first_attempt_at.get_or_insert(attempt);
                    }
                    match error.remedy {
                        Remedy::Retry(ms) => self.wait(ms).await,
                        Remedy::Restart => {
                            assert!(ticket.take().is_some(), "only a ticket can be spent");
                            request.first_attempt_at.get_or_insert(attempt);
                        }
                        // The person who is called mends what is wrong.
                        Remedy::Operator => self.world.simulator.set_faults(Vec::new()),
                        Remedy::GiveUp => panic!("no way out of {error:?}"),
                    }
                    self.errors.push(error);
                }
            }
        }
        panic!("{MOST_CALLS} calls, and no last word: {:#?}", self.said.last());
    }

    /// A document's bytes, in pieces; none if its reference is spent, so that the request has to be begun anew.
    pub async fn bytes(&mut self, document: &Document) -> Option<Vec<u8>> {
        let reference = match &document.content {
            Content::Inline(bytes) => return Some(bytes.clone()),
            Content::Remote(reference) => reference,
        };
        let mut bytes = Vec::new();
        for _ in 0..MOST_CALLS {
            if self.fresh {
                self.world.change_instance().await;
            }
            let World { simulator, instance, .. } = &mut *self.world;
            let call = instance.read(reference, bytes.len() as u64, self.piece);
            let began = simulator.clock().monotonic();
            let answer = match self.silence {
                Some(silence) => in_time(simulator, silence, call).await,
                None => call.await,
            };
            assert_in_time(simulator, began);
            match answer.expect("an answer, whatever Qualtrics does") {
                Ok(chunk) => {
                    bytes.extend(chunk.bytes);
                    if chunk.last {
                        return Some(bytes);
                    }
                }
                Err(error) => {
                    self.said.push(format!("{error:?}"));
                    let remedy = error.remedy;
                    self.errors.push(error);
                    match remedy {
                        Remedy::Retry(ms) => self.wait(ms).await,
                        Remedy::Restart => return None,
                        Remedy::Operator => self.world.simulator.set_faults(Vec::new()),
                        Remedy::GiveUp => panic!("no way out of {:?}", self.errors.last()),
                    }
                }
            }
        }
        panic!("{MOST_CALLS} pieces, and no end");
    }

    /// One call.
    pub async fn call(
        &mut self,
        request: &Request,
        mode: Option<DeletionMode>,
        ticket: Option<&str>,
    ) -> Result<Progress, Error> {
        if self.fresh {
            self.world.change_instance().await;
        }
        let World { simulator, instance, .. } = &mut *self.world;
        let call = async {
            match (ticket, mode) {
                (Some(ticket), _) => {
                    let task = Task { request: request.clone(), ticket: ticket.to_owned() };
                    instance.poll(&[task]).await.map(|mut answers| answers.remove(0))
                }
                (None, Some(mode)) => instance.delete(request, mode).await,
                (None, None) => instance.access(request).await,
            }
        };
        let began = simulator.clock().monotonic();
        let answer = match self.silence {
            Some(silence) => in_time(simulator, silence, call).await,
            None => call.await,
        };
        assert_in_time(simulator, began);
        answer.expect("an answer, whatever Qualtrics does")
    }

    /// Lets time pass. Whoever did not listen for a moment does so again.
    async fn wait(&mut self, ms: u64) {
        self.world.simulator.open_up().await;
        self.world.advance(Duration::from_millis(ms));
    }
}

/// More than a connector waits for an answer.
pub const LONG: Duration = Duration::from_secs(31);

/// Twice the time of an answer is what a whole call has; silence is moved on by [`LONG`], and may be once too often.
const LONGEST_CALL: Duration = Duration::from_secs(60 + 31 + 1);

/// A call that began then has not hung past its time.
#[track_caller]
pub fn assert_in_time(simulator: &Simulator, began: Duration) {
    let passed = simulator.clock().monotonic() - began;
    assert!(passed <= LONGEST_CALL, "a call took {passed:?}");
}

/// Awaits a call, and lets made time pass for a connector that waits: so much for each call of its own that a fault befell,
/// and a little whenever no sound answer is on its way, since a connector that holds an answer open while it waits does
/// not move the clock by itself. However busy the machine is, an answer that will come is never late.
pub async fn in_time<T>(simulator: &Simulator, silence: Duration, call: impl Future<Output = T>) -> T {
    let passing = async {
        let newest = || simulator.calls().last().map_or(0, |call| call.number);
        let mut passed = newest();
        loop {
            let before = newest();
            tokio::time::sleep(Duration::from_millis(5)).await;
            let befallen: Vec<u64> =
                simulator.calls().iter().filter(|call| call.faulty).map(|call| call.number).collect();
            if newest() > before || simulator.calls_under_way() > befallen.len() {
                continue;
            }
            match befallen.into_iter().find(|number| *number > passed) {
                Some(number) if !silence.is_zero() => {
                    simulator.advance(silence);
                    passed = number;
                }
                _ => simulator.advance(Duration::from_millis(100)),
            }
        }
    };
    tokio::select! {
        answer = call => answer,
        () = passing => unreachable!("time does not end"),
    }
}
