//! Profiles: connections with a name, in the user's configuration file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use etcetera::BaseStrategy;
use privacy_host::contract::{SettingField, SettingKind};
use serde::{Deserialize, Serialize};

use super::errors::CommandError;
use super::save::write_private;
use super::secret::{self, SecretSource};

/// The profile that is used if none is named.
pub(super) const DEFAULT: &str = "default";

/// The user's configuration file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Configuration {
    /// By their names.
    #[serde(default)]
    pub(super) profiles: BTreeMap<String, Profile>,
}

/// A connection. It holds no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Profile {
    /// The file of the connector; without it, the connector of this program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) plugin: Option<PathBuf>,
    /// The settings of the connector that are no secrets.
    #[serde(default)]
    pub(super) settings: BTreeMap<String, String>,
    /// Where the secrets come from.
    #[serde(default)]
    pub(super) secrets: BTreeMap<String, SecretSource>,
}

/// How a command came to its profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precedence {
    /// The command or `PRIVACY_PROFILE` names it: before variables.
    Named,
    /// No profile is named: after variables.
    Default,
}

/// The profile of a command.
#[derive(Clone, Debug)]
pub(super) struct NamedProfile {
    pub(super) precedence: Precedence,
    pub(super) profile: Profile,
}

impl NamedProfile {
    /// The profile of this name, or else the profile `default` if there is one.
    pub(super) fn find(name: Option<&str>) -> Result<Option<Self>, CommandError> {
        let configuration = Configuration::read()?;
        let (precedence, key) = name.map_or((Precedence::Default, DEFAULT), |name| (Precedence::Named, name));
        match configuration.profiles.get(key) {
            Some(profile) => Ok(Some(Self { precedence, profile: profile.clone() })),
            None if precedence == Precedence::Default => Ok(None),
            None => Err(CommandError::usage(format!("there is no profile {key}"))
                .with_advice(format!("run `privacy configure --profile {key}`"))),
        }
    }
}

impl Profile {
    /// Its value of a setting.
    pub(super) fn value(&self, field: &SettingField) -> Result<Option<String>, CommandError> {
        if field.kind == SettingKind::Secret {
            return self.secrets.get(&field.key).map(secret::read).transpose();
        }
        Ok(self.settings.get(&field.key).cloned())
    }
}

impl Configuration {
    /// The directory of the configuration file.
    pub(super) fn directory() -> Result<PathBuf, CommandError> {
        etcetera::choose_base_strategy().map(|directories| directories.config_dir().join("privacy")).map_err(|_| {
            CommandError::usage("no directory for configuration files is known: set HOME or XDG_CONFIG_HOME")
        })
    }

    /// The configuration file.
    pub(super) fn file() -> Result<PathBuf, CommandError> {
        Ok(Self::directory()?.join("config.toml"))
    }

    /// The configuration, which is empty if there is no file.
    pub(super) fn read() -> Result<Self, CommandError> {
        // Without a home directory there is no file, and no profile is needed.
        let Ok(path) = Self::file() else { return Ok(Self::default()) };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(CommandError::usage(format!("{} cannot be read: {error}", path.display()))),
        };
        refuse_if_others_can_change(&path)?;
        // The parser's own message can repeat a part of the file.
        toml::from_str(&text).map_err(|error| {
            let line = error.span().map(|span| text[..span.start.min(text.len())].lines().count().max(1));
            let line = line.map(|line| format!(" at line {line}")).unwrap_or_default();
            CommandError::usage(format!("{} is not a configuration file{line}", path.display()))
        })
    }
}

impl Configuration {
    /// Writes the file, for the owner alone. Returns its path.
    pub(super) fn write(&self) -> Result<PathBuf, CommandError> {
        let path = Self::file()?;
        let text = toml::to_string_pretty(self).map_err(|error| CommandError::usage(error.to_string()))?;
        write_private(&path, text.as_bytes())?;
        Ok(path)
    }
}

/// A configuration names commands that are run.
fn refuse_if_others_can_change(path: &std::path::Path) -> Result<(), CommandError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = path.metadata().map(|metadata| metadata.permissions().mode()).unwrap_or_default();
        if mode & 0o022 != 0 {
            let path = path.display();
            return Err(CommandError::usage(format!("other users can change {path}: run `chmod 600 {path}`")));
        }
    }
    Ok(())
}
