//! The time to load and instantiate the component, and the memory of live instances.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use criterion::Criterion;
use privacy_host::{Host, InstanceOptions, Options, Plugin};
use qualtrics_component::CONNECTOR;
use tokio::runtime::Runtime;

use crate::brand::current_thread_runtime;
use crate::component::{configured, plugin, settings};
use crate::connection::Connection;
use crate::meter::{Sample, proportional_bytes, resident_bytes, samples, wall_quantile};
use crate::results::{Footprint, Results, Timing};
use crate::scale::Scale;
use crate::subprocess::Measurement;

/// Runs the benchmarks.
pub fn measure(criterion: &mut Criterion, scale: Scale, results: &mut Results) {
    measure_steps(criterion, results);
    results.footprints.clear();
    for instances in scale.pick(vec![10], vec![10, 1_000], vec![10, 1_000, 10_000]) {
        let footprint: Footprint = Measurement::Footprint { instances }.run_in_subprocess();
        println!("{footprint:?}");
        results.footprints.push(footprint);
    }
}

/// A connection without a brand. These benchmarks make no network calls.
fn unused_connection() -> Connection {
    Connection {
        origin: "http://127.0.0.1:9".to_owned(),
        client_id: "b6c5d4e3f2a1908070605040302010ff".to_owned(),
        client_secret: "a client secret of about the usual length".to_owned(),
    }
}

fn measure_steps(criterion: &mut Criterion, results: &mut Results) {
    let runtime = current_thread_runtime();
    let (pooled, on_demand) = (new_host(true), new_host(false));
    let plugin = pooled.load(CONNECTOR).expect("failed to load the connector");
    let plugin_on_demand = on_demand.load(CONNECTOR).expect("failed to load the connector");
    let code = plugin.precompile().expect("failed to precompile the connector");
    let directory = temporary_directory();
    let file = code.write_to(directory.join("qualtrics.cwasm")).expect("failed to write the machine code");

    let mut group = criterion.benchmark_group("start");
    let mut parts: [(&str, Vec<Sample>); 3] =
        ["host-trusted-roots", "host-engine", "host-linker"].map(|name| (name, Vec::new()));
    let hosts = samples(&mut group, "host", || {
        let (time, set_up) = time_and_inspect(|| new_host(true), Host::set_up);
        for ((_, samples), time) in parts.iter_mut().zip([set_up.trusted_roots, set_up.engine, set_up.linker]) {
            samples.push(wall_only(time));
        }
        wall_only(time)
    });
    add_step(results, "host", &hosts);
    for (name, samples) in &parts {
        add_step(results, name, samples);
    }
    let mut step = |name: &str, run: &mut dyn FnMut() -> Duration| {
        add_step(results, name, &samples(&mut group, name, || wall_only(run())));
    };
    step("compile", &mut || time(|| pooled.load(CONNECTOR).expect("failed to load the connector")));
    step("load-from-file", &mut || time(|| pooled.load_precompiled(&file).expect("failed to load the machine code")));
    step("load-from-memory", &mut || time(|| pooled.load_precompiled(&code).expect("failed to load the machine code")));
    for (kind, plugin) in [("on-demand", &plugin_on_demand), ("pooled", &plugin)] {
        step(&format!("instance-{kind}"), &mut || instance(&runtime, plugin));
        step(&format!("configured-instance-{kind}"), &mut || configured_instance(&runtime, plugin));
    }
    let mut live = runtime.block_on(configured(&plugin, &unused_connection()));
    step("describe", &mut || runtime.block_on(time_async(live.describe())));
    let settings = settings(&unused_connection());
    step("configure", &mut || runtime.block_on(time_async(live.configure(&settings))));
    group.finish();
    std::fs::remove_dir_all(&directory).expect("failed to remove the temporary directory");
}

fn new_host(pooled: bool) -> Host {
    Host::new(Options { pooled, max_instances: 16, ..Options::default() }).expect("failed to set up a host")
}

/// Replaces the step of this name in the results. Criterion may have excluded it: then there are no samples.
fn add_step(results: &mut Results, name: &str, samples: &[Sample]) {
    if samples.is_empty() {
        return;
    }
    let micros = |share| wall_quantile(samples, share) * 1e6;
    let timing =
        Timing { step: name.to_owned(), p50_us: micros(0.5), p99_us: micros(0.99), times: samples.len() as u64 };
    println!("{name}: p50 {:.1} µs, p99 {:.1} µs", timing.p50_us, timing.p99_us);
    results.steps.retain(|old| old.step != name);
    results.steps.push(timing);
}

/// A sample without processor time.
fn wall_only(wall: Duration) -> Sample {
    Sample { wall, cpu: Duration::ZERO }
}

/// The elapsed time of `work`, without the time to drop its result.
fn time<T>(work: impl FnOnce() -> T) -> Duration {
    time_and_inspect(work, |_| ()).0
}

/// The elapsed time of `work`, without the time to drop its result, and what `inspect` returns for the result.
fn time_and_inspect<T, U>(work: impl FnOnce() -> T, inspect: impl FnOnce(&T) -> U) -> (Duration, U) {
    let start = Instant::now();
    let result = work();
    let time = start.elapsed();
    (time, inspect(&result))
}

/// The elapsed time of `work`, without the time to drop its result.
async fn time_async<T>(work: impl Future<Output = T>) -> Duration {
    let start = Instant::now();
    let result = work.await;
    let time = start.elapsed();
    drop(result);
    time
}

fn instance(runtime: &Runtime, plugin: &Plugin) -> Duration {
    let instance = plugin.instantiate(InstanceOptions::default());
    runtime.block_on(time_async(async { instance.await.expect("failed to instantiate the component") }))
}

fn configured_instance(runtime: &Runtime, plugin: &Plugin) -> Duration {
    let (options, settings) = (InstanceOptions::default(), settings(&unused_connection()));
    runtime.block_on(time_async(async {
        let mut instance = plugin.instantiate(options).await.expect("failed to instantiate the component");
        instance.configure(&settings).await.expect("the call failed").expect("the settings are invalid");
        instance
    }))
}

fn temporary_directory() -> PathBuf {
    let directory = std::env::temp_dir().join(format!("qualtrics-performance-{}", std::process::id()));
    std::fs::create_dir(&directory).expect("failed to create a temporary directory");
    directory
}

/// Measures the memory of this number of live, configured instances. It excludes the memory of a host with one instance, because
/// the other instances share the pages that the first one loads.
pub fn footprint(instances: u32) -> Footprint {
    let runtime = current_thread_runtime();
    let plugin = plugin(instances + 1);
    runtime.block_on(async {
        let _first = configured(&plugin, &unused_connection()).await;
        let (proportional, resident) = (proportional_bytes(), resident_bytes());
        let mut live = Vec::with_capacity(instances as usize);
        for _ in 0..instances {
            live.push(configured(&plugin, &unused_connection()).await);
        }
        let each = |before: u64, after: u64| after.saturating_sub(before) / u64::from(instances);
        Footprint {
            instances: instances.into(),
            bytes_each: each(proportional, proportional_bytes()),
            mapped_bytes_each: each(resident, resident_bytes()),
        }
    })
}
