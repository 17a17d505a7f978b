//! The configuration from the environment: accepted tokens, and the settings of the connector.

use privacy_contract::{Error, Setting};

use crate::callers::Callers;
use crate::connector::Connector;
use crate::problem::Details;

/// The variable with the SHA-256 of the callers' token.
pub const TOKEN_SHA256: &str = "GATEWAY_TOKEN_SHA256";

/// The prefix of the variables with the connector's settings.
const PREFIX: &str = "CONNECTOR_";

/// The part of the environment that is meant for the gateway. It is read once, because variables do not change during the lifetime of an
/// instance.
pub struct Configuration {
    callers: Result<Callers, &'static str>,
    /// Variables and values.
    settings: Vec<(String, String)>,
}

impl Configuration {
    /// Selects the variables that are meant for the gateway.
    #[must_use]
    pub fn from_environment(environment: Vec<(String, String)>) -> Self {
        let tokens = environment.iter().find(|(name, _)| name == TOKEN_SHA256);
        let callers = match tokens.map(|(_, value)| Callers::parse(value)) {
            Some(Some(callers)) => Ok(callers),
            Some(None) => Err("GATEWAY_TOKEN_SHA256 must be the SHA-256 of a token, as 64 hexadecimal digits."),
            None => Err("Set GATEWAY_TOKEN_SHA256 to the SHA-256 of the token that callers send."),
        };
        let settings = environment.into_iter().filter(|(name, _)| name.starts_with(PREFIX)).collect();
        Self { callers, settings }
    }

    /// The callers that are accepted.
    ///
    /// # Errors
    /// 503, if no valid token digest is configured.
    pub fn callers(&self) -> Result<&Callers, Details> {
        self.callers.as_ref().map_err(|detail| Details::not_configured(detail))
    }

    /// Configures the connector. The variable of `datacenter-id` is `CONNECTOR_DATACENTER_ID`. Variables without a described setting are
    /// passed on too, because only the connector knows which obsolete keys it still accepts.
    ///
    /// # Errors
    /// `invalid-settings`, with the variables in place of the keys.
    pub fn apply(&self, connector: &mut impl Connector) -> Result<(), Error> {
        let fields = connector.describe().settings;
        let key = |variable: &str| match fields.iter().find(|field| self::variable(&field.key) == variable) {
            Some(field) => field.key.clone(),
            None => variable.strip_prefix(PREFIX).unwrap_or(variable).to_ascii_lowercase().replace('_', "-"),
        };
        let setting = |(variable, value): &(String, String)| Setting::new(key(variable), value.clone());
        let settings: Vec<Setting> = self.settings.iter().map(setting).collect();
        connector.configure(&settings).map_err(|mut error| {
            for problem in &mut error.problems {
                problem.target = variable(&problem.target);
            }
            error
        })
    }
}

/// The name of the variable for a setting.
fn variable(key: &str) -> String {
    [PREFIX, &key.to_ascii_uppercase().replace(|character: char| !character.is_ascii_alphanumeric(), "_")].concat()
}

#[cfg(test)]
mod tests {
    use super::variable;

    #[test]
    fn setting_keys_become_variable_names() {
        assert_eq!(variable("datacenter-id"), "CONNECTOR_DATACENTER_ID");
        assert_eq!(variable("api.key v2"), "CONNECTOR_API_KEY_V2");
    }
}
