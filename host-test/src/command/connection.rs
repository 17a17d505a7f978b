//! The options that say which tenant to connect to.

use std::path::{Path, PathBuf};

use clap::Args;
use host_test::COMPONENT;
use host_test::clock::Clock;
use host_test::host::contract::{Manifest, Setting, SettingKind};
use host_test::host::{Budget, EgressPolicy, Host, Instance, InstanceOptions, Options, Plugin};
use zeroize::Zeroizing;

use super::trouble::Trouble;

const SECRET_VARIABLE: &str = "QUALTRICS_CLIENT_SECRET";

/// Which tenant to connect to, and how.
///
/// The client's secret comes from QUALTRICS_CLIENT_SECRET or a file: what stands on a command line, others can read.
#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub(super) struct ConnectionOptions {
    /// The data centre: its id, a host below qualtrics.com, or a URL
    #[arg(long, value_name = "ID")]
    datacenter_id: Option<String>,
    /// The id of the OAuth client
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// The file that holds the OAuth client's secret; without it, the variable QUALTRICS_CLIENT_SECRET does
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    /// Any other setting that `describe` lists
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_and_value)]
    settings: Vec<(String, String)>,
    /// Another origin in place of the data centre's: https, or http on a loopback address
    #[arg(long, value_name = "ORIGIN")]
    base_url: Option<String>,
    /// Permits names that lead to private addresses
    #[arg(long)]
    allow_private_addresses: bool,
    /// Certificates in PEM form to trust besides the usual ones
    #[arg(long, value_name = "FILE")]
    ca_certificate: Option<PathBuf>,
    /// For tests, with a simulator on a loopback address alone: since this second of 1970, time passes so many times as fast
    #[arg(long, value_name = "FACTOR@SECOND", value_parser = factor_and_second)]
    hasten: Option<(u32, u64)>,
}

/// The share of the vendor's limits that an instance keeps to, in percent, where a connector has such a setting.
const RATE_SHARE: &str = "rate-share";

/// A connector that is loaded, and a connection that it may make.
pub(super) struct Connector {
    plugin: Plugin,
    manifest: Manifest,
    settings: Vec<Setting>,
    egress: EgressPolicy,
    budget: Option<Budget>,
    clock: Clock,
}

impl Connector {
    /// The time by which it goes.
    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// An instance that is configured.
    pub(super) async fn instance(&self) -> Result<Instance, Trouble> {
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

    /// From now on all instances together keep to the share of the vendor's limits that is set for one. Each goes on
    /// keeping to it by itself, too, so that none begins what the share could never let it finish.
    pub(super) fn share_limits(&mut self) {
        let default = self.manifest.settings.iter().find(|field| field.key == RATE_SHARE);
        let given = self.settings.iter().find(|setting| setting.key == RATE_SHARE).map(|setting| &setting.value);
        let share = given.or(default.and_then(|field| field.default.as_ref())).and_then(|share| share.parse().ok());
        // A share that is no number is for the connector to refuse; one that it knows nothing of is all there is.
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

/// What the connector says of itself, without any connection.
pub(super) async fn manifest() -> Result<Manifest, Trouble> {
    Ok(Host::new(Options::default())?
        .load(COMPONENT)?
        .instantiate(InstanceOptions::default())
        .await?
        .describe()
        .await?)
}

impl ConnectionOptions {
    /// The connector, which may reach what its manifest names and these options add. No call is made.
    pub(super) async fn connector(&self) -> Result<Connector, Trouble> {
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

    /// An instance of it that is configured.
    pub(super) async fn connect(&self) -> Result<Instance, Trouble> {
        self.connector().await?.instance().await
    }

    fn clock(&self) -> Result<Clock, Trouble> {
        let Some((factor, second)) = self.hasten else { return Ok(Clock::system()) };
        let loopback = |origin: &str| origin.starts_with("http://127.0.0.1:") || origin.starts_with("http://[::1]:");
        // The vendor's limits and patience are counted in true time.
        if !self.base_url.as_deref().is_some_and(loopback) {
            return Err(Trouble::usage(
                "--hasten is for a simulator: it needs a --base-url on a loopback address".to_owned(),
            ));
        }
        Ok(Clock::hastened(second, factor))
    }

    fn egress(&self, manifest: &Manifest) -> Result<EgressPolicy, Trouble> {
        let usage = |error: host_test::host::egress::EntryError| Trouble::usage(error.to_string());
        let mut policy = EgressPolicy::of_manifest(manifest.egress.iter().map(String::as_str)).map_err(usage)?;
        if let Some(origin) = &self.base_url {
            policy = policy.allow(origin).map_err(usage)?;
        }
        Ok(if self.allow_private_addresses { policy.allow_private_addresses() } else { policy })
    }

    fn settings(&self, manifest: &Manifest) -> Result<Vec<Setting>, Trouble> {
        let secret =
            |key: &str| manifest.settings.iter().any(|field| field.key == key && field.kind == SettingKind::Secret);
        if let Some((key, _)) = self.settings.iter().find(|(key, _)| secret(key)) {
            return Err(Trouble::usage(format!(
                "`{key}` is a secret, and a command line is none: use {SECRET_VARIABLE} or --client-secret-file"
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

    fn secret(&self) -> Result<Option<String>, Trouble> {
        let Some(path) = &self.client_secret_file else { return Ok(std::env::var(SECRET_VARIABLE).ok()) };
        let bytes = Zeroizing::new(read(path)?);
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| Trouble::usage(format!("{} does not hold text", path.display())))?;
        Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Trouble> {
    std::fs::read(path).map_err(|error| Trouble::usage(format!("{} cannot be read: {error}", path.display())))
}
