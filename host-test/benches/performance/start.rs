//! Loading and starting, and what a live instance takes up.

use std::time::{Duration, Instant};

use criterion::Criterion;
use host_test::COMPONENT;
use host_test::host::{Host, InstanceOptions, Options, Plugin};
use host_test::performance::{Footprint, Results, Timing};
use tokio::runtime::Runtime;

use crate::alone::Errand;
use crate::brand::Connection;
use crate::component::{configured, plugin, settings};
use crate::meter::{Sample, resident, resident_once, samples, wall_quantile};
use crate::scale::Scale;

/// Measures it.
pub fn measure(criterion: &mut Criterion, scale: Scale, results: &mut Results) {
    steps(criterion, results);
    results.footprints.clear();
    for instances in scale.pick(vec![10], vec![10, 1_000], vec![10, 1_000, 10_000]) {
        let footprint: Footprint = Errand::Footprint { instances }.send();
        println!("{footprint:?}");
        results.footprints.push(footprint);
    }
}

/// Nobody is called while an instance starts.
fn nowhere() -> Connection {
    Connection {
        origin: "http://127.0.0.1:9".to_owned(),
        client_id: "b6c5d4e3f2a1908070605040302010ff".to_owned(),
        client_secret: "a secret of the usual length, more or less".to_owned(),
    }
}

fn steps(criterion: &mut Criterion, results: &mut Results) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let host = |pooled| Host::new(Options { pooled, max_instances: 16, ..Options::default() }).expect("a host");
    let (pooled, on_demand) = (host(true), host(false));
    let plugin = pooled.load(COMPONENT).expect("the connector");
    let plugin_on_demand = on_demand.load(COMPONENT).expect("the connector");
    let code = plugin.precompile().expect("machine code");
    let directory = tempfile();
    let kept = code.keep(directory.join("qualtrics.cwasm")).expect("a new file");

    let mut group = criterion.benchmark_group("start");
    let mut note = |name: &str, samples: &[Sample]| {
        if samples.is_empty() {
            return;
        }
        let micros = |share| wall_quantile(samples, share) * 1e6;
        let timing =
            Timing { step: name.to_owned(), p50_us: micros(0.5), p99_us: micros(0.99), times: samples.len() as u64 };
        println!("{name}: p50 {:.1} µs, p99 {:.1} µs", timing.p50_us, timing.p99_us);
        results.steps.retain(|old| old.step != name);
        results.steps.push(timing);
    };
    let only = |wall| Sample { wall, cpu: Duration::ZERO };
    // A host tells how long its parts took: they are those of the same hosts.
    let mut parts: [(&str, Vec<Sample>); 3] =
        ["host-trusted-roots", "host-engine", "host-linker"].map(|name| (name, vec![]));
    let hosts = samples(&mut group, "host", || {
        let (time, set_up) = timed_of(|| host(true), Host::set_up);
        for (part, took) in parts.iter_mut().zip([set_up.trusted_roots, set_up.engine, set_up.linker]) {
            part.1.push(only(took));
        }
        only(time)
    });
    note("host", &hosts);
    for (name, samples) in &parts {
        note(name, samples);
    }
    let mut step = |name: &str, once: &mut dyn FnMut() -> Duration| {
        note(name, &samples(&mut group, name, || only(once())));
    };
    step("compile", &mut || timed(|| pooled.load(COMPONENT).expect("the connector")));
    step("load-from-file", &mut || timed(|| pooled.load_precompiled(&kept).expect("the connector")));
    step("load-from-memory", &mut || timed(|| pooled.load_precompiled(&code).expect("the connector")));
    for (kind, plugin) in [("on-demand", &plugin_on_demand), ("pooled", &plugin)] {
        step(&format!("instance-{kind}"), &mut || instance(&runtime, plugin));
        step(&format!("configured-instance-{kind}"), &mut || configured_instance(&runtime, plugin));
    }
    let mut live = runtime.block_on(configured(&plugin, &nowhere()));
    step("describe", &mut || runtime.block_on(async { timed_async(live.describe()).await }));
    let settings = settings(&nowhere());
    step("configure", &mut || runtime.block_on(async { timed_async(live.configure(&settings)).await }));
    group.finish();
    std::fs::remove_dir_all(&directory).expect("the directory goes");
}

/// From the start to the end, without what it costs to throw the result away.
fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    timed_of(work, |_| ()).0
}

/// The same, with what the result tells.
fn timed_of<T, U>(work: impl FnOnce() -> T, told: impl FnOnce(&T) -> U) -> (Duration, U) {
    let start = Instant::now();
    let done = work();
    let time = start.elapsed();
    let told = told(&done);
    drop(done);
    (time, told)
}

async fn timed_async<T>(work: impl Future<Output = T>) -> Duration {
    let start = Instant::now();
    let done = work.await;
    let time = start.elapsed();
    drop(done);
    time
}

fn instance(runtime: &Runtime, plugin: &Plugin) -> Duration {
    let options = InstanceOptions::default();
    runtime.block_on(async { timed_async(async { plugin.instantiate(options).await.expect("an instance") }).await })
}

fn configured_instance(runtime: &Runtime, plugin: &Plugin) -> Duration {
    let (options, settings) = (InstanceOptions::default(), settings(&nowhere()));
    runtime.block_on(timed_async(async {
        let mut instance = plugin.instantiate(options).await.expect("an instance");
        instance.configure(&settings).await.expect("an answer").expect("good settings");
        instance
    }))
}

fn tempfile() -> std::path::PathBuf {
    let directory = std::env::temp_dir().join(format!("qualtrics-performance-{}", std::process::id()));
    std::fs::create_dir(&directory).expect("a new directory");
    directory
}

/// What so many live, configured instances take up, beyond what the host takes up with one.
pub fn footprint(instances: u32) -> Footprint {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let plugin = plugin(instances + 1);
    runtime.block_on(async {
        // What the first one touches, all others share.
        let _first = configured(&plugin, &nowhere()).await;
        let before = (resident_once(), resident());
        let mut live = Vec::with_capacity(instances as usize);
        for _ in 0..instances {
            live.push(configured(&plugin, &nowhere()).await);
        }
        let each = |before: u64, after: u64| after.saturating_sub(before) / u64::from(instances);
        Footprint {
            instances: instances.into(),
            bytes_each: each(before.0, resident_once()),
            mapped_bytes_each: each(before.1, resident()),
        }
    })
}
