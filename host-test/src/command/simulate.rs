//! Qualtrics, simulated, for as long as the command runs.

use std::time::Duration;

use clap::Args;
use host_test::clock::Clock;
use host_test::simulator::{
    Brand, Dialect, Dialects, Options, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, SAMPLE_PERSON, Simulator,
};

use super::exit::Exit;
use super::trouble::Trouble;

/// A brand with sample data.
#[derive(Args)]
pub(super) struct SimulateOptions {
    /// The port on 127.0.0.1; 0 takes any free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// What the simulated Qualtrics does otherwise than usual: names, with commas between them
    #[arg(long, value_name = "NAMES", default_value = "")]
    dialects: String,
    /// Lists the dialects
    #[arg(long)]
    list_dialects: bool,
    /// How long its jobs take
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    job_seconds: u64,
}

impl SimulateOptions {
    pub(super) async fn run(self) -> Result<Exit, Trouble> {
        if self.list_dialects {
            for dialect in Dialect::all() {
                let usual = if dialect.default { " (as usual)" } else { "" };
                println!("{}: {}{usual}", dialect.name, dialect.sentence);
            }
            return Ok(Exit::Done);
        }
        let dialects = Dialects::parse(&self.dialects).map_err(|error| Trouble::usage(error.to_string()))?;
        let duration = Duration::from_secs(self.job_seconds);
        let options = Options {
            port: self.port,
            clock: Clock::system(),
            dialects,
            erasure_duration: duration,
            export_duration: duration,
            ..Options::default()
        };
        let simulator = Simulator::start(Brand::sample(), options)
            .await
            .map_err(|error| Trouble::usage(format!("port {} cannot be used: {error}", self.port)))?;
        let origin = simulator.origin();
        println!("Qualtrics, simulated, at {origin}. Its client and a person whom it knows:");
        println!("  export QUALTRICS_CLIENT_SECRET='{SAMPLE_CLIENT_SECRET}'");
        println!(
            "  host-test delete --mode preview --base-url {origin} --datacenter-id fra1 --client-id {SAMPLE_CLIENT_ID} \
             --email {SAMPLE_PERSON} --wait"
        );
        println!("Ctrl-C ends it.");
        tokio::signal::ctrl_c().await.map_err(|error| Trouble::own(Exit::Error, error.to_string()))?;
        Ok(Exit::Done)
    }
}
