//! The API for the owner of a simulator.

use std::io;
use std::time::Duration;

use simulated_clock::Clock;

use crate::faults::FaultRules;
use crate::qualtrics::dialects::Dialects;
use crate::qualtrics::{
    Brand, Call, Erasure, Export, ExportFile, ExportJob, FaultRule, Holdings, JobEnd, State, export_files,
};
use crate::server::{Server, Tls};

/// The settings of a simulator.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port on 127.0.0.1. 0 takes any free port.
    pub port: u16,
    /// Serves HTTPS. The default is HTTP.
    pub tls: Option<Tls>,
    /// The clock of jobs, tokens and rate limits. The default is a simulated clock that starts at 2026-01-05T09:00:00Z.
    pub clock: Clock,
    /// The variants of the API.
    pub dialects: Dialects,
    /// The seed of IDs and tokens. The same seed and the same calls give the same IDs and tokens.
    pub seed: u64,
    /// The duration of an erasure job.
    pub erasure_duration: Duration,
    /// The duration of a customer data request.
    pub export_duration: Duration,
    /// The lifetime of an access token.
    pub token_lifetime: Duration,
    /// Whether rate limits are enforced.
    pub rate_limits: bool,
    /// Whether the simulator is another data centre than that of the brand.
    pub wrong_datacenter: bool,
    /// The real time that passes before each response.
    pub latency: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            tls: None,
            clock: Clock::simulated(1_767_603_600),
            dialects: Dialects::default(),
            seed: 1,
            erasure_duration: Duration::from_secs(300),
            export_duration: Duration::from_secs(180),
            token_lifetime: Duration::from_secs(3600),
            rate_limits: true,
            wrong_datacenter: false,
            latency: Duration::ZERO,
        }
    }
}

/// A simulated Qualtrics with one brand. It ends when it is dropped.
pub struct Simulator {
    server: Server<State>,
}

impl Simulator {
    /// Listens on 127.0.0.1. The simulator runs on the Tokio runtime of the caller.
    ///
    /// # Errors
    /// The port cannot be bound.
    pub async fn start(brand: Brand, options: Options) -> io::Result<Self> {
        let server = Server::start(options.port, options.tls, options.latency, |origin| {
            let mut state = State::new(brand, origin, options.clock, options.seed);
            state.dialects = options.dialects;
            state.erasure_duration = options.erasure_duration;
            state.export_duration = options.export_duration;
            state.token_lifetime = options.token_lifetime;
            state.enforce_rate_limits = options.rate_limits;
            state.wrong_datacenter = options.wrong_datacenter;
            state
        })?;
        Ok(Self { server })
    }

    /// Refuses new connections. Each open connection ends after its request in progress.
    pub async fn refuse_connections(&self) {
        self.server.refuse_connections().await;
    }

    /// Accepts connections again.
    pub async fn accept_connections(&self) {
        self.server.accept_connections().await;
    }

    /// `http://127.0.0.1:PORT`, or `https` with [`Options::tls`].
    #[must_use]
    pub fn origin(&self) -> String {
        self.server.origin().to_owned()
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.server.service().clock.clone()
    }

    /// Advances a simulated clock, and ends the jobs that are due.
    pub fn advance(&self, by: Duration) {
        self.clock().advance(by);
        // Locking the service ends the jobs.
        drop(self.server.service());
    }

    /// The calls since the record was cleared, in the order in which they arrived. The record keeps at least the newest 100,000.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.server.service().calls()
    }

    /// Clears the record of calls.
    pub fn clear_calls(&self) {
        self.server.service().clear_calls();
    }

    /// Replaces all fault rules. Counting starts again.
    pub fn set_faults(&self, rules: Vec<FaultRule>) {
        self.server.service().faults = FaultRules::new(rules);
    }

    /// The dialects.
    #[must_use]
    pub fn dialects(&self) -> Dialects {
        self.server.service().dialects.clone()
    }

    /// Replaces the dialects.
    pub fn set_dialects(&self, dialects: Dialects) {
        self.server.service().dialects = dialects;
    }

    /// Sets whether rate limits are enforced.
    pub fn set_rate_limits(&self, enforced: bool) {
        self.server.service().enforce_rate_limits = enforced;
    }

    /// Sets whether the simulator is another data centre than that of the brand.
    pub fn set_wrong_datacenter(&self, wrong: bool) {
        self.server.service().wrong_datacenter = wrong;
    }

    /// Sets how the jobs end that are submitted from now on.
    pub fn set_next_jobs(&self, end: JobEnd) {
        self.server.service().next_jobs = end;
    }

    /// Deletes all erasures and customer data requests, as if they had expired.
    pub fn forget_jobs(&self) {
        let mut state = self.server.service();
        state.erasures.clear();
        state.exports.clear();
    }

    /// Revokes all access tokens.
    pub fn revoke_tokens(&self) {
        self.server.service().tokens.clear();
    }

    /// How many calls were rejected with 429 because of a limit. Calls that a fault rejected do not count.
    #[must_use]
    pub fn ratelimited_count(&self) -> u64 {
        self.server.service().rate_limited
    }

    /// The number of open connections.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.server.open_connections()
    }

    /// The highest number of calls that were ever in progress at once.
    #[must_use]
    pub fn peak_calls(&self) -> usize {
        self.server.peak_requests()
    }

    /// The number of calls in progress: until the last byte of the response is made, or the client disconnects.
    #[must_use]
    pub fn calls_in_progress(&self) -> usize {
        self.server.requests_in_progress()
    }

    /// What the brand holds for this address, in upper or lower case.
    #[must_use]
    pub fn holdings(&self, address: &str) -> Holdings {
        self.server.service().brand.holdings(address)
    }

    /// All erasures, oldest first.
    #[must_use]
    pub fn erasures(&self) -> Vec<Erasure> {
        self.server.service().erasures.clone()
    }

    /// All customer data requests, oldest first.
    #[must_use]
    pub fn exports(&self) -> Vec<Export> {
        self.server.service().exports.iter().map(ExportJob::summary).collect()
    }

    /// The files that a customer data request for these addresses would have if it completed now.
    #[must_use]
    pub fn expected_export(&self, emails: &[&str]) -> Vec<ExportFile> {
        let emails: Vec<_> = emails.iter().map(|&email| email.to_owned()).collect();
        let state = self.server.service();
        export_files(&state.brand, &emails, &state.dialects)
    }

    /// Reads or changes the brand. No call takes effect meanwhile.
    pub fn with_brand<R>(&self, change: impl FnOnce(&mut Brand) -> R) -> R {
        change(&mut self.server.service().brand)
    }
}
