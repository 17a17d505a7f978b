//! A plugin with the settings of one connection.

use std::fmt;
use std::time::Duration;

use simulated_clock::Clock;

use crate::contract::{self, Manifest, Right, Setting};
use crate::egress::{EgressPolicy, EntryError};
use crate::error::HostError;
use crate::instance::Instance;
use crate::options::InstanceOptions;
use crate::plugin::Plugin;
use crate::rate_budget::RateBudget;

/// How a connection reaches the vendor.
#[derive(Clone, Debug)]
pub struct ConnectorOptions {
    /// Origins that the connector may reach in addition to the egress of its manifest; none by default. See [`crate::egress`].
    pub extra_origins: Vec<String>,
    /// Whether names may resolve to private addresses; no by default.
    pub allow_private_addresses: bool,
    /// The clock; by default the system's.
    pub clock: Clock,
    /// How long a call may take in real time; by default 75 seconds.
    pub call_timeout: Duration,
}

impl Default for ConnectorOptions {
    fn default() -> Self {
        let InstanceOptions { clock, call_timeout, .. } = InstanceOptions::default();
        Self { extra_origins: Vec::new(), allow_private_addresses: false, clock, call_timeout }
    }
}

/// A plugin with the settings of one connection.
///
/// It creates configured instances, and [follows](Self::follow) requests to their end. Clones share the same rate budget.
#[derive(Clone)]
pub struct Connector {
    plugin: Plugin,
    manifest: Manifest,
    settings: Vec<Setting>,
    options: InstanceOptions,
}

impl Connector {
    /// A connection with these settings. They are checked by the connector, without a network call.
    ///
    /// # Errors
    /// [`ConnectorError::Contract`]: a setting is invalid. [`ConnectorError::Origin`]: an origin cannot be allowed.
    /// [`ConnectorError::Host`]: the connector returned no result.
    pub async fn new(
        plugin: Plugin,
        settings: Vec<Setting>,
        options: ConnectorOptions,
    ) -> Result<Self, ConnectorError> {
        let manifest = plugin.manifest().await?;
        let mut egress = EgressPolicy::of_manifest(manifest.egress.iter().map(String::as_str))?;
        for origin in &options.extra_origins {
            egress = egress.allow(origin)?;
        }
        if options.allow_private_addresses {
            egress = egress.allow_private_addresses();
        }
        let ConnectorOptions { clock, call_timeout, .. } = options;
        let options = InstanceOptions { egress, clock, call_timeout, ..InstanceOptions::default() };
        let connector = Self { plugin, manifest, settings, options };
        connector.instance().await?;
        Ok(connector)
    }

    /// The same connection, whose instances share this budget of the vendor's rate limits. Use it where several instances work at
    /// the same time.
    #[must_use]
    pub fn with_budget(mut self, budget: RateBudget) -> Self {
        self.options.budget = Some(budget);
        self
    }

    /// The time between two calls under the smallest of the vendor's limits, if they are made evenly; zero without a budget.
    #[must_use]
    pub fn pace(&self) -> Duration {
        self.options.budget.as_ref().map_or(Duration::ZERO, RateBudget::pace)
    }

    /// What the connector says about itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// How many deletions start in one call: `capability.group-size`, at least 1.
    #[must_use]
    pub fn group_size(&self) -> u32 {
        let deletion = self.manifest.capabilities.iter().find(|capability| capability.right == Right::Deletion);
        deletion.map_or(1, |capability| capability.group_size.max(1))
    }

    /// The clock of its instances.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.options.clock
    }

    /// A configured instance.
    ///
    /// # Errors
    /// [`ConnectorError::Contract`]: the connector rejects the settings. [`ConnectorError::Host`]: there are too many instances,
    /// or the connector returned no result.
    pub async fn instance(&self) -> Result<Instance, ConnectorError> {
        let mut instance = self.plugin.instantiate(self.options.clone()).await?;
        instance.configure(&self.settings).await??;
        Ok(instance)
    }

    /// Tests the connection for these rights.
    ///
    /// # Errors
    /// [`ConnectorError::Contract`]: the vendor rejects it, with every missing permission.
    pub async fn check(&self, rights: &[Right]) -> Result<contract::Connection, ConnectorError> {
        Ok(self.instance().await?.check(rights).await??)
    }
}

impl fmt::Debug for Connector {
    /// Without the settings: they hold a secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Connector").field("name", &self.manifest.name).finish_non_exhaustive()
    }
}

/// Why a connection cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectorError {
    /// The connector's own error: its remedy says what to do.
    Contract(Box<contract::Error>),
    /// The connector returned no result.
    Host(HostError),
    /// An origin cannot be allowed.
    Origin(EntryError),
}

impl fmt::Display for ConnectorError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contract(error) => formatter.write_str(&error.message),
            Self::Host(error) => error.fmt(formatter),
            Self::Origin(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for ConnectorError {}

impl From<contract::Error> for ConnectorError {
    fn from(error: contract::Error) -> Self {
        Self::Contract(Box::new(error))
    }
}

impl From<HostError> for ConnectorError {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}

impl From<EntryError> for ConnectorError {
    fn from(error: EntryError) -> Self {
        Self::Origin(error)
    }
}
