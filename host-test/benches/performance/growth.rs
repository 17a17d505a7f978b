//! How the cost grows with the amount of work, through the component and natively.

use std::time::Instant;

use host_test::host::contract::{Outcome, Task};
use host_test::performance::{Flow, Growth, Results, Work, quantile};
use qualtrics_connector::contract as core;
use qualtrics_connector::privacy::connector::Connector as _;
use serde_json::{Value, json};

use crate::brand::{Brand, Connection, PERSON, Simulation};
use crate::component::{self, InHost};
use crate::native::{self, NativeTransport};
use crate::scale::Scale;

/// Runs the measurement.
pub fn measure(scale: Scale, simulation: &Simulation, results: &mut Results) {
    let grower =
        Grower { simulation, in_host: InHost::new(), transport: NativeTransport::new(), times: scale.pick(1, 3, 5) };
    results.growth.clear();
    let mut add = |grown: Growth| {
        println!(
            "{:?} {:>6}: {:>5} calls, {:9.2} ms, native {:9.2} ms",
            grown.work, grown.amount, grown.calls, grown.ms, grown.native_ms
        );
        results.growth.push(grown);
    };
    for amount in scale.pick(vec![1], vec![1, 10, 100], vec![1, 10, 100, 1_000, 10_000]) {
        let emails = vec![PERSON; amount];
        let held = json!({ "people": [{ "first-name": "Ada", "emails": emails }] });
        add(grower.accessed(&held, Work::Contacts, amount));
    }
    for amount in scale.pick(vec![1], vec![1, 10], vec![1, 10, 50, 100, 200]) {
        let directories: Vec<String> = (0..amount).map(|n| format!("POOL_{n:05}")).collect();
        let person = json!({ "first-name": "Ada", "emails": [PERSON], "directories": directories[..1] });
        let held = json!({ "directories": directories, "people": [person] });
        add(grower.accessed(&held, Work::Directories, amount));
    }
    for amount in scale.pick(vec![5], vec![1, 10, 100], vec![1, 10, 100, 1_000, 10_000]) {
        add(grower.polled(amount));
    }
}

struct Grower<'s> {
    simulation: &'s Simulation,
    in_host: InHost,
    transport: NativeTransport,
    /// The number of measurements of each; the median counts.
    times: usize,
}

impl Grower<'_> {
    /// One access request to its end.
    fn accessed(&self, held: &Value, work: Work, amount: usize) -> Growth {
        let brand = self.simulation.brand(held, 0);
        let InHost { runtime, plugin, .. } = &self.in_host;
        let through_component = || {
            let start = Instant::now();
            let report = runtime.block_on(component::serve(plugin, &brand.connection, Flow::Access));
            let ms = milliseconds(start);
            assert!(matches!(report.outcome, Outcome::Found | Outcome::Partial), "{:?}", report.findings);
            ms
        };
        let natively = || {
            let start = Instant::now();
            let report = native::serve(&self.transport, &brand.connection, Flow::Access);
            let ms = milliseconds(start);
            assert!(matches!(report.outcome, core::Outcome::Found | core::Outcome::Partial), "{:?}", report.findings);
            ms
        };
        self.grown(&brand, work, amount, &through_component, &natively)
    }

    /// One `poll` of this many deletions, on a new instance.
    fn polled(&self, amount: usize) -> Growth {
        let brand = self.simulation.brand(&json!({}), 0);
        let tasks = started(&self.transport, &brand.connection, amount);
        let for_component: Vec<Task> = tasks.iter().map(for_component).collect();
        let InHost { runtime, plugin, .. } = &self.in_host;
        let through_component = || {
            runtime.block_on(async {
                let mut instance = component::configured(plugin, &brand.connection).await;
                let start = Instant::now();
                let results = instance.poll(&for_component).await.expect("results");
                let ms = milliseconds(start);
                assert!(results.iter().all(Result::is_ok), "{:?}", results.iter().find(|result| result.is_err()));
                ms
            })
        };
        let natively = || {
            let mut connector = native::configured(&self.transport, &brand.connection);
            let tasks = tasks.clone();
            let start = Instant::now();
            let results = connector.poll(tasks);
            let ms = milliseconds(start);
            assert!(results.iter().all(Result::is_ok), "{:?}", results.iter().find(|result| result.is_err()));
            ms
        };
        self.grown(&brand, Work::PendingJobs, amount, &through_component, &natively)
    }

    /// Measures both in turns, after one run of each that opens the connections. Both must make the same number of calls.
    fn grown(
        &self,
        brand: &Brand<'_>,
        work: Work,
        amount: usize,
        through_component: &dyn Fn() -> f64,
        natively: &dyn Fn() -> f64,
    ) -> Growth {
        let calls = |work: &dyn Fn() -> f64| {
            let before = brand.call_count();
            work();
            brand.call_count() - before
        };
        let (calls, calls_natively) = (calls(through_component), calls(natively));
        assert_eq!(calls, calls_natively, "{work:?} {amount}");
        let (of_component, of_native): (Vec<_>, Vec<_>) =
            (0..self.times).map(|_| (through_component(), natively())).unzip();
        Growth { work, amount: amount as u64, calls, ms: median(of_component), native_ms: median(of_native) }
    }
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    quantile(&values, 0.5)
}

/// Starts this many deletions natively, because their tickets are the same. Each has a connector of its own, so that none uses up
/// its share of Qualtrics' rate limits.
fn started(transport: &NativeTransport, connection: &Connection, amount: usize) -> Vec<core::Task> {
    let start = |n: usize| {
        let request = native::request(&format!("request-{n}"), &format!("customer-{n:05}@example.org"));
        let mut connector = native::configured(transport, connection);
        match native::single(connector.delete(vec![request.clone()], core::DeletionMode::Erase)) {
            core::Progress::Pending(pending) => core::Task { request, ticket: pending.ticket },
            core::Progress::Done(report) => panic!("pending, not {:?}", report.outcome),
        }
    };
    (0..amount).map(start).collect()
}

/// The same task, for the component.
fn for_component(task: &core::Task) -> Task {
    let [core::Identifier::Email(address)] = task.request.subject.as_slice() else { panic!("one address") };
    Task::new(component::request(&task.request.id, address), task.ticket.clone())
}
