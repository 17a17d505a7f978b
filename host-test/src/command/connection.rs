//! The options of a connection.

use std::path::PathBuf;

use clap::Args;
use etcetera::BaseStrategy;
use privacy_host::contract::{Manifest, Setting, SettingKind};
use privacy_host::{
    Clock, Connector, ConnectorOptions, EgressPolicy, Host, Instance, InstanceOptions, Options, Plugin, RateBudget,
};
use qualtrics_component::CONNECTOR;
use zeroize::Zeroizing;

use super::errors::CommandError;
use super::network::{NetworkOptions, read};

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
    /// For tests with a simulator on a loopback address: since this second of the Unix epoch, time passes this many times as fast
    #[arg(long, value_name = "FACTOR@SECOND", value_parser = factor_and_second)]
    accelerate: Option<(u32, u64)>,
    #[command(flatten)]
    network: NetworkOptions,
}

/// The setting of a connector for the share of the vendor's rate limits that one instance may use, in percent.
const RATE_SHARE: &str = "rate-share";

/// The connection, whose instances together keep to the share of the vendor's rate limits that is set for one instance. Each
/// instance still applies the share to itself, so that it does not start work that the share does not suffice for.
fn share_limits(connector: Connector, given: Option<&str>) -> Connector {
    let manifest = connector.manifest();
    let default = manifest.settings.iter().find(|field| field.key == RATE_SHARE);
    let default = default.and_then(|field| field.default.as_deref());
    let share = given.or(default).and_then(|share| share.parse().ok());
    // The connector rejects a share that is not a number. A connector without the setting may use all.
    let budget = RateBudget::new(&manifest.limits, share.unwrap_or(100), connector.clock().clone());
    connector.with_budget(budget)
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

/// The options of a host that keeps machine code between commands.
pub(super) fn host_options() -> Options {
    let cache = etcetera::choose_base_strategy().ok().map(|directories| directories.cache_dir());
    Options { code_cache: cache.map(|directory| directory.join("privacy")), ..Options::default() }
}

/// The manifest of the connector. Needs no connection.
pub(super) async fn manifest() -> Result<Manifest, CommandError> {
    Ok(Host::new(host_options())?.load(CONNECTOR)?.manifest().await?)
}

/// An instance that reaches nothing: the host denies it every origin, and its settings are placeholders. It can validate requests.
pub(super) async fn offline(plugin: &Plugin) -> Result<Instance, CommandError> {
    let options = InstanceOptions { egress: EgressPolicy::deny_all(), ..InstanceOptions::default() };
    let mut instance = plugin.instantiate(options).await?;
    let placeholders = ["datacenter-id", "client-id", "client-secret"].map(|key| Setting::new(key, "none"));
    instance.configure(&placeholders).await??;
    Ok(instance)
}

impl ConnectionOptions {
    /// The connector, compiled. Needs no settings.
    pub(super) fn plugin(&self) -> Result<Plugin, CommandError> {
        Ok(Host::new(self.network.apply(host_options())?)?.load(CONNECTOR)?)
    }

    /// The connection. It may reach the origins of its manifest and those of these options. Makes no network call.
    pub(super) async fn connector(&self) -> Result<Connector, CommandError> {
        self.connect(self.plugin()?).await
    }

    async fn connect(&self, plugin: Plugin) -> Result<Connector, CommandError> {
        let settings = self.settings(&plugin.manifest().await?)?;
        let options = ConnectorOptions {
            extra_origins: self.base_url.iter().cloned().collect(),
            allow_private_addresses: self.network.allow_private_addresses,
            clock: self.clock()?,
            ..ConnectorOptions::default()
        };
        Ok(Connector::new(plugin, settings, options).await?)
    }

    /// The connection, with one rate budget for all instances.
    pub(super) async fn connect_with_shared_limits(&self, plugin: Plugin) -> Result<Connector, CommandError> {
        let connector = self.connect(plugin).await?;
        let share = self.settings.iter().find(|(key, _)| key == RATE_SHARE).map(|(_, value)| value.as_str());
        Ok(share_limits(connector, share))
    }

    fn clock(&self) -> Result<Clock, CommandError> {
        let Some((factor, second)) = self.accelerate else { return Ok(Clock::system()) };
        let loopback = |origin: &str| origin.starts_with("http://127.0.0.1:") || origin.starts_with("http://[::1]:");
        // A real vendor counts its rate limits in real time.
        if !self.base_url.as_deref().is_some_and(loopback) {
            return Err(CommandError::usage(
                "--accelerate is for a simulator: it needs a --base-url on a loopback address",
            ));
        }
        Ok(Clock::accelerated(second, factor))
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
