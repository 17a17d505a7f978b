//! Qualtrics, simulated, for as long as the command runs.

use std::future::pending;
use std::io;
use std::time::Duration;

use clap::Args;
use host_test::clock::Clock;
use host_test::simulator::{
    Brand, Control, Dialect, Dialects, Options, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, SAMPLE_PERSON, Simulator,
};
use serde_json::json;

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
    /// Serves brands to order instead, for programs that run scenarios: the port on 127.0.0.1 where they are ordered; 0
    /// takes any free one. See host-test/vectors/README.md
    #[arg(long, value_name = "PORT", conflicts_with_all = ["port", "dialects", "job_seconds"])]
    control: Option<u16>,
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
        if let Some(port) = self.control {
            return control(port).await;
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
        let simulator =
            Simulator::start(Brand::sample(), options).await.map_err(|error| cannot_be_used(self.port, &error))?;
        let origin = simulator.origin();
        let say = || {
            println!("Qualtrics, simulated, at {origin}. Its client and a person whom it knows:");
            println!("  export QUALTRICS_CLIENT_SECRET='{SAMPLE_CLIENT_SECRET}'");
            println!(
                "  host-test delete --mode preview --base-url {origin} --datacenter-id fra1 --client-id \
                 {SAMPLE_CLIENT_ID} --email {SAMPLE_PERSON} --wait"
            );
            println!("Ctrl-C ends it.");
        };
        until_interrupted(say).await
    }
}

/// Serves brands to order. The one line that it prints is for programs.
async fn control(port: u16) -> Result<Exit, Trouble> {
    let control = Control::start(port).await.map_err(|error| cannot_be_used(port, &error))?;
    until_interrupted(|| println!("{}", json!({ "control": control.origin() }))).await
}

/// Says something, and ends by Ctrl-C, which is heard before anything is said.
async fn until_interrupted(say: impl FnOnce()) -> Result<Exit, Trouble> {
    let said = async {
        say();
        pending::<()>().await;
    };
    tokio::select! {
        biased;
        heard = tokio::signal::ctrl_c() => heard.map_err(|error| Trouble::own(Exit::Error, error.to_string()))?,
        () = said => {}
    }
    Ok(Exit::Done)
}

fn cannot_be_used(port: u16, error: &io::Error) -> Trouble {
    Trouble::usage(format!("port {port} cannot be used: {error}"))
}
