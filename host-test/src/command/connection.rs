//! The options that say which tenant to connect to.

use std::path::{Path, PathBuf};

use clap::Args;
use host_test::COMPONENT;
use host_test::host::contract::{Manifest, Setting, SettingKind};
use host_test::host::{EgressPolicy, Host, Instance, InstanceOptions, Options};

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
}

fn key_and_value(argument: &str) -> Result<(String, String), String> {
    let (key, value) = argument.split_once('=').ok_or("write it as KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
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
    /// An instance that is configured, and may reach what its manifest names and these options add.
    pub(super) async fn connect(&self) -> Result<Instance, Trouble> {
        let mut options = Options::default();
        if let Some(path) = &self.ca_certificate {
            options.extra_root_certificates = read(path)?;
        }
        let plugin = Host::new(options)?.load(COMPONENT)?;
        let manifest = plugin.instantiate(InstanceOptions::default()).await?.describe().await?;
        let settings = self.settings(&manifest)?;
        let egress = self.egress(&manifest)?;
        let mut instance = plugin.instantiate(InstanceOptions { egress, ..InstanceOptions::default() }).await?;
        instance.configure(&settings).await??;
        Ok(instance)
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
        let text = String::from_utf8(read(path)?)
            .map_err(|_| Trouble::usage(format!("{} does not hold text", path.display())))?;
        Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Trouble> {
    std::fs::read(path).map_err(|error| Trouble::usage(format!("{} cannot be read: {error}", path.display())))
}
