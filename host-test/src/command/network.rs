//! The options of the network: TLS, proxy and addresses.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use privacy_host::{ClientCertificate, Options, Proxy};
use zeroize::Zeroizing;

use super::connector::pair;
use super::errors::CommandError;
use super::secret::warn_if_others_can_read;

const CERTIFICATE_VARIABLE: &str = "PRIVACY_CLIENT_CERTIFICATE";
const KEY_VARIABLE: &str = "PRIVACY_CLIENT_KEY";

/// How the vendor is reached.
#[derive(Args)]
#[command(next_help_heading = "Network")]
pub(super) struct NetworkOptions {
    /// Permits host names that resolve to private addresses
    #[arg(long)]
    pub(super) allow_private_addresses: bool,
    /// Additional root certificates to trust, in PEM format
    #[arg(long, value_name = "FILE")]
    ca_certificate: Option<PathBuf>,
    /// The client certificate for a brand that requires mutual TLS, followed by its chain, in PEM format; without it, the
    /// variable PRIVACY_CLIENT_CERTIFICATE is used
    #[arg(long, value_name = "FILE")]
    client_certificate: Option<PathBuf>,
    /// The private key of the client certificate, in PEM format and not encrypted; without it, the variable
    /// PRIVACY_CLIENT_KEY is used
    #[arg(long, value_name = "FILE")]
    client_key: Option<PathBuf>,
    /// The HTTP proxy, as http://HOST:PORT; without it, the variables HTTPS_PROXY and ALL_PROXY are used. NO_PROXY names the
    /// exceptions. A proxy with a password is given as a variable, because other users can read a command line
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
}

impl NetworkOptions {
    /// These options of a host, with those of the network.
    pub(super) fn apply(&self, options: Options) -> Result<Options, CommandError> {
        let extra_root_certificates = match &self.ca_certificate {
            Some(path) => read(path)?,
            None => options.extra_root_certificates,
        };
        let (client_certificate, proxy) = (self.client_certificate()?, self.proxy()?);
        Ok(Options { extra_root_certificates, client_certificate, proxy, ..options })
    }

    /// The same options for another command line.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let file = |file: &'_ Option<PathBuf>| file.clone().map(PathBuf::into_os_string);
        let with_values = [
            ("--ca-certificate", file(&self.ca_certificate)),
            ("--client-certificate", file(&self.client_certificate)),
            ("--client-key", file(&self.client_key)),
            ("--proxy", self.proxy.as_ref().map(OsString::from)),
        ];
        let with_values = with_values.into_iter().filter_map(|(name, value)| Some(pair(name, value?))).flatten();
        let private = self.allow_private_addresses.then(|| OsString::from("--allow-private-addresses"));
        private.into_iter().chain(with_values).collect()
    }

    fn client_certificate(&self) -> Result<Option<ClientCertificate>, CommandError> {
        let certificate = file_or_variable(self.client_certificate.as_deref(), CERTIFICATE_VARIABLE)?;
        self.client_key.as_deref().inspect(|key| warn_if_others_can_read(key));
        let key = file_or_variable(self.client_key.as_deref(), KEY_VARIABLE)?;
        let invalid = |why: &str| {
            CommandError::usage(format!(
                "--client-certificate (PRIVACY_CLIENT_CERTIFICATE) and --client-key (PRIVACY_CLIENT_KEY): {why}"
            ))
        };
        match (certificate, key) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => {
                let certificate = ClientCertificate::new(&certificate, &key);
                certificate.map(Some).map_err(|error| invalid(&error.to_string()))
            }
            _ => Err(invalid("one of the two is missing")),
        }
    }

    fn proxy(&self) -> Result<Option<Proxy>, CommandError> {
        let Some(url) = &self.proxy else {
            let proxy = Proxy::from_environment();
            return proxy.map_err(|error| CommandError::usage(format!("HTTPS_PROXY or ALL_PROXY: {error}")));
        };
        if url.contains('@') {
            return Err(CommandError::usage(
                "the URL of --proxy holds a user name, and other users can read a command line: use the variable HTTPS_PROXY",
            ));
        }
        let proxy = Proxy::new(url, &Proxy::exceptions_of_environment());
        proxy.map(Some).map_err(|error| CommandError::usage(format!("--proxy: {error}")))
    }
}

/// A secret or a certificate: the content of the file, or else of the variable.
fn file_or_variable(file: Option<&Path>, variable: &str) -> Result<Option<Zeroizing<Vec<u8>>>, CommandError> {
    let value = match file {
        Some(file) => Some(read(file)?),
        None => std::env::var_os(variable).filter(|value| !value.is_empty()).map(OsString::into_encoded_bytes),
    };
    Ok(value.map(Zeroizing::new))
}

/// The content of a file that an option names.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    std::fs::read(path).map_err(|error| CommandError::usage(format!("{} cannot be read: {error}", path.display())))
}
