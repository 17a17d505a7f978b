//! One batch in simulated time.

use std::time::Duration;

use host_test::schedule::{Action, CallEffect, Schedule};
use privacy_host::contract::{DeletionMode, Error, Identifier, Outcome, Progress, Request, Setting, Task};
use privacy_host::follow::{Next, Transition, start};
use privacy_host::{Connector, ConnectorOptions, Entry, Host, Instance, Operation, Options, RateBudget};
use qualtrics_component::CONNECTOR;
use qualtrics_simulator::{
    Brand, Call, Dialects, Endpoint, Options as SimulatorOptions, Person, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET,
    Simulator,
};

use crate::SHARE;

/// The duration of a job, in seconds.
pub const JOB_S: u64 = 300;
/// Jobs that take so long do not end while others are started.
const LONG_JOB_S: u64 = 4 * 3_600;
const PAST_JOBS: u32 = 2_000;
const DIRECTORY: &str = "POOL_customers";
/// What the account of the client may do.
const SCOPES: [&str; 5] = [
    "manage:customer_data_requests",
    "manage:erasure_requests",
    "read:directories",
    "read:directory_contacts",
    "read:users",
];

/// The longest interval between two polls of a job of this age: a quarter of its age, at least 30 seconds, with a jitter of 15 percent.
pub fn poll_interval_s(age_s: u64) -> f64 {
    1.15 * (age_s as f64 / 4.0).max(30.0)
}

/// The people of a batch: one address each.
#[derive(Clone, Copy)]
pub enum People {
    /// With a contact and a survey response.
    Stored(usize),
    /// Without data.
    Unknown(usize),
}

/// A batch.
pub struct Batch {
    pub people: People,
    /// A mode, or `mixed`.
    pub mix: &'static str,
    /// The setting `group-size`; `None` for its default.
    pub group_size: Option<usize>,
    pub dialects: Dialects,
}

/// The mode of the request with this index.
pub fn mode(mix: &str, index: usize) -> DeletionMode {
    let modes = [DeletionMode::Preview, DeletionMode::Erase, DeletionMode::EraseAndVerify];
    modes.into_iter().find(|mode| mode.to_string() == mix).unwrap_or(modes[index % 3])
}

/// A batch that runs.
pub struct Run {
    simulator: Simulator,
    connector: Connector,
    instance: Option<Instance>,
    schedule: Schedule,
}

impl Run {
    /// A batch whose requests are not started. `None` if the connector forms no groups and the batch asks for them.
    pub async fn new(batch: Batch) -> Option<Self> {
        let (People::Stored(count) | People::Unknown(count)) = batch.people;
        let address = |index: usize| format!("person-{index}@example.org");
        let mut brand = Brand::new("bench", "fra1")
            .user("UR_1aGraceAdmin0001", "grace.admin@example.com", "Grace", "Admin", true)
            .client(SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, &SCOPES, "UR_1aGraceAdmin0001")
            .directory(DIRECTORY, "Customers")
            .past_erasures(PAST_JOBS);
        if matches!(batch.people, People::Stored(_)) {
            for index in 0..count {
                brand = brand.person(&Person::new("Ada", "Case").email(&address(index)).responses(1), &[DIRECTORY]);
            }
        }
        let long = matches!(batch.people, People::Unknown(_)) && batch.group_size == Some(100);
        let erasure_duration = Duration::from_secs(if long { LONG_JOB_S } else { JOB_S });
        let options = SimulatorOptions { dialects: batch.dialects, erasure_duration, ..SimulatorOptions::default() };
        let simulator = Simulator::start(brand, options).await.expect("a free port");
        let plugin = Host::new(Options::default()).expect("a host").load(CONNECTOR).expect("the connector");
        let manifest = plugin.manifest().await.expect("a manifest");
        let forms_groups = manifest.settings.iter().any(|field| field.key == "group-size");
        let group_size = batch.group_size.filter(|_| forms_groups).map(|size| size.to_string());
        if !forms_groups && batch.group_size != Some(1) {
            return None;
        }
        let origin = simulator.origin();
        let share = SHARE.to_string();
        let settings = [
            ("datacenter-id", Some("fra1")),
            ("client-id", Some(SAMPLE_CLIENT_ID)),
            ("client-secret", Some(SAMPLE_CLIENT_SECRET)),
            ("base-url", Some(origin.as_str())),
            ("rate-share", Some(share.as_str())),
            ("group-size", group_size.as_deref()),
        ];
        let settings = settings.into_iter().filter_map(|(key, value)| Some(Setting::new(key, value?))).collect();
        let options = ConnectorOptions {
            extra_origins: vec![origin.clone()],
            clock: simulator.clock(),
            ..ConnectorOptions::default()
        };
        let connector = Connector::new(plugin, settings, options).await.expect("valid settings");
        let share = u8::try_from(SHARE).expect("a percentage");
        let budget = RateBudget::new(&manifest.limits, share, simulator.clock());
        let connector = connector.with_budget(budget);
        let entry = |index: usize| {
            let request = Request::new(format!("dsr-{index}"), [Identifier::email(address(index))]);
            Entry::new(request, Operation::Deletion(mode(batch.mix, index)))
        };
        let entries: Vec<Entry> = (0..count).map(entry).collect();
        let subjects: Vec<Vec<Identifier>> = entries.iter().map(|entry| entry.subject().to_vec()).collect();
        let schedule = Schedule::new(entries, &subjects, connector.group_size(), connector.pace());
        Some(Self { simulator, connector, instance: None, schedule })
    }

    /// Makes calls until every request has ended. Returns the simulated time.
    ///
    /// # Panics
    /// A request ended with an error or another outcome than expected, or a minute had more calls than the share allows.
    pub async fn finish(&mut self) -> Duration {
        let started = self.simulator.clock().monotonic();
        while self.step().await {}
        for item in self.schedule.items() {
            let end = item.entry.end().expect("it has ended");
            let expected = [Outcome::Previewed, Outcome::Deleted, Outcome::Verified, Outcome::NotFound];
            let is_expected = end.result.as_ref().is_ok_and(|outcome| expected.contains(outcome));
            assert!(is_expected, "{}: {:?} {:?}", item.entry.request_id(), end.result, end.findings);
        }
        self.assert_limits();
        self.simulator.clock().monotonic() - started
    }

    /// Starts all requests, ends their jobs, and forgets the calls so far.
    pub async fn start_all_then_end_jobs(&mut self) {
        while self.schedule.items().iter().any(|item| item.entry.ticket().is_none()) {
            assert!(self.step().await, "a request was not started");
        }
        self.simulator.advance(Duration::from_secs(LONG_JOB_S));
        self.simulator.clear_calls();
        // A poll that another command makes.
        self.instance = None;
    }

    /// Makes the next call, or waits for it. `false` when there is none.
    async fn step(&mut self) -> bool {
        let now_ms = self.now_ms();
        let (mut entries, results) = match self.schedule.next(now_ms) {
            Action::Finish => return false,
            Action::Wait(until_ms) => {
                let wait_ms = until_ms.expect("no call is in progress").saturating_sub(now_ms).max(1);
                self.simulator.advance(Duration::from_millis(wait_ms));
                return true;
            }
            Action::Start(operation, mut entries) => {
                let requests: Vec<Request> =
                    entries.iter_mut().map(|(_, entry)| entry.start_attempt(now_ms / 1_000)).collect();
                let results = start(self.instance().await, operation, &requests).await;
                (entries, results.expect("results"))
            }
            Action::Poll(_, entries) => {
                let task = |(_, entry): &(usize, Entry)| match entry.next() {
                    Next::Poll(task) => Some(task),
                    Next::Start | Next::Nothing => None,
                };
                let tasks: Vec<Task> = entries.iter().filter_map(task).collect();
                let results = self.instance().await.poll(&tasks).await;
                (entries, results.expect("results"))
            }
        };
        let now_ms = self.now_ms();
        let record = |entry: &mut Entry, result: Result<Progress, Error>| {
            let effect = CallEffect::of(&result);
            if let Transition::Reported(report) = entry.record_result(result, now_ms) {
                entry.complete(&report);
            }
            effect
        };
        let effects: Vec<CallEffect> =
            entries.iter_mut().zip(results).map(|((_, entry), result)| record(entry, result)).collect();
        let returned = entries.into_iter().zip(effects).map(|((index, entry), effect)| (index, entry, effect));
        self.schedule.put_back(returned.collect(), now_ms);
        true
    }

    /// The calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.simulator.calls()
    }

    /// How many calls of an endpoint were made a minute, on average, from the first of them on. The last minute does not count.
    pub fn rate(&self, endpoint: Endpoint) -> f64 {
        let calls = self.calls();
        let times: Vec<Duration> = calls.iter().filter(|call| call.endpoint == endpoint).map(|call| call.at).collect();
        let (Some(first), Some(last)) = (times.first(), times.last()) else { return 0.0 };
        let minutes = (*last - *first).as_secs() / 60;
        let end = *first + Duration::from_secs(60 * minutes.max(1));
        times.iter().filter(|at| **at < end).count() as f64 / minutes.max(1) as f64
    }

    fn assert_limits(&self) {
        assert_eq!(self.simulator.ratelimited_count(), 0, "throttled by Qualtrics");
        let calls = self.calls();
        for (endpoint, limit) in [
            (Endpoint::ErasureCreate, crate::ERASURE_LIMIT),
            (Endpoint::ErasureList, crate::ERASURE_LIMIT),
            (Endpoint::ErasureGet, crate::ERASURE_LIMIT),
            (Endpoint::ContactSearch, crate::SEARCH_LIMIT),
        ] {
            let times: Vec<Duration> =
                calls.iter().filter(|call| call.endpoint == endpoint).map(|call| call.at).collect();
            let share = usize::try_from(limit * SHARE / 100).expect("small");
            // The share and one more call never fall into one minute.
            let is_exceeded =
                times.windows(share + 1).any(|window| window[share] - window[0] < Duration::from_secs(60));
            assert!(!is_exceeded, "{endpoint:?}: more than {share} calls in a minute");
        }
    }

    async fn instance(&mut self) -> &mut Instance {
        if self.instance.is_none() {
            self.instance = Some(self.connector.instance().await.expect("an instance"));
        }
        self.instance.as_mut().expect("it was created")
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.simulator.clock().since_epoch().as_millis()).expect("within the calendar")
    }
}
