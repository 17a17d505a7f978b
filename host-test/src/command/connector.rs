//! Which connector a command uses, and what the command line says of its connection.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{ArgMatches, Command};
use privacy_host::Host;
use privacy_host::contract::{Manifest, Setting, SettingField, SettingKind};
use qualtrics_component::CONNECTOR;

use super::connection::{self, host_options};
use super::errors::CommandError;
use super::network::read;
use super::profile::NamedProfile;
use super::settings::{self, Given};

/// The option that names a component.
const PLUGIN: &str = "--plugin";
/// The option and the variable that name a profile.
const PROFILE: &str = "--profile";
const PROFILE_VARIABLE: &str = "PRIVACY_PROFILE";

/// The connector of a command, and the settings that the command gives it.
pub(super) struct ChosenConnector {
    pub(super) component: Cow<'static, [u8]>,
    pub(super) manifest: Manifest,
    pub(super) profile: Option<NamedProfile>,
    /// The values of `--plugin` and `--profile`.
    plugin_option: Option<PathBuf>,
    profile_option: Option<String>,
    given: Given,
    /// The options of the program, which no setting may have.
    taken: Vec<String>,
}

impl ChosenConnector {
    /// The connector that these arguments name. Its settings are options themselves, so that it is loaded before the rest of the command line
    /// is parsed.
    ///
    /// # Errors
    /// The file or the profile that the arguments name cannot be used.
    pub(super) async fn find(arguments: &[OsString], command: &Command) -> Result<Self, CommandError> {
        let profile_option = value_of(arguments, PROFILE).map(|name| name.to_string_lossy().into_owned());
        let named =
            profile_option.clone().or_else(|| std::env::var(PROFILE_VARIABLE).ok().filter(|name| !name.is_empty()));
        // `configure` creates the profile that it names.
        let is_configuring = arguments.iter().any(|word| word == "configure");
        let profile = if is_configuring { None } else { NamedProfile::find(named.as_deref())? };
        let plugin_option = value_of(arguments, PLUGIN).map(PathBuf::from);
        let of_profile = || profile.as_ref().and_then(|profile| profile.profile.plugin.clone());
        let component = match plugin_option.clone().or_else(of_profile) {
            Some(file) => Cow::Owned(read(&file)?),
            None => Cow::Borrowed(CONNECTOR),
        };
        let manifest = Host::new(host_options())?.load(&component)?.manifest().await?;
        let (given, taken) = (Given::default(), options_of(command));
        Ok(Self { component, manifest, profile, plugin_option, profile_option, given, taken })
    }

    /// The command line with the options of the connector.
    pub(super) fn add_options(&self, command: Command) -> Command {
        command.mut_subcommands(|command| {
            if connection::is_option_of(&command) {
                settings::add_options(command, &self.manifest.settings, &self.taken)
            } else {
                command
            }
        })
    }

    /// Takes the settings of the parsed command line.
    pub(super) fn take(&mut self, matches: &ArgMatches) {
        if let Some((_, matches)) = matches.subcommand() {
            self.given = Given::of(matches, &self.manifest.settings);
        }
    }

    /// The settings as the command line, profile and variables give them.
    ///
    /// # Errors
    /// A required setting is missing, or a secret cannot be read.
    pub(super) fn settings(&self) -> Result<Vec<Setting>, CommandError> {
        self.given.resolve(&self.manifest.settings, &self.taken, self.profile.as_ref())
    }

    /// The settings by which connections differ: those that name tenants, accounts and origins. No secret is read.
    ///
    /// # Errors
    /// As for [`Self::settings`].
    pub(super) fn identity(&self) -> Result<BTreeMap<String, String>, CommandError> {
        let names = |field: &&SettingField| matches!(field.kind, SettingKind::Text | SettingKind::Origin);
        let fields: Vec<SettingField> = self.manifest.settings.iter().filter(names).cloned().collect();
        let settings = self.given.resolve(&fields, &self.taken, self.profile.as_ref())?;
        let settings = settings.iter().map(|setting| (setting.key.clone(), setting.value.clone()));
        Ok(settings.chain([("connector".to_owned(), self.manifest.name.clone())]).collect())
    }

    /// What the command line itself gives.
    pub(super) fn given(&self) -> &Given {
        &self.given
    }

    /// The value of `--plugin`.
    pub(super) fn plugin_option(&self) -> Option<&Path> {
        self.plugin_option.as_deref()
    }

    /// The options that name the same connection on another command line.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let plugin = self.plugin_option.as_ref().map(|file| (PLUGIN, file.clone().into_os_string()));
        let profile = self.profile_option.as_ref().map(|name| (PROFILE, OsString::from(name)));
        let own = plugin.into_iter().chain(profile).flat_map(|(name, value)| pair(name, value));
        own.chain(self.given.arguments(&self.manifest.settings, &self.taken)).collect()
    }
}

/// An option and its value, as two arguments.
pub(super) fn pair(option: &str, value: impl Into<OsString>) -> [OsString; 2] {
    [OsString::from(option), value.into()]
}

/// The value of an option in arguments that are not parsed yet.
fn value_of(arguments: &[OsString], option: &str) -> Option<OsString> {
    let mut arguments = arguments.iter().take_while(|argument| *argument != "--");
    let prefix = format!("{option}=");
    while let Some(argument) = arguments.next() {
        if argument == option {
            return arguments.next().cloned();
        }
        if let Some(value) = argument.to_str().and_then(|argument| argument.strip_prefix(&prefix)) {
            return Some(value.into());
        }
    }
    None
}

/// The names of all options of the program.
fn options_of(command: &Command) -> Vec<String> {
    let all = std::iter::once(command).chain(command.get_subcommands());
    let longs = all.flat_map(Command::get_arguments).filter_map(|argument| argument.get_long().map(str::to_owned));
    longs.chain(["help", "version"].map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_found_before_the_command_line_is_parsed() {
        let value = |arguments: &[&str]| value_of(&arguments.iter().map(OsString::from).collect::<Vec<_>>(), PLUGIN);
        assert_eq!(value(&["privacy", "check", "--plugin", "a.wasm"]), Some("a.wasm".into()));
        assert_eq!(value(&["privacy", "--plugin=a=b.wasm", "check"]), Some("a=b.wasm".into()));
        assert_eq!(value(&["privacy", "check", "--", "--plugin", "a.wasm"]), None);
        assert_eq!(value(&["privacy", "check", "--plugin"]), None);
    }
}
