//! Many instances of one connection, and one budget for all: Qualtrics never has to ask for fewer calls, and what may be
//! used of its limits is used.

#[path = "end_to_end/world.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod world;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::future::join_all;
use host_test::host::contract::{DeletionMode, Error, Outcome, Progress, Remedy, Request, Task};
use host_test::host::{Budget, EgressPolicy, Instance, InstanceOptions};
use host_test::simulator::{Brand, Endpoint, Options, Person, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, Simulator};
use world::{email, plugin, request, settings_of};

/// What the host may use of Qualtrics' limits, in percent.
const SHARE: u8 = 75;

/// A request, and how far it is.
struct Case {
    request: Request,
    mode: Option<DeletionMode>,
    ticket: Option<String>,
    /// When to go on, in made milliseconds.
    due_ms: u64,
    outcome: Option<Outcome>,
}

impl Case {
    fn task(&self) -> Option<Task> {
        Some(Task { request: self.request.clone(), ticket: self.ticket.clone()? })
    }

    fn take(&mut self, answer: Result<Progress, Error>, now_ms: u64) {
        match answer {
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

/// All requests of one connection, and the instances that work on them.
struct Platform {
    simulator: Simulator,
    instances: Vec<Instance>,
    cases: Vec<Case>,
    /// Whether exports are asked for in one call, too, as deletions are.
    exports_together: bool,
}

impl Platform {
    /// As many accesses and deletions, each of another person. Without a share there is no budget.
    async fn new(instances: usize, requests: usize, share: Option<u8>) -> Self {
        let people = (0..requests * 2).map(|index| (index, format!("person{index}@example.org")));
        let brand = people.clone().fold(Brand::sample(), |brand, (_, address)| {
            brand.person(&Person::new("Ada", "Case").email(&address).responses(1), &[])
        });
        let simulator = Simulator::start(brand, Options::default()).await.expect("a free port");
        let cases = people
            .map(|(index, address)| Case {
                request: request(&format!("case-{index}"), vec![email(&address)]),
                mode: index.is_multiple_of(2).then_some(DeletionMode::Erase),
                ticket: None,
                due_ms: 0,
                outcome: None,
            })
            .collect();
        let mut platform = Self { simulator, instances: Vec::new(), cases, exports_together: false };
        let limits = plugin().instantiate(InstanceOptions::default()).await.expect("an instance").describe().await;
        let limits = limits.expect("a manifest").limits;
        let budget = share.map(|share| Budget::new(&limits, share, platform.simulator.clock()));
        for _ in 0..instances {
            platform.add_instance(budget.clone()).await;
        }
        platform
    }

    async fn add_instance(&mut self, budget: Option<Budget>) {
        let origin = self.simulator.origin();
        let options = InstanceOptions {
            egress: EgressPolicy::deny_all().allow(&origin).expect("an origin"),
            budget,
            clock: self.simulator.clock(),
            ..InstanceOptions::default()
        };
        let mut instance = plugin().instantiate(options).await.expect("an instance");
        let settings = settings_of(&[
            ("datacenter-id", "fra1"),
            ("client-id", SAMPLE_CLIENT_ID),
            ("client-secret", SAMPLE_CLIENT_SECRET),
            ("base-url", &origin),
            // The host keeps the budget.
            ("rate-share", "100"),
        ]);
        instance.configure(&settings).await.expect("an answer").expect("good settings");
        self.instances.push(instance);
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.simulator.clock().since_epoch().as_millis()).expect("within the calendar")
    }

    /// Works until every request has its last word: on what is due, with all instances at once.
    async fn work(&mut self) {
        let began_ms = self.now_ms();
        loop {
            assert!(self.now_ms() < began_ms + 6 * 3_600_000, "some requests have no end");
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
            // One look at Qualtrics' list serves all deletions. Of exports there is no list: each can as well be asked for by
            // itself.
            let together = self.exports_together;
            let in_list = |index: &usize| (cases[*index].mode.is_some() || together) && cases[*index].ticket.is_some();
            let (listed, single): (Vec<usize>, Vec<usize>) = due.into_iter().partition(in_list);
            let (poller, others) = self.instances.split_first_mut().expect("instances");
            let tasks: Vec<Task> = listed.iter().filter_map(|index| cases[*index].task()).collect();
            let poll =
                async { if tasks.is_empty() { Vec::new() } else { poller.poll(&tasks).await.expect("answers") } };
            let begin = join_all(others.iter_mut().zip(&single).map(async |(instance, &index)| {
                let case = &cases[index];
                let answer = match (case.task(), case.mode) {
                    (Some(task), _) => instance.poll(&[task]).await.map(|mut answers| answers.remove(0)),
                    (None, Some(mode)) => instance.delete(&case.request, mode).await,
                    (None, None) => instance.access(&case.request).await,
                };
                (index, answer.expect("an answer"))
            }));
            let (answers, singles) = tokio::join!(poll, begin);
            let now_ms = self.now_ms();
            for (index, answer) in listed.into_iter().zip(answers).chain(singles) {
                self.cases[index].take(answer, now_ms);
            }
        }
    }
}

async fn share_a_budget(instances: usize, requests: usize, exports_together: bool) {
    let mut platform = Platform::new(instances, requests, Some(SHARE)).await;
    platform.exports_together = exports_together;
    let begin = Instant::now();
    platform.work().await;
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    for case in &platform.cases {
        let outcome = case.outcome.expect("its last word");
        assert_eq!(outcome, if case.mode.is_some() { Outcome::Erased } else { Outcome::Found }, "{}", case.request.key);
        *outcomes.entry(format!("{outcome:?}")).or_default() += 1;
    }
    let calls = platform.simulator.calls();
    let erasures: Vec<Duration> =
        calls.iter().filter(|call| call.endpoint == Endpoint::ErasureCreate).map(|call| call.at).collect();
    let (first, last) = (erasures[0], erasures[erasures.len() - 1]);
    let minutes = (last - first).as_secs_f64() / 60.0;
    // A full bucket, and then what comes back.
    let allowed = 20.0 * f64::from(SHARE) / 100.0;
    let possible = allowed * (1.0 + minutes);
    let used = 100.0 * requests as f64 / possible;
    let of_exports = [Endpoint::ExportCreate, Endpoint::ExportProgress, Endpoint::ExportFile];
    let exports = of_exports.map(|endpoint| calls.iter().filter(|call| call.endpoint == endpoint).count());
    println!(
        "{requests} deletions and {requests} accesses by {instances} instances: {outcomes:?}, {} calls, {} answered 429 by \
         Qualtrics; {} erasures begun within {minutes:.1} made minutes, {used:.1} % of the {possible:.1} that the share \
         allows; exports: {exports:?} begun, asked for, read; {:?} in all",
        calls.len(),
        platform.simulator.ratelimited_count(),
        erasures.len(),
        begin.elapsed(),
    );
    assert_eq!(platform.simulator.ratelimited_count(), 0);
    assert_eq!(erasures.len(), requests);
    assert!((90.0..=101.0).contains(&used), "{used} %");
}

#[tokio::test]
async fn ten_instances_use_one_budget_up_and_none_of_them_is_one_call_too_many() {
    share_a_budget(10, 50, false).await;
}

#[tokio::test]
async fn exports_that_are_asked_for_together_share_the_budget_too() {
    share_a_budget(10, 100, true).await;
}

#[tokio::test]
async fn fifty_instances_do_a_thousand_requests_within_one_budget() {
    share_a_budget(50, 500, false).await;
}

#[tokio::test]
async fn without_a_budget_the_same_instances_make_too_many_calls() {
    let mut platform = Platform::new(10, 50, None).await;
    platform.work().await;
    assert!(platform.simulator.ratelimited_count() > 0);
}
