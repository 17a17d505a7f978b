//! All that the simulator knows at one moment.

use std::collections::HashMap;
use std::time::Duration;

use rand::{Rng, SeedableRng, rngs::SmallRng};
use serde::{Deserialize, Serialize};

use super::Options;
use super::answer::Answer;
use super::ask::Ask;
use super::brand::Brand;
use super::customer_data::ExportJob;
use super::dialects::{Concurrency, Dialects, RetryAfter};
use super::erasure::{Erasure, past_erasures};
use super::faults::{Faults, date_header};
use super::limits::Limits;
use super::oauth::Token;
use super::record::{Endpoint, Record};
use simulated_clock::Clock;

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobStatus {
    /// Qualtrics is at work on it.
    Pending,
    /// It has ended well.
    Completed,
    /// Qualtrics has given it up; nothing was done.
    Failed,
}

/// How the jobs that are taken from now on will end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobEnd {
    /// Well, when their time is over.
    #[default]
    Completes,
    /// In failure, when their time is over.
    Fails,
    /// Not at all.
    NeverEnds,
}

pub(super) struct State {
    pub(super) brand: Brand,
    pub(super) dialects: Dialects,
    pub(super) clock: Clock,
    pub(super) origin: String,
    pub(super) erasure_duration: Duration,
    pub(super) export_duration: Duration,
    pub(super) token_lifetime: Duration,
    pub(super) rate_limits: bool,
    pub(super) wrong_datacenter: bool,
    pub(super) next_jobs: JobEnd,
    pub(super) tokens: HashMap<String, Token>,
    pub(super) erasures: Vec<Erasure>,
    pub(super) exports: Vec<ExportJob>,
    pub(super) limits: Limits,
    pub(super) ratelimited: u64,
    pub(super) faults: Faults,
    pub(super) record: Record,
    /// Before this no job ends; none where no job will.
    next_end: Option<Duration>,
    lot: SmallRng,
}

impl State {
    pub(super) fn new(brand: Brand, options: &Options, origin: String) -> Self {
        let erasures = past_erasures(&brand, options.clock.since_epoch());
        Self {
            brand,
            dialects: options.dialects.clone(),
            clock: options.clock.clone(),
            origin,
            erasure_duration: options.erasure_duration,
            export_duration: options.export_duration,
            token_lifetime: options.token_lifetime,
            rate_limits: options.rate_limits,
            wrong_datacenter: options.wrong_datacenter,
            next_jobs: JobEnd::default(),
            tokens: HashMap::new(),
            erasures,
            exports: Vec::new(),
            limits: Limits::default(),
            ratelimited: 0,
            faults: Faults::default(),
            record: Record::default(),
            next_end: None,
            lot: SmallRng::seed_from_u64(options.seed),
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.clock.since_epoch()
    }

    /// When a job that is taken now will end; none is never.
    pub(super) fn due(&mut self, duration: Duration) -> Option<Duration> {
        let due = (self.next_jobs != JobEnd::NeverEnds).then(|| self.now() + duration);
        self.next_end = self.next_end.into_iter().chain(due).min();
        due
    }

    /// Lets all jobs end whose time is over, in the order in which they do.
    pub(super) fn settle(&mut self) {
        let now = self.now();
        if self.next_end.is_none_or(|end| end > now) {
            return;
        }
        let erasures = self.erasures.iter().enumerate().filter(|(_, job)| job.status == JobStatus::Pending);
        let exports = self.exports.iter().enumerate().filter(|(_, job)| job.status == JobStatus::Pending);
        let mut ending: Vec<(Duration, bool, usize)> = Vec::new();
        ending.extend(exports.filter_map(|(n, job)| Some((job.due?, false, n))));
        ending.extend(erasures.filter_map(|(n, job)| Some((job.due?, true, n))));
        ending.sort_unstable();
        self.next_end = ending.iter().map(|&(when, ..)| when).find(|&when| when > now);
        for (when, is_erasure, n) in ending.into_iter().take_while(|&(when, ..)| when <= now) {
            if is_erasure {
                self.end_erasure(n, when);
            } else {
                self.end_export(n, when);
            }
        }
    }

    /// What the called endpoint answers.
    pub(super) fn answer(&mut self, ask: &Ask) -> Answer {
        let answered = match ask.endpoint {
            Endpoint::Token => self.token(ask),
            Endpoint::WhoAmI => self.whoami(ask),
            Endpoint::Users => self.users(ask),
            Endpoint::User => self.user(ask),
            Endpoint::Directories => self.directories(ask),
            Endpoint::ContactSearch => self.contact_search(ask),
            Endpoint::Contacts => self.contacts(ask),
            Endpoint::Contact => self.contact(ask),
            Endpoint::ContactHistory => self.contact_history(ask),
            Endpoint::ErasureCreate => self.erasure_create(ask),
            Endpoint::ErasureList => self.erasure_list(ask),
            Endpoint::ErasureGet => self.erasure_get(ask),
            Endpoint::ExportCreate => self.export_create(ask),
            Endpoint::ExportProgress => self.export_progress(ask),
            Endpoint::ExportFile => self.export_file(ask),
            Endpoint::Unknown => Err(self.refusal(404, "GED_3")),
        };
        answered.unwrap_or_else(|refusal| refusal)
    }

    /// Lets a call in, unless it is one too many.
    pub(super) fn admit(&mut self, endpoint: Endpoint, under_way: usize) -> Result<(), Answer> {
        if self.dialects.concurrency == Concurrency::Four && under_way > 4 {
            return Err(self.too_many(Duration::from_secs(1)));
        }
        if !self.rate_limits {
            return Ok(());
        }
        let now = self.now();
        match self.limits.take(endpoint, self.dialects.token_limit, now) {
            Ok(()) => Ok(()),
            Err(wait) => Err(self.too_many(wait)),
        }
    }

    /// The 429 for a call that came too early by this much.
    fn too_many(&mut self, wait: Duration) -> Answer {
        self.ratelimited += 1;
        let wait = Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
        let answer = self.refusal(429, "QMSG_1.0");
        match self.dialects.retry_after {
            RetryAfter::Seconds => answer.with_header("retry-after", wait.as_secs().to_string()),
            RetryAfter::Date => answer.with_header("retry-after", date_header(self.now() + wait)),
            RetryAfter::Absent => answer,
            RetryAfter::Body => {
                let mut body: serde_json::Value = serde_json::from_slice(&answer.body.to_vec()).unwrap_or_default();
                body["meta"]["error"]["retryAfter"] = wait.as_secs().into();
                self.json(429, &body)
            }
        }
    }

    pub(super) fn uuid(&mut self) -> String {
        let hex = format!("{:032x}", self.lot.random::<u128>());
        format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
    }
}
