//! Growth of the cost with the amount of work, through the component and natively.

use privacy_host::contract::{Outcome, Task};
use qualtrics_connector::contract as native_contract;
use qualtrics_connector::privacy::connector::Connector as _;
use serde_json::{Value, json};

use crate::brand::{Brand, DATA_SUBJECT, Simulation};
use crate::component::{self, ComponentClient};
use crate::connection::Connection;
use crate::meter::{Sample, cpu_quantile, wall_quantile};
use crate::native::{self, NativeTransport};
use crate::results::{Flow, Growth, Results, Work};
use crate::scale::Scale;

/// Runs the benchmark.
pub fn measure(scale: Scale, simulation: &Simulation, results: &mut Results) {
    let (client, transport) = (ComponentClient::new(), NativeTransport::new());
    let benchmark = GrowthBenchmark { simulation, client, transport, runs: scale.pick(1, 3, 5) };
    results.growth.clear();
    let mut add = |growth: Growth| {
        println!(
            "{:?} {:>6}: {:>5} calls, {:9.2} ms, processor {:9.2} ms, native {:9.2} ms",
            growth.work, growth.amount, growth.calls, growth.ms, growth.cpu_ms, growth.native_ms
        );
        results.growth.push(growth);
    };
    for amount in scale.pick(vec![1], vec![1, 10, 100], vec![1, 10, 100, 1_000, 10_000]) {
        let emails = vec![DATA_SUBJECT; amount];
        let data = json!({ "people": [{ "first-name": "Ada", "emails": emails }] });
        add(benchmark.access(&data, Work::Contacts, amount));
    }
    for amount in scale.pick(vec![1], vec![1, 10], vec![1, 10, 50, 100, 200]) {
        let directories: Vec<String> = (0..amount).map(|n| format!("POOL_{n:05}")).collect();
        let person = json!({ "first-name": "Ada", "emails": [DATA_SUBJECT], "directories": directories[..1] });
        let data = json!({ "directories": directories, "people": [person] });
        add(benchmark.access(&data, Work::Directories, amount));
    }
    for amount in scale.pick(vec![5], vec![1, 10, 100], vec![1, 10, 100, 1_000, 10_000]) {
        add(benchmark.poll(amount));
    }
}

struct GrowthBenchmark<'s> {
    simulation: &'s Simulation,
    client: ComponentClient,
    transport: NativeTransport,
    /// The number of runs for each amount. Results are medians.
    runs: usize,
}

impl GrowthBenchmark<'_> {
    /// Measures one access request until it is done.
    fn access(&self, data: &Value, work: Work, amount: usize) -> Growth {
        let brand = self.simulation.brand(data, 0);
        let ComponentClient { runtime, plugin, .. } = &self.client;
        let run_component = || {
            let (sample, report) =
                Sample::of(|| runtime.block_on(component::serve(plugin, &brand.connection, Flow::Access)));
            assert!(matches!(report.outcome, Outcome::Found | Outcome::Partial), "{:?}", report.findings);
            sample
        };
        let run_native = || {
            use native_contract::Outcome;

            let (sample, report) = Sample::of(|| native::serve(&self.transport, &brand.connection, Flow::Access));
            assert!(matches!(report.outcome, Outcome::Found | Outcome::Partial), "{:?}", report.findings);
            sample
        };
        self.compare(&brand, work, amount, &run_component, &run_native)
    }

    /// Measures one `poll` of this number of erasure jobs, on a new instance.
    fn poll(&self, amount: usize) -> Growth {
        let brand = self.simulation.brand(&json!({}), 0);
        let native_tasks = start_deletions(&self.transport, &brand.connection, amount);
        let tasks: Vec<Task> = native_tasks.iter().map(component_task).collect();
        let ComponentClient { runtime, plugin, .. } = &self.client;
        let run_component = || {
            let mut instance = runtime.block_on(component::configured(plugin, &brand.connection));
            let (sample, results) = Sample::of(|| runtime.block_on(instance.poll(&tasks)));
            let results = results.expect("the call failed");
            assert!(results.iter().all(Result::is_ok), "{:?}", results.iter().find(|result| result.is_err()));
            sample
        };
        let run_native = || {
            let mut connector = native::configured(&self.transport, &brand.connection);
            let tasks = native_tasks.clone();
            let (sample, results) = Sample::of(|| connector.poll(tasks));
            assert!(results.iter().all(Result::is_ok), "{:?}", results.iter().find(|result| result.is_err()));
            sample
        };
        self.compare(&brand, Work::PendingJobs, amount, &run_component, &run_native)
    }

    /// Measures both in turns, after one run of each that opens the connections.
    ///
    /// # Panics
    /// If the two make different numbers of calls.
    fn compare(
        &self,
        brand: &Brand<'_>,
        work: Work,
        amount: usize,
        run_component: &dyn Fn() -> Sample,
        run_native: &dyn Fn() -> Sample,
    ) -> Growth {
        let count_calls = |run: &dyn Fn() -> Sample| {
            let before = brand.call_count();
            run();
            brand.call_count() - before
        };
        let (calls, native_calls) = (count_calls(run_component), count_calls(run_native));
        assert_eq!(calls, native_calls, "{work:?} {amount}");
        let (component, native): (Vec<_>, Vec<_>) = (0..self.runs).map(|_| (run_component(), run_native())).unzip();
        Growth {
            work,
            amount: amount as u64,
            calls,
            ms: wall_quantile(&component, 0.5) * 1e3,
            cpu_ms: cpu_quantile(&component, 0.5) * 1e3,
            native_ms: wall_quantile(&native, 0.5) * 1e3,
        }
    }
}

/// Starts this number of deletions natively; the tickets are valid for the component, too. Each deletion has a new connector, so
/// that none has to wait for the rate limits.
fn start_deletions(transport: &NativeTransport, connection: &Connection, amount: usize) -> Vec<native_contract::Task> {
    use native_contract::{DeletionMode, Progress, Task};

    let start = |n: usize| {
        let request = native::request(&format!("request-{n}"), &format!("customer-{n:05}@example.org"));
        let mut connector = native::configured(transport, connection);
        match native::single(connector.delete(vec![request.clone()], DeletionMode::Erase)) {
            Progress::Pending(pending) => Task { request, ticket: pending.ticket },
            Progress::Done(report) => panic!("the deletion is done, not pending: {:?}", report.outcome),
        }
    };
    (0..amount).map(start).collect()
}

/// The same task as a type of the host.
fn component_task(task: &native_contract::Task) -> Task {
    let [native_contract::Identifier::Email(address)] = task.request.subject.as_slice() else {
        panic!("the request has another identifier than one email address")
    };
    Task::new(component::request(&task.request.id, address), task.ticket.clone())
}
