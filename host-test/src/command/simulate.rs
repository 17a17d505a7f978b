//! The command `simulate`: a simulated Qualtrics.

use std::future::pending;
use std::io;
use std::time::Duration;

use clap::Args;
use qualtrics_simulator::{
    Brand, Control, Dialect, Dialects, Options, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, SAMPLE_PERSON, Simulator,
};
use serde_json::json;
use simulated_clock::Clock;

use super::errors::CommandError;
use super::exit::Exit;

/// A brand with sample data.
#[derive(Args)]
pub(super) struct SimulateOptions {
    /// The port on 127.0.0.1; 0 takes any free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Dialects, separated by commas: how the simulated Qualtrics differs from the usual one
    #[arg(long, value_name = "NAMES", default_value = "")]
    dialects: String,
    /// Serves a control API instead, through which programs create brands for scenarios: the port on 127.0.0.1; 0 takes any
    /// free one. See host-test/vectors/README.md
    #[arg(long, value_name = "PORT", conflicts_with_all = ["port", "dialects", "job_seconds"])]
    control: Option<u16>,
    /// Lists the dialects
    #[arg(long)]
    list_dialects: bool,
    /// The duration of its jobs
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    job_seconds: u64,
}

impl SimulateOptions {
    pub(super) async fn run(self) -> Result<Exit, CommandError> {
        if self.list_dialects {
            for dialect in Dialect::all() {
                let usual = if dialect.default { " (as usual)" } else { "" };
                println!("{}: {}{usual}", dialect.name, dialect.sentence);
            }
            return Ok(Exit::Done);
        }
        if let Some(port) = self.control {
            return control(port).await;
        }
        let dialects = Dialects::parse(&self.dialects).map_err(|error| CommandError::usage(error.to_string()))?;
        let duration = Duration::from_secs(self.job_seconds);
        let options = Options {
            port: self.port,
            clock: Clock::system(),
            dialects,
            erasure_duration: duration,
            export_duration: duration,
            ..Options::default()
        };
        let simulator =
            Simulator::start(Brand::sample(), options).await.map_err(|error| cannot_be_used(self.port, &error))?;
        let origin = simulator.origin();
        let print = || {
            println!("Simulated Qualtrics at {origin}. Its OAuth client, and a person with data in it:");
            println!("  export QUALTRICS_CLIENT_SECRET='{SAMPLE_CLIENT_SECRET}'");
            println!(
                "  host-test delete --mode preview --base-url {origin} --datacenter-id fra1 --client-id \
                 {SAMPLE_CLIENT_ID} --email {SAMPLE_PERSON} --wait"
            );
            println!("Press Ctrl-C to stop.");
        };
        until_interrupted(print).await
    }
}

/// Serves the control API. The one line that it prints is for programs.
async fn control(port: u16) -> Result<Exit, CommandError> {
    let control = Control::start(port).await.map_err(|error| cannot_be_used(port, &error))?;
    until_interrupted(|| println!("{}", json!({ "control": control.origin() }))).await
}

/// Prints something, and ends with Ctrl-C. The listener is installed first.
async fn until_interrupted(print: impl FnOnce()) -> Result<Exit, CommandError> {
    let printed = async {
        print();
        pending::<()>().await;
    };
    tokio::select! {
        biased;
        interrupt = tokio::signal::ctrl_c() => interrupt.map_err(|error| CommandError::local(Exit::Error, error.to_string()))?,
        () = printed => {}
    }
    Ok(Exit::Done)
}

fn cannot_be_used(port: u16, error: &io::Error) -> CommandError {
    CommandError::usage(format!("port {port} cannot be used: {error}"))
}
