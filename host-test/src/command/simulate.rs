//! The command `simulate`: a simulated Qualtrics.

use std::future::pending;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use qualtrics_simulator::{
    Authority, Brand, Control, Dialect, Dialects, Options, SAMPLE_API_TOKEN, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET,
    SAMPLE_PERSON, SAMPLE_WRITER_CLIENT_ID, SAMPLE_WRITER_CLIENT_SECRET, Simulator, Tls, Validity,
};
use serde_json::json;
use simulated_clock::Clock;

use super::errors::CommandError;
use super::exit::Exit;
use super::save;

/// The files of [`SimulateOptions::tls`].
const ROOT: &str = "ca.pem";
const CERTIFICATE: &str = "client.pem";
const KEY: &str = "client.key";

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
    #[arg(long, value_name = "PORT", conflicts_with_all = ["port", "dialects", "job_seconds", "tls"], hide = true)]
    control: Option<u16>,
    /// Lists the dialects
    #[arg(long)]
    list_dialects: bool,
    /// The duration of its jobs
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    job_seconds: u64,
    /// Serves HTTPS, and writes the root certificate, and a client certificate with its key, to a new directory
    #[arg(long, value_name = "DIR")]
    tls: Option<PathBuf>,
    /// Requires the client certificate, as a brand with mutual TLS does
    #[arg(long, requires = "tls")]
    mutual_tls: bool,
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
        let tls = self.tls.as_deref().map(|directory| self.tls(directory)).transpose()?;
        let options = Options {
            port: self.port,
            tls,
            clock: Clock::system(),
            dialects,
            erasure_duration: duration,
            export_duration: duration,
            ..Options::default()
        };
        let simulator =
            Simulator::start(Brand::sample(), options).await.map_err(|error| cannot_be_used(self.port, &error))?;
        let origin = simulator.origin();
        let network = self.network();
        let print = || {
            println!("Simulated Qualtrics at {origin}. Its OAuth client, and a person with data in it:");
            println!("  export CONNECTOR_CLIENT_SECRET='{SAMPLE_CLIENT_SECRET}'");
            println!(
                "  privacy delete --mode preview --base-url {origin} --datacenter-id fra1 --client-id \
                 {SAMPLE_CLIENT_ID}{network} --email {SAMPLE_PERSON} --wait"
            );
            println!("Other clients of Qualtrics can use the API token {SAMPLE_API_TOKEN},");
            println!("or the OAuth client {SAMPLE_WRITER_CLIENT_ID} with the secret {SAMPLE_WRITER_CLIENT_SECRET}.");
            println!("Press Ctrl-C to stop.");
        };
        until_interrupted(print).await
    }

    /// TLS with new certificates. Those that a client needs are written to the directory.
    fn tls(&self, directory: &Path) -> Result<Tls, CommandError> {
        let failed = |error: io::Error| CommandError::local(Exit::Error, error.to_string());
        let authority = Authority::new("simulated Qualtrics").map_err(failed)?;
        let server = authority.issue("server", &["127.0.0.1", "localhost"], Validity::Valid).map_err(failed)?;
        let client = authority.issue("client", &[], Validity::Valid).map_err(failed)?;
        save::must_not_exist(directory)?;
        save::create_directory(directory)?;
        for (name, pem) in [(ROOT, authority.certificate()), (CERTIFICATE, &client.certificate), (KEY, &client.key)] {
            save::write_whole(&directory.join(name), pem.as_bytes())?;
        }
        Tls::new(&server, self.mutual_tls.then(|| authority.certificate())).map_err(failed)
    }

    /// The options of the network for a client, each after a space.
    fn network(&self) -> String {
        let Some(directory) = &self.tls else { return String::new() };
        let option = |name: &str, file: &str| format!(" {name} {}", directory.join(file).display());
        let mut options = option("--ca-certificate", ROOT);
        if self.mutual_tls {
            options += &option("--client-certificate", CERTIFICATE);
            options += &option("--client-key", KEY);
        }
        options
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
