//! Many instances of one connection share one budget: they use the permitted share of Qualtrics' rate limits and are never throttled.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use futures::future::join_all;
use privacy_host::contract::{DeletionMode, Error, Identifier, Outcome, Progress, Remedy, Request, Setting, Task};
use privacy_host::{EgressPolicy, Host, Instance, InstanceOptions, Options as HostOptions, Plugin, RateBudget};
use qualtrics_component::CONNECTOR;
use qualtrics_simulator::{Brand, Endpoint, Options, Person, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, Simulator};

/// The share of Qualtrics' rate limits that the host may use, in percent.
const SHARE: u8 = 75;

/// The connector, compiled once for all tests.
static PLUGIN: LazyLock<Plugin> =
    LazyLock::new(|| Host::new(HostOptions::default()).expect("a host").load(CONNECTOR).expect("the connector"));

/// A request and its state.
struct Case {
    request: Request,
    mode: Option<DeletionMode>,
    ticket: Option<String>,
    /// When the next call is due, in milliseconds of the simulated clock.
    due_ms: u64,
    outcome: Option<Outcome>,
}

impl Case {
    fn task(&self) -> Option<Task> {
        Some(Task::new(self.request.clone(), self.ticket.clone()?))
    }

    fn record(&mut self, result: Result<Progress, Error>, now_ms: u64) {
        match result {
            Ok(Progress::Done(report)) => self.outcome = Some(report.outcome),
            Ok(Progress::Pending(pending)) => {
                self.due_ms = now_ms + pending.poll_after_ms;
                self.ticket = Some(pending.ticket);
            }
            Err(Error { remedy: Remedy::Retry(ms), .. }) => self.due_ms = now_ms + ms,
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// How exports are polled. Deletions are always polled together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Exports {
    Single,
    Together,
}

/// The requests of one connection, and its instances.
struct Platform {
    simulator: Simulator,
    instances: Vec<Instance>,
    cases: Vec<Case>,
    exports: Exports,
}

impl Platform {
    /// The same number of access and deletion requests, each for a different person. Without a share, there is no budget.
    async fn new(instances: usize, requests: usize, share: Option<u8>) -> Self {
        let people = (0..requests * 2).map(|index| (index, format!("person{index}@example.org")));
        let brand = people.clone().fold(Brand::sample(), |brand, (_, address)| {
            brand.person(&Person::new("Ada", "Case").email(&address).responses(1), &[])
        });
        let simulator = Simulator::start(brand, Options::default()).await.expect("a free port");
        let cases = people
            .map(|(index, address)| Case {
                request: Request::new(format!("case-{index}"), [Identifier::email(address)]),
                mode: index.is_multiple_of(2).then_some(DeletionMode::Erase),
                ticket: None,
                due_ms: 0,
                outcome: None,
            })
            .collect();
        let mut platform = Self { simulator, instances: Vec::new(), cases, exports: Exports::Single };
        let limits = PLUGIN.instantiate(InstanceOptions::default()).await.expect("an instance").describe().await;
        let limits = limits.expect("a manifest").limits;
        let budget = share.map(|share| RateBudget::new(&limits, share, platform.simulator.clock()));
        for _ in 0..instances {
            platform.add_instance(budget.clone()).await;
        }
        platform
    }

    async fn add_instance(&mut self, budget: Option<RateBudget>) {
        let origin = self.simulator.origin();
        let options = InstanceOptions {
            egress: EgressPolicy::deny_all().allow(&origin).expect("an origin"),
            budget,
            clock: self.simulator.clock(),
            ..InstanceOptions::default()
        };
        let mut instance = PLUGIN.instantiate(options).await.expect("an instance");
        let settings = [
            ("datacenter-id", "fra1"),
            ("client-id", SAMPLE_CLIENT_ID),
            ("client-secret", SAMPLE_CLIENT_SECRET),
            ("base-url", &origin),
            // The shared budget applies the limits instead.
            ("rate-share", "100"),
        ]
        .map(|(key, value)| Setting::new(key, value));
        instance.configure(&settings).await.expect("a result").expect("valid settings");
        self.instances.push(instance);
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.simulator.clock().since_epoch().as_millis()).expect("within the calendar")
    }

    /// Makes the due calls concurrently on all instances until every request has completed.
    async fn run_to_completion(&mut self) {
        let started_ms = self.now_ms();
        loop {
            assert!(self.now_ms() < started_ms + 6 * 3_600_000, "some requests do not complete");
            let open = || self.cases.iter().enumerate().filter(|(_, case)| case.outcome.is_none());
            let Some(next_ms) = open().map(|(_, case)| case.due_ms).min() else { return };
            let now_ms = self.now_ms();
            if next_ms > now_ms {
                self.simulator.advance(Duration::from_millis(next_ms - now_ms));
                continue;
            }
            let mut due: Vec<usize> =
                open().filter(|(_, case)| case.due_ms <= now_ms).map(|(index, _)| index).collect();
            due.sort_by_key(|index| self.cases[*index].due_ms);
            let cases = &self.cases;
            // Deletions are polled together, because one request for Qualtrics' list serves all of them. Exports have no list, so they can
            // also be polled one by one.
            let is_together = |index: &usize| {
                let case = &cases[*index];
                case.ticket.is_some() && (case.mode.is_some() || self.exports == Exports::Together)
            };
            let (together, single): (Vec<usize>, Vec<usize>) = due.into_iter().partition(is_together);
            let (poller, others) = self.instances.split_first_mut().expect("instances");
            let tasks: Vec<Task> = together.iter().filter_map(|index| cases[*index].task()).collect();
            let poll =
                async { if tasks.is_empty() { Vec::new() } else { poller.poll(&tasks).await.expect("results") } };
            let calls = join_all(others.iter_mut().zip(&single).map(async |(instance, &index)| {
                let case = &cases[index];
                let request = std::slice::from_ref(&case.request);
                let results = match (case.task(), case.mode) {
                    (Some(task), _) => instance.poll(&[task]).await,
                    (None, Some(mode)) => instance.delete(request, mode).await,
                    (None, None) => instance.access(request).await,
                };
                (index, results.expect("results").remove(0))
            }));
            let (polled, called) = tokio::join!(poll, calls);
            let now_ms = self.now_ms();
            for (index, result) in together.into_iter().zip(polled).chain(called) {
                self.cases[index].record(result, now_ms);
            }
        }
    }
}

async fn run_with_shared_budget(instances: usize, requests: usize, exports: Exports) {
    let mut platform = Platform::new(instances, requests, Some(SHARE)).await;
    platform.exports = exports;
    let start = Instant::now();
    platform.run_to_completion().await;
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    for case in &platform.cases {
        let outcome = case.outcome.expect("an outcome");
        assert_eq!(outcome, if case.mode.is_some() { Outcome::Deleted } else { Outcome::Found }, "{}", case.request.id);
        *outcomes.entry(format!("{outcome:?}")).or_default() += 1;
    }
    let calls = platform.simulator.calls();
    let erasures: Vec<Duration> =
        calls.iter().filter(|call| call.endpoint == Endpoint::ErasureCreate).map(|call| call.at).collect();
    let (first, last) = (erasures[0], erasures[erasures.len() - 1]);
    let minutes = (last - first).as_secs_f64() / 60.0;
    // A share at once, and another for each minute.
    let allowed = 20.0 * f64::from(SHARE) / 100.0;
    let possible = allowed * (1.0 + minutes);
    let used = 100.0 * requests as f64 / possible;
    let endpoints = [Endpoint::ExportCreate, Endpoint::ExportProgress, Endpoint::ExportFile];
    let exports = endpoints.map(|endpoint| calls.iter().filter(|call| call.endpoint == endpoint).count());
    println!(
        "{requests} deletion and {requests} access requests by {instances} instances: {outcomes:?}, {} calls, {} throttled by \
         Qualtrics; {} erasures started within {minutes:.1} simulated minutes, {used:.1} % of the {possible:.1} that the share \
         permits; exports: {exports:?} started, polled, read; {:?} in total",
        calls.len(),
        platform.simulator.ratelimited_count(),
        erasures.len(),
        start.elapsed(),
    );
    assert_eq!(platform.simulator.ratelimited_count(), 0);
    for (endpoint, limit) in [
        (Endpoint::ErasureCreate, 20),
        (Endpoint::ErasureList, 20),
        (Endpoint::ErasureGet, 20),
        (Endpoint::ExportCreate, 100),
        (Endpoint::ExportProgress, 100),
        (Endpoint::ExportFile, 100),
        (Endpoint::ContactSearch, 500),
    ] {
        let times = calls.iter().filter(|call| call.endpoint == endpoint).map(|call| call.at).collect::<Vec<_>>();
        let in_minute = |first: &Duration| {
            times.iter().filter(|at| *at >= first && **at < *first + Duration::from_secs(60)).count()
        };
        let most = times.iter().map(in_minute).max().unwrap_or_default();
        assert!(most <= limit * usize::from(SHARE) / 100, "{endpoint:?}: {most} in a minute");
    }
    assert_eq!(erasures.len(), requests);
    assert!((90.0..=101.0).contains(&used), "{used} %");
}

#[tokio::test]
async fn exports_that_are_polled_together_share_the_budget() {
    run_with_shared_budget(10, 100, Exports::Together).await;
}

#[tokio::test]
async fn fifty_instances_complete_a_thousand_requests_within_one_budget() {
    run_with_shared_budget(50, 500, Exports::Single).await;
}

#[tokio::test]
async fn without_a_budget_the_same_instances_are_throttled() {
    let mut platform = Platform::new(10, 50, None).await;
    platform.run_to_completion().await;
    assert!(platform.simulator.ratelimited_count() > 0);
}
