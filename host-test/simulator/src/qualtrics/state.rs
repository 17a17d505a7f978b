//! The state of a simulated brand: its data, tokens, jobs and settings at one moment.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::SmallRng};
use simulated_clock::Clock;

use super::brand::Brand;
use super::call_record::{Call, CallRecord};
use super::contact::Contact;
use super::dialects::Dialects;
use super::directories::ContactImport;
use super::endpoint::Endpoint;
use super::jobs::{Erasure, ExportJob, JobEnd, past_erasures};
use super::rate_limits::RateLimits;
use crate::faults::FaultRules;

/// An access token that was issued.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(super) user: String,
    pub(super) scopes: BTreeSet<String>,
    pub(super) expires: Duration,
}

/// All that the endpoints read and change.
pub(crate) struct State {
    pub(crate) brand: Brand,
    pub(crate) dialects: Dialects,
    pub(crate) clock: Clock,
    pub(super) origin: String,
    pub(crate) erasure_duration: Duration,
    pub(crate) export_duration: Duration,
    pub(crate) token_lifetime: Duration,
    pub(crate) enforce_rate_limits: bool,
    pub(crate) wrong_datacenter: bool,
    /// Whether the present call was forwarded from another data centre.
    pub(super) is_proxied: bool,
    /// How the jobs end that are submitted from now on.
    pub(crate) next_jobs: JobEnd,
    pub(crate) tokens: HashMap<String, Token>,
    pub(crate) erasures: Vec<Erasure>,
    pub(crate) exports: Vec<ExportJob>,
    pub(super) contact_imports: Vec<ContactImport>,
    /// Contacts as they were before an update, and until when they are shown so, by ID.
    pub(super) shown_before_updates: HashMap<String, (Duration, Contact)>,
    pub(crate) faults: FaultRules<Endpoint>,
    /// How many calls were rejected because of a rate limit.
    pub(crate) rate_limited: u64,
    pub(super) rate_limits: RateLimits,
    pub(super) calls: CallRecord,
    /// No job ends before this time. `None` if no job will end.
    pub(super) next_due: Option<Duration>,
    rng: SmallRng,
}

impl State {
    /// A brand that is served at this origin, with rate limits, the default dialects and jobs that take no time. IDs and tokens
    /// are drawn from `seed`.
    pub(crate) fn new(brand: Brand, origin: &str, clock: Clock, seed: u64) -> Self {
        Self {
            erasures: past_erasures(&brand, clock.since_epoch()),
            brand,
            dialects: Dialects::default(),
            clock,
            origin: origin.to_owned(),
            erasure_duration: Duration::ZERO,
            export_duration: Duration::ZERO,
            token_lifetime: Duration::ZERO,
            enforce_rate_limits: true,
            wrong_datacenter: false,
            is_proxied: false,
            next_jobs: JobEnd::default(),
            tokens: HashMap::new(),
            exports: Vec::new(),
            contact_imports: Vec::new(),
            shown_before_updates: HashMap::new(),
            faults: FaultRules::default(),
            rate_limited: 0,
            rate_limits: RateLimits::default(),
            calls: CallRecord::default(),
            next_due: None,
            rng: SmallRng::seed_from_u64(seed),
        }
    }

    /// The time since 1970.
    pub(super) fn now(&self) -> Duration {
        self.clock.since_epoch()
    }

    /// When a job ends that is submitted now. `None` if it never ends.
    pub(super) fn schedule(&mut self, duration: Duration) -> Option<Duration> {
        let due = (self.next_jobs != JobEnd::NeverEnds).then(|| self.now() + duration);
        self.next_due = self.next_due.into_iter().chain(due).min();
        due
    }

    /// A random UUID. The same seed gives the same sequence.
    pub(super) fn uuid(&mut self) -> String {
        let hex = format!("{:032x}", self.rng.random::<u128>());
        format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
    }

    /// The recorded calls.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.calls()
    }

    /// Clears the record of calls.
    pub(crate) fn clear_calls(&mut self) {
        self.calls.clear();
    }
}
