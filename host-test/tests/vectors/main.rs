//! Runs the scenarios of `host-test/vectors/` on the Rust host. Every host runs the same scenarios.

mod control;
mod coverage;

use std::io::{self, Write};

use privacy_host::contract::{Chunk, Connection, DeletionMode, Error, Manifest, Request, Right, Setting, Task};
use privacy_host::{EgressPolicy, HostError, InstanceOptions, Options, Plugin};
use privacy_scenarios::host::{Host, Instance, Results};
use qualtrics_component::CONNECTOR;
use qualtrics_simulator::Control;

/// The component on the Rust host.
struct RustHost(Plugin);

struct RustInstance(privacy_host::Instance);

impl Host for RustHost {
    type Instance = RustInstance;

    async fn instantiate(&self, origin: &str) -> Result<RustInstance, String> {
        let egress = EgressPolicy::deny_all().allow(origin).map_err(|error| error.to_string())?;
        let options = InstanceOptions { egress, ..InstanceOptions::default() };
        self.0.instantiate(options).await.map(RustInstance).map_err(no_result)
    }
}

impl Instance for RustInstance {
    async fn describe(&mut self) -> Result<Manifest, String> {
        self.0.describe().await.map_err(no_result)
    }

    async fn configure(&mut self, settings: &[Setting]) -> Result<Result<(), Error>, String> {
        self.0.configure(settings).await.map_err(no_result)
    }

    async fn check(&mut self, rights: &[Right]) -> Result<Result<Connection, Error>, String> {
        self.0.check(rights).await.map_err(no_result)
    }

    async fn access(&mut self, requests: &[Request]) -> Result<Results, String> {
        self.0.access(requests).await.map_err(no_result)
    }

    async fn delete(&mut self, requests: &[Request], mode: DeletionMode) -> Result<Results, String> {
        self.0.delete(requests, mode).await.map_err(no_result)
    }

    async fn opt_out(&mut self, requests: &[Request]) -> Result<Results, String> {
        self.0.opt_out(requests).await.map_err(no_result)
    }

    async fn poll(&mut self, tasks: &[Task]) -> Result<Results, String> {
        self.0.poll(tasks).await.map_err(no_result)
    }

    async fn read(&mut self, reference: &str, offset: u64, limit: u32) -> Result<Result<Chunk, Error>, String> {
        self.0.read(reference, offset, limit).await.map_err(no_result)
    }
}

/// The error of a call that returned no result.
fn no_result(error: HostError) -> String {
    format!("the call has no result: {error}")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scenario_passes_on_the_rust_host() {
    let control = Control::start(0).await.expect("a free port");
    let plugin = privacy_host::Host::new(Options::default()).expect("a host").load(CONNECTOR).expect("the connector");
    let origin = control.origin().to_owned();
    let run = tokio::task::spawn_blocking(move || privacy_scenarios::run_all(&origin, &RustHost(plugin)));
    let passed = run.await.expect("scenarios do not panic").expect("no scenario fails, see above");
    // Written to stdout directly, because the test harness captures `println!` of passing tests.
    let _ = writeln!(io::stdout(), "{passed} scenarios passed on the Rust host");
    assert!(passed > 0);
}
