//! The options of a connection.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use clap::{Args, Command};
use etcetera::BaseStrategy;
use privacy_host::contract::{Manifest, Setting, SettingKind};
use privacy_host::{
    Clock, Connector, ConnectorOptions, EgressPolicy, Host, Instance, InstanceOptions, Options, Plugin, RateBudget,
};
use qualtrics_component::CONNECTOR;
use sha2::{Digest, Sha256};

use super::connector::{ChosenConnector, pair};
use super::errors::CommandError;
use super::network::NetworkOptions;
use super::settings::{self, Given};

/// The tenant to connect to. The settings of the connector are options, too: see [`settings`].
#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub(super) struct ConnectionOptions {
    /// For tests with a simulator on a loopback address: since this second of the Unix epoch, time passes this many times as fast
    #[arg(long, value_name = "FACTOR@SECOND", value_parser = factor_and_second, hide = true)]
    accelerate: Option<(u32, u64)>,
    #[command(flatten)]
    network: NetworkOptions,
    /// The connector, which is known before the command line is parsed.
    #[arg(skip)]
    chosen: Option<Arc<ChosenConnector>>,
}

/// The setting of a connector for the share of the vendor's rate limits that one instance may use, in percent.
const RATE_SHARE: &str = "rate-share";

/// Whether a command has these options.
pub(super) fn is_option_of(command: &Command) -> bool {
    command.get_groups().any(|group| group.get_id() == "ConnectionOptions")
}

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

/// The manifest of the connector in this program. Needs no connection.
pub(super) async fn manifest() -> Result<Manifest, CommandError> {
    Ok(Host::new(host_options())?.load(CONNECTOR)?.manifest().await?)
}

/// An instance that reaches nothing: the host denies it every origin, and its settings are placeholders. It can validate requests.
pub(super) async fn offline(plugin: &Plugin) -> Result<Instance, CommandError> {
    let placeholders = settings::placeholders(&plugin.manifest().await?.settings);
    let options = InstanceOptions { egress: EgressPolicy::deny_all(), ..InstanceOptions::default() };
    let mut instance = plugin.instantiate(options).await?;
    instance.configure(&placeholders).await??;
    Ok(instance)
}

impl ConnectionOptions {
    /// Sets the connector that the command line names.
    pub(super) fn choose(&mut self, chosen: Arc<ChosenConnector>) {
        self.chosen = Some(chosen);
    }

    fn chosen(&self) -> Result<&ChosenConnector, CommandError> {
        self.chosen.as_deref().ok_or_else(|| CommandError::usage("no connector was loaded for this command"))
    }

    /// What the connector says about itself.
    pub(super) fn manifest(&self) -> Result<&Manifest, CommandError> {
        Ok(&self.chosen()?.manifest)
    }

    /// What the command line itself gives: the file of the connector, and its settings.
    pub(super) fn given(&self) -> Result<(Option<&Path>, &Given), CommandError> {
        let chosen = self.chosen()?;
        Ok((chosen.plugin_option(), chosen.given()))
    }

    /// The settings by which connections differ. A request belongs to one connection.
    pub(super) fn identity(&self) -> Result<BTreeMap<String, String>, CommandError> {
        self.chosen()?.identity()
    }

    /// The SHA-256 of the component, in hexadecimal.
    pub(super) fn component_sha256(&self) -> String {
        self.chosen.as_deref().map(|chosen| format!("{:x}", Sha256::digest(&chosen.component))).unwrap_or_default()
    }

    /// The connector, compiled. Needs no settings.
    pub(super) fn plugin(&self) -> Result<Plugin, CommandError> {
        Ok(Host::new(self.network.apply(host_options())?)?.load(&self.chosen()?.component)?)
    }

    /// The connection. It may reach the origins of its manifest and those of its settings. Makes no network call.
    ///
    /// # Errors
    /// The options are incomplete, or the connector rejects them.
    pub(super) async fn connector(&self) -> Result<Connector, CommandError> {
        let settings = self.chosen()?.settings()?;
        self.connect(self.plugin()?, settings).await
    }

    /// The connection with these settings.
    pub(super) async fn connect(&self, plugin: Plugin, settings: Vec<Setting>) -> Result<Connector, CommandError> {
        let extra_origins = self.origins(&settings)?;
        let options = ConnectorOptions {
            clock: self.clock(&extra_origins)?,
            extra_origins,
            allow_private_addresses: self.network.allow_private_addresses,
            ..ConnectorOptions::default()
        };
        Ok(Connector::new(plugin, settings, options).await?)
    }

    /// The connection, with one rate budget for all instances.
    pub(super) async fn connect_with_shared_limits(&self, plugin: Plugin) -> Result<Connector, CommandError> {
        let settings = self.chosen()?.settings()?;
        let share = settings.iter().find(|setting| setting.key == RATE_SHARE).map(|setting| setting.value.clone());
        let connector = self.connect(plugin, settings).await?;
        Ok(share_limits(connector, share.as_deref()))
    }

    /// The origins that the settings name, beside those of the manifest.
    fn origins(&self, settings: &[Setting]) -> Result<Vec<String>, CommandError> {
        let fields = &self.chosen()?.manifest.settings;
        let is_origin = |key: &str| fields.iter().any(|field| field.key == key && field.kind == SettingKind::Origin);
        Ok(settings.iter().filter(|setting| is_origin(&setting.key)).map(|setting| setting.value.clone()).collect())
    }

    fn clock(&self, origins: &[String]) -> Result<Clock, CommandError> {
        let Some((factor, second)) = self.accelerate else { return Ok(Clock::system()) };
        let loopback = |origin: &String| origin.starts_with("http://127.0.0.1:") || origin.starts_with("http://[::1]:");
        // A real vendor counts its rate limits in real time.
        if origins.is_empty() || !origins.iter().all(loopback) {
            return Err(CommandError::usage(
                "--accelerate is for a simulator: it needs a --base-url on a loopback address",
            ));
        }
        Ok(Clock::accelerated(second, factor))
    }

    /// The options that name the same connection on another command line.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let chosen = self.chosen.as_deref().map(ChosenConnector::arguments).unwrap_or_default();
        let clock = self.accelerate.map(|(factor, second)| pair("--accelerate", format!("{factor}@{second}")));
        chosen.into_iter().chain(self.network.arguments()).chain(clock.into_iter().flatten()).collect()
    }
}
