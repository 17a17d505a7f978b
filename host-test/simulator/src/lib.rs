//! Qualtrics as the fact sheet describes it: over real HTTP on a loopback port, with data that can be erased, jobs that
//! take their time, limits, and faults to order.
//!
//! A call goes through three layers, each of which knows nothing of the one before it:
//!
//! - the wire (`wire`, `spoil`) reads requests, and sends answers, or breaks them where a fault says so;
//! - the endpoints (`oauth`, `users`, `directories`, `erasure`, `customer_data`) make an answer of a request;
//! - the [`Brand`] is the data.
//!
//! A [`Scenario`] is a brand as data, and [`Control`] lets programs in any language start and move one.
//!
//! What nobody outside Qualtrics knows for sure is a [`Dialect`]: the endpoints speak either.

mod answer;
mod ask;
mod brand;
mod content;
mod control;
mod customer_data;
mod dialects;
mod directories;
mod door;
mod erasure;
mod export;
mod faults;
mod gauge;
mod limits;
mod oauth;
mod pages;
mod record;
mod sample;
mod scenario;
mod spoil;
mod state;
mod users;
mod wire;

#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;

use simulated_clock::Clock;

use door::Door;
use gauge::Gauge;
use state::State;

pub use answer::MESSAGE_CANARY;
pub use brand::{Brand, Client, Contact, Directory, Holdings, Person, SurveyResponse, User};
pub use content::Content;
pub use control::Control;
pub use customer_data::Export;
pub use dialects::*;
pub use erasure::Erasure;
pub use export::ExportFile;
pub use faults::{Fault, FaultRule, ForeignBody, Occurrence, WaitHint};
pub use oauth::TOKEN_CANARY;
pub use record::{Body, Call, Endpoint};
pub use sample::*;
pub use scenario::{BrandHeld, Change, PersonHeld, Scenario, Seen};
pub use state::{JobEnd, JobStatus};

/// How a simulator behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port on 127.0.0.1; 0 is any free one.
    pub port: u16,
    /// The time by which jobs, tokens and limits go. By default it is made: 2026-01-05T09:00:00Z, until it is moved.
    pub clock: Clock,
    /// What the brand speaks.
    pub dialects: Dialects,
    /// From which ids and tokens are drawn: the same seed and the same calls give the same.
    pub seed: u64,
    /// How long an erasure takes.
    pub erasure_duration: Duration,
    /// How long a customer data request takes.
    pub export_duration: Duration,
    /// How long a token is good.
    pub token_lifetime: Duration,
    /// Whether limits are kept.
    pub rate_limits: bool,
    /// Whether this is a data centre that the brand does not live in.
    pub wrong_datacenter: bool,
    /// Real time that passes before each answer.
    pub latency: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            clock: Clock::made(1_767_603_600),
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

/// Qualtrics, for one brand, until it is dropped.
pub struct Simulator {
    origin: String,
    shared: Arc<Shared>,
    listening: AbortHandle,
}

/// What connections and the simulator's owner share.
struct Shared {
    state: Mutex<State>,
    connections: Gauge,
    calls: Gauge,
    /// Calls behind which the door is shut.
    behind: Gauge,
    latency: Duration,
    door: Door,
}

impl Shared {
    /// All that is known, with every job ended whose time is over.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.settle();
        state
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Simulator {
    /// Listens on 127.0.0.1, and answers on tasks of the Tokio runtime that it is called in.
    ///
    /// # Errors
    /// If the port cannot be had.
    pub async fn start(brand: Brand, options: Options) -> io::Result<Self> {
        let (door, listener) = Door::at(SocketAddr::from((Ipv4Addr::LOCALHOST, options.port)))?;
        let origin = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared {
            state: Mutex::new(State::new(brand, &options, origin.clone())),
            connections: Gauge::default(),
            calls: Gauge::default(),
            behind: Gauge::default(),
            latency: options.latency,
            door,
        });
        let listening = tokio::spawn(wire::listen(listener, shared.clone())).abort_handle();
        Ok(Self { origin, shared, listening })
    }

    /// Refuses connections from now on. Those that there are end with the call that they serve.
    pub async fn shut(&self) {
        self.shared.door.shut().await;
    }

    /// Takes connections again.
    pub async fn open_up(&self) {
        self.shared.door.open().await;
    }

    /// `http://127.0.0.1:PORT`
    #[must_use]
    pub fn origin(&self) -> String {
        self.origin.clone()
    }

    /// The time that it goes by.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.shared.state().clock.clone()
    }

    /// Moves a made clock, and lets jobs end.
    pub fn advance(&self, by: Duration) {
        self.clock().advance(by);
        drop(self.shared.state());
    }

    /// All calls since the record was cleared, in the order in which they came; of very many, the newest 100,000 at least.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.shared.state().record.calls()
    }

    /// Forgets the calls so far.
    pub fn clear_calls(&self) {
        self.shared.state().record.clear();
    }

    /// Replaces all faults; counting begins anew.
    pub fn set_faults(&self, rules: Vec<FaultRule>) {
        self.shared.state().faults = faults::Faults::new(rules);
    }

    /// What the brand speaks.
    #[must_use]
    pub fn dialects(&self) -> Dialects {
        self.shared.state().dialects.clone()
    }

    /// Speaks these dialects from now on.
    pub fn set_dialects(&self, dialects: Dialects) {
        self.shared.state().dialects = dialects;
    }

    /// Keeps limits from now on, or does not.
    pub fn set_rate_limits(&self, kept: bool) {
        self.shared.state().rate_limits = kept;
    }

    /// Becomes a data centre that the brand does not live in, or its own again.
    pub fn set_wrong_datacenter(&self, wrong: bool) {
        self.shared.state().wrong_datacenter = wrong;
    }

    /// How the jobs end that are taken from now on.
    pub fn set_next_jobs(&self, end: JobEnd) {
        self.shared.state().next_jobs = end;
    }

    /// Loses all erasures and customer data requests, as if they had expired.
    pub fn forget_jobs(&self) {
        let mut state = self.shared.state();
        state.erasures.clear();
        state.exports.clear();
    }

    /// Makes every token that was given out unknown.
    pub fn revoke_tokens(&self) {
        self.shared.state().tokens.clear();
    }

    /// How many calls were answered 429 because of a limit; those that a fault answered do not count.
    #[must_use]
    pub fn ratelimited_count(&self) -> u64 {
        self.shared.state().ratelimited
    }

    /// How many connections are open.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.shared.connections.count()
    }

    /// The most calls that were ever under way at once. A call is under way until the last byte of its answer is made.
    #[must_use]
    pub fn peak_calls(&self) -> usize {
        self.shared.calls.peak()
    }

    /// How many calls are under way: until the last byte of the answer is made, or the caller has gone.
    #[must_use]
    pub fn calls_under_way(&self) -> usize {
        self.shared.calls.count()
    }

    /// How much the brand holds under this address, in any spelling.
    #[must_use]
    pub fn holdings(&self, address: &str) -> Holdings {
        self.shared.state().brand.holdings(address)
    }

    /// All erasures, oldest first.
    #[must_use]
    pub fn erasures(&self) -> Vec<Erasure> {
        self.shared.state().erasures.clone()
    }

    /// All customer data requests, oldest first.
    #[must_use]
    pub fn exports(&self) -> Vec<Export> {
        self.shared.state().exports.iter().map(customer_data::ExportJob::told).collect()
    }

    /// The files that a customer data request for these addresses would give out, if it ended now.
    #[must_use]
    pub fn expected_export(&self, emails: &[&str]) -> Vec<ExportFile> {
        let emails: Vec<_> = emails.iter().map(|&email| email.to_owned()).collect();
        let state = self.shared.state();
        export::files(&state.brand, &emails, &state.dialects)
    }

    /// Looks at the data, or changes it, while no call is being answered.
    pub fn with_brand<R>(&self, change: impl FnOnce(&mut Brand) -> R) -> R {
        change(&mut self.shared.state().brand)
    }
}
