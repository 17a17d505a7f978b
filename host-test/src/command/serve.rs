//! The command `serve`: the connector as an HTTP service.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::time::Duration;

use clap::Args;
use privacy_host::contract::{Manifest, SettingKind};
use privacy_host::{EgressPolicy, Environment, Host, InstanceOptions, Options, RateBudget};
use qualtrics_component::GATEWAY;
use qualtrics_simulator::{
    self as simulator, Brand, SAMPLE_PERSON, SAMPLE_WRITER_CLIENT_ID, SAMPLE_WRITER_CLIENT_SECRET, Simulator,
};
use sha2::{Digest, Sha256};
use simulated_clock::Clock;
use tokio::net::TcpListener;

use super::connection;
use super::errors::CommandError;
use super::exit::Exit;
use super::network::NetworkOptions;
use super::settings::{PREFIX, variable};

/// The variable with the SHA-256 of the token that callers send.
const TOKEN: &str = "GATEWAY_TOKEN_SHA256";
/// The variable with the share of the vendor's rate limits that all instances together may use, in percent.
const SHARE: &str = "CONNECTOR_RATE_SHARE";
/// The duration of the jobs of a simulated brand.
const JOB: Duration = Duration::from_secs(20);
/// The variable with the permitted origins, instead of those of the manifest.
const ORIGINS: &str = "EGRESS_ORIGINS";

/// Serves the connector over HTTP, on a loopback address.
///
/// Environment variables configure it: GATEWAY_TOKEN_SHA256, the SHA-256 of the token that callers send; CONNECTOR_… for each
/// setting that `describe` lists, such as CONNECTOR_DATACENTER_ID; and EGRESS_ORIGINS, separated by commas, to permit other
/// origins than those that `describe` lists. No other variable is passed to the gateway. The host itself reads PRIVACY_CLIENT_CERTIFICATE,
/// PRIVACY_CLIENT_KEY, HTTPS_PROXY, ALL_PROXY and NO_PROXY.
#[derive(Args)]
pub(super) struct ServeOptions {
    /// The port on 127.0.0.1; 0 takes any free one
    #[arg(long, default_value_t = 8081)]
    port: u16,
    /// A variable that replaces the one of the environment; not for secrets, because other users can read a command line
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = name_and_value)]
    environment: Vec<(String, String)>,
    /// The maximum number of concurrent requests
    #[arg(long, value_name = "COUNT", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=4096))]
    max_requests: u32,
    /// Serves a simulated brand, and prints an example request
    #[arg(long)]
    simulate: bool,
    #[command(flatten)]
    network: NetworkOptions,
}

impl ServeOptions {
    pub(super) async fn run(self) -> Result<Exit, CommandError> {
        let manifest = connection::manifest().await?;
        let mut environment = self.environment(&manifest)?;
        let simulated = if self.simulate { Some(Simulated::start(&mut environment).await?) } else { None };

        let egress = self.egress(&manifest, &environment)?;
        let budget = budget(&manifest, &mut environment);
        let instance = InstanceOptions { egress, budget, environment, ..InstanceOptions::default() };
        let options = self.network.apply(connection::host_options())?;
        let options = Options { max_instances: self.max_requests, max_components: 3, ..options };
        let service = Host::new(options)?.load_gateway(GATEWAY)?.service(instance);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port))
            .await
            .map_err(|error| CommandError::usage(format!("port {} cannot be used: {error}", self.port)))?;
        let address = listener.local_addr().map_err(|error| CommandError::local(Exit::Error, error.to_string()))?;

        println!("The gateway is at http://{address}; GET /openapi.json describes it.");
        if let Some(simulated) = &simulated {
            println!("{}", simulated.call_to_try(&format!("http://{address}")));
        }
        println!("Press Ctrl-C to stop.");
        tokio::select! {
            () = service.serve(listener, interrupted()) => {}
            // A second interrupt does not wait for the responses in progress.
            () = async { interrupted().await; interrupted().await } => {}
        }
        Ok(Exit::Done)
    }

    /// The variables of the gateway and the components inside it.
    fn environment(&self, manifest: &Manifest) -> Result<Environment, CommandError> {
        let secrets = manifest.settings.iter().filter(|field| field.kind == SettingKind::Secret);
        let mut secrets = secrets.map(|field| variable(&field.key));
        if let Some(secret) = secrets.find(|secret| self.environment.iter().any(|(name, _)| name == secret)) {
            return Err(CommandError::usage(format!(
                "{secret} is a secret, and other users can read a command line: set the environment variable"
            )));
        }
        let meant = |name: &str| name == TOKEN || name == ORIGINS || name.starts_with(PREFIX);
        let own =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Ok(own.filter(|(name, _)| meant(name)).chain(self.environment.iter().cloned()).collect())
    }

    /// The guard inside applies the same list.
    fn egress(&self, manifest: &Manifest, environment: &Environment) -> Result<EgressPolicy, CommandError> {
        let policy = match environment.get(ORIGINS) {
            Some(origins) => {
                origins.split(',').try_fold(EgressPolicy::deny_all(), |policy, origin| policy.allow(origin.trim()))
            }
            None => EgressPolicy::of_manifest(manifest.egress.iter().map(String::as_str)),
        };
        let policy = policy.map_err(|error| CommandError::usage(error.to_string()))?;
        Ok(if self.network.allow_private_addresses { policy.allow_private_addresses() } else { policy })
    }
}

/// The share of the vendor's rate limits, if the connector has such a setting. The host applies it to all instances together;
/// each instance may then use all of it.
fn budget(manifest: &Manifest, environment: &mut Environment) -> Option<RateBudget> {
    let field = manifest.settings.iter().find(|field| variable(&field.key) == SHARE)?;
    // The connector rejects a share that is not a number.
    let share = environment.get(SHARE).or(field.default.as_deref())?.parse().ok()?;
    environment.extend([(SHARE.to_owned(), "100".to_owned())]);
    Some(RateBudget::new(&manifest.limits, share, Clock::system()))
}

fn name_and_value(argument: &str) -> Result<(String, String), String> {
    let (name, value) = argument.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

async fn interrupted() {
    // Where there is no such signal, the system ends the process.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

/// A simulated brand, for a gateway to serve.
struct Simulated {
    _simulator: Simulator,
    token: String,
}

impl Simulated {
    async fn start(environment: &mut Environment) -> Result<Self, CommandError> {
        let options = simulator::Options {
            clock: Clock::system(),
            erasure_duration: JOB,
            export_duration: JOB,
            ..simulator::Options::default()
        };
        let simulator = Simulator::start(Brand::sample(), options)
            .await
            .map_err(|error| CommandError::local(Exit::Error, error.to_string()))?;
        let origin = simulator.origin();
        let token: [u8; 16] = rand::random();
        let token = hexadecimal(&token);
        let setting = |key: &str, value: &str| (format!("{PREFIX}{key}"), value.to_owned());
        environment.extend([
            (TOKEN.to_owned(), hexadecimal(&Sha256::digest(&token))),
            (ORIGINS.to_owned(), origin.clone()),
            setting("BASE_URL", &origin),
            setting("DATACENTER_ID", "fra1"),
            setting("CLIENT_ID", SAMPLE_WRITER_CLIENT_ID),
            setting("CLIENT_SECRET", SAMPLE_WRITER_CLIENT_SECRET),
        ]);
        Ok(Self { _simulator: simulator, token })
    }

    fn call_to_try(&self, gateway: &str) -> String {
        let request = serde_json::json!({
            "requests": [{ "id": "dsr-1", "subject": [{ "email": SAMPLE_PERSON }] }],
            "mode": "preview",
        });
        format!(
            "It serves a simulated brand. To request a preview:\n  curl -sS {gateway}/deletions -H 'Authorization: Bearer {}' \\\n    \
             -H 'Content-Type: application/json' -d '{request}'",
            self.token
        )
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
