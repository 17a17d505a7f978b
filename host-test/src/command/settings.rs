//! The settings of a connector as options and variables. The connector describes them, so that no vendor is named here.
//!
//! A value comes from the option, the profile that the command names, the variable, the profile `default`, in this order. A profile that is
//! named precedes variables, so that variables which were left over cannot mix two tenants.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgMatches, Command, value_parser};
use privacy_host::contract::{Setting, SettingField, SettingKind};

use super::connector::pair;
use super::errors::CommandError;
use super::profile::{NamedProfile, Precedence};
use super::secret::{self, SecretSource};

/// The prefix of the variables, as in the gateway.
pub(super) const PREFIX: &str = "CONNECTOR_";

/// The variable of a setting, as in the gateway.
pub(super) fn variable(key: &str) -> String {
    let character = |character: char| match character {
        character if character.is_ascii_alphanumeric() => character.to_ascii_uppercase(),
        _ => '_',
    };
    PREFIX.chars().chain(key.chars().map(character)).collect()
}

/// The settings that the command line gives, by their keys.
#[derive(Clone, Default)]
pub(super) struct Given {
    values: BTreeMap<String, String>,
    secret_files: BTreeMap<String, PathBuf>,
}

/// The option of a setting, without the dashes. A secret is given by its file, because other users can read a command line.
fn option(field: &SettingField, taken: &[String]) -> String {
    let name = match field.kind {
        SettingKind::Secret => format!("{}-file", field.key),
        _ => field.key.clone(),
    };
    if taken.contains(&name) { format!("connector-{name}") } else { name }
}

/// The identity of the option in the parser.
fn argument_id(field: &SettingField) -> String {
    format!("setting {}", field.key)
}

/// The command with an option for each setting.
pub(super) fn add_options(command: Command, fields: &[SettingField], taken: &[String]) -> Command {
    command.args(fields.iter().map(|field| {
        let name = option(field, taken);
        let help = format!("{} [variable: {}]", field.label, variable(&field.key));
        let argument =
            Arg::new(argument_id(field)).long(name).help_heading("Connector").long_help(long_help(field)).help(help);
        match field.kind {
            SettingKind::Secret => argument.value_name("FILE").value_parser(value_parser!(PathBuf)),
            SettingKind::Choice => {
                let values: Vec<String> = field.choices.iter().map(|(value, _)| value.clone()).collect();
                argument.value_name("CHOICE").value_parser(PossibleValuesParser::new(values))
            }
            SettingKind::Flag => argument
                .value_name("BOOL")
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
                .value_parser(["true", "false"]),
            SettingKind::Number => argument.value_name("NUMBER"),
            SettingKind::Origin => argument.value_name("ORIGIN"),
            SettingKind::Text => argument.value_name("TEXT"),
        }
    }))
}

fn long_help(field: &SettingField) -> String {
    let kind = if field.kind == SettingKind::Secret { "FILE contains it." } else { "" };
    let default = field.default.as_ref().map(|value| format!("[default: {value}]")).unwrap_or_default();
    let parts = [format!("{}.", field.label), field.help.clone(), kind.to_owned(), default];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    format!("{} [variable: {}]", parts.join(" "), variable(&field.key))
}

impl Given {
    /// The settings of a parsed command line.
    pub(super) fn of(matches: &ArgMatches, fields: &[SettingField]) -> Self {
        let mut given = Self::default();
        for field in fields {
            let (id, key) = (argument_id(field), field.key.clone());
            if field.kind == SettingKind::Secret {
                if let Ok(Some(file)) = matches.try_get_one::<PathBuf>(&id) {
                    given.secret_files.insert(key, file.clone());
                }
            } else if let Ok(Some(value)) = matches.try_get_one::<String>(&id) {
                given.values.insert(key, value.clone());
            }
        }
        given
    }

    /// The options that repeat these settings on another command line.
    pub(super) fn arguments(&self, fields: &[SettingField], taken: &[String]) -> Vec<OsString> {
        let mut arguments = Vec::new();
        for field in fields {
            let value = match (self.values.get(&field.key), self.secret_files.get(&field.key)) {
                (Some(value), _) => OsString::from(value),
                (None, Some(file)) => file.clone().into_os_string(),
                (None, None) => continue,
            };
            let name = format!("--{}", option(field, taken));
            if field.kind == SettingKind::Flag {
                // The value of a flag is optional, so that it is not a word of its own.
                arguments.push([OsString::from(name), value].join(OsStr::new("=")));
            } else {
                arguments.extend(pair(&name, value));
            }
        }
        arguments
    }

    /// The value of a setting that is no secret.
    pub(super) fn value(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// The file with a secret.
    pub(super) fn secret_file(&self, key: &str) -> Option<&Path> {
        self.secret_files.get(key).map(PathBuf::as_path)
    }

    /// All settings that have a value.
    ///
    /// # Errors
    /// A secret cannot be read. A setting that the connector requires is missing: the message names the option and the variable of each.
    pub(super) fn resolve(
        &self,
        fields: &[SettingField],
        taken: &[String],
        profile: Option<&NamedProfile>,
    ) -> Result<Vec<Setting>, CommandError> {
        let of_environment = |key: &str| std::env::var(variable(key)).ok();
        self.resolve_with(fields, taken, profile, of_environment)
    }

    fn resolve_with(
        &self,
        fields: &[SettingField],
        taken: &[String],
        profile: Option<&NamedProfile>,
        variable_of: impl Fn(&str) -> Option<String>,
    ) -> Result<Vec<Setting>, CommandError> {
        let mut settings = Vec::new();
        let mut missing = Vec::new();
        for field in fields {
            let key = field.key.as_str();
            let of_profile = |precedence: Precedence| -> Result<Option<String>, CommandError> {
                match profile.filter(|profile| profile.precedence == precedence) {
                    Some(named) => named.profile.value(field),
                    None => Ok(None),
                }
            };
            let mut value = match self.secret_files.get(key).cloned() {
                Some(file) => Some(secret::read(&SecretSource::File(file))?),
                None => self.values.get(key).cloned(),
            };
            if value.is_none() {
                value = of_profile(Precedence::Named)?;
            }
            value = value.or_else(|| variable_of(key).filter(|value| !value.is_empty()));
            if value.is_none() {
                value = of_profile(Precedence::Default)?;
            }
            match value {
                Some(value) => settings.push(Setting::new(key, value)),
                None if field.required => {
                    missing.push(format!("--{} (or the variable {})", option(field, taken), variable(key)));
                }
                None => {}
            }
        }
        if missing.is_empty() {
            return Ok(settings);
        }
        let missing = missing.join(", ");
        Err(CommandError::usage(format!("the connection is incomplete: {missing} is missing"))
            .with_advice("give each, or run `privacy configure` once"))
    }
}

/// Placeholders with which an instance can be configured that reaches nothing.
pub(super) fn placeholders(fields: &[SettingField]) -> Vec<Setting> {
    let required = fields.iter().filter(|field| field.required);
    let value = |field: &SettingField| match (field.kind, field.choices.first()) {
        (SettingKind::Choice, Some((value, _))) => value.clone(),
        (SettingKind::Flag, _) => "false".to_owned(),
        (SettingKind::Number, _) => "1".to_owned(),
        (SettingKind::Origin, _) => "https://placeholder.invalid".to_owned(),
        (SettingKind::Text | SettingKind::Secret | SettingKind::Choice, _) => "none".to_owned(),
    };
    required
        .map(|field| Setting::new(field.key.clone(), field.default.clone().unwrap_or_else(|| value(field))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::profile::Profile;

    fn field(key: &str, kind: SettingKind) -> SettingField {
        SettingField {
            key: key.to_owned(),
            label: key.to_owned(),
            help: String::new(),
            kind,
            required: true,
            default: None,
            choices: Vec::new(),
        }
    }

    fn resolve(given: &Given, precedence: Precedence) -> Vec<String> {
        let fields = ["a", "b", "c"].map(|key| field(key, SettingKind::Text));
        let of_profile = ["a", "b"].map(|key| (key.to_owned(), format!("profile {key}")));
        let profile = Profile { settings: BTreeMap::from(of_profile), ..Profile::default() };
        let profile = NamedProfile { precedence, profile };
        let variable = |key: &str| Some(format!("variable {key}"));
        let settings = given.resolve_with(&fields, &[], Some(&profile), variable);
        settings.unwrap_or_else(|error| panic!("{error}")).into_iter().map(|setting| setting.value.clone()).collect()
    }

    #[test]
    fn an_option_precedes_a_named_profile_a_variable_and_the_default_profile() {
        let given = Given { values: BTreeMap::from([("a".to_owned(), "option a".to_owned())]), ..Given::default() };
        assert_eq!(resolve(&given, Precedence::Named), ["option a", "profile b", "variable c"]);
        assert_eq!(resolve(&given, Precedence::Default), ["option a", "variable b", "variable c"]);
    }

    #[test]
    fn every_missing_setting_is_named_by_its_option_and_its_variable() {
        let fields = [field("client-id", SettingKind::Text), field("id", SettingKind::Secret)];
        let error = Given::default().resolve_with(&fields, &["client-id".to_owned()], None, |_| None);
        let message = error.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(message.contains("--connector-client-id (or the variable CONNECTOR_CLIENT_ID)"), "{message}");
        assert!(message.contains("--id-file (or the variable CONNECTOR_ID)"), "{message}");
    }

    #[test]
    fn variables_are_those_of_the_gateway() {
        assert_eq!(variable("datacenter-id"), "CONNECTOR_DATACENTER_ID");
        assert_eq!(variable("api.key v2"), "CONNECTOR_API_KEY_V2");
    }
}
