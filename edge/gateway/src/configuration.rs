//! What the environment says: who may call, and the connector's settings.

use privacy_contract::{Error, Setting};

use crate::callers::Callers;
use crate::connector::Connector;
use crate::problem::Details;

/// The variable with the SHA-256 of the callers' token.
pub const TOKEN_SHA256: &str = "GATEWAY_TOKEN_SHA256";

/// What the names of the variables with the connector's settings begin with.
const PREFIX: &str = "CONNECTOR_";

/// The environment, as far as it is meant for the gateway. It is read once: variables do not change while an instance
/// lives.
pub struct Configuration {
    callers: Result<Callers, &'static str>,
    /// Variables and values.
    settings: Vec<(String, String)>,
}

impl Configuration {
    /// Takes what is meant for the gateway.
    #[must_use]
    pub fn read(environment: Vec<(String, String)>) -> Self {
        let tokens = environment.iter().find(|(name, _)| name == TOKEN_SHA256);
        let callers = match tokens.map(|(_, value)| Callers::read(value)) {
            Some(Some(callers)) => Ok(callers),
            Some(None) => Err("GATEWAY_TOKEN_SHA256 must be the SHA-256 of a token, as 64 hexadecimal digits."),
            None => Err("Set GATEWAY_TOKEN_SHA256 to the SHA-256 of the token that callers send."),
        };
        let settings = environment.into_iter().filter(|(name, _)| name.starts_with(PREFIX)).collect();
        Self { callers, settings }
    }

    /// Who may call.
    ///
    /// # Errors
    /// 503, if that was not said.
    pub fn callers(&self) -> Result<&Callers, Details> {
        self.callers.as_ref().map_err(|detail| Details::no_callers(detail))
    }

    /// Configures the connector. Each field that it describes has its variable: `CONNECTOR_DATACENTER_ID` for
    /// `datacenter-id`. Any other is handed on, too, for the connector knows best what it takes: keys that mean nothing
    /// any more, and none that are unknown.
    ///
    /// # Errors
    /// `invalid-settings`, with the variables in place of the settings.
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

/// The variable of a setting.
fn variable(key: &str) -> String {
    [PREFIX, &key.to_ascii_uppercase().replace(|letter: char| !letter.is_ascii_alphanumeric(), "_")].concat()
}

#[cfg(test)]
mod tests {
    use super::variable;

    #[test]
    fn a_setting_has_its_variable() {
        assert_eq!(variable("datacenter-id"), "CONNECTOR_DATACENTER_ID");
        assert_eq!(variable("api.key v2"), "CONNECTOR_API_KEY_V2");
    }
}
