//! The options of a connection.

use std::path::{Path, PathBuf};

use clap::Args;
use host_test::COMPONENT;
use host_test::clock::Clock;
use host_test::host::contract::{Manifest, Setting, SettingKind};
use host_test::host::{Budget, EgressPolicy, Host, Instance, InstanceOptions, Options, Plugin};
use zeroize::Zeroizing;

use super::errors::CommandError;

const SECRET_VARIABLE: &str = "QUALTRICS_CLIENT_SECRET";

/// The tenant to connect to.
///
/// The client's secret comes from QUALTRICS_CLIENT_SECRET or a file, because other users can read a command line.
#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub(super) struct ConnectionOptions {
    /// The data centre: its ID, a host below qualtrics.com, or a URL
    #[arg(long, value_name = "ID")]
    datacenter_id: Option<String>,
    /// The ID of the OAuth client
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// The file with the secret of the OAuth client; without it, the variable QUALTRICS_CLIENT_SECRET is used
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    /// Any other setting that `describe` lists
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_and_value)]
    settings: Vec<(String, String)>,
    /// An origin instead of the data centre's: https, or http on a loopback address
    #[arg(long, value_name = "ORIGIN")]
    base_url: Option<String>,
    /// Permits host names that resolve to private addresses
    #[arg(long)]
    allow_private_addresses: bool,
    /// Additional root certificates to trust, in PEM format
    #[arg(long, value_name = "FILE")]
    ca_certificate: Option<PathBuf>,
    /// For tests with a simulator on a loopback address: since this second of the Unix epoch, time passes this many times as fast
    #[arg(long, value_name = "FACTOR@SECOND", value_parser = factor_and_second)]
    hasten: Option<(u32, u64)>,
}

/// The setting of a connector for the share of the vendor's rate limits that one instance may use, in percent.
const RATE_SHARE: &str = "rate-share";

/// A loaded connector, and the connection that its instances are configured for.
pub(super) struct Connector {
    plugin: Plugin,
    manifest: Manifest,
    settings: Vec<Setting>,
    egress: EgressPolicy,
    budget: Option<Budget>,
    clock: Clock,
}

impl Connector {
    /// The clock of its instances.
    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// A configured instance.
    pub(super) async fn instance(&self) -> Result<Instance, CommandError> {
        let options = InstanceOptions {
            egress: self.egress.clone(),
            budget: self.budget.clone(),
            clock: self.clock.clone(),
            ..InstanceOptions::default()
        };
        let mut instance = self.plugin.instantiate(options).await?;
        instance.configure(&self.settings).await??;
        Ok(instance)
    }

    /// Applies the share of the vendor's rate limits that is set for one instance to all instances together. Each instance still
    /// applies it to itself, so that it does not start work that the share does not suffice for.
    pub(super) fn share_limits(&mut self) {
        let default = self.manifest.settings.iter().find(|field| field.key == RATE_SHARE);
        let given = self.settings.iter().find(|setting| setting.key == RATE_SHARE).map(|setting| &setting.value);
        let share = given.or(default.and_then(|field| field.default.as_ref())).and_then(|share| share.parse().ok());
        // The connector rejects a share that is not a number. A connector without the setting may use all.
        self.budget = Some(Budget::new(&self.manifest.limits, share.unwrap_or(100), self.clock.clone()));
    }
}

pub(super) fn key_and_value(argument: &str) -> Result<(String, String), String> {
    let (key, value) = argument.split_once('=').ok_or("write it as KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn factor_and_second(argument: &str) -> Result<(u32, u64), String> {
    let parsed =
        argument.split_once('@').and_then(|(factor, second)| Some((factor.parse().ok()?, second.parse().ok()?)));
    parsed.filter(|(factor, _)| (1..=1_000).contains(factor)).ok_or_else(|| "write it as 60@1760000000".to_owned())
}

/// The manifest of the connector. Needs no connection.
pub(super) async fn manifest() -> Result<Manifest, CommandError> {
    Ok(Host::new(Options::default())?
        .load(COMPONENT)?
        .instantiate(InstanceOptions::default())
        .await?
        .describe()
        .await?)
}

impl ConnectionOptions {
    /// The connector. It may reach the origins of its manifest and those of these options. Makes no network call.
    pub(super) async fn connector(&self) -> Result<Connector, CommandError> {
        let clock = self.clock()?;
        let mut options = Options::default();
        if let Some(path) = &self.ca_certificate {
            options.extra_root_certificates = read(path)?;
        }
        let plugin = Host::new(options)?.load(COMPONENT)?;
        let manifest = plugin.instantiate(InstanceOptions::default()).await?.describe().await?;
        let settings = self.settings(&manifest)?;
        let egress = self.egress(&manifest)?;
        Ok(Connector { plugin, manifest, settings, egress, budget: None, clock })
    }

    /// A configured instance.
    pub(super) async fn connect(&self) -> Result<Instance, CommandError> {
        self.connector().await?.instance().await
    }

    fn clock(&self) -> Result<Clock, CommandError> {
        let Some((factor, second)) = self.hasten else { return Ok(Clock::system()) };
        let loopback = |origin: &str| origin.starts_with("http://127.0.0.1:") || origin.starts_with("http://[::1]:");
        // A real vendor counts its rate limits in real time.
        if !self.base_url.as_deref().is_some_and(loopback) {
            return Err(CommandError::usage(
                "--hasten is for a simulator: it needs a --base-url on a loopback address",
            ));
        }
        Ok(Clock::hastened(second, factor))
    }

    fn egress(&self, manifest: &Manifest) -> Result<EgressPolicy, CommandError> {
        let usage = |error: host_test::host::egress::EntryError| CommandError::usage(error.to_string());
        let mut policy = EgressPolicy::of_manifest(manifest.egress.iter().map(String::as_str)).map_err(usage)?;
        if let Some(origin) = &self.base_url {
            policy = policy.allow(origin).map_err(usage)?;
        }
        Ok(if self.allow_private_addresses { policy.allow_private_addresses() } else { policy })
    }

    fn settings(&self, manifest: &Manifest) -> Result<Vec<Setting>, CommandError> {
        let secret =
            |key: &str| manifest.settings.iter().any(|field| field.key == key && field.kind == SettingKind::Secret);
        if let Some((key, _)) = self.settings.iter().find(|(key, _)| secret(key)) {
            return Err(CommandError::usage(format!(
                "`{key}` is a secret, and other users can read a command line: use {SECRET_VARIABLE} or --client-secret-file"
            )));
        }
        let named = [
            ("datacenter-id", self.datacenter_id.clone()),
            ("client-id", self.client_id.clone()),
            ("client-secret", self.secret()?),
            ("base-url", self.base_url.clone()),
        ];
        let named = named.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
        Ok(named.chain(self.settings.iter().cloned()).map(|(key, value)| Setting { key, value }).collect())
    }

    fn secret(&self) -> Result<Option<String>, CommandError> {
        let Some(path) = &self.client_secret_file else { return Ok(std::env::var(SECRET_VARIABLE).ok()) };
        let bytes = Zeroizing::new(read(path)?);
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| CommandError::usage(format!("{} does not hold text", path.display())))?;
        Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    std::fs::read(path).map_err(|error| CommandError::usage(format!("{} cannot be read: {error}", path.display())))
}
