//! How cost grows with the work, through the component and natively.

use std::time::Instant;

use host_test::host::contract::{Outcome, Request, Task};
use host_test::performance::{Flow, Growth, Results, Work, quantile};
use qualtrics_connector::connector::contract as core;
use serde_json::{Value, json};

use crate::brand::{Brand, Connection, PERSON, Simulation};
use crate::component::{self, InHost, about};
use crate::native::{self, NativeTransport};
use crate::scale::Scale;

/// Measures it.
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
    /// How often each is measured; the median counts.
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

    /// One `poll` about so many erasures, on an instance that has not asked about them before.
    fn polled(&self, amount: usize) -> Growth {
        let brand = self.simulation.brand(&json!({}), 0);
        let tasks = begun(&self.transport, &brand.connection, amount);
        let for_component: Vec<Task> = tasks.iter().map(for_component).collect();
        let InHost { runtime, plugin, .. } = &self.in_host;
        let through_component = || {
            runtime.block_on(async {
                let mut instance = component::configured(plugin, &brand.connection).await;
                let start = Instant::now();
                let answers = instance.poll(&for_component).await.expect("an answer");
                let ms = milliseconds(start);
                assert!(answers.iter().all(Result::is_ok), "{:?}", answers.iter().find(|answer| answer.is_err()));
                ms
            })
        };
        let natively = || {
            let mut connector = native::configured(&self.transport, &brand.connection);
            let start = Instant::now();
            let answers = connector.poll(&tasks);
            let ms = milliseconds(start);
            assert!(answers.iter().all(Result::is_ok), "every job is answered for");
            ms
        };
        self.grown(&brand, Work::PendingJobs, amount, &through_component, &natively)
    }

    /// Both in turns, and once before, so that connections are there. Who makes other calls does something else.
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

/// Begins so many erasures, natively, since their tickets are the same. A connector of its own for each: none comes to the
/// end of its share of Qualtrics' limits.
fn begun(transport: &NativeTransport, connection: &Connection, amount: usize) -> Vec<core::Task> {
    let begin = |n: usize| {
        let request = native::about(&format!("request-{n}"), &format!("customer-{n:05}@example.org"));
        match native::configured(transport, connection).delete(&request, core::DeletionMode::Erase) {
            Ok(core::Progress::Pending(pending)) => core::Task { request, ticket: pending.ticket },
            Ok(core::Progress::Done(report)) => panic!("pending, not {:?}", report.outcome),
            Err(error) => panic!("pending, not {error:?}"),
        }
    };
    (0..amount).map(begin).collect()
}

/// The same task, as the host says it.
fn for_component(task: &core::Task) -> Task {
    let [core::Identifier::Email(address)] = task.request.subject.as_slice() else { panic!("one address") };
    let request = Request { key: task.request.key.clone(), ..about(address.reveal()) };
    Task { request, ticket: task.ticket.clone() }
}
