//! Subprocesses that run this program: the simulator, and measurements that need a fresh process.

use std::io::{self, Read, Write};
use std::process::{Command, Stdio};

use qualtrics_simulator::Control;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::connection::Connection;

/// The argument on which this program runs a measurement. The next argument is a [`Measurement`] in JSON.
const MEASURE: &str = "--measure";

/// The argument on which this program runs the simulator.
const SIMULATE: &str = "--simulate";

/// A measurement that runs in a fresh process.
#[derive(Debug, Deserialize, Serialize)]
pub enum Measurement {
    /// See `start::footprint`.
    Footprint { instances: u32 },
    /// See `streaming::component`.
    StreamComponent(Connection),
    /// See `streaming::native`.
    StreamNative(Connection),
    /// See `streaming::download`.
    Download(Connection),
    /// See `concurrency::component`.
    ConcurrentComponent(Load),
    /// See `concurrency::native`.
    ConcurrentNative(Load),
}

impl Measurement {
    /// Runs the measurement in a subprocess, and returns its result.
    ///
    /// # Panics
    /// If the subprocess fails.
    pub fn run_in_subprocess<T: DeserializeOwned>(&self) -> T {
        let measurement = serde_json::to_string(self).expect("failed to encode the measurement");
        let output = this_program()
            .args([MEASURE, &measurement])
            .stderr(Stdio::inherit())
            .output()
            .expect("failed to start the measurement");
        assert!(output.status.success(), "{self:?} failed: {}", output.status);
        serde_json::from_slice(&output.stdout).expect("failed to parse the result of the measurement")
    }
}

/// A number of access requests, some of them concurrent.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Load {
    /// A brand without latency for one request before the measurement, which therefore does not include one-time costs.
    pub warm_up: Connection,
    pub connection: Connection,
    /// The number of requests that are in progress at once.
    pub at_once: u32,
    pub requests: u32,
}

/// The command that starts the simulator. The simulator prints one line, `{"control": ORIGIN}`, and runs until its standard input
/// is closed.
pub fn simulator() -> Command {
    let mut command = this_program();
    command.arg(SIMULATE).stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// Runs the simulator, or a measurement with `run`, if the arguments request it. Returns whether they do.
pub fn run_if_requested(run: fn(Measurement) -> serde_json::Result<String>) -> bool {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some(MEASURE) => {
            let measurement = arguments.next().expect("the argument of --measure is missing");
            let measurement: Measurement = serde_json::from_str(&measurement).expect("failed to parse the measurement");
            let result = run(measurement).expect("failed to encode the result");
            io::stdout().write_all(result.as_bytes()).expect("failed to write the result");
        }
        Some(SIMULATE) => simulate(),
        _ => return false,
    }
    true
}

fn simulate() {
    let runtime = tokio::runtime::Runtime::new().expect("failed to start a runtime");
    let control = runtime.block_on(Control::start(0)).expect("failed to start the simulator");
    println!("{}", json!({ "control": control.origin() }));
    // The worker threads of the runtime serve requests meanwhile.
    io::stdin().read_to_end(&mut Vec::new()).expect("failed to read standard input");
}

fn this_program() -> Command {
    Command::new(std::env::current_exe().expect("failed to determine the path of this program"))
}
