//! A host that knows the contract and nothing else: it waits as long as it is told, and does what a remedy says.

use std::time::Duration;

use host_test::host::contract::{DeletionMode, Error, ErrorKind, Progress, Remedy, Report, Request, Task};
use host_test::simulator::Simulator;

use crate::world::World;

/// After so many calls a request that has no last word never gets one.
const MOST_CALLS: usize = 200;

/// Follows requests to their last word through whatever befalls them.
pub struct Host<'w> {
    pub world: &'w mut World,
    /// Whether every call is made on an instance of its own.
    pub fresh: bool,
    /// Whether made time passes while the connector waits for an answer that a fault keeps from it.
    pub patient: bool,
    /// All that the connector said.
    pub said: Vec<String>,
    /// The errors among it.
    pub errors: Vec<Error>,
}

impl<'w> Host<'w> {
    pub fn new(world: &'w mut World) -> Self {
        Self { world, fresh: false, patient: false, said: Vec::new(), errors: Vec::new() }
    }

    /// With an instance for every call.
    pub fn fresh(self, fresh: bool) -> Self {
        Self { fresh, ..self }
    }

    /// With time that passes while a fault keeps silent.
    pub fn patient(self) -> Self {
        Self { patient: true, ..self }
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
            self.said.push(format!("{answer:?}"));
            match answer {
                Ok(Progress::Done(report)) => return report,
                Ok(Progress::Pending(pending)) => {
                    self.wait(pending.poll_after_ms);
                    ticket = Some(pending.ticket);
                }
                Err(error) => {
                    if error.kind == ErrorKind::OutcomeUnknown {
                        assert_eq!(ticket, None, "poll never answers outcome-unknown");
                        request.first_attempt_at.get_or_insert(attempt);
                    }
                    match error.remedy {
                        Remedy::Retry(ms) => self.wait(ms),
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
        let answer = if self.patient { through_silence(simulator, call).await } else { call.await };
        answer.expect("an answer, whatever Qualtrics does")
    }

    fn wait(&self, ms: u64) {
        self.world.advance(Duration::from_millis(ms));
    }
}

/// Awaits a call, and lets half a minute of made time pass for each call of its own that a fault befell: whether that
/// keeps silent or not, then nobody waits for it any longer.
pub async fn through_silence<T>(simulator: &Simulator, call: impl Future<Output = T>) -> T {
    let passing = async {
        let mut passed = simulator.calls().last().map_or(0, |call| call.number);
        loop {
            tokio::time::sleep(Duration::from_millis(4)).await;
            let befallen = simulator.calls().into_iter().find(|call| call.faulty && call.number > passed);
            if let Some(call) = befallen {
                tokio::time::sleep(Duration::from_millis(4)).await;
                simulator.advance(Duration::from_secs(31));
                passed = call.number;
            }
        }
    };
    tokio::select! {
        answer = call => answer,
        () = passing => unreachable!("time does not end"),
    }
}
